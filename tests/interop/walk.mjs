// Walks every step of both modes at one provider, and reports each outcome. A step that fails does not end the walk: steps that
// do not need it are still tried.

import { randomUUID } from 'node:crypto';
import { startApi } from '../../dev/api.mjs';
import { until } from '../e2e/support/harness.mjs';
import { claimsOf } from '../e2e/support/login-flow.mjs';
import { COOKIE, OWN_PAGE } from '../e2e/support/session-flow.mjs';
import { choosePlace, exampleConfig, parse, startObservedGateway, withoutSession } from './gateway.mjs';

const LOGIN = '/auth/login';
const LOGOUT = '/auth/logout';
const PROFILE = '/auth/profile';
const REFRESH = '/auth/refresh';
const API = '/api/things';

/** How long before an access token's expiry the gateway's clock is set: it is due for renewal, and still valid. */
const LEFT_SECS = 30;

/** The longest excerpt of an answer, in characters. */
const SHOWN_CHARS = 200;

/** What a step throws if the provider does not offer its subject. */
class NotOffered extends Error {}

/**
 * The steps, in order. `needs` names the step that must have passed before. Each gets the walk's state, throws if it fails, and may leave
 * there what later ones need.
 * @type {{ name: string, needs?: string, body: (state: any) => Promise<any> }[]}
 */
const STEPS = [
  { name: 'discovery', body: discover },
  { name: 'login', needs: 'discovery', body: logIn },
  { name: 'tokens', needs: 'login', body: takeTokens },
  { name: 'bearer', needs: 'tokens', body: ({ tokens }) => callWithBearer(tokens, tokens.given.access_token) },
  { name: 'profile', needs: 'tokens', body: askForProfile },
  { name: 'refresh', needs: 'tokens', body: refresh },
  { name: 'late duplicate', needs: 'refresh', body: repeatRefresh },
  { name: 'session', needs: 'login', body: openSession },
  { name: 'session profile', needs: 'session', body: askForSessionProfile },
  { name: 'renewal', needs: 'session', body: renew },
  { name: 'logout', needs: 'session', body: logOut },
  { name: 'revocation', needs: 'session', body: seeRevocation },
  { name: 'back-channel logout', needs: 'session', body: seeBackchannelLogout },
];

/** The steps at a provider that only signs tokens: it gives one by other means than a login. */
const OF_SIGNERS = ['discovery', 'bearer'];

export const STEP_NAMES = STEPS.map(({ name }) => name);

/**
 * Walks all steps at a provider and returns a row for each: `passed`, `failed` with the reason, `not offered`, or `not reached` with the
 * step that it needs.
 * @param {import('./providers.mjs').Provider} provider
 * @returns {Promise<{ provider: string, version: string, config: string, rows: { step: string, outcome: string, reason?: string }[] }>}
 */
export async function walk(provider) {
  const [ofTokens, ofSessions] = [await choosePlace(), await choosePlace()];
  const server = await provider.start({ tokens: ofTokens, sessions: ofSessions });
  const api = await startApi();
  const gateways = [];
  try {
    const config = exampleConfig(provider.config);
    const bindings = { ...server.bindings, API_URL: api.origin };
    const open = async (wanted, place) => {
      const gateway = await startObservedGateway(wanted, { place, bindings });
      gateways.push(gateway);
      return { gateway, person: server.person() };
    };
    const state = {
      server,
      tokens: await open(withoutSession(config), ofTokens),
      sessions: await open(config, ofSessions),
    };
    const rows = [];
    for (const step of STEPS) rows.push({ step: step.name, ...(await outcomeOf(step, state, rows)) });
    const { name, version } = provider;
    return { provider: name, version: version(), config: provider.config, rows };
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await Promise.all([server.close(), api.close()]);
  }
}

/**
 * Tries a step.
 * @param {(typeof STEPS)[number]} step
 * @param {any} state
 * @param {any[]} rows
 */
async function outcomeOf({ name, needs, body }, state, rows) {
  if (state.server.accessToken) {
    if (!OF_SIGNERS.includes(name)) return { outcome: 'not offered', reason: 'no login' };
    state.tokens.given = { access_token: state.server.accessToken };
    return attempt(body, state);
  }
  if (needs && rows.find(({ step }) => step === needs).outcome !== 'passed')
    return { outcome: 'not reached', reason: needs };
  return attempt(body, state);
}

/**
 * Tries something, and returns what came of it.
 * @param {(state: any) => Promise<any>} body
 * @param {any} [state]
 */
