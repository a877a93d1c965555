// What `edge/integrations/authorization_server.js` decides, row by row: which client a request is of, what it may ask for, and what it is
// told. How its answers reach clients is in authorization-server.test.mjs.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

// By its address: it is written for the Worker, whose types are others than those of the tests.
const { Refused, isListed, metadataOf, pageOf, readRequest, registered, requestOf, resourceOf, settingsOf } =
  await import(new URL('../../../src/edge/integrations/authorization_server.js', import.meta.url).href);

const SECTION = {
  issuer: 'https://mcp.example',
  redirect_uris: [
    'https://app.example/cb?x=1',
    'https://app.example',
    'http://127.0.0.1/cb',
    'http://[::1]:1234/cb',
    'http://localhost',
    'com.example.app:/cb',
  ],
  scopes: ['offline_access'],
};
const published = (host, resource, scopes, server = SECTION.issuer) =>
  `${host} ${JSON.stringify({ resource, scopes_supported: scopes, authorization_servers: ['https://x.example', server] })}`;
const RESOURCES = [
  published('', '/orders', ['read:orders']),
  published('', 'https://files.example/files', ['read:files']),
  published('*.shops.example', '/mcp', undefined),
  published('own.example', '/mcp', undefined),
  published('', '/else', undefined, 'https://else.example'),
];

/** Returns the settings of a server whose section has other members. */
const serverWith = (
  change = {},
  resources = RESOURCES,
  own = 'scope=openid&resource=https%3A%2F%2Fx&acr_values=2&MAX_age=3',
) =>
  settingsOf(
    [
      JSON.stringify({ ...SECTION, ...change }),
      'the-client',
      own,
      'prompt max_age login_hint',
      'resource',
      ...resources,
    ].join('\n'),
  );
const SERVER = serverWith();
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const VALID = {
  response_type: 'code',
  client_id: 'the-client',
  redirect_uri: 'http://127.0.0.1:5173/cb',
  code_challenge: CHALLENGE,
  code_challenge_method: 'S256',
  resource: 'https://mcp.example/orders',
  scope: 'read:orders',
  state: 'a b',
};

/** Returns a valid query with members replaced, and another text behind it. */
const queryWith = (change = {}, behind = '') => `${new URLSearchParams({ ...VALID, ...change })}${behind}`;

/** Returns what is refused, and `undefined` if nothing is. */
function refusalOf(work) {
  try {
    work();
    return undefined;
  } catch (refused) {
    assert.ok(refused instanceof Refused, String(refused));
    return refused;
  }
}

