// `ip`: who gets in by the address that the runtime gives, and that no spelling of an address, and no word of the client's,
// makes it another.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { proxied, sendRaw, startGateway } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import { APP, entryWith, from, mistakesOf } from '../support/rules.mjs';

const DENIED = [403, 'ip_denied'];

const allow = (...ranges) => ({ allow: ranges });
const deny = (...ranges) => ({ deny: ranges });

// A rule, and of addresses those that it lets in and those that it does not.
const TABLE = [
  [
    'an address',
    allow('192.0.2.7'),
    ['192.0.2.7'],
    ['192.0.2.6', '192.0.2.8', '192.0.2.77', '2001:db8::7', '::192.0.2.7'],
  ],
  [
    'a range of 24 bits',
    allow('192.0.2.0/24'),
    ['192.0.2.0', '192.0.2.1', '192.0.2.255'],
    ['192.0.1.255', '192.0.3.0'],
  ],
  ['a range of 25 bits', allow('192.0.2.128/25'), ['192.0.2.128', '192.0.2.255'], ['192.0.2.127', '192.0.3.0']],
  [
    'a range of 22 bits',
    allow('198.51.100.0/22'),
    ['198.51.100.0', '198.51.103.255'],
    ['198.51.99.255', '198.51.104.0'],
  ],
  ['a range of 31 bits', allow('192.0.2.6/31'), ['192.0.2.6', '192.0.2.7'], ['192.0.2.5', '192.0.2.8']],
  ['a range of 32 bits', allow('192.0.2.6/32'), ['192.0.2.6'], ['192.0.2.5', '192.0.2.7']],
  ['a range of 1 bit', allow('128.0.0.0/1'), ['128.0.0.0', '255.255.255.255'], ['127.255.255.255', '0.0.0.0']],
  ['every address of IPv4', allow('0.0.0.0/0'), ['0.0.0.0', '192.0.2.1', '255.255.255.255'], ['2001:db8::1', '::1']],
  ['every address of IPv6', allow('::/0'), ['::', '2001:db8::1', 'ffff::'], ['192.0.2.1', '0.0.0.0']],
  [
    'an address of IPv6',
    allow('2001:db8::1'),
    ['2001:db8::1', '2001:DB8:0:0:0:0:0:1', '2001:0db8::0001'],
    ['2001:db8::2', '2001:db8::10'],
  ],
  [
    'an address of IPv6, written out',
    allow('2001:0DB8:0000:0000:0000:0000:0000:0001'),
    ['2001:db8::1'],
    ['2001:db8::'],
  ],
  [
    'a range of 32 bits of IPv6',
    allow('2001:db8::/32'),
    ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['2001:db7:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db9::'],
  ],
  [
    'a range of 49 bits of IPv6',
    allow('2001:db8:0:8000::/49'),
    ['2001:db8:0:8000::', '2001:db8:0:ffff::1'],
    ['2001:db8:0:7fff:ffff:ffff:ffff:ffff', '2001:db8:1::'],
  ],
  [
    'a range of 127 bits of IPv6',
    allow('2001:db8::2/127'),
    ['2001:db8::2', '2001:db8::3'],
    ['2001:db8::1', '2001:db8::4'],
  ],
  ['a range of 128 bits of IPv6', allow('2001:db8::2/128'), ['2001:db8::2'], ['2001:db8::3']],
  [
    'a range, of addresses that are mapped into IPv6',
    allow('192.0.2.0/24'),
    ['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.255'],
    ['::ffff:192.0.3.0', '::192.0.2.1', '64:ff9b::192.0.2.1'],
  ],
  [
    'a range that is mapped into IPv6',
    allow('::ffff:192.0.2.0/120'),
    ['192.0.2.0', '192.0.2.255', '::ffff:192.0.2.1'],
    ['192.0.3.0', '192.0.1.255'],
  ],
  [
    'several',
    allow('192.0.2.0/24', '2001:db8::/32', '203.0.113.9'),
    ['192.0.2.1', '2001:db8::1', '203.0.113.9'],
    ['203.0.113.8', '2001:db9::', '198.51.100.1'],
  ],
  [
    'what is no address',
    allow('0.0.0.0/0', '::/0'),
    ['192.0.2.1', '2001:db8::1'],
    [
      'unknown',
      'localhost',
      '192.0.2',
      '192.0.2.256',
      '192.0.2.01',
      '192.0.2.1:443',
      '192.0.2.1, 192.0.2.2',
      '3221225985',
      '0xC0000201',
      '[2001:db8::1]',
      '2001:db8::1::',
      '2001:db8::1%eth0',
    ],
  ],
  [
    'all but an address',
    deny('192.0.2.7'),
    ['192.0.2.6', '192.0.2.8', '2001:db8::7'],
    ['192.0.2.7', '::ffff:192.0.2.7', '::ffff:c000:207', 'unknown'],
  ],
  [
    'all but a range',
    deny('10.0.0.0/8'),
    ['9.255.255.255', '11.0.0.0', '2001:db8::1'],
    ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'],
  ],
  ['all but a range of IPv6', deny('2001:db8::/32'), ['2001:db9::', '192.0.2.1'], ['2001:db8::', '2001:0db8:ffff::1']],
  [
    'all but a range that is mapped into IPv6',
    deny('::ffff:10.0.0.0/104'),
    ['11.0.0.0', '2001:db8::1'],
    ['10.0.0.0', '10.255.255.255'],
  ],
  [
    'a range but for a part of it',
    { ...allow('10.0.0.0/8'), ...deny('10.1.0.0/16') },
    ['10.0.255.255', '10.2.0.0'],
    ['10.1.0.0', '10.1.255.255', '11.0.0.0'],
  ],
  [
    'nobody, where the same is allowed and denied',
    { ...allow('192.0.2.7'), ...deny('192.0.2.7') },
    [],
    ['192.0.2.7', '192.0.2.8'],
  ],
  [
    'nobody, where a part of what is denied is allowed',
    { ...allow('10.1.0.0/16'), ...deny('10.0.0.0/8') },
    [],
    ['10.1.0.0', '10.2.0.0'],
  ],
];

