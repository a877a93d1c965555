// How other bindings fail, each a stand-in that obeys: Cloudflare's rate limiter, a Secrets Store, another Worker, the dataset of
// Analytics Engine, and the objects that count. A module that wraps the environment (chaos/gateway.mjs).

/** The text of the module. An order has a `binding` and how it fails: `away`, `hanging`, or `null` for not at all. */
export const BINDING_FAULTS = `
  const faults = new Map();
  const calls = new Map();

  const failing = (binding, work) => async (...given) => {
    calls.set(binding, (calls.get(binding) ?? 0) + 1);
    const kind = faults.get(binding);
    if (kind === 'away') throw new Error('internal error; reference = away');
    if (kind === 'hanging') return new Promise(() => {});
    return work(...given);
  };

  const stands = {
    LIMITER: () => ({ limit: failing('LIMITER', async () => ({ success: true })) }),
    CLIENT_SECRET: ({ CLIENT_SECRET }) => ({ get: failing('CLIENT_SECRET', async () => CLIENT_SECRET) }),
    BACKEND: () => ({ fetch: failing('BACKEND', async () => Response.json({ ok: true })) }),
    POINTS: () => ({
      writeDataPoint(point) {
        calls.set('POINTS', (calls.get('POINTS') ?? 0) + 1);
        if (faults.has('POINTS')) throw new TypeError('the dataset takes no points');
      },
    }),
    RATE_LIMITS: ({ RATE_LIMITS }) => ({
      getByName: (name) => ({ call: failing('RATE_LIMITS', (message) => RATE_LIMITS.getByName(name).call(message)) }),
    }),
  };

  export default (env) => {
    const own = { ...env };
    for (const [name, make] of Object.entries(stands)) own[name] = make(env);
    return own;
  };

  export const obey = ({ binding, kind }) => {
    const count = calls.get(binding) ?? 0;
    if (kind === undefined) return count;
    if (kind === null) faults.delete(binding);
    else faults.set(binding, kind);
    calls.set(binding, 0);
    return count;
  };
`;

/** @param {any} gateway @param {string} binding @param {'away' | 'hanging' | null} kind */
export const failBinding = (gateway, binding, kind) => gateway.order({ binding, kind });

/** How many calls a binding got since it began to fail, in all isolates. */
export async function callsOf(gateway, binding) {
  const counts = await gateway.order({ binding });
  return counts.reduce((sum, count) => sum + count, 0);
}
