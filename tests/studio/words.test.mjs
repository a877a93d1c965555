// What a route asks for, in signs and in sentences.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../../scripts/toolchain.mjs';
import { PALETTE } from '../../studio/map/palette.mjs';
import { printable, shortened } from '../../studio/map/printable.mjs';
import { KINDS, badges, demand, describe, destination, isExposed, spokenDemand } from '../../studio/map/words.mjs';
import { route } from './routes.mjs';

const shown = (changes) => badges(route(changes)).map(({ kind, text }) => `${KINDS[kind].sign} ${text}`);

test('each thing that a route asks for has its sign', () => {
  const table = [
    [{}, ['● users']],
    [{ auth: null, integration: 'response', target: '200' }, ['○ open']],
    [{ auth: null }, ['○ open', '▲ exposed']],
    [{ auth: { optional: true } }, ['◐ users, optional', '▲ exposed']],
    [{ session: true }, ['● users', '■ or session']],
    [{ auth: { scopes: ['a', 'b'] } }, ['● users', '◆ a b']],
    [{ auth: { any_scopes: ['a', 'b'] } }, ['● users', '◆ a | b']],
    [{ auth: { permissions: ['a'] } }, ['● users', '◆ permissions a']],
    [{ auth: { claims: ['org = "shop"', 'x = 1'] } }, ['● users', '◆ org = "shop"', '◆ x = 1']],
    [{ auth: { acr_values: ['phr'], max_age_seconds: 0 } }, ['● users', '◆ acr phr', '◆ login ≤ 0 s ago']],
    [{ rules: ['rate_limit', 'ip'] }, ['● users', '· rate_limit', '· ip']],
  ];
  for (const [changes, expected] of table) assert.deepEqual(shown(changes), expected, JSON.stringify(changes));
});

test('what a route asks for is read out in words', () => {
  const table = [
    [{ auth: null }, 'open'],
    [{ session: true }, 'token of users or session'],
    [{ auth: { optional: true, scopes: ['a', 'b'] } }, 'token of users, optional, scopes a and b'],
    [{ auth: { any_scopes: ['a', 'b'], permissions: ['p'] } }, 'token of users, scope a or b, permission p'],
    [{ auth: { claims: ['x = 1'], acr_values: ['phr'] } }, 'token of users, claim x = 1, login with acr phr'],
  ];
  for (const [changes, expected] of table)
    assert.equal(spokenDemand(route(changes)), expected, JSON.stringify(changes));
});

test('no two kinds have the same sign, and each has its colour', () => {
  const signs = Object.values(KINDS).map(({ sign }) => sign);
  assert.equal(new Set(signs).size, signs.length);
  for (const kind of Object.keys(KINDS)) assert.ok(PALETTE[kind], kind);
});

test('a route is exposed if anyone reaches the code of others through it', () => {
  const table = [
    [{ auth: null }, true],
    [{ auth: null, integration: 'http' }, true],
    [{ auth: null, integration: 'service', target: 'x' }, true],
    [{ auth: null, integration: 'service_binding', target: 'x' }, true],
    [{ auth: { optional: true } }, true],
    [{}, false],
    [{ auth: null, integration: 'response' }, false],
    [{ auth: null, integration: 'auth0_login' }, false],
    [{ auth: null, rules: ['ip'] }, false],
    [{ auth: null, rules: ['pre_process'] }, false],
    [{ auth: null, rules: ['rate_limit'] }, true],
  ];
  for (const [changes, expected] of table) assert.equal(isExposed(route(changes)), expected, JSON.stringify(changes));
});

