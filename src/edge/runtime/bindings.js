// The texts of bindings.

import { within } from './limits.js';

/** @typedef {Record<string, unknown>} Env */

/** @type {(binding: unknown) => boolean} */
const isObject = (binding) => typeof binding === 'object' && binding !== null;

/**
 * @param {Env} env
 * @param {string} name
 */
export function variable(env, name) {
  const { [name]: binding } = env;
  if (isObject(binding)) return JSON.stringify(binding);
  return typeof binding === 'string' ? binding : undefined;
}

/**
 * @param {Env} env
 * @param {string} names
 * @param {number} ms
 */
export async function texts(env, names, ms) {
  let refused = false;
  const read = names.split('\n').map((name) =>
    text(env[name], ms).catch(() => {
      refused = true;
    }),
  );
  const known = await Promise.all(read);
  return [refused, ...known];
}

/**
 * Returns a variable's text: a string as it is, a number or boolean as JSON writes it; or what a Secrets Store gives, which is an
 * object with an async `get`. Any other object has no text to give.
 *
 * @param {any} binding
 * @param {number} ms
 */
async function text(binding, ms) {
  if (typeof binding === 'number' || typeof binding === 'boolean') return String(binding);
  if (!isObject(binding)) return binding;
  // Called as a method and awaited as a thenable: if the store is reached by RPC, `get` has no `call` of its own, and returns no
  // `Promise`.
  return typeof binding.get === 'function' ? within(ms, () => binding.get()) : undefined;
}
