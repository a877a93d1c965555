// Cookies that somebody altered, tossed, guessed or kept too long: each is refused, none is a fault of the gateway's, and none
// opens the session of another.

import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { Browser, sendRaw } from '../support/harness.mjs';
import { CALLBACK, LOGIN, PROFILE, REFRESH, assertProblem, loginUntilCallback } from '../support/login-flow.mjs';
import {
  COOKIE,
  LOGOUT,
  OWN_PAGE,
  PRIVATE,
  SESSION_EXPIRED,
  SESSION_INVALID,
  askWith,
  assertAlive,
  assertCleared,
  assertEnded,
  beginSession,
  claimsAt,
  sessionOf,
  startSessionGateway,
  untilErased,
} from '../support/session-flow.mjs';
import { sendBytes } from '../support/wire.mjs';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

let tenant;
let api;
let gateway;
let alice;
let bob;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  gateway = await startSessionGateway(tenant, api);
  alice = await beginSession(gateway, tenant);
  bob = await beginSession(gateway, tenant, { email: 'bob@example.com' });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

beforeEach(() => {
  tenant.resetCounts();
  api.requests.length = 0;
});

const encode = (...parts) => Buffer.concat(parts).toString('base64url');
const nameOf = ({ bytes }) => bytes.subarray(0, 16);
const keyOf = ({ bytes }) => bytes.subarray(16);

function flipped(bytes, index, bit = 1) {
  const altered = Buffer.from(bytes);
  altered[index] ^= bit;
  return altered.toString('base64url');
}

/** The same bytes in letters of which the last has stray bits. */
function strayBits(value) {
  const last = ALPHABET.indexOf(value.at(-1));
  return [1, 2, 3].map((bits) => value.slice(0, -1) + ALPHABET[last | bits]);
}

/** Asserts that both sessions are alive and their owners'. */
async function assertBothUnharmed(message) {
  for (const session of [alice, bob]) {
    assert.equal((await askWith(gateway, session.cookie, '/app/x')).status, 200, message);
    assert.equal(claimsAt(api).sub, session.sub, message);
  }
}

describe("a cookie that is none of the gateway's", () => {
  const table = () => [
    ['empty', ''],
    ['one letter', 'x'],
    ['truncated by a letter', alice.value.slice(0, -1)],
    ['truncated by a byte', encode(alice.bytes.subarray(0, 31))],
    ['the name alone', alice.name],
    ['the key alone', keyOf(alice).toString('base64url')],
    ['longer by a letter', `${alice.value}A`],
    ['longer by a byte', encode(alice.bytes, Buffer.of(0))],
    ['twice over', alice.value + alice.value],
    ['padded', `${alice.value}=`],
    ['quoted', `"${alice.value}"`],
    ['percent-encoded', `%${alice.value.charCodeAt(0).toString(16)}${alice.value.slice(1)}`],
    ['with an attribute', `${alice.value} path=/`],
    ['in hexadecimal', alice.bytes.toString('hex')],
    ['as JSON', JSON.stringify({ name: alice.name })],
    ['of letters of the other base64', `${alice.value.slice(0, 20)}+/${alice.value.slice(22)}`],
    ['with a letter of no alphabet', `${alice.value.slice(0, 20)}*${alice.value.slice(21)}`],
    ['with a space inside', `${alice.value.slice(0, 20)} ${alice.value.slice(21)}`],
    ['of 8 KiB', 'A'.repeat(8 * 1024)],
    ['of bytes that are no ASCII', `é${alice.value.slice(1)}`],
    ...strayBits(alice.value).map((value) => ['with stray bits', value]),
  ];

  test('is refused and cleared, and no object is asked', async () => {
    const calls = await gateway.calls('Session');
    for (const [message, value] of table()) {
      for (const path of [PRIVATE, '/app/x', PROFILE, REFRESH]) {
        const { status, json, values, text } = await sendRaw(gateway.origin, {
          path,
          headers: { cookie: `${COOKIE}=${value}` },
        });
        assert.deepEqual([status, json().code], SESSION_INVALID, `${message}: ${path}: ${text}`);
        assertCleared({ headers: { getSetCookie: () => values('set-cookie') } }, message);
      }
    }
    assert.deepEqual([api.requests, tenant.counts], [[], {}]);
    assert.equal(await gateway.calls('Session'), calls);
    await assertBothUnharmed('all that while');
  });

  test('names a challenge', async () => {
    const { headers } = await askWith(gateway, `${COOKIE}=x`);
    assert.match(headers.get('www-authenticate'), /^Bearer error="invalid_token"/);
  });
});

