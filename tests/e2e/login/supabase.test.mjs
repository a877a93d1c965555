// `supabase_passwordless_auth`, `_verify` and `_auth_alt`: logins by one-time password over Supabase's REST API, against a stand-in
// that keeps what it is asked and answers what a test wants.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { freePort, startGateway, startUpstream } from '../support/harness.mjs';
import { assertPrivateJson, assertProblem } from '../support/login-flow.mjs';
import { assertMistakes, mistakesOf } from '../support/service-flow.mjs';

const KEY = 'service-role-key-that-nobody-may-see';
const OTP = '845170239164';
const EMAIL = 'alice@example.com';
const PHONE = '+15550100';
const SESSION = {
  access_token: 'an.access.token',
  token_type: 'bearer',
  expires_in: 3600,
  expires_at: 1795240000,
  refresh_token: 'a-refresh-token',
  user: { id: 'c0ffee', email: EMAIL, app_metadata: { provider: 'email' }, identities: [{ n: null }] },
};
const STEPS = {
  '/send': 'supabase_passwordless_auth',
  '/send-email': 'supabase_passwordless_auth_alt',
  '/verify': 'supabase_passwordless_verify',
};

const steps = (members, below = '') =>
  Object.entries(STEPS).map(([path, type]) => ({
    method: 'POST',
    path: below + path,
    integration: { type, ...members },
  }));

let supabase;
let asked;
let answerAs;
let gateway;

