// What OAuth clients are told of the gateway as a protected resource (RFC 9728): the metadata, and the challenges that lead to it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { proxied, sendRaw, startGateway, startUpstream } from '../support/harness.mjs';
import { AUDIENCE, ISSUER, SECRET, claimsFor, signedWithSecret } from '../support/signing.mjs';
import { sendBytes, startBareGateway } from '../support/wire.mjs';

const METADATA = '/.well-known/oauth-protected-resource';
const UPSTREAM_CHALLENGE = 'Bearer realm="upstream", error="invalid_token"';

const partners = { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, secret: SECRET };
const auth0 = { type: 'auth0', domain: 'tenant.example', client_id: 'client', audience: AUDIENCE };
const staff = { type: 'oidc', issuer: 'https://idp.example/realms/staff', client_id: 'client', audience: AUDIENCE };

let upstream;
let gateway;

const configWith = (more) => ({
  servers: [{ alias: 'upstream', url: upstream.origin }],
  authorizers: { partners, auth0, staff, named: { ...partners, issuer: 'a-name' } },
  paths: [
    { method: 'GET', path: '/private', auth: true, response: { ok: true } },
    {
      method: 'GET',
      path: '/scopes',
      auth: { scopes: ['read:orders', 'openid'], any_scopes: ['eu', 'us'] },
      response: {},
    },
    { method: 'POST', path: '/scopes', auth: { scopes: ['write:orders', 'read:orders'] }, response: {} },
    { method: 'GET', path: '/permissions', auth: { permissions: ['delete:orders'] }, response: {} },
    { method: 'GET', path: '/profile', integration: { type: 'auth0_userinfo' } },
    proxied('/open/{.+}', 'upstream'),
    proxied('/{.+}', 'upstream', { auth: true }),
  ],
  ...more,
});

before(async () => {
  upstream = await startUpstream((_request, response) => {
    response.writeHead(401, { 'www-authenticate': UPSTREAM_CHALLENGE }).end();
  });
  gateway = await startGateway({ config: configWith({ protected_resource: true }) });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

const askAt = (of, url, init) => of.miniflare.dispatchFetch(url, { redirect: 'manual', ...init });
const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });

/** Returns the parameters of a challenge that is Bearer's alone, in their order (RFC 9110 section 11.6.1). */
function parametersOf(challenge, message) {
  assert.match(challenge ?? '', /^Bearer [a-z_]+="[^"\\]*"(, [a-z_]+="[^"\\]*")*$/, `${message}: ${challenge}`);
  return [...challenge.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);
}

/** The metadata as the config makes it, with its scopes in the order of the alphabet. */
const described = (more) => ({
  authorization_servers: [ISSUER, 'https://tenant.example/', staff.issuer],
  scopes_supported: ['eu', 'openid', 'read:orders', 'us', 'write:orders'],
  bearer_methods_supported: ['header'],
  ...more,
});

async function metadataOf(answer, message) {
  assert.equal(answer.status, 200, message);
  assert.equal(answer.headers.get('content-type'), 'application/json', message);
  const metadata = await answer.json();
  return { ...metadata, scopes_supported: metadata.scopes_supported?.toSorted() };
}