describe('a cookie of the right form', () => {
  test('that was altered opens nothing, and does the session no harm', async () => {
    await assertBothUnharmed('the isolate knows both');
    api.requests.length = 0;
    for (let index = 0; index < 32; index += 1) {
      const value = flipped(alice.bytes, index, 1 << randomInt(8));
      const answer = await askWith(gateway, `${COOKIE}=${value}`, '/app/x');
      assertProblem(answer, index < 16 ? SESSION_EXPIRED : SESSION_INVALID, `byte ${index}`);
      assertCleared(answer, `byte ${index}`);
    }
    assert.deepEqual(api.requests, []);
    await assertBothUnharmed('afterwards');
  });

  test('with halves of two sessions opens neither', async () => {
    await assertBothUnharmed('the isolate knows both');
    api.requests.length = 0;
    const table = [
      [encode(nameOf(alice), keyOf(bob)), SESSION_INVALID, 'the name of one with the key of the other'],
      [encode(nameOf(bob), keyOf(alice)), SESSION_INVALID, 'the other way round'],
      [encode(nameOf(alice), nameOf(alice)), SESSION_INVALID, 'the name twice'],
      [encode(keyOf(alice), keyOf(alice)), SESSION_EXPIRED, 'the key twice'],
      [encode(keyOf(alice), nameOf(alice)), SESSION_EXPIRED, 'the halves exchanged'],
      [encode(nameOf(alice), Buffer.alloc(16)), SESSION_INVALID, 'a key of zeros'],
      [encode(Buffer.alloc(16), keyOf(alice)), SESSION_EXPIRED, 'a name of zeros'],
      [encode(Buffer.alloc(32)), SESSION_EXPIRED, 'zeros'],
    ];
    for (const [value, expected, message] of table) {
      for (const path of ['/app/x', PROFILE, REFRESH]) {
        assertProblem(await askWith(gateway, `${COOKIE}=${value}`, path), expected, `${message}: ${path}`);
      }
    }
    assert.deepEqual([api.requests, tenant.counts], [[], {}]);
    await assertBothUnharmed('afterwards');
  });

  test('that was guessed is of no session', async () => {
    const guesses = Array.from({ length: 100 }, () => randomBytes(32).toString('base64url'));
    await Promise.all(
      guesses.map(async (value) => {
        assertProblem(await askWith(gateway, `${COOKIE}=${value}`, '/app/x'), SESSION_EXPIRED, value);
      }),
    );
    assert.deepEqual(api.requests, []);
    const name = Buffer.from(guesses[0], 'base64url').subarray(0, 16);
    assert.equal(await gateway.held('SESSIONS', encode(name)), 0, 'and leaves nothing behind');
  });

  test('does not end a session by a logout with the wrong key', async () => {
    const value = encode(nameOf(alice), randomBytes(16));
    const answer = await askWith(gateway, `${COOKIE}=${value}`, LOGOUT, { method: 'POST', headers: OWN_PAGE });
    assert.equal(answer.status, 303, answer.text);
    assert.equal(alice.family().revoked, false);
    await assertBothUnharmed('afterwards');
  });

  test('of a session that was ended is refused', async () => {
    const session = await beginSession(gateway, tenant);
    await assertAlive(gateway, session, 'before');
    await askWith(gateway, session.cookie, LOGOUT, { method: 'POST', headers: OWN_PAGE });
    for (let time = 0; time < 2; time += 1) await assertEnded(gateway, session, 'after');
    for (const path of [PROFILE, REFRESH])
      assertProblem(await askWith(gateway, session.cookie, path), SESSION_EXPIRED, path);
    await untilErased(gateway, session);
  });
});

