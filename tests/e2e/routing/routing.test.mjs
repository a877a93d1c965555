// Routing on workerd: which route takes a request, and that the path it was matched by is the path the upstream gets, however
// the client spelled it. The rules themselves have their tables on the host (tests/routes.rs, src/route/).

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { proxied, sendRaw, startGateway } from '../support/harness.mjs';

let api;
let gateway;

// Each route tells the upstream its own name, so that a test sees which one took the request.
const route = (method, path, more = {}) =>
  proxied(path, 'api', {
    method,
    mapping: { headers: { 'x-route': `${method} ${path}` } },
    ...more,
  });

before(async () => {
  api = await startApi();
  gateway = await startGateway({
    config: {
      servers: [{ alias: 'api', url: api.origin }],
      // The order is of no account, so the general ones stand first.
      paths: [
        route('ANY', '/tree/{.+}'),
        route('GET', '/files/{name}'),
        route('GET', '/files/public'),
        route('GET', '/files/{name}/meta'),
        route('GET', '/keys/{key}', { encoded_slashes: true }),
        route('GET', '/caf%C3%A9/{x}'),
        route('GET', '/admin'),
        route('ANY', '/p/{.+}'),
        route('ANY', '/p/{x}'),
        route('GET', '/p/{x}'),
        route('GET', '/p/literal'),
        route('GET', '/p/{x}/z'),
        route('GET', '/p/b/{y}'),
        route('GET', '/p/{x}/{rest+}'),
        route('GET', '/p/{x}/deep/{.+}'),
        route('GET', '/m'),
        route('POST', '/m'),
        route('HEAD', '/own-head'),
        route('GET', '/own-head'),
        route('ANY', '/any'),
        route('POST', '/any'),
        { method: 'GET', path: '/fixed', response: { fixed: true } },
        { method: 'DELETE', path: '/fixed', response: null },
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await api?.close();
});

beforeEach(() => {
  api.requests.length = 0;
});

/** Sends a request line as it stands and gives the status and code, and what the upstream saw. */
async function ask(path, method = 'GET') {
  const answer = await sendRaw(gateway.origin, { method, path });
  const [seen] = api.requests.splice(0);
  const problem = answer.header('content-type') === 'application/problem+json' ? answer.json() : undefined;
  return { answer, code: problem?.code, route: seen?.headers['x-route'], path: seen?.path, method: seen?.method };
}

/** Sends a method and target that no client library would, and gives the answer as it comes. */
async function sendLine(line) {
  const { hostname, port } = new URL(gateway.origin);
  const socket = connect(Number(port), hostname);
  socket.end(`${line} HTTP/1.1\r\nHost: gateway.example\r\nConnection: close\r\n\r\n`);
  return Buffer.concat(await socket.toArray()).toString('latin1');
}

describe('the more specific route takes the request', () => {
  for (const [message, method, path, expected] of [
    ['a literal before a parameter', 'GET', '/p/literal', 'GET /p/literal'],
    ['a parameter before a wildcard', 'GET', '/p/other', 'GET /p/{x}'],
    ['a method before ANY', 'GET', '/p/other', 'GET /p/{x}'],
    ['ANY of a parameter before a wildcard', 'PUT', '/p/other', 'ANY /p/{x}'],
    ['ANY where the literal has another method', 'POST', '/p/literal', 'ANY /p/{x}'],
    ['a literal further left before one further right', 'GET', '/p/b/z', 'GET /p/b/{y}'],
    ['a literal at the end where the left is free', 'GET', '/p/a/z', 'GET /p/{x}/z'],
    ['the longer of two wildcards', 'GET', '/p/a/y/x', 'GET /p/{x}/{rest+}'],
    ['the wildcard behind a literal', 'GET', '/p/a/deep/x', 'GET /p/{x}/deep/{.+}'],
    ['the wildcard behind a literal, of nothing', 'GET', '/p/a/deep', 'GET /p/{x}/deep/{.+}'],
    ['the wildcard that has the method', 'POST', '/p/a/y', 'ANY /p/{.+}'],
    ['a wildcard of nothing', 'GET', '/p', 'ANY /p/{.+}'],
    ['a wildcard of a slash, for a parameter is never empty', 'GET', '/p/', 'ANY /p/{.+}'],
  ]) {
    test(message, async () => assert.equal((await ask(path, method)).route, expected));
  }
});

describe('methods', () => {
  test('HEAD is answered by GET, and the upstream hears HEAD', async () => {
    const asked = await ask('/m', 'HEAD');
    assert.deepEqual([asked.answer.status, asked.route, asked.method], [200, 'GET /m', 'HEAD']);
    assert.equal((await ask('/own-head', 'HEAD')).route, 'HEAD /own-head');
    assert.equal((await ask('/any', 'HEAD')).route, 'ANY /any');
  });

  test('HEAD of a fixed answer has its headers and no body', async () => {
    const { answer } = await ask('/fixed', 'HEAD');
    assert.deepEqual([answer.status, answer.header('content-type'), answer.text], [200, 'application/json', '']);
  });

  test('ANY takes those that no route can name', async () => {
    assert.equal((await ask('/any', 'PROPFIND')).route, 'ANY /any');
    assert.equal((await ask('/any', 'POST')).route, 'POST /any');
  });

  for (const [method, path, allow] of [
    ['DELETE', '/m', 'GET, HEAD, POST'],
    ['OPTIONS', '/m', 'GET, HEAD, POST'],
    ['PROPFIND', '/m', 'GET, HEAD, POST'],
    ['TRACE', '/m', 'GET, HEAD, POST'],
    ['POST', '/files/public', 'GET, HEAD'],
    ['PUT', '/fixed', 'GET, HEAD, DELETE'],
  ]) {
    test(`${method} ${path} is 405 and allowed are ${allow}`, async () => {
      const { answer, code, route: taken } = await ask(path, method);
      assert.deepEqual(
        [answer.status, code, answer.header('allow'), taken],
        [405, 'method_not_allowed', allow, undefined],
      );
    });
  }

  test('TRACE is 405 on routes of ANY method too, and reaches nobody', async () => {
    for (const path of ['/any', '/tree/a', '/p/x', '/p']) {
      const { answer, code, route: taken } = await ask(path, 'TRACE');
      const allow = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
      assert.deepEqual(
        [answer.status, code, answer.header('allow'), taken],
        [405, 'method_not_allowed', allow, undefined],
        path,
      );
      const record = await gateway.record(({ request_id: id }) => id === answer.header('x-request-id'));
      assert.deepEqual([record.method, record.status, record.code], ['TRACE', 405, 'method_not_allowed'], path);
    }
  });

  // The runtime lets these in no further than itself; where one does, the gateway refuses it.
  test('TRACK, CONNECT and what only looks like TRACE reach nobody', async () => {
    for (const method of ['TRACK', 'CONNECT', 'Trace', 'trace', 'track', 'connect']) {
      for (const target of ['/any', '/tree/a', 'api.example:443']) {
        const answer = await sendLine(`${method} ${target}`);
        assert.match(answer, /^HTTP\/1\.1 (4\d\d|50[01]) /, `${method} ${target}`);
        if (answer.startsWith('HTTP/1.1 405 '))
          assert.match(answer, /^allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r$/im);
        assert.deepEqual(api.requests, [], `${method} ${target}`);
      }
    }
  });

  test('HEAD of a path without GET is 405 and says so without a body', async () => {
    const own = await startGateway({ config: { paths: [{ method: 'POST', path: '/x', response: {} }] } });
    const answer = await sendRaw(own.origin, { method: 'HEAD', path: '/x' });
    assert.deepEqual([answer.status, answer.header('allow'), answer.text], [405, 'POST', '']);
    await own.close();
  });
});

describe('no route takes', () => {
  for (const [message, path] of [
    ['an unknown path', '/unknown'],
    ['the root, where the config has none', '/'],
    ['a path in other letters', '/FILES/public'],
    ['a path with a slash more at the end', '/files/public/'],
    ['a path with a slash less', '/files'],
    ['a path that only begins like a route', '/adminx'],
    ['a path with one segment more', '/files/a/meta/x'],
    ['the query of another', '/?/admin'],
  ]) {
    test(message, async () => {
      const { answer, code, route: taken } = await ask(path);
      assert.deepEqual([answer.status, code, taken], [404, 'route_not_found', undefined]);
    });
  }
});

describe('what was matched is what the upstream gets', () => {
  const long = 'x'.repeat(12_000);
  const deep = 'a/'.repeat(4_000);
  for (const [message, path, taken, received] of [
    ['letters that need no escape', "/files/a-b_c.d~e!f$g&h'(i)*j+k,l=m:n@o", 'GET /files/{name}', undefined],
    ['escapes in upper and lower case', '/files/%C3%A9%c3%a9', 'GET /files/{name}', undefined],
    ['an encoded question mark, hash and percent sign', '/files/a%3Fb%23c%25d', 'GET /files/{name}', undefined],
    ['a doubly encoded slash', '/files/a%252Fb', 'GET /files/{name}', undefined],
    ['a doubly encoded dot segment', '/tree/%252e%252e/admin', 'ANY /tree/{.+}', '/%252e%252e/admin'],
    ['an encoded space', '/files/a%20b', 'GET /files/{name}', undefined],
    ['parameters of a segment', '/files/a;v=1', 'GET /files/{name}', undefined],
    ['dots that are no dot segment', '/files/...', 'GET /files/{name}', undefined],
    ['bytes that are no UTF-8', '/files/%FF%FE', 'GET /files/{name}', undefined],
    ['a full-width slash', '/files/a%EF%BC%8Fb', 'GET /files/{name}', undefined],
    ['a literal that is not ASCII', '/caf%C3%A9/x', 'GET /caf%C3%A9/{x}', undefined],
    ['a literal that is not ASCII, in lower case', '/caf%c3%a9/x', 'GET /caf%C3%A9/{x}', undefined],
    ['an encoded slash where the route admits it', '/keys/a%2Fb%2fc', 'GET /keys/{key}', undefined],
    ['doubled slashes below a wildcard', '/tree//admin', 'ANY /tree/{.+}', '//admin'],
    ['doubled slashes at the end of a wildcard', '/tree/a//', 'ANY /tree/{.+}', '/a//'],
    ['a needless escape below a wildcard', '/tree/%61dmin', 'ANY /tree/{.+}', '/%61dmin'],
    ['parameters of a segment below a wildcard', '/tree/a;b/c', 'ANY /tree/{.+}', '/a;b/c'],
    ['a very long segment', `/files/${long}`, 'GET /files/{name}', undefined],
    ['a very long segment below a wildcard', `/tree/${long}`, 'ANY /tree/{.+}', `/${long}`],
    ['very many segments', `/tree/${deep}`, 'ANY /tree/{.+}', `/${deep}`],
    ['a slash and dots in the query', '/files/a?/../admin', 'GET /files/{name}', '/files/a'],
    // What every URL parser does before anyone sees the path.
    ['a dot segment', '/files/./public', 'GET /files/public', '/files/public'],
    ['a double dot segment', '/tree/x/../../admin', 'GET /admin', '/admin'],
    ['an encoded dot segment', '/tree/%2e%2E/admin', 'GET /admin', '/admin'],
    ['a half encoded dot segment', '/tree/.%2e/admin', 'GET /admin', '/admin'],
    ['dot segments beyond the root', '/../../admin', 'GET /admin', '/admin'],
    ['a dot segment at the end', '/files/public/..', undefined, undefined],
    ['a backslash, which is a slash', '/tree\\a\\b', 'ANY /tree/{.+}', '/a/b'],
    ['backslashes around a dot segment', '/tree\\..\\admin', 'GET /admin', '/admin'],
    ['characters that a URL escapes', '/files/a"b{c}d', 'GET /files/{name}', '/files/a%22b%7Bc%7Dd'],
  ]) {
    test(message, async () => {
      const asked = await ask(path);
      assert.equal(asked.route, taken, `${asked.answer.status} ${asked.code}`);
      if (taken === undefined) assert.equal(asked.code, 'route_not_found');
      else assert.equal(asked.path, received ?? path);
    });
  }
});

describe('what the upstream could read in another way is 400', () => {
  for (const [message, path, reason] of [
    ['an encoded slash', '/files/a%2Fb', 'encoded_slash'],
    ['an encoded slash in lower case', '/files/a%2fb', 'encoded_slash'],
    ['an encoded slash below a wildcard', '/tree/a%2F..%2Fb', 'dot_segment'],
    ['an encoded slash between routes', '/files%2Fpublic', 'encoded_slash'],
    ['an encoded backslash', '/files/a%5Cb', 'backslash'],
    ['an encoded backslash where slashes are admitted', '/keys/a%5cb', 'backslash'],
    ['a dot segment around an admitted slash', '/keys/..%2Fadmin', 'dot_segment'],
    ['an encoded dot segment around an admitted slash', '/keys/a%2f%2e%2e%2fb', 'dot_segment'],
    ['a dot segment with parameters', '/tree/..;x/admin', 'dot_segment'],
    ['an encoded dot segment with parameters', '/tree/%2e%2e;/admin', 'dot_segment'],
    ['an encoded NUL', '/files/a%00', 'control_character'],
    ['encoded line breaks', '/files/a%0d%0aX-Evil:%201', 'control_character'],
    ['an encoded DEL', '/tree/%7F', 'control_character'],
    ['overlong UTF-8 of a slash', '/files/a%C0%AFb', 'overlong_encoding'],
    ['overlong UTF-8 of a dot segment', '/files/%C0%AE%C0%AE', 'overlong_encoding'],
    ['a percent sign by itself', '/files/100%', 'malformed_escape'],
    ['an escape that is none', '/files/%zz', 'malformed_escape'],
    ['an escape of the old Unicode kind', '/tree/%u002f', 'malformed_escape'],
    ['a literal with a needless escape', '/files/%70ublic', 'readings_differ'],
    ['a literal with parameters', '/files/public;x=1', 'readings_differ'],
    ['a literal route behind a doubled slash', '//admin', 'readings_differ'],
    ['a literal route behind a doubled slash inside', '/files//public', 'readings_differ'],
    ['a segment that is nothing but parameters', '/files/;x', 'readings_differ'],
  ]) {
    test(message, async () => {
      const { answer, code, route: taken } = await ask(path);
      assert.deepEqual([answer.status, code, taken], [400, 'path_ambiguous', undefined]);
      const record = await gateway.record(({ request_id: id }) => id === answer.header('x-request-id'));
      assert.deepEqual([record.code, record.reason], ['path_ambiguous', reason]);
    });
  }
});

test('bytes that no URL may hold as they are come to nobody: the runtime refuses them', async () => {
  for (const path of ['/files/caf\u00e9', '/files/\u00c0\u00af', '/tree/\u00ff', '/files/a<b']) {
    const { answer, route: taken } = await ask(path);
    assert.deepEqual([answer.status, taken], [400, undefined], path);
  }
});

test('an address in the request line is routed by its path alone', async () => {
  assert.match(await sendLine('GET http://other.example/tree/a?b'), /^HTTP\/1\.1 200 /);
  assert.deepEqual(
    api.requests.map(({ path, query }) => [path, query]),
    [['/a', 'b']],
  );
});
