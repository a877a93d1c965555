// The older gateway's configs with Supabase: a project's tokens, and codes by mail and phone, in front of what answers as
// Supabase's REST API does.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { sendRaw, startUpstream } from '../support/harness.mjs';
import { assertCode, expired, json, startOlder } from '../support/older.mjs';
import { signedWithSecret } from '../support/signing.mjs';

const JWT_SECRET = 'the-jwt-secret-of-a-supabase-project';
const SERVICE_ROLE_KEY = 'service-role-key-of-the-project';
const ISSUER = 'https://project.supabase.example/auth/v1';
const SESSION = {
  access_token: 'a.b.c',
  token_type: 'bearer',
  expires_in: 3600,
  refresh_token: 'r',
  user: { id: 'u-1' },
};

const seconds = () => Math.floor(Date.now() / 1000);

/** Headers with a token of the project, of a user who is logged in unless `claims` say otherwise. */
function bearer(claims = {}, { secret = JWT_SECRET, ...header } = {}) {
  const payload = {
    iss: ISSUER,
    aud: 'authenticated',
    sub: 'u-1',
    role: 'authenticated',
    iat: seconds(),
    exp: seconds() + 600,
    ...claims,
  };
  return { authorization: `Bearer ${signedWithSecret(secret, payload, header)}` };
}

describe('a token of the project', () => {
  let api;
  let gateway;
  const at = (path, headers = {}) => sendRaw(gateway.origin, { path, headers });

  before(async () => {
    api = await startApi();
    gateway = await startOlder('supabase', { bindings: { NOTES_URL: api.origin, SUPABASE_JWT_SECRET: JWT_SECRET } });
  });

  after(async () => {
    await gateway?.close();
    await api?.close();
  });

  test('opens the paths with auth, and its claims reach the upstream', async () => {
    assert.deepEqual((await at('/health')).json(), { status: 'ok' });
    const opened = await at('/private', bearer());
    assert.deepEqual([opened.status, opened.json()], [200, { private: true }]);
    const { status, ...answer } = await at('/notes/7', bearer());
    assert.equal(status, 200);
    const { path, headers } = answer.json();
    assert.deepEqual([path, headers['x-user-id'], headers['x-role']], ['/7', 'u-1', 'authenticated']);
  });

  test('is 401 where it was', async () => {
    for (const [message, headers, code] of [
      ['none', {}, 'token_missing'],
      ['expired', bearer(expired()), 'token_expired'],
      ['another secret', bearer({}, { secret: `${JWT_SECRET}-other` }), 'token_invalid'],
      ['another issuer', bearer({ iss: 'https://other.supabase.example/auth/v1' }), 'token_invalid'],
      ['of nobody who is logged in', bearer({ aud: 'anon' }), 'token_invalid'],
      ['not yet', bearer({ nbf: seconds() + 600 }), 'token_invalid'],
      ['another HMAC', bearer({}, { alg: 'HS512' }), 'token_invalid'],
      ['no token', { authorization: 'Bearer malformed.token' }, 'token_invalid'],
    ]) {
      assertCode(await at('/private', headers), 401, code, message);
    }
    assertCode(await at('/private', bearer({ exp: undefined })), 401, 'token_invalid', 'no end, which was taken there');
  });
});

