// Paths that a gateway and an upstream could read in two ways, by the thousand: made of every separator, dot segment and escape
// that is known to confuse, around a path with a rule of its own. Single cases, with the reason for each, are in routing.test.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { proxied, sendRaw } from '../support/harness.mjs';
import { startBareGateway, startWireUpstream } from '../support/wire.mjs';

const BASE = '/base/v1';
const AT_ONCE = 16;

const SEPARATORS = [
  '/',
  '//',
  '///',
  '\\',
  '\\/',
  '%2f',
  '%2F',
  '%5c',
  '%5C/',
  '/./',
  '/../',
  '/.../',
  '/x/../',
  '/..;/',
  '/..;a=b/',
  '/.;/',
  '/;/',
  '/;x/',
  '/%2e/',
  '/%2e%2e/',
  '/.%2E/',
  '/%2e%2e;/',
  '/..%2f',
  '%2f..%2f',
  '/..%5c',
  '\\..\\',
  '/%2e%2e%2f',
  '%00/',
  '/%00',
  '%0a/',
  '/%20/',
  '%',
  '%2',
  '/%c0%ae%c0%ae/',
  '%c0%af',
  '%e0%80%af',
  '%f0%80%80%af',
  '/%252e%252e/',
  '%252f',
  '%255c',
  '/%u002e%u002e/',
  '%ef%bc%8f',
  '/%ef%bc%8e%ef%bc%8e/',
  '%e2%88%95',
  '?',
  '?/../',
  '#/',
];
const GUARDED = [
  'admin',
  'admin/7',
  '%61dmin',
  'adm%69n/7',
  '%2561dmin',
  'admin;x',
  'admin;x=1/7',
  'admin/',
  'admin//7',
  'admin/.',
  'admin/..',
];
const ENDS = ['', '/', '?/admin', ';', '%20', '%2e', '/.', '/%2e%2e'];
const PATHS = [
  ...['', 'x', 'keys/x', 'open', 'whole/x', 'cut'].flatMap((first) =>
    SEPARATORS.flatMap((separator) => GUARDED.map((end) => `/${first}${separator}${end}`)),
  ),
  ...SEPARATORS.flatMap((one) => SEPARATORS.map((other) => `/open${one}x${other}admin`)),
  ...['', 'x/', 'open/'].flatMap((first) =>
    ['admin', 'admin/7'].flatMap((path) => ENDS.map((end) => `/${first}${path}${end}`)),
  ),
];

let upstream;
let gateway;

before(async () => {
  upstream = await startWireUpstream();
  const marked = (path, server, more) => proxied(path, server, { mapping: { headers: { 'x-route': path } }, ...more });
  gateway = await startBareGateway({
    config: {
      servers: [
        { alias: 'root', url: upstream.origin },
        { alias: 'based', url: upstream.origin + BASE },
      ],
      paths: [
        marked('/admin', 'root'),
        marked('/admin/{id}', 'root'),
        marked('/{.+}', 'root'),
        marked('/keys/{key}', 'root', { encoded_slashes: true }),
        marked('/open/{.+}', 'based'),
        marked('/whole/{x}/{.+}', 'based'),
        marked('/cut/{key}', 'based', { integration: { type: 'http_proxy', server: 'based', strip_prefix: '/cut' } }),
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Every path that a server could take this one for: decoded once, cut, merged and resolved, in any order. */
function readings(path) {
  const found = new Set();
  const take = (text, decoded) => {
    const key = `${decoded}${text}`;
    if (found.has(key)) return;
    found.add(key);
    take(text.replaceAll('\\', '/'), decoded);
    take(text.replace(/;[^/]*/g, ''), decoded);
    take(text.replace(/\/{2,}/g, '/'), decoded);
    take(resolved(text), decoded);
    if (!decoded)
      take(
        text.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))),
        true,
      );
  };
  take(path, false);
  return [...found].map((key) => key.replace(/^(true|false)/, ''));
}

/** Removes dot segments (RFC 3986 section 5.2.4). */
function resolved(path) {
  const kept = [];
  const segments = path.split('/').slice(1);
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '..') kept.pop();
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (last) kept.push('');
  });
  return `/${kept.join('/')}`;
}

const isGuarded = (path) => /^\/admin(\/[^/]+)?$/.test(path);

/** Sends every path, some at a time, and gives each with its status and what the upstream got of it. */
async function sendAll(paths) {
  upstream.taken();
  const rows = [];
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const some = paths.slice(at, at + AT_ONCE).map(async (path, index) => {
      const answer = await sendRaw(gateway.bare, {
        path,
        headers: { host: 'gateway.example', 'x-row': String(at + index) },
      });
      return { path, status: answer.status, text: answer.text, seen: [] };
    });
    rows.push(...(await Promise.all(some)));
  }
  const { requests, broken } = upstream.taken();
  assert.deepEqual(broken, [], 'every request that reached the upstream can be read');
  for (const request of requests) rows[Number(request.values('x-row')[0])].seen.push(request);
  return rows;
}

describe(`of ${PATHS.length} paths`, () => {
  let rows;
  before(async () => {
    rows = await sendAll(PATHS);
  });

  /** What was taken by one of `routes`: the path that was sent, and that which the upstream got. */
  const taken = (...routes) =>
    rows
      .flatMap(({ path, seen }) =>
        seen.map(({ target, values }) => ({ path, target: target.split('?')[0], route: values('x-route')[0] })),
      )
      .filter(({ route }) => routes.includes(route));

  test('each is refused and reaches nobody, or is taken and reaches the upstream once', () => {
    for (const { path, status, text, seen } of rows) {
      assert.ok(status === 200 || status === 400 || status === 404, `${path}: ${status} ${text}`);
      assert.equal(seen.length, status === 200 ? 1 : 0, path);
    }
    for (const status of [200, 400])
      assert.ok(rows.filter((row) => row.status === status).length > 200, `${status} came often`);
  });

  test('each that is taken reaches the upstream byte for byte as it was matched', () => {
    for (const {
      path,
      seen: [request],
    } of rows.filter(({ seen }) => seen.length)) {
      // What a URL is by the standard that browsers, workerd and the gateway go by.
      const { pathname, search } = new URL(`http://gateway.example${path}`);
      const [route] = request.values('x-route');
      const below = {
        '/open/{.+}': pathname.slice('/open'.length) || '/',
        '/whole/{x}/{.+}': pathname,
        '/cut/{key}': pathname.slice('/cut'.length),
      }[route];
      const expected = below === undefined ? pathname : BASE + below;
      // An empty query is none.
      assert.equal(request.target.replace(/\?$/, ''), expected + search, `${path} by ${route}`);
    }
  });

  test('none reaches a guarded path by the route of another, however the upstream reads it', () => {
    for (const { path, target } of taken('/{.+}', '/keys/{key}')) {
      assert.equal(readings(target).find(isGuarded), undefined, `${path}, which is ${target} to the upstream`);
    }
  });

  test('none leaves the base path of its upstream, however the upstream reads it', () => {
    for (const { path, target } of taken('/open/{.+}', '/whole/{x}/{.+}', '/cut/{key}')) {
      assert.equal(
        readings(target).find((reading) => !reading.startsWith(`${BASE}/`)),
        undefined,
        `${path}, which is ${target}`,
      );
    }
  });

  test('the log has each as the gateway matched it', async () => {
    for (const {
      path,
      seen: [request],
    } of rows.filter(({ seen }) => seen.length).slice(0, 100)) {
      const { route } = await gateway.record(({ request_id: id }) => id === request.values('x-request-id')[0]);
      assert.equal(route, request.values('x-route')[0], path);
    }
  });
});
