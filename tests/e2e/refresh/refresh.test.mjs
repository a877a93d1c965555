// Refresh, end to end: where the refresh token may come from, what the provider may answer, and many who ask at once.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { generateSigningKey } from '../../../dev/tenant/keys.mjs';
import { Browser } from '../support/harness.mjs';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  REFRESH,
  assertNeverShown,
  assertPrivateJson,
  assertProblem,
  claimsOf,
  logIn,
  startLoginGateway,
  startTenant,
} from '../support/login-flow.mjs';
import { assertNothingEchoed, assertProviderAnswers } from '../support/provider-answers.mjs';

const TOKEN_ENDPOINT = '/oauth/token';
const REFRESH_TOKEN_INVALID = [401, 'refresh_token_invalid'];
const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

let tenant;
let gateway;
let graceless;
let impatient;
let objectless;

before(async () => {
  tenant = await startTenant();
  [gateway, graceless, impatient, objectless] = await Promise.all([
    startLoginGateway(tenant),
    startLoginGateway(tenant, { authorizer: { rotation_grace_seconds: 0 } }),
    startLoginGateway(tenant, { authorizer: { timeout_ms: 100 } }),
    startLoginGateway(tenant, { objects: [] }),
  ]);
});

after(async () => {
  tenant?.clearFaults();
  await Promise.all([gateway, graceless, impatient, objectless].map((each) => each?.close()));
  await tenant?.close();
});

const browser = new Browser();

/** Logs in and gives the tokens; counts begin anew. */
async function freshTokens(how) {
  const tokens = await logIn(gateway, browser, how);
  tenant.resetCounts();
  return tokens;
}

const refreshBy = (at, refreshToken, headers = {}) =>
  at.ask(REFRESH, { headers: { 'x-refresh-token': refreshToken, ...headers } });
const exchanges = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;

test('a refresh token is taken from the header, a JSON body or a form, with any method that the path has', async () => {
  const header = (token) => ({ 'x-refresh-token': token });
  const json = (members) => JSON.stringify(members);
  /** @type {any[][]} */
  const table = [
    ['GET', (token) => ({ headers: header(token) }), 'the header of a GET'],
    ['GET', (token) => ({ headers: header(`  ${token} `) }), 'spaces around it'],
    ['POST', (token) => ({ headers: header(token) }), 'the header of a POST'],
    ['POST', (token) => ({ headers: header(token), body: 'not read' }), 'the header before any body'],
    [
      'POST',
      (token) => ({ headers: { ...header(token), ...JSON_TYPE }, body: json({ refresh_token: 'other' }) }),
      'before JSON too',
    ],
    [
      'POST',
      (token) => ({ headers: { ...header(' '), ...JSON_TYPE }, body: json({ refresh_token: token }) }),
      'an empty header',
    ],
    ['POST', (token) => ({ headers: JSON_TYPE, body: json({ refresh_token: token }) }), 'a JSON body'],
    [
      'POST',
      (token) => ({
        headers: { 'content-type': 'Application/JSON;charset=UTF-8' },
        body: json({ grant_type: 'refresh_token', refresh_token: token, x: [1] }),
      }),
      'a JSON body with more in it, of a type with a parameter',
    ],
    ['POST', (token) => ({ headers: FORM_TYPE, body: `grant_type=refresh_token&refresh_token=${token}` }), 'a form'],
    ['POST', (token) => ({ headers: FORM_TYPE, body: `refresh_token=${token}` }), 'a form without a grant type'],
    ['PUT', (token) => ({ headers: JSON_TYPE, body: json({ refresh_token: token }) }), 'another method'],
  ];
  let { refresh_token: current } = await freshTokens({ email: 'erin@example.com' });
  const first = current;
  for (const [method, init, message] of table) {
    const answer = await gateway.ask(REFRESH, { method, ...init(current) });
    assertPrivateJson(answer, message);
    const { refresh_token: rotated, access_token: access, id_token: id, token_type: type } = answer.body;
    assert.notEqual(rotated, current, `${message}: the token has rotated`);
    const { azp, client_id: clientId = azp } = claimsOf(access);
    assert.equal(clientId, CLIENT_ID, message);
    assert.equal(claimsOf(id).sub, tenant.subjectOf('erin@example.com'), message);
    assert.equal(type, 'Bearer', message);
    current = rotated;
  }
  const { rotations, revoked } = tenant.family(first);
  assert.deepEqual([rotations, revoked], [table.length, false], 'each exchange used the latest token of one family');
  assert.equal(exchanges(), table.length);
});