test('a redirect address is one of the list to the letter, but for a port of this machine', () => {
  for (const [uri, expected, message] of /** @type {[string, boolean, string][]} */ ([
    ['https://app.example/cb?x=1', true, 'one of the list'],
    ['https://app.example', true, 'one without a path'],
    ['https://app.example/', false, 'with a slash at its end'],
    ['https://app.example/cb', false, 'without its query'],
    ['https://app.example/cb?x=1&y=2', false, 'with more in its query'],
    ['https://app.example/cb?x=1#y', false, 'with a fragment'],
    ['https://app.example/cb?x=1/', false, 'with a slash behind its query'],
    ['https://APP.example/cb?x=1', false, 'in capitals'],
    ['HTTPS://app.example/cb?x=1', false, 'with its scheme in capitals'],
    ['http://app.example/cb?x=1', false, 'in plain http'],
    ['https://app.example:443/cb?x=1', false, 'with the port that it has anyway'],
    ['https://app.example:8443/cb?x=1', false, 'with another port'],
    ['https://user@app.example/cb?x=1', false, 'with a user'],
    ['https://app.example@evil.example/cb?x=1', false, 'as the user of another host'],
    ['https://app.example.evil.example/cb?x=1', false, 'as a part of another host'],
    ['https://app.example./cb?x=1', false, 'with a dot at the end of its host'],
    ['https://app.example/a/../cb?x=1', false, 'with dot segments'],
    ['https://app.example/%63b?x=1', false, 'with an escape'],
    ['https://app.example//cb?x=1', false, 'with two slashes'],
    ['https://app.example\\cb?x=1', false, 'with a backslash'],
    ['https:app.example/cb?x=1', false, 'without slashes'],
    ['https://\u0430pp.example/cb?x=1', false, 'with a letter that looks alike'],
    ['https://xn--pp-7kc.example/cb?x=1', false, 'with the same in its other spelling'],
    [' https://app.example/cb?x=1', false, 'behind a space'],
    ['https://app.example/cb?x=1\n', false, 'before a line feed'],
    ['http://127.0.0.1/cb', true, 'this machine'],
    ['http://127.0.0.1:1/cb', true, 'any port of it'],
    ['http://127.0.0.1:65535/cb', true, 'the last port'],
    ['http://127.0.0.1:65536/cb', false, 'a port that there is not'],
    ['http://127.0.0.1:/cb', false, 'no port'],
    ['http://127.0.0.1:80a/cb', false, 'a port that is none'],
    ['http://127.0.0.1:+80/cb', false, 'a port with a sign'],
    ['http://127.0.0.1:80@evil.example/cb', false, 'a port as the password of another host'],
    ['http://127.0.0.1@evil.example/cb', false, 'as the user of another host'],
    ['http://127.0.0.1.evil.example/cb', false, 'as a part of another host'],
    ['http://127.0.0.1:80.evil.example/cb', false, 'and a port before the rest'],
    ['http://127.0.0.1:80\\@evil.example/cb', false, 'a backslash behind the port'],
    ['http://127.0.0.1/cb/', false, 'another path'],
    ['http://127.0.0.1/cb?x', false, 'a query more'],
    ['http://127.0.0.1/cb\n', false, 'a line feed more'],
    ['https://127.0.0.1/cb', false, 'in https, which is not listed'],
    ['http://127.0.0.2/cb', false, 'another of its addresses'],
    ['http://127.1/cb', false, 'its address in short'],
    ['http://0x7f000001/cb', false, 'its address as a number'],
    ['http://2130706433/cb', false, 'its address as another number'],
    ['http://[::1]/cb', true, 'its other address, without the listed port'],
    ['http://[::1]:9/cb', true, 'and with another'],
    ['http://[0:0:0:0:0:0:0:1]/cb', false, 'the same in full'],
    ['http://[::ffff:127.0.0.1]/cb', false, 'a mapped one'],
    ['http://localhost:3000', true, 'its name'],
    ['http://localhost:3000/', false, 'its name, with a path'],
    ['http://LOCALHOST', false, 'its name in capitals'],
    ['http://localhost.evil.example', false, 'its name as a part of another'],
    ['http://evil.localhost', false, 'a name below it'],
    ['com.example.app:/cb', true, "an application's own"],
    ['com.example.app:/cb2', false, 'another of it'],
    ['com.example.app2:/cb', false, "another application's"],
    ['javascript:alert(1)', false, 'a script'],
    ['data:text/html,x', false, 'a page'],
    ['undefined', false, 'a word'],
    ['', false, 'nothing'],
  ])) {
    assert.equal(isListed(SERVER, uri), expected, `${message}: ${uri}`);
    const refused = refusalOf(() => readRequest(SERVER, queryWith({ redirect_uri: uri })));
    assert.equal(refused?.error, expected ? undefined : 'invalid_redirect_uri', `${message}: ${uri}`);
    assert.equal(refused?.to, undefined, `nobody is redirected: ${message}`);
    const body = JSON.stringify({ redirect_uris: [uri] });
    assert.equal(refusalOf(() => registered(SERVER, body)) === undefined, expected, `${message}: ${body}`);
  }
});

