// The provider fails in every way that providers fail, while people have sessions, pages refresh their tokens and machines send theirs.

import { elapse, later } from '../../tests/e2e/support/clock.mjs';
import { Browser, until } from '../../tests/e2e/support/harness.mjs';
import { forAnHour } from '../faults/hour.mjs';
import { startTls } from '../faults/tls.mjs';
import {
  ACCESS_TOKEN_SECS,
  CLAIMS,
  OVERLAP_SECS,
  RENEWAL_RETRY_SECS,
  UNKNOWN_KEY_SECS,
  doneText,
  runCases,
  startTestbed,
} from '../faults/testbed.mjs';
import { TOKEN_ENDPOINT } from '../provider.mjs';

const KEY_SET = '/.well-known/jwks.json';
const DISCOVERY = '/.well-known/openid-configuration';
/** What the gateway asks the provider for. */
const PATHS = [TOKEN_ENDPOINT, KEY_SET, DISCOVERY, '/userinfo', '/oauth/revoke'];

/** Paths whose tokens are of issuers that are known otherwise. */
const DISCOVERED = '/discovered';
const BEHIND_TLS = '/behind-tls';

// What docs/operating.md says of each, in seconds.
const KEYS_FRESH_SECS = 600;
const KEYS_RETRY_SECS = 10;

/** A token is renewed so long before it expires, and a while before that it is due already. */
const DUE_SECS = 20;

/** A provider that takes this long is in time. */
const SLOW_SECS = 9.9;
/** And one that takes longer than this is not. */
const TIMEOUT_SECS = 10;

const AWAY = { sessions: ['idp_unavailable'], pages: ['idp_unavailable'] };
const FAILING = { sessions: ['idp_unavailable'], pages: ['idp_error'] };
const LIMITING = { sessions: ['idp_rate_limited'], pages: ['idp_rate_limited'] };

const failAll = (bed, fault) => PATHS.map((path) => bed.provider.fault({ path, ...fault }));

/** Lets an hour pass in which the provider answers everything with a fault. */
const forAnHourOf = (fault, expected) => async (bed) => {
  failAll(bed, fault);
  bed.fault('begins', fault);
  await forAnHour(bed.steps, () => bed.round(expected));
  bed.provider.clearFaults();
  await bed.recovers(RENEWAL_RETRY_SECS);
};

/** Makes requests while the provider holds what is asked of it for so long; gives what came of them. */
async function slowly(bed, path, arrivals, seconds, ask) {
  const hold = bed.provider.hold(path);
  const asked = ask();
  await hold.arrived(arrivals);
  bed.fault(`${path} takes ${seconds} s`);
  await elapse(seconds);
  hold.release();
  return asked;
}

/**
 * Connections to the provider are reset, first while the access tokens still live, and then for some steps at most within its overlap.
 *
 * @param {import('../faults/tls.mjs').Moment} moment
 * @param {number} [most]
 */
const resetting = (moment, most) => async (bed) => {
  await later(ACCESS_TOKEN_SECS - DUE_SECS);
  const { resets } = bed.tls;
  bed.tls.reset(moment);
  bed.fault('connections are reset', moment);
  // A session has its token until that has expired.
  await bed.round({ pages: AWAY.pages });
  await bed.logsIn(AWAY.pages);
  await later(DUE_SECS + 1);
  for (let step = 0; step < (most ?? bed.steps); step += 1) {
    await bed.round(AWAY);
    await bed.logsIn(AWAY.pages);
    await later(RENEWAL_RETRY_SECS);
  }
  bed.hold(CLAIMS.told, bed.tls.resets > resets, 'no connection was reset');
  bed.tls.reset(undefined);
  await bed.recovers(RENEWAL_RETRY_SECS);
};