const json =
  (status, body, headers = {}) =>
  (_, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

before(async () => {
  supabase = await startUpstream(async (request, response) => {
    const { method, url: path, headers } = request;
    asked.push({ method, path, headers, body: Buffer.concat(await request.toArray()).toString() });
    answerAs(request, response);
  });
  gateway = await startGateway({
    config: {
      paths: [
        ...steps({}),
        ...steps({ url: `${supabase.origin}/project/one/`, key: '$secret.OTHER_KEY' }, '/below'),
        ...steps({ url: `http://127.0.0.1:${await freePort()}` }, '/nobody'),
      ],
    },
    bindings: { SUPABASE_URL: supabase.origin, SUPABASE_SERVICE_ROLE_KEY: KEY, OTHER_KEY: `other-${KEY}` },
  });
});

after(async () => {
  await gateway?.close();
  await supabase?.close();
});

beforeEach(() => {
  asked = [];
  answerAs = (request, response) => json(200, request.url.endsWith('/verify') ? SESSION : {})(request, response);
});

/** Posts a body, as JSON unless told otherwise; a text is sent as it is. */
const post = (path, body, headers = {}) =>
  gateway.ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** A body that each step takes. */
const BODIES = { '/send': { email: EMAIL }, '/send-email': { email: EMAIL }, '/verify': { email: EMAIL, token: OTP } };

describe('Supabase is asked', () => {
  const sent = (channel) => ({ message: `${channel} OTP sent successfully` });
  const alternative = { message: 'Alternative OTP method attempted' };
  for (const [message, path, body, at, expected, answer] of [
    ['for a password by email', '/send', { email: EMAIL }, 'otp', { email: EMAIL, create_user: true }, sent('Email')],
    ['for a password by phone', '/send', { phone: PHONE }, 'otp', { phone: PHONE, create_user: true }, sent('SMS')],
    [
      'for one by email where there are both',
      '/send',
      { phone: PHONE, email: EMAIL },
      'otp',
      { email: EMAIL, create_user: true },
      sent('Email'),
    ],
    [
      'for one by phone where the email is empty',
      '/send',
      { phone: PHONE, email: '' },
      'otp',
      { phone: PHONE, create_user: true },
      sent('SMS'),
    ],
    ['for one in the other way', '/send-email', { email: EMAIL, phone: PHONE }, 'otp', { email: EMAIL }, alternative],
    [
      "whether an email's is right",
      '/verify',
      { email: EMAIL, token: OTP },
      'verify',
      { type: 'email', email: EMAIL, token: OTP },
      SESSION,
    ],
    [
      "whether a phone's is right",
      '/verify',
      { phone: PHONE, token: OTP },
      'verify',
      { type: 'sms', phone: PHONE, token: OTP },
      SESSION,
    ],
    [
      'and told nothing else that the client says',
      '/send',
      {
        email: EMAIL,
        create_user: false,
        data: { role: 'admin' },
        token: OTP,
        gotrue_meta_security: {},
      },
      'otp',
      { email: EMAIL, create_user: true },
      sent('Email'),
    ],
    [
      'and of the type that the contact has',
      '/verify',
      { email: EMAIL, token: OTP, type: 'recovery', redirect_to: 'https://evil.example' },
      'verify',
      {
        type: 'email',
        email: EMAIL,
        token: OTP,
      },
      SESSION,
    ],
    [
      'with texts as they are',
      '/send',
      { email: 'é"\\\u2028@example.com' },
      'otp',
      { email: 'é"\\\u2028@example.com', create_user: true },
      sent('Email'),
    ],
  ]) {
    test(message, async () => {
      for (const [below, base, key] of [
        ['', '', KEY],
        ['/below', '/project/one', `other-${KEY}`],
      ]) {
        asked = [];
        const result = await post(below + path, body);
        assertPrivateJson(result, message);
        assert.deepEqual(result.body, answer);
        assert.equal(asked.length, 1);
        const [{ method, path: called, headers, body: told }] = asked;
        assert.deepEqual([method, called], ['POST', `${base}/auth/v1/${at}`]);
        assert.deepEqual([headers.apikey, headers.authorization], [key, `Bearer ${key}`]);
        assert.match(headers['content-type'], /^application\/json\b/);
        const { create_user: creates, ...rest } = JSON.parse(told);
        const { create_user: expectedCreates, ...expectedRest } = expected;
        assert.deepEqual(rest, expectedRest);
        // How the other way treats those who are not known yet is Supabase's to say.
        if (path !== '/send-email') assert.equal(creates, expectedCreates);
      }
    });
  }

  test("by the gateway alone: no header of the client's comes along", async () => {
    await post(
      '/send',
      { email: EMAIL },
      {
        apikey: 'of-the-client',
        authorization: 'Bearer of-the-client',
        cookie: 'a=of-the-client',
        'x-own': 'of-the-client',
        'x-forwarded-for': 'of-the-client',
      },
    );
    assert.deepEqual(
      Object.entries(asked[0].headers).filter(([, value]) => value.includes('of-the-client')),
      [],
    );
  });

  test('where the type of the body has parameters', async () => {
    assert.equal(
      (await post('/send', { email: EMAIL }, { 'content-type': 'Application/JSON; charset=utf-8' })).status,
      200,
    );
  });
});

describe('Supabase is not asked', () => {
  const NO_CONTACT = [400, 'missing_email_or_phone'];
  const NO_TOKEN = [400, 'missing_token_or_contact'];
  const NO_EMAIL = [400, 'missing_email'];
  const MALFORMED = [400, 'body_malformed'];
  for (const [message, path, body, expected] of [
    ['without a contact', '/send', {}, NO_CONTACT],
    ['with an empty contact', '/send', { email: '', phone: '' }, NO_CONTACT],
    ['with a contact that is null', '/send', { email: null }, NO_CONTACT],
    ['without a token', '/verify', { email: EMAIL }, NO_TOKEN],
    ['with an empty token', '/verify', { email: EMAIL, token: '' }, NO_TOKEN],
    ['with a token and no contact', '/verify', { token: OTP }, NO_TOKEN],
    ['with a phone in the other way', '/send-email', { phone: PHONE }, NO_EMAIL],
    ['with an empty email in the other way', '/send-email', { email: '' }, NO_EMAIL],
    ['with a body that is no JSON', '/send', 'email=a', MALFORMED],
    ['with an empty body', '/send', '', MALFORMED],
    ['with an array', '/send', [{ email: EMAIL }], MALFORMED],
    ['with a text', '/verify', '"845170239164"', MALFORMED],
    ['with an email twice', '/send', `{"email":"${EMAIL}","email":"eve@example.com"}`, MALFORMED],
    ['with a body of more than it takes', '/send', { email: EMAIL, more: 'x'.repeat(20_000) }, [413, 'body_too_large']],
  ]) {
    test(message, async () => {
      assertProblem(await post(path, body), expected, message);
      assert.deepEqual(asked, []);
    });
  }

  test('with a contact or a token that is no text', async () => {
    for (const [path, body] of [
      ['/send', { email: 7 }],
      ['/send', { phone: 15550100 }],
      ['/send', { email: { $ne: '' } }],
      ['/send', { email: [EMAIL] }],
      ['/verify', { email: EMAIL, token: 845170 }],
      ['/verify', { email: true, token: OTP }],
      ['/send-email', { email: [EMAIL] }],
    ]) {
      const { status, text } = await post(path, body);
      assert.equal(status, 400, `${path} ${JSON.stringify(body)}: ${text}`);
    }
    assert.deepEqual(asked, []);
  });

  test('with a body of another type, which any page could send', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
      for (const [path, body] of Object.entries(BODIES)) {
        assertProblem(
          await post(path, body, { 'content-type': type }),
          [415, 'unsupported_media_type'],
          `${path} ${type}`,
        );
      }
    }
    assert.deepEqual(asked, []);
  });
});

