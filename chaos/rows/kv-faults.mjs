// KV fails in every way that a store does: it has the key sets, the gateway's own tokens for an upstream, and the config.

import { elapse, later } from '../../tests/e2e/support/clock.mjs';
import { until } from '../../tests/e2e/support/harness.mjs';
import { forAnHour } from '../faults/hour.mjs';
import { answering, away, holding, readOnly, rubbish, stale } from '../faults/kv.mjs';
import { CLAIMS, UNKNOWN_KEY_SECS, WITHOUT_CONFIG, doneText, runCases, startTestbed } from '../faults/testbed.mjs';

const CONFIG = 'CONFIG';
const CONFIG_KEY = 'gateway.config.json';
const NAMESPACES = ['JWKS', 'UPSTREAM_TOKENS', CONFIG];
/** A path whose server gets a token of the gateway's own. */
const OWN_TOKEN = '/own-token';
/** A path that a change of the config brings. */
const CHANGED = '/changed';

// What docs/operating.md says, in seconds.
const STORE_TIMEOUT_SECS = 3;
const CONFIG_ACTIVE_SECS = 120;

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
  await bed.restart();
  bed.fault('KV fails, but for the config');
  await forAnHour(bed.steps, () => everybody(bed));
  bed.kv.instead = undefined;
  await bed.recovers();
};

/** Isolates begin that cannot read their config: nothing is let in, and the next request finds it once it is there. */
const withoutConfig = (fault, seconds) => async (bed) => {
  bed.kv.instead = fault(bed);
  bed.fault('KV fails, and isolates begin');
  await bed.restart();
  await bed.round(WITHOUT_CONFIG);
  bed.kv.instead = undefined;
  await bed.recovers(seconds);
};

/** What KV has, by namespace. */
const valuesOf = (bed) => Object.fromEntries(NAMESPACES.map((name) => [name, new Map(bed.kv.namespace(name))]));

/**
 * KV does not answer so many reads of a namespace by those who `ask`, and the gateway does without it in its time.
 *
 * @param {string} namespace
 * @param {number} reads
 * @param {(bed: any) => Promise<unknown>} ask
 */
const slow = (namespace, reads, ask) => async (bed) => {
  const held = holding();
  bed.kv.instead = (request, response) => request.namespace === namespace && held.instead(request, response);
  bed.fault('KV does not answer', namespace);
  const asked = ask(bed);
  await held.arrived(reads);
  await elapse(STORE_TIMEOUT_SECS);
  await asked;
  await bed.round();
  held.release();
  bed.kv.instead = undefined;
  await everybody(bed, { claim: CLAIMS.recovers });
  await bed.recovers();
};

const CASES = [
  { name: 'away', run: unnoticed(() => away) },
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
    run: slow('JWKS', 2, async (bed) => {
      await bed.restart();
      await Promise.all([0, 1].map(async (isolate) => bed.bear(await bed.mintOne(), [], { isolate })));
    }),
  },
  {
    name: 'slow while a config is read again',
    run: slow(CONFIG, 1, async (bed) => {
      await later(CONFIG_ACTIVE_SECS);
      await everybody(bed);
    }),
  },
  {
    name: 'slow where the tokens of an upstream are',
    run: slow('UPSTREAM_TOKENS', 1, async (bed) => {
      await bed.restart();
      await bed.bear(await bed.mintOne(), [], { at: OWN_TOKEN });
    }),
  },
  {
    name: 'stale, with the key set of before a rotation',
    async run(bed) {
      const before = valuesOf(bed);
      await later(UNKNOWN_KEY_SECS);
      await bed.provider.rotateKeys({ forgetOld: true });
      bed.kv.instead = stale(before);
      bed.fault('KV gives the key set of before');
      await bed.restart();
      await everybody(bed, { claim: CLAIMS.recovers });
      bed.kv.instead = undefined;
      await bed.recovers();
    },
  },
  {
    name: 'stale, with the config of before a change',
    async run(bed) {
      const values = bed.kv.namespace(CONFIG);
      const before = valuesOf(bed);
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

/** What anybody notices is done in each size. */
const LAST = [{ name: 'away while isolates begin', run: withoutConfig(() => away, 0) }];

/** @type {import('../row.mjs').Row} */
export default {
  name: 'kv-faults',
  group: 'What the gateway depends on',
  rank: 2,
  done: (size) =>
    doneText(
      `KV, which has key sets, tokens and the config: ${[...CASES, ...LAST].map(({ name }) => name).join('; ')}`,
      size,
    ),
  holds: Object.values(CLAIMS),
  sizes: {
    card: { sessions: 8, pages: 4, bearers: 4, steps: 8 },
    excerpt: { sessions: 2, pages: 1, bearers: 1, steps: 1, cases: 4 },
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
    return runCases(bed, CASES, LAST);
  },
};