const CASES = [
  {
    name: 'away for an hour, and the gateway is started again meanwhile',
    async run(bed) {
      failAll(bed, { kind: 'reset' });
      bed.fault('the provider is away');
      const restart = bed.random.int(bed.steps);
      await forAnHour(bed.steps, async (step) => {
        if (step === restart) await bed.restart();
        await bed.round(AWAY);
      });
      bed.provider.clearFaults();
      await bed.recovers(RENEWAL_RETRY_SECS);
    },
  },
  {
    name: 'flapping',
    async run(bed) {
      await forAnHour(bed.steps, async () => {
        bed.provider.clearFaults();
        const isAway = bed.random.chance(0.5);
        if (isAway) failAll(bed, bed.random.pick([{ kind: 'reset' }, { kind: 'status', status: 503 }]));
        bed.fault(isAway ? 'the provider is away' : 'the provider is there');
        const may = { sessions: ['idp_unavailable'], pages: ['idp_unavailable', 'idp_error'] };
        await bed.round(isAway ? may : {});
      });
      bed.provider.clearFaults();
      await bed.recovers(RENEWAL_RETRY_SECS);
    },
  },
  {
    name: `${SLOW_SECS} s slow`,
    async run(bed) {
      await later(ACCESS_TOKEN_SECS + 1);
      const everybody = [...bed.sessions.keys()];
      await slowly(bed, TOKEN_ENDPOINT, everybody.length + bed.pages.length, SLOW_SECS, () =>
        Promise.all([
          ...everybody.map((number) => bed.useSession(number, [])),
          ...bed.pages.map((_, number) => bed.refresh(number, [])),
        ]),
      );
      // Keys are renewed behind an answer, which waits for nothing. A renewal that is on its way still makes them fresh once more.
      const hold = bed.provider.hold(KEY_SET);
      let isHeld = false;
      hold.arrived().then(() => (isHeld = true));
      await until(async () => {
        await later(KEYS_FRESH_SECS + 1);
        await bed.bear(await bed.mintOne(), [], { isolate: 0 });
        return isHeld;
      });
      await elapse(SLOW_SECS);
      await bed.bear(await bed.mintOne(), [], { isolate: 0 });
      hold.release();
      await bed.recovers();
    },
  },
  {
    name: 'slower than the time-out',
    async run(bed) {
      await later(ACCESS_TOKEN_SECS + 1);
      const everybody = [...bed.sessions.keys()];
      const late = { sessions: ['idp_unavailable'], pages: ['idp_timeout', 'idp_unavailable'] };
      await slowly(bed, TOKEN_ENDPOINT, everybody.length + bed.pages.length, TIMEOUT_SECS, async () => {
        const asked = [
          ...everybody.map((number) => bed.useSession(number, late.sessions)),
          ...bed.pages.map((_, number) => bed.refresh(number, late.pages)),
        ];
        return Promise.all(asked);
      });
      await bed.recovers(RENEWAL_RETRY_SECS);
    },
  },
  {
    name: 'a storm of 429',
    run: forAnHourOf({ kind: 'status', status: 429, headers: { 'retry-after': '7' } }, LIMITING),
  },
  { name: 'answers 500', run: forAnHourOf({ kind: 'status', status: 500 }, FAILING) },
  { name: 'answers a page', run: forAnHourOf({ kind: 'html' }, FAILING) },
  { name: 'bodies that are half of JSON', run: forAnHourOf({ kind: 'malformed' }, FAILING) },
  { name: 'connections that break off in the middle of a body', run: forAnHourOf({ kind: 'cut' }, AWAY) },
  {
    name: 'it acts, and the answer breaks off in the middle, within its overlap',
    async run(bed) {
      await later(ACCESS_TOKEN_SECS + 1);
      bed.provider.fault({ path: TOKEN_ENDPOINT, kind: 'cut', after: true });
      await bed.round(AWAY);
      await later(OVERLAP_SECS / 2);
      bed.provider.clearFaults();
      await bed.recovers(RENEWAL_RETRY_SECS);
    },
  },
  {
    name: 'TLS that is reset, with the keys that KV has',
    async run(bed) {
      const { resets } = bed.brokenTls;
      for (const isolate of [0, 1]) await bed.bear(await bed.mintForTls(), [], { at: BEHIND_TLS, isolate });
      await forAnHour(bed.steps, async () => bed.bear(await bed.mintForTls(), [], { at: BEHIND_TLS }));
      bed.hold(CLAIMS.goesOn, bed.brokenTls.resets > resets, 'the keys were not asked for');
    },
  },
  { name: 'TLS that is reset in the handshake, under logins and renewals', run: resetting('handshake') },
  { name: 'TLS that is reset once a request has come', run: resetting('asked') },
  { name: 'TLS that is reset once the provider has acted, within its overlap', run: resetting('answering', 1) },
  {
    name: 'keys rotated, and announced',
    async run(bed) {
      await later(UNKNOWN_KEY_SECS);
      const before = await bed.mintOne();
      await bed.provider.rotateKeys();
      bed.fault('the provider has another key, and publishes both');
      await bed.bear(before, []);
      await bed.round({ claim: CLAIMS.recovers });
      await bed.bear(before, []);
    },
  },
  {
    name: 'keys rotated without a word',
    async run(bed) {
      await later(UNKNOWN_KEY_SECS);
      await bed.provider.rotateKeys({ forgetOld: true });
      bed.fault('the provider has another key, and no longer the one before');
      await bed.round({ claim: CLAIMS.recovers });
    },
  },
  {
    name: 'keys rotated without a word, again and again',
    async run(bed) {
      await later(UNKNOWN_KEY_SECS);
      for (let step = 0; step < bed.steps; step += 1) {
        await bed.provider.rotateKeys({ forgetOld: true });
        bed.fault('the provider has another key');
        // Nobody knows yet whether this key exists: it is too soon to ask.
        const early = ['idp_unavailable'];
        await bed.round({ sessions: early, bearers: early });
      }
      await bed.recovers(UNKNOWN_KEY_SECS);
    },
  },
  {
    name: 'keys rotated without a word while the provider cannot be reached',
    async run(bed) {
      await later(UNKNOWN_KEY_SECS);
      await bed.provider.rotateKeys({ forgetOld: true });
      failAll(bed, { kind: 'reset' });
      bed.fault('the provider has another key, and is away');
      await bed.round({ ...AWAY, bearers: ['idp_unavailable'] });
      bed.provider.clearFaults();
      await bed.recovers(UNKNOWN_KEY_SECS);
    },
  },
  {
    name: 'its discovery document is of another issuer, by mistake',
    async run(bed) {
      for (const isolate of [0, 1]) await bed.bear(await bed.mintOne(), [], { at: DISCOVERED, isolate });
      const edit = (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), issuer: 'https://other.example' } });
      bed.provider.fault({ path: DISCOVERY, edit });
      bed.fault('the discovery document names another issuer');
      await forAnHour(bed.steps, async () => bed.bear(await bed.mintOne(), [], { at: DISCOVERED }));
      bed.provider.clearFaults();
      await later(KEYS_RETRY_SECS);
      await bed.bear(await bed.mintOne(), [], { at: DISCOVERED, claim: CLAIMS.recovers });
    },
  },
  {
    name: 'its tokens are of another issuer, by mistake',
    async run(bed) {
      const iss = 'https://other.example/';
      const other = async (token) => token && bed.provider.mint({ ...claimsOf(token), iss });
      const edit = async (answer) => {
        const body = JSON.parse(answer.body);
        if (!body.access_token) return answer;
        const [access_token, id_token] = [await other(body.access_token), await other(body.id_token)];
        return { ...answer, body: { ...body, access_token, id_token } };
      };
      bed.provider.fault({ path: TOKEN_ENDPOINT, edit });
      bed.fault('the tokens name another issuer');
      // A page gets what the provider gives, and its refresh token is good whatever the token beside it says.
      await forAnHour(bed.steps, () => bed.round({ sessions: ['idp_unavailable'], pages: [] }));
      bed.provider.clearFaults();
      await bed.recovers(RENEWAL_RETRY_SECS);
    },
  },
];

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString('utf8'));

