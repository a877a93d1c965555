// WebSockets through `http_proxy`: messages, closes and refusals pass as they are, whether the runtime joins the two connections or,
// with `close_at_expiry`, the gateway carries the messages. When it closes them is in websocket-expiry.test.mjs, who may open one
// with a session in csrf.test.mjs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { freePort, proxied, startGateway } from '../support/harness.mjs';
import { openSocket, startSocketUpstream } from '../support/sockets.mjs';

const KIB = 1024;

let tenant;
let upstream;
let gateway;
let headers;

/** A path whose messages the gateway carries. */
const closing = (path, server, more = {}) => ({
  method: 'GET',
  path,
  auth: true,
  integration: { type: 'http_proxy', server, close_at_expiry: true },
  ...more,
});

before(async () => {
  [tenant, upstream] = await Promise.all([startTenant(), startSocketUpstream()]);
  const nobody = `http://127.0.0.1:${await freePort()}`;
  gateway = await startGateway({
    config: {
      servers: [
        { alias: 'one', url: upstream.origin },
        { alias: 'several', urls: [nobody, upstream.origin], retries: 1 },
        { alias: 'nobody', url: nobody },
        { alias: 'impatient', url: upstream.origin, timeout_ms: 200 },
      ],
      authorizer: { type: 'auth0', domain: tenant.origin, client_id: 'any', audience: tenant.settings.audience },
      paths: [
        proxied('/one/{.+}', 'one'),
        proxied('/several/{.+}', 'several'),
        proxied('/auth/{.+}', 'one', { auth: true }),
        closing('/closing/{.+}', 'one', {
          mapping: { headers: { 'x-user-id': '$request.jwt.sub' } },
          response_headers: { set: { 'x-set': 'yes' } },
        }),
        closing('/closing-several/{.+}', 'several'),
        closing('/closing-nobody/{.+}', 'nobody'),
        closing('/closing-impatient/{.+}', 'impatient'),
        proxied('/nobody/{.+}', 'nobody'),
        proxied('/impatient/{.+}', 'impatient'),
        { method: 'GET', path: '/fixed', response: { fixed: true } },
      ],
    },
  });
  headers = { authorization: `Bearer ${await tenant.mint({ sub: 'the-user' })}` };
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), upstream?.close()]);
});

beforeEach(() => {
  upstream.opened.length = 0;
  upstream.requests.length = 0;
});

const open = (path, options = {}) => openSocket(gateway.origin, path, { headers, ...options });

/** Opens a socket and gives both of its ends. */
async function openBoth(path, options) {
  const client = await open(path, options);
  assert.equal(client.refused, undefined, JSON.stringify(client.refused));
  return { client, behind: upstream.opened.at(-1) };
}

