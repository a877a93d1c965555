// `static`, of which `response` is the short form, and `redirect`: answers that stand in the config, the second with parts of the
// path that was called.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertProblem } from '../support/login-flow.mjs';
import { sendRaw, startGateway } from '../support/harness.mjs';
import { assertMistakes } from '../support/service-flow.mjs';

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';

/** What a `static` says, and the status, Content-Type and body that come of it. */
const STATIC = [
  ['nothing', {}, 200, null, ''],
  ['a text', { body: 'Grüße\n"quoted"' }, 200, TEXT, 'Grüße\n"quoted"'],
  ['an empty text', { body: '' }, 200, TEXT, ''],
  ['a text that looks like JSON', { body: '{"a":1}' }, 200, TEXT, '{"a":1}'],
  ['an object', { body: { a: [1, 2.5, null], b: { é: true } } }, 200, JSON_TYPE, '{"a":[1,2.5,null],"b":{"é":true}}'],
  ['an array', { body: [] }, 200, JSON_TYPE, '[]'],
  ['a number', { body: 0 }, 200, JSON_TYPE, '0'],
  ['false', { body: false }, 200, JSON_TYPE, 'false'],
  ['null', { body: null }, 200, JSON_TYPE, 'null'],
  ['a status', { status: 503, body: 'closed' }, 503, TEXT, 'closed'],
  ['the first status', { status: 200, body: 'x' }, 200, TEXT, 'x'],
  ['the last status', { status: 599, body: 'x' }, 599, TEXT, 'x'],
  ['a status without a body', { status: 404 }, 404, null, ''],
  ['204', { status: 204 }, 204, null, ''],
  ['205', { status: 205 }, 205, null, ''],
  ['304', { status: 304, headers: { etag: '"e"' } }, 304, null, ''],
  [
    'a type of its own',
    { headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: '<b>x</b>' },
    200,
    'text/html; charset=utf-8',
    '<b>x</b>',
  ],
  [
    'a type of its own for JSON',
    { headers: { 'content-type': 'application/x-own+json' }, body: { a: 1 } },
    200,
    'application/x-own+json',
    '{"a":1}',
  ],
  ['a value of a binding', { body: '$env.GREETING' }, 200, TEXT, 'hello from a variable'],
  ['values of bindings further in', { body: { a: ['$secret.HIDDEN'] } }, 200, JSON_TYPE, '{"a":["from a secret"]}'],
];

/** The JSON of each type as the short form gives it. */
const RESPONSES = [{ a: 1 }, [1], 'text', '', 7, true, null];

const redirect = (path, location, status) => ({
  method: 'ANY',
  path,
  integration: { type: 'redirect', location, ...(status ? { status } : {}) },
});

let gateway;

before(async () => {
  gateway = await startGateway({
    config: {
      paths: [
        ...STATIC.map(([, members], index) => ({
          method: 'ANY',
          path: `/static/${index}`,
          integration: { type: 'static', ...members },
        })),
        ...RESPONSES.map((response, index) => ({ method: 'GET', path: `/response/${index}`, response })),
        {
          method: 'GET',
          path: '/headers',
          integration: {
            type: 'static',
            headers: {
              'Cache-Control': 'public, max-age=60',
              'X-Own': '  one two ',
              'x-variable': '$env.GREETING',
              'x-empty': '',
              'X-Request-Id': 'of-the-config',
              link: '</a>; rel=preload',
              'set-cookie': 'a=1; Path=/; HttpOnly',
            },
            body: { ok: true },
          },
        },
        { method: 'POST', path: '/taken', integration: { type: 'static', status: 202, body: 'taken' } },
        redirect('/default', 'https://other.example/'),
        ...[301, 302, 303, 307, 308].map((status) => redirect(`/status/${status}`, '/elsewhere', status)),
        redirect('/absolute/{id}', 'https://other.example/things/{id}?from=gateway&id={id}#part-{id}'),
        redirect('/relative/{id}', '/things/{id}'),
        redirect('/two/{a}/{b}', '/{b}/between/{a}'),
        redirect('/joined/{id}', '/x{id}y.html'),
        redirect('/in/{tenant}', 'https://login.example/authorize?tenant={tenant}&redirect_uri=https://app.example/'),
        redirect('/find/{.+}', '/search?q={.+}#{.+}'),
        redirect('/beside/{id}', '/things/{id}?a=b'),
        redirect('/rest/{.+}', '/other/{.+}?a=b'),
        redirect('/rest-absolute/{.+}', 'https://other.example:8443/base/{.+}'),
        redirect('/both/{id}/{.+}', 'https://other.example/{id}/{.+}'),
        redirect('/named/{path+}', '/other/{path}'),
        redirect('/whole/{.+}', '/{.+}'),
        redirect('/one/{id}', '/{id}'),
        redirect('/fixed', '/a%20b/?q=%C3%A9&r=a+b'),
        redirect('/variable/{id}', '$env.TARGET'),
        { ...redirect('/slashes/{id}', '/{id}'), encoded_slashes: true },
      ],
    },
    bindings: { GREETING: 'hello from a variable', HIDDEN: 'from a secret', TARGET: 'https://target.example/{id}' },
  });
});

