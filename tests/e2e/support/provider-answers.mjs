// Everything that a provider may answer instead of what was asked, as faults of the tenant, and what each integration then
// tells its client: [status, code, Retry-After].

import assert from 'node:assert/strict';
import { assertProblem } from './login-flow.mjs';

const MARKUP = '<b>text of the provider</b>';
const refusal = (status, error) => ({ status, body: { error, error_description: MARKUP } });
const rateLimit = (headers) => ({
  status: 429,
  headers,
  body: { error: 'too_many_requests', error_description: MARKUP },
});
const ok = (body) => ({ status: 200, body });

const IDP_REJECTED = [502, 'idp_rejected'];
const INTERACTION_REQUIRED = [401, 'interaction_required'];
const LOGIN_DENIED = [403, 'login_denied'];
const IDP_ERROR = [502, 'idp_error'];
const IDP_UNAVAILABLE = [503, 'idp_unavailable', '5'];
const IDP_TIMEOUT = [504, 'idp_timeout', '5'];
const RATE_LIMITED = (wait) => [429, 'idp_rate_limited', wait];

const asksUser = { refresh: INTERACTION_REQUIRED, callback: INTERACTION_REQUIRED };
const denied = { refresh: LOGIN_DENIED, callback: LOGIN_DENIED };
const gone = { refresh: [401, 'refresh_token_invalid'], callback: [400, 'code_invalid'] };
const rejectedToken = [401, 'token_invalid'];
const all = (outcome) => ({ refresh: outcome, callback: outcome, userinfo: outcome });

/** @type {any[]} */
const ROWS = [
  { when: 'invalid_grant with 400', fault: refusal(400, 'invalid_grant'), ...gone, userinfo: IDP_REJECTED },
  { when: 'invalid_grant with 401', fault: refusal(401, 'invalid_grant'), ...gone, userinfo: rejectedToken },
  { when: 'invalid_grant with 403', fault: refusal(403, 'invalid_grant'), ...gone, userinfo: rejectedToken },
  { when: 'mfa_required with 403', fault: refusal(403, 'mfa_required'), ...asksUser },
  { when: 'interaction_required with 400', fault: refusal(400, 'interaction_required'), ...asksUser },
  { when: 'login_required with 401', fault: refusal(401, 'login_required'), ...asksUser },
  { when: 'authentication_expired with 400', fault: refusal(400, 'authentication_expired'), ...asksUser },
  { when: 'access_denied with 403', fault: refusal(403, 'access_denied'), ...denied, userinfo: rejectedToken },
  { when: 'unauthorized with 401', fault: refusal(401, 'unauthorized'), ...denied, userinfo: rejectedToken },
  { when: 'access_denied with 404', fault: refusal(404, 'access_denied'), ...all(IDP_REJECTED) },
  { when: 'consent_required with 500', fault: refusal(500, 'consent_required'), ...all(IDP_ERROR) },
  { when: 'invalid_client with 400', fault: refusal(400, 'invalid_client'), ...all(IDP_REJECTED) },
  {
    when: 'invalid_client with 401',
    fault: refusal(401, 'invalid_client'),
    ...all(IDP_REJECTED),
    userinfo: rejectedToken,
  },
  {
    when: 'unauthorized_client with 403',
    fault: refusal(403, 'unauthorized_client'),
    ...all(IDP_REJECTED),
    userinfo: rejectedToken,
  },
  { when: 'invalid_grant with 404', fault: refusal(404, 'invalid_grant'), ...all(IDP_REJECTED) },
  { when: 'HTML with 400', fault: { status: 400, body: MARKUP }, ...all(IDP_REJECTED) },
  { when: '418', fault: refusal(418, 'teapot'), ...all(IDP_REJECTED) },
  { when: '429 with a wait', fault: rateLimit({ 'retry-after': '7' }), ...all(RATE_LIMITED('7')) },
  { when: '429 with no wait', fault: rateLimit({}), ...all(RATE_LIMITED('5')) },
  {
    when: '429 with a date',
    fault: rateLimit({ 'retry-after': 'Wed, 21 Oct 2037 07:28:00 GMT' }),
    ...all(RATE_LIMITED('3600')),
  },
  { when: '429 with a wait of days', fault: rateLimit({ 'retry-after': '9999999' }), ...all(RATE_LIMITED('3600')) },
  { when: 'invalid_grant with 500', fault: refusal(500, 'invalid_grant'), ...all(IDP_ERROR) },
  { when: '503', fault: { status: 503, headers: { 'retry-after': '9' } }, ...all(IDP_ERROR) },
  { when: 'a body cut off', fault: { kind: 'malformed' }, ...all(IDP_ERROR) },
  { when: 'HTML with 200', fault: { kind: 'html' }, ...all(IDP_ERROR) },
  { when: 'an empty body', fault: { kind: 'empty' }, ...all(IDP_ERROR) },
  { when: 'a body of 10 MB', fault: { kind: 'huge' }, ...all(IDP_ERROR) },
  { when: 'an array', fault: ok('[{"access_token":"a","sub":"s"}]'), ...all(IDP_ERROR) },
  { when: '204', fault: { status: 204 }, ...all(IDP_ERROR) },
  { when: 'a redirect', fault: { status: 302, headers: { location: '/followed' } }, ...all(IDP_ERROR) },
  {
    when: 'a redirect that keeps the method',
    fault: { status: 307, headers: { location: '/followed' } },
    ...all(IDP_ERROR),
  },
  { when: 'a connection that breaks', fault: { kind: 'reset' }, ...all(IDP_UNAVAILABLE) },
  { when: 'no access token', fault: ok({ token_type: 'Bearer' }), refresh: IDP_ERROR, callback: IDP_ERROR },
  { when: 'an access token that is a number', fault: ok({ access_token: 1 }), refresh: IDP_ERROR, callback: IDP_ERROR },
  {
    when: 'a token that is bound',
    fault: ok({ access_token: 'a', token_type: 'DPoP' }),
    refresh: IDP_ERROR,
    callback: IDP_ERROR,
  },
  {
    when: 'an ID token that is an object',
    fault: ok({ access_token: 'a', id_token: {} }),
    refresh: IDP_ERROR,
    callback: IDP_ERROR,
  },
];