describe('the metadata', () => {
  test('names the resource, its issuers and its scopes, and needs no token', async () => {
    assert.deepEqual(await metadataOf(await gateway.fetch(METADATA)), described({ resource: gateway.origin }));
  });

  test('names the origin that was called, whatever else a client says of it', async () => {
    const headers = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'gopher',
      forwarded: 'host=evil.example',
    };
    const answer = await askAt(gateway, `https://gateway.example${METADATA}`, { headers });
    assert.deepEqual(await metadataOf(answer), described({ resource: 'https://gateway.example' }));
  });

  test('is for reading', async () => {
    const head = await gateway.fetch(METADATA, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
    const post = await gateway.fetch(METADATA, { method: 'POST', body: '{}' });
    assert.notEqual(post.status, 200);
    assert.equal((await gateway.fetch(`${METADATA}?x=1`)).status, 200, 'a query changes nothing');
  });

  test('holds what the config says of the resource', async (t) => {
    const configured = {
      resource: 'https://api.example',
      name: 'Orders "and" more',
      documentation: 'https://docs.example/orders?a=b',
    };
    const own = await startGateway({ config: configWith({ protected_resource: configured }) });
    t.after(() => own.close());
    const expected = described({
      resource: 'https://api.example',
      resource_name: configured.name,
      resource_documentation: configured.documentation,
    });
    for (const origin of [own.origin, 'https://gateway.example']) {
      assert.deepEqual(await metadataOf(await askAt(own, `${origin}${METADATA}`), origin), expected, origin);
    }
  });

  test('is readable for the scripts of an origin that the config lets in', async (t) => {
    const cors = { allow_origins: ['https://app.example'] };
    const own = await startGateway({ config: configWith({ protected_resource: true, cors }) });
    t.after(() => own.close());
    const answer = await own.fetch(METADATA, { headers: { origin: 'https://app.example' } });
    assert.equal(answer.headers.get('access-control-allow-origin'), 'https://app.example');
  });

  test('leaves out what has no value (RFC 9728 section 3.2)', async (t) => {
    const own = await startGateway({
      config: { protected_resource: {}, paths: [{ method: 'GET', path: '/open', response: {} }] },
    });
    t.after(() => own.close());
    assert.deepEqual((await own.ask(METADATA)).body, { resource: own.origin, bearer_methods_supported: ['header'] });
  });

  test('is found where the challenge says, where the resource has a path', async (t) => {
    const own = await startGateway({
      config: configWith({ protected_resource: { resource: 'https://api.example/v1/orders' } }),
    });
    t.after(() => own.close());
    const challenge = (await own.ask('/private')).headers.get('www-authenticate');
    const { resource_metadata: address } = Object.fromEntries(parametersOf(challenge, 'a path'));
    const { pathname } = new URL(address);
    assert.ok(pathname.startsWith(METADATA), address);
    const metadata = await metadataOf(await own.fetch(pathname), pathname);
    assert.deepEqual(metadata, described({ resource: 'https://api.example/v1/orders' }));
  });
});

describe('a challenge', () => {
  /** @type {any[][]} */
  const rows = [
    ['/private', {}, [401, 'token_missing'], [], 'no token'],
    [
      '/private',
      { headers: { authorization: 'Basic eA==' } },
      [401, 'token_missing'],
      [],
      'a credential of another kind',
    ],
    ['/private', bearer('x'), [401, 'token_invalid'], ['error', 'error_description'], 'no token at all'],
    [
      '/private',
      bearer(signedWithSecret(SECRET, claimsFor({ exp: 1 }))),
      [401, 'token_expired'],
      ['error', 'error_description'],
      'an old one',
    ],
    [
      '/scopes',
      bearer(signedWithSecret(SECRET)),
      [403, 'insufficient_scope'],
      ['error', 'error_description', 'scope'],
      'too few scopes',
    ],
    ['/scopes', {}, [401, 'token_missing'], ['scope'], 'no token, where scopes are needed'],
    ['/scopes', bearer('x'), [401, 'token_invalid'], ['error', 'error_description', 'scope'], 'no token at all, there'],
    [
      '/permissions',
      bearer(signedWithSecret(SECRET)),
      [403, 'insufficient_scope'],
      ['error', 'error_description'],
      'too few permissions',
    ],
    ['/profile', {}, [401, 'missing_access_token'], [], 'a profile without a token'],
    ['/any/thing', {}, [401, 'token_missing'], [], 'where the upstream would challenge'],
  ];

  test('ends in the address of the metadata', async () => {
    for (const [path, init, [status, code], names, message] of rows) {
      for (const origin of [gateway.origin, 'https://gateway.example']) {
        const answer = await askAt(gateway, origin + path, init);
        assert.deepEqual([answer.status, (await answer.json()).code], [status, code], message);
        const parameters = parametersOf(answer.headers.get('www-authenticate'), message);
        assert.deepEqual(
          parameters.map(([name]) => name),
          [...names, 'resource_metadata'],
          message,
        );
        assert.equal(parameters.at(-1)[1], `${origin}${METADATA}`, message);
      }
    }
  });

  test('names the scopes to ask for besides', async () => {
    for (const [init, expected] of /** @type {any[][]} */ ([
      [{}, 'read:orders openid eu'],
      [bearer('x'), 'read:orders openid eu'],
      [bearer(signedWithSecret(SECRET)), 'read:orders openid eu us'],
    ])) {
      const answer = await gateway.ask('/scopes', init);
      const parameters = Object.fromEntries(parametersOf(answer.headers.get('www-authenticate'), 'scopes'));
      assert.equal(parameters.scope, expected);
    }
  });

  test('of an upstream passes as it is', async () => {
    const answer = await sendRaw(gateway.origin, { path: '/open/x' });
    assert.deepEqual([answer.status, answer.values('www-authenticate')], [401, [UPSTREAM_CHALLENGE]]);
  });

  test('is bare, and the metadata is not there, where the config does not ask for it', async (t) => {
    const { paths, ...rest } = configWith({});
    const [absent, refused] = await Promise.all(
      [undefined, false].map((value) =>
        startGateway({
          config: { ...rest, paths: paths.slice(0, -1), protected_resource: value },
        }),
      ),
    );
    t.after(() => Promise.all([absent.close(), refused.close()]));
    for (const own of [absent, refused]) {
      assert.equal((await own.fetch(METADATA)).status, 404);
      assert.equal((await own.ask('/private')).headers.get('www-authenticate'), 'Bearer');
    }
  });
});

