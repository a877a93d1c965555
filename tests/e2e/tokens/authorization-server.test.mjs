// The gateway as the authorization server of clients that the provider does not know: a client that others wrote logs people in, and
// whoever is no such client gets nothing.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { later } from '../support/clock.mjs';
import {
  CLIENT_ID,
  METADATA,
  PROGRAM,
  RESOURCE_METADATA,
  SITE,
  allow,
  newPerson,
  post,
  proofKey,
  requestOf,
  startFront,
  tokensOf,
} from '../support/front-flow.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };
let front;

before(async () => {
  front = await startFront();
});

after(() => front?.close());

const call = (token, path = '/orders', method = 'GET') =>
  front.gateway.fetch(path, { method, headers: token ? { authorization: `Bearer ${token}` } : {} });

test('oauth4webapi logs a user in at a provider that registers nobody, by nothing but the address of a resource', async () => {
  const address = new URL('/orders', front.origin);
  const challenged = await fetch(address);
  assert.equal(challenged.status, 401);
  const { resource_metadata: where } = parametersOf(challenged.headers.get('www-authenticate'));
  assert.equal(where, `${front.origin}${RESOURCE_METADATA}/orders`);
  const resource = await oauth.processResourceDiscoveryResponse(
    address,
    await oauth.resourceDiscoveryRequest(address, insecure),
  );
  const [issuer] = resource.authorization_servers.map((text) => new URL(text));
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  assert.equal(server.issuer, front.issuer);

  const metadata = {
    redirect_uris: [PROGRAM],
    token_endpoint_auth_method: 'none',
    client_name: 'A program',
    grant_types: ['authorization_code', 'refresh_token'],
  };
  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(server, metadata, insecure),
  );
  assert.equal(client.client_id, CLIENT_ID);

  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
  const request = new URL(server.authorization_endpoint);
  request.search = `${new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: PROGRAM,
    response_type: 'code',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    scope: 'read:orders offline_access',
    prompt: 'consent',
    resource: resource.resource,
    state,
  })}`;
  const arrived = await allow(newPerson(), request.href);
  assert.match(arrived.href, /^http:\/\/127\.0\.0\.1:9\/callback\?/);
  // It checks `iss`, because the metadata promises it (RFC 9207).
  const parameters = oauth.validateAuthResponse(server, client, arrived, state);
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    PROGRAM,
    verifier,
    {
      additionalParameters: { resource: resource.resource },
      ...insecure,
    },
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer);
  assert.equal((await call(tokens.access_token)).status, 200);
  assert.equal((await call(tokens.access_token, '/files')).status, 401, 'it is for one resource');

  const refresh = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token, insecure);
  const renewed = await oauth.processRefreshTokenResponse(server, client, refresh);
  assert.equal((await call(renewed.access_token)).status, 200);
  assert.notEqual(renewed.access_token, tokens.access_token);

  const revocation = await oauth.revocationRequest(server, client, oauth.None(), renewed.refresh_token, insecure);
  assert.equal(await oauth.processRevocationResponse(revocation), undefined);
  const late = await post(front, '/token', {
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    refresh_token: renewed.refresh_token,
  });
  assert.deepEqual([late.status, late.body.error], [400, 'invalid_grant']);
});

/** Returns the parameters of a challenge. */
const parametersOf = (challenge) =>
  Object.fromEntries([...challenge.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));

