// The recipe for axios in docs/refresh.md, word for word, with axios itself: in Node.js by both of its ways to make a request, and in
// a real browser from a page of another origin. A token that has expired is refreshed whatever the answer was to be read as.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import axios from 'axios';
import { startTenant } from '../../../dev/tenant.mjs';
import { launchChromium } from '../support/chromium.mjs';
import { Browser, ROOT, startUpstream } from '../support/harness.mjs';
import { REDIRECT_URI, logIn, startLoginGateway } from '../support/login-flow.mjs';

const TIMEOUT = { timeout: 120_000 };
const RESPONSE_TYPES = ['json', 'text', 'blob', 'arraybuffer', 'stream'];

const section = readFileSync(join(ROOT, 'docs/refresh.md'), 'utf8').split('## With axios')[1];
const RECIPE = /```js\n(.*?)```/s.exec(section)[1];

let tenant;
let app;
let gateway;

before(async () => {
  tenant = await startTenant({ redirectUris: [REDIRECT_URI] });
  const modules = { '/axios.js': readFileSync(join(ROOT, 'node_modules/axios/dist/esm/axios.js')) };
  app = await startUpstream((request, response) => {
    response.setHeader('content-type', modules[request.url] ? 'text/javascript' : 'text/html');
    response.end(modules[request.url] ?? '<!doctype html><title>App</title>');
  });
  gateway = await startLoginGateway(tenant, {
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

/** Does a request by the recipe, here or in a page, and tells what came of it. Nothing but its arguments is in its reach. */
async function request({ recipe, library, origin, tokens, adapter, responseType }) {
  const axiosHere = library.get ? library : (await import(library)).default;
  const AsyncFunction = (async () => {}).constructor;
  const logins = [];
  const expired = tokens.access_token;
  const api = axiosHere.create({ baseURL: origin, adapter });
  await new AsyncFunction('axios', 'GATEWAY', 'tokens', 'logIn', 'api', recipe)(
    axiosHere,
    origin,
    tokens,
    () => logins.push('begun'),
    api,
  );
  const outcome = await api.get('/private', { responseType }).then(
    ({ status }) => status,
    ({ response }) => response?.headers['x-problem-code'],
  );
  return { outcome, refreshed: tokens.access_token !== expired, logins: logins.length };
}

const how = (tokens, adapter, responseType) => ({
  recipe: RECIPE,
  origin: gateway.origin,
  tokens,
  adapter,
  responseType,
});

describe('in Node.js, an expired token is refreshed', () => {
  for (const adapter of ['http', 'fetch']) {
    for (const responseType of RESPONSE_TYPES) {
      test(`by the adapter ${adapter} where the answer is to be a ${responseType}`, async () => {
        const done = await request({ ...how(await expiredTokens(), adapter, responseType), library: axios });
        assert.deepEqual(done, { outcome: 200, refreshed: true, logins: 0 });
      });
    }
  }

  test('and where it cannot be, the login begins once', async () => {
    const tokens = { ...(await expiredTokens()), refresh_token: 'made-up' };
    const done = await request({ ...how(tokens, 'http', 'stream'), library: axios });
    assert.deepEqual(done, { outcome: 'refresh_token_invalid', refreshed: false, logins: 1 });
  });
});

test('in a browser, a page of another origin reads the code, whatever the answer is to be', TIMEOUT, async () => {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(app.origin);
    for (const adapter of ['xhr', 'fetch']) {
      for (const responseType of RESPONSE_TYPES) {
        const done = await page.evaluate(request, {
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