describe('two resources behind one gateway', () => {
  const named = (audience) => ({ ...partners, issuer: 'https://idp.example/', audience });
  const ORDERS = 'https://mcp.example/orders';
  const FILES = 'https://mcp.example/files';
  const asking = (authorizer, ...scopes) => ({ authorizer, scopes });
  let own;

  before(async () => {
    const config = {
      authorizers: { partners, orders: named(ORDERS), files: named(FILES) },
      protected_resource: { name: 'All else' },
      paths: [
        { method: 'GET', path: '/', auth: asking('partners', 'read'), response: {} },
        {
          method: 'POST',
          path: '/orders',
          auth: asking('orders', 'read:orders'),
          protected_resource: true,
          response: {},
        },
        { method: 'DELETE', path: '/orders/{id}', auth: asking('orders', 'write:orders'), response: {} },
        {
          method: 'ANY',
          path: '/files/{.+}',
          auth: asking('files', 'read:files'),
          protected_resource: { resource: FILES, scopes: ['read:files', 'offline_access'], name: 'Files' },
          response: {},
        },
      ],
    };
    own = await startGateway({ config });
  });
  after(() => own?.close());

  const documents = {
    '': {
      resource: 'https://mcp.example',
      authorization_servers: [ISSUER, 'https://idp.example/'],
      scopes_supported: ['read'],
      bearer_methods_supported: ['header'],
      resource_name: 'All else',
    },
    '/orders': {
      resource: ORDERS,
      authorization_servers: ['https://idp.example/'],
      scopes_supported: ['read:orders', 'write:orders'],
      bearer_methods_supported: ['header'],
    },
    '/files': {
      resource: FILES,
      authorization_servers: ['https://idp.example/'],
      scopes_supported: ['offline_access', 'read:files'],
      bearer_methods_supported: ['header'],
      resource_name: 'Files',
    },
  };

  test('each have their metadata, whose address ends in their path (RFC 9728 section 3.1)', async () => {
    for (const [path, expected] of Object.entries(documents)) {
      const answer = await askAt(own, `https://mcp.example${METADATA}${path}`);
      assert.deepEqual(await metadataOf(answer, path), expected, path);
    }
    assert.equal((await own.fetch(`${METADATA}/orders/7`)).status, 404, 'what is below has none of its own');
  });

  test('each have it in the challenges of their paths, with the scopes of the path', async () => {
    for (const [method, path, document, scope] of [
      ['GET', '/', '', 'read'],
      ['POST', '/orders', '/orders', 'read:orders'],
      ['DELETE', '/orders/7', '/orders', 'write:orders'],
      ['PUT', '/files', '/files', 'read:files'],
      ['GET', '/files/a/b', '/files', 'read:files'],
    ]) {
      const answer = await askAt(own, `https://mcp.example${path}`, { method });
      assert.deepEqual(
        parametersOf(answer.headers.get('www-authenticate'), path),
        [
          ['scope', scope],
          ['resource_metadata', `https://mcp.example${METADATA}${document}`],
        ],
        path,
      );
    }
  });

  test('take no token of each other, whose issuer is the same', async () => {
    const token = (audience) =>
      bearer(
        signedWithSecret(
          SECRET,
          claimsFor({ iss: 'https://idp.example/', aud: audience, scope: 'read:orders read:files' }),
        ),
      );
    for (const [method, path, audience, status] of /** @type {any[][]} */ ([
      ['POST', '/orders', ORDERS, 200],
      ['POST', '/orders', FILES, 401],
      ['GET', '/files/a', FILES, 200],
      ['GET', '/files/a', ORDERS, 401],
    ])) {
      const answer = await own.ask(path, { method, ...token(audience) });
      assert.equal(answer.status, status, `${method} ${path} for ${audience}`);
    }
  });
});