let api;
let gateway;

before(async () => {
  api = await startApi();
  gateway = await startGateway({
    config: {
      servers: [{ alias: 'api', url: api.origin }],
      cors: { allow_origins: [APP] },
      authorizer: { type: 'auth0', domain: 'tenant.example', client_id: 'any' },
      ip: deny('198.51.100.66'),
      paths: [
        ...TABLE.map(([, ip], row) => ({ method: 'GET', path: `/rule/${row}`, response: {}, ip })),
        proxied('/api/{.+}', 'api', { ip: allow('192.0.2.0/24') }),
        proxied('/private/{.+}', 'api', { ip: allow('192.0.2.0/24'), auth: true }),
        { method: 'GET', path: '/open', response: {} },
        { method: 'GET', path: '/open/too', response: {}, ip: allow('198.51.100.0/24') },
      ],
    },
  });
});

after(async () => {
  for (const started of [gateway, api]) await started?.close();
});

beforeEach(() => {
  api.requests.length = 0;
});

const statusFrom = async (address, path) => (await gateway.fetch(path, { headers: from(address) })).status;

describe('a rule lets in', () => {
  for (const [row, [message, , allowed, denied]] of TABLE.entries()) {
    test(message, async () => {
      for (const address of allowed) assert.equal(await statusFrom(address, `/rule/${row}`), 200, address);
      for (const address of denied) assert.equal(await statusFrom(address, `/rule/${row}`), 403, address);
    });
  }
});

describe('whom a rule denies', () => {
  test('learns that and no more, may read it from a listed origin, and does not reach the upstream', async () => {
    for (const path of ['/api/x', '/private/x']) {
      const answer = await gateway.ask(path, { headers: { ...from('203.0.113.1'), origin: APP } });
      assertProblem(answer, DENIED, path);
      assert.equal(answer.headers.get('access-control-allow-origin'), APP);
      assert.doesNotMatch(answer.text, /203\.0\.113|192\.0\.2/);
      const { level, status, code, route } = answer.record;
      assert.deepEqual([level, status, code, route], ['info', 403, 'ip_denied', path.replace('x', '{.+}')]);
    }
    assert.deepEqual(api.requests, []);
  });

  test('is denied whatever token comes along', async () => {
    const answer = await gateway.ask('/private/x', {
      headers: { ...from('203.0.113.1'), authorization: 'Bearer a.b.c' },
    });
    assertProblem(answer, DENIED, 'before the token is looked at');
  });

  test('does not get in by saying to be another', async () => {
    for (const name of [
      'x-forwarded-for',
      'x-real-ip',
      'true-client-ip',
      'x-client-ip',
      'cf-connecting-ipv6',
      'cf-pseudo-ipv4',
      'cf_connecting_ip',
    ]) {
      assert.equal(
        (await gateway.fetch('/api/x', { headers: { ...from('203.0.113.1'), [name]: '192.0.2.1' } })).status,
        403,
        name,
      );
    }
    const forwarded = await gateway.fetch('/api/x', {
      headers: { ...from('203.0.113.1'), forwarded: 'for=192.0.2.1' },
    });
    assert.equal(forwarded.status, 403);
    const twice = await sendRaw(gateway.origin, {
      path: '/api/x',
      headers: { 'cf-connecting-ip': ['192.0.2.1', '192.0.2.2'] },
    });
    assert.equal(twice.status, 403, 'two addresses are none');
    assert.deepEqual(api.requests, []);
  });

  test('is not who may come, and says so', async () => {
    assert.equal(
      (await gateway.fetch('/api/x', { headers: { ...from('192.0.2.1'), 'x-forwarded-for': '203.0.113.1' } })).status,
      200,
    );
    assert.equal(api.requests[0].headers['x-forwarded-for'], '192.0.2.1');
  });
});

