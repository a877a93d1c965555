// oidc-client-ts (npm) in a page of another origin than the gateway's: it logs in and refreshes at the provider, and sends its tokens to
// the gateway.

import { readFileSync } from 'node:fs';
import { installNpm, npmFile, npmVersion } from '../install.mjs';
import { callsFromPage } from './page-calls.mjs';
import { AUDIENCE, PAGE_CLIENT_ID, SCOPE, fillInLogin, startSite } from './site.mjs';

/** @type {import('../clients.mjs').Client} */
export default {
  name: 'oidc-client-ts',
  way: "the provider's, where it logs in and refreshes itself",
  gaps: [],
  install: installNpm,
  version: () => npmVersion('oidc-client-ts'),
  start,
};

async function start() {
  const library = readFileSync(npmFile('oidc-client-ts', 'dist/browser/oidc-client-ts.js'));
  const site = await startSite({ scripts: { '/client.js': library } });
  const page = await site.open();
  const client = {
    authority: site.tenant.issuer,
    client_id: PAGE_CLIENT_ID,
    redirect_uri: `${site.pageOrigin}/`,
    scope: SCOPE,
    extraQueryParams: { audience: AUDIENCE },
    automaticSilentRenew: false,
  };
  const load = async () => {
    await page.addScriptTag({ url: '/client.js' });
    await page.evaluate((options) => {
      const { oidc } = /** @type {any} */ (globalThis);
      Object.assign(globalThis, { manager: new oidc.UserManager(options) });
    }, client);
  };
  const steps = {
    async tokens() {
      await load();
      // The redirect ends this page, and with it whatever waits.
      await page.evaluate(() => void (/** @type {any} */ (globalThis).manager.signinRedirect()));
      await fillInLogin(page);
      await page.waitForURL((url) => url.origin === site.pageOrigin);
      await load();
      await page.evaluate(async () => {
        const { manager } = /** @type {any} */ (globalThis);
        await manager.signinCallback();
        Object.assign(globalThis, {
          async call(url) {
            const { access_token: token } = await manager.getUser();
            return fetch(url, { headers: { authorization: `Bearer ${token}` } });
          },
          renew: () => manager.signinSilent(),
        });
      });
    },
    ...callsFromPage(site, page),
  };
  return { steps, close: site.close };
}