/** @type {import('../row.mjs').Row} */
export default {
  name: 'provider-faults',
  group: 'What the gateway depends on',
  rank: 1,
  done: (size) => doneText(`The provider: ${CASES.map(({ name }) => name).join('; ')}`, size),
  holds: Object.values(CLAIMS),
  sizes: {
    card: { sessions: 10, pages: 5, bearers: 5, steps: 12 },
    excerpt: { sessions: 3, pages: 1, bearers: 1, steps: 2, cases: 7 },
  },
  async run(run) {
    const { sessions, pages, bearers } = run.size;
    const [tls, brokenTls] = [await startTls(), await startTls()];
    brokenTls.reset('handshake');
    const keySetBehindTls = `${brokenTls.origin}/keys`;
    /** Whose pages are the provider's own: what is in front of that is for the gateway. */
    class PagesWithoutTls extends Browser {
      fetch(url, init) {
        return super.fetch(String(url).replace(tls.origin, tls.leadsTo), init);
      }
    }
    const bed = await startTestbed(run, {
      people: { sessions, pages, bearers },
      gateway: { trusted: [tls.cert] },
      newBrowser: () => new PagesWithoutTls(),
      change({ authorizer, ...config }, { provider, kv }) {
        const { issuer, settings, origin } = provider;
        tls.leadsTo = origin;
        const stored = { fetched_at: Math.floor(Date.now() / 1000), document: JSON.stringify(provider.keySet()) };
        kv.namespace('JWKS').set(`jwks:${keySetBehindTls}`, JSON.stringify(stored));
        const authorizers = {
          people: { ...authorizer, domain: new URL(tls.origin).host, issuer },
          discovered: { type: 'oidc', issuer, audience: settings.audience },
          behind_tls: { type: 'jwt', issuer, audience: settings.audience, jwks_uri: keySetBehindTls },
        };
        const open = (path, auth) => ({ method: 'GET', path, auth, response: { ok: true } });
        const paths = [...config.paths, open(DISCOVERED, 'discovered'), open(BEHIND_TLS, 'behind_tls')];
        return { ...config, authorizers, paths };
      },
    });
    // This issuer's keys are those of the beginning, and signed by no other.
    const [key] = bed.provider.keys;
    Object.assign(bed, { tls, brokenTls, mintForTls: () => bed.mintOne({ key }) });
    try {
      return await runCases(bed, CASES);
    } finally {
      await Promise.all([tls.close(), brokenTls.close()]);
    }
  },
};
