// What `health` says of the config's text and of objects.

import { built_in_config } from '../gateway/inputs.js';
import { ask } from '../runtime/object_client.js';

/** Objects are asked again after so long: a path that anybody may call must not cost a request to each for every call. */
const OBJECTS_RECHECK_MS = 10_000;

/** How long an object may take. */
const OBJECT_MAX_MS = 3_000;

/** So much of the digest tells configs apart. */
const ID_LENGTH = 16;

/**
 * Returns the beginning of the SHA-256 of a config, or of the one that was built in, however it is laid out: a module may have it as an
 * object, and KV as another text than its file.
 *
 * @param {string} [text]
 */
export async function config_id(text) {
  const bytes = new TextEncoder().encode(JSON.stringify(JSON.parse(text ?? (await built_in_config()))));
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).toHex().slice(0, ID_LENGTH);
}

/** What objects last said; nothing before they were asked. @type {string | undefined} */
let known;
let askedMs = -OBJECTS_RECHECK_MS;

/**
 * Asks an object of each class, in lines of binding and message, unless that was done lately. Returns a line for each that is bound:
 * the name of the binding, and `ok` or a code.
 *
 * @param {Record<string, any>} env
 * @param {string} questions
 */
export async function check_objects(env, questions) {
  if (Math.abs(Date.now() - askedMs) >= OBJECTS_RECHECK_MS) {
    // Taken only by this request: others get what is known, so that many at once cost no more.
    askedMs = Date.now();
    const answers = questions.split('\n').map(async (question) => {
      const [, binding, message] = /** @type {string[]} */ (/(\w+) (.*)/.exec(question));
      if (!env[binding]) return [];
      const said = ask(env[binding], 'health', message, OBJECT_MAX_MS);
      return `${binding} ${await said.then(
        () => 'ok',
        () => 'store_unavailable',
      )}`;
    });
    known = (await Promise.all(answers)).flat().join('\n');
  }
  return known;
}
