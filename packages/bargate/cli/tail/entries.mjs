// What an event of `wrangler tail` says: the request that the gateway logged, its other lines, and what others wrote.

/**
 * A line for people. `time` is in milliseconds since 1970.
 *
 * @typedef {object} Entry
 * @property {'request' | 'line' | 'other'} kind `request` was answered, `line` is another line of the gateway's, `other` is anybody's.
 * @property {number | undefined} time
 * @property {'debug' | 'info' | 'warn' | 'error'} level
 * @property {string} [method]
 * @property {number} [status]
 * @property {string | null} [route]
 * @property {string} [path] the path that was called, if the gateway did not log the request
 * @property {string} [code]
 * @property {string} [text] a reason, a message or a line
 * @property {number} [duration_ms]
 * @property {string} [request_id]
 * @property {string} [trace_id]
 * @property {boolean} [cancelled] whether the client hung up before the answer
 */

/** How severe a line is, from the least. */
export const LEVELS = /** @type {const} */ (['debug', 'info', 'warn', 'error']);

/** What the runtime says of invocations in which nothing failed. */
const WELL = ['ok', 'canceled', 'responseStreamDisconnected'];

/** How the hook of panics begins its line. */
const PANIC = /\bpanicked\b/;

/**
 * Returns what an event says, in its order.
 *
 * @param {Record<string, any>} event
 * @returns {Entry[]}
 */
export function entriesOf(event) {
  const time = timeOf(event.eventTimestamp);
  const source = objectOf(event.event);
  const logs = listOf(event.logs).map((log) => ofLog(objectOf(log), time));
  const exceptions = listOf(event.exceptions).map((exception) => {
    const { name, message, timestamp } = objectOf(exception);
    /** @type {Entry} */
    const entry = { kind: 'line', level: 'error', time: timeOf(timestamp) ?? time, code: 'exception' };
    return { ...entry, text: `${textOf(name)}: ${textOf(message)}` };
  });
  const cancelled = event.outcome === 'canceled' || event.outcome === 'responseStreamDisconnected';
  const logged = logs.find(({ kind }) => kind === 'request');
  if (logged && cancelled) logged.cancelled = true;
  const outcome = logged ? [] : ofOutcome(event, source, time, cancelled);
  // The exception that ended an invocation is the reason of its outcome, and counts once.
  if (event.outcome === 'exception' && outcome.length && exceptions.length) {
    const { text } = /** @type {Entry} */ (exceptions.shift());
    outcome[0].text = [outcome[0].text, text].filter(Boolean).join(': ');
  }
  const overload =
    source.type && source.message ? [{ kind: 'other', level: 'warn', time, text: textOf(source.message) }] : [];
  return /** @type {Entry[]} */ ([...logs, ...exceptions, ...outcome, ...overload]);
}

/** @param {Record<string, any>} log @param {number | undefined} eventTime @returns {Entry} */
function ofLog({ message, level, timestamp }, eventTime) {
  const time = timeOf(timestamp) ?? eventTime;
  const words = listOf(message);
  const line = words.length === 1 ? lineOf(words[0]) : undefined;
  const severity = levelOf(line?.level) ?? levelOf(level) ?? 'info';
  if (line && isRequest(line))
    return {
      kind: 'request',
      time,
      level: severity,
      method: textOf(line.method),
      status: line.status,
      route: line.route === null ? null : textOf(line.route),
      ...given({ code: line.code, text: line.reason, request_id: line.request_id, trace_id: line.trace_id }),
      duration_ms: numberOf(line.duration_ms),
    };
  if (line && typeof line.code === 'string' && typeof line.message === 'string')
    return { kind: 'line', time, level: severity, code: line.code, text: line.message };
  const text = words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word))).join(' ');
  return PANIC.test(text)
    ? { kind: 'line', time, level: 'error', code: 'panic', text }
    : { kind: 'other', time, level: severity, text };
}

/**
 * Returns what is known of an invocation without a line of the gateway's: by `LOG_LEVEL`, or since the runtime ended it.
 *
 * @returns {Entry[]}
 */
function ofOutcome({ outcome, wallTime, entrypoint }, source, time, cancelled) {
  const isWell = WELL.includes(outcome) || outcome === undefined;
  const level = isWell ? 'info' : 'error';
  const { request, response, rpcMethod } = source;
  const code = isWell ? undefined : textOf(outcome);
  if (request)
    return [
      {
        kind: 'request',
        time,
        level,
        method: textOf(objectOf(request).method),
        status: numberOf(objectOf(response).status),
        path: pathOf(objectOf(request).url),
        ...given({ code }),
        duration_ms: numberOf(wallTime),
        cancelled,
      },
    ];
  // Most calls of objects say nothing.
  if (isWell) return [];
  const called = [entrypoint, rpcMethod ?? ('scheduledTime' in source ? 'alarm' : undefined)].filter(Boolean);
  return [{ kind: 'line', time, level, code, text: called.map(textOf).join('.') }];
}

/** Returns a line of JSON as an object, also if it has become one on its way. */
function lineOf(word) {
  if (typeof word !== 'string') return word && typeof word === 'object' && !Array.isArray(word) ? word : undefined;
  if (!word.startsWith('{')) return undefined;
  try {
    return objectOf(JSON.parse(word));
  } catch {
    return undefined;
  }
}

const isRequest = (line) =>
  Number.isInteger(line.status) && typeof line.method === 'string' && typeof line.request_id === 'string';

/** Only the path: a query may have a login's code. */
function pathOf(url) {
  try {
    return new URL(textOf(url)).pathname;
  } catch {
    return '';
  }
}

/** Returns the members that are texts. @param {Record<string, unknown>} members */
const given = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => typeof value === 'string'));

const levelOf = (level) => LEVELS.find((known) => known === (level === 'log' ? 'info' : level));
const listOf = (value) => (Array.isArray(value) ? value : []);
/** @returns {Record<string, any>} */
const objectOf = (value) => (value && typeof value === 'object' ? value : {});
/** Returns a time that a date can have. */
const timeOf = (value) => (Number.isNaN(new Date(numberOf(value) ?? Number.NaN).getTime()) ? undefined : value);
const numberOf = (value) => (Number.isFinite(value) ? value : undefined);
const textOf = (value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
