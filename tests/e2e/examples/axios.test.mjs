// The recipes for axios in docs/refresh.md, with axios itself: in Node.js by both of its ways to make a request, and in a real browser
// from a page of another origin. A token that has expired is refreshed whatever the answer was to be read as.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import axios from 'axios';
import { startTenant } from '../../../dev/tenant.mjs';
import { AXIOS_FOR_PAGES, RECIPE, RESPONSE_TYPES, requestByRecipe, tokenForByRecipe } from '../support/axios-flow.mjs';
import { launchChromium } from '../support/chromium.mjs';
import { Browser, startUpstream } from '../support/harness.mjs';
import { REDIRECT_URI, REFRESH, claimsOf, logIn, startLoginGateway } from '../support/login-flow.mjs';

const APIS = ['https://orders.example', 'https://stock.example'];

let tenant;
let app;
let gateway;

before(async () => {
  const policies = APIS.map((audience) => ({ audience, scope: [] }));
  tenant = await startTenant({ redirectUris: [REDIRECT_URI], policies });
  const modules = { '/axios.js': AXIOS_FOR_PAGES };
  app = await startUpstream((request, response) => {
    response.setHeader('content-type', modules[request.url] ? 'text/javascript' : 'text/html');
    response.end(modules[request.url] ?? '<!doctype html><title>App</title>');
  });
  gateway = await startLoginGateway(tenant, {
    clock: false,
    sections: { cors: { allow_origins: [app.origin] } },
    paths: [
      { method: 'GET', path: '/private', auth: true, response: { ok: true } },
      {
        method: 'POST',
        path: REFRESH,
        integration: { type: 'auth0_refresh', apis: APIS.map((audience) => ({ audience })) },
      },
    ],
  });
});

after(() => Promise.all([gateway, app, tenant].map((each) => each?.close())));

/** Logs in, and gives the tokens with an access token that has expired. */
async function expiredTokens() {
  const { refresh_token: refreshToken } = await logIn(gateway, new Browser());
  return { access_token: await tenant.mint({ exp: 1 }), refresh_token: refreshToken };
}

const how = (tokens, adapter, responseType) => ({
  recipe: RECIPE,
  origin: gateway.origin,
  path: '/private',
  tokens,
  adapter,
  responseType,
});

describe('in Node.js, an expired token is refreshed', () => {
  for (const adapter of ['http', 'fetch']) {
    for (const responseType of RESPONSE_TYPES) {
      test(`by the adapter ${adapter} where the answer is to be a ${responseType}`, async () => {
        const done = await requestByRecipe({ ...how(await expiredTokens(), adapter, responseType), library: axios });
        assert.deepEqual(done, { outcome: 200, refreshed: true, logins: 0 });
      });
    }
  }

  test('and where it cannot be, the login begins once', async () => {
    const tokens = { ...(await expiredTokens()), refresh_token: 'made-up' };
    const done = await requestByRecipe({ ...how(tokens, 'http', 'stream'), library: axios });
    assert.deepEqual(done, { outcome: 'refresh_token_invalid', refreshed: false, logins: 1 });
  });
});

test('a client gets tokens for several APIs, at once and one after the other', async () => {
  const { refresh_token: refreshToken } = await logIn(gateway, new Browser());
  const tokens = { refresh_token: refreshToken };
  const tokenFor = tokenForByRecipe({ origin: gateway.origin, tokens, library: axios });
  const assertFor = (token, audience) => assert.ok([claimsOf(token).aud].flat().includes(audience));
  for (const [index, token] of (await Promise.all(APIS.map(tokenFor))).entries()) assertFor(token, APIS[index]);
  const current = tokens.refresh_token;
  assert.notEqual(current, refreshToken);
  for (const audience of APIS) assertFor(await tokenFor(audience), audience);
  assert.equal(tokens.refresh_token, current, 'tokens that are valid are used again');
  // Two parts of the page that know nothing of each other, of which one comes too late.
  const part = () => tokenForByRecipe({ origin: gateway.origin, tokens: { refresh_token: current }, library: axios });
  for (const audience of APIS) assertFor(await part()(audience), audience);
  assert.equal(tenant.family(refreshToken).revoked, false);
});

test('in a browser, a page of another origin reads the code, whatever the answer is to be', async () => {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(app.origin);
    for (const adapter of ['xhr', 'fetch']) {
      for (const responseType of RESPONSE_TYPES) {
        const done = await page.evaluate(requestByRecipe, {
          ...how(await expiredTokens(), adapter, responseType),
          library: `${app.origin}/axios.js`,
        });
        assert.deepEqual(done, { outcome: 200, refreshed: true, logins: 0 }, `${adapter}: ${responseType}`);
      }
    }
  } finally {
    await browser.close();
  }
});
