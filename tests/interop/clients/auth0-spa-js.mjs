// @auth0/auth0-spa-js (npm) in a page of another origin than the gateway's: it logs in and refreshes at the provider, and sends its
// tokens to the gateway.

import { readFileSync } from 'node:fs';
import { installNpm, npmFile, npmVersion } from '../install.mjs';
import { callsFromPage } from './page-calls.mjs';
import { AUDIENCE, PAGE_CLIENT_ID, SCOPE, fillInLogin, startSite } from './site.mjs';

/** @type {import('../clients.mjs').Client} */
export default {
  name: '@auth0/auth0-spa-js',
  way: "the provider's, where it logs in and refreshes itself",
  gaps: [],
  install: installNpm,
  version: () => npmVersion('@auth0/auth0-spa-js'),
  start,
};

async function start() {
  const library = readFileSync(npmFile('@auth0/auth0-spa-js', 'dist/auth0-spa-js.production.esm.js'));
  const site = await startSite({ scripts: { '/client.js': library } });
  const page = await site.open();
  const client = {
    domain: site.tenant.origin,
    clientId: PAGE_CLIENT_ID,
    useRefreshTokens: true,
    authorizationParams: { audience: AUDIENCE, scope: SCOPE, redirect_uri: `${site.pageOrigin}/` },
  };
  const steps = {
    async tokens() {
      await page.evaluate(async (options) => {
        const { Auth0Client } = await import(`${location.origin}/client.js`);
        // The redirect ends this page, and with it whatever waits.
        void new Auth0Client(options).loginWithRedirect();
      }, client);
      await fillInLogin(page);
      await page.waitForURL((url) => url.origin === site.pageOrigin);
      await page.evaluate(async (options) => {
        const { Auth0Client } = await import(`${location.origin}/client.js`);
        const auth0 = new Auth0Client(options);
        await auth0.handleRedirectCallback();
        const fetcher = auth0.createFetcher();
        Object.assign(globalThis, {
          // Unless told the audience again, it asks for a token without one.
          call: (url) => fetcher.fetchWithAuth(url, {}, { audience: options.authorizationParams.audience }),
          renew: () => auth0.getTokenSilently({ cacheMode: 'off' }),
        });
      }, client);
    },
    ...callsFromPage(site, page),
  };
  return { steps, close: site.close };
}
