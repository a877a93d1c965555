// Login and callback, end to end: what a browser may come back with, and what it gets for that.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Browser } from '../support/harness.mjs';
import {
  CALLBACK,
  CLIENT_ID,
  CLIENT_SECRET,
  LOGIN,
  assertNeverShown,
  assertPrivateJson,
  assertProblem,
  claimsOf,
  fixedParameters,
  logIn,
  loginUntilCallback,
  sealState,
  startLoginGateway,
  startTenant,
} from '../support/login-flow.mjs';
import { assertNothingEchoed, assertProviderAnswers } from '../support/provider-answers.mjs';
import { mode } from '../support/tenant-mode.mjs';

const OTHER_CALLBACK = '/other/callback';
const OTHER_REDIRECT_URI = 'http://127.0.0.1:8787/other/callback';

const STATE_INVALID = [400, 'state_invalid'];
const CODE_INVALID = [400, 'code_invalid'];

let tenant;
let gateway;
let impatient;

before(async () => {
  tenant = await startTenant({ redirectUris: [OTHER_REDIRECT_URI] });
  const paths = [
    {
      method: 'GET',
      path: '/other/login',
      integration: { type: 'auth0_callback_redirect', redirect_uri: OTHER_REDIRECT_URI },
    },
    { method: 'GET', path: OTHER_CALLBACK, integration: { type: 'auth0_callback', redirect_uri: OTHER_REDIRECT_URI } },
  ];
  gateway = await startLoginGateway(tenant, { paths });
  impatient = await startLoginGateway(tenant, { authorizer: { timeout_ms: 100 } });
});

after(async () => {
  await Promise.all([gateway?.close(), impatient?.close()]);
  await tenant?.close();
});

test('a login with PKCE, state and nonce gives the tokens as JSON that no cache keeps', async () => {
  const browser = new Browser();
  const start = await gateway.askAs(browser, LOGIN);
  const authorize = new URL(start.headers.get('location'));
  assert.deepEqual([start.status, authorize.origin, authorize.pathname], [302, tenant.origin, '/authorize']);
  assert.equal(start.headers.get('cache-control'), 'no-store');
  const { state, nonce, code_challenge: challenge, ...fixed } = Object.fromEntries(authorize.searchParams);
  assert.deepEqual(fixed, fixedParameters(tenant));
  assert.ok(state.length > 100 && nonce.length === 22 && challenge.length === 43);

  const callback = new URL(await browser.logInUntilCallback(authorize.href));
  assert.equal(callback.searchParams.get('state'), state, 'the provider brings the state back');
  const answer = await gateway.askAs(browser, CALLBACK + callback.search);
  assertPrivateJson(answer, 'the tokens');
  const { access_token: accessToken, id_token: idToken, refresh_token: refreshToken, ...rest } = answer.body;
  assert.deepEqual([claimsOf(idToken).nonce, claimsOf(idToken).aud], [nonce, CLIENT_ID]);
  assert.ok(claimsOf(accessToken).aud.includes(tenant.settings.audience));
  assert.ok(tenant.family(refreshToken), 'the refresh token is one of the tenant');
  assert.deepEqual([rest.token_type, rest.return_to], ['Bearer', undefined]);
  const exchange = tenant.requests.find(({ path }) => path === '/oauth/token');
  assert.deepEqual([exchange.method, exchange.headers.authorization], ['POST', undefined]);
});

test('two tabs of one browser log in at once, and may come back in either order', async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const browser = new Browser();
    const starts = [];
    for (const tab of [0, 1]) starts.push(await gateway.askAs(browser, `${LOGIN}?return_to=/tab/${tab}`));
    const [first, second] = starts.map((start) => start.headers.getSetCookie());
    assert.deepEqual([first.length, first], [1, second], 'one binding cookie serves both tabs');
    const callbacks = [];
    for (const start of starts) {
      callbacks.push(CALLBACK + new URL(await browser.logInUntilCallback(start.headers.get('location'))).search);
    }
    for (const tab of order) {
      const answer = await gateway.askAs(browser, callbacks[tab]);
      assertPrivateJson(answer, `tab ${tab} in the order ${order}`);
      assert.equal(answer.body.return_to, `/tab/${tab}`, 'each tab has its own state');
    }
    assert.equal(browser.cookies(gateway.origin).size, 1, 'and nothing grows');
  }
});

