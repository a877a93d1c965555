// What a client says of itself, of the host to be called, or through the claims of its token, and that none of it is taken for
// the gateway's word. Sent over bare sockets and read by the upstream byte for byte; paths are in path-confusion.test.mjs, where
// requests end in smuggling.test.mjs.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { proxied } from '../support/harness.mjs';
import { sendBytes, startBareGateway, startWireUpstream } from '../support/wire.mjs';

const GENUINE = 'genuine';
const EVIL = 'evil';

let upstream;
// Where an attacker would have the gateway call: nobody ever does.
let trap;
let tenant;
let gateway;
let token;

before(async () => {
  upstream = await startWireUpstream();
  trap = await startWireUpstream();
  tenant = await startTenant();
  const server = { alias: 'wire', url: upstream.origin };
  gateway = await startBareGateway({
    config: {
      servers: [server, { ...server, alias: 'based', url: `${upstream.origin}/base` }],
      authorizer: { type: 'auth0', domain: tenant.origin, client_id: 'any', audience: tenant.settings.audience },
      paths: [
        proxied('/identity', 'wire', {
          auth: true,
          mapping: {
            headers: {
              'x-user-id': '$request.jwt.sub',
              'X-Tenant_Name': '$request.jwt.tenant',
              'x-absent': '$request.jwt.absent',
            },
            query: { user: '$request.jwt.sub' },
          },
        }),
        proxied('/plain', 'wire'),
        proxied('/copied', 'wire', {
          mapping: { headers: { 'x-copy': '$request.header.X-Said' }, query: { copy: '$request.header.X-Said' } },
        }),
        proxied('/{.+}', 'wire', { mapping: { query: { to: '$request.query.to', via: '$request.header.x-to' } } }),
        proxied('/based/{.+}', 'based'),
        proxied('/stripped/{.+}', 'wire'),
        proxied('/named/{host}', 'wire', { encoded_slashes: true }),
      ],
    },
  });
  token = await tenant.mint({ sub: GENUINE, tenant: GENUINE });
});

after(async () => {
  await gateway?.close();
  await Promise.all([upstream, trap, tenant].map((started) => started?.close()));
});

beforeEach(() => {
  upstream.taken();
});

/** Sends a request of these lines and gives what the upstream got, which must be one request. */
async function seenBehind(line, lines = [], message = line) {
  const text = [`${line} HTTP/1.1`, 'Host: gateway.example', 'Connection: close', ...lines, '', ''].join('\r\n');
  const { statuses, text: answer } = await sendBytes(gateway.bare, text);
  const { requests, broken } = upstream.taken();
  assert.deepEqual([statuses, requests.length, broken], [[200], 1, []], `${message}: ${answer}`);
  return requests[0];
}

const bearer = (jwt) => [`Authorization: Bearer ${jwt}`];

/** A header as a CGI or WSGI server hands it to its application: two names that are one there are one header. */
const folded = ([name]) => name.toUpperCase().replace(/[^A-Z0-9]/g, '_');
const valuesOf = ({ fields }, name) => fields.filter((field) => folded(field) === name).map(([, value]) => value);