/**
 * Asserts what a client is told for every answer of the provider at `path`. `send` makes the request; `patient` gateways
 * wait for long, `impatient` ones for too short a time for a provider that hangs.
 * @param {Record<string, any>} how
 */
export async function assertProviderAnswers({ tenant, path, integration, patient, impatient, send }) {
  for (const { when, fault, [integration]: expected } of ROWS) {
    if (!expected) continue;
    tenant.resetCounts();
    tenant.fault({ path, ...fault });
    const answer = await send(patient);
    tenant.clearFaults();
    assertProblem(answer, expected, when);
    assert.ok(!answer.text.includes('text of the provider'), `${when}: nothing of the provider is reflected`);
    const { [path]: calls, ...others } = tenant.counts;
    // workerd itself repeats a GET whose pooled connection broke before any answer: that may be one the server had given up.
    const mayRepeat = fault.kind === 'reset' && integration === 'userinfo';
    assert.ok(calls === 1 || (mayRepeat && calls === 2), `${when}: one call, and not ${calls}`);
    assert.deepEqual(others, {}, `${when}: and none where a redirect leads`);
    const record = await patient.recordOf(answer);
    assert.deepEqual([record.status, record.code], expected.slice(0, 2), `${when}: the log says the same`);
    const isClient = integration !== 'userinfo' && fault.body?.error === 'invalid_client';
    const advice = isClient ? ' (see token_endpoint_auth_method and client_secret)' : '';
    const words = `${fault.status} ${fault.body?.error}: ${MARKUP}${advice}`;
    const isRefusal = [IDP_REJECTED, INTERACTION_REQUIRED, LOGIN_DENIED, gone[integration]].includes(expected);
    assert.equal(record.reason === words, isRefusal && Boolean(fault.body.error), `${when}: ${record.reason}`);
  }

  tenant.fault({ path, kind: 'hang' });
  assertProblem(await send(impatient), IDP_TIMEOUT, 'a provider that hangs');
  tenant.clearFaults();
}

/**
 * Asserts that none of `secrets` comes to the log or to the client if the provider at `path` repeats it, and that the name
 * of an error comes to the log if it is written as the registered ones are.
 * @param {Record<string, any>} how
 */
export async function assertNothingEchoed({ tenant, path, integration, gateway, secrets, send }) {
  const descriptions = (secret) => [
    [secret, '[redacted]'],
    [`Unknown token "${secret}".`, 'Unknown token [redacted]'],
    [`token=${secret}&client_id=any`, '[redacted]'],
    [`{"sent":["${secret}"]} no`, '[redacted] no'],
    [`first\r\n${secret}\tlast`, 'first [redacted] last'],
    // If the cut falls into the secret, its beginning does not stay.
    [`${'xy '.repeat(62)}${secret} end`, `${'xy '.repeat(62)}[redacted] end`.slice(0, 200)],
  ];
  const unregistered = 'an unregistered error';
  for (const secret of secrets) {
    const rows = [
      ...descriptions(secret).map(([sent, logged]) => [
        'invalid_request',
        sent,
        `invalid_request: ${logged}`,
        IDP_REJECTED,
      ]),
      ['invalid_grant', `of ${secret}`, 'invalid_grant: of [redacted]', gone[integration]],
      [secret, 'plain words', `${unregistered}: plain words`, IDP_REJECTED],
      [`invalid_grant ${secret}`, secret, `${unregistered}: [redacted]`, IDP_REJECTED],
      ['Invalid_Grant', secret, `${unregistered}: [redacted]`, IDP_REJECTED],
      ['a\nb', secret, `${unregistered}: [redacted]`, IDP_REJECTED],
      ['x'.repeat(65), secret, `${unregistered}: [redacted]`, IDP_REJECTED],
      [{ name: secret }, [secret], ': ', IDP_REJECTED],
    ];
    for (const [error, description, logged, expected] of rows) {
      const message = `${JSON.stringify(error)}: ${JSON.stringify(description)}`;
      tenant.fault({ path, times: 1, status: 400, body: { error, error_description: description } });
      const answer = await send(gateway);
      assertProblem(answer, expected, message);
      assert.equal((await gateway.recordOf(answer)).reason, `400 ${logged}`, message);
      const shown = [answer.text, ...[...answer.headers].flat()].join('\n');
      assert.ok(!shown.includes(secret.slice(0, 16)), `${message}: nor does the client see it`);
    }
    const lines = gateway.lines.filter(({ message }) => message.includes(secret.slice(0, 16)));
    assert.deepEqual(lines, [], 'no part of a secret is in the log');
  }
}
