// The recipe for axios in docs/refresh.md, with axios itself: in Node.js by both of its ways to make a request, and in a real browser
// from a page of another origin. A token that has expired is refreshed whatever the answer was to be read as.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import axios from 'axios';
import { startTenant } from '../../../dev/tenant.mjs';
import { AXIOS_FOR_PAGES, RECIPE, RESPONSE_TYPES, requestByRecipe } from '../support/axios-flow.mjs';
import { launchChromium } from '../support/chromium.mjs';
import { Browser, startUpstream } from '../support/harness.mjs';
import { REDIRECT_URI, logIn, startLoginGateway } from '../support/login-flow.mjs';

let tenant;
let app;
let gateway;

before(async () => {
  tenant = await startTenant({ redirectUris: [REDIRECT_URI] });
  const modules = { '/axios.js': AXIOS_FOR_PAGES };
  app = await startUpstream((request, response) => {
    response.setHeader('content-type', modules[request.url] ? 'text/javascript' : 'text/html');
    response.end(modules[request.url] ?? '<!doctype html><title>App</title>');
  });
  gateway = await startLoginGateway(tenant, {
    clock: false,
    sections: { cors: { allow_origins: [app.origin] } },
    paths: [{ method: 'GET', path: '/private', auth: true, response: { ok: true } }],
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
