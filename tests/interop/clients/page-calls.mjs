// What a page does with its tokens, whatever library holds them: the page has `call`, which asks a URL with the library's access token,
// and `renew`, which has the library get another one.

import assert from 'node:assert/strict';
import { ADMIN_API, API } from './site.mjs';

/**
 * Returns the steps of a page that has its tokens.
 * @param {any} site
 * @param {import('playwright-core').Page} page
 */
export function callsFromPage({ gateway, tenant, whenExpired }, page) {
  const call = (path = API) =>
    page.evaluate(async (url) => {
      const answer = await /** @type {any} */ (globalThis).call(url);
      return [answer.status, answer.headers.get('x-problem-code')];
    }, gateway.origin + path);
  const refreshes = () => tenant.families().at(-1).rotations;
  return {
    call: async () => assert.deepEqual(await call(), [200, null]),
    'expired token': async () => assert.deepEqual(await whenExpired(call), [401, 'token_expired']),
    async renewal() {
      const before = refreshes();
      await page.evaluate(() => /** @type {any} */ (globalThis).renew());
      assert.equal(refreshes(), before + 1, 'the provider got the refresh token once');
      assert.deepEqual(await call(), [200, null]);
    },
    'missing scope': async () => assert.deepEqual(await call(ADMIN_API), [403, 'insufficient_scope']),
  };
}