describe('an authorization request', () => {
  test('is for one client, one resource and a hashed proof key', () => {
    const longest = 'a'.repeat(1024);
    const none = Object.fromEntries(Object.keys(VALID).map((name) => [name, { [name]: '' }]));
    for (const [change, behind, error, message] of /** @type {[any, string, string | undefined, string][]} */ ([
      [{}, '', undefined, 'the valid one'],
      [{}, '&x=1&x=2', undefined, 'a parameter that nobody knows, twice'],
      [{ client_id: 'other' }, '', 'invalid_client', 'another client'],
      [none.client_id, '', 'invalid_client', 'no client'],
      [{}, '&client_id=the-client', 'invalid_request', 'the client twice'],
      [{}, '&redirect_uri=http://127.0.0.1/cb', 'invalid_request', 'two redirect addresses'],
      [none.state, '', undefined, 'no state'],
      [{ state: longest }, '', undefined, 'the longest state'],
      [{ state: `${longest}a` }, '', 'invalid_request', 'a longer one'],
      [{}, '&state=c', 'invalid_request', 'two states'],
      [{ response_type: 'token' }, '', 'unsupported_response_type', 'a token at once'],
      [{ response_type: 'code token' }, '', 'unsupported_response_type', 'both'],
      [none.response_type, '', 'unsupported_response_type', 'nothing'],
      [{}, '&response_type=token', 'invalid_request', 'two types'],
      [{ response_mode: 'query' }, '', undefined, 'the mode that there is'],
      [{ response_mode: 'form_post' }, '', 'invalid_request', 'another mode'],
      [{ response_mode: 'fragment' }, '', 'invalid_request', 'a third one'],
      [{ request: 'e30.e30.' }, '', 'request_not_supported', 'a request object'],
      [{ request_uri: 'urn:x' }, '', 'request_uri_not_supported', 'a reference to one'],
      [{ code_challenge_method: 'plain' }, '', 'invalid_request', 'a proof key in clear'],
      [none.code_challenge_method, '', 'invalid_request', 'a method that is not said, which is that'],
      [{ code_challenge_method: 's256' }, '', 'invalid_request', 'a method in small letters'],
      [{}, '&code_challenge_method=plain', 'invalid_request', 'two methods'],
      [none.code_challenge, '', 'invalid_request', 'no proof key'],
      [{ code_challenge: 'short' }, '', 'invalid_request', 'one that is no hash'],
      [{ code_challenge: `${CHALLENGE}=` }, '', 'invalid_request', 'one with padding'],
      [{ code_challenge: `${CHALLENGE}\n` }, '', 'invalid_request', 'one with a line feed'],
      [{ code_challenge: CHALLENGE.replace('-', '+') }, '', 'invalid_request', 'one in the other alphabet'],
      [{}, '&code_challenge=x', 'invalid_request', 'two proof keys'],
      [none.resource, '', 'invalid_target', 'no resource'],
      [{ resource: 'https://evil.example/orders' }, '', 'invalid_target', 'a resource elsewhere'],
      [{ resource: 'https://mcp.example/none' }, '', 'invalid_target', 'one that there is not'],
      [{}, '&resource=https%3A%2F%2Ffiles.example%2Ffiles', 'invalid_target', 'two resources'],
      [none.scope, '', undefined, 'no scope'],
      [{ scope: 'read:orders offline_access' }, '', undefined, 'a scope of the config besides'],
      [{ scope: 'read:orders read:files' }, '', 'invalid_scope', 'a scope of another resource'],
      [{ scope: 'read:orders  offline_access' }, '', 'invalid_scope', 'an empty scope'],
      [{}, '&scope=read%3Aorders', 'invalid_request', 'scopes twice'],
      [{ prompt: 'login' }, '', undefined, 'a prompt'],
      [{ prompt: 'none' }, '', 'consent_required', 'nobody to be asked'],
      [{ prompt: 'login none' }, '', 'consent_required', 'nobody to be asked, among others'],
      [{ x: 'a'.repeat(8192) }, '', 'invalid_request', 'a huge one'],
    ])) {
      const refused = refusalOf(() => readRequest(SERVER, queryWith(change, behind)));
      assert.equal(refused?.error, error, message);
    }
  });

  test('that is refused tells its client why, with its state and nothing else of its own', () => {
    const told = (change, behind = '') => refusalOf(() => readRequest(SERVER, queryWith(change, behind)))?.to;
    const of = (error, state = '&state=a+b') =>
      `http://127.0.0.1:5173/cb?error=${error}${state}&iss=https%3A%2F%2Fmcp.example`;
    for (const [change, behind, expected] of /** @type {[any, string, string | undefined][]} */ ([
      [{ response_type: 'token' }, '', of('unsupported_response_type')],
      [{ scope: 'admin' }, '', of('invalid_scope')],
      [{ resource: 'urn:x' }, '', of('invalid_target')],
      [{ prompt: 'none' }, '', of('consent_required')],
      [{ code_challenge_method: 'plain' }, '', of('invalid_request')],
      // Of two states, nobody knows which the client would take for its own.
      [{ response_type: 'token' }, '&state=c', of('invalid_request', '')],
      [{ state: 'a'.repeat(1025) }, '', of('invalid_request', '')],
      [{ client_id: 'other' }, '', undefined],
      [{}, '&client_id=x', undefined],
      [{}, '&redirect_uri=x', undefined],
    ])) {
      assert.equal(told(change, behind), expected, JSON.stringify(change));
    }
    const behind = told({ redirect_uri: 'https://app.example/cb?x=1', prompt: 'none' });
    assert.match(behind, /^https:\/\/app\.example\/cb\?x=1&error=consent_required&/);
    const hostile = told({ state: '&code=evil#"><script>\r\n', prompt: 'none' });
    assert.deepEqual([...new URL(hostile).searchParams.keys()], ['error', 'state', 'iss']);
  });

  test('of any text either names a listed client or redirects nobody', () => {
    const pieces = [
      'redirect_uri=',
      'client_id=the-client',
      '&',
      '%',
      '=',
      '+',
      'http://127.0.0.1/cb',
      '\0',
      '\u{1F600}',
    ];
    let seed = 1;
    const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
    for (let round = 0; round < 5000; round += 1) {
      const text = Array.from({ length: random(12) }, () => pieces[random(pieces.length)]).join('');
      const refused = refusalOf(() => readRequest(SERVER, text));
      assert.ok(refused, text);
      if (refused.to) assert.match(refused.to, /^http:\/\/127\.0\.0\.1\/cb\?error=/, text);
    }
  });
});

