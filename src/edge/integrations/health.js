// What `health` says.

import { waitUntil } from 'cloudflare:workers';
import { active_config } from '../gateway/inputs.js';
import { ask } from '../runtime/object_client.js';

/** Objects are asked again after so long: a path that anybody may call must not cost a request to each for every call. */
const OBJECTS_RECHECK_MS = 10_000;

/** How long an object may take. */
const OBJECT_MAX_MS = 3_000;

/** So much of the digest tells configs apart. */
const ID_LENGTH = 16;

/**
 * The bindings of the classes, and for each a message that an object without anything stored answers without storing anything. Every
 * build knows them, so a rollout looks like no failure. A limit that lets nothing through counts nothing.
 */
const QUESTIONS = /** @type {const} */ ([
  ['REFRESH_EXCHANGES', '{"revoke":""}'],
  ['LOGOUT_INDEX', '{"list":""}'],
  ['RATE_LIMITS', '0 1'],
  ['DPOP_PROOFS', ''],
  ['SESSIONS', '{"do":"access","key":"","silent":true}'],
]);

const WELL = 'ok';
const AWAY = 'store_unavailable';

/** The config whose id was asked for last. @type {{ text?: string, id?: string }} */
let identified = {};

/** What is known of objects, by their bindings. @typedef {Record<string, string>} States */

/** What objects said last; `null` while they are asked for the first time. @type {States | null} */
let known = null;
/** What those said that were asked last; who has not answered yet is away. @type {States | null} */
let latest = null;
let askedMs = -OBJECTS_RECHECK_MS;

/** @param {...any} of */
export async function state(...of) {
  const [env, names, keys, source, sinceMs, lastGood, failure, failedMs, withSessions] = of;
  // Before anything is awaited: the numbers are in memory that others write.
  const authorizers = names.map((/** @type {string} */ name, /** @type {number} */ at) => {
    const [usable, age, isWithheld] = keys.slice(3 * at);
    const refresh_tokens = isWithheld ? 'not_given' : undefined;
    // An age that is no number becomes null.
    return { name, keys: { usable: !!usable, age_seconds: age }, refresh_tokens };
  });
  if (withSessions !== undefined) await askObjects(env, withSessions);
  const objects = withSessions === undefined ? undefined : known;
  const isWell =
    authorizers.every((/** @type {any} */ { keys }) => keys.usable) &&
    Object.values(objects ?? {}).every((said) => said === WELL);
  return JSON.stringify({
    status: isWell ? WELL : 'unavailable',
    config: { source, id: await activeId(), ...since('loaded_at', sinceMs), last_good: lastGood },
    authorizers,
    last_provider_failure: failure ? { code: failure, ...since('at', failedMs) } : undefined,
    objects,
  });
}

/** @param {string} name @param {number} ms */
const since = (name, ms) => ({
  [name]: new Date(ms).toISOString(),
  age_seconds: Math.floor((Date.now() - ms) / 1000),
});

/** A monitor must not take a config without an id for a gateway that is away. */
const activeId = () =>
  active_config()
    .then(idOf)
    .catch(() => null);

/**
 * Returns the beginning of the SHA-256 of a config, however it is laid out: a module may have it as an object, and KV as another text than
 * its file.
 *
 * @param {string} text
 */
async function idOf(text) {
  if (identified.text !== text) {
    // A mark that some editors put before a text is no part of the config.
    const bytes = new TextEncoder().encode(JSON.stringify(JSON.parse(text.replace(/^\uFEFF/, ''))));
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    identified = { text, id: new Uint8Array(digest).toHex().slice(0, ID_LENGTH) };
  }
  return identified.id;
}

/**
 * Asks an object of each class that is bound, unless that was done lately.
 *
 * @param {Record<string, any>} env
 * @param {boolean} withSessions
 */
async function askObjects(env, withSessions) {
  const agoMs = Math.abs(Date.now() - askedMs);
  // The others do not depend on the request that asked: if it is gone with its answers, they see who has not answered.
  if (agoMs > OBJECT_MAX_MS) known = latest;
  if (agoMs < OBJECTS_RECHECK_MS) return;
  // Taken only by this request: others get what is known, so that many at once cost no more.
  askedMs = Date.now();
  /** @type {States} */
  const states = {};
  latest = states;
  const asked = QUESTIONS.map(async ([binding, message]) => {
    if (!env[binding] || (binding === 'SESSIONS' && !withSessions)) return;
    states[binding] = AWAY;
    try {
      await ask(env[binding], 'health', message, OBJECT_MAX_MS);
      states[binding] = WELL;
    } catch {}
  });
  const work = Promise.all(asked).then(() => {
    known = states;
  });
  // Whoever asks may hang up.
  waitUntil(work);
  await work;
}
