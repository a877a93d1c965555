// What people see of a problem: a page if they followed a link, in a real browser too, or a path of the config's own. What a
// script fetches is JSON, as ever.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { launchChromium } from '../support/chromium.mjs';
import { freePort, proxied, sendRaw, startGateway, startUpstream } from '../support/harness.mjs';
import { CALLBACK, CLIENT_SECRET, LOGIN } from '../support/login-flow.mjs';
import { JWT } from '../support/older.mjs';
import { entryWith } from '../support/rules.mjs';
import { PRIVATE, TOKEN_ENDPOINT, sessionConfig } from '../support/session-flow.mjs';

const POLICY =
  /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/;

/** What a browser sends with a link, one of before Fetch Metadata, a script, and a program. */
const PERSON = { 'sec-fetch-mode': 'navigate', accept: '*/*' };
const OLD_BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const SCRIPT = { 'sec-fetch-mode': 'cors', accept: 'text/html' };
const PROGRAM = { accept: 'application/json, text/plain, */*' };

const LOG_IN = ['Log in again', LOGIN];
const AGAIN = ['Try again', ''];

let tenant;
let api;
let app;
let gateway;
let bare;
let circling;
let broken;
let leading;
let browser;

before(async () => {
  const [port, leadingPort] = [await freePort(), await freePort()];
  const callbackAt = (each) => `http://127.0.0.1:${each}${CALLBACK}`;
  [tenant, api, app] = await Promise.all([
    startTenant({ redirectUris: [port, leadingPort].map(callbackAt) }),
    startApi(),
    // It would have pages believe that it speaks for the gateway.
    startUpstream((_request, response) =>
      response.writeHead(401, { 'content-type': 'text/html', 'x-problem-code': 'token_expired' }).end('x'),
    ),
  ]);
  const servers = [
    { alias: 'api', url: api.origin },
    { alias: 'nobody', url: 'http://127.0.0.1:1' },
    { alias: 'impatient', url: api.origin, timeout_ms: 50 },
    { alias: 'app', url: app.origin },
  ];
  const paths = [
    { method: 'GET', path: '/limited', response: {}, rate_limit: { binding: 'LIMITER', key: 'ip' } },
    { method: 'POST', path: '/form', response: {}, max_body_bytes: 1 },
    proxied('/nobody/{.+}', 'nobody'),
    proxied('/open/oops', 'api'),
    proxied('/rumour', 'app'),
    proxied('/impatient/{.+}', 'impatient'),
  ];
  const flow = (ownPort, sections) =>
    startGateway({
      port: ownPort,
      config: sessionConfig(tenant, api, {
        authorizer: { redirect_uri: callbackAt(ownPort) },
        paths,
        sections: { servers, ...sections },
      }),
      bindings: { CLIENT_SECRET },
      entry: entryWith({ LIMITER: '{ limit: async () => ({ success: false }) }' }),
    });
  gateway = await flow(port, { cors: { allow_origins: [app.origin], expose_headers: ['x-request-id'] } });
  leading = await flow(leadingPort, { problem_page: '/open/oops' });
  const withoutLogin = (sections) =>
    startGateway({
      config: {
        servers,
        ...sections,
        authorizer: { type: 'jwt', ...JWT },
        paths: [
          { method: 'GET', path: PRIVATE, auth: true, response: {} },
          proxied('/nobody/{.+}', 'nobody'),
          proxied('/nobody/oops', 'nobody'),
        ],
      },
    });
  bare = await withoutLogin({});
  circling = await withoutLogin({ problem_page: '/nobody/oops' });
  broken = await startGateway({ config: '{' });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await Promise.all([gateway, leading, bare, circling, broken].map((each) => each?.close()));
  await Promise.all([tenant, api, app].map((each) => each?.close()));
});

/** The links of a page: their words and addresses. */
const linksOf = (text) =>
  [...text.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].map(([, address, words]) => [words, address]);

// What is asked of which gateway; status, code, and the way on that the page offers.
/** @type {any[][]} */
const PROBLEMS = [
  ['an address that leads nowhere', () => gateway, { path: '/nowhere?a=b' }, 404, 'route_not_found'],
  ['a path without that method', () => gateway, { method: 'POST', path: '/limited' }, 405, 'method_not_allowed'],
  ['an ambiguous path', () => gateway, { path: '/open%2Fx' }, 400, 'path_ambiguous'],
  ['a limit', () => gateway, { path: '/limited' }, 429, 'rate_limited', AGAIN],
  ['a form that is too large', () => gateway, { method: 'POST', path: '/form', body: 'ab' }, 413, 'body_too_large'],
  [
    'a form to a path that wants a login',
    () => gateway,
    { method: 'POST', path: PRIVATE },
    401,
    'token_missing',
    LOG_IN,
  ],
  ['an upstream that is away', () => gateway, { path: '/nobody/x' }, 502, 'upstream_unreachable', AGAIN],
  [
    'a form to an upstream that is away',
    () => gateway,
    { method: 'POST', path: '/nobody/x' },
    502,
    'upstream_unreachable',
  ],
  [
    'an upstream that takes too long',
    () => gateway,
    { path: '/impatient/_sample/hang' },
    504,
    'upstream_timeout',
    AGAIN,
  ],
  [
    'a login whose return_to leads elsewhere',
    () => gateway,
    { path: `${LOGIN}?return_to=https://x.example/` },
    400,
    'return_to_rejected',
    LOG_IN,
  ],
  ['a login of another browser', () => gateway, { path: `${CALLBACK}?code=x&state=y` }, 400, 'state_invalid', LOG_IN],
  ['a path that wants a token where nobody can log in', () => bare, { path: PRIVATE }, 401, 'token_missing'],
  ['a gateway without a config', () => broken, { path: '/' }, 503, 'config_invalid', AGAIN],
];