test('a resource is known by each spelling of the metadata, and by no other', () => {
  for (const [named, expected, message] of /** @type {[string, string | undefined, string][]} */ ([
    ['https://mcp.example/orders', 'https://mcp.example/orders', 'at the issuer'],
    ['https://mcp.example/orders/', 'https://mcp.example/orders', 'with a slash'],
    ['https://mcp.example/orders//', undefined, 'with two'],
    ['https://mcp.example/orders/7', undefined, 'below it'],
    ['https://mcp.example/Orders', undefined, 'in capitals'],
    ['https://MCP.example/orders', undefined, 'with its host in capitals'],
    ['https://mcp.example:443/orders', undefined, 'with a port'],
    ['http://mcp.example/orders', undefined, 'in plain http'],
    ['https://evil.example/orders', undefined, 'elsewhere'],
    ['https://x@mcp.example/orders', undefined, 'with a user'],
    ['https://mcp.example/orders?x', undefined, 'with a query'],
    ['https://mcp.example/orders#x', undefined, 'with a fragment'],
    ['https://mcp.example/orders\n', undefined, 'with a line feed'],
    ['https://files.example/files', 'https://files.example/files', 'as the config has it'],
    ['https://mcp.example/files', undefined, 'at its path, when it has another name'],
    ['https://a.shops.example/mcp', 'https://a.shops.example/mcp', 'a host of the star'],
    ['https://a.b.shops.example/mcp', undefined, 'a host with a label more'],
    ['https://*.shops.example/mcp', undefined, 'the star itself'],
    ['https://a@b.shops.example/mcp', undefined, 'a user before such a host'],
    ['https://a/b.shops.example/mcp', undefined, 'a path before such a host'],
    ['https://A.shops.example/mcp', undefined, 'such a host in capitals'],
    ['https://a.shops.example:1/mcp', undefined, 'with a port'],
    ['https://shops.example/mcp', undefined, 'without a label'],
    ['https://mcp.example/mcp', undefined, 'a path of other hosts'],
    ['https://own.example/mcp', 'https://own.example/mcp', 'a path of one host'],
    ['https://own.example/orders', undefined, 'a path of another host'],
    ['https://mcp.example/else', undefined, 'a resource of another provider'],
    ['', undefined, 'nothing'],
    ['orders', undefined, 'a word'],
  ])) {
    assert.equal(resourceOf(SERVER, named)?.resource, expected, `${message}: ${named}`);
  }
  const issuer = 'http://127.0.0.1:8787/oauth';
  const local = serverWith({ issuer }, [
    published('', '/orders', [], issuer),
    published('*.shops.example', '/mcp', [], issuer),
  ]);
  assert.ok(resourceOf(local, 'http://127.0.0.1:8787/orders'), 'an issuer with a port and a path');
  assert.ok(resourceOf(local, 'http://a.shops.example:8787/mcp'), 'another host at its port');
  assert.equal(resourceOf(local, 'http://127.0.0.1/orders'), undefined, 'another port');
  const whole = serverWith({}, [published('', '', [])]);
  assert.equal(resourceOf(whole, 'https://mcp.example/')?.resource, 'https://mcp.example', 'one without a path');
});

