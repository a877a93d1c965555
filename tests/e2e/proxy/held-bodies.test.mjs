// Bodies that a function reads before the upstream does (`pre_process`): both get all of it, and no more is held than there is
// room for, by one request or by all.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { proxied, startGateway, startUpstream } from '../support/harness.mjs';
import { entryWith, fresh } from '../support/rules.mjs';

const MIB = 1024 * 1024;

// Says at each MiB how much it has read.
const BOUND = `{
  async admit() {
    return true;
  },
  async begin(request) {
    const reader = request.body.getReader();
    await reader.read();
    return true;
  },
  async read(request) {
    let [read, told] = [0, 0];
    for await (const { length } of request.body ?? []) {
      read += length;
      if (Math.floor(read / 1048576) > told) console.log(JSON.stringify({ mib: (told += 1), of: request.headers.get('x-request-id') }));
    }
    return true;
  },
}`;

let gateway;
let upstream;

before(async () => {
  upstream = await startUpstream(async (request, response) => {
    const hash = createHash('sha256');
    for await (const piece of request) hash.update(piece);
    response.end(JSON.stringify({ digest: hash.digest('hex'), length: request.headers['content-length'] ?? null }));
  });
  const asked = (name) =>
    proxied(`/${name}`, 'own', { max_body_bytes: 64 * MIB, pre_process: { binding: 'bound', function: name } });
  gateway = await startGateway({
    config: {
      servers: [{ alias: 'own', url: upstream.origin }],
      serviceBindings: [{ alias: 'bound', binding: 'BOUND' }],
      authorizer: { type: 'auth0', domain: 'tenant.example', client_id: 'any' },
      paths: [asked('admit'), asked('begin'), asked('read')],
    },
    entry: entryWith({ BOUND }),
  });
});

after(async () => {
  for (const started of [gateway, upstream]) await started?.close();
});

/** Opens a request whose body the test writes; gives it and, once it has come, its answer. */
function open(path, headers = {}) {
  const request = httpRequest(new URL(path, gateway.origin), { method: 'POST', agent: false, headers });
  const answered = once(request, 'response').then(async ([response]) => {
    const text = Buffer.concat(await response.toArray()).toString();
    return { status: response.statusCode, retryAfter: response.headers['retry-after'], body: JSON.parse(text) };
  });
  return { request, answered };
}

function send(path, body, { sized = false, headers = {} } = {}) {
  const { request, answered } = open(path, { ...headers, ...(sized ? { 'content-length': body.length } : {}) });
  request.end(body);
  return answered;
}

const digestOf = (body) => createHash('sha256').update(body).digest('hex');

describe('the upstream gets what the function was shown', () => {
  for (const [message, path, bytes] of [
    ['all of which it read', '/read', 3 * MIB],
    ['of which it read one byte', '/read', 1],
    ['of which it read the beginning', '/begin', 3 * MIB],
    ['of which it read nothing', '/admit', 3 * MIB],
    ['that is larger than what is held, of which it read nothing', '/admit', 32 * MIB],
    ['that is larger than what is held, of which it read the beginning', '/begin', 32 * MIB],
    ['that is empty', '/read', 0],
  ]) {
    for (const sized of [true, false]) {
      test(`of a body ${message}, sent ${sized ? 'with' : 'without'} its length`, async () => {
        const body = randomBytes(bytes);
        const { status, body: got } = await send(path, body, { sized });
        assert.deepEqual([status, got.digest], [200, digestOf(body)]);
        if (sized) assert.equal(got.length, String(bytes));
      });
    }
  }

  test('of many bodies at once', async () => {
    const bodies = Array.from({ length: 16 }, () => randomBytes(200_000));
    const answers = await Promise.all(bodies.map((body, index) => send('/read', body, { sized: index % 2 === 0 })));
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body.digest]),
      bodies.map((body) => [200, digestOf(body)]),
    );
  });
});

describe('what is held for functions is bounded', () => {
  for (const sized of [true, false]) {
    test(`by one body: 413, sent ${sized ? 'with' : 'without'} its length`, async () => {
      const {
        status,
        body: { code },
      } = await send('/read', Buffer.alloc(5 * MIB), { sized });
      assert.deepEqual([status, code], [413, 'body_too_large']);
    });
  }

  test('by all bodies together: 503 while there is no room, and room again once there is less', async () => {
    const id = fresh('held-');
    const { request, answered } = open('/read', { 'x-request-id': id });
    const body = randomBytes(3 * MIB + 1000);
    request.write(body);
    await gateway.record(({ of, mib }) => of === id && mib === 3);
    const refused = await send('/read', Buffer.alloc(2 * MIB));
    assert.deepEqual([refused.status, refused.body.code, refused.retryAfter], [503, 'busy', '5']);
    request.end();
    assert.deepEqual([(await answered).status, (await answered).body.digest], [200, digestOf(body)]);
    assert.equal((await send('/read', Buffer.alloc(2 * MIB))).status, 200);
  });

  test('and what broke off, was refused or failed takes no room', async () => {
    for (let round = 0; round < 4; round += 1) await send('/read', Buffer.alloc(5 * MIB));
    assert.equal((await send('/read', Buffer.alloc(3 * MIB))).status, 200);
  });
});
