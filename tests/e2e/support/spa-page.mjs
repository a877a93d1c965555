// What the tests of examples/spa share: the page as the gateway serves it, with the committed config, in a real browser.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApi } from '../../../dev/api.mjs';
import {
  CALLBACK_PATHS,
  DEFAULT_AUDIENCE,
  DEFAULT_CLIENT_ID,
  DEFAULT_CLIENT_SECRET,
  startTenant,
} from '../../../dev/tenant.mjs';
import { launchChromium } from './chromium.mjs';
import { later } from './clock.mjs';
import { ROOT, freePort, startGateway } from './harness.mjs';

/** The mode's name, and the words beside its switch. */
export const MODES = { a: 'The page', b: 'The gateway' };

/** The session's cookie on plain-http loopback. */
const COOKIE = 'bargate';

/** A timer of the page from this on limits how long something may take, which on a busy machine is longer. */
const TIME_LIMIT_MS = 10_000;
const TIME_LIMIT_FACTOR = 60;

/** How long an access token lives, by the clock of the tests. */
const LIFE_SECS = 600;

/** Where logins lead back to, under either name of the provider. */
const REDIRECT_PATHS = [...new Set(CALLBACK_PATHS.flatMap((path) => [path, path.replace('auth0', 'oidc')]))];

export const API = '/api/messages';
export const PROFILE = '/api/auth0/profile';
export const REFRESH = '/api/auth0/refresh';
export const TOKEN_CALLBACK = '/api/auth0/token/callback';
export const TOKEN_ENDPOINT = '/oauth/token';

/**
 * Starts tenant, sample API, gateway with the page, and browser. `deploy` gives config and bindings of another gateway than that
 * of the committed config; `launch` are options of the browser.
 * @param {Record<string, any>} [options]
 */
export async function startSite({ deploy = deployCommitted, launch } = {}) {
  // First: without one, nothing has started that would keep the tests from their end.
  const browser = await launchChromium(launch);
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const [tenant, api] = await Promise.all([
    startTenant({
      redirectUris: REDIRECT_PATHS.map((path) => origin + path),
      allowedLogoutUrls: [`${origin}/`],
      accessTokenSeconds: LIFE_SECS,
    }),
    startApi(),
  ]);
  const gateway = await startGateway({
    clock: true,
    port,
    assets: { directory: join(ROOT, 'examples/spa'), routerConfig: { has_user_worker: true } },
    ...(await deploy({ port, origin, tenant, api })),
  });
  let visits = [];
  const familyOf = (email) => tenant.family(tenant.subjectOf(email));
  return {
    origin,
    tenant,
    gateway,
    /** Returns somebody a browser with nothing in it. */
    async visit(options) {
      const context = await browser.newContext(options);
      await context.addInitScript(stretchTimeLimits, { from: TIME_LIMIT_MS, by: TIME_LIMIT_FACTOR });
      const visit = new Visit({ tenant, origin, context });
      visits.push(visit);
      return visit;
    },
    /** Ends what a test began. */
    async endVisits() {
      tenant.clearFaults();
      const ended = visits;
      visits = [];
      await Promise.all(ended.map(({ context }) => context.close()));
      assert.deepEqual(
        ended.flatMap(({ complaints }) => complaints),
        [],
        'what the pages complained of',
      );
    },
    /** How often the provider has exchanged something since its counts were reset. */
    exchanges: () => tenant.counts[TOKEN_ENDPOINT] ?? 0,
    /** The refresh tokens of whoever logged in last by this address. */
    familyOf,
    /** Asserts that a family has been used once more than `before`, and by one holder at a time. */
    assertRotatedOnce(email, before) {
      const { grantId, rotations, revoked } = familyOf(email);
      assert.deepEqual([grantId, rotations, revoked], [before.grantId, before.rotations + 1, false]);
    },
    /** Finds a JWT, or a refresh token that the provider ever gave, in a text. */
    tokenIn(text) {
      const refreshTokens = tenant.families().flatMap(({ refreshTokens: each }) => each);
      return /eyJ[\w-]+\.[\w-]+\.[\w-]*/.exec(text)?.[0] ?? refreshTokens.find((token) => text.includes(token));
    },
    async close() {
      await browser.close();
      await gateway.close();
      await Promise.all([tenant.close(), api.close()]);
    },
  };
}