for (const [way, prefix] of [
  ['that the runtime joins', '/one'],
  ['that the runtime joins, on a path that wants a token', '/auth'],
  ['to the second of two addresses', '/several'],
  ['whose messages the gateway carries', '/closing'],
  ['whose messages the gateway carries to the second of two addresses', '/closing-several'],
]) {
  describe(`over a socket ${way}`, () => {
    test('messages pass both ways, text as text and bytes as bytes', async () => {
      const { client } = await openBoth(`${prefix}/x`);
      const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      for (const [message, sent] of [
        ['a text', 'text'],
        ['no text', ''],
        ['a text beyond ASCII', 'Zoë 🦀 \u0000\u2028'],
        ['every byte', everyByte],
        ['no bytes', Buffer.alloc(0)],
        ['a long text', 'é'.repeat(200 * KIB)],
        ['many bytes', Buffer.alloc(900 * KIB, everyByte)],
      ]) {
        const came = await client.ask(sent);
        assert.equal(typeof came, typeof sent, message);
        assert.ok(Buffer.from(came).equals(Buffer.from(sent)), `${message}: ${came.length} of ${sent.length}`);
      }
      client.socket.close();
      await client.closed;
    });

    test('a thousand messages keep their order, each way', async () => {
      const { client } = await openBoth(`${prefix}/x`);
      const texts = Array.from({ length: 1000 }, (_, index) => `${index}`);
      for (const text of texts) client.socket.send(text);
      for (const text of texts) assert.equal(await client.next(), text);
      client.socket.send('send 1000');
      for (const text of texts) assert.equal(await client.next(), text);
      client.socket.close();
      await client.closed;
    });

    test('a message in fragments is one message', async () => {
      const { client } = await openBoth(`${prefix}/x`);
      client.socket.send('one ', { fin: false });
      client.socket.send('two ', { fin: false });
      client.socket.send('three', { fin: true });
      assert.equal(await client.next(), 'one two three');
      client.socket.close();
      await client.closed;
    });

    test('the upstream may speak first', async () => {
      const { client } = await openBoth(`${prefix}/greeting`);
      assert.equal(await client.next(), 'welcome');
      client.socket.close();
      await client.closed;
    });

    test('a ping is answered', async () => {
      const { client } = await openBoth(`${prefix}/x`);
      client.socket.ping('are you there');
      assert.equal(String((await once(client.socket, 'pong'))[0]), 'are you there');
      client.socket.close();
      await client.closed;
    });

    test('compressed messages are read as what they were', async () => {
      const { client } = await openBoth(`${prefix}/x`, { perMessageDeflate: { threshold: 0 } });
      const text = 'compressed '.repeat(5000);
      assert.equal(await client.ask(text), text);
      client.socket.close();
      await client.closed;
    });

    test('the protocol is the one that the upstream chose', async () => {
      const { client } = await openBoth(`${prefix}/x`, { protocols: ['v1.own', 'v2.own'] });
      assert.equal(client.socket.protocol, 'v2.own');
      client.socket.close();
      await client.closed;
    });

    test('the upstream gets path, query and headers of the handshake, and not those of the gateway', async () => {
      const { client, behind } = await openBoth(`${prefix}/room/7?x=%20&y`, {
        headers: {
          ...headers,
          'x-own': 'yes',
          cookie: 'a=1; bargate-login=q',
          'x-refresh-token': 'r',
          x_user_id: 'forged',
          origin: 'https://app.example',
        },
      });
      assert.equal(behind.url, '/room/7?x=%20&y');
      for (const [name, value] of [
        ['x-own', 'yes'],
        ['cookie', 'a=1'],
        ['x-refresh-token', undefined],
        ['x_user_id', undefined],
        ['origin', 'https://app.example'],
        ['upgrade', 'websocket'],
        ['x-forwarded-for', '127.0.0.1'],
        ['host', new URL(upstream.origin).host],
        ['authorization', headers.authorization],
        ['x-user-id', prefix === '/closing' ? 'the-user' : undefined],
      ]) {
        assert.equal(behind.headers[name], value, name);
      }
      client.socket.close();
      await client.closed;
    });

    test('a close of either side comes to the other with its code and reason', async () => {
      for (const [code, reason] of [
        [1000, 'done'],
        [1001, ''],
        [1003, 'no such type'],
        [1008, 'policy'],
        [1009, 'too large'],
        [1011, 'broken'],
        [1012, 'restart'],
        [1013, 'try again'],
        [3000, 'registered'],
        [4000, 'own'],
        [4999, 'Zoë 🦀'],
      ]) {
        const first = await openBoth(`${prefix}/x`);
        first.client.socket.close(code, reason);
        assert.deepEqual(await first.behind.closed, { code, reason }, `of the client, ${code}`);
        await first.client.closed;
        const second = await openBoth(`${prefix}/x`);
        second.client.socket.send(`close ${code} ${reason}`);
        assert.deepEqual(await second.client.closed, { code, reason }, `of the upstream, ${code}`);
        await second.behind.closed;
      }
    });

    test('a close without a code has none on the other side', async () => {
      const first = await openBoth(`${prefix}/x`);
      first.client.socket.close();
      assert.deepEqual(await first.behind.closed, { code: 1005, reason: '' }, 'of the client');
      const second = await openBoth(`${prefix}/x`);
      second.client.socket.send('close');
      assert.deepEqual(await second.client.closed, { code: 1005, reason: '' }, 'of the upstream');
    });

    test('what was said before the close arrives before it', async () => {
      const { client } = await openBoth(`${prefix}/x`);
      client.socket.send('send 200');
      client.socket.send('close 4000 all said');
      for (let index = 0; index < 200; index += 1) assert.equal(await client.next(), `${index}`);
      assert.deepEqual(await client.closed, { code: 4000, reason: 'all said' });
    });

    test('a connection that breaks is over on the other side, and does not look like an ordinary end', async () => {
      const first = await openBoth(`${prefix}/x`);
      first.client.socket.send('break');
      const heard = await first.client.closed;
      assert.ok([1006, 1011].includes(heard.code), `the client heard ${heard.code}`);
      const second = await openBoth(`${prefix}/x`);
      second.client.socket.terminate();
      const told = await second.behind.closed;
      assert.ok([1006, 1011].includes(told.code), `the upstream heard ${told.code}`);
    });

    test('many sockets do not hear of each other', async () => {
      const clients = await Promise.all(Array.from({ length: 30 }, () => open(`${prefix}/x`)));
      const answers = await Promise.all(clients.map((client, index) => client.ask(`of ${index}`)));
      assert.deepEqual(
        answers,
        clients.map((_, index) => `of ${index}`),
      );
      clients[0].socket.send('close 4000 mine');
      assert.equal((await clients[0].closed).code, 4000);
      for (const client of clients.slice(1)) assert.equal(await client.ask('still here'), 'still here');
      await Promise.all(
        clients.map(({ socket, closed }) => {
          socket.close();
          return closed;
        }),
      );
    });

    test('a handshake that the upstream refuses is refused, with its answer', async () => {
      for (const status of [400, 403, 404, 426, 500]) {
        const { refused } = await open(`${prefix}/refuse/${status}`);
        assert.deepEqual(
          [refused?.status, refused?.headers['x-own'], refused?.text],
          [status, 'refused', 'no: '],
          `${status}`,
        );
      }
    });

    test('what is no handshake is an ordinary request', async () => {
      const answer = await gateway.ask(`${prefix}/x`, { headers });
      assert.deepEqual([answer.status, answer.text, answer.headers.get('x-own')], [200, 'no socket here', 'no socket']);
    });
  });
}