test('a state that was altered or is missing is refused before the provider is asked', async () => {
  const browser = new Browser();
  const callback = await loginUntilCallback(gateway, browser);
  const sealed = Buffer.from(callback.searchParams.get('state'), 'base64url');
  const flipped = (index) => {
    const altered = Buffer.from(sealed);
    altered[index < 0 ? altered.length + index : index] ^= 1;
    return altered.toString('base64url');
  };
  const text = sealed.toString('base64url');
  const table = [
    [undefined, 'missing'],
    ['', 'empty'],
    [flipped(0), 'the first byte of the IV'],
    [flipped(11), 'the last byte of the IV'],
    [flipped(12), 'the first byte of the ciphertext'],
    [flipped(sealed.length >> 1), 'a byte in the middle'],
    [flipped(-17), 'the last byte of the ciphertext'],
    [flipped(-16), 'the first byte of the tag'],
    [flipped(-1), 'the last byte of the tag'],
    [sealed.subarray(0, -1).toString('base64url'), 'cut'],
    [sealed.subarray(0, 12).toString('base64url'), 'the IV alone'],
    [sealed.subarray(0, 5).toString('base64url'), 'shorter than an IV'],
    [Buffer.concat([sealed, Buffer.of(0)]).toString('base64url'), 'longer'],
    [`${text}=`, 'padded'],
    [`${text.slice(0, -1)}*`, 'no base64url'],
    ['{"v":"x","n":"x","t":9999999999}', 'not sealed at all'],
    [
      await sealState(freshState(), { binding: cookieOf(browser), secret: 'some other secret' }),
      'sealed under another secret',
    ],
    [await sealState({ n: 'x', t: 1 }, { binding: cookieOf(browser) }), 'sealed, and no login state inside'],
  ];
  tenant.resetCounts();
  for (const [state, message] of table) {
    const altered = new URL(callback);
    if (state === undefined) altered.searchParams.delete('state');
    else altered.searchParams.set('state', state);
    assertProblem(await gateway.askAs(browser, altered), STATE_INVALID, message);
  }
  assert.equal(tenant.counts['/oauth/token'], undefined, 'the code was never shown to the provider');
  assertPrivateJson(await gateway.askAs(browser, callback), 'and still is good with the real state');
});

test('a state counts in the browser that it was made for, and at the callback that it was made for', async () => {
  const browser = new Browser();
  const callback = await loginUntilCallback(gateway, browser);
  const own = cookieOf(browser);
  const stranger = new Browser();
  await gateway.askAs(stranger, LOGIN);
  const table = [
    [undefined, 'no cookie'],
    [`bargate-login=${cookieOf(stranger)}`, 'the cookie of another browser'],
    [`__Host-bargate-login=${own}`, 'the cookie under the name that it has with https'],
    [`bargate-login=${own}; bargate-login=${cookieOf(stranger)}`, 'two cookies of the name'],
    [`bargate-login=${own}; bargate-login=${own}`, 'one cookie twice'],
    ['bargate-login=', 'an empty cookie'],
    [`bargate-login=${own}x`, 'a cookie that we never set'],
  ];
  for (const [cookie, message] of table) {
    assertProblem(await gateway.ask(callback, { headers: cookie ? { cookie } : {} }), STATE_INVALID, message);
  }
  assertProblem(await gateway.askAs(browser, OTHER_CALLBACK + callback.search), STATE_INVALID, 'another callback');
  assertPrivateJson(await gateway.askAs(browser, callback), 'its own browser and callback');

  const other = await loginUntilCallback(gateway, browser, { at: '/other/login' });
  assert.equal(other.pathname, OTHER_CALLBACK);
  assertProblem(await gateway.askAs(browser, CALLBACK + other.search), STATE_INVALID, 'the other way round');
  assertPrivateJson(await gateway.askAs(browser, other), 'a callback with an address of its own');
});

test('the state of one tab does not go with the code of another', async () => {
  const browser = new Browser();
  const [first, second] = [await loginUntilCallback(gateway, browser), await loginUntilCallback(gateway, browser)];
  first.searchParams.set('state', second.searchParams.get('state'));
  assertProblem(await gateway.askAs(browser, first), CODE_INVALID, 'the PKCE verifier is not that of the code');
});

test('a state is good for an hour', async () => {
  const browser = new Browser();
  await gateway.askAs(browser, LOGIN);
  const binding = cookieOf(browser);
  const state = freshState();
  const authorize = new URL('/authorize', tenant.origin);
  authorize.search = String(
    new URLSearchParams({
      ...fixedParameters(tenant),
      state: 'x',
      nonce: state.n,
      code_challenge: createHash('sha256').update(state.v).digest('base64url'),
    }),
  );
  const callback = new URL(await browser.logInUntilCallback(authorize.href));
  const come = async (issuedAt) => {
    callback.searchParams.set('state', await sealState({ ...state, t: issuedAt }, { binding }));
    return gateway.askAs(browser, CALLBACK + callback.search);
  };
  const now = Math.floor(Date.now() / 1000);
  assertProblem(await come(now - 61 * 60), [400, 'state_expired'], 'begun 61 minutes ago');
  assertProblem(await come(0), [400, 'state_expired'], 'begun in 1970');
  assertPrivateJson(await come(now - 59 * 60), 'begun 59 minutes ago, with the same code');
});

