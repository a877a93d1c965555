// The provider of a row: the local tenant, which is the real oidc-provider, with rotation, reuse detection and overlap. What it counts is
// the truth that claims are checked against: the gateway is not asked what it did.

import { startTenant } from '../dev/tenant.mjs';
import { CALLBACK, LOGIN, REDIRECT_URI, REFRESH } from '../tests/e2e/support/login-flow.mjs';
import { Browser } from '../tests/e2e/support/harness.mjs';
import { COOKIE, TOKEN_ENDPOINT, sessionConfig } from '../tests/e2e/support/session-flow.mjs';
import { inTurns, parsed } from './clients.mjs';
import { digest } from './timeline.mjs';

export { CLIENT_ID, CLIENT_SECRET } from '../tests/e2e/support/login-flow.mjs';
export { PRIVATE } from '../tests/e2e/support/session-flow.mjs';
export { REFRESH, TOKEN_ENDPOINT };

/** Where logins begin and end that give their tokens to the page. */
const TOKEN_LOGIN = '/token/login';
const TOKEN_CALLBACK = '/token/callback';
const TOKEN_REDIRECT_URI = 'http://127.0.0.1:8787/';
/** How many people log in at a time, each in a browser of their own. */
const PEOPLE = 16;

/**
 * A token request, as the provider has it.
 *
 * @typedef {object} TokenRequest
 * @property {'arrived' | 'exchanged' | 'answered' | 'lost'} state `lost` if nobody was there to be answered
 * @property {string} [about] the login that it is of
 *
 * @typedef {{ before?: () => Promise<unknown>, after?: (asked: TokenRequest) => Promise<unknown> }} Pace what a token request waits for before it is
 *   carried out, and what its answer waits for
 */

/**
 * Starts a tenant whose token requests are kept, and in the timeline. `pace`, when set, says what each waits for.
 *
 * @param {Record<string, any>} settings as `startTenant` takes them
 * @param {import('./timeline.mjs').Timeline} [timeline]
 */
export async function startProvider(settings, timeline) {
  /** @type {WeakMap<object, { asked: TokenRequest, entry?: import('./timeline.mjs').Entry }>} */
  const byRequest = new WeakMap();
  let provider = {
    /** @type {TokenRequest[]} */
    tokenRequests: [],
    /** @type {undefined | (() => Pace)} */
    pace: undefined,
    /** How many families were revoked because a refresh token was used again. */
    reused: () => tenant.families().filter(({ revokedBy }) => revokedBy === 'token').length,
  };
  const onRequest = async (path, request, response) => {
    if (path !== TOKEN_ENDPOINT) return;
    /** @type {TokenRequest} */
    const asked = { state: 'arrived' };
    provider.tokenRequests.push(asked);
    byRequest.set(request, { asked, entry: timeline?.add('object', 'token request', undefined, { to: 'provider' }) });
    const { before, after } = provider.pace?.() ?? {};
    const { end } = response;
    const finish = (args) => {
      asked.state = response.destroyed ? 'lost' : 'answered';
      const { about } = asked;
      if (response.destroyed) timeline?.add('provider', 'finds nobody to answer', undefined, { about });
      else timeline?.add('provider', String(response.statusCode), undefined, { to: 'object', about });
      end.apply(response, args);
    };
    response.end = (...args) => {
      if (after) after(asked).then(() => finish(args));
      else finish(args);
      return response;
    };
    if (!before) return;
    await readAhead(request);
    await before();
  };
  const onGrant = ({ kind, grantId, token, request }) => {
    const about = digest(grantId);
    const known = byRequest.get(request);
    if (known) known.asked.about = about;
    if (known?.entry) known.entry.about = about;
    if (known && kind === 'exchanged') known.asked.state = 'exchanged';
    if (kind === 'issued') return;
    const what = kind === 'exchanged' ? 'rotates the refresh token' : 'revokes the family';
    timeline?.add('provider', what, token && digest(token), { about });
  };
  const tenant = await startTenant({ ...settings, onRequest, onGrant });
  // The members above are read of the tenant, where a row sets them.
  return (provider = Object.assign(tenant, provider));
}

/**
 * Reads a request, and lets whoever reads it next have what it said. So it can be carried out although whoever asked is gone by then.
 *
 * @param {any} request
 */
async function readAhead(request) {
  const body = Buffer.concat(await request.toArray());
  const iterator = async function* iterate() {
    yield body;
  };
  Object.defineProperties(request, {
    readable: { value: true },
    iterator: { value: iterator },
    [Symbol.asyncIterator]: { value: iterator },
  });
}

export const SESSIONS = '/account/sessions';
export const COUNTED = '/counted';

/**
 * Paths that use what else is stored in objects: the list of somebody's sessions, and a limit.
 *
 * @param {{ limit: number, period_seconds: number }} rate
 */
