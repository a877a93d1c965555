// What the older gateway passed over in silence in its configs, and is a mistake here: each row is a config of its schema with one
// thing changed. docs/migrating.md says why.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startGateway } from '../support/harness.mjs';
import { JWT, older } from '../support/older.mjs';
import { keySetOf, makeKey } from '../support/signing.mjs';

const BINDINGS = {
  CATALOGUE_URL: 'https://catalogue.example',
  ARCHIVE_URL: 'https://archive.example',
  ORDERS_URL: 'https://orders.example',
  JWT_SECRET: JWT.secret,
  UPSTREAM_KEY: 'any',
  AUTH0_DOMAIN: 'tenant.example',
  AUTH0_CLIENT_ID: 'any',
  AUTH0_CLIENT_SECRET: 'any',
  AUTH0_JWKS: keySetOf(makeKey('RS256')),
  SUPABASE_URL: 'https://project.example',
  SUPABASE_SERVICE_ROLE_KEY: 'any',
  STAGE: 'test',
  SHOWN: 'any',
};

const same = (config) => config;
const withOrigins =
  (...origins) =>
  ({ cors, ...config }) => ({ ...config, cors: { ...cors, allow_origins: origins } });
const withPath = (path) => (config) => ({
  ...config,
  paths: [...config.paths, { method: 'GET', path: '/more', ...path }],
});
const mapped = (mapping, more = {}) => withPath({ integration: { type: 'http', server: 'orders' }, mapping, ...more });
const plain = { type: 'service_binding', binding: 'users', function: 'plain' };

const TABLE = [
  ['a variable that is missing, which was an empty text', 'mapping', same, 'missing_binding', { UPSTREAM_KEY: '' }],
  [
    'a variable with more behind its name, which was an empty text',
    'responses',
    withPath({ response: '$env.STAGE/more' }),
    'malformed_reference',
  ],
  ["Supabase's address, where no binding has it", 'passwordless', same, 'missing_binding', { SUPABASE_URL: '' }],
  [
    'auth without an authorizer, which was open',
    'mapping',
    ({ authorizer, ...config }) => config,
    'authorizer_missing',
  ],
  [
    'an authorizer of an unknown type, which was open',
    'mapping',
    (config) => ({ ...config, authorizer: { type: 'jvt' } }),
    'unknown_value',
  ],
  ['a secret that can be guessed', 'mapping', same, 'weak_secret', { JWT_SECRET: 'too short' }],
  ['a key set that is no JSON, which was 500 at each request', 'auth0', same, 'invalid_jwks', { AUTH0_JWKS: 'none' }],
  ['a key that is unknown', 'routing', (config) => ({ ...config, path: [] }), 'unknown_key'],
  [
    'a key of an integration that is unknown',
    'routing',
    withPath({ integration: { type: 'http', server: 'archive', sever: 1 } }),
    'unknown_key',
  ],
  ['a server that is unknown, which was 404', 'routing', (config) => ({ ...config, servers: [] }), 'unknown_server'],
  [
    "a server's address with a query, which was dropped",
    'routing',
    same,
    'invalid_url',
    { ARCHIVE_URL: 'https://archive.example/?a=1' },
  ],
  [
    'a Worker that is unknown, which was 404',
    'bindings',
    withPath({ integration: { ...plain, binding: 'user' } }),
    'unknown_service',
  ],
  [
    'a guard that is unknown, which was left out',
    'bindings',
    withPath({ integration: plain, pre_process: { binding: 'gard', function: 'check' } }),
    'unknown_service',
  ],
  [
    'what is unknown after a login, which was left out',
    'auth0',
    (config) => ({ ...config, serviceBindings: [{ alias: 'other', binding: 'AUDIT' }] }),
    'unknown_service',
  ],
  [
    'an integration that is unknown, which was 200 and empty',
    'routing',
    withPath({ integration: { type: 'htp' } }),
    'unknown_value',
  ],
  ['a path that answers nothing, which was 200 and empty', 'routing', withPath({}), 'no_answer'],
  [
    'a path with two answers, of which one was passed over',
    'routing',
    withPath({ response: 1, integration: { type: 'http', server: 'archive' } }),
    'two_answers',
  ],
  [
    'a path that stands twice, of which one was never reached',
    'routing',
    withPath({ path: '/method', response: 1 }),
    'route_conflict',
  ],
  [
    'a wildcard inside a path, which took what was behind it too',
    'routing',
    withPath({ path: '/a/{.+}/b', response: 1 }),
    'invalid_path',
  ],
  [
    'every origin with credentials, which was each that asked',
    'routing',
    withOrigins('*'),
    'cors_any_origin_with_credentials',
  ],
  [
    'an origin with a star inside of a label, which was any text',
    'routing',
    withOrigins('https://*example.com'),
    'invalid_origin',
  ],
  [
    'an origin with a slash behind, which nobody has',
    'routing',
    withOrigins('https://app.example.com/'),
    'invalid_origin',
  ],
  ['a variable that is no text', 'mapping', mapped({}, { variables: { a: { b: 1 } } }), 'wrong_type'],
  ['a variable that nobody defines', 'mapping', mapped({ query: { region: '$config.regoin' } }), 'unknown_variable'],
  [
    'a claim where no token is looked at',
    'mapping',
    mapped({ headers: { 'x-user-id': '$request.jwt.sub' } }),
    'claim_without_auth',
  ],
  ['a header that belongs to the address', 'mapping', mapped({ headers: { Host: 'other.example' } }), 'invalid_name'],
];

describe('a mistake of the config is', { concurrency: 4 }, () => {
  for (const [message, name, change, code, bindings = {}] of TABLE) {
    test(message, async (t) => {
      const config = JSON.stringify(change(JSON.parse(older(name))));
      const gateway = await startGateway({ bindings: { ...BINDINGS, ...bindings, SAG_API_CONFIG_JSON: config } });
      t.after(() => gateway.close());
      const { status, body } = await gateway.ask('/any');
      assert.deepEqual([status, body.code], [503, 'config_invalid']);
      const told = gateway
        .records()
        .filter((line) => line.code === 'config_invalid' && line.message)
        .map((line) => line.message);
      assert.ok(
        told.length > 0 && told.every((text) => text.includes(`error[${code}]`)),
        `this, and nothing else: ${told.join('\n')}`,
      );
    });
  }
});