describe('the metadata', () => {
  test('is that of an OAuth server, readable for every page, and takes the place of the provider in that of the resource', async () => {
    const answer = await front.gateway.fetch(METADATA, { headers: { origin: 'https://inspector.example' } });
    const metadata = await answer.json();
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.deepEqual(
      [metadata.issuer, metadata.registration_endpoint, metadata.code_challenge_methods_supported],
      [front.issuer, `${front.issuer}/register`, ['S256']],
    );
    assert.deepEqual(metadata.scopes_supported, ['offline_access', 'read:orders', 'write:orders', 'read:files']);
    const resource = await (await front.gateway.fetch(`${RESOURCE_METADATA}/orders`)).json();
    assert.deepEqual(resource.authorization_servers, [front.issuer]);
  });

  test('and the endpoints can be below a path', async (t) => {
    const own = await startFront({ path: '/oauth' });
    t.after(() => own.close());
    const metadata = await (await own.gateway.fetch(`${METADATA}/oauth`)).json();
    assert.deepEqual([metadata.issuer, metadata.token_endpoint], [own.issuer, `${own.issuer}/token`]);
    assert.equal((await own.gateway.fetch(METADATA)).status, 404);
    const { status, body } = await tokensOf(own);
    assert.deepEqual([status, body.token_type], [200, 'Bearer']);
  });
});

