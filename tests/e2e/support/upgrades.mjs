// What a version of the gateway leaves for the next: a gateway at a moment that never comes by itself, in front of a provider whose keys
// and refresh tokens a fixture has, and whose objects and KV namespace can be written to a fixture and filled from one.
// `node tests/e2e/support/upgrades.mjs` writes the fixtures of this version, once, when it is published: stored.json, and those of
// further-forms.mjs and caller-forms.mjs.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { later } from './clock.mjs';
import { OBJECTS, ROOT, startGateway } from './harness.mjs';
import { signed } from './signing.mjs';

/** LATER_WAIT_MS of library.mjs. */
export const LATER_WAIT_MS = 24 * 60 * 60 * 1000;

/** Alarms ring by the real clock: by that, none of a fixture is due. */
export const NOW_MS = Date.UTC(2100, 0, 1);
export const FIXTURES = join(ROOT, 'tests', 'fixtures', 'upgrades');

const ISSUER = 'https://tenant.example/';
const API = 'https://api.example/';
/** Where the server of MCP begins a session, and goes on with it. */
const MCP = '/mcp';
const MCP_SESSION = 'mcp-session-id';
const LIFE_SECS = 600;
const CLIENT_SECRET = 'the secret of the client, which a fixture has';
const DISCOVERY = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}authorize`,
  token_endpoint: `${ISSUER}oauth/token`,
  revocation_endpoint: `${ISSUER}oauth/revoke`,
  jwks_uri: `${ISSUER}.well-known/jwks.json`,
  token_endpoint_auth_methods_supported: ['client_secret_post'],
};
const REFRESH_TOKEN = /^refresh-(\d+)-(\w+)$/;

const secondsNow = () => Math.floor(Date.now() / 1000);

/** Keeps what the objects of a class have, and gives it back. A bundle of before may lack a class: it has no objects of that. */
const ENTRY = `
  import { DurableObject } from 'cloudflare:workers';
  import Gateway, * as bundle from './worker.js';

  const kept = (of = DurableObject) => class extends of {
    async taken() {
      return { entries: Object.fromEntries(this.ctx.storage.kv.list()), alarm: await this.ctx.storage.getAlarm() };
    }

    async filled({ entries, alarm }) {
      for (const [key, value] of Object.entries(entries)) this.ctx.storage.kv.put(key, value);
      if (alarm) await this.ctx.storage.setAlarm(alarm);
    }

    async ring() {
      await this.alarm();
    }

    async waits() {
      return this.waiting?.length ?? 0;
    }
  };
  ${Object.values(OBJECTS)
    .map((name) => `export const ${name} = kept(bundle.${name});`)
    .join('\n')}

  const named = [];
  const namespaces = (env) => Object.fromEntries(
    ${JSON.stringify(Object.keys(OBJECTS))}.map((binding) => [binding, {
      getByName(name) {
        if (!named.some(([of, known]) => of === binding && known === name)) named.push([binding, name]);
        return env[binding].getByName(name);
      },
    }]),
  );

  export default class extends Gateway {
    async fetch(request) {
      const order = request.headers.get('x-order');
      if (order === null) {
        Object.defineProperty(this, 'env', { value: { ...this.env, ...namespaces(this.env) }, configurable: true });
        return super.fetch(request);
      }
      const { object, act, said = [] } = JSON.parse(order);
      if (!object) return Response.json(named);
      const [binding, name] = object;
      return Response.json((await this.env[binding].getByName(name)[act](...said)) ?? null);
    }
  }
