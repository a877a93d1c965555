// What a route asks for, where it leads and what it exposes: in signs, in few words, and in sentences. It reads a route as
// `bargate routes --format json` prints it, and decides nothing that the gateway decides.

import { printable } from './printable.mjs';

/**
 * @typedef {{ authorizer: string, scopes: string[], any_scopes: string[], permissions: string[], claims: string[],
 *   acr_values: string[], max_age_seconds: number | null, optional: boolean }} Auth
 * @typedef {{ method: string, host: string | null, path: string, auth: Auth | null, session?: boolean, integration: string,
 *   target: string, rules: string[], entry?: string | null, line?: number, column?: number }} Route
 * @typedef {keyof typeof KINDS} Kind
 * @typedef {{ kind: Kind | null, text: string }} Badge A text, and the kind that it has its sign and colour from.
 */

/** The kinds of what is shown of a route, each with its sign and the word of the legend. Colours are those of the palette. */
export const KINDS = {
  open: { sign: '○', word: 'open to anyone' },
  optional: { sign: '◐', word: 'token optional' },
  token: { sign: '●', word: 'token' },
  session: { sign: '■', word: 'or a session' },
  scopes: { sign: '◆', word: 'scopes and other requirements' },
  exposed: { sign: '▲', word: 'exposed' },
  rule: { sign: '·', word: 'another rule' },
  added: { sign: '+', word: 'added' },
  removed: { sign: '−', word: 'removed' },
  changed: { sign: '~', word: 'changed' },
};

/** What hands requests to the code of others. */
const FORWARDS = ['http', 'http_proxy', 'service', 'service_binding'];

/** Rules that keep callers away, whatever they are shown. */
const KEEPS_OUT = ['ip', 'pre_process'];

const RULES = {
  rate_limit: 'Limits how often requests may come.',
  max_body_bytes: 'Limits how large a body may be.',
  content_types: 'Takes only bodies of certain media types.',
  cache: 'May answer from the cache.',
  ip: 'Takes requests from certain addresses only.',
  pre_process: 'Asks another Worker first whether the request may go on.',
};

/** By integration, without the prefix of the provider: in few words, and as a sentence. */
const DESTINATIONS = {
  http: [(to) => to, (to) => `Goes to the upstream ${to}.`],
  http_proxy: [(to) => to, (to) => `Goes to the upstream ${to}.`],
  service: [(to) => `module ${to}`, (to) => `Is answered by the module ${to} beside the gateway.`],
  service_binding: [(to) => `Worker ${to}`, (to) => `Is answered by the other Worker ${to}.`],
  response: [(to) => `answer ${to}`, (to) => `Gets a fixed answer with status ${to}.`],
  static: [(to) => `answer ${to}`, (to) => `Gets a fixed answer with status ${to}.`],
  redirect: [(to) => `redirect to ${to}`, (to) => `Is redirected to ${to}.`],
  health: [() => 'health', () => 'Answers whether the gateway is healthy.'],
  sessions: [() => 'sessions', () => 'Lists or ends the sessions of a user.'],
  login: [at('login'), (to) => `Sends the browser to log in${at('')(to)}.`],
  callback_redirect: [at('login'), (to) => `Sends the browser to log in${at('')(to)}.`],
  callback: [at('callback of the login'), (to) => `Is where the browser comes back to from the login${at('')(to)}.`],
  userinfo: [at('profile'), (to) => `Answers with the profile of the user${at('')(to)}.`],
  refresh: [at('new tokens'), (to) => `Gets new tokens for a refresh token or a session${at('')(to)}.`],
  revocation: [at('revocation'), (to) => `Revokes a refresh token${at('')(to)}.`],
  logout: [at('logout'), (to) => `Ends the session, and logs out${at('')(to)}.`],
  backchannel_logout: [at('back-channel logout'), () => 'Takes word from the provider that a user has logged out.'],
  frontchannel_logout: [at('front-channel logout'), () => 'Is loaded by the page of the provider at a logout.'],
  supabase_passwordless_auth: [() => 'one-time password', () => 'Has Supabase send a one-time password.'],
  supabase_passwordless_auth_alt: [() => 'one-time password', () => 'Has Supabase send a one-time password.'],
  supabase_passwordless_verify: [() => 'verification', () => 'Has Supabase verify a one-time password.'],
  protected_resource: [() => 'metadata', () => 'Tells OAuth clients what tokens they need (RFC 9728).'],
};

function at(what) {
  return (provider) => (provider ? `${what} at ${provider}` : what);
}

/** Returns the kind of what a route asks for. @returns {Kind} */
export function demand({ auth }) {
  if (!auth) return 'open';
  if (auth.optional) return 'optional';
  return requirements(auth).length ? 'scopes' : 'token';
}

/** Checks whether whoever reaches the gateway reaches, through this route, what is behind it. */
export function isExposed({ auth, integration, rules }) {
  return (!auth || auth.optional) && FORWARDS.includes(integration) && !KEEPS_OUT.some((rule) => rules.includes(rule));
}