describe('a code', () => {
  let supabase;
  let gateway;
  const requests = [];
  let answerNext;

  before(async () => {
    supabase = await startUpstream(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString('utf8');
      const { method, url, headers } = request;
      requests.push({
        method,
        url,
        apikey: headers.apikey,
        authorization: headers.authorization,
        body: JSON.parse(body),
      });
      const [status, answer] = answerNext ?? (url.startsWith('/auth/v1/verify') ? [200, SESSION] : [200, {}]);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    gateway = await startOlder('passwordless', {
      bindings: { SUPABASE_URL: supabase.origin, SUPABASE_SERVICE_ROLE_KEY: SERVICE_ROLE_KEY },
    });
  });

  after(async () => {
    await gateway?.close();
    await supabase?.close();
  });

  beforeEach(() => {
    requests.length = 0;
    answerNext = undefined;
  });

  const post = (path, body) => sendRaw(gateway.origin, { method: 'POST', path, ...json(body) });
  const asKeyHolder = { method: 'POST', apikey: SERVICE_ROLE_KEY, authorization: `Bearer ${SERVICE_ROLE_KEY}` };

  test('is sent by mail or by phone, the mail first', async () => {
    for (const [body, message, sent] of [
      [{ email: 'a@example.com' }, 'Email OTP sent successfully', { email: 'a@example.com' }],
      [{ phone: '+4912345' }, 'SMS OTP sent successfully', { phone: '+4912345' }],
      [{ phone: '+4912345', email: 'a@example.com' }, 'Email OTP sent successfully', { email: 'a@example.com' }],
    ]) {
      const answer = await post('/auth', body);
      assert.deepEqual([answer.status, answer.json().message], [200, message]);
      const [{ body: received, url, ...request }] = requests.splice(0);
      assert.deepEqual(request, asKeyHolder);
      assert.equal(url.split('?')[0], '/auth/v1/otp');
      assert.deepEqual(received, { ...sent, create_user: true });
    }
  });

  test('is taken for a session', async () => {
    for (const [contact, type] of [
      [{ email: 'a@example.com' }, 'email'],
      [{ phone: '+4912345' }, 'sms'],
    ]) {
      const answer = await post('/verify', { ...contact, token: '123456' });
      assert.deepEqual([answer.status, answer.json()], [200, SESSION]);
      assert.equal(answer.header('cache-control'), 'no-store');
      const [{ body, url, ...request }] = requests.splice(0);
      assert.deepEqual([request, url, body], [asKeyHolder, '/auth/v1/verify', { ...contact, token: '123456', type }]);
    }
  });

  test('in the other way is sent by mail, and no account is made up with a password', async () => {
    const answer = await post('/auth-alt', { email: 'a@example.com' });
    assert.deepEqual([answer.status, answer.json().message], [200, 'Alternative OTP method attempted']);
    assert.deepEqual(
      requests.map(({ url, body }) => [url.split('?')[0], body.email, 'password' in body]),
      [['/auth/v1/otp', 'a@example.com', false]],
    );
  });

  test('needs what it needed, under the codes that it had', async () => {
    for (const [path, body, code] of [
      ['/auth', {}, 'missing_email_or_phone'],
      ['/auth', { email: '' }, 'missing_email_or_phone'],
      ['/verify', {}, 'missing_token_or_contact'],
      ['/verify', { token: '123456' }, 'missing_token_or_contact'],
      ['/verify', { email: 'a@example.com' }, 'missing_token_or_contact'],
      ['/auth-alt', {}, 'missing_email'],
      ['/auth-alt', { phone: '+4912345' }, 'missing_email'],
    ]) {
      assertCode(await post(path, body), 400, code, `${path} ${JSON.stringify(body)}`);
    }
    assert.deepEqual(requests, [], 'and Supabase is not asked');
  });

  test('is asked for with JSON that says so; any text was tried there, and was 500 where it was none', async () => {
    for (const [message, type, body, status, code] of [
      ['another type', 'text/plain', '{"email":"a@example.com"}', 415, 'unsupported_media_type'],
      ['no JSON', 'application/json', 'email=a@example.com', 400, 'body_malformed'],
    ]) {
      const answer = await sendRaw(gateway.origin, {
        method: 'POST',
        path: '/auth',
        headers: { 'content-type': type },
        body,
      });
      assertCode(answer, status, code, message);
    }
    assert.deepEqual(requests, []);
  });

  test('that Supabase refuses is 400, or 401 where it was to be taken; none of its words are passed on', async () => {
    const words = 'words of the project';
    for (const [path, body, status, code] of [
      ['/auth', { email: 'a@example.com' }, 400, 'otp_rejected'],
      ['/auth', { phone: '+4912345' }, 400, 'otp_rejected'],
      ['/verify', { email: 'a@example.com', token: '1' }, 401, 'otp_invalid'],
      ['/auth-alt', { email: 'a@example.com' }, 400, 'otp_rejected'],
    ]) {
      answerNext = [status === 401 ? 403 : 422, { code: 422, msg: words }];
      const answer = await post(path, body);
      assertCode(answer, status, code, `${path} ${JSON.stringify(body)}`);
      assert.ok(!answer.text.includes(words), path);
      const urls = requests.splice(0).map(({ url }) => url);
      assert.equal(urls.length, 1, `no administrator's link is made instead: ${urls}`);
    }
  });
});
