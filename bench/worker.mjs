// What a request costs in the Worker: CPU time of one workerd process per request, for a bare JavaScript handler and for
// Bargate's ways of answering, side by side in one run and reported as ratios to the bare handler. Linux only (/proc).
// `make bench` runs it on the bundle that a deployment would upload.

import { readFileSync, readdirSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { DEFAULT_AUDIENCE, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../dev/tenant.mjs';
import { Browser, compatibilityDate, startGateway } from '../tests/e2e/support/harness.mjs';

const REQUESTS = 4_000;
const ROUNDS = 5;
const CONNECTIONS = 8;
const MICROSECONDS_PER_TICK = 10_000;

const CALLBACK = '/callback';
const REDIRECT_URI = `http://127.0.0.1:8787${CALLBACK}`;

const BARE = `export default {
  fetch() {
    return new Response('{"status":"ok"}', { headers: { 'content-type': 'application/json' } });
  },
};`;

/** The processes that this one has started, and those that they have. */
function descendants(parent = process.pid) {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[1]) === parent;
      } catch {
        return false;
      }
    })
    .map(Number);
  return children.flatMap((pid) => [pid, ...descendants(pid)]);
}

function cpuTicks(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Starts what `start` starts and finds the workerd process that came with it. */
async function started(start) {
  const before = new Set(descendants());
  const gateway = await start();
  const pid = descendants().find((child) => {
    return !before.has(child) && readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'workerd';
  });
  return { gateway, pid };
}

function send(agent, url, headers) {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { agent, headers }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode));
    });
    request.once('error', reject).end();
  });
}

/** Sends the requests and gives the CPU time of `pid` for each, in microseconds. */
async function measure({ pid, url, headers, status }) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const before = cpuTicks(pid);
  let left = REQUESTS;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (left-- > 0) {
        const answered = await send(agent, url, headers);
        if (answered !== status) throw new Error(`${url} answered ${answered}, not ${status}`);
      }
    }),
  );
  agent.destroy();
  return ((cpuTicks(pid) - before) * MICROSECONDS_PER_TICK) / REQUESTS;
}

const tenant = await startTenant({ accessTokenSeconds: 3600, redirectUris: [REDIRECT_URI] });
const config = {
  authorizer: {
    type: 'auth0',
    domain: tenant.origin,
    client_id: DEFAULT_CLIENT_ID,
    client_secret: DEFAULT_CLIENT_SECRET,
    audience: DEFAULT_AUDIENCE,
    redirect_uri: REDIRECT_URI,
    scope: 'openid offline_access',
  },
  session: {},
  paths: [
    { method: 'GET', path: '/login', integration: { type: 'auth0_login' } },
    { method: 'GET', path: CALLBACK, integration: { type: 'auth0_callback' } },
    { method: 'GET', path: '/open', response: { status: 'ok' } },
    { method: 'GET', path: '/protected', auth: true, response: { status: 'ok' } },
  ],
};
const bare = await started(async () => {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'bare.mjs', contents: BARE }],
      compatibilityDate,
      host: '127.0.0.1',
      port: 0,
    }),
  );
  return { origin: (await miniflare.ready).origin, close: () => miniflare.dispose() };
});
const bargate = await started(() => startGateway({ config }));
const authorization = `Bearer ${await tenant.mint({})}`;
const { origin } = bargate.gateway;
const browser = new Browser();
const callback = await browser.logInUntilCallback(`${origin}/login`);
await browser.fetch(new URL(new URL(callback).search, origin + CALLBACK));
const cookie = `bargate=${browser.cookies(origin).get('bargate')}`;
const cases = [
  { name: 'bare JavaScript handler', pid: bare.pid, url: `${bare.gateway.origin}/`, status: 200 },
  { name: 'Bargate, fixed answer', pid: bargate.pid, url: `${origin}/open`, status: 200 },
  { name: 'Bargate, no such path', pid: bargate.pid, url: `${origin}/none`, status: 404 },
  { name: 'Bargate, token missing', pid: bargate.pid, url: `${origin}/protected`, status: 401 },
  {
    name: 'Bargate, token seen before',
    pid: bargate.pid,
    url: `${origin}/protected`,
    headers: { authorization },
    status: 200,
  },
  {
    name: 'Bargate, session seen before',
    pid: bargate.pid,
    url: `${origin}/protected`,
    headers: { cookie },
    status: 200,
  },
];

const best = new Map(cases.map(({ name }) => [name, Infinity]));
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const one of cases) {
    const cost = await measure(one);
    // The first round warms up.
    if (round > 0) best.set(one.name, Math.min(best.get(one.name), cost));
  }
}
const base = best.get(cases[0].name);
console.log(`\nCPU of workerd per request, best of ${ROUNDS} rounds of ${REQUESTS} requests`);
for (const [name, cost] of best) {
  console.log(`${name.padEnd(30)} ${cost.toFixed(0).padStart(5)} us   ${(cost / base).toFixed(2)} x`);
}
await Promise.all([bare.gateway.close(), bargate.gateway.close(), tenant.close()]);