/** Returns what is shown beside a route: what it asks for, one badge a thing. @returns {Badge[]} */
export function badges(route) {
  const { auth } = route;
  /** @type {Badge[]} */
  const shown = [];
  /** @type {(kind: Kind, text: string) => void} */
  const add = (kind, text) => shown.push({ kind, text: printable(text) });
  if (auth) add(auth.optional ? 'optional' : 'token', auth.optional ? `${auth.authorizer}, optional` : auth.authorizer);
  else add('open', 'open');
  if (route.session) add('session', 'or session');
  for (const { few } of auth ? requirements(auth) : []) add('scopes', few);
  if (isExposed(route)) add('exposed', 'exposed');
  for (const rule of route.rules) add('rule', rule);
  return shown;
}

/** Returns how many routes of which kind a folded branch has, as badges. @returns {Badge[]} */
export function summaryOf(counts) {
  const kinds = /** @type {Kind[]} */ (Object.keys(KINDS)).filter((kind) => counts[kind]);
  const all = { kind: null, text: counts.routes === 1 ? '1 route' : `${counts.routes ?? 0} routes` };
  return [all, ...kinds.map((kind) => ({ kind, text: String(counts[kind]) }))];
}

/** Returns where a route leads, in few words. */
export function destination({ integration, target }) {
  const [few] = destinationWords(integration);
  return printable(few(target));
}

/** Returns what a route asks for, as it is read out in a row. */
export function spokenDemand({ auth, session }) {
  if (!auth) return 'open';
  const credential = `token of ${auth.authorizer}${session ? ' or session' : ''}`;
  const words = [
    auth.optional ? `${credential}, optional` : credential,
    ...requirements(auth).map(({ spoken }) => spoken),
  ];
  return printable(words.join(', '));
}

/** Returns the name of a route, as `diff` and `--match` have it. */
export function routeName({ method, host, path }) {
  return printable(`${method} ${host ?? ''}${path}`);
}

/** Returns the rule of a route in sentences. @returns {string[]} */
export function describe(route) {
  const { auth } = route;
  const sentences = [...ofPattern(route)];
  const credential = auth && `a token of ${auth.authorizer}${route.session ? ', or a session' : ''}`;
  if (!auth) sentences.push('Anyone may call this: no token is asked for.');
  else if (auth.optional)
    sentences.push(`Anyone may call this without a token. One that is sent must be ${credential}.`);
  else sentences.push(`Needs ${credential}.`);
  if (auth) sentences.push(...requirements(auth).map(({ sentence }) => sentence));
  sentences.push(...route.rules.map((rule) => RULES[rule] ?? `Has the rule ${rule}.`));
  const [, sentence] = destinationWords(route.integration);
  sentences.push(sentence(route.target));
  if (isExposed(route)) sentences.push('Exposed: whoever reaches the gateway reaches what is behind this route.');
  return sentences.map(printable);
}

function* ofPattern({ method, path }) {
  if (method === 'ANY') yield 'Takes every method that no other route of this path has.';
  const parameters = path.split('/').filter((segment) => /^\{.*[^+]\}$/.test(segment));
  if (parameters.length)
    yield `${list(parameters, 'and')} ${parameters.length > 1 ? 'are' : 'is'} one segment${parameters.length > 1 ? ' each' : ''}, whatever it is.`;
  const rest = /\{[^/]*\+\}$/.exec(path);
  if (rest) yield `${rest[0]} is the rest of the path, which may be empty.`;
}

/** Returns what a token must have: in few words, as it is read out, and as sentences. */
function requirements(auth) {
  const { scopes, any_scopes, permissions, claims, acr_values, max_age_seconds } = auth;
  const found = [];
  const add = (few, spoken, sentence = `It must have the ${spoken}.`) => found.push({ few, spoken, sentence });
  if (scopes.length) add(scopes.join(' '), `${plural('scope', scopes)} ${list(scopes, 'and')}`);
  if (any_scopes.length)
    add(
      any_scopes.join(' | '),
      `scope ${list(any_scopes, 'or')}`,
      `It must have one of the scopes ${list(any_scopes, 'or')}.`,
    );
  if (permissions.length)
    add(`permissions ${permissions.join(' ')}`, `${plural('permission', permissions)} ${list(permissions, 'and')}`);
  for (const claim of claims) add(claim, `claim ${claim}`, `It must have the claim ${claim}, or contain it.`);
  const addLogin = (few, how) => add(few, `login ${how}`, `The user must have logged in ${how}.`);
  if (acr_values.length) addLogin(`acr ${acr_values.join(' | ')}`, `with acr ${list(acr_values, 'or')}`);
  if (max_age_seconds !== null && max_age_seconds !== undefined)
    addLogin(`login ≤ ${max_age_seconds} s ago`, `at most ${max_age_seconds} seconds ago`);
  return found;
}

function destinationWords(integration) {
  const own = DESTINATIONS[integration] ?? DESTINATIONS[integration.replace(/^(auth0|oidc)_/, '')];
  if (own) return own;
  if (integration === '?')
    return [() => '?', () => 'What answers is not known: a binding says it, or the entry is wrong.'];
  return [(to) => `${integration} ${to}`.trim(), (to) => `Is answered by ${integration}${to ? ` ${to}` : ''}.`];
}

const plural = (noun, items) => (items.length > 1 ? `${noun}s` : noun);

function list(items, joint) {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} ${joint} ${items.at(-1)}`;
}