export async function attempt(body, state) {
  try {
    return { outcome: 'passed', reason: await body(state) };
  } catch (error) {
    if (error instanceof NotOffered) return { outcome: 'not offered', reason: error.message };
    return { outcome: 'failed', reason: error.message };
  }
}

async function discover(state) {
  const response = await fetch(state.server.discovery);
  state.document = await response.json();
  const { gateway } = state.tokens;
  expectStatus(await gateway.ask('/health'), 200);
}

/** Logs a page in, up to the request that brings the provider's response. */
async function logIn({ tokens }) {
  tokens.callback = await loginUntilCallback(tokens);
}

async function loginUntilCallback({ gateway, person }) {
  const { origin, redirectUri } = gateway.place;
  const arrived = await person.goTo(`${origin}${LOGIN}`, (url) => url.startsWith(redirectUri));
  if (!arrived.next) throw new Error(stoppedAt(gateway, arrived.page));
  const response = arrived.init?.body ?? new URL(arrived.next).searchParams;
  if (!response.has('code'))
    throw new Error(`the provider says ${response.get('error')}: ${response.get('error_description')}`);
  return { url: arrived.next, init: arrived.init };
}

/** Describes where a person came to a stop. */
function stoppedAt(gateway, page) {
  const { origin, pathname } = new URL(page.url);
  const who = origin === gateway.origin ? 'the gateway' : 'the provider';
  const says = parse(page.text)?.code ?? page.words().slice(0, SHOWN_CHARS);
  return `${who} stops at ${pathname} with ${page.status}: ${says}`;
}

async function takeTokens({ tokens }) {
  const answer = await askAs(tokens, tokens.callback.url, tokens.callback.init);
  expectStatus(answer, 200);
  if (!answer.body.access_token) throw new Error('the answer has no access token');
  tokens.given = answer.body;
}

async function callWithBearer({ gateway }, token) {
  expectStatus(await gateway.ask(API, { headers: { authorization: `Bearer ${token}` } }), 200);
}

async function askForProfile({ tokens: { gateway, given } }) {
  const answer = await gateway.ask(PROFILE, { headers: { authorization: `Bearer ${given.access_token}` } });
  expectStatus(answer, 200);
  expectUser(answer.body, given.id_token);
}

function expectUser({ sub }, idToken) {
  if (!sub || sub !== claimsOf(idToken).sub) throw new Error(`the profile is of ${sub}`);
}

async function refresh({ tokens }) {
  if (!tokens.given.refresh_token) throw new Error('the login brought no refresh token');
  const answer = await askRefresh(tokens.gateway, tokens.given.refresh_token);
  expectStatus(answer, 200);
  if (!answer.body.access_token) throw new Error('the answer has no access token');
  tokens.refreshed = answer.body;
}

/** Sends the same refresh token again, as a second tab does: it also gets valid tokens, and the login goes on with them. */
async function repeatRefresh({ tokens: { gateway, given, refreshed } }) {
  const again = await askRefresh(gateway, given.refresh_token);
  expectStatus(again, 200);
  const next = again.body.refresh_token ?? refreshed.refresh_token ?? given.refresh_token;
  expectStatus(await askRefresh(gateway, next), 200);
  return (refreshed.refresh_token ?? given.refresh_token) === given.refresh_token ? 'does not rotate' : 'rotates';
}

const askRefresh = (gateway, token) =>
  gateway.ask(REFRESH, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: token }),
  });

/** Logs in with a session, and calls the API. */
async function openSession({ sessions }) {
  const callback = await loginUntilCallback(sessions);
  expectStatus(await askAs(sessions, callback.url, callback.init), 302);
  if (!sessions.person.cookies(sessions.gateway.origin).has(COOKIE)) throw new Error('no cookie was set');
  await callWithSession(sessions);
}

const callWithSession = async (sessions) => expectStatus(await askAs(sessions, API), 200);

async function askForSessionProfile({ sessions }) {
  const answer = await askAs(sessions, PROFILE);
  expectStatus(answer, 200);
  expectUser(answer.body, sessions.gateway.lastGiven('id_token'));
}