describe('several Cookie fields, which the runtime joins by commas', () => {
  let bare;
  before(async () => {
    bare = await startSessionGateway(tenant, api, { isolates: 2 });
  });
  after(() => bare?.close());

  /** Sends a request with these fields to workerd itself; gives the status, and what the upstream got for a cookie. */
  async function send(fields, more = '') {
    const cookies = fields.map((field) => `Cookie: ${field}\r\n`).join('');
    const head = `GET /app/x HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n${more}${cookies}\r\n`;
    const { statuses, text } = await sendBytes(bare.origins[1], head);
    return { status: statuses[0], text, cookie: api.requests.at(-1)?.headers.cookie };
  }

  const BROWSER = 'User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n';
  // At http://gw.example the cookie goes by its whole name.
  const named = ({ value }) => `__Host-${COOKIE}=${value}`;

  test("are read as one, and the session's cookie stays here", async () => {
    const session = await beginSession(bare, tenant);
    const table = [
      [['a=1', named(session)], 'a=1', 'last'],
      [[named(session), 'a=1'], 'a=1', 'first'],
      [['a=1; b=2', `c=3; ${named(session)}; d=4`, 'e=5'], 'a=1; b=2, c=3; d=4, e=5', 'among many'],
      [[named(session)], undefined, 'alone'],
    ];
    for (const [fields, forwarded, message] of table) {
      api.requests.length = 0;
      const { status, cookie, text } = await send(fields);
      assert.deepEqual([status, cookie], [200, forwarded], `${message}: ${text}`);
    }
  });

  test('cannot be imitated by a value that a neighbour set: what may be planted is not taken, and reaches no upstream', async () => {
    const [session, other] = [
      await beginSession(bare, tenant),
      await beginSession(bare, tenant, { email: 'bob@example.com' }),
    ];
    const table = [
      [[`a=1, ${named(other)}`], BROWSER, 'token_missing', 'in the value of another cookie, of a browser'],
      [[`${named(session)}; a=1, ${named(other)}`], '', SESSION_INVALID[1], 'beside the real one, of no browser'],
      [[named(session), named(other)], '', SESSION_INVALID[1], 'in two fields'],
    ];
    for (const [fields, more, code, message] of table) {
      const { status, text } = await send(fields, more);
      assert.equal(status, 401, message);
      assert.match(text, new RegExp(`"code":"${code}"`), message);
    }
    assert.deepEqual(api.requests, []);
    const open = `GET /open/x HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n${BROWSER}Cookie: a=1, ${named(other)}\r\n\r\n`;
    assert.deepEqual((await sendBytes(bare.origins[1], open)).statuses, [200]);
    assert.equal(api.requests.at(-1).headers.cookie, 'a=1');
    assert.equal((await send([`${named(session)}; a=1, 2`], BROWSER)).status, 200, 'a comma in a value plants nothing');
  });

  test('lock nobody out whose browser has a value that a neighbour set, and login comes back', async () => {
    const [session, other] = [
      await beginSession(bare, tenant),
      await beginSession(bare, tenant, { email: 'bob@example.com' }),
    ];
    for (const cookies of [`${named(session)}; a=1, ${named(other)}`, `a=1,${named(other)}; ${named(session)}; b=2`]) {
      const { status, text } = await send([cookies], BROWSER);
      assert.equal(status, 200, `${cookies}: ${text}`);
      assert.equal(claimsAt(api).sub, session.sub, cookies);
    }
    const browser = new Browser();
    const callback = await loginUntilCallback(bare, browser);
    const planted = `a=1,bargate-login=${'A'.repeat(22)}; bargate-login=${browser.cookies(bare.origin).get('bargate-login')}`;
    const { host } = new URL(bare.origins[1]);
    const head = `GET ${callback.pathname}${callback.search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${BROWSER}Cookie: ${planted}\r\n\r\n`;
    assert.deepEqual((await sendBytes(bare.origins[1], head)).statuses, [302]);
  });

  test('bring a login back, whichever has its cookie', async () => {
    const browser = new Browser();
    const callback = await loginUntilCallback(bare, browser);
    const binding = `bargate-login=${browser.cookies(bare.origin).get('bargate-login')}`;
    const { host } = new URL(bare.origins[1]);
    const line = `GET ${callback.pathname}${callback.search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n`;
    const { statuses } = await sendBytes(bare.origins[1], `${line}Cookie: a=1\r\nCookie: ${binding}\r\n\r\n`);
    assert.deepEqual(statuses, [302]);
  });
});