describe('a person who meets a problem gets a page, and a script the JSON that it always got:', () => {
  for (const [message, of, request, status, code, way] of PROBLEMS) {
    test(message, async () => {
      const { origin } = of();
      const ask = (headers, more) => sendRaw(origin, { ...request, ...more, headers });
      const json = await ask(PROGRAM);
      assert.deepEqual([json.status, json.header('content-type')], [status, 'application/problem+json'], json.text);
      assert.equal(json.json().code, code);
      const script = await ask(SCRIPT);
      const alike = (answer) => answer.text.replace(answer.header('x-request-id'), 'ID');
      assert.equal(alike(script), alike(json), 'whatever a script would take');
      for (const headers of [PERSON, OLD_BROWSER]) {
        const page = await ask(headers);
        assert.deepEqual([page.status, page.header('content-type')], [status, 'text/html; charset=utf-8'], page.text);
        assert.match(page.header('content-security-policy'), POLICY);
        assert.equal(page.header('referrer-policy'), 'no-referrer');
        for (const name of [
          'cache-control',
          'x-content-type-options',
          'vary',
          'www-authenticate',
          'allow',
          'retry-after',
          'x-problem-code',
        ]) {
          assert.deepEqual(page.values(name), json.values(name), name);
        }
        assert.ok(
          page.text.includes(`<code>${code}</code>`) &&
            page.text.includes(`<code>${page.header('x-request-id')}</code>`),
          page.text,
        );
        assert.deepEqual(linksOf(page.text), way ? [way] : []);
        assert.doesNotMatch(page.text, /<script|\son\w+=|javascript:/i);
      }
      // A HEAD spends no code, and so begins no callback.
      if (request.method || request.path.startsWith(CALLBACK)) return;
      const [page, head] = [await ask(PERSON), await ask(PERSON, { method: 'HEAD' })];
      assert.deepEqual([head.status, head.text], [status, ''], 'a HEAD');
      for (const name of ['content-type', 'content-security-policy', 'x-problem-code'])
        assert.equal(head.header(name), page.header(name));
    });
  }

  test('to the byte', async () => {
    const { text } = await sendRaw(gateway.origin, {
      path: '/nowhere',
      headers: { ...SCRIPT, 'x-request-id': 'id-1' },
    });
    assert.equal(
      text,
      '{"code":"route_not_found","detail":"No path of the gateway matches this request.","error":"Not found",' +
        '"request_id":"id-1","status":404,"title":"Not found","type":"urn:bargate:problem:route_not_found"}',
    );
  });
});

test('nothing that a client or a provider puts in is on the page', async () => {
  const mark = 'recognisable';
  const hostile = `"><script>${mark}</script>`;
  const query = `error=${encodeURIComponent(hostile)}&error_description=${mark}&state=${mark}&return_to=${mark}&code=${mark}`;
  for (const path of [`/${mark}`, `/nobody/${mark}`, `/${mark}%2F${mark}`, CALLBACK, LOGIN]) {
    const headers = {
      ...PERSON,
      referer: mark,
      'user-agent': hostile,
      cookie: `bargate-login=${mark}`,
      'x-request-id': hostile,
    };
    const { text } = await sendRaw(gateway.origin, { path: `${path}?${query}`, headers });
    assert.match(text, /^<!doctype html>/, path);
    assert.ok(!text.includes(mark), `${path}: ${text}`);
  }
});

test('every problem names its code in a header that a page of a listed origin can read, and no upstream can write it', async () => {
  const origin = app.origin;
  for (const [path, status, code] of /** @type {any[][]} */ ([
    ['/nowhere', 404, 'route_not_found'],
    [PRIVATE, 401, 'token_missing'],
    ['/limited', 429, 'rate_limited'],
  ])) {
    const answer = await sendRaw(gateway.origin, { path, headers: { origin } });
    assert.deepEqual([answer.status, answer.values('x-problem-code')], [status, [code]]);
    assert.equal(answer.header('access-control-expose-headers'), 'x-request-id, x-problem-code, retry-after', path);
  }
  const relayed = await sendRaw(gateway.origin, { path: '/rumour', headers: { origin } });
  assert.deepEqual(
    [relayed.status, relayed.text, relayed.values('x-problem-code')],
    [401, 'x', []],
    "an upstream's own",
  );
  assert.equal(relayed.header('access-control-expose-headers'), 'x-request-id');
});