describe('the client is told', () => {
  const REJECTED = [400, 'otp_rejected'];
  const INVALID = [401, 'otp_invalid'];
  const ERROR = [502, 'idp_error'];
  const UNAVAILABLE = [503, 'idp_unavailable', '5'];
  const REFUSED = [502, 'idp_rejected'];
  // What it was asked with is what it repeats.
  const words = (status) => (request, response) => {
    const token = request.url.endsWith('/verify') ? OTP : 'nothing';
    json(status, { code: status, error_code: 'otp_expired', msg: `words of Supabase on ${token} and ${KEY}` })(
      request,
      response,
    );
  };
  const rows = [
    ...[400, 403, 404, 422].map((status) => [`refused with ${status}`, words(status), REJECTED, INVALID]),
    // Without a password to be wrong, it is the gateway's own key.
    ['refused with 401', words(401), REFUSED, INVALID],
    ['rate limited with a wait', json(429, {}, { 'retry-after': '7' }), [429, 'idp_rate_limited', '7']],
    ['rate limited without a wait', words(429), [429, 'idp_rate_limited', '5']],
    ['failed with 500', words(500), ERROR],
    ['failed with 503', json(503, '<b>busy</b>'), ERROR],
    ['led elsewhere', json(307, '', { location: '/followed' }), ERROR],
    ['broken off', (request) => request.socket.resetAndDestroy(), UNAVAILABLE],
  ];
  for (const [message, answer, expected, ofVerify = expected] of rows) {
    test(`that Supabase has ${message}`, async () => {
      for (const [path, body] of Object.entries(BODIES)) {
        asked = [];
        answerAs = answer;
        const result = await post(path, body);
        assertProblem(result, path === '/verify' ? ofVerify : expected, `${path} ${message}`);
        assert.ok(!/words of Supabase|busy/.test(result.text), 'none of its words');
        assert.equal(asked.length, 1, 'one call, and none where a redirect leads');
        assert.equal(result.record.code, result.body.code);
      }
    });
  }

  test("that nobody is at Supabase's address", async () => {
    for (const [path, body] of Object.entries(BODIES))
      assertProblem(await post(`/nobody${path}`, body), UNAVAILABLE, path);
  });

  test('that Supabase takes too long', async () => {
    answerAs = () => {};
    const answers = await Promise.all(Object.entries(BODIES).map(([path, body]) => post(path, body)));
    for (const answer of answers) assertProblem(answer, [504, 'idp_timeout', '5'], 'no answer');
  });

  test('that what should be a session is none', async () => {
    for (const body of [
      '',
      '<b>fine</b>',
      '[]',
      'null',
      '"text"',
      '{}',
      '{"access_token":7}',
      `{"access_token":"${'x'.repeat(10_000_000)}"}`,
    ]) {
      answerAs = json(200, body);
      assertProblem(await post('/verify', BODIES['/verify']), ERROR, body.slice(0, 40));
    }
  });

  test('nothing of the key, and the log neither that nor the password nor whose it is', async () => {
    for (const answer of [words(422), words(500), json(200, SESSION)]) {
      answerAs = answer;
      const { status, text, record } = await post('/verify', BODIES['/verify']);
      assert.ok(!text.includes(KEY));
      if (status === 401) assert.match(record.reason, /^422 otp_expired/, 'but what Supabase calls it');
    }
    for (const { message } of gateway.lines) {
      for (const hidden of [KEY, OTP, EMAIL, PHONE, SESSION.access_token, SESSION.refresh_token])
        assert.ok(!message.includes(hidden), message);
    }
  });
});

describe('a config is invalid', () => {
  test('where url or key is wrong', async () => {
    const of = (members, type = 'supabase_passwordless_auth') => ({
      method: 'POST',
      integration: { type, url: 'https://project.supabase.example', key: 'any', ...members },
    });
    await assertMistakes([
      ['another scheme', of({ url: 'ftp://project.example' }), 'invalid_url', '.integration.url'],
      ['http to another host', of({ url: 'http://project.example' }), 'invalid_url', '.integration.url'],
      ['a query', of({ url: 'https://project.example/?a=1' }), 'invalid_url', '.integration.url'],
      ['credentials', of({ url: 'https://user:word@project.example/' }), 'invalid_url', '.integration.url'],
      ['no address', of({ url: 'project' }), 'invalid_url', '.integration.url'],
      ['an address that is no text', of({ url: 7 }), 'wrong_type', '.integration.url'],
      ['an empty key', of({ key: '' }, 'supabase_passwordless_verify'), 'empty_value', '.integration.key'],
      ['a key that is no text', of({ key: {} }, 'supabase_passwordless_auth_alt'), 'wrong_type', '.integration.key'],
      ['another key', of({ secret: 'x' }), 'unknown_key', '.integration'],
    ]);
  });

  test('where neither the path nor a binding has them; the log names the bindings', async () => {
    for (const type of Object.values(STEPS)) {
      const mistakes = await mistakesOf({
        config: { paths: [{ method: 'POST', path: '/one', integration: { type } }] },
      });
      for (const name of ['SUPABASE_URL', 'SUPABASE_SERVICE_ROLE_KEY']) {
        assert.equal(
          mistakes.filter((mistake) => mistake.includes(`${name} is missing or empty`)).length,
          1,
          `${type} ${name}\n${mistakes.join('\n')}`,
        );
      }
    }
  });
});