after(() => gateway?.close());

const send = (path, how = {}) => sendRaw(gateway.origin, { path, ...how });

describe('static', () => {
  for (const [index, [message, , status, type, body]] of STATIC.entries()) {
    test(`answers with ${message}`, async () => {
      const answer = await send(`/static/${index}`);
      assert.deepEqual([answer.status, answer.header('content-type'), answer.text], [status, type, body]);
      assert.match(answer.header('x-request-id'), /^[\w-]{8,}$/);
      const head = await send(`/static/${index}`, { method: 'HEAD' });
      assert.deepEqual([head.status, head.header('content-type'), head.text], [status, type, ''], 'HEAD');
      const posted = await send(`/static/${index}`, { method: 'POST', body: 'ignored' });
      assert.deepEqual([posted.status, posted.text], [status, body], 'POST');
    });
  }

  test('has the headers that the config gives it', async () => {
    const answer = await send('/headers', { headers: { 'x-request-id': 'of-the-client' } });
    for (const [name, value] of [
      ['cache-control', 'public, max-age=60'],
      ['x-own', 'one two'],
      ['x-variable', 'hello from a variable'],
      ['x-empty', ''],
      ['link', '</a>; rel=preload'],
      ['set-cookie', 'a=1; Path=/; HttpOnly'],
      ['content-type', JSON_TYPE],
      ['x-request-id', 'of-the-client'],
    ]) {
      assert.deepEqual(answer.values(name), [value], name);
    }
  });

  test('answers its method alone', async () => {
    assert.equal((await send('/taken', { method: 'POST' })).status, 202);
    const answer = await send('/taken');
    assert.deepEqual([answer.status, answer.header('allow')], [405, 'POST']);
  });

  test('answers 304 and 204 without a length that a body would have', async () => {
    for (const [index, [message, , status]] of STATIC.entries()) {
      if (![204, 304].includes(status)) continue;
      const answer = await send(`/static/${index}`);
      assert.ok([null, '0'].includes(answer.header('content-length')), message);
      if (status === 304) assert.equal(answer.header('etag'), '"e"');
    }
  });
});

test('response is JSON of whatever type', async () => {
  for (const [index, response] of RESPONSES.entries()) {
    const answer = await send(`/response/${index}`);
    assert.deepEqual(
      [answer.status, answer.header('content-type'), answer.text],
      [200, JSON_TYPE, JSON.stringify(response)],
    );
  }
});

