// What the editor offers and explains by gateway.schema.json, at every kind of place in a config.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CompletionContext } from '@codemirror/autocomplete';
import { json } from '@codemirror/lang-json';
import { EditorState } from '@codemirror/state';
import { completeBy } from '../../studio/editor/completion.mjs';
import { keysAt, meaningAt, valuesAt } from '../../studio/schema/places.mjs';

const SCHEMA = JSON.parse(readFileSync(new URL('../../gateway.schema.json', import.meta.url), 'utf8'));

/** What is offered at the sign `|` of a text, as somebody types or, `explicit`, asks. */
function offered(text, explicit = false) {
  const pos = text.indexOf('|');
  const state = EditorState.create({ doc: text.replace('|', ''), extensions: [json()] });
  const result = completeBy(SCHEMA)(new CompletionContext(state, pos, explicit));
  return result?.options.map(({ displayLabel }) => displayLabel) ?? [];
}

describe('completion', () => {
  for (const [where, text, some, none] of /** @type {[string, string, string[], string[]][]} */ ([
    ['a key at the top', '{ "|" }', ['paths', 'authorizer', 'session'], ['method', 'alias']],
    ['a key of an entry of a list', '{ "servers": [{ "|" }] }', ['alias', 'url', 'urls'], ['path']],
    [
      'a key that is there already is not offered again',
      '{ "paths": [{ "method": "GET", "|" }] }',
      ['path'],
      ['method'],
    ],
    [
      'a key of the type that stands beside it',
      '{ "authorizer": { "type": "jwt", "|" } }',
      ['algorithm', 'issuer'],
      ['domain'],
    ],
    ['a key of another type', '{ "authorizer": { "type": "auth0", "|" } }', ['domain', 'client_id'], ['jwt_secret']],
    ['a key that another one rules out', '{ "authorizer": {}, "|" }', ['paths'], ['authorizers']],
    ['a value of a list of values', '{ "paths": [{ "method": "|" }] }', ['GET', 'ANY'], ['TRACE']],
    ['a value that may be a boolean', '{ "paths": [{ "auth": t| }] }', ['true', 'false'], []],
    [
      'a name of the config',
      '{ "servers": [{ "alias": "shop" }], "paths": [{ "integration": { "type": "http_proxy", "server": "|" } }] }',
      ['shop'],
      [],
    ],
    ['a name of an authorizer', '{ "authorizers": { "staff": {} }, "paths": [{ "auth": "|" }] }', ['staff'], []],
    ['a value that has no colon after it yet', '{ "paths": [{ "method": "GET", "path": "/x", | }] }', [], ['auth']],
    ['an entry of a list of texts', '{ "cors": { "allow_origins": ["|"] } }', [], ['paths']],
  ])) {
    test(`offers ${where}`, () => {
      const options = offered(text);
      assert.deepEqual(
        some.filter((one) => !options.includes(one)),
        [],
        options.join(),
      );
      assert.deepEqual(
        none.filter((one) => options.includes(one)),
        [],
      );
    });
  }

  test('offers keys without quotation marks only if asked', () => {
    assert.deepEqual(offered('{ | }'), []);
    assert.ok(offered('{ | }', true).includes('paths'));
  });

  for (const text of [
    '|',
    '[|',
    '{ "paths": 1| ',
    '{ "a": { "b": { "|" } } }',
    '{]|',
    '"|',
    '{ "paths": [ "|" ] }',
    '{ "__proto__": { "|" } }',
  ]) {
    test(`bears what is no config: ${text}`, () => {
      assert.ok(Array.isArray(offered(text, true)));
    });
  }
});

describe('the schema at a place', () => {
  test('says which keys are required', () => {
    const required = keysAt(SCHEMA, { paths: [{}] }, ['paths', 0]).filter(({ isRequired }) => isRequired);
    assert.deepEqual(required.map(({ key }) => key).sort(), ['integration', 'method', 'path']);
    const fixed = keysAt(SCHEMA, { paths: [{ response: 1 }] }, ['paths', 0]).filter(({ isRequired }) => isRequired);
    assert.deepEqual(fixed.map(({ key }) => key).sort(), ['method', 'path']);
  });

  test('explains a key, its default, and what a value chooses', () => {
    const config = { authorizer: { type: 'oidc', clock_skew_seconds: 5 } };
    const type = meaningAt(SCHEMA, config, ['authorizer', 'type']);
    assert.equal(type.valueWords, 'Any OpenID Connect provider, by its issuer.');
    assert.ok(type.words.length > 10);
    const skew = meaningAt(SCHEMA, config, ['authorizer', 'clock_skew_seconds']);
    assert.ok(skew.facts.includes('default: 30'), skew.facts.join());
  });

  test('explains nothing where a key is unknown or free', () => {
    for (const path of [['nothing'], ['x-note'], ['paths', 0, 'x-mine'], ['title', 'deeper']])
      assert.equal(meaningAt(SCHEMA, { paths: [{}], title: 'x' }, path), undefined, path.join());
  });

  test('has each key of the schema explained, wherever it stands', () => {
    const config = {
      authorizer: { type: 'auth0' },
      session: {},
      cors: {},
      servers: [{}],
      paths: [{ integration: { type: 'http_proxy' } }],
    };
    for (const path of [
      [],
      ['authorizer'],
      ['session'],
      ['cors'],
      ['servers', 0],
      ['paths', 0],
      ['paths', 0, 'integration'],
    ]) {
      const keys = keysAt(SCHEMA, config, path);
      assert.ok(keys.length > 2, path.join());
      for (const { key } of keys) assert.ok(meaningAt(SCHEMA, config, [...path, key])?.words, [...path, key].join('.'));
    }
  });

  test('offers no value twice', () => {
    const values = valuesAt(SCHEMA, { paths: [{ method: '' }] }, ['paths', 0, 'method']).map(({ value }) => value);
    assert.equal(new Set(values).size, values.length);
  });
});