function deployCommitted({ origin, tenant, api }) {
  const config = JSON.parse(readFileSync(join(ROOT, 'gateway.config.json'), 'utf8'));
  config.authorizer.clock_skew_seconds = 0;
  return {
    config,
    bindings: {
      AUTH0_DOMAIN: tenant.origin,
      AUTH0_CLIENT_ID: DEFAULT_CLIENT_ID,
      AUTH0_CLIENT_SECRET: DEFAULT_CLIENT_SECRET,
      AUTH0_AUDIENCE: DEFAULT_AUDIENCE,
      AUTH0_REDIRECT_URI: `${origin}/api/auth0/callback`,
      SPA_REDIRECT_URI: `${origin}/`,
      SILENT_REDIRECT_URI: `${origin}/api/auth0/silent/callback`,
      API_URL: api.origin,
      SPA_ORIGIN: origin,
    },
  };
}

class Visit {
  constructor({ tenant, origin, context }) {
    this.tenant = tenant;
    this.origin = origin;
    this.context = context;
    /** What the pages complained of: scripts that threw, and what the Content-Security-Policy stopped. */
    this.complaints = [];
    /** Every answer that a page has received. */
    this.answers = [];
    /** The addresses that were opened in frames. */
    this.framed = [];
    context.on('page', (page) => {
      page.on('pageerror', (error) => this.complaints.push(`${error}`));
      page.on(
        'console',
        (line) => /Content Security Policy|Trusted/i.test(line.text()) && this.complaints.push(line.text()),
      );
      page.on(
        'request',
        (request) => request.isNavigationRequest() && request.frame().parentFrame() && this.framed.push(request.url()),
      );
      page.on('response', (response) => this.answers.push(new Answer(response)));
    });
  }

  /** Opens a tab that is going to show the page in this mode, or without one in what the page finds. */
  async tab(mode) {
    const page = await this.context.newPage();
    if (mode)
      await page.addInitScript((wanted) => localStorage.getItem('mode') ?? localStorage.setItem('mode', wanted), mode);
    return new Tab(page, this);
  }

  /** Opens the page in a tab, and waits until it knows whether somebody is logged in. */
  async open(mode) {
    const tab = await this.tab(mode);
    await tab.go();
    return tab;
  }

  /** Opens the page and logs in. */
  async logIn(mode, email) {
    const tab = await this.open(mode);
    await tab.logIn(email);
    return tab;
  }

  /** Logs in, and moves the clocks of provider, gateway and page until the access token has expired. */
  async logInAndExpire(mode, email) {
    const tab = await this.logIn(mode, email);
    await later(LIFE_SECS + 1);
    await tab.page.evaluate(
      (ms) => {
        const machine = Date.now;
        Date.now = () => machine() + ms;
      },
      (LIFE_SECS + 1) * 1000,
    );
    await tab.page.locator('[data-token=expired]').waitFor();
    return tab;
  }

  /** The session's cookie. */
  async cookie() {
    return (await this.context.cookies(this.origin)).find(({ name }) => name === COOKIE);
  }

  /** The tokens that a page holds in mode (a), as the gateway gave them. */
  async tokens() {
    const answer = this.answers.findLast(
      ({ path, status }) => [TOKEN_CALLBACK, REFRESH].includes(path) && status === 200,
    );
    return JSON.parse((await answer.text).split('\n').at(-1));
  }
}

/** A tab with the page. */
class Tab {
  constructor(page, visit) {
    this.page = page;
    this.visit = visit;
    this.problem = page.getByRole('alert');
    this.log = page.getByRole('log');
    this.person = page.locator('#who');
  }

  /** The button of this name. */
  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** Goes to the page, or loads it again. */
  async go() {
    await this.page.goto(this.visit.origin, { waitUntil: 'commit' });
    await this.page.locator('body:not([data-state=starting])').waitFor();
  }

