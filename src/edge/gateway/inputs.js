// What the build gives the gateway: the config that is built in, the modules beside it, whether all is for `wrangler dev`, and what
// JavaScript asks the core. `worker.mjs` leaves it here, so that nothing of this imports what the build makes.

/**
 * @typedef {{ fetch(request: Request, env: unknown, context: unknown): unknown }} Service
 * @typedef {{ until_ms: number, ask_at_ms: number }} Term in milliseconds since 1970
 * @typedef {Term & { next: 'end' | 'ask' | number }} Step
 * @typedef {(until_ms: number, ask_at_ms: number, now: number, asked?: number, answer?: string) => Step} WatchStep
 * @typedef {object} Inputs
 * @property {string} config
 * @property {boolean} forDev
 * @property {WatchStep} watch_step
 * @property {(id: number, value: unknown, failed: boolean) => unknown} resume
 * @property {Record<string, () => Promise<{ default: Service | (new () => Service) }>>} services
 */

/** @type {() => Inputs} */
const inputs = () => /** @type {any} */ (globalThis)[Symbol.for('bargate.inputs')];

export const services = () => inputs().services;
export const watch_step = () => inputs().watch_step;
export const resume = () => inputs().resume;
export const built_in_config = () => inputs().config;
export const built_for_dev = () => inputs().forDev;

/** @param {string} name */
export function has_service(name) {
  return Object.hasOwn(services(), name);
}