describe('a client that its user has not agreed to gets nothing', () => {
  const pageOf = async (person, address = requestOf(front)) => {
    const answer = await person.fetch(address);
    const text = await answer.text();
    return { answer, text, request: /name="request" value="([^"]+)"/.exec(text)?.[1] };
  };
  const decide = (person, form, headers = {}) =>
    person.fetch(`${front.issuer}/authorize`, { method: 'POST', headers, body: new URLSearchParams(form) });

  test('the page names it, is asked each time, and no other site can frame or read it', async () => {
    const person = newPerson();
    for (const time of ['first', 'second']) {
      const { answer, text } = await pageOf(person, requestOf(front, { redirect_uri: SITE }));
      assert.equal(answer.status, 200, time);
      assert.ok(text.includes('The site client.example') && text.includes(`<code>${front.origin}/orders</code>`), time);
      const { headers } = answer;
      assert.match(headers.get('content-security-policy'), /^default-src 'none';.*frame-ancestors 'none'$/);
      assert.deepEqual(
        [
          'x-frame-options',
          'cache-control',
          'referrer-policy',
          'cross-origin-opener-policy',
          'access-control-allow-origin',
        ].map((name) => headers.get(name)),
        ['DENY', 'no-store', 'no-referrer', 'noopener-allow-popups', null],
      );
    }
    const page = await front.gateway.fetch(new URL(requestOf(front)).pathname + new URL(requestOf(front)).search, {
      headers: { origin: 'https://evil.example' },
    });
    assert.equal(page.headers.get('access-control-allow-origin'), null);
  });

  test('who says no leads the client its refusal, and nobody to the provider', async () => {
    const person = newPerson();
    const { request } = await pageOf(person);
    for (const decision of ['deny', 'Allow', '']) {
      const answer = await decide(person, { request, decision });
      assert.equal(answer.status, 303);
      const to = new URL(answer.headers.get('location'));
      assert.equal(to.origin + to.pathname, PROGRAM);
      assert.deepEqual(Object.fromEntries(to.searchParams), {
        error: 'access_denied',
        state: 'the state',
        iss: front.issuer,
      });
    }
  });

  test('no other browser, no other site and no made-up text agrees for its user', async () => {
    const [person, stranger] = [newPerson(), newPerson()];
    const { request } = await pageOf(person);
    const { request: ofStranger } = await pageOf(stranger);
    const allowed = { request, decision: 'allow' };
    for (const [who, form, headers, code, message] of /** @type {any[][]} */ ([
      [stranger, allowed, {}, 'state_invalid', 'another browser'],
      [newPerson(), allowed, {}, 'state_invalid', 'a browser without the cookie'],
      [person, { ...allowed, request: ofStranger }, {}, 'state_invalid', 'the request of another browser'],
      [person, { ...allowed, request: `${request}A` }, {}, 'state_invalid', 'an altered request'],
      [person, { decision: 'allow' }, {}, 'state_invalid', 'no request'],
      [
        person,
        allowed,
        { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' },
        'state_invalid',
        'another site',
      ],
      [
        person,
        allowed,
        { 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'document' },
        'state_invalid',
        'a neighbour',
      ],
      [person, allowed, { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty' }, 'state_invalid', 'a script'],
    ])) {
      const answer = await decide(who, form, headers);
      assert.equal(answer.headers.get('x-problem-code'), code, message);
      assert.equal(answer.headers.get('location'), null, message);
    }
    const twice = new URLSearchParams([...Object.entries(allowed), ['request', request]]);
    const answer = await person.fetch(`${front.issuer}/authorize`, { method: 'POST', body: twice });
    assert.equal(answer.headers.get('x-problem-code'), 'client_refused', 'two requests');
    for (const dest of ['iframe', 'empty', 'image']) {
      const framed = await person.fetch(requestOf(front), { headers: { 'sec-fetch-dest': dest } });
      assert.equal(framed.headers.get('x-problem-code'), 'state_invalid', dest);
    }
    assert.equal(
      (await decide(person, allowed, { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'document' })).status,
      303,
    );
  });

  test('nobody is redirected to an address that is not listed, whatever is wrong besides', async () => {
    for (const change of [
      { redirect_uri: 'https://evil.example/callback' },
      { redirect_uri: 'http://127.0.0.1:80@evil.example/callback' },
      { redirect_uri: [PROGRAM, 'https://evil.example'] },
      { redirect_uri: undefined },
      { client_id: 'another' },
      { redirect_uri: 'https://evil.example/callback', response_type: 'token' },
    ]) {
      const answer = await fetch(requestOf(front, change), { redirect: 'manual' });
      const body = await answer.json();
      assert.deepEqual([answer.status, body.code, answer.headers.get('location')], [400, 'client_refused', null]);
      assert.ok(!JSON.stringify(body).includes('evil'), 'nothing of it is reflected');
    }
    const told = await fetch(requestOf(front, { code_challenge_method: 'plain' }), { redirect: 'manual' });
    assert.match(told.headers.get('location'), /^http:\/\/127\.0\.0\.1:9\/callback\?error=invalid_request&state=/);
  });
});

describe('the way back from the provider', () => {
  /** Lets a user allow a request and log in, up to the gateway's own callback. */
  async function untilCallback(person, address = requestOf(front)) {
    const { page, next } = await person.goTo(address, (url) => url.startsWith(`${front.issuer}/callback`));
    assert.ok(next, page.words());
    return next;
  }

  test('is for the browser that began, and for who the state says', async () => {
    const [person, stranger] = [newPerson(), newPerson()];
    await stranger.fetch(requestOf(front));
    const callback = await untilCallback(person);
    const with_ = (change) => {
      const url = new URL(callback);
      for (const [name, value] of Object.entries(change)) {
        if (value === undefined) url.searchParams.delete(name);
        else url.searchParams.set(name, value);
      }
      return url.href;
    };
    const at = async (who, address) => {
      const answer = await who.fetch(address);
      return [answer.headers.get('x-problem-code'), answer.headers.get('location')];
    };
    for (const [who, address, code, message] of /** @type {any[][]} */ ([
      [stranger, callback, 'state_invalid', 'another browser'],
      [newPerson(), callback, 'state_invalid', 'a browser that never began'],
      [person, with_({ state: undefined }), 'state_invalid', 'no state'],
      [person, with_({ state: 'made-up' }), 'state_invalid', 'a made-up state'],
      [person, with_({ iss: 'https://evil.example' }), 'state_invalid', 'another provider (RFC 9207)'],
      [person, with_({ iss: `${front.provider.issuer}\nx` }), 'state_invalid', 'one whose name begins alike'],
      [
        person,
        with_({ iss: undefined }),
        'state_invalid',
        'a provider that does not say who it is, though it announces that',
      ],
      [person, `${callback}&code=b`, 'client_refused', 'two codes'],
    ])) {
      assert.deepEqual(await at(who, address), [code, null], message);
    }
    const [, denied] = await at(person, with_({ code: undefined, error: 'access_denied', error_description: '<b>' }));
    assert.equal(new URL(denied).searchParams.get('error'), 'access_denied');
    assert.ok(!denied.includes('b%3E'), denied);
    const [, odd] = await at(person, with_({ code: undefined, error: 'a"b' }));
    assert.equal(new URL(odd).searchParams.get('error'), 'server_error');
    const [, arrived] = await at(person, callback);
    assert.ok(new URL(arrived).searchParams.get('code'), arrived);
  });
});

describe('a code', () => {
  test('is for the client that has the verifier and the address, once', async () => {
    const { verifier, challenge } = proofKey();
    const arrived = await allow(newPerson(), requestOf(front, { code_challenge: challenge }));
    const form = {
      grant_type: 'authorization_code',
      client_id: CLIENT_ID,
      code: arrived.searchParams.get('code'),
      redirect_uri: PROGRAM,
      code_verifier: verifier,
    };
    const calls = front.provider.forms.length;
    for (const [change, error, message] of /** @type {any[][]} */ ([
      [{ code_verifier: proofKey().verifier }, 'invalid_grant', 'another verifier'],
      [{ code_verifier: '' }, 'invalid_grant', 'no verifier'],
      [{ code_verifier: challenge }, 'invalid_grant', 'the challenge itself'],
      [{ redirect_uri: SITE }, 'invalid_grant', 'another client'],
      [{ redirect_uri: '' }, 'invalid_grant', 'no address'],
      [{ redirect_uri: 'http://127.0.0.1:10/callback' }, 'invalid_grant', 'another port than that it came to'],
      [{ code: 'made-up' }, 'invalid_grant', 'a made-up code'],
      [{ code: `${form.code.slice(0, -2)}AA` }, 'invalid_grant', 'an altered code'],
      [{ client_id: 'another' }, 'invalid_client', 'another client id'],
      [{ client_id: '' }, 'invalid_client', 'no client id'],
      [{ grant_type: '' }, 'invalid_request', 'no grant'],
      [{ grant_type: 'client_credentials' }, 'unsupported_grant_type', 'another grant'],
      [{ grant_type: 'password' }, 'unsupported_grant_type', 'a password'],
      [{ grant_type: 'refresh_token', refresh_token: form.code }, 'invalid_grant', 'the code as a refresh token'],
      [{ resource: `${front.origin}/files` }, 'invalid_target', 'another resource than that agreed to'],
      [{ resource: 'https://evil.example' }, 'invalid_target', 'a resource elsewhere'],
    ])) {
      const answer = await post(front, '/token', { ...form, ...change });
      assert.deepEqual([answer.status, answer.body.error], [400, error], message);
      assert.equal(answer.headers.get('cache-control'), 'no-store', message);
    }
    const twice = new URLSearchParams([...Object.entries(form), ['code', form.code]]);
    assert.equal((await post(front, '/token', twice)).body.error, 'invalid_request', 'two codes');
    assert.equal(front.provider.forms.length, calls, 'the provider has heard of none of them');

    const answers = await Promise.all([1, 2, 3].map(() => post(front, '/token', form)));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 400, 400]);
    assert.equal((await post(front, '/token', form)).body.error, 'invalid_grant', 'and once more');
  });

  test('brings tokens without the ID token of another issuer, and a refresh token for nobody else', async () => {
    const { status, body } = await tokensOf(front, { scope: 'read:orders offline_access', prompt: 'consent' });
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body).toSorted(), [
      'access_token',
      'expires_in',
      'refresh_token',
      'scope',
      'token_type',
    ]);
    const refresh = (change = {}) =>
      post(front, '/token', {
        grant_type: 'refresh_token',
        client_id: CLIENT_ID,
        refresh_token: body.refresh_token,
        ...change,
      });
    for (const [change, error, message] of /** @type {any[][]} */ ([
      [{ client_id: 'another' }, 'invalid_client', 'another client id'],
      [{ resource: `${front.origin}/files` }, 'invalid_target', 'another resource'],
      [{ refresh_token: body.access_token }, 'invalid_grant', 'an access token'],
      [{ refresh_token: '' }, 'invalid_grant', 'nothing'],
      [{ scope: 'read:orders write:orders' }, 'invalid_scope', 'more than was agreed to'],
    ])) {
      const answer = await refresh(change);
      assert.deepEqual([answer.status, answer.body.error], [400, error], message);
    }
    const form = { grant_type: 'refresh_token', client_id: CLIENT_ID, refresh_token: body.refresh_token };
    const bound = { method: 'POST', headers: { dpop: 'a.b.c' }, body: new URLSearchParams(form) };
    const refused = await fetch(`${front.issuer}/token`, bound);
    assert.deepEqual([refused.status, (await refused.json()).error], [400, 'invalid_request'], 'a proof of possession');
    for (const [change, status, error] of /** @type {any[][]} */ ([
      [{ token: body.access_token }, 400, 'unsupported_token_type'],
      [{ token: 'opaque', token_type_hint: 'access_token' }, 400, 'unsupported_token_type'],
      [{ token: 'made-up' }, 200, undefined],
    ])) {
      const answer = await post(front, '/revoke', { client_id: CLIENT_ID, ...change });
      assert.deepEqual([answer.status, answer.body.error], [status, error], JSON.stringify(Object.keys(change)));
    }
    assert.equal((await call(body.access_token)).status, 200, 'and it stays valid');
    const both = await Promise.all([refresh(), refresh()]);
    assert.deepEqual(
      both.map((answer) => answer.status),
      [200, 200],
      'two at once',
    );
    assert.equal(both[0].body.access_token, both[1].body.access_token, 'the provider was asked once');
    assert.equal((await call(both[0].body.access_token)).status, 200);
  });
});