test('the provider is asked for the resource as the config says, and not for those of logins', () => {
  const own =
    `response_type=code&redirect_uri=https%3A%2F%2Fmcp.example%2Fcallback&state=s&code_challenge=${CHALLENGE}` +
    '&code_challenge_method=S256';
  for (const [change, expected, message] of /** @type {[any, string, string][]} */ ([
    [{}, 'scope=read%3Aorders&resource=https%3A%2F%2Fmcp.example%2Forders', 'by resource'],
    [
      { resource_parameter: 'audience' },
      'scope=read%3Aorders&audience=https%3A%2F%2Fmcp.example%2Forders',
      'by audience',
    ],
    [
      { resource_parameter: 'none', scope_prefix: 'api://orders/' },
      'scope=api%3A%2F%2Forders%2Fread%3Aorders',
      'by the scopes',
    ],
  ])) {
    const server = serverWith(change);
    const query = queryWith({ prompt: 'login' }, '&max_age=1&acr_values=1&audience=x&nonce=y');
    const found = requestOf(server, readRequest(server, query), 's', query);
    assert.equal(found, `${own}&${expected}&acr_values=2&MAX_age=3&prompt=login`, message);
  }
  const scope = 'read openid offline_access api://orders/write';
  const asked = { uri: '', state: '', challenge: '', resource: '', scope };
  const { searchParams } = new URL(
    `https://x?${requestOf(serverWith({ scope_prefix: 'api://orders/' }), asked, 's', '')}`,
  );
  assert.equal(searchParams.get('scope'), 'api://orders/read openid offline_access api://orders/write');
});

