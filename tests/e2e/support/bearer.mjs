// What the tests of bearer tokens and key sets share: a gateway with one path that wants a token, tokens that no library would
// sign, and what a refusal looks like.

import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { startGateway } from './harness.mjs';

export const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
export const KEY_SET = '/.well-known/jwks.json';

/**
 * Starts a gateway on the clock of the tests that wants a token of the tenant `of` at /private; `authorizer` adds to its section of
 * the config.
 * @param {any} of
 * @param {Record<string, any>} [authorizer]
 * @param {Record<string, any>} [options]
 */
export function protectedGateway(of, authorizer, options = {}) {
  return startGateway({
    config: {
      authorizer: {
        type: 'auth0',
        domain: of.origin,
        issuer: of.issuer,
        client_id: 'bargate-local',
        audience: of.settings.audience,
        ...authorizer,
      },
      paths: [{ method: 'ANY', path: '/private', auth: true, response: { ok: true } }],
    },
    clock: true,
    ...options,
  });
}

/** Asks for /private with a token. */
export function ask(of, token) {
  return of.ask('/private', { headers: { authorization: `Bearer ${token}` } });
}

/**
 * The token is refused with this code, the log has the reason, and the answer has not.
 * @param {any} of
 * @param {string} token
 * @param {string} code
 * @param {RegExp} reason
 * @param {string} [message]
 */
export async function assertRefused(of, token, code, reason, message) {
  const answer = await ask(of, token);
  assertTellsNothing(answer, code, message);
  assert.match(answer.record.reason ?? '', reason, message);
  assert.ok(
    !JSON.stringify(answer.record).includes(token.slice(0, 200) || '\0'),
    `${message}: the log does not hold the token`,
  );
}

/**
 * The client learns whether to refresh or to log in again and with which scopes, and nothing of which check failed.
 * @param {any} answer
 * @param {string} code
 * @param {string} [message]
 * @param {string} [scope] the scopes of the path
 */
export function assertTellsNothing({ id, status, body, headers, record }, code, message, scope) {
  const expired = code === 'token_expired';
  const title = expired ? 'Token expired' : 'Token invalid';
  assert.deepEqual(
    body,
    {
      type: `urn:bargate:problem:${code}`,
      title,
      error: title,
      status: 401,
      detail: expired
        ? 'Refresh the access token and send the request again.'
        : 'The credential is not valid here. Get another.',
      code,
      request_id: id,
    },
    message,
  );
  const description = expired ? 'the token has expired' : 'the token is not valid here';
  const challenge = `Bearer error="invalid_token", error_description="${description}"${scope ? `, scope="${scope}"` : ''}`;
  assert.deepEqual(
    [status, headers.get('content-type'), headers.get('cache-control'), headers.get('www-authenticate')],
    [401, 'application/problem+json', 'no-store', challenge],
    message,
  );
  assert.deepEqual([record.status, record.code], [401, code], message);
}

/** Makes the tenant serve this key set until its faults are cleared. */
export function publish(of, keys) {
  of.fault({ path: KEY_SET, kind: 'status', status: 200, body: JSON.stringify({ keys }) });
}

/** The time in seconds since 1970. */
export const seconds = () => Math.floor(Date.now() / 1000);

/** Encodes a text, bytes, or a value as JSON. */
export function base64url(part) {
  return Buffer.from(typeof part === 'string' || Buffer.isBuffer(part) ? part : JSON.stringify(part)).toString(
    'base64url',
  );
}

/** Signs any header and payload at all, which jose rightly does not. RSA (PKCS #1) keys alone. */
export function jws(header, payload, jwk) {
  const signed = `${base64url(header)}.${base64url(payload)}`;
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  const hash = /^RS(384|512)$/.exec(jwk.alg)?.[1] ?? '256';
  return `${signed}.${sign(`sha${hash}`, Buffer.from(signed), key).toString('base64url')}`;
}

/** Returns the token with one bit of its signature changed. */
export function flipSignatureBit(token) {
  const [header, payload, signature] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[bytes.length >> 1] ^= 1;
  return `${header}.${payload}.${bytes.toString('base64url')}`;
}
