// What the tests of the older gateway's configs share: a gateway that runs one of them as it stands, the Workers beside it, and
// tables of what the older gateway answered.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, sendRaw, startGateway } from './harness.mjs';
import { signedWithSecret } from './signing.mjs';

/** What the authorizers of type jwt in these configs believe. */
export const JWT = {
  issuer: 'shop-accounts',
  audience: 'storefront',
  secret: 'a shared secret of the older gateway: 47 bytes.',
};

export const APP = 'https://app.example.com';

const seconds = () => Math.floor(Date.now() / 1000);

/** The text of a config in the older schema. */
export const older = (name) => readFileSync(join(ROOT, 'tests/fixtures/configs/older', `${name}.json`), 'utf8');

/**
 * Starts a gateway that finds the config `name` at the place where users of SAG have it.
 * @param {string} name
 * @param {Record<string, any>} [options]
 */
export function startOlder(name, { bindings = {}, ...options } = {}) {
  return startGateway({ bindings: { SAG_API_CONFIG_JSON: older(name), ...bindings }, ...options });
}

/** A Worker of tests/fixtures/workers, for `beside` of `startGateway`. */
export const besides = (...names) =>
  names.map((name) => ({
    name,
    script: readFileSync(join(ROOT, 'tests/fixtures/workers', `${name}.mjs`), 'utf8'),
    scriptPath: `${name}.mjs`,
  }));

/**
 * Headers with a token that the authorizers of type jwt take, of alice unless `claims` say otherwise.
 * @param {Record<string, any>} [claims]
 * @param {Record<string, any>} [how]
 */
export function bearer(claims = {}, { secret = JWT.secret, ...header } = {}) {
  const payload = { iss: JWT.issuer, aud: JWT.audience, sub: 'alice', iat: seconds(), exp: seconds() + 600, ...claims };
  return { authorization: `Bearer ${signedWithSecret(secret, payload, header)}` };
}

/** Claims of a token that has expired. */
export const expired = () => ({ iat: seconds() - 7200, exp: seconds() - 3600 });

/**
 * Makes a test of each row: what is so, the request, the status, and the body. A body that is an object, and the members of the
 * request that an upstream tells of, need not be named whole; `undefined` stands for none at all. `seen` goes on with the answer.
 * @param {() => any} gateway
 * @param {any[][]} rows
 */
export function answers(gateway, rows) {
  for (const [message, request, status, body, seen = () => {}] of rows) {
    test(message, async () => {
      const answer = await sendRaw(gateway().origin, typeof request === 'string' ? { path: request } : request);
      assert.equal(answer.status, status, answer.text);
      if (body === undefined) assert.equal(answer.text, '');
      else if (typeof body === 'object' && body !== null) assertHolds(answer.json(), body);
      else assert.deepEqual(answer.json(), body);
      await seen(answer);
    });
  }
}

/** Asserts that a value has every member of `expected`, objects within objects too. */
export function assertHolds(value, expected, at = 'body') {
  if (Array.isArray(expected) || typeof expected !== 'object' || expected === null) {
    assert.deepEqual(value, expected, at);
    return;
  }
  for (const [name, member] of Object.entries(expected)) assertHolds(value?.[name], member, `${at}.${name}`);
}

/** Returns the JSON headers and text of a body. */
export const json = (value) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });

/** A problem as clients of the older gateway read it: `code`, and `error` for people. */
export function assertCode(answer, status, code, message) {
  assert.equal(answer.status, status, `${message}: ${answer.text}`);
  const body = answer.json();
  assert.equal(body.code, code, message);
  assert.equal(typeof body.error, 'string', message);
}
