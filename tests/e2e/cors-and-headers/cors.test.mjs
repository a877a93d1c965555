// Cross-origin requests (Fetch standard, section 3.2) on workerd: what a preflight is told, who may read an answer, and that
// neither an upstream nor a client can widen that.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { proxied, sendRaw, startGateway, startUpstream } from '../support/harness.mjs';

const APP = 'https://app.example';
const LOCAL = 'http://localhost:5173';
// What a page could send that looks like a listed origin and is none.
const UNLISTED = [
  'null',
  '*',
  'https://evil.example',
  'http://app.example',
  'https://app.example:8443',
  'https://app.example.evil.example',
  'https://sub.app.example',
  'https://app.example/',
  'https://app.exampl',
  'HTTPS://APP.EXAMPLE',
  `${APP}, ${APP}`,
  'app.example',
  '',
];

/** Origins of applications that bring a browser of their own. */
const OWN_SCHEMES = [
  'capacitor://localhost',
  'ionic://localhost',
  'tauri://localhost',
  'app://.',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  'moz-extension://01234567-89ab-cdef-0123-456789abcdef',
];

let api;
let upstream;
let answerUpstream;
let listed;
let open;
let starred;
let without;

before(async () => {
  api = await startApi();
  upstream = await startUpstream((request, response) => answerUpstream(request, response));
  const config = {
    servers: [
      { alias: 'api', url: api.origin },
      { alias: 'own', url: upstream.origin },
      { alias: 'nobody', url: 'http://127.0.0.1:1' },
    ],
    authorizer: { type: 'auth0', domain: 'tenant.example', client_id: 'any' },
    paths: [
      { method: 'GET', path: '/fixed', response: { fixed: true } },
      { method: 'POST', path: '/fixed', response: { fixed: true } },
      proxied('/private', 'api', { method: 'GET', auth: true }),
      proxied('/read', 'api', { method: 'GET' }),
      proxied('/any/{.+}', 'api'),
      proxied('/own/{.+}', 'own'),
      proxied('/own-preflight', 'own', { method: 'OPTIONS' }),
      proxied('/nobody', 'nobody', { method: 'GET' }),
      proxied('/self', 'api', { method: 'GET' }),
      { method: 'OPTIONS', path: '/self', response: { mine: true } },
    ],
  };
  listed = await startGateway({
    config: {
      ...config,
      cors: {
        allow_origins: [APP, LOCAL],
        allow_headers: ['Authorization', 'content-type', 'X-Own'],
        expose_headers: ['x-request-id', 'X-Upstream'],
        allow_credentials: true,
        max_age: 7,
      },
    },
  });
  open = await startGateway({
    config: {
      ...config,
      cors: { allow_origins: ['*'], allow_methods: ['GET', 'PUT'], allow_headers: ['*'], expose_headers: ['*'] },
    },
  });
  starred = await startGateway({
    config: {
      ...config,
      cors: {
        allow_origins: [...OWN_SCHEMES, 'https://*.pages.example', 'http://localhost:*'],
        allow_credentials: true,
      },
    },
  });
  without = await startGateway({ config });
});

after(async () => {
  for (const started of [listed, open, starred, without, api, upstream]) await started?.close();
});

beforeEach(() => {
  api.requests.length = 0;
});

/** Sends a preflight; `headers` is what `Access-Control-Request-Headers` asks for. */
const preflight = (gateway, path, { origin = APP, method = 'GET', headers } = {}) =>
  sendRaw(gateway.origin, {
    method: 'OPTIONS',
    path,
    headers: {
      origin,
      'access-control-request-method': method,
      ...(headers === undefined ? {} : { 'access-control-request-headers': headers }),
    },
  });

const permissions = (answer) =>
  ['origin', 'credentials', 'methods', 'headers', 'expose-headers'].flatMap((name) =>
    answer.values(name === 'expose-headers' ? 'access-control-expose-headers' : `access-control-allow-${name}`),
  );