describe("an identity of the client's own making does not reach the upstream:", () => {
  const IDENTITY = ['X-User-Id', 'X-Tenant-Name', 'X-Absent'];
  const SPELLINGS = [
    ['as it is', (name) => name],
    ['in lower case', (name) => name.toLowerCase()],
    ['in upper case', (name) => name.toUpperCase()],
    [
      'in alternating case',
      (name) => [...name].map((letter, index) => letter[index % 2 ? 'toLowerCase' : 'toUpperCase']()).join(''),
    ],
    ['with underscores', (name) => name.replaceAll('-', '_')],
    ['with underscores in upper case', (name) => name.toUpperCase().replaceAll('-', '_')],
    ['with the first an underscore', (name) => name.replace('-', '_')],
    ['with the last an underscore', (name) => name.replace(/-(?=[^-]*$)/, '_')],
    ['with dots', (name) => name.replaceAll('-', '.')],
  ];
  const all = IDENTITY.flatMap((name) => SPELLINGS.map(([, spell]) => `${spell(name)}: ${EVIL}`));

  for (const [message, lines] of [
    ...SPELLINGS.map(([message, spell]) => [message, IDENTITY.map((name) => `${spell(name)}: ${EVIL}`)]),
    ['in all spellings at once', all],
    ['a hundred times', Array.from({ length: 100 }, () => `X-User-Id: ${EVIL}`)],
    ['twice, the first of them empty', ['X-User-Id:', `X-User-Id: ${EVIL}`]],
    ['behind the genuine value', [`X-User-Id: ${GENUINE}, ${EVIL}`, `X_User_Id: ${GENUINE}`]],
    ['without a space', [`X-User-Id:${EVIL}`]],
    ['with tabs around', [`X-User-Id:\t${EVIL}\t`]],
    ['before the token', [`X-User-Id: ${EVIL}`, `X-Tenant-Name: ${EVIL}`]],
  ]) {
    test(message, async () => {
      for (const order of [
        [...lines, ...bearer(token)],
        [...bearer(token), ...lines],
      ]) {
        const request = await seenBehind('GET /identity', order, message);
        assert.deepEqual(valuesOf(request, 'X_USER_ID'), [GENUINE]);
        assert.deepEqual(valuesOf(request, 'X_TENANT_NAME'), [GENUINE]);
        assert.deepEqual(valuesOf(request, 'X_ABSENT'), [], 'what the token does not say');
        assert.deepEqual(
          request.fields.filter(([, value]) => value.includes(EVIL)),
          [],
        );
      }
      const elsewhere = await seenBehind('GET /plain', lines, message);
      assert.deepEqual(
        elsewhere.fields.filter(([, value]) => value.includes(EVIL)),
        [],
        'on a path that maps nothing',
      );
    });
  }

  test('nor does a client make the gateway leave out its own', async () => {
    for (const named of [
      'X-User-Id',
      'x-user-id, close',
      'X_User_Id',
      'X-Tenant_Name',
      'X-Tenant-Name, X-User-Id',
      'Host',
      'X-Request-Id',
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Forwarded-Proto',
      'Content-Length',
    ]) {
      const request = await seenBehind('GET /identity', [`Connection: ${named}`, ...bearer(token)], named);
      for (const [name, expected] of [
        ['X_USER_ID', GENUINE],
        ['X_TENANT_NAME', GENUINE],
        ['HOST', upstream.host],
        ['X_FORWARDED_HOST', 'gateway.example'],
        ['X_FORWARDED_PROTO', 'http'],
      ]) {
        assert.deepEqual(valuesOf(request, name), [expected], `${name}, with Connection: ${named}`);
      }
      assert.equal(valuesOf(request, 'X_REQUEST_ID').length, 1, named);
    }
  });

  test('nor does a client take away what its request was judged by, or what Cloudflare says of it', async () => {
    const kept = ['Content-Type: application/json', 'Content-Language: en', 'CF-IPCountry: AQ'];
    const named = 'Connection: content-type, content_type, Content-Language, CF-IPCountry, x-hop';
    const { fields } = await seenBehind('POST /plain', [named, ...kept, 'X-Hop: 1', 'Content-Length: 0']);
    const lines = fields.map(([name, value]) => `${name}: ${value}`.toLowerCase());
    for (const line of kept) assert.ok(lines.includes(line.toLowerCase()), `${line} in ${lines}`);
    assert.ok(!lines.includes('x-hop: 1'));
  });

  // Cloudflare sets the first; a server that reads it by its CGI name must not find another.
  test('nor does an address of its own', async () => {
    const lines = [
      'CF_Connecting_IP',
      'Cf-Connecting_Ip',
      'CF_CONNECTING_IP',
      'True_Client_IP',
      'X_Real_IP',
      'X_Forwarded_For',
      'Forwarded',
    ].map((name) => `${name}: 203.0.113.66`);
    const { fields } = await seenBehind('GET /plain', [...lines, 'CF-Connecting-IP: 192.0.2.1'], 'addresses');
    assert.deepEqual(
      fields.filter(([, value]) => value.includes('203.0.113.66')),
      [],
    );
    assert.deepEqual(
      fields.filter((field) => folded(field) === 'X_FORWARDED_FOR').map(([, value]) => value),
      ['192.0.2.1'],
    );
  });

  // A CGI server makes HTTP_PROXY of it, by which many a library finds the proxy for what the application itself asks for.
  test("nor does a proxy for the upstream's own requests", async () => {
    const { fields } = await seenBehind('GET /plain', [`Proxy: ${trap.origin}`, `PROXY: ${trap.origin}`]);
    assert.deepEqual(
      fields.filter(([, value]) => value.includes(trap.origin)),
      [],
    );
  });
});

