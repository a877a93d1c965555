// How Durable Objects fail, as calls to them see it: a module that wraps the environment (chaos/gateway.mjs), and the orders to it.

/**
 * The kinds of faults. `away`: no object is reached. `overloaded`: the object takes no more calls, as Cloudflare's runtime says it with
 * `overloaded`. `moved`: the object has acted, and the connection is lost before the answer. `restarted`: it is lost before the object is
 * reached. `later build` and `earlier build`: the answer has members that are not known here, or lacks those that came last. `hanging`:
 * nothing comes. `slow`: all of it comes, after `SLOW_SECS`. An answer that is one word is another word of a later build, and an earlier one
 * does not have its class.
 *
 * @typedef {'away' | 'overloaded' | 'moved' | 'restarted' | 'later build' | 'earlier build' | 'hanging' | 'slow'} Kind
 */

/** How slow an object is that is in time: each has three seconds and more. */
export const SLOW_SECS = 2.5;

/** Members of answers that builds have added since the first one that was deployed. */
const LATER_MEMBERS = ['acr', 'auth_time', 'replaced'];

/** The text of the module. An order has a `binding` and a `kind`, or `null` for none; with `once` only the first of two like calls fails. */
export const OBJECT_FAULTS = `
  const faults = new Map();
  const calls = new Map();

  const thrown = (message, properties) => Object.assign(new Error(message), { remote: true, ...properties });
  const overloaded = () =>
    thrown('Durable Object is overloaded. Requests queued for too long.', { overloaded: true, retryable: true });
  const lost = () => thrown('Network connection lost.', { retryable: true });

  const isWord = (answer) => typeof answer === 'string' && !answer.startsWith('{');
  const changed = (answer, change) => {
    if (typeof answer !== 'string') return answer;
    const members = JSON.parse(answer);
    change(members);
    return JSON.stringify(members);
  };

  // How often each object was sent each message while its binding fails.
  const sent = new Map();
  const isFirst = (key) => {
    const count = (sent.get(key) ?? 0) + 1;
    sent.set(key, count);
    return count % 2 === 1;
  };

  const failing = (binding, name, call) => async (message) => {
    calls.set(binding, (calls.get(binding) ?? 0) + 1);
    const { kind, once } = faults.get(binding) ?? {};
    if (!kind || (once && !isFirst([binding, name, message].join('\\n')))) return call(message);
    switch (kind) {
      case 'away':
        throw thrown('internal error; reference = away', {});
      case 'overloaded':
        throw overloaded();
      case 'restarted':
        throw lost();
      case 'moved':
        await call(message);
        throw lost();
      case 'hanging':
        return new Promise(() => {});
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, ${SLOW_SECS * 1000}));
        return call(message);
      case 'later build': {
        const answer = await call(message);
        if (isWord(answer)) return 'a word of a later build';
        return changed(answer, (members) => Object.assign(members, { of_a_later_build: { any: ['thing'] } }));
      }
      case 'earlier build': {
        const answer = await call(message);
        if (isWord(answer)) throw new TypeError('The RPC receiver does not implement the method "call".');
        return changed(answer, (members) => {
          for (const name of ${JSON.stringify(LATER_MEMBERS)}) delete members[name];
        });
      }
    }
  };

  const wrapped = (binding, namespace) => ({
    getByName(name) {
      return { call: failing(binding, name, (message) => namespace.getByName(name).call(message)) };
    },
  });

  export default (env) => {
    const own = { ...env };
    for (const [name, binding] of Object.entries(env))
      if (typeof binding?.getByName === 'function') own[name] = wrapped(name, binding);
    return own;
  };

  export const obey = ({ binding, kind, once }) => {
    const count = calls.get(binding) ?? 0;
    if (kind === undefined) return count;
    if (kind === null) faults.delete(binding);
    else faults.set(binding, { kind, once });
    calls.set(binding, 0);
    sent.clear();
    return count;
  };
`;

/**
 * Lets calls to the objects of a binding fail, in each isolate.
 *
 * @param {any} gateway
 * @param {string} binding
 * @param {Kind | null} kind
 * @param {{ once?: boolean }} [how] with `once`, who makes a call again is answered
 */
export const failObjects = (gateway, binding, kind, { once = false } = {}) => gateway.order({ binding, kind, once });

/** How many calls were made to the objects of a binding since they began to fail, in all isolates. */
export async function callsTo(gateway, binding) {
  const counts = await gateway.order({ binding });
  return counts.reduce((sum, count) => sum + count, 0);
}