const list = (text) =>
  (text ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
    .sort();

function assertGranted(answer, { origin = APP, methods, headers = [] }) {
  assert.equal(answer.status, 204);
  assert.equal(answer.text, '');
  assert.deepEqual(answer.values('access-control-allow-origin'), [origin]);
  assert.deepEqual(list(answer.header('access-control-allow-methods')), list(methods));
  for (const name of headers) assert.ok(list(answer.header('access-control-allow-headers')).includes(name), name);
  assert.deepEqual(api.requests, [], 'the upstream is not asked');
}

describe('a preflight', () => {
  for (const [message, path, asked, granted] of [
    ['for a method that the path has', '/read', {}, { methods: 'GET, HEAD' }],
    ['from each listed origin', '/read', { origin: LOCAL }, { origin: LOCAL, methods: 'GET, HEAD' }],
    ['for one of several methods', '/fixed', { method: 'POST' }, { methods: 'GET, HEAD, POST' }],
    [
      'with listed headers, in any letters and spacing',
      '/read',
      { headers: 'AUTHORIZATION ,content-type,x-own' },
      { methods: 'GET, HEAD', headers: ['authorization', 'content-type', 'x-own'] },
    ],
    ['with an empty list of headers', '/read', { headers: '' }, { methods: 'GET, HEAD' }],
    [
      'of a path that takes ANY method',
      '/any/x',
      { method: 'DELETE' },
      { methods: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' },
    ],
    [
      'of a path that needs a token, though none comes along',
      '/private',
      { headers: 'authorization' },
      { methods: 'GET, HEAD' },
    ],
    [
      'of a path behind a doubled slash',
      '/any//x',
      { method: 'PUT' },
      { methods: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' },
    ],
  ]) {
    test(`is granted ${message}`, async () => {
      const answer = await preflight(listed, path, asked);
      assertGranted(answer, granted);
      assert.equal(answer.header('access-control-allow-credentials'), 'true');
      assert.equal(answer.header('access-control-max-age'), '7');
      assert.deepEqual(list(answer.header('vary')), [
        'access-control-request-headers',
        'access-control-request-method',
        'origin',
      ]);
    });
  }

  for (const [message, path, asked] of [
    ...UNLISTED.map((origin) => [`from the origin "${origin}"`, '/read', { origin }]),
    ['for a method that the path has not', '/read', { method: 'DELETE' }],
    ['for a method in other letters', '/read', { method: 'get' }],
    ['for no method of a path that takes ANY', '/any/x', { method: 'GET, POST' }],
    ['for a header that is not listed', '/read', { headers: 'x-other' }],
    ['for a listed header beside one that is not', '/read', { headers: 'authorization,x-other' }],
    ['for a wildcard header', '/read', { headers: '*' }],
  ]) {
    test(`is refused ${message}`, async () => {
      const answer = await preflight(listed, path, asked);
      assert.deepEqual(permissions(answer), []);
      assert.ok(list(answer.header('vary')).includes('origin'));
      assert.deepEqual(api.requests, [], 'the upstream is not asked');
    });
  }

  test("of every origin is granted with a star, by the config's methods and for every header by name", async () => {
    for (const origin of [APP, 'null', 'https://any.example']) {
      const answer = await preflight(open, '/read', { origin, method: 'PUT', headers: 'X-A, authorization' });
      assertGranted(answer, { origin: '*', methods: 'GET, PUT', headers: ['x-a', 'authorization'] });
      assert.equal(answer.header('access-control-allow-credentials'), null);
    }
    assert.deepEqual(permissions(await preflight(open, '/read', { method: 'DELETE' })), []);
    const odd = await preflight(open, '/read', { headers: 'x-a, "x"<script>' });
    assert.deepEqual(permissions(odd), [], 'what is no header name is not echoed');
  });

  test("of a path with an OPTIONS of its own is that path's to answer", async () => {
    const answer = await preflight(listed, '/self');
    assert.deepEqual([answer.status, answer.json()], [200, { mine: true }]);
    assert.equal(answer.header('access-control-allow-origin'), APP);
  });

  test('of a path that nobody has is 404, and readable', async () => {
    const answer = await preflight(listed, '/unknown');
    assert.deepEqual(
      [answer.status, answer.json().code, answer.header('access-control-allow-origin')],
      [404, 'route_not_found', APP],
    );
  });

  test('without a rule is a request like any other', async () => {
    assert.deepEqual([(await preflight(without, '/read')).status, api.requests.length], [405, 0]);
    const answer = await preflight(without, '/any/x');
    assert.deepEqual([answer.status, api.requests[0].method], [200, 'OPTIONS']);
    assert.deepEqual(permissions(answer), []);
  });

  test('is only what has both headers: another OPTIONS goes to the path', async () => {
    for (const headers of [{}, { origin: APP }, { 'access-control-request-method': 'GET' }]) {
      api.requests.length = 0;
      const answer = await sendRaw(listed.origin, { method: 'OPTIONS', path: '/any/x', headers });
      assert.deepEqual([answer.status, api.requests[0]?.method], [200, 'OPTIONS'], JSON.stringify(headers));
    }
  });
});

describe('an answer', () => {
  // Errors of the gateway at every step of a request, fixed answers and upstreams' answers.
  const ANSWERS = [
    ['/fixed', 200],
    ['/read', 200],
    ['/unknown', 404],
    ['/private', 401],
    ['/fixed', 405, 'DELETE'],
    ['/read%2Fx', 400],
    ['/nobody', 502],
    ['/any/_sample/status/500', 500],
    ['/any/_sample/redirect', 302],
    ['/any/_sample/status/204', 204],
  ];

  test('is readable for a listed origin, errors too', async () => {
    for (const [path, status, method = 'GET'] of ANSWERS) {
      const answer = await sendRaw(listed.origin, { method, path, headers: { origin: APP } });
      assert.equal(answer.status, status, path);
      assert.deepEqual(answer.values('access-control-allow-origin'), [APP], path);
      assert.deepEqual(answer.values('access-control-allow-credentials'), ['true'], path);
      const ofProblems = answer.header('x-problem-code') ? ['retry-after', 'x-problem-code'] : [];
      assert.deepEqual(
        list(answer.header('access-control-expose-headers')),
        [...ofProblems, 'x-request-id', 'x-upstream'],
        path,
      );
      assert.ok(list(answer.values('vary').join()).includes('origin'), `${path}: Vary`);
    }
  });

  for (const [message, section, path] of [
    ['with a Vary of its own', {}, { integration: { type: 'static', headers: { Vary: 'Accept' }, body: 'x' } }],
    ['with one by the rules of its path', {}, { response: {}, response_headers: { set: { vary: 'Accept' } } }],
    ["with one of the config's headers", { headers: { Vary: 'Accept' } }, { response: {} }],
    [
      'of an upstream, with one by the rules of its path',
      {},
      { ...proxied('/a', 'api'), response_headers: { set: { vary: 'Accept' } } },
    ],
    ["of an upstream, with one of the config's headers", { headers: { Vary: 'Accept' } }, proxied('/a', 'api')],
  ]) {
    test(`that is readable for one origin says so in Vary: ${message}`, async (t) => {
      const gateway = await startGateway({
        config: {
          servers: [{ alias: 'api', url: api.origin }],
          cors: { allow_origins: [APP] },
          ...section,
          paths: [{ path: '/a', ...path, method: 'GET' }],
        },
      });
      t.after(() => gateway.close());
      const answer = await sendRaw(gateway.origin, { path: '/a', headers: { origin: APP } });
      assert.deepEqual(answer.values('access-control-allow-origin'), [APP]);
      assert.deepEqual(list(answer.values('vary').join()), ['accept', 'origin']);
      if (section.headers)
        assert.ok(
          list((await preflight(gateway, '/a')).values('vary').join()).includes('access-control-request-method'),
        );
    });
  }

  test('is the same for others but for what would let them read it', async () => {
    for (const [path, status, method = 'GET'] of ANSWERS) {
      for (const origin of [undefined, ...UNLISTED]) {
        const answer = await sendRaw(listed.origin, { method, path, headers: origin === undefined ? {} : { origin } });
        assert.equal(answer.status, status, `${path} from ${origin}`);
        assert.deepEqual(permissions(answer), [], `${path} from ${origin}`);
        assert.ok(list(answer.values('vary').join()).includes('origin'), `${path} from ${origin}: Vary`);
      }
    }
  });

  test('is readable for everyone with a star, and never with credentials', async () => {
    for (const [path, status, method = 'GET'] of ANSWERS) {
      const answer = await sendRaw(open.origin, { method, path, headers: { origin: 'https://any.example' } });
      assert.equal(answer.status, status, path);
      const ofProblems = answer.header('x-problem-code') ? ', x-problem-code, retry-after' : '';
      assert.deepEqual(permissions(answer), ['*', `*${ofProblems}`], `${path}: origin and exposed headers`);
    }
  });

  test('has nothing of the kind without a rule', async () => {
    for (const [path, , method = 'GET'] of ANSWERS) {
      const answer = await sendRaw(without.origin, { method, path, headers: { origin: APP } });
      assert.deepEqual([permissions(answer), list(answer.header('vary'))], [[], []], path);
    }
  });
});

describe('a list of origins with schemes of their own and with stars', () => {
  for (const origin of [
    ...OWN_SCHEMES,
    'https://a.pages.example',
    'https://xn--bcher-kva.pages.example',
    'http://localhost:5173',
    'http://localhost',
  ]) {
    test(`lets in ${origin}`, async () => {
      assertGranted(await preflight(starred, '/read', { origin }), { origin, methods: 'GET, HEAD' });
      const answer = await sendRaw(starred.origin, { path: '/read', headers: { origin } });
      assert.deepEqual(permissions(answer), [origin, 'true'], 'the origin itself, with credentials');
      assert.ok(list(answer.values('vary').join()).includes('origin'));
    });
  }

  for (const origin of [
    'https://a.b.pages.example',
    'https://pages.example',
    'https://.pages.example',
    'https://*.pages.example',
    'https://a.pages.example:8443',
    'http://a.pages.example',
    'https://evilpages.example',
    'https://a.pages.example.evil.example',
    'https://evil.example/.pages.example',
    'http://localhost:5173.evil.example',
    'http://localhost.evil.example',
    'http://localhost:',
    'http://localhost:*',
    'http://localhost:1@evil.example',
    'capacitor://localhost/',
    'capacitor://other',
    'app://',
    'chrome-extension://another',
    'null',
    '*',
  ]) {
    test(`keeps out ${origin}`, async () => {
      assert.deepEqual(permissions(await preflight(starred, '/read', { origin })), []);
      const answer = await sendRaw(starred.origin, { path: '/read', headers: { origin } });
      assert.deepEqual([answer.status, permissions(answer)], [200, []]);
      assert.ok(list(answer.values('vary').join()).includes('origin'));
    });
  }
});

describe("an upstream's own Access-Control headers", () => {
  const own = {
    'access-control-allow-origin': 'https://evil.example',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'PURGE',
    'access-control-allow-headers': 'x-evil',
    'access-control-expose-headers': 'x-evil',
    'access-control-max-age': '86400',
    vary: 'Accept',
  };

  beforeEach(() => {
    answerUpstream = (_, response) => response.writeHead(200, own).end();
  });

  test('give way to the rule, for listed origins and others', async () => {
    const readable = await sendRaw(listed.origin, { path: '/own/x', headers: { origin: APP } });
    assert.deepEqual(readable.values('access-control-allow-origin'), [APP]);
    const other = await sendRaw(listed.origin, { path: '/own/x', headers: { origin: 'https://evil.example' } });
    assert.deepEqual(permissions(other), []);
    for (const answer of [readable, other]) {
      assert.deepEqual(
        [answer.header('access-control-max-age'), JSON.stringify(answer.values('access-control-allow-methods'))],
        [null, '[]'],
      );
      assert.deepEqual(list(answer.values('vary').join()), ['accept', 'origin'], 'Vary is added to');
    }
  });

  test('give way on an OPTIONS that is no preflight, for a path of its own too', async () => {
    for (const path of ['/own/x', '/own-preflight']) {
      for (const origin of [undefined, ...UNLISTED]) {
        const answer = await sendRaw(listed.origin, {
          method: 'OPTIONS',
          path,
          headers: origin === undefined ? {} : { origin },
        });
        const message = `${path} from ${origin}`;
        assert.equal(answer.status, 200, message);
        assert.deepEqual([permissions(answer), answer.header('access-control-max-age')], [[], null], message);
        assert.deepEqual(list(answer.values('vary').join()), ['accept', 'origin'], message);
      }
      const readable = await sendRaw(listed.origin, { method: 'OPTIONS', path, headers: { origin: APP } });
      assert.deepEqual(
        permissions(readable),
        [APP, 'true', 'x-request-id, X-Upstream'],
        `${path} from a listed origin`,
      );
      assert.equal(readable.header('access-control-max-age'), null, path);
      const anyone = await sendRaw(open.origin, {
        method: 'OPTIONS',
        path,
        headers: { origin: 'https://evil.example' },
      });
      assert.deepEqual(permissions(anyone), ['*', '*'], `${path} under a star`);
    }
    const headers = { 'access-control-request-method': 'PURGE' };
    const nobody = await sendRaw(listed.origin, { method: 'OPTIONS', path: '/own/x', headers });
    assert.deepEqual(permissions(nobody), [], 'a method that is asked for without an origin');
  });

  test("pass untouched where they answer the preflight of a path's own OPTIONS", async () => {
    answerUpstream = (request, response) => {
      const asked = ['origin', 'access-control-request-method', 'access-control-request-headers'].map(
        (name) => request.headers[name],
      );
      response.writeHead(204, { ...own, 'x-asked': asked.join(' ') }).end();
    };
    for (const gateway of [listed, open, without]) {
      for (const origin of [APP, 'https://evil.example', 'null']) {
        const answer = await preflight(gateway, '/own-preflight', { origin, method: 'PURGE', headers: 'x-evil' });
        assert.deepEqual([answer.status, answer.header('x-asked')], [204, `${origin} PURGE x-evil`]);
        const { vary, ...untouched } = own;
        for (const [name, value] of Object.entries(untouched))
          assert.deepEqual(answer.values(name), [value], `${name} from ${origin}`);
        assert.ok(list(answer.values('vary').join()).includes(vary.toLowerCase()), 'Vary is kept');
      }
    }
  });

  test('pass where the config has no rule', async () => {
    const answer = await sendRaw(without.origin, { path: '/own/x', headers: { origin: APP } });
    for (const [name, value] of Object.entries(own)) assert.equal(answer.header(name), value, name);
  });
});
