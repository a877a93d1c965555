// KV fails in every way that a store does: it has the key sets, the gateway's own tokens for an upstream, and the config.

import { elapse, later } from '../../tests/e2e/support/clock.mjs';
import { until } from '../../tests/e2e/support/harness.mjs';
import { forAnHour } from '../faults/hour.mjs';
import { answering, away, holding, readOnly, rubbish, stale } from '../faults/kv.mjs';
import { CLAIMS, doneText, runCases, startTestbed } from '../faults/testbed.mjs';

const CONFIG = 'CONFIG';
const CONFIG_KEY = 'gateway.config.json';
const NAMESPACES = ['JWKS', 'UPSTREAM_TOKENS', CONFIG];
/** A path whose server gets a token of the gateway's own. */
const OWN_TOKEN = '/own-token';
/** A path that a change of the config brings. */
const CHANGED = '/changed';

// What docs/operating.md says, in seconds.
const UNKNOWN_KEY_SECS = 30;
const STORE_TIMEOUT_SECS = 3;
const CONFIG_ACTIVE_SECS = 120;

/** What an isolate answers that has not read its config yet. */
const WITHOUT_CONFIG = Object.fromEntries(['sessions', 'pages', 'bearers'].map((who) => [who, ['config_invalid']]));

async function restart(bed) {
  await bed.gateway.kill();
  await bed.gateway.start();
}

/** Everybody, and the path with a token of the gateway's own. */
async function everybody(bed, expected = {}) {
  await bed.round(expected);
  const token = await bed.provider.mint();
  await bed.bear(token, expected.bearers ?? [], { at: OWN_TOKEN, claim: expected.claim });
}

/** An hour of a fault that no isolate notices which runs, and none that begins as far as others than the config are concerned. */
const unnoticed = (fault) => async (bed) => {
  const instead = fault(bed);
  // The config of an isolate that begins comes from there; the rest does not have to.
  const keepsConfig = (request, response) => request.namespace !== CONFIG && instead(request, response);
  bed.kv.instead = instead;
  bed.fault('KV fails');
  await forAnHour(bed.steps, () => everybody(bed));
  bed.kv.instead = keepsConfig;
  await restart(bed);
  bed.fault('KV fails, but for the config');
  await forAnHour(bed.steps, () => everybody(bed));
  bed.kv.instead = undefined;
  await bed.recovers();
};

/** Isolates begin that cannot read their config: nothing is let in, and the next request finds it once it is there. */
const withoutConfig = (fault, seconds) => async (bed) => {
  bed.kv.instead = fault(bed);
  bed.fault('KV fails, and isolates begin');
  await restart(bed);
  await bed.round(WITHOUT_CONFIG);
  bed.kv.instead = undefined;
  await bed.recovers(seconds);
};