async function renew({ sessions }) {
  const { gateway } = sessions;
  if (!gateway.lastGiven('refresh_token')) throw new Error('the login brought no refresh token');
  const { body } = expectStatus(await askAs(sessions, REFRESH, { method: 'POST', headers: OWN_PAGE }), 200);
  const ahead = body.expires_in - LEFT_SECS;
  const renewals = () => gateway.calls.filter((call) => call.body.get('grant_type') === 'refresh_token');
  const before = renewals().length;
  await gateway.later(ahead);
  await callWithSession(sessions);
  await gateway.later(-ahead);
  const made = renewals().slice(before);
  if (made.length !== 1) throw new Error(`the provider was asked ${made.length} times`);
  if (made[0].status >= 300)
    throw new Error(`the provider answers ${made[0].status}: ${made[0].text.slice(0, SHOWN_CHARS)}`);
}

async function logOut({ sessions }) {
  const { gateway, person } = sessions;
  const { origin, afterLogout } = gateway.place;
  const refreshToken = gateway.lastGiven('refresh_token');
  const answer = expectStatus(await askAs(sessions, LOGOUT, { method: 'POST', headers: OWN_PAGE }), 303);
  Object.assign(sessions, { refreshToken });
  const asked = person.asked.length;
  const location = new URL(answer.headers.get('location'), origin).href;
  const isBack = (url) => url.split('?')[0] === afterLogout;
  const arrived = isBack(location) ? { next: location } : await person.goTo(location, isBack);
  if (!arrived.next) throw new Error(stoppedAt(gateway, arrived.page));
  expectStatus(await askAs(sessions, API), 401);
  if (isBack(location)) return 'straight back';
  return person.asked.length > asked ? 'the provider asks first' : undefined;
}

async function seeRevocation({ document, sessions, server }) {
  const { revocation_endpoint: endpoint } = document;
  if (!endpoint && !server.canRevoke) throw new NotOffered('discovery names no revocation endpoint');
  const { gateway, refreshToken } = sessions;
  if (!refreshToken) throw new Error('there is no refresh token to revoke');
  if (endpoint) {
    const { status, text } = await gateway.call(({ url }) => url === endpoint);
    if (status !== 200) throw new Error(`the provider answers ${status}: ${text.slice(0, SHOWN_CHARS)}`);
  }
  if (await isAccepted(gateway, document, refreshToken, server))
    throw new Error('the refresh token is as good as before');
}

/**
 * Checks whether the provider accepts a refresh token, sent as the gateway sent the last one, with an assertion that was not used
 * before.
 */
async function isAccepted({ calls }, { token_endpoint: url }, refreshToken, server) {
  const last = calls.filter((call) => call.url === url && call.method === 'POST').at(-1);
  const authentication = ['client_id', 'client_secret', 'client_assertion_type'];
  const body = new URLSearchParams([...last.body].filter(([name]) => authentication.includes(name)));
  if (body.has('client_assertion_type')) body.set('client_assertion', await server.assertion());
  body.set('grant_type', 'refresh_token');
  body.set('refresh_token', refreshToken);
  const headers = last.sent.authorization ? { authorization: last.sent.authorization } : {};
  return (await fetch(url, { method: 'POST', headers, body })).ok;
}

async function seeBackchannelLogout({ document, sessions, server }) {
  if (!document.backchannel_logout_supported) throw new NotOffered('discovery does not name it');
  if (server.noBackchannel) throw new NotOffered(server.noBackchannel);
  sessions.person = server.person();
  await openSession({ sessions });
  await server.endLogin(sessions.person, { document, idToken: sessions.gateway.lastGiven('id_token') });
  await until(async () => {
    // The isolate asks again for what it remembers of a session.
    await sessions.gateway.later(REMEMBERED_SECS);
    return (await askAs(sessions, API)).status === 401;
  });
}

/** `TOKEN_CACHE_MAX_SECS` of record.rs. */
const REMEMBERED_SECS = 15;

/**
 * Sends a request as a person's browser, and returns the answer with its line in the log.
 * @param {any} as
 * @param {string} path
 * @param {Record<string, any>} [init]
 */
async function askAs({ gateway, person }, path, { headers, ...init } = {}) {
  const id = randomUUID();
  const response = await person.fetch(new URL(path, gateway.origin), {
    ...init,
    headers: { ...headers, 'x-request-id': id },
  });
  const text = await response.text();
  const record = await gateway.record(({ request_id }) => request_id === id);
  return { status: response.status, headers: response.headers, text, body: parse(text), record };
}

/** Returns the answer if it has this status; otherwise throws its code and the reason in the log. */
function expectStatus(answer, status) {
  if (answer.status === status) return answer;
  const { code, reason } = answer.record;
  throw new Error(`${answer.status} ${code ?? answer.text.slice(0, SHOWN_CHARS)}${reason ? `: ${reason}` : ''}`);
}