describe('a handshake', () => {
  test('without a token, or with a bad one, comes to nobody', async () => {
    for (const prefix of ['/auth', '/closing']) {
      const expired = await tenant.mint({ exp: Math.floor(Date.now() / 1000) - 3600 });
      for (const [sent, code] of [
        [{}, 'token_missing'],
        [{ authorization: 'Bearer x.y.z' }, 'token_invalid'],
        [{ authorization: `Bearer ${expired}` }, 'token_expired'],
      ]) {
        const { refused } = await open(`${prefix}/x`, { headers: sent });
        assert.deepEqual([refused?.status, JSON.parse(refused?.text ?? '{}').code], [401, code], `${prefix}: ${code}`);
      }
    }
    assert.equal(upstream.requests.length, 0);
  });

  test('to nobody is 502, and to one that says nothing 504', async () => {
    for (const [path, status, code] of [
      ['/nobody/x', 502, 'upstream_unreachable'],
      ['/closing-nobody/x', 502, 'upstream_unreachable'],
      ['/impatient/silence', 504, 'upstream_timeout'],
      ['/closing-impatient/silence', 504, 'upstream_timeout'],
    ]) {
      const { refused } = await open(path);
      assert.deepEqual([refused?.status, JSON.parse(refused?.text ?? '{}').code], [status, code], path);
    }
  });

  test('of a path that has a fixed answer gets it', async () => {
    const { refused } = await open('/fixed');
    assert.deepEqual([refused?.status, refused?.text], [200, '{"fixed":true}']);
  });

  test('has one line in the log, when it is answered', async () => {
    for (const path of ['/one/x', '/closing/x']) {
      const id = `socket-of${path.replaceAll('/', '-')}`;
      const { client } = await openBoth(path, { headers: { ...headers, 'x-request-id': id } });
      const record = await gateway.record(({ request_id: of }) => of === id);
      assert.deepEqual([record.status, record.method], [101, 'GET'], path);
      client.socket.close();
      await client.closed;
      assert.equal(gateway.records().filter(({ request_id: of }) => of === id).length, 1, path);
    }
  });

  test('is answered with the headers that the rules say', async () => {
    const { client } = await openBoth('/closing/x');
    const { 'x-set': set, 'x-request-id': id } = client.headers;
    assert.equal(set, 'yes');
    assert.match(id, /^[\w-]{8,}$/);
    client.socket.close();
    await client.closed;
  });
});
