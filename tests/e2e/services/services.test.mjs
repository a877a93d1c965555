// `service`: a JavaScript module that is bundled beside the gateway. These tests have the modules of support/services/; a deployment
// has those of services/ at the root of the project.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sendRaw, startGateway, until } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import { ANSWERS, THROWN } from '../support/service-answers.mjs';
import { WITH_SERVICES, assertMistakes, mistakesOf } from '../support/service-flow.mjs';

const MIB = 1024 * 1024;
const SERVICE_FAILED = [502, 'service_failed'];

const service = (path, alias, more = {}) => ({
  method: 'ANY',
  path,
  integration: { type: 'service', binding: alias },
  ...more,
});
const MODULES = { ...WITH_SERVICES, kv: ['JWKS', 'OWN'], bindings: { A_VARIABLE: 'of the Worker' } };

let gateway;

before(async () => {
  gateway = await startGateway({
    config: {
      cors: { allow_origins: ['https://app.example'] },
      services: [
        { alias: 'plain', entrypoint: 'services/object' },
        { alias: 'dotted', entrypoint: './services/object' },
        { alias: 'with-ending', entrypoint: './services/object.js' },
        { alias: 'made', entrypoint: 'services/class' },
        { alias: 'answering', entrypoint: 'services/answering.js' },
        { alias: 'prying', entrypoint: 'services/prying' },
        { alias: 'throwing', entrypoint: 'services/throwing' },
        { alias: 'without-fetch', entrypoint: 'services/without-fetch' },
      ],
      paths: [
        service('/plain/{.+}', 'plain', { mapping: { headers: { 'x-user-id': 'mapped' }, query: { page: 'mapped' } } }),
        service('/dotted', 'dotted'),
        service('/with-ending', 'with-ending'),
        service('/made', 'made'),
        service('/answering', 'answering'),
        service('/prying', 'prying'),
        service('/throwing', 'throwing'),
        service('/without-fetch', 'without-fetch'),
      ],
    },
    ...MODULES,
  });
});

after(() => gateway?.close());

describe('a module', () => {
  test('is called with the request, the environment and the context, whichever way its entrypoint is written', async () => {
    for (const path of ['/plain/x', '/dotted', '/with-ending']) {
      const { status, body, text } = await gateway.ask(path, { method: 'POST', body: 'x' });
      assert.equal(status, 200, text);
      assert.deepEqual([body.self, body.count, body.variable, body.body], ['object', 4, 'of the Worker', 'x'], path);
    }
  });

  test('may be a class, of which an object is made', async () => {
    const { status, body } = await gateway.ask('/made', { method: 'POST', body: 'x' });
    const data = { self: 'class made with 0 arguments', variable: 'of the Worker', body: 'x' };
    assert.deepEqual([status, body.data], [200, data]);
  });

  test('may use bindings, and go on behind its answer', async () => {
    const { text } = await gateway.ask('/plain/stored', { method: 'POST', body: 'kept in KV' });
    assert.equal(text, 'kept in KV');
    assert.equal((await gateway.ask('/plain/later?work=1')).status, 202);
    await until(async () =>
      (await (await gateway.fetch('/plain/done')).json()).some((search) => search.includes('work=1')),
    );
  });

  test('finds neither variable nor secret but in the environment that it is handed', async () => {
    const { status, body, text } = await gateway.ask('/prying');
    assert.equal(status, 200, text);
    assert.ok(body.handed.includes('A_VARIABLE'), text);
    const { atImport, exports, ...found } = body.found;
    assert.deepEqual([JSON.parse(atImport), exports], [[{}, {}], []]);
    for (const [where, bindings] of Object.entries(found)) assert.deepEqual(bindings, {}, where);
  });

  test('gets the address as the client called it, with mapped parameters and headers', async () => {
    const answer = await sendRaw(gateway.origin, {
      path: '/plain/a%20b/?page=7&x=%41',
      headers: { host: 'gateway.example:8443', 'X-User-Id': 'lie', x_user_id: 'lie' },
    });
    const { url, headers } = answer.json();
    const { origin, pathname, searchParams } = new URL(url);
    assert.deepEqual([origin, pathname], ['http://gateway.example:8443', '/plain/a%20b/']);
    assert.deepEqual([...searchParams].sort(), [
      ['page', 'mapped'],
      ['x', 'A'],
    ]);
    assert.equal(headers['x-user-id'], 'mapped');
    assert.ok(!JSON.stringify(headers).includes('lie'), 'no spelling of it passes');
  });

  test("gets none of the gateway's cookies, and is told of the client what an upstream is", async () => {
    const answer = await sendRaw(gateway.origin, {
      path: '/dotted',
      headers: {
        host: 'gateway.example',
        cookie: 'a=1; bargate-login=q; b=2',
        'x-request-id': 'of-the-client',
        'x-forwarded-for': 'lie',
      },
    });
    const { headers } = answer.json();
    for (const [name, value] of [
      ['cookie', 'a=1; b=2'],
      ['x-request-id', 'of-the-client'],
      ['x-forwarded-for', '127.0.0.1'],
      ['x-forwarded-host', 'gateway.example'],
    ]) {
      assert.equal(headers[name], value, name);
    }
  });

  test('gets bodies and answers with bodies of several MiB', async () => {
    const body = Buffer.alloc(5 * MIB + 17, 'bargate ');
    const answer = await sendRaw(gateway.origin, { method: 'POST', path: '/plain/echo', body });
    assert.equal(answer.status, 200);
    assert.ok(answer.body.equals(body), `${answer.body.length} bytes came back of ${body.length}`);
  });

  test("answers with a Response as it is, without what is the gateway's alone to say", async () => {
    const answer = await sendRaw(gateway.origin, {
      path: '/plain/answer',
      headers: { 'x-request-id': 'of-the-client', origin: 'https://app.example' },
    });
    assert.deepEqual(
      [answer.status, answer.text, answer.header('content-type')],
      [418, 'own words', 'application/x-own'],
    );
    assert.deepEqual(answer.values('set-cookie'), ['first=1; Path=/', 'last=3']);
    assert.deepEqual(answer.values('x-request-id'), ['of-the-client']);
    assert.equal(answer.header('access-control-allow-origin'), 'https://app.example');
    const redirect = await sendRaw(gateway.origin, { path: '/plain/elsewhere' });
    assert.deepEqual([redirect.status, redirect.header('location')], [303, 'https://elsewhere.example/x']);
    const head = await sendRaw(gateway.origin, { method: 'HEAD', path: '/plain/answer' });
    assert.deepEqual([head.status, head.text], [418, '']);
  });

  for (const { when, status, body, text } of ANSWERS) {
    test(`answers with ${when}: ${status ?? SERVICE_FAILED.join(' ')}`, async () => {
      const answer = await gateway.ask(`/answering?${new URLSearchParams({ when })}`);
      if (!status) return assertProblem(answer, SERVICE_FAILED, when);
      assert.equal(answer.status, status, answer.text);
      if (body) assert.deepEqual(answer.body, body);
      else assert.equal(answer.text, text);
      assert.equal(answer.headers.get('content-type'), 'application/json');
      return undefined;
    });
  }

  for (const when of Object.keys(THROWN)) {
    test(`that throws ${when} is 502, at once or later, and the log says more than the client is told`, async () => {
      const words = 'out of paper in tray 2';
      for (const late of ['', '&late']) {
        const answer = await gateway.ask(`/throwing?${new URLSearchParams({ when })}${late}`);
        assertProblem(answer, SERVICE_FAILED, when);
        assert.ok(!answer.text.includes(words));
        assert.deepEqual([answer.record.code, answer.record.level], ['service_failed', 'error']);
        assert.equal(answer.record.reason.includes(words), when.startsWith('an error'), answer.record.reason);
      }
      assert.equal((await gateway.ask('/dotted')).status, 200, 'and the gateway goes on');
    });
  }
});

