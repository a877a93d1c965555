// Pushed authorization requests (RFC 9126): the gateway sends a login's request to the provider itself, and the browser carries only
// a reference to it.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Browser, until } from '../support/harness.mjs';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  LOGIN,
  assertNeverShown,
  assertProblem,
  claimsOf,
  fixedParameters,
  logIn,
} from '../support/login-flow.mjs';
import { AT, ENDPOINTS, recording, startRealm, startTokenGateway } from '../support/oidc-flow.mjs';

const PUSHED = '/realms/demo/protocol/par';
/** What the gateway waits for the answer. */
const TIMEOUT_SECS = 10;
const endpoints = { ...ENDPOINTS, pushed_authorization_request: '/protocol/par' };

let realm;
let gateway;

before(async () => {
  realm = await startRealm({ endpoints, requirePushed: true });
  gateway = await startTokenGateway(realm);
});

after(async () => {
  await gateway?.close();
  await realm?.close();
});

beforeEach(() => realm.resetCounts());
afterEach(() => realm.clearFaults());

/** Starts a gateway that records the requests that it pushes. */
async function startRecorded(t, of, options) {
  const pushed = [];
  const recorded = await startTokenGateway(of, { ...options, outbound: recording(PUSHED, pushed) });
  t.after(() => recorded.close());
  return Object.assign(recorded, { pushed });
}

test('where the provider requires it, the browser carries the name of the client and of the request alone', async (t) => {
  const recorded = await startRecorded(t, realm);
  const query = { prompt: 'login', resource: 'urn:evil', request_uri: 'urn:evil' };
  const answer = await recorded.ask(`${LOGIN}?${new URLSearchParams(query)}`);
  assert.equal(answer.status, 302, answer.text);
  const location = new URL(answer.headers.get('location'));
  assert.equal(location.origin + location.pathname, realm.origin + AT.authorization);
  const { request_uri: name, ...rest } = Object.fromEntries(location.searchParams);
  assert.match(name, /^urn:ietf:params:oauth:request_uri:/);
  assert.deepEqual([rest, [...location.searchParams].length], [{ client_id: CLIENT_ID }, 2]);
  const [{ headers, form }] = recorded.pushed;
  const { state, nonce, code_challenge: challenge, ...given } = Object.fromEntries(form);
  // A config for a strict provider fixes the prompt.
  assert.deepEqual(given, { prompt: 'login', ...fixedParameters(realm) });
  assert.equal(form.size, Object.keys(given).length + 3, 'none is there twice');
  const basic = `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}`;
  assert.deepEqual([headers.get('authorization'), recorded.pushed.length], [basic, 1]);
  for (const value of [state, nonce, challenge]) assert.match(value ?? '', /^[\w-]{16,}$/);
});

test('a login by a pushed request ends in tokens', async () => {
  const { id_token: idToken } = await logIn(gateway, new Browser(), { query: { return_to: '/home' } });
  assert.equal(claimsOf(idToken).iss, realm.issuer);
  assert.equal(realm.callsOf(PUSHED), 1);
});

test('the client authenticates as at the token endpoint', async (t) => {
  const own = await startRealm({
    endpoints,
    client: { token_endpoint_auth_method: 'client_secret_post' },
    clientAuthMethods: ['client_secret_post'],
  });
  t.after(() => own.close());
  const recorded = await startRecorded(t, own, { authorizer: { pushed_authorization_requests: true } });
  assert.ok((await logIn(recorded, new Browser())).access_token);
  const [{ headers, form }] = recorded.pushed;
  assert.deepEqual([headers.get('authorization'), form.get('client_secret')], [null, CLIENT_SECRET]);
});

describe('where the provider does not require it', () => {
  let lax;
  before(async () => {
    lax = await startRealm({ endpoints });
  });
  after(() => lax?.close());
  beforeEach(() => lax.resetCounts());

  for (const [wanted, calls] of /** @type {[boolean | undefined, number][]} */ ([
    [undefined, 0],
    [false, 0],
    [true, 1],
  ])) {
    test(`pushed_authorization_requests: ${wanted} has the gateway make ${calls} calls for a login`, async (t) => {
      const own = await startTokenGateway(lax, { authorizer: { pushed_authorization_requests: wanted } });
      t.after(() => own.close());
      const location = new URL((await own.ask(LOGIN)).headers.get('location'));
      assert.equal(location.searchParams.has('state'), calls === 0);
      assert.equal(lax.callsOf(PUSHED), calls);
      assert.ok((await logIn(own, new Browser())).access_token);
    });
  }
});