test('a token that lacks a scope is told of what it has besides, so that a wider one loses nothing', async () => {
  const { body } = await tokensOf(front);
  const answer = await call(body.access_token, '/orders', 'POST');
  assert.equal(answer.status, 403);
  const parameters = parametersOf(answer.headers.get('www-authenticate'));
  assert.deepEqual([parameters.error, parameters.scope], ['insufficient_scope', 'write:orders read:orders']);
  const wider = await tokensOf(front, { scope: parameters.scope });
  assert.equal((await call(wider.body.access_token, '/orders', 'POST')).status, 200);
  assert.equal((await call(wider.body.access_token)).status, 200);
});

test('a provider that refuses the gateway is no fault of the client, which would register again for ever', async (t) => {
  const own = await startFront({ secret: 'another secret, of more than 32 characters' });
  t.after(() => own.close());
  const { status, body } = await tokensOf(own);
  assert.deepEqual([status, body.error], [502, 'server_error']);
});

test('a provider that denies a user lets the client begin again, and says nothing of why', async (t) => {
  const own = await startFront();
  t.after(() => own.close());
  own.provider.deny();
  const { status, body } = await tokensOf(own);
  assert.deepEqual([status, body.error], [400, 'invalid_grant']);
  assert.ok(!JSON.stringify(body).includes('<b>'), 'nothing of it is reflected');
});