describe('two cookies of the name', () => {
  const shapes = [
    ['in one header', (first, second) => `${first}; ${second}`],
    ['in two headers', (first, second) => [first, second]],
    ['with others between', (first, second) => `a=1; ${first}; b=2; ${second}; c=3`],
  ];
  for (const [shape, join] of shapes) {
    test(`are refused, whichever is good, and neither is cleared: ${shape}`, async () => {
      const invented = `${COOKIE}=${randomBytes(32).toString('base64url')}`;
      const table = [
        [alice.cookie, bob.cookie, 'of two people'],
        [alice.cookie, alice.cookie, 'the same twice'],
        [alice.cookie, invented, 'a good one first'],
        [invented, alice.cookie, 'a good one last'],
        [alice.cookie, `${COOKIE}=`, 'an empty one last'],
        [`${COOKIE}=x`, alice.cookie, 'a malformed one first'],
      ];
      for (const [first, second, message] of table) {
        const answer = await sendRaw(gateway.origin, { path: '/app/x', headers: { cookie: join(first, second) } });
        assert.deepEqual([answer.status, answer.json().code], SESSION_INVALID, `${message}: ${answer.text}`);
        assert.deepEqual(answer.values('set-cookie'), [], message);
      }
      assert.deepEqual(api.requests, []);
      await assertBothUnharmed('afterwards');
    });
  }
});

test("cookies of almost the name are others'", async () => {
  const table = [
    `${COOKIE.toUpperCase()}=${alice.value}`,
    `x${alice.cookie}`,
    `${COOKIE}2=${alice.value}`,
    `__Host-${alice.cookie}`,
    `__Secure-${alice.cookie}`,
    COOKIE,
    `"${COOKIE}"=${alice.value}`,
    `a="; ${COOKIE} ; b"`,
  ];
  for (const cookie of table) {
    const answer = await sendRaw(gateway.origin, { path: PRIVATE, headers: { cookie } });
    assert.equal(answer.status, 401, cookie);
    assert.ok(['token_missing', SESSION_INVALID[1]].includes(answer.json().code), `${cookie}: ${answer.text}`);
  }
  const beside = table.filter((cookie) => !/(^|; )bargate *($|;)/.test(cookie)).join('; ');
  assert.equal((await askWith(gateway, `${beside}; ${alice.cookie}`, '/app/x')).status, 200);
  assert.equal(claimsAt(api).sub, alice.sub);
});