describe('a path of the config that problems lead to', () => {
  const leadsTo = (answer, of) => {
    const { origin, pathname, searchParams } = new URL(answer.header('location'), of.origin);
    return [origin, pathname, Object.fromEntries(searchParams)];
  };

  for (const [message, request, status, code] of /** @type {any[][]} */ ([
    ['an address that leads nowhere', { path: '//evil.example/%22?code=other' }, 404, 'route_not_found'],
    ['a callback without a login', { path: CALLBACK }, 400, 'state_invalid'],
    ['a form to an upstream that is away', { method: 'POST', path: '/nobody/x' }, 502, 'upstream_unreachable'],
  ])) {
    test(`is told the code of ${message}, and a script is told as ever`, async () => {
      const answer = await sendRaw(leading.origin, { ...request, headers: PERSON });
      const id = answer.header('x-request-id');
      assert.equal(answer.status, 303, answer.text);
      assert.deepEqual(leadsTo(answer, leading), [leading.origin, '/open/oops', { code, request_id: id }]);
      assert.equal(answer.header('cache-control'), 'no-store');
      const record = await leading.record(({ request_id: own, status: told }) => told && own === id);
      assert.deepEqual([record.status, record.code, record.level], [303, code, status >= 500 ? 'error' : 'info']);
      const script = await sendRaw(leading.origin, { ...request, headers: SCRIPT });
      assert.equal(script.json().code, code);
    });
  }

  test('shows its own problems itself, so that nobody goes round in a circle', async () => {
    const first = await sendRaw(circling.origin, { path: PRIVATE, headers: PERSON });
    assert.deepEqual([first.status, leadsTo(first, circling).slice(0, 2)], [303, [circling.origin, '/nobody/oops']]);
    const second = await sendRaw(circling.origin, { path: first.header('location'), headers: PERSON });
    assert.deepEqual([second.status, second.header('content-type')], [502, 'text/html; charset=utf-8']);
    assert.ok(second.text.includes('<code>upstream_unreachable</code>'), second.text);
  });

  test('is where a browser ends', async () => {
    const page = await browser.newPage();
    await page.goto(`${leading.origin}/nowhere`);
    const { pathname, searchParams } = new URL(page.url());
    assert.deepEqual([pathname, searchParams.get('code')], ['/open/oops', 'route_not_found']);
    await page.close();
  });
});

describe('in a browser that runs no script, 360 pixels wide,', () => {
  for (const [colorScheme, ink] of [
    ['light', 'rgb(0, 0, 0)'],
    ['dark', 'rgb(255, 255, 255)'],
  ]) {
    test(`the page can be read in ${colorScheme} colours`, async () => {
      const context = await browser.newContext({
        viewport: { width: 360, height: 640 },
        colorScheme,
        javaScriptEnabled: false,
      });
      const page = await context.newPage();
      const complaints = [];
      page.on('console', (line) => /Security Policy/.test(line.text()) && complaints.push(line.text()));
      for (const [path, code] of [
        ['/nowhere', 'route_not_found'],
        ['/limited', 'rate_limited'],
        [CALLBACK, 'state_invalid'],
      ]) {
        await page.goto(gateway.origin + path);
        const seen = await page.evaluate(() => {
          const { color, fontSize } = getComputedStyle(document.querySelector('p'));
          const { scrollWidth } = document.documentElement;
          return {
            color,
            fontSize,
            scrollWidth,
            lang: document.documentElement.lang,
            margin: getComputedStyle(document.body).paddingLeft,
          };
        });
        assert.deepEqual(seen, { color: ink, fontSize: '16px', scrollWidth: 360, lang: 'en', margin: '16px' }, path);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.getByText(code, { exact: true }).waitFor();
      }
      assert.deepEqual(complaints, [], 'the policy lets the style pass');
      await context.close();
    });
  }

  test('a login that failed is begun again by its link, and leads where the first was to', async () => {
    const context = await browser.newContext({ viewport: { width: 360, height: 640 }, javaScriptEnabled: false });
    const page = await context.newPage();
    const submit = async (button) => {
      await page.getByLabel('E-mail address').fill('heidi@example.com');
      await page.getByLabel('Password').fill('any');
      await Promise.all([
        page.waitForURL((url) => url.origin === gateway.origin),
        page.getByRole('button', { name: button, exact: true }).click(),
      ]);
    };
    await page.goto(`${gateway.origin}${PRIVATE}?tab=2`);
    await submit('Deny');
    await page.getByText('login_denied', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Log in again' }).click();
    tenant.fault({ path: TOKEN_ENDPOINT, kind: 'reset', times: 1 });
    await submit('Log in');
    await page.getByText('idp_unavailable', { exact: true }).waitFor();
    // The provider knows the browser by this time, and asks for nothing.
    await page.getByRole('link', { name: 'Log in again' }).click();
    await page.waitForURL(`${gateway.origin}${PRIVATE}?tab=2`);
    assert.equal(await page.locator('body').innerText(), '{"ok":true}');
    await context.close();
  });
});