describe("the config's own rule", () => {
  test('is for every path, one with a rule that lets more in too', async () => {
    for (const path of ['/open', '/open/too', '/rule/7', '/api/x']) {
      const answer = await gateway.ask(path, { headers: from('198.51.100.66') });
      assertProblem(answer, DENIED, path);
    }
    for (const path of ['/open', '/open/too']) assert.equal(await statusFrom('198.51.100.65', path), 200, path);
    assert.equal(await statusFrom('203.0.113.1', '/open'), 200, 'who is not denied');
    assert.equal(await statusFrom('203.0.113.1', '/open/too'), 403, "a path's rule is for that path");
  });

  test('and that of a path have both to let in', async (t) => {
    const own = await startGateway({
      config: {
        ip: allow('192.0.2.0/24'),
        paths: [
          { method: 'GET', path: '/', response: {} },
          { method: 'GET', path: '/part', response: {}, ip: allow('192.0.2.128/25') },
          { method: 'GET', path: '/other', response: {}, ip: allow('198.51.100.0/24') },
          { method: 'GET', path: '/less', response: {}, ip: deny('192.0.2.1') },
        ],
      },
    });
    t.after(() => own.close());
    for (const [path, address, status] of [
      ['/', '192.0.2.1', 200],
      ['/', '198.51.100.1', 403],
      ['/part', '192.0.2.128', 200],
      ['/part', '192.0.2.127', 403],
      ['/other', '192.0.2.1', 403],
      ['/other', '198.51.100.1', 403],
      ['/less', '192.0.2.2', 200],
      ['/less', '192.0.2.1', 403],
    ]) {
      assert.equal((await own.fetch(path, { headers: from(address) })).status, status, `${path} from ${address}`);
    }
  });
});

test('where no address is known, a rule lets nobody in, whatever it says', async (t) => {
  const own = await startGateway({
    config: {
      paths: [
        { method: 'GET', path: '/allow', response: {}, ip: allow('0.0.0.0/0', '::/0') },
        { method: 'GET', path: '/both', response: {}, ip: { ...allow('0.0.0.0/0', '::/0'), ...deny('192.0.2.1') } },
        { method: 'GET', path: '/deny', response: {}, ip: deny('192.0.2.1') },
        { method: 'GET', path: '/open', response: {} },
      ],
    },
    entry: entryWith(
      {},
      `
      const anonymous = new Request(request);
      anonymous.headers.delete('cf-connecting-ip');
      return super.fetch(anonymous);
    `,
    ),
  });
  t.after(() => own.close());
  for (const [path, status] of [
    ['/allow', 403],
    ['/both', 403],
    ['/deny', 403],
    ['/open', 200],
  ]) {
    assert.equal((await own.ask(path)).status, status, path);
  }
});

test('what is no address or range is a mistake in the config, each at its place', async (t) => {
  const wrong = [
    '',
    ' ',
    '*',
    'all',
    'example.com',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.01',
    ' 192.0.2.1',
    '192.0.2.1 ',
    '192.0.2.1:443',
    '/24',
    '192.0.2.1/24',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/',
    '192.0.2.0/+8',
    '192.0.2.0/8.0',
    '192.0.2.0/24/8',
    '192.0.2.0/255.255.255.0',
    '192.0.2.1-192.0.2.9',
    '2001:db8::1/32',
    '2001:db8::/129',
    '2001:db8::/x',
    '2001:db8::1::',
    '[2001:db8::1]',
    '2001:db8::1%eth0',
    '::ffff:192.0.2.0/129',
    '0xC0000201',
    '3221225985',
  ];
  const own = await startGateway({
    config: {
      ip: { deny: wrong },
      paths: [
        { method: 'GET', path: '/', response: {}, ip: { allow: [...wrong, '192.0.2.0/24'], deny: ['2001:db8::/32'] } },
      ],
    },
  });
  t.after(() => own.close());
  const mistakes = await mistakesOf(own);
  for (const place of ['ip.deny', 'paths[0].ip.allow']) {
    for (const [index, text] of wrong.entries()) {
      const told = mistakes.filter((mistake) => mistake.includes(`: ${place}[${index}]: `));
      assert.equal(told.length, 1, `"${text}" at ${place}[${index}]\n${mistakes.join('\n')}`);
    }
  }
  assert.equal(mistakes.length, 2 * wrong.length, mistakes.join('\n'));
});
