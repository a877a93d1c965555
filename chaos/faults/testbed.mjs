// A gateway with what it depends on, and those who use it while something of that fails: people with sessions, pages with tokens of
// their own, machines with bearer tokens, and somebody whose credentials are not good. Each answer is judged here.

import { join } from 'node:path';
import { startApi } from '../../dev/api.mjs';
import { generateSigningKey } from '../../dev/tenant/keys.mjs';
import { later } from '../../tests/e2e/support/clock.mjs';
import { Browser } from '../../tests/e2e/support/harness.mjs';
import { boundToken, makeHolder, makeProof } from '../../tests/e2e/support/dpop.mjs';
import { clientsOf, inTurns } from '../clients.mjs';
import { startChaosGateway } from '../gateway.mjs';
import { startKv } from '../kv.mjs';
import {
  PRIVATE,
  REFRESH,
  chaosConfig,
  familiesOf,
  LoginFailed,
  logIn,
  logInAll,
  startProvider,
} from '../provider.mjs';
import { digest, withoutTokens } from '../timeline.mjs';

/** What must hold whatever fails, in the words of the table. */
export const CLAIMS = {
  noFalse401: '0 false 401',
  goesOn: 'what does not need it goes on',
  told: 'failures are problems with a documented code, and say when to try again',
  closed: 'no credential is accepted that would not be without the fault',
  recovers: 'all is well again within the documented time',
  kept: '0 logins lost',
};

/** What must hold besides where clients prove that they have the keys of their tokens. */
export const ONCE = '0 proofs taken twice';

/** The codes of problems that say when to try again. */
const WITH_RETRY_AFTER = new Set([
  'idp_unavailable',
  'idp_timeout',
  'idp_rate_limited',
  'store_unavailable',
  'rate_limited',
  'busy',
]);

/** Whether an answer says when to try again, if it is of those that do. @param {import('../clients.mjs').Answer} answer */
const saysWhen = ({ headers, body }) => !WITH_RETRY_AFTER.has(body?.code) || Number(headers['retry-after']) > 0;

/** A token that may be good, for all that the gateway knows: it is refused, or told to come back once the keys may be asked for. */
const UNKNOWN_KEY = 'signed with a key of a name that nobody knows';

/** How many requests are under way at a time. */
const AT_A_TIME = 24;
/** How long the tokens of the tests' providers live, and how long the provider takes a rotated refresh token again. */
export const ACCESS_TOKEN_SECS = 600;
export const OVERLAP_SECS = 60;

// What docs/operating.md says, in seconds: how soon a renewal is tried again, and the provider asked for an unknown key.
export const RENEWAL_RETRY_SECS = 5;
export const UNKNOWN_KEY_SECS = 30;

/** What everybody is told by an isolate that has no config. */
export const WITHOUT_CONFIG = Object.fromEntries(
  ['sessions', 'pages', 'bearers'].map((who) => [who, ['config_invalid']]),
);

/** The code of a proof that was used. */
const USED = 'invalid_dpop_proof';

/** A path of those who have bound tokens, and the name under which all isolates are called, so that one proof is for each of them. */
const BOUND = '/bound';
const HOST = 'gateway.example';

/** Addresses of clients, as Cloudflare names them. */
const addressOf = (number) => ({ 'cf-connecting-ip': `192.0.2.${number + 1}` });
const STRANGER = { 'cf-connecting-ip': '198.51.100.7' };

/**
 * @typedef {object} Expected what a round may be answered; nothing but success if a list is empty
 * @property {string[]} [sessions] codes
 * @property {string[]} [pages] codes of refreshes
 * @property {string[]} [bearers] codes
 * @property {string[]} [holders] codes
 * @property {string} [claim] the claim that success is of; by default that what does not need it goes on
 */

/**
 * Starts all of it, and logs everybody in.
 *
 * @param {import('../row.mjs').Run} run
 * @param {{ people: { sessions: number, pages: number, bearers: number, holders?: number }, provider?: Record<string, any>, config?: Record<string, any>, change?: (config: any, bed: any) => any, path?: string, gateway?: Record<string, any>, newBrowser?: () => Browser }} options
 *   `config` is as `chaosConfig` takes it, and `change` changes what comes of that; `path` is what the people use, and `newBrowser` makes
 *   what they log in with
 */
