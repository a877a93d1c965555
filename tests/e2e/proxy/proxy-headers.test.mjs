// What an upstream is told besides the address and the body, and what a client is told of its answer: the headers that
// pass, those that stay with one connection or with the gateway, and those that the gateway alone may set.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { proxied, sendRaw, startGateway, startUpstream } from '../support/harness.mjs';

const CLIENT_ADDRESS = '127.0.0.1';

let api;
let upstream;
let answerUpstream;
let gateway;

before(async () => {
  api = await startApi();
  upstream = await startUpstream((request, response) => answerUpstream(request, response));
  gateway = await startGateway({
    config: {
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'own', url: upstream.origin },
      ],
      paths: [
        proxied('/api/{.+}', 'api'),
        proxied('/own/{.+}', 'own'),
        proxied('/whole/{name}/{.+}', 'api'),
        proxied('/exact', 'api'),
        proxied('/let-through', 'api', { mapping: { headers: { 'x-device-ip': '$request.header.x-device-ip' } } }),
        proxied('/removed/{.+}', 'api', { request_headers: { remove: ['X-Forwarded-Prefix'] } }),
        { method: 'GET', path: '/cut/{id}', integration: { type: 'http_proxy', server: 'api', strip_prefix: '/cut' } },
        { method: 'GET', path: '/kept/{.+}', integration: { type: 'http_proxy', server: 'api', strip_prefix: '' } },
        proxied('/mapped/{.+}', 'api', {
          mapping: { headers: { 'x-forwarded-prefix': '/elsewhere', 'x*sign': 'own' } },
        }),
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await api?.close();
  await upstream?.close();
});

beforeEach(() => {
  api.requests.length = 0;
});

/** Sends the headers through the gateway and gives those that the upstream saw. */
async function seenBehind(headers, more = {}) {
  const answer = await sendRaw(gateway.origin, { path: '/api/x', headers, ...more });
  assert.equal(answer.status, 200, answer.text);
  return api.requests.at(-1).headers;
}

test('headers of the client pass as they are, credentials for the upstream too', async () => {
  const own = {
    accept: 'text/x-own;q=0.5, */*',
    'accept-language': 'de, en;q=0.1',
    authorization: 'Basic b3duOm93bg==',
    'cache-control': 'no-cache',
    'content-type': 'application/x-own',
    'if-none-match': '"a", W/"b"',
    'user-agent': 'bargate-test/1',
    origin: 'https://app.example',
    referer: 'https://app.example/page?x=1',
    'x-own': 'one two',
    'x-empty': '',
    x_underscored: 'yes',
  };
  const seen = await seenBehind(own, { method: 'POST', body: 'x' });
  for (const [name, value] of Object.entries(own)) assert.equal(seen[name], value, name);
  assert.deepEqual((await seenBehind({ 'x-own': ['one', 'two'] }))['x-own'], ['one', 'two'], 'several of one name');
});

test("the upstream is called by its own host's name", async () => {
  assert.equal((await seenBehind({ host: 'gateway.example' })).host, new URL(api.origin).host);
});

describe('what concerns one connection does not reach the upstream', () => {
  for (const [name, value] of [
    ['keep-alive', 'timeout=5'],
    ['proxy-authenticate', 'Basic'],
    ['proxy-authorization', 'Basic b3duOm93bg=='],
    ['proxy-connection', 'keep-alive'],
    ['te', 'trailers, deflate'],
    ['upgrade', 'h2c'],
  ]) {
    test(name, async () => assert.equal((await seenBehind({ [name]: value }))[name], undefined));
  }

  test('trailer', async () => {
    const chunked = { method: 'POST', body: 'x' };
    assert.equal(
      (await seenBehind({ trailer: 'x-checksum', 'transfer-encoding': 'chunked' }, chunked)).trailer,
      undefined,
    );
  });

  test('what Connection names, in any case', async () => {
    const seen = await seenBehind({
      connection: 'close, X-Per-Hop,x-other-hop ,, "odd", HTTP2-Settings',
      'x-per-hop': '1',
      'X-Other-Hop': '2',
      'http2-settings': 'AAMAAABkAAQAAP__',
      'x-end-to-end': '3',
    });
    assert.deepEqual(
      [seen['x-per-hop'], seen['x-other-hop'], seen['http2-settings']],
      [undefined, undefined, undefined],
    );
    assert.equal(seen['x-end-to-end'], '3');
    assert.doesNotMatch(String(seen.connection), /hop/i);
  });

  test('and naming what the gateway sets does not keep that from the upstream', async () => {
    const seen = await seenBehind({
      connection: 'close, X-Request-Id, X-Forwarded-For, X-Forwarded-Proto',
      'x-request-id': 'client-0001',
    });
    assert.equal(seen['x-request-id'], 'client-0001');
    assert.equal(seen['x-forwarded-for'], CLIENT_ADDRESS);
    assert.equal(seen['x-forwarded-proto'], 'http');
  });
});

describe("the gateway's own credentials do not reach the upstream", () => {
  test('tokens for the refresh and profile paths', async () => {
    const seen = await seenBehind({
      'X-Refresh-Token': 'r',
      'x-access-token': 'a',
      X_Refresh_Token: 'r',
      x_access_token: 'a',
    });
    assert.deepEqual(
      Object.keys(seen).filter((name) => /token/.test(name)),
      [],
    );
  });

  for (const [message, sent, expected] of [
    ['one of the gateway among others', 'a=1; bargate-login=q; b="2; 3"', 'a=1; b="2; 3"'],
    ['the one with the prefix of https', '__Host-bargate-login=q; a=1', 'a=1'],
    ['both, and nothing else', '__Host-bargate-login=q; bargate-login=q', undefined],
    ['others whose names only look alike', 'xbargate-login=1; bargate-login2=2', 'xbargate-login=1; bargate-login2=2'],
    ['others alone, which pass byte for byte', 'a="1;2";b=2;  c', 'a="1;2";b=2;  c'],
    ['one without a value', 'a=1; bargate-login', 'a=1'],
    [
      'one before others with commas in their values',
      'bargate-login=q; a=1,2; b={"c":1,"d":2}',
      'a=1,2; b={"c":1,"d":2}',
    ],
    ['one behind such others', 'a=1,,2,;b="3, 4"; bargate-login=q', 'a=1,,2,;b="3, 4"'],
  ]) {
    test(`cookies: ${message}`, async () => assert.equal((await seenBehind({ cookie: sent })).cookie, expected));
  }
});

describe('the upstream learns of the client', () => {
  test('its address, the host and scheme that it called, and the request id', async () => {
    const seen = await seenBehind({ host: 'gateway.example:8443' });
    assert.equal(seen['x-forwarded-for'], CLIENT_ADDRESS);
    assert.equal(seen['x-forwarded-host'], 'gateway.example:8443');
    assert.equal(seen['x-forwarded-proto'], 'http');
    assert.match(seen['x-request-id'], /^[\w-]{8,}$/);
  });

  test('from the gateway alone: what a client says of these itself does not pass, in no spelling', async () => {
    const lie = 'lie.example';
    for (const name of [
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Forwarded-Proto',
      'X-Forwarded-Port',
      'X-Forwarded-Server',
      'X-Forwarded-Prefix',
      'X-Forwarded-Scheme',
      'X-Forwarded-Ssl',
      'X-Forwarded-User',
      'Forwarded',
      'X_Forwarded_For',
      'x-forwarded_host',
      'X_FORWARDED_PROTO',
      'X_Request_Id',
    ]) {
      const seen = await seenBehind({ host: 'gateway.example', [name]: lie });
      const passed = Object.entries(seen).filter(([, value]) => String(value).includes(lie));
      assert.deepEqual(passed, [], name);
      assert.equal(seen['x-forwarded-host'], 'gateway.example', name);
      assert.equal(seen['x-forwarded-for'], CLIENT_ADDRESS, name);
    }
  });
});

test('the upstream is told the prefix that was taken off the path, and none where none was', async () => {
  for (const [path, expected] of [
    ['/api/x', '/api'],
    ['/api', '/api'],
    ['/whole/a/b', undefined],
    ['/exact', undefined],
    ['/removed/x', undefined],
    ['/mapped/x', '/elsewhere'],
    ['/cut/x', '/cut'],
    ['/kept/x', undefined],
  ]) {
    assert.equal((await seenBehind({ 'x-forwarded-prefix': '/lie' }, { path }))['x-forwarded-prefix'], expected, path);
  }
});

describe('what some servers take a request for another by does not reach the upstream', () => {
  for (const name of [
    // The address of the client.
    'X-Real-IP',
    'True-Client-IP',
    'Client-IP',
    'X-Client-IP',
    'X-Cluster-Client-IP',
    'Fastly-Client-IP',
    'WL-Proxy-Client-IP',
    'X-Originating-IP',
    'X-Remote-IP',
    'X-ProxyUser-IP',
    'Ali-CDN-Real-IP',
    'Cdn-Src-Ip',
    'X-Azure-ClientIP',
    'X-Azure-SocketIP',
    'Remote-Addr',
    'X-Remote-Addr',
    'X-Vercel-Forwarded-For',
    'HTTP-X-Forwarded-For',
    'CloudFront-Viewer-Address',
    'X-Appengine-User-IP',
    'X-Envoy-External-Address',
    // Who the client is, as a proxy has found out.
    'Remote-User',
    'X-Remote-User',
    'X-Remote-Group',
    'X-Authenticated-User',
    'X-Auth-Request-Email',
    'X-WebAuth-User',
    'Client-Cert',
    'Client-Cert-Chain',
    'X-SSL-Client-Verify',
    'SSL-Client-Cert',
    'X-ARR-ClientCert',
    'X-MS-Client-Principal-Name',
    'X-Amzn-Oidc-Identity',
    'X-Goog-Authenticated-User-Email',
    'X-Goog-IAP-JWT-Assertion',
    // What it asked for.
    'X-Host',
    'X-Original-Host',
    'X-HTTP-Host-Override',
    'X-Real-Host',
    'X-Scheme',
    'X-URL-Scheme',
    'Front-End-Https',
    'X-Script-Name',
    'X-Original-URL',
    'X-Original-URI',
    'X-Original-Method',
    'X-Rewrite-URL',
    'X-Override-URL',
    'X-HTTP-Method-Override',
    'X-HTTP-Method',
    'X-Method-Override',
    'X-Envoy-Original-Path',
    'Proxy',
    // Within a framework.
    'X-Middleware-Subrequest',
    'X-Middleware-Rewrite',
    'X-Invoke-Path',
    'X-Matched-Path',
    'X-Now-Route-Matches',
    'X-Astro-Path',
    'X-Accel-Mapping',
    'X-Sendfile-Type',
  ]) {
    test(`${name}, in no spelling`, async () => {
      const underscored = [name.replaceAll('-', '_'), name.replace('-', '_'), name.replace(/-(?=[^-]+$)/, '_')];
      const spellings = [name, name.toLowerCase(), name.toUpperCase(), ...underscored];
      for (const spelling of spellings) {
        const seen = await seenBehind({ [spelling]: 'lie.example', 'x-own': 'kept' }, { method: 'POST', body: 'x' });
        const passed = Object.entries(seen).filter(([, value]) => String(value).includes('lie.example'));
        assert.deepEqual([passed, seen['x-own']], [[], 'kept'], spelling);
      }
      const all = await seenBehind(Object.fromEntries(spellings.map((spelling) => [spelling, 'lie.example'])));
      assert.deepEqual(
        Object.values(all).filter((value) => String(value).includes('lie.example')),
        [],
        'all at once',
      );
    });
  }

  test('and names that only look alike do', async () => {
    const own = {
      ip: '1',
      'x-ip-version': '1',
      'x-zip': '1',
      'x-ship': '1',
      'x-client-id': '1',
      'x-client-ip-hint': '1',
      'x-azure-clientips': '1',
      'x-forward-to': '1',
      'x-remotely': '1',
      'x-origin': '1',
      'x-amzn-trace-id': '1',
      'x-amz-date': '1',
      'x-goog-api-key': '1',
      'x-ms-date': '1',
      'x-vercel-protection-bypass': '1',
      'x-nextjs-data': '1',
      'x-http-version': '1',
      host_name: '1',
      'my-proxy': '1',
      'cf-own-ip': '1',
      'x-original-filename': '1',
      'x-hosting': '1',
      'x-real-time': '1',
    };
    const seen = await seenBehind(own);
    assert.deepEqual(Object.fromEntries(Object.keys(own).map((name) => [name, seen[name]])), own);
  });

  test('unless the config takes it from the request, at the path that does', async () => {
    const device = { 'X-Device-IP': '192.0.2.7', X_Device_Ip: 'lie' };
    const seen = await seenBehind(device, { path: '/let-through' });
    assert.deepEqual([seen['x-device-ip'], seen.x_device_ip], ['192.0.2.7', undefined]);
    assert.equal((await seenBehind(device))['x-device-ip'], undefined, 'at another path');
  });

  test('and a star in a name of the config stands for itself', async () => {
    const seen = await seenBehind({ 'x*sign': 'lie', 'x-sign': 'lie', 'x-any-sign': '1' });
    assert.deepEqual([seen['x*sign'], seen['x-sign'], seen['x-any-sign']], [undefined, undefined, '1']);
  });
});

describe("the upstream's answer", () => {
  test('keeps its headers, each Set-Cookie for itself', async () => {
    const cookies = [
      'first=1; Path=/',
      'second=2; Path=/; HttpOnly',
      'third=a,b; Expires=Thu, 01 Jan 2037 00:00:00 GMT',
    ];
    answerUpstream = (_, response) => {
      response.writeHead(200, {
        'set-cookie': cookies,
        'content-type': 'application/x-own; charset=utf-8',
        'cache-control': 'private, max-age=1',
        etag: '"e"',
        'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
        vary: 'Accept-Encoding',
        link: ['<a>; rel=a', '<b>; rel=b'],
        'www-authenticate': 'Basic realm="own"',
        'x-own': 'one two',
        'x-content-type-options': 'sniff',
      });
      response.end('{}');
    };
    const answer = await sendRaw(gateway.origin, { path: '/own/x' });
    assert.deepEqual(answer.values('set-cookie'), cookies);
    for (const [name, value] of [
      ['content-type', 'application/x-own; charset=utf-8'],
      ['cache-control', 'private, max-age=1'],
      ['etag', '"e"'],
      ['last-modified', 'Thu, 01 Jan 2026 00:00:00 GMT'],
      ['vary', 'Accept-Encoding'],
      ['www-authenticate', 'Basic realm="own"'],
      ['x-own', 'one two'],
      ['x-content-type-options', 'sniff'],
    ]) {
      assert.deepEqual(answer.values(name), [value], name);
    }
    for (const name of ['location', 'content-location', 'refresh']) assert.equal(answer.header(name), null, name);
    assert.equal(answer.values('link').join(', '), '<a>; rel=a, <b>; rel=b');
  });

  test('says the same in headers of several lines, whether or not the runtime joins them', async () => {
    const challenges = ['Negotiate', 'Basic realm="a, b"', 'Bearer scope="x"'];
    answerUpstream = (_, response) => {
      response.writeHead(401, [
        ...challenges.flatMap((challenge) => ['WWW-Authenticate', challenge]),
        'X-Own',
        '1',
        'X-Own',
        '2',
      ]);
      response.end();
    };
    const answer = await sendRaw(gateway.origin, { path: '/own/x' });
    assert.deepEqual([answer.status, answer.values('www-authenticate').join(', ')], [401, challenges.join(', ')]);
    assert.deepEqual(answer.values('x-own'), ['1', '2']);
  });

  test('sets no cookie of a login here, by either of its names, and every other', async () => {
    const others = ['first=1; Path=/', 'bargate=2', 'bargate-login2=3', 'last=bargate-login=4'];
    const own = [
      'bargate-login=q; Path=/',
      '__Host-bargate-login=q; Path=/; Secure',
      'bargate-login=; Max-Age=0',
      ' bargate-login = q',
    ];
    const cookies = others.flatMap((line, index) => [own[index], line]);
    for (const status of [200, 302, 404, 500]) {
      answerUpstream = (_, response) => response.writeHead(status, { 'set-cookie': cookies, location: '/x' }).end();
      const answer = await sendRaw(gateway.origin, { path: '/own/x' });
      assert.deepEqual([answer.status, answer.values('set-cookie')], [status, others]);
    }
  });

  test('loses what concerns its connection, also what its Connection names', async () => {
    answerUpstream = (_, response) => {
      response.writeHead(
        200,
        [
          ['Connection', 'close, X-Per-Hop,x-other-hop'],
          ['Keep-Alive', 'timeout=77'],
          ['Proxy-Authenticate', 'Basic'],
          ['Proxy-Connection', 'close'],
          ['Trailer', 'x-sum'],
          ['X-Per-Hop', '1'],
          ['X-Other-Hop', '2'],
          ['X-End-To-End', '3'],
          ['Transfer-Encoding', 'chunked'],
        ].flat(),
      );
      response.end('x');
    };
    const answer = await sendRaw(gateway.origin, { path: '/own/x' });
    for (const name of [
      'keep-alive',
      'proxy-authenticate',
      'proxy-connection',
      'trailer',
      'x-per-hop',
      'x-other-hop',
    ]) {
      assert.equal(answer.header(name), null, name);
    }
    assert.equal(answer.header('x-end-to-end'), '3');
  });

  test("carries the gateway's request id, not one of its own", async () => {
    answerUpstream = (_, response) => response.writeHead(200, { 'x-request-id': 'of-the-upstream' }).end();
    const answer = await sendRaw(gateway.origin, { path: '/own/x', headers: { 'x-request-id': 'of-the-client' } });
    assert.deepEqual(answer.values('x-request-id'), ['of-the-client']);
  });
});
