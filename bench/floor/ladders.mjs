// Ladders: work that is measured, one thing more on each rung, from what does nothing besides to Bargate; and beside them what others
// take for the same.

import { join } from 'node:path';
import { NEW_TOKENS, ROWS, WITH_CLAIM, fixed, proxied } from '../rows.mjs';
import { bundledWorkers } from '../testbed.mjs';
import { boundaryModule } from './modules.mjs';

/** Whose part a step is. */
export const PARTS = ['the runtime', 'any gateway', 'WebAssembly', 'Bargate'];
export const [RUNTIME, DUTY, WEBASSEMBLY, BARGATE] = PARTS;

/**
 * @typedef {object} Rung
 * @property {string} name of what is measured
 * @property {string} title
 * @property {string} [whose] part the step is; without it, it stands beside the ladder
 * @property {import('../rows.mjs').Row} [row]
 * @property {string} [source] of rungs/, if it is made here
 * @property {string[]} [has] what it has of that
 */

/** @typedef {{ name: string, title: string, unit?: string, rungs: Rung[] }} Ladder */

/** A rung that is a row of the other table. @type {(name: string, whose?: string) => Rung} */
const known = (name, whose) => {
  const row = ROWS.find((one) => one.name === name);
  return { name, title: row.title, whose, row };
};

/** A rung beside the ladder: a row that is sent a token or a cookie, which the runtime reads and nobody else. */
function sent(what, of, make, how) {
  const { title: known, worker, path } = ROWS.find((one) => one.name === of);
  const [name, title] = [`${of}-${what}`, `${known}, sent a ${what} that nobody reads`];
  return { name, title, row: make(name, title, worker, path, how) };
}

/**
 * Makes rungs of a source of rungs/, each of which has what those before have.
 *
 * @param {string} source
 * @param {(name: string, title: string, worker: string, sent?: any) => any} row
 * @param {{ has: string, title: string, whose?: string, sent?: any }[]} steps
 * @returns {Rung[]}
 */
function built(source, row, steps) {
  const has = [];
  return steps.map(({ has: step, title, whose, sent }) => {
    const all = [...has, step];
    if (whose) has.push(step);
    const name = `${source}-${step}`;
    return { name, title, whose, row: row(name, title, name, sent), source, has: all };
  });
}

const step = (has, whose, title, sent = undefined) => ({ has, whose, title, sent });
const entry = step('entry', WEBASSEMBLY, 'another answer if it fails');
const call = step('call', WEBASSEMBLY, 'one empty call into WebAssembly');
const texts = step('texts', WEBASSEMBLY, 'its head into WebAssembly and the answer’s headers back, each as one text');
const route = step('route', DUTY, 'the route found among 20');

/** @type {Ladder[]} */
export const LADDERS = [
  {
    name: 'proxied',
    title: 'A proxied request',
    rungs: [
      known('bare-proxied', RUNTIME),
      ...built('proxied', (name, title, worker, sent) => proxied(name, title, worker, '/proxied/open', sent), [
        step('direct', RUNTIME, 'sent by its address, with a copy of its headers, in place of a Request'),
        step('headers', DUTY, '15 of its headers deleted and 5 set'),
        route,
        step('ids', DUTY, 'a request id and a `traceparent` made'),
        step('timer', DUTY, 'a timer for the upstream to begin its answer'),
        step('abort', undefined, 'an AbortController that the timer aborts, beside that'),
        step('answer', DUTY, 'a new Response: 12 headers deleted, request id and CORS set'),
        entry,
        step('class', undefined, 'a class as the entry, beside that'),
        call,
        step('texts', WEBASSEMBLY, 'its head into WebAssembly and its changes back, each as one text'),
        step('moreTexts', WEBASSEMBLY, 'the same with the answer'),
        step('claim', undefined, 'a token found and looked up, and its claim set as a header, beside that', WITH_CLAIM),
      ]),
      sent('token', 'bare-proxied', proxied, { credential: 'token' }),
      known('open-proxied', BARGATE),
      known('token-proxied', BARGATE),
      known('hono-proxied'),
    ],
  },
  {
    name: 'fixed',
    title: 'A fixed answer',
    rungs: [
      known('bare-fixed', RUNTIME),
      ...built('fixed', (name, title, worker, sent) => fixed(name, title, worker, '/fixed/open', sent), [
        step('object', RUNTIME, 'an object in place of the class'),
        step('url', DUTY, 'the address parsed'),
        route,
        step('ids', DUTY, 'a request id made'),
        step('answer', DUTY, 'request id, CORS and `nosniff` set'),
        entry,
        call,
        texts,
        step('token', undefined, 'a token found and looked up, beside that', 'token'),
        step('session', undefined, 'the cookie of a session found, decoded and looked up, beside that', 'cookie'),
      ]),
      sent('token', 'bare-fixed', fixed, 'token'),
      sent('cookie', 'bare-fixed', fixed, 'cookie'),
      known('open-fixed', BARGATE),
      known('token-fixed', BARGATE),
      known('session-fixed', BARGATE),
      known('hono-fixed'),
      known('jose-fixed'),
    ],
  },
  {
    name: 'token',
    title: 'A token never seen',
    rungs: [
      newToken('token-bare', 'bare class, fixed answer', 'fixed-class', RUNTIME),
      ...built('token', (name, title, worker) => newToken(name, title, worker).row, [
        step('verify', RUNTIME, '`crypto.subtle.verify` with an imported key (RS256)'),
        step('reading', DUTY, 'the token decoded and parsed; issuer, audience and expiry compared'),
        step('duties', DUTY, 'the route found among 20; request id, CORS and `nosniff` set'),
        { ...texts, has: 'call' },
      ]),
      known('new-token', BARGATE),
      known('jose-new-token'),
    ],
  },
];

/** A row of bench/rows.mjs with other tokens. */
function newToken(name, title, worker, whose = undefined) {
  return { name, title, whose, row: fixed(name, title, worker, '/fixed/protected', NEW_TOKENS) };
}

/** The Workers of the rungs that are built. */
export function rungWorkers(place) {
  const boundary = boundaryModule(place.folder);
  const rungs = LADDERS.flatMap((ladder) => ladder.rungs).filter(({ source }) => source);
  const steps = (source) => rungs.filter((rung) => rung.source === source).flatMap(({ has }) => has);
  const sources = rungs.map(({ name, source, has }) => ({
    name,
    file: join('floor', 'rungs', `${source}.mjs`),
    define: Object.fromEntries(steps(source).map((step) => [`HAS.${step}`, String(has.includes(step))])),
    beside: [boundary],
  }));
  return bundledWorkers(place.folder, sources, place);
}