test('the page says who asks, and lets nothing out of its place', () => {
  const page = (uri) => {
    const asked = { uri, state: 'the state', challenge: CHALLENGE, resource: 'https://mcp.example/o', scope: 'read:o' };
    return pageOf(SERVER, asked, 'sealed"><script>');
  };
  for (const [uri, expected] of [
    ['https://app.example/cb?x=1', '<strong>The site app.example</strong>'],
    ['http://127.0.0.1:1/cb', '<strong>A program on this computer</strong>'],
    ['com.example.app:/cb', '<strong>An app on this device</strong>'],
    ['https://a"\'><script>&/', '<strong>The site a&quot;&#39;&gt;&lt;script&gt;&amp;</strong>'],
  ]) {
    const text = page(uri);
    assert.ok(text.includes(expected), text);
    assert.ok(text.includes('<code>https://mcp.example/o</code>, with the scopes <code>read:o</code>'), text);
    assert.ok(text.includes('action="https://mcp.example/authorize"'), text);
    assert.ok(text.includes('value="sealed&quot;&gt;&lt;script&gt;"'), text);
    assert.ok(!text.includes('<script') && !text.includes('the state') && !text.includes('\n'), text);
  }
});

test('a registration gives the one client to listed addresses, whatever else it wants', () => {
  const at = { redirect_uris: ['http://localhost'] };
  for (const [body, error, message] of /** @type {[any, string | undefined, string][]} */ ([
    [{ redirect_uris: ['http://localhost:1'] }, undefined, 'an address'],
    [{ redirect_uris: ['http://localhost:1', 'https://app.example'] }, undefined, 'two'],
    [
      {
        ...at,
        client_name: '<b>',
        client_id: 'x',
        token_endpoint_auth_method: 'client_secret_basic',
        scope: 'admin',
        jwks: { keys: [] },
        grant_types: ['authorization_code', 'implicit'],
        response_types: ['code', 'token'],
      },
      undefined,
      'more than it gets',
    ],
    [{ ...at, grant_types: null }, undefined, 'no word'],
    [{ redirect_uris: ['http://localhost', 'https://evil.example'] }, 'invalid_redirect_uri', 'one that is not listed'],
    [{ redirect_uris: ['http://localhost', null] }, 'invalid_redirect_uri', 'nothing'],
    [{ redirect_uris: ['http://localhost', ['http://localhost']] }, 'invalid_redirect_uri', 'a list in the list'],
    [{ redirect_uris: [{}] }, 'invalid_redirect_uri', 'an object'],
    [{ redirect_uris: [{ toString: 1, valueOf: 1 }] }, 'invalid_redirect_uri', 'an object that is no text'],
    [{ redirect_uris: [] }, 'invalid_client_metadata', 'no address'],
    [{}, 'invalid_client_metadata', 'nothing at all'],
    [{ redirect_uris: 'http://localhost' }, 'invalid_client_metadata', 'a text'],
    [{ redirect_uris: Array(33).fill('http://localhost') }, 'invalid_client_metadata', 'too many'],
    [{ ...at, grant_types: ['client_credentials'] }, 'invalid_client_metadata', 'another grant'],
    [{ ...at, grant_types: 'authorization_code' }, 'invalid_client_metadata', 'a grant as a text'],
    [{ ...at, response_types: ['token'] }, 'invalid_client_metadata', 'another response'],
    [[], 'invalid_client_metadata', 'a list'],
    [null, 'invalid_client_metadata', 'null'],
    [7, 'invalid_client_metadata', 'a number'],
  ])) {
    const text = JSON.stringify(body);
    const refused = refusalOf(() => registered(SERVER, text));
    assert.equal(refused?.error, error, message);
    if (error) continue;
    assert.deepEqual(registered(SERVER, text), {
      client_id: 'the-client',
      redirect_uris: body.redirect_uris,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    });
  }
  for (const text of ['', '{', 'redirect_uris=http://localhost']) {
    assert.equal(refusalOf(() => registered(SERVER, text))?.error, 'invalid_client_metadata', text);
  }
});

test('the metadata names every scope once, and nothing that a client cannot use', () => {
  const metadata = metadataOf(serverWith({}, [...RESOURCES, ...RESOURCES]));
  assert.deepEqual(metadata.scopes_supported, ['offline_access', 'read:orders', 'read:files']);
  assert.deepEqual(metadata.token_endpoint_auth_methods_supported, ['none']);
  assert.equal(metadata.client_id_metadata_document_supported, false);
});
