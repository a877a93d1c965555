// What the tests of login, refresh and userinfo share: a gateway with every such path in front of a tenant, logins made
// through it, and assertions about its answers.

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import {
  DEFAULT_AUDIENCE,
  DEFAULT_CLIENT_ID,
  DEFAULT_CLIENT_SECRET,
  startTenant as startTenantOf,
} from '../../../dev/tenant.mjs';
import { startGateway } from './harness.mjs';
import { mode } from './tenant-mode.mjs';

export { DEFAULT_CLIENT_ID as CLIENT_ID, DEFAULT_CLIENT_SECRET as CLIENT_SECRET };

// The provider sends browsers here. No browser of these tests follows: they stop, and call the gateway where it is.
export const REDIRECT_URI = 'http://127.0.0.1:8787/api/auth0/callback';

export const LOGIN = '/api/auth0/login';
export const CALLBACK = '/api/auth0/callback';
export const PROFILE = '/api/auth0/profile';
export const REFRESH = '/api/auth0/refresh';

/** Starts a tenant, strict if the mode is. */
export const startTenant = (options) => startTenantOf({ strict: mode.isStrict, ...options });

/** What a config says of every login at a strict tenant: what its tokens are for, and that the user is asked. */
const forStrict = () => (mode.isStrict ? { resource: DEFAULT_AUDIENCE, login_parameters: { prompt: 'consent' } } : {});

/** A strict tenant's userinfo takes no token of an API, so the profile of a session is that of its ID token. */
const profileSource = ({ session }) => (mode.isStrict && session ? { source: 'id_token' } : {});

/**
 * The config of a gateway in front of `tenant`, with members of `authorizer` replaced (or left out, if `undefined`), and
 * `paths` and `sections` added.
 * @param {any} tenant
 * @param {Record<string, any>} [how]
 */
export function loginConfig(tenant, { authorizer = {}, paths = [], sections = {} } = {}) {
  return {
    ...sections,
    authorizer: {
      type: 'auth0',
      domain: tenant.origin,
      client_id: DEFAULT_CLIENT_ID,
      client_secret: '$secret.CLIENT_SECRET',
      audience: DEFAULT_AUDIENCE,
      redirect_uri: REDIRECT_URI,
      scope: 'openid profile email offline_access read:messages',
      ...forStrict(),
      ...authorizer,
    },
    paths: [
      { method: 'GET', path: '/health', response: { status: 'ok' } },
      { method: 'GET', path: LOGIN, integration: { type: 'auth0_login', return_to: ['https://app.example'] } },
      { method: 'GET', path: CALLBACK, integration: { type: 'auth0_callback' } },
      { method: 'GET', path: PROFILE, integration: { type: 'auth0_userinfo', ...profileSource(sections) } },
      { method: 'ANY', path: REFRESH, integration: { type: 'auth0_refresh' } },
      ...paths,
    ],
  };
}

/**
 * Starts a gateway on the clock of the tests that logs in at `tenant`. Every answer read through it is kept in `answers`.
 * @param {any} tenant
 * @param {Record<string, any>} [options]
 */
export async function startLoginGateway(tenant, { authorizer, paths, sections, ...rest } = {}) {
  const gateway = await startGateway({
    config: loginConfig(tenant, { authorizer, paths, sections }),
    bindings: { CLIENT_SECRET: DEFAULT_CLIENT_SECRET },
    clock: true,
    ...rest,
  });
  const answers = [];
  const keep = async (response) => {
    const answer = await readAnswer(response);
    answers.push(answer);
    return answer;
  };
  return {
    ...gateway,
    answers,
    ask: async (path, init) => keep(await gateway.fetch(path, init)),
    askAs: async (browser, path, init) => keep(await browser.fetch(new URL(path, gateway.origin), init)),
    /** Asks as if the gateway stood at another origin. */
    askAt: async (url, init) => keep(await gateway.miniflare.dispatchFetch(url, { redirect: 'manual', ...init })),
    /** Resolves once the gateway has taken in whatever was sent before: it answers in the order of arrival. */
    async drained() {
      for (let round = 0; round < 3; round += 1) await (await gateway.fetch('/health')).text();
    },
    /** Resolves with the log record of an answer. */
    recordOf: (answer) => gateway.record((record) => record.request_id === answer.headers.get('x-request-id')),
  };
}

/** Reads an answer whole. */
export async function readAnswer(response) {
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return { status: response.status, headers: response.headers, text, body };
}

