// Hosts on workerd: which name a request comes by decides which paths it sees. The rules have their tables on the host
// (tests/routes/main.rs).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sendRaw, startGateway } from '../support/harness.mjs';

const ORIGIN = 'https://app.example';

let gateway;

const path = (method, host, path, more = {}) => ({
  method,
  ...(host && { host }),
  path,
  response: { is: `${method} ${host}${path}` },
  ...more,
});

before(async () => {
  gateway = await startGateway({
    config: {
      cors: { allow_origins: [ORIGIN] },
      authorizer: {
        type: 'jwt',
        issuer: 'https://id.example/',
        audience: 'https://api.example',
        jwks_uri: 'https://id.example/jwks',
      },
      paths: [
        path('GET', 'a.example', '/x'),
        path('GET', '*.example', '/x'),
        path('GET', '', '/x'),
        path('GET', 'A.example.', '/only'),
        path('POST', '*.example', '/only'),
        path('DELETE', 'b.example', '/only'),
        path('GET', 'c.example', '/guarded', { auth: true, protected_resource: true }),
        path('GET', 'd.example', '/guarded', {
          auth: true,
          protected_resource: { resource: 'https://d.example/guarded', name: 'D' },
        }),
      ],
    },
  });
});

after(() => gateway?.close());

const call = (host, path, method = 'GET', headers = {}) =>
  sendRaw(gateway.origin, { method, path, headers: { host, ...headers } });

describe('the name that a request comes by', () => {
  for (const [message, host, expected] of [
    ['a whole name', 'a.example', 'GET a.example/x'],
    ['in upper case', 'A.EXAMPLE', 'GET a.example/x'],
    ['with a port', 'a.example:8443', 'GET a.example/x'],
    ['with a dot at its end', 'a.example.', 'GET a.example/x'],
    ['with both', 'a.example.:8443', 'GET a.example/x'],
    ['by a star', 'z.example', 'GET *.example/x'],
    ['two labels for a star', 'y.z.example', 'GET /x'],
    ['none for a star', 'example', 'GET /x'],
    ['a name that begins like one', 'a.example.evil', 'GET /x'],
    ['an address', '127.0.0.1', 'GET /x'],
    ['an address in brackets', '[::1]:8787', 'GET /x'],
  ]) {
    test(message, async () => {
      const answer = await call(host, '/x');
      assert.deepEqual([answer.status, answer.json()], [200, { is: expected }]);
    });
  }

  test('no header forges it', async () => {
    const forged = {
      'x-forwarded-host': 'a.example',
      forwarded: 'host=a.example',
      'x-host': 'a.example',
      'x-original-host': 'a.example',
    };
    assert.deepEqual((await call('z.example', '/x', 'GET', forged)).json(), { is: 'GET *.example/x' });
    assert.equal((await call('other.test', '/only', 'GET', forged)).status, 404);
  });
});

describe('what exists under other names', () => {
  test('is unknown', async () => {
    const answer = await call('other.test', '/only');
    assert.deepEqual([answer.status, answer.json().code], [404, 'route_not_found']);
  });

  for (const [host, allow] of [
    ['a.example', 'GET, HEAD, POST'],
    ['b.example', 'POST, DELETE'],
    ['z.example', 'POST'],
  ]) {
    test(`is not among the methods of ${host}`, async () => {
      const answer = await call(host, '/only', 'PUT');
      assert.deepEqual([answer.status, answer.json().code, answer.header('allow')], [405, 'method_not_allowed', allow]);
    });

    test(`is not granted by a preflight of ${host}`, async () => {
      const preflight = (method) =>
        call(host, '/only', 'OPTIONS', { origin: ORIGIN, 'access-control-request-method': method });
      for (const method of ['GET', 'POST', 'DELETE']) {
        const granted = allow.split(', ').includes(method) ? allow : null;
        assert.equal((await preflight(method)).header('access-control-allow-methods'), granted, method);
      }
    });
  }

  test('has metadata of its own', async () => {
    const at = '/.well-known/oauth-protected-resource/guarded';
    const named = async (host) => (await call(host, at)).json();
    assert.equal((await named('c.example')).resource, 'http://c.example/guarded');
    const { resource, resource_name } = await named('d.example');
    assert.deepEqual([resource, resource_name], ['https://d.example/guarded', 'D']);
    assert.equal((await call('a.example', at)).status, 404);
    const answer = await call('d.example', '/guarded');
    assert.equal(answer.status, 401);
    assert.match(answer.header('www-authenticate'), /resource_metadata="http:\/\/d\.example\/\.well-known/);
  });
});
