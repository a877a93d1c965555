// What `gateway` takes, checked when the Worker starts: a mistake in it is one of the Worker's code, and would otherwise be an answer to
// each request, or a rule of the config that is lost.

/** The date by which all tests run, and a flag by which the runtime says that it goes by this date or a later one. */
const NEEDED = { date: '2026-10-01', flag: 'durable_object_io_tasks_prevent_eviction' };
/** What is left of a module's key where a config may write it in several ways: `./services/a.ts` and `services/a` are one. */
const AROUND = /^(?:\.\/)+|\.m?[jt]s$/g;

/** @type {(value: unknown) => string} */
const kindOf = (value) => (value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value);

/**
 * Returns the inputs that options stand for.
 *
 * @param {any} options
 */
export function inputsOf(options) {
  if (kindOf(options) !== 'object') throw new TypeError(`gateway() takes { config, services }, not ${kindOf(options)}`);
  const { config, services = {}, prepared = '', ...unknown } = options;
  for (const name in unknown)
    throw new TypeError(`gateway() has no option "${name}": there are config, services and prepared`);
  if (typeof prepared !== 'string') throw new TypeError(`gateway(): prepared is ${kindOf(prepared)}, not a text`);
  if (prepared && typeof config !== 'function')
    throw new TypeError(
      'gateway(): prepared needs the config from the same file, where "bargate check --prepare" wrote both',
    );
  // @ts-expect-error: `wrangler dev --define` replaces it, and a build may set it.
  const forDev = typeof BARGATE_DEV !== 'undefined' && BARGATE_DEV === true;
  checkDate(forDev);
  const text = typeof config === 'function' ? undefined : textOf(config);
  return {
    config: text === undefined ? config : () => text,
    /** By which two configs are told apart. */
    source: text ?? (prepared || config),
    services: modulesOf(services),
    prepared,
    forDev,
  };
}

/**
 * Refuses an older compatibility date. A local run may have one, since test runners bring runtimes that know no later one.
 *
 * @param {boolean} forDev
 */
function checkDate(forDev) {
  if (/** @type {any} */ (globalThis).Cloudflare?.compatibilityFlags?.[NEEDED.flag]) return;
  const message = `bargate needs compatibility_date = "${NEEDED.date}" or later in the configuration of wrangler`;
  if (!forDev) throw new Error(message);
  console.warn(message);
}

/**
 * Returns the config's text. It is taken from an object once: what is changed in that later changes no rule.
 *
 * @param {unknown} config
 */
function textOf(config) {
  if (typeof config === 'string' && config.trim()) return config;
  if (kindOf(config) !== 'object') {
    const kind = typeof config === 'string' ? 'an empty text' : kindOf(config);
    throw new TypeError(`gateway(): config is ${kind}: import it from gateway.config.json, or give its text`);
  }
  return JSON.stringify(config, jsonOnly);
}

/**
 * Refuses what JSON would leave out or replace: a rule that is lost is a path that is open.
 *
 * @param {string} key
 * @param {unknown} value
 */
function jsonOnly(key, value) {
  if (isJson(value)) return value;
  const kind = typeof value === 'object' ? value?.constructor.name : typeof value === 'number' ? value : typeof value;
  throw new TypeError(`gateway(): "${key}" in config is ${kind}, which JSON has not`);
}

/** @param {unknown} value */
function isJson(value) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object': {
      if (value === null || Array.isArray(value)) return true;
      const prototype = Object.getPrototypeOf(value);
      return prototype === null || Object.getPrototypeOf(prototype) === null;
    }
  }
  return false;
}

/**
 * Returns modules by the names that a config gives them.
 *
 * @param {unknown} services
 */
function modulesOf(services) {
  if (kindOf(services) !== 'object') throw new TypeError(`gateway(): services is ${kindOf(services)}, not an object`);
  const [modules, keys] = [new Map(), new Map()];
  for (const [key, module] of Object.entries(/** @type {object} */ (services))) {
    const name = key.replace(AROUND, '');
    if (typeof module !== 'function')
      throw new TypeError(`gateway(): services has "${key}" as ${kindOf(module)}: write () => import("${key}")`);
    if (keys.has(name))
      throw new TypeError(`gateway(): services has "${keys.get(name)}" and "${key}", which are one name: rename one`);
    keys.set(name, key);
    modules.set(name, module);
  }
  return Object.fromEntries(modules);
}
