// The page of examples/spa, served by the gateway, in a real browser: what it shows, and how a login in either mode lives through
// reloads, expiry, a provider that fails and keys that change.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET } from '../../../dev/tenant.mjs';
import { until } from '../support/harness.mjs';
import { API, MODES, REFRESH, TOKEN_ENDPOINT, startSite } from '../support/spa-page.mjs';

const ALICE = 'alice@example.com';
const MARY = 'mary.shelley@example.com';

let site;

before(async () => {
  site = await startSite();
});

afterEach(() => site.endVisits());

after(() => site?.close());

/** Revokes a refresh token at the provider, as an operator would. */
async function revoke(token) {
  const body = new URLSearchParams({ client_id: DEFAULT_CLIENT_ID, client_secret: DEFAULT_CLIENT_SECRET, token });
  assert.equal((await fetch(`${site.tenant.origin}/oauth/revoke`, { method: 'POST', body })).status, 200);
}

describe('the page', () => {
  test('comes from the gateway with a strict policy, and leaves every other path to it', async () => {
    const page = await site.gateway.fetch('/');
    assert.equal(page.status, 200);
    const policy = page.headers.get('content-security-policy');
    assert.match(policy, /default-src 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
    assert.deepEqual(await (await site.gateway.fetch('/health')).json(), { status: 'ok' });
    assert.equal((await site.gateway.fetch(API)).status, 401);
    assert.equal((await site.gateway.fetch('/_headers')).status, 404);
  });

  test('shows an error so that a person can read it, and say which request it was', async () => {
    const tab = await (await site.visit()).open('b');
    const [answer] = await Promise.all([
      tab.page.waitForResponse((response) => response.url().endsWith(API)),
      tab.button('Call the API').click(),
    ]);
    const { title, detail, code, request_id: requestId } = await answer.json();
    assert.equal(code, 'token_missing');
    await tab.showsProblem(code);
    await tab.problem.getByRole('heading', { name: title, exact: true }).waitFor();
    for (const text of [detail, requestId]) await tab.problem.getByText(text, { exact: true }).waitFor();
    await tab.logged(`${API} → 401 ${code}`);
    await tab.button('Dismiss').click();
    await tab.problem.waitFor({ state: 'hidden' });
  });

  test('fits the width of a phone, whatever it shows', async () => {
    for (const width of [320, 375]) {
      const tab = await (await site.visit({ viewport: { width, height: 700 }, isMobile: true, hasTouch: true })).open(
        'b',
      );
      const assertFits = async (message) => {
        const widest = await tab.page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(widest, width, `${message}, at ${width} px`);
      };
      await assertFits('logged out');
      await tab.button('Call the API').click();
      await tab.showsProblem('token_missing');
      await assertFits('with an error');
      await tab.logIn('somebody.with.a.rather.long.address@a-rather-long-domain.example.com');
      await tab.call();
      await assertFits('logged in, with an answer');
    }
  });

  test('can be used by keyboard alone', async () => {
    const tab = await (await site.visit()).open('b');
    const reached = [];
    for (let presses = 0; presses < 12; presses += 1) {
      await tab.page.keyboard.press('Tab');
      reached.push(
        await tab.page.evaluate(
          () => document.activeElement.getAttribute('value') || document.activeElement.textContent,
        ),
      );
    }
    const wanted = ['b', 'Log in', 'Call the API', 'Profile', 'Clear'];
    assert.deepEqual(
      wanted.filter((name) => !reached.includes(name)),
      [],
      `reached: ${reached}`,
    );
    await tab.page.getByRole('link', { name: 'Log in' }).focus();
    await tab.page.keyboard.press('Enter');
    await tab.page.getByLabel('E-mail address').waitFor();
  });

  test('changes its mode by the switch and keeps the choice over a reload, and nothing else', async () => {
    const tab = await (await site.visit()).open('a');
    await tab.page.getByRole('radio', { name: MODES.b }).check();
    await tab.shows('out');
    await tab.go();
    assert.ok(await tab.page.getByRole('radio', { name: MODES.b }).isChecked());
    assert.deepEqual(await tab.page.evaluate(() => ({ ...localStorage })), { mode: 'b' });
  });

  test('opens in the mode that is right for most where the config has both, and in no frame', async () => {
    const browser = await site.visit();
    const tab = await browser.open();
    await tab.shows('out');
    assert.ok(await tab.page.getByRole('radio', { name: MODES.b }).isChecked());
    assert.ok(await tab.page.getByRole('radio', { name: MODES.a }).isEnabled());
    assert.ok(await tab.problem.isHidden());
    assert.deepEqual(browser.framed, []);
  });

  const answer = (status, body) => (route) =>
    route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify(body) });

  test('asks again for what the config has while the gateway cannot tell', async () => {
    const tab = await (await site.visit()).tab();
    const problem = { title: 'Not configured', status: 503, code: 'config_invalid' };
    await tab.page.route('**/api/**', answer(503, problem));
    await tab.go();
    await tab.shows('unknown');
    await tab.showsProblem(problem.code);
    await tab.page.unroute('**/api/**');
    await tab.shows('out');
    await tab.problem.waitFor({ state: 'hidden' });
  });

  test('says so where the config has no login that it knows, and opens no frame', async () => {
    const browser = await site.visit();
    const tab = await browser.tab('a');
    await tab.page.route('**/*login*', answer(404, { title: 'Not found', status: 404, code: 'route_not_found' }));
    await tab.go();
    await tab.showsProblem('no_login_path');
    await tab.shows('none');
    for (const name of Object.values(MODES)) assert.ok(await tab.page.getByRole('radio', { name }).isDisabled(), name);
    assert.deepEqual(browser.framed, []);
  });

  test('stays logged in where the config has no path that refreshes a session', async () => {
    const tab = await (await site.visit()).tab('b');
    for (const upstream of [answer(404, {}), answer(200, { path: '/auth0/refresh' })]) {
      await tab.page.route(`**${REFRESH}`, upstream);
      await tab.go();
      await tab.logIn(ALICE);
      assert.ok(await tab.problem.isHidden());
      await tab.page.unroute(`**${REFRESH}`);
      await tab.button('Log out').click();
      await tab.shows('out');
    }
  });

  test('says so where a login was denied', async () => {
    const tab = await (await site.visit()).open('a');
    await tab.page.getByRole('link', { name: 'Log in' }).click();
    await tab.button('Deny').click();
    await tab.showsProblem('login_denied');
    await tab.shows('out');
    assert.equal(new URL(tab.page.url()).search, '');
  });
});

