// "Which path takes this request?": the way of a request, as `bargate request explain` tells it, on the page.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { CONFIG, startStudio } from '../../e2e/support/studio.mjs';

let site;
let tab;

before(async () => {
  site = await startStudio();
});

afterEach(async () => {
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

after(() => site?.close());

/** Opens the panel, and fills in what is given by the labels of its fields. */
async function ask(fields, config) {
  tab = await site.open();
  if (config) await tab.load(config);
  await tab.tab('Request');
  for (const [label, value] of Object.entries(fields)) {
    if (label === 'Method') await tab.page.getByLabel(label, { exact: true }).selectOption(value);
    else await tab.page.getByRole('textbox', { name: label, exact: true }).fill(value);
  }
}

const ended = (text) => tab.page.locator('#request-outcome .outcome', { hasText: text }).waitFor();
const step = (name) =>
  tab.page
    .getByRole('list', { name: 'The way of the request' })
    .getByRole('listitem')
    .filter({ has: tab.page.locator('.name', { hasText: name }) });
const sent = (name) => tab.page.getByRole('row').filter({ has: tab.page.getByText(name, { exact: true }) });

describe('a request', () => {
  test('that is answered by the gateway', async () => {
    await ask({ Address: 'https://gateway.example/health' });
    await ended('Answered by the gateway: 200');
    await step('Route').getByText('GET /health').waitFor();
  });

  test('that nothing takes', async () => {
    await ask({ Address: 'https://gateway.example/nowhere' });
    await ended('Refused: 404 route_not_found');
  });

  test('that lacks a token is refused where the token is asked for, with the challenge', async () => {
    await ask({ Method: 'POST', Address: 'https://gateway.example/api/orders/7' });
    await ended('Refused: 401 token_missing');
    await step('Authentication').getByText('refused').waitFor();
    await sent('www-authenticate').getByText('Bearer').waitFor();
  });

  test('goes on to the upstream with the headers that it gets, and where each comes from', async () => {
    const open = { method: 'GET', path: '/open/{.+}', integration: { type: 'http_proxy', server: 'api' } };
    await ask(
      {
        Address: 'https://gateway.example/open/a?b=c',
        'Headers, one a line': 'Accept: text/html\nX-Forwarded-For: 1.2.3.4',
      },
      { ...CONFIG, paths: [...CONFIG.paths, open] },
    );
    await ended('GET https://api.shop.example/a?b=c');
    await sent('accept').getByText('client').waitFor();
    assert.equal(await tab.page.getByRole('row').filter({ hasText: '1.2.3.4' }).count(), 0);
  });

  test('is looked at anew when the config changes', async () => {
    await ask({ Address: 'https://gateway.example/health' });
    await ended('Answered by the gateway: 200');
    await tab.replace('"/health"', '"/alive"');
    await ended('Refused: 404 route_not_found');
  });

  test('is refused for its address and for its body, if the path says so', async () => {
    const strict = {
      method: 'POST',
      path: '/strict',
      ip: { allow: ['192.0.2.0/24'] },
      max_body_bytes: 10,
      integration: { type: 'http_proxy', server: 'api' },
    };
    const address = { Method: 'POST', Address: 'https://gateway.example/strict' };
    await ask({ ...address, 'From the IP address': '198.51.100.1' }, { ...CONFIG, paths: [...CONFIG.paths, strict] });
    await ended('Refused: 403 ip_denied');
    await tab.page.getByRole('textbox', { name: 'From the IP address' }).fill('192.0.2.1');
    await tab.page.getByRole('textbox', { name: 'Bytes of its body' }).fill('11');
    await ended('Refused: 413');
  });

  test('has the values that are given below the editor', async () => {
    const config = {
      servers: [{ alias: 'api', url: '$env.API_URL' }],
      paths: [{ method: 'GET', path: '/{.+}', integration: { type: 'http_proxy', server: 'api' } }],
    };
    await ask({ Address: 'https://gateway.example/x' }, config);
    await tab.page.locator('#request-result').getByText('Without a value here: $env.API_URL').waitFor();
    await tab.page.getByText('Values of $env').click();
    await tab.page.getByRole('textbox', { name: 'as in .dev.vars' }).fill('API_URL=https://api.shop.example/v1');
    await ended('GET https://api.shop.example/v1/x');
  });

  for (const [what, fields, line] of /** @type {[string, Record<string, string>, RegExp][]} */ ([
    ['an address that is none', { Address: 'nowhere' }, /nowhere/],
    ['a header without a colon', { 'Headers, one a line': 'x' }, /has no colon/],
    ['a header that looks like a flag', { 'Headers, one a line': '--help' }, /has no colon/],
    ['bytes that are no number', { 'Bytes of its body': 'many' }, /many/],
    ['an address of no network', { 'From the IP address': 'here' }, /here/],
  ])) {
    test(`of ${what} is told in a line`, async () => {
      await ask(fields);
      await ended('This could not be worked out');
      assert.match(await tab.page.locator('#request-outcome .outcome p').innerText(), line);
    });
  }
});

test('a pasted token is tried with its keys: its scopes decide', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' }] });
  const issue = (scope) =>
    new SignJWT({ scope })
      .setProtectedHeader({ alg: 'RS256', kid: 'k' })
      .setIssuer('https://shop.eu.auth0.com/')
      .setAudience('https://api.shop.example/')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
  await ask({ Address: 'https://gateway.example/api/orders/7' });
  await ended('Refused: 401 token_missing');
  await tab.tab('Token');
  const token = tab.page.getByRole('textbox', { name: 'Token' });
  await token.fill(await issue('read:profile'));
  await tab.page.getByLabel('JWKS of its issuer').fill(jwks);
  await tab.page.locator('#token-outcome .outcome', { hasText: 'Accepted' }).waitFor();
  await tab.button('Try it on a request').click();
  await ended('Refused: 403 insufficient_scope');
  await tab.tab('Token');
  await token.fill(await issue('read:orders'));
  await tab.tab('Request');
  await ended('Forwarded');
  await sent('authorization').waitFor();
});
