// The recipe docs/recipes/session-list.md in real browsers: its config, in front of the tenant and an app whose page has the recipe's
// script. Two browsers of one user see each other's sessions and end them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEFAULT_AUDIENCE, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../../../dev/tenant.mjs';
import { launchChromium } from '../support/chromium.mjs';
import { elapse } from '../support/clock.mjs';
import { freePort, startGateway, until } from '../support/harness.mjs';
import { blockOf } from '../support/recipes.mjs';
import { REMEMBERED_SECS } from '../support/session-flow.mjs';
import { startSocketUpstream } from '../support/sockets.mjs';

/** The account of a user: sessions, each with a button that ends it, and a socket that says when this one is over. */
const ACCOUNT = `<!doctype html><title>Account</title>
<ul></ul> <button id="all">Log out everywhere</button> <button id="ask">Ask the socket</button> <output></output>
<script type="module">
${blockOf('session-list', 'js')}
const say = (text) => { document.querySelector('output').value = text; };
async function show() {
  const items = (await sessionsOfUser()).map(({ id, current, user_agent }) => {
    const item = document.createElement('li');
    item.textContent = user_agent + (current ? ' (here)' : '');
    const button = document.createElement('button');
    button.textContent = 'End';
    button.addEventListener('click', () => endSessions(id).then(show));
    item.append(button);
    return item;
  });
  document.querySelector('ul').replaceChildren(...items);
}
document.querySelector('#all').addEventListener('click', async () => {
  if (await endSessions()) say('Logged out');
});
const socket = new WebSocket('/live');
socket.addEventListener('close', ({ code }) => say('Closed: ' + code));
socket.addEventListener('message', ({ data }) => say(data));
socket.addEventListener('open', () => socket.send('Live'));
document.querySelector('#ask').addEventListener('click', () => socket.send('Still live'));
await show();
</script>`;

const [HERE, THERE] = ['Browser of the desk', 'Browser of the phone'];

let tenant;
let app;
let gateway;
let browser;

before(async () => {
  const port = await freePort();
  const redirectUri = `http://127.0.0.1:${port}/auth/callback`;
  [tenant, app] = await Promise.all([
    startTenant({ redirectUris: [redirectUri] }),
    startSocketUpstream((_, response) => response.setHeader('content-type', 'text/html').end(ACCOUNT)),
  ]);
  const config = JSON.parse(blockOf('session-list', 'json config'));
  config.authorizers.people.redirect_uri = redirectUri;
  gateway = await startGateway({
    port,
    config,
    clock: true,
    bindings: {
      APP_URL: app.origin,
      AUTH0_DOMAIN: tenant.origin,
      AUTH0_CLIENT_ID: DEFAULT_CLIENT_ID,
      AUTH0_CLIENT_SECRET: DEFAULT_CLIENT_SECRET,
      AUTH0_AUDIENCE: DEFAULT_AUDIENCE,
    },
  });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await gateway?.close();
  await Promise.all([tenant, app].map((each) => each?.close()));
});

/** Opens the account in a browser of its own, by a login, and waits for its socket. */
async function openAccount(t, userAgent) {
  const context = await browser.newContext({ userAgent });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${gateway.origin}/account`);
  await page.getByLabel('E-mail address').fill('alice@example.com');
  await page.getByLabel('Password').fill('any');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('Live').waitFor();
  return page;
}

/** What the page has as its list, once it has as many as that. */
async function listed(page, count) {
  const items = page.getByRole('listitem');
  await items.nth(count - 1).waitFor();
  assert.equal(await items.count(), count);
  return (await items.allInnerTexts()).map((text) => text.replace(/End$/, '').trim()).sort();
}

/** The status and code that a script of the page gets from the app. */
const asked = (page) =>
  page.evaluate(async () => {
    const answer = await fetch('/orders');
    return [answer.status, answer.headers.get('x-problem-code')];
  });

const ENDED = [401, 'session_expired'];

test('a user ends the session of another browser, whose socket closes, and then all of them', async (t) => {
  const there = await openAccount(t, THERE);
  const here = await openAccount(t, HERE);
  assert.deepEqual(await listed(here, 2), [`${HERE} (here)`, THERE], 'each by its browser, and which one asks');

  await here.getByRole('listitem').filter({ hasText: THERE }).getByRole('button').click();
  await here.getByRole('listitem').filter({ hasText: THERE }).waitFor({ state: 'detached' });
  assert.deepEqual(await listed(here, 1), [`${HERE} (here)`]);
  await elapse(REMEMBERED_SECS);
  await there.getByText('Closed: 4401').waitFor();
  assert.deepEqual(await asked(there), ENDED);
  assert.deepEqual(await asked(here), [200, null], 'the one that asked goes on');
  await here.getByRole('button', { name: 'Ask the socket' }).click();
  await here.getByText('Still live').waitFor();

  tenant.resetCounts();
  await there.goto(`${gateway.origin}/account`);
  await there.getByText('Live').waitFor();
  assert.equal(tenant.counts['/authorize'], 1, 'a navigation leads to the provider, which has not logged the user out');
  await here.reload();
  await here.getByText('Live').waitFor();
  assert.deepEqual(await listed(here, 2), [`${HERE} (here)`, THERE]);
  await here.getByRole('button', { name: 'Log out everywhere' }).click();
  await here.getByText('Logged out').waitFor();
  assert.deepEqual(await asked(here), [401, 'token_missing'], 'its cookie is gone at once');
  await elapse(REMEMBERED_SECS);
  await there.getByText('Closed: 4401').waitFor();
  assert.deepEqual(await asked(there), ENDED);
  await until(() => tenant.families().every(({ revoked }) => revoked));
});