describe('claims stay within the header and the query that they are mapped to:', () => {
  let plain;
  before(async () => {
    plain = await seenBehind('GET /identity', bearer(token));
  });

  for (const [message, values] of [
    [
      'every control character',
      Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).filter((c) => !/[ -~]/.test(c)),
    ],
    [
      'line breaks and a header',
      ['\r\nX-Evil: 1', '\nX-Evil: 1', '\rX-Evil: 1', '\r\n X-Evil: 1', '\u2028X-Evil: 1', '\u0085X-Evil: 1'],
    ],
    [
      'line breaks and a request',
      [`\r\n\r\nGET /evil HTTP/1.1\r\nHost: ${EVIL}\r\n\r\n`, '\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ],
    // The last byte of each is a CR or an LF, for a server that cuts characters down to bytes.
    [
      'letters whose lower bytes are line breaks',
      ['\u010d\u010aX-Evil: 1', '\u560d\u560aX-Evil: 1', '\ud83d\udc0d\ud83d\udc0a'],
    ],
    ['no ASCII', ['é', '\u00ff', '\ufeff', '\ufffd', '日本', '🦀', '\u202eevil']],
    [
      'what separates parameters',
      ['&admin=1', '#x', '?y', ';admin=1', '=', '+', ' HTTP/1.1', '%26admin%3D1', '%0d%0aX-Evil:%201', '/../..'],
    ],
    ['quotes and commas', ['"', ', evil', '\\', '<>', ':', '()']],
    ['very many letters', ['x'.repeat(4000), 'é\n'.repeat(800)]],
  ]) {
    test(message, async () => {
      for (const value of values) {
        const shown = JSON.stringify(value).slice(0, 80);
        const sub = `a${value}b`;
        const request = await seenBehind(
          'GET /identity',
          bearer(await tenant.mint({ sub, tenant: [GENUINE, sub] })),
          shown,
        );
        assert.deepEqual(
          request.fields.map(([name]) => name),
          plain.fields.map(([name]) => name),
          `${shown}: the headers are the same`,
        );
        const [[id], [name]] = [valuesOf(request, 'X_USER_ID'), valuesOf(request, 'X_TENANT_NAME')];
        for (const header of [id, name]) assert.match(header, /^[ -~]*$/, shown);
        assert.deepEqual([id, name].map(decodeURIComponent), [sub, `${GENUINE} ${sub}`], shown);
        assert.match(request.target, /^\/identity\?user=[^&#?\s\x00-\x20\x7f-\xff]*$/, shown);
        assert.equal(new URLSearchParams(request.target.split('?')[1]).get('user'), sub, shown);
      }
    });
  }

  test('a text that is none, with half a pair of surrogates, and the token is refused', async () => {
    for (const sub of ['\ud800', 'a\udc00b', '\udc0d\ud80a']) {
      const text = `GET /identity HTTP/1.1\r\nHost: gateway.example\r\n${bearer(await tenant.mint({ sub }))}\r\n\r\n`;
      assert.deepEqual(
        [(await sendBytes(gateway.bare, text)).statuses, upstream.taken().requests],
        [[401], []],
        JSON.stringify(sub),
      );
    }
  });

  test('a header of the client that is copied, too', async () => {
    for (const said of ['\xe9\xff', '\xc3\xa9', 'a\tb', '%0d%0aX-Evil: 1', '\xc4\x8d\xc4\x8aX-Evil: 1', '&admin=1#']) {
      const request = await seenBehind('GET /copied', [`X-Said: ${said}`], JSON.stringify(said));
      const [copy] = valuesOf(request, 'X_COPY');
      assert.match(copy, /^[ -~]+$/, JSON.stringify(said));
      assert.match(request.target, /^\/copied\?copy=[^&#?\s\x7f-\xff]*$/, JSON.stringify(said));
      assert.deepEqual(valuesOf(request, 'X_EVIL'), []);
    }
  });
});

describe('nothing that a client sends changes the host that is called:', () => {
  /** Sends bytes and asserts that they came to the upstream under its own name, or to nobody. */
  async function assertOwnHost(text, message) {
    const { statuses } = await sendBytes(gateway.bare, text);
    const { requests, broken } = upstream.taken();
    assert.equal(trap.seen.connections, 0, `${message}: the trap was called`);
    assert.deepEqual(broken, [], message);
    assert.equal(statuses.length, 1, message);
    assert.equal(requests.length, statuses[0] < 400 ? 1 : 0, `${message}: ${statuses}`);
    for (const request of requests) {
      assert.deepEqual(request.values('host'), [upstream.host], message);
      assert.equal(request.target[0], '/', message);
    }
    return statuses[0];
  }
  const asked = (target, lines = ['Host: gateway.example']) =>
    `GET ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`;

  test('an address in the request line', async () => {
    const { host, origin } = trap;
    for (const target of [
      `${origin}/plain`,
      `${origin}/stripped/x`,
      `https://${host}/plain`,
      `http://user:pass@${host}/plain`,
      `http://gateway.example@${host}/plain`,
      `http://${host}#@gateway.example/plain`,
      `http://${host}\\@gateway.example/plain`,
      `ftp://${host}/plain`,
      `ws://${host}/plain`,
      `file://${host}/plain`,
      `http:/${host}/plain`,
      `http:${host}/plain`,
      `http:///${host}/plain`,
      host,
      `${host}/plain`,
      `@${host}/plain`,
      `:80@${host}/plain`,
      `.${host}/plain`,
      `?@${host}`,
      `*`,
    ]) {
      await assertOwnHost(asked(target), target);
      await assertOwnHost(asked(target, [`Host: ${host}`]), `${target}, with the same Host`);
    }
  });

  test('an address in the path or the query', async () => {
    const { host, origin } = trap;
    let taken = 0;
    for (const first of ['', '/stripped', '/based', '/named', '/x']) {
      for (const rest of [
        `//${host}/`,
        `///${host}/`,
        `/\\${host}/`,
        `\\\\${host}\\`,
        `/${origin}/`,
        `/@${host}/`,
        `/:80@${host}/`,
        `/user:pass@${host}/`,
        `/.${host}/`,
        `/%2f%2f${host}/`,
        `/%2f${host}`,
        `/%40${host}`,
        `/x@${host}`,
        `/..//${host}/`,
        `/.//${host}/`,
        `/;@${host}/`,
        `/?@${host}/`,
        `/?to=${origin}/`,
        `/?to=//${host}&via=${origin}`,
        `/#@${host}/`,
        `/x?url=${origin}&host=${host}`,
        `@${host}/`,
        `:80@${host}/`,
        `.${host}/`,
        `%00@${host}/`,
        `/%09//${host}`,
        `/http:%2f%2f${host}`,
      ]) {
        const target = `${first}${rest}`;
        if ((await assertOwnHost(asked(target, ['Host: gateway.example', `X-To: ${origin}/`]), target)) === 200)
          taken += 1;
      }
    }
    assert.ok(taken > 40, `${taken} were taken`);
  });

  test("a Host that is another's, or more than a host", async () => {
    const { host } = trap;
    for (const named of [
      host,
      `user@${host}`,
      `gateway.example@${host}`,
      `${host}/plain`,
      `${host}/plain?`,
      `${host}/plain#`,
      `${host}\\plain`,
      `${host}?`,
      `${host}#`,
      `gateway.example:80@${host}`,
      `[::1]:${host.split(':')[1]}`,
      `0x7f000001:${host.split(':')[1]}`,
      `${host}.`,
      `${host},gateway.example`,
    ]) {
      for (const target of ['/plain', '/stripped/x', '/based/x', '//x']) {
        await assertOwnHost(asked(target, [`Host: ${named}`]), `Host: ${named} for ${target}`);
      }
    }
  });

  test('a header that names a host', async () => {
    const { host, origin } = trap;
    for (const name of [
      'X-Forwarded-Host',
      'X-Forwarded-Server',
      'X-Forwarded-For',
      'X-Forwarded-Proto',
      'X-Forwarded-Port',
      'X-Host',
      'X-Original-Host',
      'X-HTTP-Host-Override',
      'X-Backend-Host',
      'X-Upstream',
      'Destination',
      'Referer',
      'Origin',
      'Location',
      'Content-Location',
      'Via',
      'Proxy-Connection',
      'CF-Worker',
      'CF-Connecting-IP',
      'True-Client-IP',
      ':authority',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-To',
    ]) {
      for (const value of [host, origin, `${origin}/x`]) {
        await assertOwnHost(asked('/stripped/x', ['Host: gateway.example', `${name}: ${value}`]), `${name}: ${value}`);
      }
    }
    await assertOwnHost(
      asked('/stripped/x', ['Host: gateway.example', `Forwarded: host=${host};for=${host};by=${host}`]),
      'Forwarded',
    );
    await assertOwnHost(asked('/stripped/x', [`Host: ${host}`, 'Connection: Host']), 'Connection: Host');
  });

  test('a method that asks for a tunnel or another server', async () => {
    const { host, origin } = trap;
    for (const line of [
      `CONNECT ${host}`,
      `CONNECT /plain`,
      `OPTIONS ${origin}/plain`,
      `TRACE ${origin}/plain`,
      `PROPFIND ${origin}/plain`,
    ]) {
      await assertOwnHost(`${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, line);
    }
  });

  test('a WebSocket handshake', async () => {
    const handshake = [
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ];
    for (const target of ['/stripped/x', `//${trap.host}/`, `${trap.origin}/stripped/x`]) {
      const text = `GET ${target} HTTP/1.1\r\nHost: ${trap.host}\r\nConnection: Upgrade\r\n${handshake.join('\r\n')}\r\n\r\n`;
      await assertOwnHost(text, target);
    }
  });

  test('a token that names its own keys or another issuer', async () => {
    const keys = `${trap.origin}/.well-known/jwks.json`;
    for (const [message, claims, header] of [
      ['jku', {}, { jku: keys }],
      ['x5u', {}, { x5u: keys }],
      ['jku and a key that is not known', {}, { jku: keys, kid: 'unknown' }],
      ['a kid that is an address', {}, { kid: keys }],
      ['iss', { iss: `${trap.origin}/` }, {}],
      ['iss and a key that is not known', { iss: `${trap.origin}/` }, { kid: 'unknown' }],
    ]) {
      const jwt = await tenant.mint(claims, { header });
      await assertOwnHost(asked('/identity', ['Host: gateway.example', ...bearer(jwt)]), message);
    }
  });

  test('an answer of the upstream that leads elsewhere', async (t) => {
    const usual = upstream.answer;
    t.after(() => {
      upstream.answer = usual;
    });
    for (const header of [
      `Location: ${trap.origin}/`,
      `Refresh: 0; url=${trap.origin}/`,
      `Alt-Svc: http/1.1="${trap.host}"`,
      `Link: <${trap.origin}/>; rel=preload`,
    ]) {
      upstream.answer = `HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n${header}\r\n\r\n`;
      assert.equal(await assertOwnHost(asked('/stripped/x'), header), 307);
      assert.equal(await assertOwnHost(asked('/stripped/y'), `after ${header}`), 307);
    }
  });
});