test('the rule of a route is told in sentences', () => {
  const goes = 'Goes to the upstream api (https://api.example).';
  const exposed = 'Exposed: whoever reaches the gateway reaches what is behind this route.';
  const table = [
    [{}, ['Needs a token of users.', goes]],
    [{ auth: null }, ['Anyone may call this: no token is asked for.', goes, exposed]],
    [{ session: true }, ['Needs a token of users, or a session.', goes]],
    [
      { auth: { optional: true, scopes: ['a'] } },
      [
        'Anyone may call this without a token. One that is sent must be a token of users.',
        'It must have the scope a.',
        goes,
        exposed,
      ],
    ],
    [
      { auth: { scopes: ['a', 'b', 'c'], any_scopes: ['d', 'e'], permissions: ['p'] } },
      [
        'Needs a token of users.',
        'It must have the scopes a, b and c.',
        'It must have one of the scopes d or e.',
        'It must have the permission p.',
        goes,
      ],
    ],
    [
      { auth: { claims: ['org = "shop"'], acr_values: ['phr', 'phrh'], max_age_seconds: 300 } },
      [
        'Needs a token of users.',
        'It must have the claim org = "shop", or contain it.',
        'The user must have logged in with acr phr or phrh.',
        'The user must have logged in at most 300 seconds ago.',
        goes,
      ],
    ],
    [
      { method: 'ANY', path: '/a/{b}/{c}/{.+}', rules: ['ip', 'x'] },
      [
        'Takes every method that no other route of this path has.',
        '{b} and {c} are one segment each, whatever it is.',
        '{.+} is the rest of the path, which may be empty.',
        'Needs a token of users.',
        'Takes requests from certain addresses only.',
        'Has the rule x.',
        goes,
      ],
    ],
    [{ path: '/{rest+}' }, ['{rest+} is the rest of the path, which may be empty.', 'Needs a token of users.', goes]],
  ];
  for (const [changes, expected] of table)
    assert.deepEqual(describe(route(changes)), expected, JSON.stringify(changes));
});

test('each integration that the schema knows has words of its own', async () => {
  const schema = JSON.parse(await readFile(join(ROOT, 'gateway.schema.json'), 'utf8'));
  const types = new Set();
  const visit = (value, key) => {
    if (key === 'type' && typeof value?.const === 'string') types.add(value.const);
    if (key === 'type' && Array.isArray(value?.enum)) for (const type of value.enum) types.add(type);
    if (value && typeof value === 'object') for (const [inner, one] of Object.entries(value)) visit(one, inner);
  };
  for (const [name, definition] of Object.entries(schema.$defs ?? schema.definitions))
    if (name.startsWith('integration')) visit(definition, name);
  assert.ok(types.has('http_proxy') && types.has('oidc_frontchannel_logout'), [...types].join(' '));
  for (const integration of types) {
    const last = describe(route({ integration, target: 'x' })).at(-1);
    assert.ok(!last.startsWith(`Is answered by ${integration}`), `${integration}: ${last}`);
  }
});

test('what is not known is said, and nothing fails', () => {
  assert.equal(destination(route({ integration: '?', target: '' })), '?');
  assert.match(describe(route({ integration: '?', target: '' })).at(-1), /not known/);
  assert.equal(describe(route({ integration: 'later', target: '' })).at(-1), 'Is answered by later.');
  assert.equal(demand(route({ auth: { optional: true, scopes: ['a'] } })), 'optional');
});

test('texts are printable as the command line has them, and long ones keep both ends', () => {
  assert.equal(printable('a\u202eb\u0000\ud800c \u{e0041}ä漢'), 'a\\u202eb\\u0000\\ud800c \\udb40\\udc41ä漢');
  assert.equal(shortened('/a', 10), '/a');
  assert.equal(shortened('0123456789', 10), '0123456789');
  assert.equal(shortened('0123456789x', 10), '012345…89x');
  assert.equal(shortened('\u{1f600}'.repeat(10), 10), '\u{1f600}'.repeat(10));
  assert.equal(Array.from(shortened('\u{1f600}'.repeat(11), 10)).length, 10);
});

test('the colours of the page are those of the palette, and can be read on it', async () => {
  const css = await readFile(join(ROOT, 'studio/map/map.css'), 'utf8');
  for (const [name, [light, dark]] of Object.entries(PALETTE)) {
    assert.ok(css.includes(`--map-${name}: light-dark(${light}, ${dark});`), `--map-${name}`);
    if (name === 'page' || name === 'line') continue;
    for (const [colour, page] of [
      [light, PALETTE.page[0]],
      [dark, PALETTE.page[1]],
    ])
      assert.ok(contrast(colour, page) >= 4.5, `${name}: ${colour} on ${page}`);
  }
});

/** Contrast of two colours (WCAG 2.2). */
function contrast(one, other) {
  const luminance = (colour) =>
    [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