describe('one path under several hosts', () => {
  const at = (audience) => ({ ...partners, issuer: 'https://idp.example/', audience });
  const path = (host, authorizer, more = {}) => ({
    method: 'GET',
    path: '/mcp',
    ...(host && { host }),
    auth: { authorizer, scopes: [`read:${authorizer}`] },
    protected_resource: true,
    response: {},
    ...more,
  });
  let own;

  before(async () => {
    const authorizers = Object.fromEntries(
      [
        ['a', 'https://a.example/mcp'],
        ['b', 'https://b.example/mcp'],
        ['star', 'https://x.shops.example/mcp'],
        ['any', 'https://c.example/mcp'],
        ['rest', 'https://rest.example'],
      ].map(([name, audience]) => [name, at(audience)]),
    );
    const config = {
      authorizers,
      protected_resource: { name: 'All else' },
      paths: [
        path('a.example', 'a'),
        path('b.example', 'b'),
        path('*.shops.example', 'star'),
        path('', 'any'),
        // Below the resource of a wider host, and with a wildcard that would take the requests for its metadata.
        path('own.shops.example', 'star', { method: 'ANY', path: '/mcp/{.+}', protected_resource: false }),
        path('d.example', 'any', { path: '/mcp/tools', protected_resource: false }),
        path('d.example', 'rest', { method: 'ANY', path: '/{.+}', protected_resource: false }),
      ],
    };
    own = await startGateway({ config });
  });
  after(() => own?.close());

  test('is a resource of its own under each, with its metadata where its challenge says', async () => {
    for (const [address, resource, scope, document] of [
      ['https://a.example/mcp', 'https://a.example/mcp', 'read:a', '/mcp'],
      ['https://b.example/mcp', 'https://b.example/mcp', 'read:b', '/mcp'],
      ['https://x.shops.example/mcp', 'https://x.shops.example/mcp', 'read:star', '/mcp'],
      ['https://y.shops.example/mcp', 'https://y.shops.example/mcp', 'read:star', '/mcp'],
      ['https://c.example/mcp', 'https://c.example/mcp', 'read:any', '/mcp'],
      ['https://own.shops.example/mcp/x', 'https://own.shops.example/mcp', 'read:star', '/mcp'],
      ['https://d.example/mcp/tools', 'https://d.example/mcp', 'read:any', '/mcp'],
      ['https://d.example/x', 'https://d.example', 'read:rest', ''],
    ]) {
      const challenged = await askAt(own, address);
      assert.equal(challenged.status, 401, address);
      const parameters = Object.fromEntries(parametersOf(challenged.headers.get('www-authenticate'), address));
      assert.deepEqual(parameters, { scope, resource_metadata: `${new URL(address).origin}${METADATA}${document}` });
      const metadata = await metadataOf(await askAt(own, parameters.resource_metadata), address);
      assert.equal(metadata.resource, resource, address);
      // A client uses no metadata of another resource than it called (RFC 9728 section 3.3).
      assert.ok(address.startsWith(metadata.resource), address);
    }
  });
});

test('a host with quotes stays in the one parameter of the challenge (RFC 9110 section 5.6.4)', async (t) => {
  const bare = await startBareGateway({ config: configWith({ protected_resource: true }) });
  t.after(() => bare.close());
  for (const host of ['a"b.example', 'a",error="x']) {
    const { statuses, text } = await sendBytes(
      bare.bare,
      `GET /private HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    assert.deepEqual(statuses, [401], host);
    const [, challenge] = /^WWW-Authenticate: (.*)\r$/im.exec(text);
    assert.equal(challenge, `Bearer resource_metadata="http://${host.replaceAll('"', '\\"')}${METADATA}"`, host);
  }
});
