// Headers whose names have signs besides `-` and `_`, which some servers take for one and the same: they are the gateway's if
// the config names them, and the connection's if `Connection` does. The usual spellings are in attacks.test.mjs.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { proxied } from '../support/harness.mjs';
import { sendBytes, startBareGateway, startWireUpstream } from '../support/wire.mjs';

let upstream;
let gateway;

before(async () => {
  upstream = await startWireUpstream();
  gateway = await startBareGateway({
    config: {
      servers: [{ alias: 'wire', url: upstream.origin }],
      authorizer: {
        type: 'jwt',
        secret: 'a secret of more than thirty-two bytes',
        algorithm: 'HS256',
        issuer: 'i',
        audience: 'a',
      },
      paths: [
        proxied('/identity', 'wire', {
          auth: { optional: true },
          mapping: {
            headers: { 'X.User.Id': '$request.jwt.sub', 'x~role': '$request.jwt.role', 'x!a+b': '$request.jwt.c' },
          },
        }),
        proxied('/plain', 'wire'),
        proxied('/remove', 'wire', { request_headers: { remove: ['X.Debug', 'x+own'] } }),
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

beforeEach(() => {
  upstream.taken();
});

async function evilSeen(path, lines) {
  const text = [`GET ${path} HTTP/1.1`, 'Host: gateway.example', 'Connection: close', ...lines, '', ''].join('\r\n');
  const { statuses, text: answer } = await sendBytes(gateway.bare, text);
  const { requests } = upstream.taken();
  assert.deepEqual([statuses, requests.length], [[200], 1], answer);
  return requests[0].fields.filter(([, value]) => value.includes('evil'));
}

describe('a header whose name has other signs', () => {
  for (const name of [
    'X.User.Id',
    'X-User-Id',
    'x_user_id',
    'x.user-id',
    'X~Role',
    'X-Role',
    'x.role',
    'X!A+B',
    'x-a-b',
  ]) {
    test(`is not the client's to assert as ${name}`, async () => {
      for (const path of ['/identity', '/plain']) assert.deepEqual(await evilSeen(path, [`${name}: evil`]), [], path);
    });
  }

  for (const name of ['X.Debug', 'x-debug', 'x_debug', 'X+Own', 'x-own']) {
    test(`is removed where the config removes it, as ${name}`, async () => {
      assert.deepEqual(await evilSeen('/remove', [`${name}: evil`]), []);
    });
  }

  test('is dropped where Connection names it', async () => {
    assert.deepEqual(await evilSeen('/plain', ['Connection: X.Hop, x~hop', 'X.Hop: evil', 'X~Hop: evil']), []);
  });
});
