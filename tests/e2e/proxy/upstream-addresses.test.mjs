// Addresses in an upstream's answers: those of its own lead through the gateway, all others are none of the gateway's business.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePort, proxied, sendRaw, startGateway, startUpstream } from '../support/harness.mjs';

/** As which the client calls the gateway. */
const GATEWAY = 'http://gateway.example';

let upstream;
let answerUpstream;
let host;
let dead;
let gateway;

before(async () => {
  upstream = await startUpstream((request, response) => answerUpstream(request, response));
  host = new URL(upstream.origin).host;
  dead = `127.0.0.1:${await freePort()}`;
  gateway = await startGateway({
    config: {
      servers: [
        { alias: 'root', url: upstream.origin },
        { alias: 'based', url: `${upstream.origin}/v2` },
        { alias: 'both', urls: [`http://${dead}/one`, `${upstream.origin}/two`, `https://name.example/three`] },
      ],
      paths: [
        proxied('/api/{.+}', 'root'),
        proxied('/orders/{.+}', 'based'),
        proxied('/users/{id}/{.+}', 'based'),
        proxied('/both/{.+}', 'both'),
        {
          method: 'GET',
          path: '/api/cut/{id}',
          integration: { type: 'http_proxy', server: 'root', strip_prefix: '/api' },
        },
        { method: 'ANY', path: '/all/{.+}', integration: { type: 'http_proxy', server: 'root', strip_prefix: '' } },
        proxied('/v2/deep/{.+}', 'based'),
        proxied('/plain', 'root'),
        proxied('/kept/{.+}', 'root', { cache: { ttl_seconds: 60 } }),
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Has the upstream answer with headers, in which HOST is its own host and DEAD the one that cannot be reached; gives what a client gets. */
async function answerTo(path, headers, status = 302) {
  const named = (text) => text.replaceAll('HOST', host).replaceAll('DEAD', dead);
  answerUpstream = (_, response) => {
    response.writeHead(
      status,
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, named(value)])),
    );
    response.end();
  };
  const answer = await sendRaw(gateway.origin, { path, headers: { host: 'gateway.example' } });
  assert.equal(answer.status, status, answer.text);
  return { ...answer, named };
}

describe('an address of the upstream leads through the gateway', () => {
  for (const [message, path, location, expected] of [
    ['whole', '/api/x', 'http://HOST/login?a=1&b=%20#c', `${GATEWAY}/api/login?a=1&b=%20#c`],
    ['without a scheme', '/api/x', '//HOST/login', `${GATEWAY}/api/login`],
    [
      'in the other scheme, as an upstream behind one that ends TLS has it',
      '/api/x',
      'https://HOST/login',
      `${GATEWAY}/api/login`,
    ],
    ['its root', '/api/x', 'http://HOST', `${GATEWAY}/api/`],
    ['with credentials, which stay here', '/api/x', 'http://user:pass@HOST/x', `${GATEWAY}/api/x`],
    ['a path', '/api/x', '/login?next=/x', '/api/login?next=/x'],
    ['a path that begins like the prefix', '/api/x', '/apiary', '/api/apiary'],
    ['below its base path', '/orders/x', 'http://HOST/v2/8', `${GATEWAY}/orders/8`],
    ['a path below its base path', '/orders/x', '/v2/8', '/orders/8'],
    ['its base path itself', '/orders/x', '/v2', '/orders'],
    ['where nothing is taken off the path', '/users/7/x', '/v2/users/7/y', '/users/7/y'],
    ['the base path, where nothing is taken off', '/users/7/x', 'http://HOST/v2', `${GATEWAY}/`],
    ['where the base path is part of the prefix', '/v2/deep/x', '/v2/y', '/v2/deep/y'],
    ['that answers in the place of another', '/both/x', 'http://HOST/two/y', `${GATEWAY}/both/y`],
    ['another of the server', '/both/x', 'http://DEAD/one/y', `${GATEWAY}/both/y`],
    ['a third, by its name', '/both/x', 'https://NAME.example:443/three/y', `${GATEWAY}/both/y`],
    ['a path of whichever', '/both/x', '/three/y', '/both/y'],
    ['at a path without wildcard', '/plain', 'http://HOST/other', `${GATEWAY}/other`],
    ['behind a prefix that the path names', '/api/cut/7', 'http://HOST/cut/8', `${GATEWAY}/api/cut/8`],
    ['a path behind such a prefix', '/api/cut/7', '/login', '/api/login'],
    ['a path that has such a prefix already', '/api/cut/7', '/api/login', '/api/login'],
    ['at a wildcard that keeps its prefix', '/all/x', 'http://HOST/all/y', `${GATEWAY}/all/y`],
  ]) {
    test(`${message}: ${location}`, async () => {
      for (const status of [201, 302, 308]) {
        const answer = await answerTo(path, { location, 'content-location': location }, status);
        assert.deepEqual([answer.header('location'), answer.header('content-location')], [expected, expected]);
      }
    });
  }

  test('and never to another host by two slashes', async () => {
    for (const location of ['/v2//evil.example/x', '/v2/\\evil.example/x', 'http://HOST/v2//evil.example/x']) {
      const answer = await answerTo('/users/7/x', { location });
      assert.equal(answer.header('location'), `${GATEWAY}//evil.example/x`, location);
    }
  });

  test('in Link and in Refresh too', async () => {
    const answer = await answerTo(
      '/orders/x',
      {
        link: '<http://HOST/v2/?page=2>; rel="next", </v2/style.css>; rel=preload, <https://other.example/v2/>; rel=help',
        refresh: '5; url=http://HOST/v2/later',
      },
      200,
    );
    assert.equal(
      answer.header('link'),
      `<${GATEWAY}/orders/?page=2>; rel="next", </orders/style.css>; rel=preload, <https://other.example/v2/>; rel=help`,
    );
    assert.equal(answer.header('refresh'), `5; url=${GATEWAY}/orders/later`);
    assert.equal(
      (await answerTo('/orders/x', { refresh: "0;URL='/v2/a'" }, 200)).header('refresh'),
      "0;URL='/orders/a'",
    );
  });

  test('out of the cache as well', async () => {
    const first = await answerTo('/kept/x', { 'content-location': 'http://HOST/a' }, 200);
    assert.equal(first.header('content-location'), `${GATEWAY}/kept/a`);
    answerUpstream = (_, response) => response.writeHead(500).end();
    let answer;
    do {
      answer = await sendRaw(gateway.origin, { path: '/kept/x', headers: { host: 'gateway.example' } });
    } while (answer.header('cache-status') !== 'bargate; hit');
    assert.equal(answer.header('content-location'), `${GATEWAY}/kept/a`);
  });
});

describe('as it came passes', () => {
  for (const [message, path, location] of [
    ['another site', '/api/x', 'https://login.example/x?back=http://HOST/'],
    ['another port of the host', '/api/x', 'http://127.0.0.1:1/x'],
    ['another host that begins like it', '/api/x', 'http://HOST.example/x'],
    ['its host as a user', '/api/x', 'http://HOST@evil.example/x'],
    ['the gateway itself', '/api/x', `${GATEWAY}/login`],
    ['a path relative to the request', '/api/x', '../y?z'],
    ['a query alone', '/api/x', '?page=2'],
    ['what is outside of the base path', '/orders/x', 'http://HOST/v20/x'],
    ['a path outside of the base path', '/orders/x', '/login'],
    ['a path of an upstream that heeds X-Forwarded-Prefix', '/api/x', '/api/login'],
    ['the same, with a base path', '/orders/x', '/orders/8'],
    ['the same, below a base path that is part of the prefix', '/v2/deep/x', '/v2/deep/y'],
    ['a path, where none is taken off and none added', '/plain', '/a/../b'],
    ['another scheme', '/api/x', 'mailto:a@HOST'],
    ['what is no address', '/api/x', 'http://['],
  ]) {
    test(`${message}: ${location}`, async () => {
      const answer = await answerTo(path, { location });
      assert.equal(answer.header('location'), answer.named(location));
    });
  }

  test('but for the host, of an upstream that heeds the prefix alone', async () => {
    assert.equal(
      (await answerTo('/orders/x', { location: 'http://HOST/orders/8' })).header('location'),
      `${GATEWAY}/orders/8`,
    );
  });
});
