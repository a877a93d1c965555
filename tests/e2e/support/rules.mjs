// What the tests of rules and of measurements share: bindings of the test's own making, the words of a config that is refused,
// and requests that say where they come from.

import assert from 'node:assert/strict';
import { DEFAULT_CLIENT_ID } from '../../../dev/tenant.mjs';

/** The origin of a page that the configs of these tests list. */
export const APP = 'https://app.example';

/** A gateway that has lost something it stands on says so; the last is `Retry-After`. */
export const STORE_UNAVAILABLE = [503, 'store_unavailable', '5'];
export const CONFIG_INVALID = [503, 'config_invalid'];

/**
 * Text for `entry` of `startGateway`: the gateway finds each of `bindings`, the text of an expression by its name, in its
 * environment. `fetch` is the body of a method that may answer in the gateway's place.
 */
export const entryWith = (bindings, fetch = 'return super.fetch(request);') => `
  import Gateway from './worker.js';

  const made = { ${Object.entries(bindings)
    .map(([name, text]) => `${name}: { value: ${text} }`)
    .join(', ')} };

  export default class extends Gateway {
    constructor(context, env) {
      super(context, Object.create(env, made));
    }

    fetch(request) {
      ${fetch}
    }
  }
`;

/** The section `authorizer` of a config that takes the tokens of `tenant`. */
export const authorizerOf = (tenant) => ({
  type: 'auth0',
  domain: tenant.origin,
  client_id: DEFAULT_CLIENT_ID,
  audience: tenant.settings.audience,
});

/** Headers with a token of the tenant, of alice unless `claims` say otherwise. */
export const bearer = async (tenant, claims) => ({ authorization: `Bearer ${await tenant.mint(claims)}` });

/** Headers of a request that reaches the gateway from an address: the runtime keeps what is there. */
export const from = (address) => ({ 'cf-connecting-ip': address });

/** Asserts that a gateway answers nothing for want of a valid config, and gives the mistakes that its log tells. */
export async function mistakesOf(gateway, message) {
  const { status, body } = await gateway.ask('/any');
  assert.deepEqual([status, body?.code], CONFIG_INVALID, message);
  return gateway
    .records()
    .filter(({ code, message: told }) => code === 'config_invalid' && told)
    .map(({ message: told }) => told);
}

/** Returns a text that this process has not used before, such as for a path of a test's own. */
export const fresh = (() => {
  let given = 0;
  return (before = '') => {
    given += 1;
    return `${before}${given}`;
  };
})();
