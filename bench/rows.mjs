// The table: what is measured, and what it must cost. The same handlers twice, first and last of those that are compared with them in a
// round, tell how quiet the machine is.

import { USER } from './credentials.mjs';
import { BOUND } from './gateway.mjs';

/** A credential: each request has another token, which nobody has seen. */
export const NEW_TOKENS = 'new tokens';
/** A credential: each request has another proof beside one token that is bound to a key. */
export const PROOFS = 'proofs';

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title
 * @property {string} worker
 * @property {string} path
 * @property {string} body the answer
 * @property {string} credential of credentials.mjs, or `new tokens`, or `proofs`
 * @property {string} base the row that does the same and nothing besides
 */

/** A request that an upstream answers with the user that it was told. */
export const proxied = (name, title, worker, path, { user = null, credential = 'none' } = {}) => ({
  ...{ name, title, worker, path, credential },
  body: JSON.stringify({ user }),
  base: 'bare-proxied',
});

/** A request that the Worker answers by itself. */
export const fixed = (name, title, worker, path, credential = 'none') => ({
  ...{ name, title, worker, path, credential },
  body: '{"status":"ok"}',
  base: 'bare-fixed',
});

const [PROXIED, PROXIED_WITH_CLAIM, FIXED, PROTECTED] = [
  '/proxied/open',
  '/proxied/token',
  '/fixed/open',
  '/fixed/protected',
];
/** What a request brings whose upstream is told of its user. */
export const WITH_CLAIM = { user: USER, credential: 'token' };

/** The rows without copies. @type {Row[]} */
const EACH = [
  proxied('bare-proxied', 'bare JavaScript pass-through', 'pass-through', PROXIED),
  proxied('hono-proxied', 'Hono, jwk + proxy + one claim header', 'hono', PROXIED_WITH_CLAIM, WITH_CLAIM),
  proxied('open-proxied', 'Bargate, open, proxied', 'bargate', PROXIED),
  proxied(
    'token-proxied',
    'Bargate, remembered token, claim header, proxied',
    'bargate',
    PROXIED_WITH_CLAIM,
    WITH_CLAIM,
  ),
  proxied('bare-proxied-again', 'bare JavaScript pass-through, again', 'pass-through', PROXIED),
  fixed('bare-fixed', 'bare class, fixed answer', 'fixed-class', FIXED),
  fixed('hono-fixed', 'Hono, fixed answer', 'hono', FIXED),
  fixed('open-fixed', 'Bargate, open, fixed answer', 'bargate', FIXED),
  fixed('jose-fixed', 'jose, remote key set, fixed answer', 'jose', PROTECTED, 'token'),
  fixed('token-fixed', 'Bargate, remembered token, fixed answer', 'bargate', PROTECTED, 'token'),
  fixed('proof-fixed', 'Bargate, remembered bound token, a new proof', 'bargate-beside', BOUND, PROOFS),
  fixed('auth0-hono-session', '@auth0/auth0-hono, session', 'auth0-hono', PROTECTED, 'auth0-hono session'),
  fixed('session-fixed', 'Bargate, remembered session', 'bargate', PROTECTED, 'session'),
  fixed('jose-new-token', 'jose, a token never seen', 'jose', PROTECTED, NEW_TOKENS),
  fixed('new-token', 'Bargate, a token never seen', 'bargate', PROTECTED, NEW_TOKENS),
  fixed('bare-fixed-again', 'bare class, again', 'fixed-class', FIXED),
];

/** The rows of Bargate, with a config whose other paths use what these do not: `besideConfig` of gateway.mjs. */
const BESIDE = copies('beside', 'beside paths of every other kind');
/** What other paths use may cost a path this much, at most. */
const BESIDE_MOST = 1.03;

export const ROWS = withCopies(EACH, BESIDE);

/** Rows that measure the same thing twice. */
export const PAIRS = [
  ['bare-proxied', 'bare-proxied-again'],
  ['bare-fixed', 'bare-fixed-again'],
];

/**
 * What a row may cost at most, as a multiple of another. `goal` is what the project aims at beyond that.
 *
 * @typedef {{ of: string, to: string, most: number, goal?: number }} Target
 */

/** @type {Target[]} */
export const TARGETS = [
  { of: 'open-proxied', to: 'bare-proxied', most: 1.35, goal: 1.2 },
  { of: 'token-proxied', to: 'bare-proxied', most: 1.45, goal: 1.3 },
  { of: 'token-proxied', to: 'hono-proxied', most: 0.85 },
  { of: 'open-fixed', to: 'bare-fixed', most: 1.25 },
  { of: 'open-fixed', to: 'hono-fixed', most: 1 },
  { of: 'token-fixed', to: 'bare-fixed', most: 1.35 },
  { of: 'token-fixed', to: 'jose-fixed', most: 0.7 },
  { of: 'session-fixed', to: 'token-fixed', most: 1.1 },
  { of: 'proof-fixed', to: 'token-fixed', most: 8 },
  { of: 'new-token', to: 'jose-new-token', most: 1.1 },
  ...BESIDE.map(({ name, base }) => ({ of: name, to: base, most: BESIDE_MOST })),
];

/** The rows of another bundle beside those of this one, and how much they may differ: for comparing two commits. */
export function withBaseline(most) {
  const before = copies('before', 'before');
  return {
    rows: withCopies(ROWS, before),
    targets: [...TARGETS, ...before.map(({ name, base }) => ({ of: base, to: name, most }))],
  };
}

/** The rows of Bargate once more, of another Worker. Their base is the row that each is a copy of. */
function copies(suffix, title) {
  const own = EACH.filter(({ worker }) => worker === 'bargate');
  return own.map((one) => ({
    ...one,
    name: `${one.name}-${suffix}`,
    title: `${one.title}, ${title}`,
    worker: `${one.worker}-${suffix}`,
    base: one.name,
  }));
}

/** Rows, each with its copy behind it. */
function withCopies(rows, copied) {
  return rows.flatMap((one) => [one, ...copied.filter(({ base }) => base === one.name)]);
}