`;

/**
 * A provider that knows the refresh tokens which it has given and not seen again, by who they are of; and the API behind the gateway,
 * which answers with the token that it is shown.
 *
 * @param {{ jwk: any, refreshTokens: Record<string, string>, count: number }} state
 */
function providerOf(state) {
  const privateKey = createPrivateKey({ key: state.jwk, format: 'jwk' });
  const { kty, n, e } = state.jwk;
  const key = { alg: 'RS256', kid: 'the-key', privateKey };
  const calls = [];
  const issue = (sid, audience, nonce) => {
    const token = provider.give(sid);
    const of = {
      iss: ISSUER,
      sub: provider.subject ?? `user-of-${sid}`,
      iat: secondsNow(),
      exp: secondsNow() + LIFE_SECS,
    };
    return Response.json({
      token_type: 'Bearer',
      expires_in: LIFE_SECS,
      scope: audience === API ? 'openid profile email offline_access read:messages' : 'read:orders',
      access_token: signed(key, { ...of, aud: audience, number: state.count }),
      refresh_token: token,
      id_token: signed(key, {
        ...of,
        ...provider.claims,
        aud: 'the-client',
        sid,
        ...(nonce ? { nonce } : {}),
        name: 'Ada',
      }),
    });
  };
  const provider = {
    state,
    calls,
    /** What ID tokens say besides. */
    claims: {},
    /** Who logs in, if not somebody else each time. @type {string | undefined} */
    subject: undefined,
    /** Gives a refresh token, and returns it. */
    give(sid) {
      state.count += 1;
      const token = `refresh-${state.count}-${sid}`;
      state.refreshTokens[token] = sid;
      return token;
    },
    /** Answers in place of the provider, where it gives something. @type {(path: string) => any} */
    instead: () => undefined,
    /** A token of somebody that is bound to a key, by its thumbprint. */
    boundTo: (jkt) => {
      const [iat, exp] = [secondsNow(), secondsNow() + LIFE_SECS];
      return signed(key, { iss: ISSUER, sub: 'the-holder', aud: API, iat, exp, cnf: { jkt } });
    },
    /** How often a path was called. */
    count: (path) => calls.filter(([called]) => called === path).length,
    logoutToken: (sid, jti) =>
      signed(
        key,
        {
          iss: ISSUER,
          aud: 'the-client',
          sid,
          jti,
          iat: secondsNow(),
          exp: secondsNow() + 120,
          events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        },
        { typ: 'logout+jwt' },
      ),
    async outbound(request) {
      const { origin, pathname } = new URL(request.url);
      if (origin !== new URL(ISSUER).origin) {
        const session = pathname === MCP && { [MCP_SESSION]: request.headers.get(MCP_SESSION) ?? 'of-the-server' };
        return Response.json({ shown: request.headers.get('authorization') }, { headers: session || {} });
      }
      const form = Object.fromEntries(new URLSearchParams(await request.text()));
      calls.push([pathname, form]);
      const other = await provider.instead(pathname);
      if (other) return other;
      if (pathname === '/.well-known/jwks.json')
        return Response.json({ keys: [{ kty, n, e, alg: 'RS256', kid: 'the-key', use: 'sig' }] });
      if (pathname === '/.well-known/openid-configuration') return Response.json(DISCOVERY);
      if (pathname === '/oauth/revoke') return new Response(null, { status: 200 });
      assert.equal(pathname, '/oauth/token');
      if (form.grant_type === 'client_credentials') return issue('gateway', form.audience);
      // A code is the nonce of its login.
      if (form.code) return issue(createHash('sha256').update(form.code).digest('hex').slice(0, 8), API, form.code);
      const sid = state.refreshTokens[form.refresh_token];
      delete state.refreshTokens[form.refresh_token];
      if (!sid || !REFRESH_TOKEN.test(form.refresh_token))
        return Response.json({ error: 'invalid_grant' }, { status: 400 });
      return issue(sid, form.audience ?? API);
    },
  };
  return provider;
}

/**
 * Starts a gateway of this version with the config of a version, at the moment at which its fixture was made. Options are those of
 * `startGateway`.
 *
 * @param {any} state
 * @param {string} config
 * @param {Record<string, any>} [options]
 */
export async function startAt(state, config, options = {}) {
  // The clock is stopped first.
  await later(0);
  await later((NOW_MS - Date.now()) / 1000);
  const provider = providerOf(state);
  const gateway = await startGateway({
    config,
    bindings: { CLIENT_SECRET },
    clock: true,
    entry: ENTRY,
    outbound: provider.outbound,
    kv: ['JWKS'],
    ...options,
  });
  const order = async (what) => {
    const answer = await fetch(gateway.origin, { headers: { 'x-order': JSON.stringify(what) } });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  };
  const look = (binding, name) => order({ object: [binding, name], act: 'taken' });
  return {
    ...gateway,
    provider,
    askWith: (cookie, path, init = {}) =>
      gateway.ask(path, { redirect: 'manual', ...init, headers: { cookie, 'sec-fetch-site': 'same-origin' } }),
    /** What the objects that were called have. */
    async taken() {
      const objects = [];
      for (const [binding, name] of await order({})) objects.push({ binding, name, ...(await look(binding, name)) });
      return objects;
    },
    /** What an object has. */
    look,
    /** Fills an object, before its first call. */
    fill: ({ binding, name, ...kept }) => order({ object: [binding, name], act: 'filled', said: [kept] }),
    ring: ({ binding, name }) => order({ object: [binding, name], act: 'ring' }),
    /** Sends a message to an object, as the gateway does. */
    tell: (binding, name, message) => order({ object: [binding, name], act: 'call', said: [JSON.stringify(message)] }),
    /** How many requests wait at an object for its work. */
    waits: (binding, name) => order({ object: [binding, name], act: 'waits' }),
  };
}

/**
 * Runs a body with a gateway that goes on with a fixture, which `change` may have altered.
 *
 * @param {string} folder the fixture's
 * @param {(gateway: any, handed: any, stored: any) => Promise<void>} body
 * @param {{ change?: (stored: any) => void, paths?: object[], bundle?: string }} [how] `paths` are added to the config
 */
export async function goOn(folder, body, { change, paths = [], ...options } = {}) {
  const textOf = (name) => readFileSync(join(folder, name), 'utf8');
  const stored = JSON.parse(textOf('stored.json'));
  change?.(stored);
  const config = JSON.parse(textOf('gateway.config.json'));
  config.paths.push(...paths);
  const gateway = await startAt(stored.state, JSON.stringify(config), { kv: Object.keys(stored.kv), ...options });
  try {
    for (const [name, entries] of Object.entries(stored.kv)) {
      const namespace = await gateway.kv(name);
      for (const [key, text] of Object.entries(entries)) await namespace.put(key, text);
    }
    for (const object of stored.objects) await gateway.fill(object);
    await body(gateway, stored.handed, stored);
  } finally {
    await gateway.close();
  }
}

/** Lets a later version have stored what the objects of a binding have. */
export const laterObjects = (binding) => (stored) => {
  for (const object of stored.objects) if (object.binding === binding) object.entries.version = 2;
};

/** Asserts that what the objects of a binding have is as it was. */
export async function keepsAll(gateway, objects, binding) {
  for (const { name, entries } of objects.filter((object) => object.binding === binding))
    assert.deepEqual((await gateway.look(binding, name)).entries, entries);
}

/** Asserts that the alarm of an object that a later version has written is set anew. */
export async function waitsAnew(gateway, object) {
  await gateway.ring(object);
  const { alarm } = await gateway.look(object.binding, object.name);
  assert.equal(alarm, NOW_MS + LATER_WAIT_MS, 'its alarm is set anew');
}

/** Begins a login, and gives the cookie of the browser and the path of its callback. */
export async function beginLogin(gateway, asked = '') {
  const { status, headers, text } = await gateway.ask(`/login${asked}`);
  assert.equal(status, 302, text);
  const { searchParams } = new URL(headers.get('location'));
  const cookie = headers.getSetCookie()[0].split(';')[0];
  const query = new URLSearchParams({ code: searchParams.get('nonce'), state: searchParams.get('state') });
  return { cookie, callback: `/callback?${query}` };
}

/** Finishes a login, and gives the cookie of its session. */
export async function finishLogin(gateway, { cookie, callback }) {
  const { status, headers, text } = await gateway.askWith(cookie, callback);
  assert.equal(status, 302, text);
  return headers
    .getSetCookie()
    .find((line) => /^bargate=[\w-]+/.test(line))
    .split(';')[0];
}

const version = () => /^version = "(.+)"$/m.exec(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'))[1];

/** Makes what a gateway of this version leaves behind, in each of the states that are stored. */
async function makeFixture(folder) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const state = { jwk: privateKey.export({ format: 'jwk' }), refreshTokens: {}, count: 0 };
  const gateway = await startAt(state, readFileSync(join(folder, 'gateway.config.json'), 'utf8'));
  const { provider } = gateway;
  const passes = async (answer, status = 200) => {
    const { status: is, text, ...rest } = await answer;
    assert.equal(is, status, text);
    return { text, ...rest };
  };
  const begun = async () => finishLogin(gateway, await beginLogin(gateway));
  try {
    const plain = await begun();
    await passes(gateway.askWith(plain, '/app/x'));

    // Listed, renewed for another audience, with the tokens of both.
    const used = await begun();
    await passes(gateway.askWith(used, '/account/sessions'));
    await passes(gateway.askWith(used, '/orders/x'));

    // Ended, while the provider takes no revocation.
    const ended = await begun();
    await passes(gateway.askWith(ended, '/app/x'));
    provider.instead = (path) => path === '/oauth/revoke' && new Response(null, { status: 500 });
    const { headers } = await passes(gateway.askWith(ended, '/logout'), 303);
    assert.match(headers.getSetCookie().join(), /bargate=;/);

    const listed = await begun();
    await passes(gateway.askWith(listed, '/account/sessions'));
    const [{ sid }] = Object.entries(state.refreshTokens)
      .map(([, sid]) => ({ sid }))
      .slice(-1);

    // A refresh of a client that holds its tokens, within the time for which its answer is given again.
    const holder = state.count + 1;
    state.count = holder;
    const token = `refresh-${holder}-holder`;
    state.refreshTokens[token] = 'holder';
    const refreshed = await passes(gateway.ask('/refresh', { method: 'POST', headers: { 'x-refresh-token': token } }));

    // Another, whose object has asked the provider and is not answered before it ends.
    const lost = `refresh-${holder + 1}-lost`;
    state.count += 1;
    state.refreshTokens[lost] = 'lost';
    let asked;
    const hasAsked = new Promise((resolve) => (asked = resolve));
    let release;
    const held = new Promise((resolve) => (release = resolve));
    provider.instead = async (path) => {
      if (path !== '/oauth/token') return undefined;
      asked();
      await held;
      return new Response(null, { status: 503 });
    };
    const asking = gateway.ask('/refresh', { method: 'POST', headers: { 'x-refresh-token': lost } });
    await hasAsked;
    await passes(gateway.ask('/counted', { headers: { 'x-key': 'somebody' } }));
    const login = await beginLogin(gateway);
    const objects = await gateway.taken();
    release();
    await asking;

    const namespace = await gateway.kv('JWKS');
    const kv = {};
    for (const { name } of (await namespace.list()).keys) kv[name] = await namespace.get(name);
    const handed = {
      plain,
      used,
      ended,
      listed: { cookie: listed, sid },
      token,
      refreshed: refreshed.body,
      lost,
      login,
    };
    writeFileSync(join(folder, 'stored.json'), `${JSON.stringify({ state, kv, objects, handed }, null, 2)}\n`);
  } finally {
    await gateway.close();
  }
}

/** Configs that a version accepts: each form of every key, and those for providers. */
const CONFIGS = ['tests/fixtures/configs/valid', 'examples/providers'];

function writeConfigs(folder) {
  const files = CONFIGS.flatMap((of) => readdirSync(join(ROOT, of)).map((name) => `${of}/${name}`)).sort();
  const texts = files
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name, readFileSync(join(ROOT, name), 'utf8')]);
  writeFileSync(join(folder, 'configs.json'), `${JSON.stringify(Object.fromEntries(texts), null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(FIXTURES, version());
  writeConfigs(folder);
  await makeFixture(folder);
  const [{ makeFurtherFixture }, { makeCallerFixture }] = await Promise.all([
    import('./further-forms.mjs'),
    import('./caller-forms.mjs'),
  ]);
  await makeFurtherFixture(folder);
  await makeCallerFixture(folder);
}
