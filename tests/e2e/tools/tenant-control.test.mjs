// Who may control the local tenant: programs of this machine, and no page of another origin.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../../../dev/tenant.mjs';

const MINT = '/_tenant/mint?format=text';
const BODY = new URLSearchParams({
  grant_type: 'client_credentials',
  client_id: DEFAULT_CLIENT_ID,
  client_secret: DEFAULT_CLIENT_SECRET,
}).toString();
const TOKEN = { path: '/oauth/token', body: BODY, headers: { 'content-type': 'application/x-www-form-urlencoded' } };

let tenant;

before(async () => {
  tenant = await startTenant();
});

after(() => tenant?.close());

/** A request that no client changes on its way. */
function ask({ path = MINT, method = 'POST', headers = {}, body = '' }) {
  const { port } = new URL(tenant.origin);
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method, headers }, async (response) => {
      resolve({ status: response.statusCode, body: Buffer.concat(await response.toArray()).toString() });
    })
      .once('error', reject)
      .end(body);
  });
}

describe('the tenant answers', () => {
  for (const [what, change, status] of /** @type {[string, (port: string) => Parameters<typeof ask>[0], number][]} */ ([
    ['a program', () => ({}), 200],
    ['a program that calls it localhost', (port) => ({ headers: { host: `localhost:${port}` } }), 200],
    ['a page of its own', (port) => ({ headers: { origin: `http://127.0.0.1:${port}` } }), 200],
    ['a page elsewhere', () => ({ headers: { origin: 'https://evil.example' } }), 403],
    ['a page of another port', () => ({ headers: { origin: 'http://127.0.0.1:1' } }), 403],
    ['a page without an origin', () => ({ headers: { origin: 'null' } }), 403],
    [
      'a page elsewhere that asks first',
      () => ({ method: 'OPTIONS', headers: { origin: 'https://evil.example' } }),
      403,
    ],
    ['a foreign name that leads here', (port) => ({ headers: { host: `evil.example:${port}` } }), 403],
    [
      'a foreign name and its page',
      (port) => ({ headers: { host: `evil.example:${port}`, origin: `http://evil.example:${port}` } }),
      403,
    ],
    ['a client', () => TOKEN, 200],
    [
      'a client by a foreign name',
      (port) => ({ ...TOKEN, headers: { ...TOKEN.headers, host: `evil.example:${port}` } }),
      403,
    ],
  ])) {
    test(`${what} with ${status}`, async () => {
      const answer = await ask(change(new URL(tenant.origin).port));
      assert.equal(answer.status, status, answer.body);
      assert.equal(/eyJ|access_token/.test(answer.body), status === 200);
    });
  }
});
