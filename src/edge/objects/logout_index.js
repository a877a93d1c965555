// The sessions of an index, told something all at once.

import { ask } from '../runtime/object_client.js';
import { digest_text } from '../runtime/webcrypto.js';

/** So many are told something at once, and a page of a list has so many. */
const AT_ONCE = 50;

/**
 * Tells sessions to end, or with `id` the one of this id; or lists them, if there is an id `after` which they are. An id is a digest, by
 * which nobody can ask a session for anything.
 *
 * Returns two lines. The first has what is still to be said: the page of the list, in which a session that does not answer is unavailable;
 * or `failed` or `gone`, if one could not be ended or none has this id. The second has the names of those that have ended.
 *
 * @param {import('../runtime/object_client.js').Namespace} namespace
 * @param {string} names
 * @param {string} message
 * @param {number} ms
 * @param {string} [id]
 * @param {string} [after]
 * @param {string} [current]
 */
export async function told(namespace, names, message, ms, id, after, current) {
  const isList = after !== undefined;
  let sessions = names
    .split(' ')
    .filter(Boolean)
    .map((name) => ({ id: '', name }));
  if (isList || id !== undefined) {
    for (const session of sessions) session.id = await digest_text(session.name);
    sessions.sort((one, other) => (one.id < other.id ? -1 : 1));
    sessions = sessions.filter((session) => (isList ? session.id > after : session.id === id));
  }
  const page = [];
  const ended = [];
  let words = id !== undefined && !sessions.length ? 'gone' : '';
  for (let from = 0; from < (isList ? 1 : sessions.length); from += AT_ONCE) {
    const some = sessions.slice(from, from + AT_ONCE);
    const answers = some.map(({ name }) => ask(namespace, name, message, ms).catch(() => '{"unavailable":true}'));
    for (const [index, answer] of (await Promise.all(answers)).entries()) {
      const { name, id: own } = some[index];
      const said = JSON.parse(answer);
      if (isList && !said.ended) page.push({ id: own, current: name === current, ...said });
      else if (said.unavailable) words = 'failed';
      else ended.push(name);
    }
  }
  const next = sessions.length > AT_ONCE ? sessions[AT_ONCE - 1].id : null;
  return `${isList ? JSON.stringify({ sessions: page, next }) : words}\n${ended.join(' ')}`;
}