test('a module with nothing that could be called is 502', async () => {
  const answer = await gateway.ask('/without-fetch');
  assertProblem(answer, SERVICE_FAILED, 'no fetch');
  assert.match(answer.record.reason, /fetch/);
});

describe('a config is invalid', () => {
  const naming = (entrypoint) => ({
    services: [{ alias: 'one', entrypoint }],
    paths: [service('/one', 'one')],
  });

  test('where a path names no module of the list', async () => {
    const integration = (members) => ({ integration: { type: 'service', binding: 'one', ...members } });
    await assertMistakes(
      [
        [
          'an alias that is not in the list',
          integration({ binding: 'two' }),
          'unknown_service',
          '.integration.binding',
        ],
        ['the alias of another Worker', integration({ binding: 'worker' }), 'unknown_service', '.integration.binding'],
        ['no alias', integration({ binding: undefined }), 'missing_key', '.integration'],
        [
          'a function, which modules are not called by',
          integration({ function: 'fetch' }),
          'unknown_key',
          '.integration',
        ],
      ],
      {
        sections: {
          services: [{ alias: 'one', entrypoint: 'services/object' }],
          serviceBindings: [{ alias: 'worker', binding: 'WORKER' }],
        },
        ...MODULES,
      },
    );
  });

  test('where the list itself is wrong', async () => {
    const services = [
      { alias: 'one', entrypoint: 'services/object' },
      { alias: 'one', entrypoint: 'services/class' },
      { alias: 'two' },
      { entrypoint: 'services/object' },
      { alias: 'three', entrypoint: 7 },
      { alias: 'four', entrypoint: '' },
    ];
    const mistakes = await mistakesOf({ config: { services, paths: [] }, ...MODULES });
    for (const beginning of [
      'error[duplicate_alias]: services[1].alias: ',
      'error[missing_key]: services[2]: ',
      'error[missing_key]: services[3]: ',
      'error[wrong_type]: services[4].entrypoint: ',
      'error[empty_value]: services[5].entrypoint: ',
    ]) {
      assert.equal(
        mistakes.filter((mistake) => mistake.includes(beginning)).length,
        1,
        `${beginning}\nin\n${mistakes.join('\n')}`,
      );
    }
    assert.equal(mistakes.length, 5, mistakes.join('\n'));
  });

  test('where the bundle has no such module; the log names it', async () => {
    for (const [entrypoint, message] of [
      ['services/absent', 'no such file'],
      ['object', 'outside of the folder'],
      ['services/../services/object', 'by a way around'],
      ['services/constructor', 'a name that every object has'],
      ['constructor', 'the same outside of the folder'],
    ]) {
      const mistakes = await mistakesOf({ config: naming(entrypoint), ...MODULES }, message);
      assert.equal(mistakes.length, 1, `${message}: ${mistakes.join('\n')}`);
      assert.ok(mistakes[0].includes(entrypoint), `${message}: ${mistakes[0]}`);
    }
  });

  test('where the module is one of these tests, and the bundle that of a deployment', async () => {
    for (const entrypoint of ['services/object', 'services/answering']) {
      const mistakes = await mistakesOf({ config: naming(entrypoint) });
      assert.equal(mistakes.length, 1, mistakes.join('\n'));
      assert.ok(mistakes[0].includes(entrypoint), mistakes[0]);
    }
  });
});