describe('a registration', () => {
  const register = (body, type = 'application/json') =>
    fetch(`${front.issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': type, origin: 'https://x.example' },
      body,
    });

  test('is for listed addresses, and says in the words of OAuth why it is refused', async () => {
    for (const [body, type, status, error] of /** @type {any[][]} */ ([
      [JSON.stringify({ redirect_uris: [PROGRAM, SITE] }), 'application/json', 201, undefined],
      [JSON.stringify({ redirect_uris: ['https://evil.example'] }), 'application/json', 400, 'invalid_redirect_uri'],
      ['{}', 'application/json', 400, 'invalid_client_metadata'],
      ['', 'application/json', 400, 'invalid_client_metadata'],
      ['redirect_uris=x', 'application/x-www-form-urlencoded', 415, 'invalid_request'],
      [JSON.stringify({ redirect_uris: [PROGRAM], x: 'x'.repeat(20_000) }), 'application/json', 413, 'invalid_request'],
    ])) {
      const answer = await register(body, type);
      const said = await answer.json();
      assert.deepEqual([answer.status, said.error], [status, error], body.slice(0, 40));
      assert.deepEqual(
        [answer.headers.get('cache-control'), answer.headers.get('access-control-allow-origin')],
        ['no-store', '*'],
      );
      assert.ok(!JSON.stringify(said).includes('evil'), 'nothing of it is reflected');
    }
    assert.equal((await fetch(`${front.issuer}/register`)).status, 405);
  });

  test('counts against the limit of the section', async (t) => {
    const own = await startFront({ server: { rate_limit: { limit: 2, key: 'ip' } } });
    t.after(() => own.close());
    const statuses = [];
    for (let time = 0; time < 3; time += 1) {
      const answer = await fetch(`${own.issuer}/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: [PROGRAM] }),
      });
      statuses.push(answer.status);
    }
    assert.deepEqual(statuses, [201, 201, 429]);
  });
});