describe('white space that is neither a space nor a tab', () => {
  // A browser takes it for part of the name, so `__Host-` behind it is no prefix, and a neighbour may set the cookie.
  const UNICODE = ['\u0085', '\u00a0', '\u1680', '\u2000', '\u2028', '\u202f', '\u3000', '\ufeff'];
  const CONTROL = ['\v', '\f'];
  const BINDING = 'bargate-login';
  const HTTPS = 'https://gw.example';
  const TOKEN_MISSING = [401, 'token_missing'];
  const STATE_INVALID = [400, 'state_invalid'];
  const named = (space) => `U+${space.charCodeAt(0).toString(16).padStart(4, '0')}`;
  // Headers are written byte by byte, so a text goes as the bytes of its UTF-8.
  const bytesOf = (text) => Buffer.from(text, 'utf8').toString('latin1');

  /** Makes a GET whose cookies may hold any byte, also those that node:http refuses to send. */
  async function get(path, cookies) {
    const { hostname, port, host } = new URL(gateway.origin);
    const socket = connect(port, hostname);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nCookie: ${bytesOf(cookies)}\r\n\r\n`,
      'latin1',
    );
    const [head, text] = Buffer.concat(await socket.toArray())
      .toString('utf8')
      .split('\r\n\r\n');
    return { status: Number(head.split(' ')[1]), code: /"code":"(\w+)"/.exec(text)?.[1], head, text };
  }

  test('before the name of the session makes it the name of another cookie', async () => {
    for (const space of [...UNICODE, ...CONTROL]) {
      const other = `${space}${COOKIE}=`;
      const table = [
        [`${other}${alice.value}`, TOKEN_MISSING, 'alone'],
        [`a=1; ${other}${alice.value}`, TOKEN_MISSING, 'behind another'],
        [`${COOKIE}${space}=${alice.value}`, TOKEN_MISSING, 'behind the name'],
        [`${other}${bob.value}; ${alice.cookie}`, [200, undefined], 'before the real one'],
        [`${alice.cookie}; ${other}x`, [200, undefined], 'after it'],
      ];
      for (const [cookies, expected, message] of table) {
        const { status, code, head } = await get(PRIVATE, cookies);
        assert.deepEqual([status, code], expected, `${named(space)} ${message}`);
        assert.doesNotMatch(head, /set-cookie/i, `${named(space)} ${message}`);
      }
      assert.equal((await get('/app/x', `${other}${bob.value}; ${alice.cookie}`)).status, 200);
      assert.equal(claimsAt(api).sub, alice.sub, `${named(space)}: whose cookie has the name`);
    }
  });

  test('before the name of a login makes it no login of this browser', async () => {
    const browser = new Browser();
    const { pathname, search } = await loginUntilCallback(gateway, browser);
    const binding = browser.cookies(gateway.origin).get(BINDING);
    const spaces = [...UNICODE, ...CONTROL];
    for (const space of spaces) {
      const { status, code, text } = await get(pathname + search, `${space}${BINDING}=${binding}`);
      assert.deepEqual([status, code], STATE_INVALID, `${named(space)}: ${text}`);
    }
    const planted = spaces.map((space) => `${space}${BINDING}=planted`).join('; ');
    const { status, head } = await get(pathname + search, `${planted}; ${BINDING}=${binding}`);
    assert.equal(status, 302, 'beside the real one');
    assert.match(head, new RegExp(`^set-cookie: ${COOKIE}=[\\w-]{43};`, 'im'));
  });

  test('is no way round the prefix over https either', async () => {
    const askAt = (path, cookies) => gateway.askAt(HTTPS + path, { headers: { cookie: bytesOf(cookies) } });
    const start = await gateway.askAt(HTTPS + LOGIN);
    const [binding] = start.headers.getSetCookie().map((line) => line.split(';')[0]);
    assert.match(binding, /^__Host-/);
    const callback = CALLBACK + new URL(await new Browser().logInUntilCallback(start.headers.get('location'))).search;
    for (const space of UNICODE)
      assertProblem(await askAt(callback, `${space}${binding}`), STATE_INVALID, named(space));
    const planted = UNICODE.map((space) => `${space}__Host-${BINDING}=planted`).join('; ');
    const { cookie } = sessionOf(await askAt(callback, `${planted}; ${binding}`), tenant, `__Host-${COOKIE}`);
    for (const space of UNICODE) {
      assertProblem(await askAt(PRIVATE, `${space}${cookie}`), TOKEN_MISSING, named(space));
      assert.equal(
        (await askAt(PRIVATE, `${space}__Host-${COOKIE}=x; ${cookie}`)).status,
        200,
        `${named(space)} beside the real one`,
      );
    }
  });
});

test('no shuffle of the bytes of two cookies is a fault, or opens a session', async () => {
  const pool = Buffer.concat([alice.bytes, bob.bytes]);
  const shuffled = () => {
    const value = Buffer.from(Array.from({ length: 32 }, (_, index) => pool[randomInt(2) * 32 + index]));
    const letters = [...value.toString('base64url')];
    if (randomInt(4) === 0) letters[randomInt(letters.length)] = ALPHABET[randomInt(64)];
    return letters.join('');
  };
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const value = shuffled();
      if ([alice.value, bob.value].includes(value)) return;
      const { status, text } = await askWith(gateway, `${COOKIE}=${value}`, '/app/x');
      assert.equal(status, 401, `${value}: ${text}`);
    }),
  );
  assert.deepEqual(api.requests, []);
  await assertBothUnharmed('afterwards');
});