export async function startTestbed(
  { size, random, timeline, hold, folder },
  {
    people,
    provider: settings,
    config: how = {},
    change = (config) => config,
    path = PRIVATE,
    gateway: options = {},
    newBrowser = () => new Browser(),
  },
) {
  const provider = await startProvider(
    { accessTokenSeconds: ACCESS_TOKEN_SECS, rotationOverlapSeconds: OVERLAP_SECS, ...settings },
    timeline,
  );
  const [api, kv] = await Promise.all([startApi(), startKv()]);
  const parts = { provider, api, kv };
  const bound = { method: 'GET', path: BOUND, auth: { dpop: 'require' }, response: { ok: true } };
  const paths = [...(how.paths ?? []), ...(people.holders ? [bound] : [])];
  const config = change(chaosConfig(provider, api, { ...how, paths }), parts);
  const gateway = await startChaosGateway({
    folder: join(folder, 'gateway'),
    config,
    isolates: 2,
    clock: true,
    kv,
    timeline,
    logLevel: 'warn',
    ...options,
  });
  const isolates = options.isolates ?? 2;
  const clients = clientsOf(gateway, { timeline, connections: AT_A_TIME });
  const forged = { ...(await generateSigningKey('RS256')), kid: provider.keys[0].kid };
  const unknown = { ...(await generateSigningKey('RS256')), kid: 'of nobody' };
  const counts = { requests: 0, failures: 0, bad: 0, proofs: 0 };
  const holders = await Promise.all(Array.from({ length: people.holders ?? 0 }, () => makeHolder()));
  /** The proofs that were sent last, and how often each was taken. @type {{ number: number, headers: Record<string, string>, about: string, taken: number }[]} */
  let proofs = [];

  const [sessions, pages] = [[], []];
  const logInEverybody = async () => {
    const both = [
      await logInAll(gateway, provider, { count: people.sessions, isolates, name: 'session', newBrowser }),
      await logInAll(gateway, provider, { count: people.pages, isolates, withTokens: true, name: 'page', newBrowser }),
    ];
    sessions.splice(0, sessions.length, ...both[0]);
    pages.splice(0, pages.length, ...both[1]);
  };
  await logInEverybody();

  const lane = (kind, number) => `${kind} ${number}`;
  const bed = {
    ...parts,
    gateway,
    clients,
    config,
    sessions,
    pages,
    counts,
    random,
    hold,
    /** One of the sizes of the row; of its cases only `cases`, if it says so. */
    size,
    steps: size.steps,
    /** Notes a fault, and that it ends. */
    fault: (what, detail) => timeline.add('row', what, detail),
    anyIsolate: () => random.int(isolates),
    /** A token of nobody else. */
    mintOne: (how) => provider.mint({ jti: String(random.int(1e9)) }, how),
    /** The process is killed, and started again over what is stored. */
    async restart() {
      await gateway.kill();
      await gateway.start();
    },
    /** Everybody logs in again, where a case has let their logins end in time. */
    logInEverybody,

    /**
     * Judges the answer to a good credential: success, or a problem of one of these codes.
     *
     * @param {import('../clients.mjs').Answer} answer
     * @param {string[]} may
     * @param {{ claim?: string, about?: string, what?: string, ok?: number }} [how]
     */
    judge(answer, may, { claim = CLAIMS.goesOn, about, what = '', ok = 200 } = {}) {
      counts.requests += 1;
      const code = answer.body?.code;
      const detail = `${what} ${answer.status} ${code ?? answer.error ?? withoutTokens(answer.text).slice(0, 100)} ${answer.body?.request_id ?? ''}`;
      hold(CLAIMS.noFalse401, answer.status !== 401, detail, about);
      if (answer.status === ok) {
        if (!may.length) hold(claim, true);
        return true;
      }
      counts.failures += 1;
      if (!may.length) {
        hold(claim, false, detail, about);
        return false;
      }
      const isTold =
        may.includes(code) && answer.headers['content-type'] === 'application/problem+json' && saysWhen(answer);
      hold(CLAIMS.told, isTold, `${detail}, expected ${may.join(' or ')}`, about);
      return false;
    },

    /**
     * Makes a request with a session.
     *
     * @param {number} number
     * @param {string[]} may
     * @param {{ claim?: string, isolate?: number, at?: string }} [how]
     */
    async useSession(number, may, { claim, isolate = bed.anyIsolate(), at = path } = {}) {
      const { cookie, about } = sessions[number];
      const headers = { ...addressOf(number), cookie, 'sec-fetch-site': 'same-origin' };
      const answer = await clients.ask(at, { isolate, headers, lane: lane('session', number), about });
      return bed.judge(answer, may, { claim, about, what: 'session' });
    },

    /**
     * Refreshes the tokens of a page, which keeps those that it has unless it gets others.
     *
     * @param {number} number
     * @param {string[]} may
     * @param {{ claim?: string, isolate?: number }} [how]
     */
    async refresh(number, may, { claim, isolate = bed.anyIsolate() } = {}) {
      const { tokens, about } = pages[number];
      const headers = { ...addressOf(100 + number), 'x-refresh-token': tokens.refresh_token };
      const answer = await clients.ask(REFRESH, {
        isolate,
        method: 'POST',
        headers,
        lane: lane('page', number),
        about,
      });
      const isDone = bed.judge(answer, may, { claim, about, what: 'refresh' });
      if (isDone) Object.assign(tokens, answer.body);
      return isDone;
    },

    /**
     * Makes a request with a bearer token.
     *
     * @param {string} token
     * @param {string[]} may
     * @param {{ claim?: string, isolate?: number, number?: number, at?: string }} [how]
     */
    async bear(token, may, { claim, isolate = bed.anyIsolate(), number = 0, at = path } = {}) {
      const headers = { ...addressOf(200 + number), authorization: `Bearer ${token}` };
      const answer = await clients.ask(at, { isolate, headers, lane: lane('machine', number), about: digest(token) });
      return bed.judge(answer, may, { claim, about: digest(token), what: 'bearer' });
    },

    /** Somebody makes a request with a bound token and its proof, at an isolate. */
    async showProof({ number, headers, about }, isolate) {
      return clients.ask(BOUND, { isolate, headers, lane: lane('holder', number), about });
    },

    /**
     * Each holder sends a proof to every isolate at once. One of them takes it, or while nobody can say whether it was used, none.
     *
     * @param {string[]} may
     * @param {{ claim?: string }} [how]
     */
    async prove(may, { claim } = {}) {
      proofs = await Promise.all(
        holders.map(async (holder, number) => {
          const token = await boundToken(provider, holder);
          const dpop = await makeProof(holder, token, `http://${HOST}${BOUND}`);
          const headers = { ...addressOf(300 + number), authorization: `DPoP ${token}`, dpop, host: HOST };
          return { number, headers, about: digest(dpop), taken: 0 };
        }),
      );
      await inTurns(proofs, AT_A_TIME, async (proof) => {
        const everywhere = Array.from({ length: isolates }, (_, isolate) => bed.showProof(proof, isolate));
        const answers = await Promise.all(everywhere);
        proof.taken = answers.filter(({ status }) => status === 200).length;
        counts.proofs += proof.taken;
        const { about } = proof;
        hold(ONCE, proof.taken <= 1, `${proof.taken} of ${isolates} isolates have taken it`, about);
        for (const answer of answers) {
          const { status, headers, body } = answer;
          // Where one has taken it, the others say that it was used.
          if (!may.length && proof.taken === 1 && status !== 200) {
            const isUsed =
              status === 401 && body?.code === USED && String(headers['www-authenticate']).startsWith('DPoP ');
            counts.requests += 1;
            hold(claim ?? CLAIMS.goesOn, isUsed, `proof ${status} ${body?.code ?? answer.error ?? ''}`, about);
            continue;
          }
          // What nobody can say was used is not let in, and is not called used.
          const isTaken = bed.judge(answer, may, { claim, about, what: 'proof' });
          if (may.length) hold(CLAIMS.closed, !isTaken, 'a proof of which nobody could say whether it was used', about);
        }
      });
    },

    /** The proofs that were sent last are sent again, to every isolate, and none is taken that was. */
    async replay() {
      const asked = proofs.flatMap((proof) => Array.from({ length: isolates }, (_, isolate) => ({ proof, isolate })));
      await inTurns(random.shuffle(asked), AT_A_TIME, async ({ proof, isolate }) => {
        const { status, body } = await bed.showProof(proof, isolate);
        counts.bad += 1;
        if (status === 200) proof.taken += 1;
        hold(ONCE, proof.taken <= 1, { status, code: body?.code }, proof.about);
      });
    },

    /** Makes requests with credentials that are not good. */
    async tryBad() {
      const now = Math.floor(Date.now() / 1000);
      const none = [
        { alg: 'none', typ: 'JWT' },
        { iss: provider.issuer, sub: 'x', aud: provider.settings.audience, exp: now + 600 },
      ];
      const unsigned = `${none.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
      const tokens = {
        'signed with another key under a known name': await provider.mint({}, { key: forged }),
        [UNKNOWN_KEY]: await provider.mint({}, { key: unknown }),
        'of no signature': unsigned,
        expired: await provider.mint({ iat: now - 14_400, exp: now - 10_800 }),
        'for another audience': await provider.mint({ aud: 'https://other.example/' }),
        'of another issuer': await provider.mint({ iss: 'https://other.example/' }),
      };
      const cookie = random.pick(sessions).cookie;
      const at = cookie.indexOf('=') + 30;
      const altered = `${cookie.slice(0, at)}${cookie[at] === 'A' ? 'B' : 'A'}${cookie.slice(at + 1)}`;
      /** @typedef {[string, string, 'GET' | 'POST', Record<string, string>]} Bad */
      /** @returns {Bad} */
      const bearing = (what, token) => [what, path, 'GET', { authorization: `Bearer ${token}` }];
      /** @type {Bad[]} */
      const asked = [
        ...Object.entries(tokens).map(([what, token]) => bearing(what, token)),
        ['a cookie of another key', path, 'GET', { cookie: altered, 'sec-fetch-site': 'same-origin' }],
        ['nothing', path, 'GET', {}],
      ];
      if (holders.length) {
        const token = await boundToken(provider, holders[0]);
        const dpop = await makeProof(await makeHolder(), token, `http://${HOST}${BOUND}`);
        const authorization = `DPoP ${token}`;
        asked.push(
          ['a bound token without a proof', BOUND, 'GET', { authorization, host: HOST }],
          ['a bound token with a proof by another key', BOUND, 'GET', { authorization, dpop, host: HOST }],
        );
      }
      if (pages.length)
        asked.push(['a made-up refresh token', REFRESH, 'POST', { 'x-refresh-token': `made-up-${random.int(1e9)}` }]);
      await inTurns(asked, AT_A_TIME, async ([what, to, method, headers]) => {
        const answer = await clients.ask(to, {
          isolate: bed.anyIsolate(),
          method,
          headers: { ...STRANGER, ...headers },
          lane: 'stranger',
        });
        counts.bad += 1;
        const detail = `${what}: ${answer.status} ${withoutTokens(answer.text).slice(0, 100)}`;
        const isRefused = answer.status >= 400 && (what !== UNKNOWN_KEY || answer.status === 401 || saysWhen(answer));
        hold(CLAIMS.closed, isRefused, detail);
      });
    },

    /**
     * Everybody makes a request, in an order of the seed.
     *
     * @param {Expected} [expected]
     */
    async round({
      sessions: ofSessions = [],
      pages: ofPages = [],
      bearers: ofBearers = [],
      holders: ofHolders = [],
      claim,
    } = {}) {
      const tokens = await Promise.all(Array.from({ length: people.bearers }, () => bed.mintOne()));
      const asked = [
        ...sessions.map((_, number) => () => bed.useSession(number, ofSessions, { claim })),
        ...pages.map((_, number) => () => bed.refresh(number, ofPages, { claim })),
        ...tokens.map((token, number) => () => bed.bear(token, ofBearers, { claim, number })),
      ];
      const all = inTurns(random.shuffle(asked), AT_A_TIME, (ask) => ask());
      await Promise.all([all, bed.prove(ofHolders, { claim }), bed.tryBad()]);
    },

    /** All is well again after so many seconds. */
    async recovers(seconds = 0) {
      timeline.add('row', 'has ended', { documented: `${seconds} s` });
      if (seconds) await later(seconds);
      await bed.round({ claim: CLAIMS.recovers });
      await bed.logsIn();
    },

    /**
     * Somebody logs in, whose session is good; or who is told one of these codes instead.
     *
     * @param {string[]} [may]
     */
    async logsIn(may = []) {
      const email = `later-${random.int(1e9)}@example.com`;
      const origin = gateway.origins[bed.anyIsolate()];
      const login = await logIn(origin, provider, { email, browser: newBrowser() }).catch((error) => error);
      if (may.length && login instanceof LoginFailed) return void bed.judge(login.answer, may, { what: 'login' });
      if (!hold(CLAIMS.recovers, !(login instanceof Error), `a login: ${login.message}`)) return;
      sessions.push(login);
      await bed.useSession(sessions.length - 1, [], { claim: CLAIMS.recovers });
      sessions.pop();
    },

    /** Nobody has lost a login, by the word of the gateway and of the provider. */
    async nobodyLost() {
      await later(ACCESS_TOKEN_SECS + 1);
      await bed.round({ claim: CLAIMS.kept });
      const families = familiesOf(provider);
      for (const { about } of [...sessions, ...pages]) {
        const family = families.get(about);
        hold(CLAIMS.kept, family && !family.revoked, `the family of ${about} is revoked`, about);
      }
      hold(CLAIMS.kept, provider.reused() === 0, 'a refresh token was used again');
    },

    async close() {
      await clients.close();
      await gateway.close();
      await Promise.all([provider.close(), api.close(), kv.close()]);
    },
  };
  return bed;
}