export const storedPaths = (rate) => [
  { method: 'GET', path: SESSIONS, auth: true, integration: { type: 'sessions' } },
  { method: 'GET', path: COUNTED, rate_limit: { ...rate, key: 'header:x-key' }, response: { passed: true } },
];

/**
 * The config of a gateway in front of a tenant, with logins that end in sessions and others that give tokens to the page.
 *
 * @param {any} tenant
 * @param {{ origin: string }} api
 * @param {Record<string, any>} [how] as `sessionConfig` takes it
 */
export const chaosConfig = (tenant, api, { paths = [], ...how } = {}) =>
  sessionConfig(tenant, api, {
    ...how,
    paths: [
      { method: 'GET', path: TOKEN_LOGIN, integration: { type: 'auth0_login', redirect_uri: TOKEN_REDIRECT_URI } },
      {
        method: 'GET',
        path: TOKEN_CALLBACK,
        integration: { type: 'auth0_callback', redirect_uri: TOKEN_REDIRECT_URI, response: 'json' },
      },
      ...paths,
    ],
  });

/**
 * Somebody who is logged in.
 *
 * @typedef {object} Login
 * @property {string} about what the timeline calls it: a digest of its grant
 * @property {string} grantId
 * @property {string} [cookie] that of its session
 * @property {{ access_token: string, refresh_token: string, expires_in: number }} [tokens] or else those of the page
 */

/**
 * Logs people in at the gateway, by the provider's own pages, a number of times: each login has a grant of its own, and with it a family
 * of refresh tokens.
 *
 * @param {{ origins: string[] }} gateway
 * @param {any} tenant
 * @param {{ count: number, isolates?: number, withTokens?: boolean, people?: number, name?: string, newBrowser?: () => Browser }} how
 * @returns {Promise<Login[]>}
 */
export async function logInAll(
  gateway,
  tenant,
  { count, isolates = 1, withTokens = false, people = PEOPLE, name = 'person', newBrowser = () => new Browser() },
) {
  const numbers = Array.from({ length: Math.min(people, count) }, (_, index) => index);
  const logins = await inTurns(numbers, people, async (number) => {
    const email = `${name}-${number}@example.com`;
    const browser = newBrowser();
    const own = [];
    for (let index = number; index < count; index += numbers.length)
      own.push([index, await logIn(gateway.origins[index % isolates], tenant, { browser, email, withTokens })]);
    return own;
  });
  return logins
    .flat()
    .sort(([a], [b]) => a - b)
    .map(([, login]) => login);
}

/** A login whose callback the gateway has answered otherwise. */
export class LoginFailed extends Error {
  /** @param {import('./clients.mjs').Answer} answer */
  constructor(answer) {
    super(`a login failed: ${answer.status} ${answer.text}`);
    this.answer = answer;
  }
}

/**
 * Logs somebody in at an isolate. A browser that the tenant knows is not asked for its password again.
 *
 * @param {string} origin
 * @param {any} tenant
 * @param {{ browser?: Browser, email: string, withTokens?: boolean }} how
 * @returns {Promise<Login>}
 */
export async function logIn(origin, tenant, { browser = new Browser(), email, withTokens = false }) {
  // The session of the login before would end with this one.
  browser.cookies(origin).delete(COOKIE);
  const [path, callback] = withTokens ? [TOKEN_LOGIN, TOKEN_CALLBACK] : [LOGIN, CALLBACK];
  const redirectUri = withTokens ? TOKEN_REDIRECT_URI : REDIRECT_URI;
  const isCallback = (url) => url.startsWith(`${redirectUri}?`);
  const arrived = new URL(await browser.logInUntilCallback(`${origin}${path}`, { email, isCallback }));
  const answer = await browser.fetch(new URL(callback + arrived.search, origin));
  const text = await answer.text();
  if (answer.status !== (withTokens ? 200 : 302)) {
    const { status, headers } = answer;
    throw new LoginFailed({ status, headers: Object.fromEntries(headers), text, body: parsed(text) });
  }
  const { grantId } = tenant.family(tenant.subjectOf(email));
  const login = { about: digest(grantId), grantId };
  return withTokens
    ? { ...login, tokens: JSON.parse(text) }
    : { ...login, cookie: `${COOKIE}=${browser.cookies(origin).get(COOKIE)}` };
}

/**
 * What the provider says of logins, by what the timeline calls them: how many refresh tokens were exchanged, whether the family was
 * revoked, and if so why.
 *
 * @param {any} tenant
 * @returns {Map<string, { rotations: number, revoked: boolean, revokedBy?: string, refreshTokens: string[], uses: Record<string, number> }>}
 */
export const familiesOf = (tenant) => new Map(tenant.families().map((family) => [digest(family.grantId), family]));
