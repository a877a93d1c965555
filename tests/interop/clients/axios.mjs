// axios (npm) with every `responseType`: with the tokens of a login at the gateway, in Node.js and in a page of another origin; and in
// pages with the cookie of a session, of the gateway's own origin, of one that `cors` lists, and of one that it does not list.

import assert from 'node:assert/strict';
import axios from 'axios';
import { AXIOS_FOR_PAGES, RECIPE, RESPONSE_TYPES, requestByRecipe } from '../../e2e/support/axios-flow.mjs';
import { ownVersion } from '../install.mjs';
import { ADMIN_API, API, SESSION_LOGIN, fillInLogin, startSite } from './site.mjs';

const SCRIPT = '/axios.js';
const IN_NODE = ['http', 'fetch'];
const IN_PAGES = ['xhr', 'fetch'];
const WITHOUT_INTERCEPTORS = 'api.defaults.headers.common.Authorization = "Bearer " + tokens.access_token';

/** @type {import('../clients.mjs').Client} */
export default {
  name: 'axios',
  way: "those of a login at the gateway, by [the recipe](refresh.md#with-axios); or a session's cookie",
  gaps: [],
  version: () => ownVersion('axios'),
  start,
};

async function start() {
  const site = await startSite({ scripts: { [SCRIPT]: AXIOS_FOR_PAGES } });
  const { gateway, tenant, pageOrigin, strangeOrigin } = site;
  const page = await site.open();
  let given;
  /** Calls a path by the recipe in each way, with tokens of its own, and asserts what comes of each call. */
  const eachWay = async (tokensFor, path, expected, { recipe = RECIPE, types = RESPONSE_TYPES } = {}) => {
    for (const responseType of types) {
      const how = { recipe, origin: gateway.origin, path, responseType };
      for (const adapter of IN_NODE) {
        const done = await requestByRecipe({ ...how, adapter, tokens: await tokensFor(), library: axios });
        assert.deepEqual(done, expected, `${adapter} in Node.js, ${responseType}`);
      }
      for (const adapter of IN_PAGES) {
        const library = pageOrigin + SCRIPT;
        const done = await page.evaluate(requestByRecipe, { ...how, adapter, tokens: await tokensFor(), library });
        assert.deepEqual(done, expected, `${adapter} in a page, ${responseType}`);
      }
    }
  };
  const current = async () => ({ ...given });
  const expired = async () => ({ ...(await site.logIn()), access_token: await tenant.mint({ exp: 1 }) });
  const refused = async () => ({ ...(await expired()), refresh_token: 'made-up' });
  const steps = {
    async tokens() {
      given = await site.logIn();
      assert.ok(given.access_token && given.refresh_token);
    },
    call: () => eachWay(current, API, { outcome: 200, refreshed: false, logins: 0 }),
    'expired token': () =>
      eachWay(
        expired,
        API,
        { outcome: 'token_expired', refreshed: false, logins: 0 },
        { recipe: WITHOUT_INTERCEPTORS },
      ),
    renewal: () => eachWay(expired, API, { outcome: 200, refreshed: true, logins: 0 }),
    'refused refresh': () =>
      // The gateway stops asking the provider after 20 that are refused.
      eachWay(refused, API, { outcome: 'refresh_token_invalid', refreshed: false, logins: 1 }, { types: ['json'] }),
    'missing scope': () => eachWay(current, ADMIN_API, { outcome: 'insufficient_scope', refreshed: false, logins: 0 }),
    async session() {
      await page.goto(`${gateway.origin}${SESSION_LOGIN}?return_to=/page`);
      await fillInLogin(page);
      await page.waitForURL(`${gateway.origin}/page`);
      await callWithCookie(page, gateway, 200);
      await page.goto(`${pageOrigin}/page`);
      await callWithCookie(page, gateway, 200);
      await page.goto(`${strangeOrigin}/page`);
      await callWithCookie(page, gateway, 'ERR_NETWORK');
      await gateway.record(({ code }) => code === 'csrf_rejected');
    },
  };
  return { steps, close: site.close };
}

/** Changes something at the API by each adapter and with each type of answer, with the cookie alone, and asserts what comes of it. */
async function callWithCookie(page, { origin }, expected) {
  for (const adapter of IN_PAGES) {
    for (const responseType of RESPONSE_TYPES) {
      const how = { script: SCRIPT, url: origin + API, adapter, responseType };
      assert.equal(await page.evaluate(postWithCookie, how), expected, `${page.url()}: ${adapter}, ${responseType}`);
    }
  }
}

/** Runs in a page. A form needs no preflight: the gateway gets the request from every origin. */
async function postWithCookie({ script, url, adapter, responseType }) {
  const { default: axiosHere } = await import(location.origin + script);
  const how = { adapter, responseType, withCredentials: true };
  return axiosHere.post(url, new URLSearchParams({ a: 'b' }), how).then(
    ({ status }) => status,
    ({ code }) => code,
  );
}