  /** Waits until the page shows this state: `in`, `out` or `unknown`. */
  async shows(state) {
    await this.page.locator(`body[data-state=${state}]`).waitFor();
  }

  /** Goes through the provider's login, which asks nothing of who it knows. */
  async logIn(email) {
    await this.page.getByRole('link', { name: 'Log in' }).click();
    const form = this.page.getByLabel('E-mail address');
    await form.or(this.page.locator('body[data-state=in]')).first().waitFor();
    if (await form.isVisible()) {
      await form.fill(email);
      await this.page.getByLabel('Password').fill('any');
      await this.button('Log in').click();
    }
    await this.shows('in');
    await this.person.filter({ hasText: email }).waitFor();
  }

  /** The lines of the log that hold a text. */
  lines(text) {
    return this.log.getByRole('listitem').filter({ hasText: text });
  }

  /** Waits for a line of the log, or for so many of them. */
  async logged(text, count = 1) {
    await this.lines(text)
      .nth(count - 1)
      .waitFor();
  }

  /** Empties the log, and forgets the answers so far. */
  async forget() {
    await this.button('Clear').click();
    this.visit.answers.length = 0;
  }

  /** Calls the API, and waits for the answer to be shown. */
  async call() {
    const before = await this.lines(`${API} → 200`).count();
    await this.button('Call the API').click();
    await this.logged(`${API} → 200`, before + 1);
  }

  /** Waits for a problem of this code to be shown. */
  async showsProblem(code) {
    await this.problem.filter({ has: this.page.getByText(code, { exact: true }) }).waitFor();
  }

  /** Every text that a script in the page can get at without asking the gateway: storage, cookies, document, globals. */
  reachable() {
    return this.page.evaluate(collectTexts);
  }

  /** The statuses of the answers so far from a path of the gateway, smallest first. */
  statuses(path) {
    return this.visit.answers
      .filter((answer) => answer.path === path)
      .map(({ status }) => status)
      .sort();
  }
}

class Answer {
  constructor(response) {
    this.url = response.url();
    this.path = new URL(this.url).pathname;
    this.status = response.status();
    // Held from the beginning: the browser drops it when its page goes elsewhere.
    this.text = this.#read(response);
    this.text.catch(() => {});
  }

  async #read(response) {
    const isRedirect = this.status >= 300 && this.status < 400;
    const body = isRedirect ? '' : (await response.body()).toString('utf8');
    const headers = [await response.request().allHeaders(), await response.allHeaders()];
    return [this.url, response.request().postData(), JSON.stringify(headers), body].join('\n');
  }
}

// Runs in the page.
function stretchTimeLimits({ from, by }) {
  const { setTimeout } = globalThis;
  const stretched = (handler, ms, ...rest) => setTimeout(handler, ms >= from ? ms * by : ms, ...rest);
  globalThis.setTimeout = /** @type {any} */ (stretched);
}

// Runs in the page.
async function collectTexts() {
  const texts = [document.documentElement.outerHTML];
  const modules = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js'));
  const queue = [globalThis, ...(await Promise.all(modules.map(({ name }) => import(name))))];
  for (const { name } of await indexedDB.databases()) queue.push(await recordsOf(name));
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const answer of await cache.matchAll()) texts.push(await answer.text());
  }
  const seen = new Set();
  while (queue.length) {
    const value = queue.pop();
    if (typeof value === 'string') texts.push(value);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof Map || value instanceof Set) queue.push(...[...value].flat());
    const keys = new Set(Reflect.ownKeys(value));
    // What an object of the browser holds is told by the accessors of its prototypes.
    for (const key in value) keys.add(key);
    for (const key of keys) {
      // What an accessor refuses to tell, at once or later, it refuses to any script.
      try {
        const held = value[key];
        if (held instanceof Promise) held.catch(() => {});
        queue.push(held);
      } catch {}
    }
  }
  return texts.join('\n');

  async function recordsOf(name) {
    const settled = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await settled(indexedDB.open(name));
    const stores = [...database.objectStoreNames];
    return Promise.all(stores.map((store) => settled(database.transaction(store).objectStore(store).getAll())));
  }
}