describe('redirect', () => {
  for (const [message, path, location] of [
    ['to the address as it is written', '/default', 'https://other.example/'],
    [
      'with a parameter, wherever it stands behind the host',
      '/absolute/7',
      'https://other.example/things/7?from=gateway&id=7#part-7',
    ],
    ['with a parameter in a path', '/relative/7', '/things/7'],
    ['with parameters in another order', '/two/1/2', '/2/between/1'],
    ['with a parameter inside a segment', '/joined/7', '/x7y.html'],
    ['with the rest, and the query of the config', '/rest/a/b', '/other/a/b?a=b'],
    ['with the slash at the end of the rest', '/rest/a/', '/other/a/?a=b'],
    ['with nothing where the rest is empty', '/rest', '/other/?a=b'],
    ['with nothing where the rest is a slash alone', '/rest/', '/other/?a=b'],
    ['with the rest at another host', '/rest-absolute/a/b', 'https://other.example:8443/base/a/b'],
    ['with a parameter and the rest', '/both/7/a/b', 'https://other.example/7/a/b'],
    ['with the rest by its name', '/named/a/b', '/other/a/b'],
    ['with the rest alone', '/whole/a', '/a'],
    ['with / where there is no rest', '/whole', '/'],
    ['with escapes as the client sent them', '/relative/a%20b%C3%A9%3F%23', '/things/a%20b%C3%A9%3F%23'],
    ['with signs that need no escape', "/relative/a;b=1,c&d=+'(x)*!$@:~", "/things/a;b=1,c&d=+'(x)*!$@:~"],
    [
      'with one value in the query, whatever it holds',
      '/in/a&redirect_uri=https:evil.example',
      'https://login.example/authorize?tenant=a%26redirect_uri=https:evil.example&redirect_uri=https://app.example/',
    ],
    ['with the rest as one value, and a plus sign that stays one', '/find/a&b+c;d', '/search?q=a%26b%2Bc%3Bd#a&b+c;d'],
    ['with signs as they are before the query', '/beside/a&b+c', '/things/a&b+c?a=b'],
    ['with an encoded percent sign, which is not decoded', '/relative/%2541', '/things/%2541'],
    ['with escapes in the rest', '/rest/a%20b/%C3%A9', '/other/a%20b/%C3%A9?a=b'],
    ['with doubled slashes inside the rest', '/rest/a//b', '/other/a//b?a=b'],
    [
      'with doubled slashes that begin the rest behind a fixed beginning',
      '/rest//evil.example',
      '/other//evil.example?a=b',
    ],
    [
      'to no other host than that of the config',
      '/rest-absolute//evil.example/@x:80',
      'https://other.example:8443/base//evil.example/@x:80',
    ],
    ['without the query of the client', '/rest/a?a=c&next=https://evil.example', '/other/a?a=b'],
    ['without the query of the client where the config has none', '/relative/7?x=1', '/things/7'],
    ['with escapes of the config as they are', '/fixed', '/a%20b/?q=%C3%A9&r=a+b'],
    ['to an address from a binding, with its parameters', '/variable/7', 'https://target.example/7'],
    ['with an encoded slash where the path admits one', '/slashes/a%2Fb', '/a%2Fb'],
    ['and an encoded slash that begins it makes no host', '/slashes/%2Fevil.example', '/%2Fevil.example'],
    ['and a host alone is a path', '/one/evil.example', '/evil.example'],
  ]) {
    test(message, async () => {
      for (const method of ['GET', 'POST', 'HEAD']) {
        const answer = await send(path, { method });
        assert.deepEqual(
          [answer.status, answer.values('location'), answer.text],
          [302, [location], ''],
          `${method} ${answer.text}`,
        );
      }
    });
  }

  test('has the status that the config gives it', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const answer = await send(`/status/${status}`, { method: 'POST', body: 'x' });
      assert.deepEqual([answer.status, answer.header('location'), answer.text], [status, '/elsewhere', '']);
    }
  });

  test('that would lead to another host is refused', async () => {
    for (const path of [
      '/whole//evil.example',
      '/whole//evil.example/x',
      '/whole///evil.example',
      '/whole/\\evil.example',
      '/whole/\\/evil.example',
      '/whole/x/..//evil.example',
      '/whole/.//evil.example',
      '/whole/%2e//evil.example',
      '/whole//user@evil.example:80/',
    ]) {
      const answer = await send(path, { headers: { 'x-request-id': 'a-refused-one' } });
      assert.deepEqual([answer.status, answer.header('location')], [400, null], path);
      assert.equal(answer.json().code, 'path_ambiguous', path);
    }
  });

  test('of a path that could be read as another is refused before', async () => {
    for (const path of [
      '/whole/%2F/evil.example',
      '/whole/%5Cevil.example',
      '/whole/%5C%5Cevil.example',
      '/one/%0d%0aset-cookie:a=1',
      '/one/%09',
    ]) {
      const answer = await send(path);
      assert.deepEqual(
        [answer.status, answer.header('location'), answer.json().code],
        [400, null, 'path_ambiguous'],
        path,
      );
    }
    assertProblem(await gateway.ask('/one/a%00b'), [400, 'path_ambiguous'], 'a null');
  });
});