// From here on, the clock of this process stands still.
describe('a refresh token that comes again', () => {
  const LATE_SECS = 3600;
  /** Logs a user in, and returns how its client refreshes. */
  const begin = async (t, options) => {
    const own = await startFront({ clock: true, ...options });
    t.after(() => own.close());
    const { body } = await tokensOf(own, { scope: 'read:orders offline_access', prompt: 'consent' });
    const refresh = (refresh_token) =>
      post(own, '/token', { grant_type: 'refresh_token', client_id: CLIENT_ID, refresh_token });
    return { first: body.refresh_token, refresh, asked: () => own.provider.forms.length };
  };
  const passes = async (asked) => {
    const { status, body } = await asked;
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const isRefused = async (asked, message) => {
    const { status, body } = await asked;
    assert.deepEqual([status, body.error], [400, 'invalid_grant'], message);
  };

  test('gets the same answer within the grace, as a client needs that has lost it', async (t) => {
    const { first, refresh, asked } = await begin(t, { rotates: true });
    const lost = await passes(refresh(first));
    const before = asked();
    const again = await passes(refresh(first));
    assert.equal(again.access_token, lost.access_token);
    assert.equal(asked(), before, 'the provider is not asked');
    // Whichever of the two the client keeps, it goes on.
    await passes(refresh(again.refresh_token));
  });

  test('past that is taken for stolen by a provider that rotates, and nobody goes on with the login', async (t) => {
    const { first, refresh } = await begin(t, { rotates: true });
    const next = await passes(refresh(first));
    await later(LATE_SECS);
    await isRefused(refresh(first), 'the used one');
    await isRefused(refresh(next.refresh_token), 'the one that has followed');
  });

  test('of two who have it, ends with the second who goes on', async (t) => {
    const { first, refresh } = await begin(t, { rotates: true });
    const [client, thief] = [await passes(refresh(first)), await passes(refresh(first))];
    await later(LATE_SECS);
    const own = await passes(refresh(client.refresh_token));
    await later(LATE_SECS);
    await isRefused(refresh(thief.refresh_token), 'the second who goes on');
    await isRefused(refresh(own.refresh_token), 'the first');
  });

  test('is as good as ever where the provider does not rotate', async (t) => {
    const { first, refresh } = await begin(t);
    await passes(refresh(first));
    await later(LATE_SECS);
    await passes(refresh(first));
  });
});

test('what a user agreed to ends after 90 days, however often it was used', async (t) => {
  const own = await startFront({ clock: true });
  t.after(() => own.close());
  const { body } = await tokensOf(own, { scope: 'read:orders offline_access', prompt: 'consent' });
  const form = { grant_type: 'refresh_token', client_id: CLIENT_ID };
  const day = 86_400;
  await later(10 * day);
  const next = await post(own, '/token', { ...form, refresh_token: body.refresh_token });
  assert.equal(next.status, 200);
  for (const [days, isAsked] of /** @type {[number, boolean][]} */ ([
    [79, true],
    [2, false],
  ])) {
    await later(days * day);
    const asked = own.provider.forms.length;
    await post(own, '/token', { ...form, refresh_token: next.body.refresh_token });
    assert.equal(own.provider.forms.length > asked, isAsked, `${days} days later`);
  }
});