/**
 * Logs in up to the callback and gives its address, at the gateway.
 * @param {any} gateway
 * @param {any} browser
 * @param {Record<string, any>} [how]
 */
export async function loginUntilCallback(gateway, browser, { at = LOGIN, query = {}, ...how } = {}) {
  const login = new URL(at, gateway.origin);
  login.search = `${new URLSearchParams(query)}`;
  const callback = new URL(await browser.logInUntilCallback(login.href, how));
  return new URL(callback.pathname + callback.search, gateway.origin);
}

/**
 * Logs in and gives the answer of the callback.
 * @param {any} gateway
 * @param {any} browser
 * @param {Record<string, any>} [how]
 */
export async function logIn(gateway, browser, how) {
  const answer = await gateway.askAs(browser, await loginUntilCallback(gateway, browser, how));
  assert.equal(answer.status, 200, `the login failed: ${answer.text}`);
  return answer.body;
}

/**
 * Asserts that an answer is a problem (RFC 9457) and says nothing but what the gateway's own texts say.
 * @param {any} answer
 * @param {any[]} expected
 * @param {string} [message]
 */
export function assertProblem(answer, [status, code, retryAfter = null], message) {
  const { title, request_id: requestId, ...rest } = answer.body ?? {};
  assert.deepEqual([answer.status, rest.code], [status, code], `${message}: ${answer.text}`);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json', message);
  assert.equal(answer.headers.get('cache-control'), 'no-store', message);
  assert.equal(answer.headers.get('retry-after'), retryAfter, `${message}: Retry-After`);
  assert.equal(answer.headers.get('x-request-id'), requestId, message);
  assert.deepEqual(Object.keys(rest).sort(), ['code', 'detail', 'error', 'status', 'type'], message);
  assert.deepEqual([rest.status, rest.error], [status, title], message);
}

/** Asserts that an answer is JSON that no cache keeps. */
export function assertPrivateJson(answer, message) {
  assert.equal(answer.status, 200, `${message}: ${answer.text}`);
  assert.equal(answer.headers.get('content-type'), 'application/json', message);
  assert.equal(answer.headers.get('cache-control'), 'no-store', message);
}

/** Asserts that neither an answer nor a log line has ever held any of `texts`. */
export async function assertNeverShown(gateway, texts, { inAnswers = true } = {}) {
  await gateway.recordOf(gateway.answers.at(-1));
  for (const [name, text] of Object.entries(texts)) {
    assert.ok(text?.length >= 16, `${name} is long enough to be looked for`);
    assert.deepEqual(
      gateway.lines.filter(({ message }) => message.includes(text)),
      [],
      `the log shows ${name}`,
    );
    if (!inAnswers) continue;
    const showing = gateway.answers.filter(({ headers, text: shown }) =>
      `${shown}\n${[...headers].join('\n')}`.includes(text),
    );
    assert.deepEqual(showing, [], `an answer shows ${name}`);
  }
}

/** The claims of a JWT, unverified. */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString('utf8'));
}

/**
 * Seals a login state as src/edge/runtime/sealing.rs and src/oauth/login.rs do.
 * @param {any} state
 * @param {Record<string, any>} how
 */
export async function sealState(state, { binding, secret = DEFAULT_CLIENT_SECRET, redirectUri = REDIRECT_URI }) {
  const encode = (text) => new TextEncoder().encode(text);
  const { subtle } = webcrypto;
  const base = await subtle.importKey('raw', encode(secret), 'HKDF', false, ['deriveKey']);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encode('bargate sealing v1') };
  const key = await subtle.deriveKey(hkdf, base, { name: 'AES-GCM', length: 256 }, false, ['encrypt']);
  const iv = webcrypto.getRandomValues(new Uint8Array(12));
  const additionalData = encode(['bargate login state v1', binding, redirectUri].join('\n'));
  const sealed = await subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, key, encode(JSON.stringify(state)));
  return Buffer.concat([iv, new Uint8Array(sealed)]).toString('base64url');
}

/** What every authorization request says, besides state, nonce and challenge. */
export const fixedParameters = (tenant) => ({
  response_type: 'code',
  client_id: DEFAULT_CLIENT_ID,
  redirect_uri: REDIRECT_URI,
  scope: 'openid profile email offline_access read:messages',
  audience: tenant.settings.audience,
  ...(mode.isStrict ? { resource: tenant.settings.audience, prompt: 'consent' } : {}),
  code_challenge_method: 'S256',
});