for (const mode of Object.keys(MODES)) {
  describe(`in mode (${mode})`, () => {
    test('a person logs in, is called by name, calls the API, and logs out, here and at the provider', async () => {
      const browser = await site.visit();
      const tab = await browser.logIn(mode, MARY);
      assert.equal(await tab.person.innerText(), 'Mary Shelley · mary.shelley@example.com');
      assert.equal(new URL(tab.page.url()).search, '', 'what the provider sent along is gone from the address');
      await tab.call();
      const { headers } = JSON.parse(await tab.page.locator('#answer').innerText());
      assert.equal(headers['x-user-id'], site.tenant.subjectOf(MARY), 'what the API sees');
      assert.equal((await browser.cookie())?.httpOnly, mode === 'b' ? true : undefined);

      await tab.button('Log out').click();
      await tab.page.waitForURL(`${site.origin}/`);
      await tab.shows('out');
      assert.equal(await browser.cookie(), undefined);
      if (mode === 'b') await until(() => site.familyOf(MARY).revoked);
      await tab.page.getByRole('link', { name: 'Log in' }).click();
      await tab.page.getByLabel('E-mail address').waitFor();
    });

    test('a reload does not log out', async () => {
      const tab = await (await site.visit()).logIn(mode, ALICE);
      const families = site.tenant.families().length;
      await tab.go();
      await tab.shows('in');
      await tab.person.filter({ hasText: ALICE }).waitFor();
      await tab.call();
      assert.equal(site.tenant.families().length - families, mode === 'a' ? 1 : 0, 'logins that the hidden frame made');
    });

    test('five calls at once with an expired token all succeed, over one exchange', async () => {
      const tab = await (await site.visit()).logInAndExpire(mode, ALICE);
      const before = site.familyOf(ALICE);
      site.tenant.resetCounts();
      await tab.forget();
      await tab.button('Call it five times at once').click();
      await tab.logged(/messages\?n=\d → 200/, 5);
      assert.equal(site.exchanges(), 1);
      site.assertRotatedOnce(ALICE, before);
      const refused = mode === 'a' ? [401, 401, 401, 401, 401] : [];
      assert.deepEqual(tab.statuses(API), [200, 200, 200, 200, 200, ...refused]);
      await tab.page.locator('[data-token=fresh]').waitFor();
      // In mode (b) it is how the page learns for how long the token holds.
      assert.deepEqual(tab.statuses(REFRESH), [200], 'the page asks once');
      assert.match(await tab.page.locator('#token-left').innerText(), /^expires in (9|10) min$/);
    });

    test('a provider that is down goes unnoticed while the token holds', async () => {
      const tab = await (await site.visit()).logIn(mode, ALICE);
      site.tenant.fault({ path: TOKEN_ENDPOINT, kind: 'reset' });
      site.tenant.resetCounts();
      await tab.call();
      assert.equal(site.exchanges(), 0);
    });

    test('a provider that is down then logs nobody out, and the page goes on by itself once it is up', async () => {
      const tab = await (await site.visit()).logInAndExpire(mode, ALICE);
      const before = site.familyOf(ALICE);
      site.tenant.fault({ path: TOKEN_ENDPOINT, kind: 'reset' });
      await tab.button('Call the API').click();
      await tab.showsProblem('idp_unavailable');
      await tab.problem.getByText('You stay logged in.').waitFor();
      await tab.shows('in');
      site.tenant.clearFaults();
      await tab.problem.waitFor({ state: 'hidden' });
      await tab.call();
      site.assertRotatedOnce(ALICE, before);
    });

    test('whose refresh token the provider has revoked is sent to log in again', async () => {
      const browser = await site.visit();
      const tab = await browser.logInAndExpire(mode, ALICE);
      await revoke(site.familyOf(ALICE).refreshTokens.at(-1));
      await browser.context.clearCookies({ name: /^tenant_/ });
      await tab.button('Call the API').click();
      if (mode === 'b') {
        await tab.showsProblem('session_expired');
        await tab.shows('out');
        await tab.page.getByRole('link', { name: 'Log in' }).click();
      }
      await tab.page.getByLabel('E-mail address').waitFor();
      assert.equal(await browser.cookie(), undefined);
    });

    test('whom the provider has to ask before it renews is sent to log in again', async () => {
      const browser = await site.visit();
      const tab = await browser.logInAndExpire(mode, ALICE);
      site.tenant.fault({
        path: TOKEN_ENDPOINT,
        kind: 'status',
        times: 1,
        status: 403,
        body: { error: 'mfa_required' },
      });
      await browser.context.clearCookies({ name: /^tenant_/ });
      await tab.button('Call the API').click();
      if (mode === 'b') {
        await tab.showsProblem('interaction_required');
        await tab.shows('out');
        await tab.page.getByRole('link', { name: 'Log in' }).click();
      }
      await tab.page.getByLabel('E-mail address').waitFor();
    });

    test('a logout in one tab is seen in the other', async () => {
      const browser = await site.visit();
      const [first, second] = [await browser.logIn(mode, ALICE), await browser.open(mode)];
      await second.shows('in');
      await second.call();
      await first.button('Log out').click();
      await second.shows('out');
      await second.logged('Logged out in another tab');
      await first.shows('out');
      assert.equal(await second.page.locator('#answer').textContent(), '', 'what the other tab showed is gone');
    });

    test('a login in one tab is taken up by the other', async () => {
      const browser = await site.visit();
      const [first, second] = [await browser.open(mode), await browser.open(mode)];
      await second.shows('out');
      await first.logIn(ALICE);
      await second.shows('in');
    });
  });
}

test('who is logged in while the provider replaces its key stays so, in either mode', async () => {
  const tabs = [];
  for (const mode of Object.keys(MODES))
    tabs.push(await (await site.visit()).logInAndExpire(mode, `key-${mode}@example.com`));
  await site.tenant.rotateKeys();
  site.tenant.resetCounts();
  for (const tab of tabs) await tab.call();
  assert.equal(site.exchanges(), tabs.length, 'each got a token that the other key signed');
});
