// What `gateway` of library.mjs is given: the config, the modules beside it, and whether all is for `wrangler dev`; and what JavaScript
// asks the core. It is left here, so that nothing of this imports what the build makes.

/**
 * @typedef {import('../../../packages/bargate/service.d.ts').Service} Service
 * @typedef {{ until_ms: number, ask_at_ms: number }} Term in milliseconds since 1970
 * @typedef {Term & { next: 'end' | 'ask' | number }} Step
 * @typedef {(until_ms: number, ask_at_ms: number, now: number, asked?: number, answer?: string) => Step} WatchStep
 * @typedef {object} Inputs
 * @property {() => string | Promise<string>} config
 * @property {string} prepared the same as the gateway starts from it; empty if there is no such form
 * @property {boolean} forDev
 * @property {WatchStep} watch_step
 * @property {(id: number) => void} abandon
 * @property {(id: number, value: unknown, failed: boolean) => unknown} resume
 * @property {Record<string, () => Promise<{ default: Service | (new () => Service) }>>} services
 */

/** @type {any} */
const empty = {};
/**
 * Those of this copy of the gateway: library.mjs, which is evaluated next, takes them from where they are put.
 *
 * @type {Inputs}
 */
const inputs = /** @type {any} */ ((globalThis[Symbol.for('bargate.inputs')] = empty));

export const services = () => inputs.services;
export const watch_step = () => inputs.watch_step;
export const abandon = () => inputs.abandon;
export const resume = () => inputs.resume;
// As bytes: letter by letter, a long text would take a good part of a start.
export const prepared_config = () => new TextEncoder().encode(inputs.prepared || 'not prepared');
/** Called only if what was prepared cannot be used, or if somebody asks which config is active. */
export const built_in_config = async () => inputs.config();

/** The text of the active config, if that was not built in. @type {string | undefined} */
let active;

/** @param {string | undefined} text */
export function activated(text) {
  active = text;
}

/** Returns the text of the active config. */
export const active_config = async () => active ?? built_in_config();
export const built_for_dev = () => inputs.forDev;

/** @param {string} name */
export function has_service(name) {
  return Object.hasOwn(services(), name);
}