test('an error of the provider is a problem, and nothing of it is reflected', async () => {
  const rejected = [502, 'idp_rejected'];
  const loginRequired = [401, 'login_required'];
  const loginDenied = [403, 'login_denied'];
  /** @type {any[][]} */
  const table = [
    ['access_denied', loginDenied],
    ['unauthorized', loginDenied],
    ['login_required', loginRequired],
    ['interaction_required', loginRequired],
    ['consent_required', loginRequired],
    ['account_selection_required', loginRequired],
    ['server_error', [502, 'idp_error']],
    ['temporarily_unavailable', [503, 'idp_unavailable', '5']],
    ['invalid_request', rejected],
    ['invalid_scope', rejected],
    ['unauthorized_client', rejected],
    ['unsupported_response_type', rejected],
    ['<script>alert(1)</script>', rejected],
    ['', rejected],
  ];
  const markup = `<script>alert(document.domain)</script>\r\nSet-Cookie: a=b\r\n${'xy '.repeat(200)}`;
  const browser = new Browser();
  const state = new URL((await gateway.askAs(browser, LOGIN)).headers.get('location')).searchParams.get('state');
  const cut = markup.split(/\s+/).join(' ').slice(0, 200);
  const strangers = [
    [browser, `${state}x`, 'with another state'],
    [new Browser(), state, 'in another browser'],
    [new Browser(), undefined, 'written by anybody'],
  ];
  for (const [caller, ownState, who] of /** @type {any[][]} */ ([
    [browser, state, 'with the state of this browser'],
    ...strangers,
  ])) {
    for (const [error, told] of table) {
      const expected = caller === browser && ownState === state ? told : STATE_INVALID;
      const message = `${error}, ${who}`;
      const query = new URLSearchParams({
        error,
        error_description: markup,
        code: 'x',
        ...(ownState && { state: ownState }),
      });
      const answer = await gateway.askAs(caller, `${CALLBACK}?${query}`);
      assertProblem(answer, expected, message);
      const whole = [answer.text, ...[...answer.headers].flat()].join('\n');
      assert.ok(!/script|set-cookie|xy xy/i.test(whole), `${message}: nothing is reflected: ${whole}`);
      const { reason } = await gateway.recordOf(answer);
      if (expected === rejected || expected === loginDenied || expected === loginRequired) {
        const name = error.startsWith('<') ? 'an unregistered error' : error;
        assert.equal(reason, `${name}: ${cut}`, `${message}: the log has the text, cut and on one line`);
      } else {
        assert.ok(!/script|xy xy/.test(reason), `${message}: and nothing of a stranger's`);
      }
    }
  }
  for (const [code, status] of /** @type {any[][]} */ ([
    ['login_required', 401],
    ['login_denied', 403],
  ])) {
    const refusals = gateway.answers.filter(({ body }) => body?.code === code);
    assert.ok(refusals.length > 0, code);
    for (const { headers, status: told } of refusals)
      assert.deepEqual([told, headers.get('www-authenticate')], [status, 'Bearer'], code);
  }
});

test('who presses Deny at the provider is told so', async () => {
  const browser = new Browser();
  const answer = await gateway.askAs(browser, await loginUntilCallback(gateway, browser, { action: 'deny' }));
  assertProblem(answer, [403, 'login_denied'], 'Deny');
  assert.equal(answer.headers.get('www-authenticate'), 'Bearer', 'a bare challenge: no token was at fault');
  assert.match((await gateway.recordOf(answer)).reason, /^access_denied: User denied the request/);
});

const fixesPrompt = mode.isStrict && 'the config says which prompt';
test('prompt=none asks nobody: with no session at the provider there is no login', { skip: fixesPrompt }, async () => {
  const browser = new Browser();
  const query = { prompt: 'none' };
  const refused = await gateway.askAs(browser, await loginUntilCallback(gateway, browser, { query }));
  assertProblem(refused, [401, 'login_required'], 'no session');
  await logIn(gateway, browser, { email: 'carol@example.com' });
  const tokens = await logIn(gateway, browser, { query });
  assert.equal(claimsOf(tokens.id_token).email, 'carol@example.com', 'a session');
});

test('a HEAD, as a link preview sends it, leaves the code good', async () => {
  const browser = new Browser();
  const callback = await loginUntilCallback(gateway, browser);
  assert.equal(
    (await browser.fetch(new URL(callback.pathname + callback.search, gateway.origin), { method: 'HEAD' })).status,
    200,
  );
  assertPrivateJson(await gateway.askAs(browser, callback), 'the same code after a HEAD');
});

