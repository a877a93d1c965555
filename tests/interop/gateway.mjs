// Starts a gateway for a real provider: the config is a file of examples/providers, and every call that leaves the
// gateway goes to its destination and is recorded.

import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATIENCE_MS, ROOT, freePort, startGateway } from '../e2e/support/harness.mjs';

/** The longest time for late duplicates, so that no step depends on how fast the machine is. */
const GRACE_SECS = 60;
/** The longest life of a session: the clock is moved to the end of access tokens, some of which live for days. */
const LIFE_MAX_SECS = 34_560_000;
/** Integrations that a config without `session` cannot have. */
const OF_SESSIONS = ['auth0', 'oidc'].flatMap((provider) =>
  ['logout', 'backchannel_logout', 'frontchannel_logout'].map((step) => `${provider}_${step}`),
);

/** Chooses the address of a gateway before it starts, because a provider has to know it first. */
export async function choosePlace() {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  return {
    port,
    origin,
    redirectUri: `${origin}/auth/callback`,
    afterLogout: `${origin}/`,
    backchannel: `${origin}/auth/backchannel-logout`,
  };
}

/** The folder of the configs. */
export const EXAMPLES = join(ROOT, 'examples', 'providers');

/** Reads a file of that folder. */
export const exampleConfig = (file) => JSON.parse(readFileSync(join(EXAMPLES, file), 'utf8'));

/** Returns the config for pages that hold their tokens: the same without the session, and without what needs one. */
export function withoutSession({ session, paths, ...config }) {
  const others = paths.filter(({ integration }) => !OF_SESSIONS.includes(integration?.type));
  return {
    ...config,
    paths: others.map((path) => {
      if (!path.integration) return path;
      const { source, ...integration } = path.integration;
      return { ...path, integration };
    }),
  };
}

function unhurried({ authorizer, session, ...config }) {
  if (!authorizer.redirect_uri) return { ...config, authorizer };
  const grace = { rotation_grace_seconds: GRACE_SECS };
  const lasting = { idle_seconds: LIFE_MAX_SECS, absolute_seconds: LIFE_MAX_SECS };
  return {
    ...config,
    authorizer: { ...authorizer, ...grace },
    ...(session && { session: { ...session, ...grace, ...lasting } }),
  };
}

/**
 * Starts a gateway at a chosen address. `send` carries calls to the provider, instead of `fetch`.
 * @param {any} config
 * @param {{ place: any, bindings: Record<string, string> }} how
 */
export async function startObservedGateway(config, { place, bindings }) {
  const calls = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  const gateway = await startGateway({
    config: unhurried(config),
    port: place.port,
    clock: 'runs',
    bindings: { ...bindings, REDIRECT_URI: place.redirectUri },
    async outbound(request) {
      const call = await carry(request);
      calls.push(call);
      arrivals.emit('call');
      return new Response(call.text || null, { status: call.status, headers: call.headers });
    },
  });
  return {
    ...gateway,
    place,
    /** Every call that left the gateway, with its answer. */
    calls,
    /** Resolves with the first call for which `wanted` is true, now or when it is made. */
    async call(wanted) {
      for (;;) {
        const found = calls.find(wanted);
        if (found) return found;
        await once(arrivals, 'call', { signal: AbortSignal.timeout(PATIENCE_MS) });
      }
    },
    /** Returns the last token response with this member. */
    lastGiven: (member) =>
      calls
        .map(({ text }) => parse(text)?.[member])
        .filter((value) => typeof value === 'string')
        .at(-1),
  };
}

/** Sends a request unchanged, and returns it with its answer. */
async function carry(request) {
  const body = await request.text();
  const headers = Object.fromEntries(request.headers);
  const { method, url } = request;
  const response = await fetch(url, { method, headers, body: body || undefined, redirect: 'manual' });
  const answered = new Headers(response.headers);
  // `fetch` has undone both.
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) answered.delete(name);
  return {
    method,
    url,
    sent: headers,
    body: new URLSearchParams(body),
    status: response.status,
    headers: answered,
    text: await response.text(),
  };
}

/** Returns the value of a JSON text, or `undefined`. */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