test('a HEAD, as a link preview sends it, rotates nothing', async () => {
  const { refresh_token: token } = await freshTokens();
  const answer = await gateway.ask(REFRESH, { method: 'HEAD', headers: { 'x-refresh-token': token } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(exchanges(), 0, 'the provider is not asked');
});

test('a refresh without a readable token says what is wrong, and asks the provider nothing', async () => {
  const missing = [400, 'missing_refresh_token'];
  const malformed = [400, 'body_malformed'];
  const unsupported = [415, 'unsupported_media_type'];
  const tooLarge = [413, 'body_too_large'];
  const json = (body) => ({ method: 'POST', headers: JSON_TYPE, body });
  const form = (body) => ({ method: 'POST', headers: FORM_TYPE, body });
  const typed = (type, body) => ({ method: 'POST', headers: { 'content-type': type }, body });
  const huge = 'x'.repeat(17 * 1024);
  /** @type {any[][]} */
  const table = [
    [{}, missing, 'nothing at all'],
    [{ headers: { 'x-refresh-token': '' } }, missing, 'an empty header'],
    [{ method: 'POST' }, missing, 'no body'],
    [json(''), missing, 'an empty body'],
    [json('{}'), missing, 'JSON without one'],
    [json('{"refresh_token":""}'), missing, 'JSON with an empty one'],
    [json('{"refresh_token":null}'), missing, 'JSON null'],
    [form('grant_type=refresh_token'), missing, 'a form without one'],
    [form('refresh_token='), missing, 'a form with an empty one'],
    [json('{"refresh_token":7}'), malformed, 'a number'],
    [json('["refresh_token"]'), malformed, 'an array'],
    [json('"token"'), malformed, 'a string'],
    [json('{"refresh_token":"a"'), malformed, 'cut off'],
    [json('refresh_token=a'), malformed, 'a form that says it is JSON'],
    [json('{"refresh_token":"a","refresh_token":"b"}'), malformed, 'two of them'],
    [json('{"refresh_token":"a","grant_type":"password"}'), malformed, 'JSON for another grant'],
    [form('grant_type=client_credentials&refresh_token=a'), malformed, 'a form for another grant'],
    [json(Buffer.of(0x22, 0xff, 0x22)), malformed, 'bytes that are no UTF-8'],
    [json('['.repeat(10_000)), malformed, 'deep nesting'],
    [typed('text/plain', 'token'), unsupported, 'text'],
    [typed('application/jsonx', '{}'), unsupported, 'a type that begins like JSON'],
    [typed('multipart/form-data; boundary=x', '--x--'), unsupported, 'multipart'],
    [{ method: 'POST', body: Buffer.from('token') }, unsupported, 'no type'],
    [json(`{"refresh_token":"${huge}"}`), tooLarge, 'a large body'],
  ];
  tenant.resetCounts();
  for (const [init, expected, message] of table) assertProblem(await gateway.ask(REFRESH, init), expected, message);
  assert.deepEqual(tenant.counts, {});
});

test('a body that never ends is refused once it is too large', async () => {
  const request = httpRequest(new URL(REFRESH, gateway.origin), { method: 'POST', headers: JSON_TYPE, agent: false });
  request.write('x'.repeat(20 * 1024));
  const [response] = await once(request, 'response');
  const text = Buffer.concat(await response.toArray()).toString('utf8');
  assert.deepEqual([response.statusCode, JSON.parse(text).code], [413, 'body_too_large']);
  request.destroy();
});

test('an access token beside it must be genuine, and while it holds nothing is exchanged', async () => {
  const { refresh_token: refreshToken, access_token: accessToken, id_token: idToken } = await freshTokens();
  const now = Math.floor(Date.now() / 1000);
  const strange = await generateSigningKey('RS256');
  const expired = (seconds) => tenant.mint({ iat: now - 3600, exp: now - seconds });

  const valid = await refreshBy(gateway, refreshToken, { authorization: `Bearer ${accessToken}` });
  assertPrivateJson(valid, 'a valid token');
  const { code, message: said, expires_in: seconds, ...rest } = valid.body;
  assert.deepEqual([code, typeof said, rest], ['token_still_valid', 'string', {}]);
  assert.ok(seconds > 0 && seconds <= tenant.settings.accessTokenSeconds);

  const notGenuine = [
    [await tenant.mint({}, { key: strange, header: { kid: tenant.keys[0].kid } }), 'signed by another key'],
    [await tenant.mint({ aud: 'https://other.example/' }), 'for another audience'],
    [await tenant.mint({ iss: 'https://evil.example/' }), 'of another issuer'],
    [await tenant.mint({ exp: undefined }), 'without an expiry'],
    [await tenant.mint({ iss: 'https://evil.example/', exp: now - 3600 }), 'expired and of another issuer'],
    [await tenant.mint({ exp: now - 3600 }, { key: strange }), 'expired and signed by an unknown key'],
    [idToken, 'an ID token'],
    [accessToken.slice(0, -4), 'cut off'],
    ['opaque', 'opaque'],
    ['', 'empty'],
  ];
  for (const [token, message] of notGenuine) {
    const answer = await refreshBy(gateway, refreshToken, { authorization: `Bearer ${token}` });
    assertProblem(answer, [401, 'token_invalid'], message);
    assert.match(answer.headers.get('www-authenticate'), /^Bearer error="invalid_token"/, message);
  }
  assert.equal(exchanges(), 0, 'nothing was exchanged so far');

  const late = await refreshBy(gateway, refreshToken, { authorization: `Bearer ${await expired(3000)}` });
  assertPrivateJson(late, 'an expired token');
  const later = await refreshBy(gateway, late.body.refresh_token, { authorization: `Bearer ${await expired(5)}` });
  assertPrivateJson(later, 'a token that expired within the skew of the clocks');
  const basic = await refreshBy(gateway, later.body.refresh_token, { authorization: 'Basic dXNlcjpwYXNz' });
  assertPrivateJson(basic, 'credentials of another scheme');
  assert.equal(exchanges(), 3);
});

test('every answer of the token endpoint means what the contract says, and the refresh token stays good', async () => {
  const { refresh_token: refreshToken } = await freshTokens();
  await assertProviderAnswers({
    tenant,
    path: TOKEN_ENDPOINT,
    integration: 'refresh',
    patient: gateway,
    impatient,
    send: (to) => refreshBy(to, refreshToken),
  });
  assertPrivateJson(await refreshBy(gateway, refreshToken), 'after all of that');
  assert.equal(tenant.family(refreshToken).rotations, 1);
});

test('a wait that the provider gives as a date is told in seconds', async () => {
  const { refresh_token: refreshToken } = await freshTokens();
  const inAMinute = new Date(Date.now() + 60_000).toUTCString();
  tenant.fault({ path: TOKEN_ENDPOINT, times: 1, status: 429, headers: { 'retry-after': inAMinute } });
  const answer = await refreshBy(gateway, refreshToken);
  const wait = answer.headers.get('retry-after');
  assertProblem(answer, [429, 'idp_rate_limited', wait], inAMinute);
  assert.match(wait, /^\d+$/);
  assert.ok(wait >= 1 && wait <= 60, `${wait} seconds until ${inAMinute}`);
  assertPrivateJson(await refreshBy(gateway, refreshToken), 'the token is still good');
});

test('a provider that repeats the refresh token or the secret brings neither into the log', async () => {
  const { refresh_token: refreshToken } = await freshTokens();
  const send = (to) => refreshBy(to, refreshToken);
  const secrets = [refreshToken, CLIENT_SECRET];
  await assertNothingEchoed({ tenant, path: TOKEN_ENDPOINT, integration: 'refresh', gateway, secrets, send });
  assertPrivateJson(await send(gateway), 'the token is still good');
});

test('a refresh token that is unknown, used or revoked ends the login', async () => {
  const { refresh_token: refreshToken } = await freshTokens();
  assertProblem(await refreshBy(gateway, 'never-issued'), REFRESH_TOKEN_INVALID, 'unknown');
  const form = new URLSearchParams({ token: refreshToken, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
  await fetch(`${tenant.origin}/oauth/revoke`, { method: 'POST', body: form });
  const revoked = await refreshBy(gateway, refreshToken);
  assertProblem(revoked, REFRESH_TOKEN_INVALID, 'revoked');
  assert.match(revoked.headers.get('www-authenticate'), /^Bearer error="invalid_token"/);
});

test('fifty refreshes with one token at once are one exchange with one answer', async () => {
  for (const at of [gateway, graceless]) {
    const { refresh_token: refreshToken } = await freshTokens();
    const hold = tenant.hold(TOKEN_ENDPOINT);
    const sent = Array.from({ length: 50 }, () => refreshBy(at, refreshToken));
    await hold.arrived();
    await at.drained();
    assert.equal(hold.waiting, 1, 'all are in, and one is at the provider');
    hold.release();
    const answers = await Promise.all(sent);
    for (const answer of answers) assertPrivateJson(answer, 'each');
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1, 'one answer for all');
    assert.equal(
      new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size,
      50,
      'under request ids of their own',
    );
    assert.equal(exchanges(), 1);
    const { rotations, revoked } = tenant.family(refreshToken);
    assert.deepEqual([rotations, revoked], [1, false], 'the provider saw no reuse');
    assertPrivateJson(await refreshBy(at, answers[0].body.refresh_token), 'the successor is good');
  }
});

test('a late duplicate within the grace gets the same answer, and only ever the immediate successor', async () => {
  const { refresh_token: first } = await freshTokens();
  const second = await refreshBy(gateway, first);
  const again = await refreshBy(gateway, first);
  assert.equal(again.text, second.text, 'the same answer');
  const byForm = await gateway.ask(REFRESH, { method: 'POST', headers: FORM_TYPE, body: `refresh_token=${first}` });
  assert.equal(byForm.text, second.text, 'by another way of asking too');
  assert.equal(exchanges(), 1);

  const third = await refreshBy(gateway, second.body.refresh_token);
  assert.equal(
    (await refreshBy(gateway, first)).text,
    second.text,
    'the first token leads to the second, never to the third',
  );
  assert.equal((await refreshBy(gateway, second.body.refresh_token)).text, third.text);
  assert.equal(exchanges(), 2);
  assert.equal(tenant.family(first).revoked, false);
});

describe('a refresh token that the provider does not rotate', () => {
  afterEach(() => {
    tenant.clearFaults();
    tenant.settings.rotateRefreshTokens = true;
  });

  for (const [name, edit] of /** @type {any[][]} */ ([
    ['the same comes again', (body) => body],
    ['none comes', ({ refresh_token: _, ...body }) => body],
    ['an empty one comes', (body) => ({ ...body, refresh_token: '' })],
    ['null comes', (body) => ({ ...body, refresh_token: null })],
  ])) {
    test(`is exchanged each time, and nothing takes its place: ${name}`, async () => {
      tenant.settings.rotateRefreshTokens = false;
      for (const at of [gateway, objectless]) {
        const { refresh_token: refreshToken } = await freshTokens();
        tenant.fault({ path: TOKEN_ENDPOINT, edit: (answer) => ({ ...answer, body: edit(JSON.parse(answer.body)) }) });
        for (let count = 1; count <= 3; count += 1) {
          const answer = await refreshBy(at, refreshToken);
          assertPrivateJson(answer, `refresh ${count}`);
          assert.equal(
            answer.body.refresh_token ?? refreshToken,
            refreshToken,
            'a client that takes over what it is told keeps it',
          );
          assert.ok(
            name === 'the same comes again' || !('refresh_token' in answer.body),
            'what is empty is not passed on',
          );
          assert.equal(exchanges(), count);
        }
        tenant.clearFaults();
      }
    });
  }
});

test('without a grace a late duplicate is a reuse, and the provider revokes the family', async () => {
  const { refresh_token: refreshToken } = await freshTokens();
  const next = await refreshBy(graceless, refreshToken);
  assertPrivateJson(next, 'the first use');
  assertProblem(await refreshBy(graceless, refreshToken), REFRESH_TOKEN_INVALID, 'the second use');
  assert.equal(exchanges(), 2);
  assert.equal(tenant.family(refreshToken).revoked, true);
  assertProblem(
    await refreshBy(graceless, next.body.refresh_token),
    REFRESH_TOKEN_INVALID,
    'and its successor is gone',
  );
});

test('a failure is shared with those who wait for it, and never given to those who ask later', async () => {
  const { refresh_token: refreshToken } = await freshTokens();
  /** @type {any[][]} */
  const faults = [
    [{ kind: 'status', status: 500 }, [502, 'idp_error']],
    [{ kind: 'status', status: 429, headers: { 'retry-after': '3' } }, [429, 'idp_rate_limited', '3']],
    [{ kind: 'reset' }, [503, 'idp_unavailable', '5']],
  ];
  for (const [fault, expected] of faults) {
    tenant.resetCounts();
    tenant.fault({ path: TOKEN_ENDPOINT, times: 1, ...fault });
    const hold = tenant.hold(TOKEN_ENDPOINT);
    const sent = Array.from({ length: 10 }, () => refreshBy(gateway, refreshToken));
    await hold.arrived();
    await gateway.drained();
    hold.release();
    const answers = await Promise.all(sent);
    for (const answer of answers) assertProblem(answer, expected, 'each who waited');
    const ids = answers.map(({ body }) => body.request_id);
    assert.equal(new Set(ids).size, 10, 'each is told its own request id');
    assert.equal(exchanges(), 1);
  }
  assertPrivateJson(await refreshBy(gateway, refreshToken), 'who asks later');
});

/** Begins a refresh and gives how to hang up. A reset, since workerd takes a mere end of the stream for half of one. */
function callBy(refreshToken) {
  const headers = { 'x-refresh-token': refreshToken };
  const request = httpRequest(new URL(REFRESH, gateway.origin), { headers, agent: false });
  request.once('response', () => assert.fail('an answer came before the client hung up'));
  request.once('error', (/** @type {NodeJS.ErrnoException} */ { code }) => assert.equal(code, 'ECONNRESET'));
  request.end();
  return () => request.socket.resetAndDestroy();
}

test('a client that hangs up loses nothing, and neither do those who wait for its exchange', async () => {
  for (const when of [{}, { after: true }]) {
    const { refresh_token: refreshToken } = await freshTokens();
    const hold = tenant.hold(TOKEN_ENDPOINT, when);
    const hangUp = callBy(refreshToken);
    await hold.arrived();
    const waiting = refreshBy(gateway, refreshToken);
    await gateway.drained();
    hangUp();
    await gateway.drained();
    hold.release();

    const answers = [await waiting, await refreshBy(gateway, refreshToken)];
    for (const answer of answers) assertPrivateJson(answer, 'one that waited, and one that came later');
    assert.equal(answers[0].text, answers[1].text);
    assert.equal(exchanges(), 1, 'one exchange in all');
    const { rotations, revoked, refreshTokens } = tenant.family(refreshToken);
    assert.deepEqual([rotations, revoked, refreshTokens.at(-1)], [1, false, answers[0].body.refresh_token]);
  }
});

test('a client that hangs up all alone loses nothing either', async () => {
  const { refresh_token: refreshToken } = await freshTokens();
  const hold = tenant.hold(TOKEN_ENDPOINT, { after: true });
  const hangUp = callBy(refreshToken);
  await hold.arrived();
  hangUp();
  await gateway.drained();
  assert.equal(tenant.family(refreshToken).rotations, 1, 'the provider has rotated, and nobody has the answer');
  hold.release();
  const answer = await refreshBy(gateway, refreshToken);
  assertPrivateJson(answer, 'who asks next');
  assert.equal(tenant.family(refreshToken).refreshTokens.at(-1), answer.body.refresh_token);
  assert.equal(exchanges(), 1);
});

test('different tokens neither wait for each other nor meet', async () => {
  const people = ['frank@example.com', 'grace@example.com', 'heidi@example.com'];
  const tokens = [];
  for (const email of people) tokens.push(await logIn(gateway, new Browser(), { email }));
  tenant.resetCounts();
  const hold = tenant.hold(TOKEN_ENDPOINT);
  const sent = tokens.map(({ refresh_token: token }) => refreshBy(gateway, token));
  await hold.arrived(people.length);
  hold.release();
  const given = (await Promise.all(sent)).map(({ body }) => claimsOf(body.id_token).sub);
  assert.deepEqual(given, people.map(tenant.subjectOf));
  assert.equal(exchanges(), people.length);
});

test('no token and no secret is ever in the log', async () => {
  const { refresh_token: given, access_token: access } = await freshTokens();
  const { refresh_token: rotated, access_token: renewed } = (await refreshBy(gateway, given)).body;
  await assertNeverShown(gateway, { 'the client secret': CLIENT_SECRET });
  await assertNeverShown(gateway, { given, access, rotated, renewed }, { inAnswers: false });
});