test('a provider without the endpoint cannot be pushed to, and the log says so', async (t) => {
  const plain = await startRealm();
  t.after(() => plain.close());
  const own = await startTokenGateway(plain, { authorizer: { pushed_authorization_requests: true } });
  t.after(() => own.close());
  const answer = await own.ask(LOGIN);
  assertProblem(answer, [502, 'idp_error'], 'a login');
  const reason = 'its discovery document lacks pushed_authorization_request_endpoint';
  assert.equal((await own.recordOf(answer)).reason, reason);
});

describe('an answer to a pushed request', () => {
  const BROKEN = [502, 'idp_error'];
  const REJECTED = [502, 'idp_rejected'];
  const uri = (value) => ({
    kind: 'status',
    status: 201,
    body: JSON.stringify({ request_uri: value, expires_in: 60 }),
  });
  /** @type {any[][]} */
  const rows = [
    ['that the connection loses', { kind: 'reset' }, [503, 'idp_unavailable', '5']],
    ['that does not come', { kind: 'hang' }, [504, 'idp_timeout', '5'], TIMEOUT_SECS],
    ['500', { kind: 'status' }, BROKEN],
    ['a redirect', { kind: 'status', status: 307, headers: { location: 'https://evil.example/' } }, BROKEN],
    ['HTML', { kind: 'html' }, BROKEN],
    ['an empty body', { kind: 'empty' }, BROKEN],
    ['JSON that is cut off', { kind: 'malformed' }, BROKEN],
    ['10 MB', { kind: 'huge' }, BROKEN],
    ['201 with no name', { kind: 'status', status: 201, body: '{"expires_in":60}' }, BROKEN],
    ['201 with a number for a name', uri(7), BROKEN],
    ['201 with an empty name', uri(''), BROKEN],
    ['201 with a name of 4 KB', uri('u'.repeat(4096)), BROKEN],
    ['a refusal', { kind: 'status', status: 400, body: '{"error":"invalid_request_object"}' }, REJECTED],
    ['a refusal of the client', { kind: 'status', status: 401, body: '{"error":"invalid_client"}' }, REJECTED],
    ['413', { kind: 'status', status: 413 }, REJECTED],
    ['429', { kind: 'status', status: 429, headers: { 'retry-after': '7' } }, [429, 'idp_rate_limited', '7']],
  ];
  for (const [name, fault, expected, passes] of rows) {
    test(`${name}: no login begins, and the next one does`, async () => {
      realm.fault({ path: PUSHED, times: 1, ...fault });
      const asked = gateway.ask(LOGIN);
      await until(() => realm.callsOf(PUSHED) === 1);
      if (passes) await gateway.elapse(passes);
      const answer = await asked;
      assertProblem(answer, expected, name);
      assert.deepEqual([answer.headers.get('location'), answer.headers.getSetCookie()], [null, []]);
      assert.equal((await gateway.ask(LOGIN)).status, 302, 'afterwards');
    });
  }

  test('leads nowhere but to the authorization endpoint, whatever name the provider gives', async () => {
    for (const name of [
      'https://evil.example/',
      '//evil.example',
      'urn:x&redirect_uri=https://evil.example/#',
      '\r\nx: y',
    ]) {
      realm.fault({ path: PUSHED, times: 1, ...uri(name) });
      const location = new URL((await gateway.ask(LOGIN)).headers.get('location'));
      assert.equal(location.origin + location.pathname + location.hash, realm.origin + AT.authorization, name);
      assert.deepEqual(
        [...location.searchParams],
        [
          ['request_uri', name],
          ['client_id', CLIENT_ID],
        ],
      );
    }
  });

  test('is shown to nobody, and neither is the secret', async () => {
    const text = 'recognisable-words-of-the-provider';
    const body = JSON.stringify({ error: text, error_description: `<b>${text}-${CLIENT_SECRET}` });
    realm.fault({ path: PUSHED, times: 1, kind: 'status', status: 400, body });
    assertProblem(await gateway.ask(LOGIN), REJECTED, 'refused');
    await assertNeverShown(gateway, { text, secret: CLIENT_SECRET });
  });
});