/**
 * What is done in a row: its cases, and who uses the gateway meanwhile.
 *
 * @param {string} what
 * @param {{ sessions: number, pages: number, bearers: number, holders?: number, cases?: number }} size
 * @param {number} [isolates]
 */
export const doneText = (what, { sessions, pages, bearers, holders, cases }, isolates = 2) =>
  `${what}. ${cases ? `${cases} of these, each` : 'Each'} with ${sessions} sessions, ${pages} pages${holders ? `, ${holders} holders of bound tokens` : ''} and ${bearers} machines over ${isolates} isolates`;

/**
 * Runs the cases of a row one after the other, in an order of the seed, and gives the figures of the table.
 *
 * @param {any} bed
 * @param {{ name: string, run: (bed: any) => Promise<void> }[]} cases
 * @param {typeof cases} [last] those that come last, in this order
 */
export async function runCases(bed, cases, last = []) {
  const chosen = [...bed.random.shuffle(cases).slice(0, bed.size.cases), ...last];
  try {
    for (const { name, run } of chosen) {
      bed.fault(`case: ${name}`);
      await bed.round();
      await run(bed);
    }
    await bed.nobodyLost();
    const { requests, failures, bad, proofs } = bed.counts;
    return {
      cases: chosen.length,
      requests,
      'answered by a problem': failures,
      ...(proofs && { 'proofs taken': proofs }),
      'bad credentials tried': bad,
    };
  } finally {
    await bed.close();
  }
}

/** Everything but success that a row of sessions, refreshes or bearers may be answered, while the provider fails. */
export const PROVIDER_AWAY = {
  sessions: ['idp_unavailable'],
  pages: ['idp_unavailable', 'idp_timeout', 'idp_error'],
};