test('a config is invalid where an answer could not be given, or could lead anywhere', async () => {
  const fixed = (members) => ({ integration: { type: 'static', ...members } });
  const leading = (location, more = {}, path = {}) => ({
    integration: { type: 'redirect', location, ...more },
    ...path,
  });
  const at = (key) => `.integration.${key}`;
  await assertMistakes(
    [
      ...[100, 101, 199, 600, -1, 200.5, '200', true].map((status) => [
        `static: status ${status}`,
        fixed({ status }),
        'wrong_type',
        at('status'),
      ]),
      ...[204, 205, 304].map((status) => [
        `static: a body with ${status}`,
        fixed({ status, body: 'x' }),
        'unused_key',
        at('body'),
      ]),
      ['static: headers that are no object', fixed({ headers: ['a: b'] }), 'wrong_type', at('headers')],
      ['static: a header that is no text', fixed({ headers: { 'x-own': 7 } }), 'wrong_type', at('headers.x-own')],
      [
        'static: a header that could be two',
        fixed({ headers: { 'x-own': 'a\r\nb: c' } }),
        'invalid_header',
        at('headers.x-own'),
      ],
      [
        'static: a header that is not ASCII',
        fixed({ headers: { 'x-own': 'é' } }),
        'invalid_header',
        at('headers.x-own'),
      ],
      ['static: a name that is none', fixed({ headers: { 'x own': 'a' } }), 'invalid_name', at('headers.x own')],
      [
        'static: a header of the connection',
        fixed({ headers: { 'Transfer-Encoding': 'chunked' } }),
        'invalid_name',
        at('headers.Transfer-Encoding'),
      ],
      ['static: a length', fixed({ headers: { 'content-length': '7' } }), 'invalid_name', at('headers.content-length')],
      ['static: another key', fixed({ response: {} }), 'unknown_key', '.integration'],
      ...[200, 300, 304, 305, 309, 404, '302', true].map((status) => [
        `redirect: status ${status}`,
        leading('/a', { status }),
        'wrong_type',
        at('status'),
      ]),
      ['redirect: no location', leading(undefined), 'missing_key', '.integration'],
      ['redirect: a location that is no text', leading(['/a']), 'wrong_type', at('location')],
      ...[
        '',
        'a',
        '../a',
        '?a',
        '#a',
        '//other.example/',
        '//{id}',
        '{id}',
        '{id}/a',
        'https://{id}',
        'https://{id}.example/',
        'https://other.example{id}',
        'https://other.example:{id}/',
        'https://other.example.{id}/',
        'https://a@{id}/',
        'https:/{id}',
        'https:///{id}',
        'https:{id}',
        '{id}://other.example/',
        'https://other.example?{id}',
        'javascript:alert(1)',
        'javascript:{id}',
        'data:text/html,x',
        'ftp://other.example/',
        '/\\other.example',
        '\\\\other.example',
        '/a\r\nset-cookie: a=1',
        '/a\tb',
        ' /a',
        '/a b',
        '/über',
        'https://bücher.example/x',
        '/{id',
        '/{id}}',
        '/{{id}}',
        '/{}',
        '/a{',
        '/}a',
      ].map((location) => [`redirect: ${JSON.stringify(location)}`, leading(location), 'invalid_url', at('location')]),
      ['redirect: a parameter that the path does not have', leading('/{name}'), 'invalid_url', at('location')],
      ['redirect: a rest that the path does not have', leading('/{.+}'), 'invalid_url', at('location')],
      ['redirect: a parameter in another case', leading('/{ID}'), 'invalid_url', at('location')],
      ['redirect: another key', leading('/a', { url: '/b' }), 'unknown_key', '.integration'],
      ['redirect: both answers', leading('/a', {}, { response: {} }), 'two_answers', '.response'],
    ].map(([message, members, code, place], index) => [
      message,
      { path: `/row/${index}/{id}`, ...members },
      code,
      place,
    ]),
  );
});