test('a callback needs a code, and a code is good once', async () => {
  const browser = new Browser();
  const callback = await loginUntilCallback(gateway, browser);
  for (const code of [undefined, '']) {
    const without = new URL(callback);
    without.searchParams.delete('code');
    if (code !== undefined) without.searchParams.set('code', code);
    assertProblem(await gateway.askAs(browser, without), [400, 'code_missing'], `code ${code}`);
  }
  assertPrivateJson(await gateway.askAs(browser, callback), 'the first time');
  tenant.resetCounts();
  const again = await gateway.askAs(browser, callback);
  assertProblem(again, CODE_INVALID, 'the second time');
  assert.match((await gateway.recordOf(again)).reason, /was used before$/);
  assert.deepEqual(tenant.counts, {}, 'and the provider is not asked');
  const unknown = await loginUntilCallback(gateway, browser);
  unknown.searchParams.set('code', 'never-issued');
  const refused = await gateway.askAs(browser, unknown);
  assertProblem(refused, CODE_INVALID, 'a code that the provider does not know');
  assert.match((await gateway.recordOf(refused)).reason, /^400 invalid_grant/);
});

test('every answer of the token endpoint to a code means what the contract says, and a code that was not refused stays good', async () => {
  const browser = new Browser();
  const callbacks = await severalCallbacks(browser, 4);
  const other = new Browser();
  const hanging = await loginUntilCallback(impatient, other);
  await assertProviderAnswers({
    tenant,
    path: '/oauth/token',
    integration: 'callback',
    patient: gateway,
    impatient,
    send: async (to) => {
      if (to !== gateway) return to.askAs(other, hanging);
      const answer = await gateway.askAs(browser, callbacks[0]);
      if (answer.body.code === 'code_invalid') callbacks.shift();
      return answer;
    },
  });
  assert.equal(callbacks.length, 1);
  assertPrivateJson(await gateway.askAs(browser, callbacks[0]), 'after all of that');
});

test('a provider that repeats the code or the secret brings neither into the log', async () => {
  const browser = new Browser();
  const callbacks = await severalCallbacks(browser, 3);
  const code = callbacks[0].searchParams.get('code');
  const state = callbacks[0].searchParams.get('state');
  const send = async (to) => {
    const answer = await to.askAs(browser, callbacks[0]);
    if (answer.body.code === 'code_invalid') callbacks.shift();
    return answer;
  };
  await assertNothingEchoed({
    tenant,
    path: '/oauth/token',
    integration: 'callback',
    gateway,
    secrets: [code, CLIENT_SECRET],
    send,
  });
  for (const secret of [code, state, CLIENT_SECRET]) {
    for (const error of ['access_denied', secret]) {
      const query = new URLSearchParams({ error, error_description: `no: code="${secret}"`, state });
      const answer = await gateway.askAs(browser, `${CALLBACK}?${query}`);
      const name = error === secret ? 'an unregistered error' : error;
      assert.equal((await gateway.recordOf(answer)).reason, `${name}: no: [redacted]`);
      assert.ok(!answer.text.includes(secret.slice(0, 16)), 'nor into an answer');
    }
  }
  assertPrivateJson(await gateway.askAs(browser, callbacks[0]), 'the code is still good');
  await assertNeverShown(gateway, { secret: CLIENT_SECRET, code, state }, { inAnswers: false });
});

test('neither the client secret nor a token, code or state is ever in the log, nor the secret in an answer', async () => {
  const browser = new Browser();
  const callback = await loginUntilCallback(gateway, browser, {
    query: { login_hint: 'hint-of-this-user@example.com' },
  });
  const tokens = (await gateway.askAs(browser, callback)).body;
  await assertNeverShown(gateway, { 'the client secret': CLIENT_SECRET });
  const code = callback.searchParams.get('code');
  const { access_token: access, id_token: id, refresh_token: refresh } = tokens;
  const state = callback.searchParams.get('state');
  await assertNeverShown(
    gateway,
    { access, id, refresh, code, state, hint: 'hint-of-this-user' },
    { inAnswers: false },
  );
});

/** Logs in so often up to the callback: a code that the provider refuses is good no more, nor is the state beside it. */
async function severalCallbacks(browser, count) {
  const callbacks = [];
  while (callbacks.length < count) callbacks.push(await loginUntilCallback(gateway, browser));
  return callbacks;
}

function cookieOf(browser) {
  return browser.cookies(gateway.origin).get('bargate-login');
}

function freshState() {
  return {
    v: randomBytes(32).toString('base64url'),
    n: randomBytes(16).toString('base64url'),
    t: Math.floor(Date.now() / 1000),
  };
}