const CASES = [
  { name: 'away', run: unnoticed(() => away) },
  { name: 'away while isolates begin', run: withoutConfig(() => away, 0) },
  { name: 'failing (500)', run: unnoticed(() => answering(500)) },
  { name: 'over its limit (429)', run: unnoticed(() => answering(429)) },
  { name: 'full of rubbish', run: unnoticed(({ random }) => rubbish(random)) },
  {
    name: 'full of rubbish while isolates begin',
    run: withoutConfig(({ random }) => rubbish(random), CONFIG_ACTIVE_SECS),
  },
  { name: 'read-only', run: unnoticed(() => readOnly) },
  {
    name: 'slow',
    async run(bed) {
      const held = holding();
      bed.kv.instead = (request, response) => request.namespace === 'JWKS' && held.instead(request, response);
      await restart(bed);
      bed.fault('KV does not answer');
      const tokens = await Promise.all([0, 1].map(() => bed.provider.mint({ jti: String(bed.random.int(1e9)) })));
      const asked = tokens.map((token, isolate) => bed.bear(token, [], { isolate }));
      await held.arrived(asked.length);
      await elapse(STORE_TIMEOUT_SECS);
      await Promise.all(asked);
      await bed.round();
      held.release();
      bed.kv.instead = undefined;
      await bed.recovers();
    },
  },
  {
    name: 'slow while a config is read again',
    async run(bed) {
      const held = holding();
      bed.kv.instead = (request, response) => request.namespace === CONFIG && held.instead(request, response);
      bed.fault('KV does not answer');
      await later(CONFIG_ACTIVE_SECS);
      await everybody(bed);
      await held.arrived(1);
      await elapse(STORE_TIMEOUT_SECS);
      await everybody(bed);
      held.release();
      bed.kv.instead = undefined;
      await bed.recovers();
    },
  },
  {
    name: 'slow where the tokens of an upstream are',
    async run(bed) {
      const held = holding();
      bed.kv.instead = (request, response) =>
        request.namespace === 'UPSTREAM_TOKENS' && held.instead(request, response);
      await restart(bed);
      bed.fault('KV does not answer');
      const token = await bed.provider.mint();
      const asked = bed.bear(token, [], { at: OWN_TOKEN });
      await held.arrived(1);
      await elapse(STORE_TIMEOUT_SECS);
      await asked;
      held.release();
      bed.kv.instead = undefined;
      await bed.recovers();
    },
  },
  {
    name: 'stale, with the key set of before a rotation',
    async run(bed) {
      const before = Object.fromEntries(NAMESPACES.map((name) => [name, new Map(bed.kv.namespace(name))]));
      await later(UNKNOWN_KEY_SECS);
      await bed.provider.rotateKeys({ forgetOld: true });
      bed.kv.instead = stale(before);
      bed.fault('KV gives the key set of before');
      await restart(bed);
      await everybody(bed, { claim: CLAIMS.recovers });
      bed.kv.instead = undefined;
      await bed.recovers();
    },
  },
  {
    name: 'stale, with the config of before a change',
    async run(bed) {
      const values = bed.kv.namespace(CONFIG);
      const before = Object.fromEntries(NAMESPACES.map((name) => [name, new Map(bed.kv.namespace(name))]));
      const config = JSON.parse(values.get(CONFIG_KEY));
      const path = { method: 'GET', path: CHANGED, auth: true, response: { changed: true } };
      bed.kv.instead = stale({ ...before, JWKS: bed.kv.namespace('JWKS') });
      values.set(CONFIG_KEY, JSON.stringify({ ...config, paths: [...config.paths, path] }));
      bed.fault('the config is changed, and KV gives the one before for a minute');
      await everybody(bed);
      await later(CONFIG_ACTIVE_SECS / 2);
      await everybody(bed);
      bed.kv.instead = undefined;
      await later(CONFIG_ACTIVE_SECS / 2);
      // The request that finds it due is answered by the config before.
      for (const isolate of [0, 1]) {
        const headers = { authorization: `Bearer ${await bed.provider.mint()}` };
        await until(async () => (await bed.clients.ask(CHANGED, { isolate, headers })).status === 200);
      }
      await bed.recovers();
    },
  },
];

/** @type {import('../row.mjs').Row} */
export default {
  name: 'kv-faults',
  group: 'What the gateway depends on',
  rank: 2,
  done: (size) =>
    doneText(`KV, which has key sets, tokens and the config: ${CASES.map(({ name }) => name).join('; ')}`, size),
  holds: Object.values(CLAIMS),
  sizes: {
    card: { sessions: 8, pages: 4, bearers: 4, steps: 8 },
    excerpt: { sessions: 2, pages: 1, bearers: 1, steps: 1, cases: 5 },
  },
  async run(run) {
    const { sessions, pages, bearers } = run.size;
    const bed = await startTestbed(run, {
      people: { sessions, pages, bearers },
      change(config, { provider, api, kv }) {
        const server = {
          alias: 'own',
          url: api.origin,
          authorization: {
            grant: 'client_credentials',
            token_endpoint: `${provider.origin}/oauth/token`,
            client_id: config.authorizer.client_id,
            client_secret: '$secret.CLIENT_SECRET',
            audience: provider.settings.audience,
          },
        };
        const paths = [
          ...config.paths,
          { method: 'GET', path: OWN_TOKEN, auth: true, integration: { type: 'http_proxy', server: 'own' } },
        ];
        const changed = { ...config, servers: [...config.servers, server], paths };
        kv.namespace(CONFIG).set(CONFIG_KEY, JSON.stringify(changed));
        return changed;
      },
      gateway: { namespaces: NAMESPACES, texts: { BARGATE_CONFIG_JSON: '' } },
    });
    return runCases(bed, CASES);
  },
};
