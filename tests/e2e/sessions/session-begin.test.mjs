// Logins whose tokens come and are of no use: what the log says of them, and that nobody keeps the refresh token that came along.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { base64url } from '../support/bearer.mjs';
import { Browser, until } from '../support/harness.mjs';
import { assertNeverShown, assertProblem, loginUntilCallback, startLoginGateway } from '../support/login-flow.mjs';
import { COOKIE, REVOCATION, TOKEN_ENDPOINT, startSessionGateway } from '../support/session-flow.mjs';

const AUDIENCE = 'https://api.bargate.local/';
const IDP_ERROR = [502, 'idp_error'];

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  gateway = await startSessionGateway(tenant, api);
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

afterEach(async () => {
  tenant.clearFaults();
  await gateway.keepAway(null);
});

/** Lets the next tokens be changed by `edit`. */
const editTokens = (edit) =>
  tenant.fault({
    path: TOKEN_ENDPOINT,
    times: 1,
    edit: async (answer) => {
      const body = JSON.parse(answer.body);
      return { ...answer, body: { ...body, ...(await edit(body)) } };
    },
  });

/** Logs in with what comes of `prepare`; gives the callback's answer and what has become of the tokens' family. */
async function logInWith(prepare, at = gateway) {
  const browser = new Browser();
  const callback = await loginUntilCallback(at, browser);
  await prepare(callback);
  const answer = await at.askAs(browser, callback);
  const { grantId } = tenant.families().at(-1);
  return { answer, family: () => tenant.families().find((family) => family.grantId === grantId) };
}

/** Asserts that a login came to nothing, and neither did its refresh token. */
async function assertDiscarded({ answer, family }, expected, message) {
  assertProblem(answer, expected, message);
  assert.deepEqual(
    answer.headers.getSetCookie().filter((line) => line.startsWith(`${COOKIE}=`)),
    [],
    `${message}: no session`,
  );
  await until(() => family().revoked);
}

describe('a login into a session whose access token the authorizer does not take', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const unsigned = () => `${[{ alg: 'none' }, { iss: tenant.issuer, aud: AUDIENCE }].map(base64url).join('.')}.`;
  const table = [
    ['opaque', () => 'opaque-as-without-an-audience', 'not three parts, but 1'],
    ['encrypted', () => 'eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn', 'not three parts, but 5'],
    ['for another audience', () => tenant.mint({ aud: 'account' }), `aud is "account", expected "${AUDIENCE}"`],
    [
      'for several others',
      () => tenant.mint({ aud: ['a', 'b'] }),
      new RegExp(`^aud is .*"a".*"b".*, expected "${AUDIENCE}"$`),
    ],
    ['for nobody', () => tenant.mint({ aud: undefined }), 'aud is missing'],
    [
      'of another issuer',
      () => tenant.mint({ iss: 'https://sts.example/' }),
      () => `iss is "https://sts.example/", expected "${tenant.issuer}"`,
    ],
    ['that has expired', () => tenant.mint({ iat: now() - 600, exp: now() - 300 }), /^exp is \d+, the time is \d+/],
    ['without an end', () => tenant.mint({ exp: undefined }), 'exp is missing'],
    ['of an algorithm that is not on the list', () => unsigned(), /^algorithm "none" is not allowed$/],
    [
      'of a key that nobody has',
      () => tenant.mint({}, { header: { kid: 'nobody-has-it' } }),
      /^no key "nobody-has-it"/,
    ],
  ];
  for (const [name, token, expected] of table) {
    test(`says which check it failed, and has the refresh token revoked: ${name}`, async () => {
      const login = await logInWith(() => editTokens(async () => ({ access_token: await token() })));
      await assertDiscarded(login, IDP_ERROR, name);
      const { reason } = await gateway.recordOf(login.answer);
      assert.ok(reason.startsWith('its access token: '), reason);
      const said = reason.slice('its access token: '.length);
      const wanted = typeof expected === 'function' ? expected() : expected;
      if (wanted instanceof RegExp) assert.match(said, wanted);
      else assert.equal(said, wanted);
    });
  }

  test('shows neither token to anybody', async () => {
    const access = await tenant.mint({ aud: 'account' });
    const { family } = await logInWith(() => editTokens(() => ({ access_token: access })));
    await assertNeverShown(gateway, { access, refresh: family().refreshTokens.at(-1) });
  });
});

describe('a login that comes to nothing after its tokens came has the refresh token revoked', () => {
  test('where the ID token is of no use', async () => {
    await assertDiscarded(
      await logInWith(() => editTokens(() => ({ id_token: 'x' }))),
      [400, 'id_token_invalid'],
      'no token',
    );
    await assertDiscarded(await logInWith(() => editTokens(() => ({ id_token: undefined }))), IDP_ERROR, 'none');
  });

  test('where the session cannot be kept', async () => {
    const login = await logInWith(() => gateway.keepAway('Session'));
    await assertDiscarded(login, [503, 'store_unavailable', '5'], 'away');
  });

  test('where no store can say whether the login came before', async () => {
    const login = await logInWith(() => gateway.keepAway('LogoutIndex'));
    await assertDiscarded(login, [503, 'store_unavailable', '5'], 'away');
  });

  test('where tokens are handed out and the ID token is of no use', async (t) => {
    const tokens = await startLoginGateway(tenant);
    t.after(() => tokens.close());
    const login = await logInWith(() => editTokens(() => ({ id_token: 'x' })), tokens);
    await assertDiscarded(login, [400, 'id_token_invalid'], 'no token');
  });
});

test('a login without a refresh token has nothing revoked', async () => {
  tenant.resetCounts();
  const { answer } = await logInWith(() => editTokens(() => ({ access_token: 'opaque', refresh_token: undefined })));
  assertProblem(answer, IDP_ERROR, 'opaque');
  assert.equal(tenant.counts[REVOCATION] ?? 0, 0);
});
