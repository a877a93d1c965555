// The gateway as the authorization server of clients that the provider does not know. What is decided here needs requests, their forms and
// seals, all of which JavaScript has: in Rust it would weigh eight times as much. Rust makes the requests to the provider.
//
// Nothing is stored. A client is known by its redirect address alone, which the config lists, and people are asked about it each time:
// the provider would not ask about a client that it takes for the one it knows. What a client holds, a code or a refresh token, is sealed
// with what its user agreed to.

import { open, seal } from '../runtime/sealing.js';
import { digest_text, encoded } from '../runtime/webcrypto.js';

/**
 * What the config says of the authorization server, its client at the provider and its resources.
 *
 * @typedef {{ host: string, resource: string, scopes_supported?: string[], authorization_servers?: string[] }} Resource
 * @typedef {{
 *   issuer: string, client: string, uris: string[], scopes: string[], parameter: string, prefix: string,
 *   own: [string, string][], passed: string[], resources: Resource[],
 * }} Settings
 */

/** What a client asks for. @typedef {{ uri: string, state: string, challenge: string, resource: string, scope: string }} Asked */

/** What its user agreed to, with what is held for it: its `state`, or the provider's code or refresh token. @typedef {Asked & { held: string }} Agreed */

/** The longest query of an authorization request: it comes back with the user's answer, sealed, in a form. */
const QUERY_MAX_CHARS = 8192;
/** The longest value of it that goes to the provider within an address. */
const VALUE_MAX_CHARS = 1024;
/** Most redirect addresses of one registration. */
const URIS_MAX = 32;
/**
 * How long a question may stay open, a login may take, a code is valid, and what a user agreed to lasts, in seconds. The last bounds for how
 * long a stolen refresh token is worth something, if the provider does not rotate its own.
 */
const ASKED_SECS = 600;
const LOGIN_SECS = 3600;
const CODE_SECS = 300;
const AGREED_SECS = 90 * 86_400;

/** What the key is for that seals what clients and browsers hold. */
const PURPOSE = 'bargate authorization server v1';
/** Scopes that are not of a resource, and so have no prefix (OpenID Connect Core sections 5.4 and 11). */
const OPENID = /^(openid|profile|email|address|phone|offline_access)$/;
/** Errors of the provider that a client is told (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6). */
const PASSED =
  /^(access_denied|invalid_scope|invalid_target|temporarily_unavailable|(login|consent|interaction)_required)$/;
/** A plain http address of this machine: its host, its port, and what follows. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1]|localhost)(?::(\d{1,5}))?((?:[/?].*)?)$/s;

/** Why a request is refused, as OAuth calls it; `to` is where the client learns it, if it is known whose it is. */
export class Refused extends Error {
  /**
   * @param {string} error
   * @param {string} [reason]
   * @param {string} [to]
   */
  constructor(error, reason = '', to = undefined) {
    super(reason);
    this.error = error;
    this.to = to;
  }
}

/** Returns an address of this machine without its port. @param {string} uri */
function withoutPort(uri) {
  const [, host, port = '', rest] = LOOPBACK.exec(uri) ?? [];
  return host && Number(port) < 65536 ? `${host} ${rest}` : undefined;
}

/**
 * Checks whether a redirect address is listed, to the letter (RFC 9700 section 2.1) but for a port of this machine (RFC 8252 section 7.3).
 *
 * @param {Settings} of
 * @param {unknown} uri
 */
export const isListed = ({ uris }, uri) =>
  typeof uri === 'string' && uris.some((listed) => listed === uri || (withoutPort(listed) ?? '') === withoutPort(uri));

/**
 * Reads the settings, one part a line.
 *
 * @param {string} text
 * @returns {Settings}
 */
export function settingsOf(text) {
  const [section, client, own, passed, kind, ...resources] = text.split('\n');
  const {
    issuer,
    redirect_uris: uris,
    scopes = [],
    resource_parameter: named = kind,
    scope_prefix: prefix = '',
  } = JSON.parse(section);
  const parameters = [...new URLSearchParams(own)];
  // What the config says is not for a client to change.
  const isFree = (name) => !parameters.some(([own]) => own.toLowerCase() === name.toLowerCase());
  return {
    issuer,
    client,
    uris,
    scopes,
    parameter: named === 'none' ? '' : named,
    prefix,
    // Those of logins are for another resource.
    own: parameters.filter(([name]) => !/^(scope|audience|resource)$/.test(name)),
    passed: passed.split(' ').filter(isFree),
    resources: resources
      .map((line) => ({ host: line.split(' ', 1)[0], ...JSON.parse(line.slice(line.indexOf(' '))) }))
      .filter(({ authorization_servers: servers = [] }) => servers.includes(issuer)),
  };
}

/**
 * Returns the resource that a client names, as the metadata has it: of clients, some write a slash at its end.
 *
 * @param {Settings} of
 * @param {string} named
 */
export function resourceOf({ issuer, resources }, named) {
  const bare = (text) => text.replace(/\/$/, '');
  const { origin } = new URL(issuer);
  const port = /:\d+$/.exec(origin)?.[0] ?? '';
  for (const { host, resource, scopes_supported: scopes = [] } of resources) {
    // Without an origin, it is a path under each of its names.
    const isPath = !/^[^/]/.test(resource);
    const label = /^https?:\/\/([a-z0-9_-]+)\./.exec(named)?.[1] ?? '';
    const at = host ? `${origin.split('//')[0]}//${host.replace('*', label)}${port}` : origin;
    const own = isPath ? at + resource : resource;
    if (bare(own) === bare(named)) return { resource: own, scopes };
  }
  return undefined;
}

/** Returns the value of a parameter, an empty one if it is absent; `undefined` if it is there twice. */
const once = (parameters, name) => (parameters.getAll(name).length > 1 ? undefined : (parameters.get(name) ?? ''));

/** Returns the value of a parameter. @throws {Refused} if it is there twice (RFC 6749 section 3.1). */
function field(parameters, name, to = undefined) {
  const value = once(parameters, name);
  if (value === undefined) throw new Refused('invalid_request', `${name} is there twice`, to);
  return value;
}

/** Returns an authorization response, which names its issuer (RFC 6749 section 4.1.2, RFC 9207). */
function locationOf({ issuer }, uri, state, said) {
  const query = new URLSearchParams({ ...said, ...(state && { state }), iss: issuer });
  return `${uri}${uri.includes('?') ? '&' : '?'}${query}`;
}

/**
 * Reads a client's authorization request.
 *
 * @param {Settings} of
 * @param {string} query
 * @returns {Asked}
 */
export function readRequest(of, query) {
  const asked = new URLSearchParams(query);
  if (query.length > QUERY_MAX_CHARS) throw new Refused('invalid_request', 'the query is too long');
  if (field(asked, 'client_id') !== of.client) throw new Refused('invalid_client', 'client_id');
  const uri = field(asked, 'redirect_uri');
  if (!isListed(of, uri)) throw new Refused('invalid_redirect_uri', uri.slice(0, 100));
  // From here on, it is known who asks.
  const known = once(asked, 'state') ?? '';
  const tell = (error) =>
    new Refused(error, '', locationOf(of, uri, known.length > VALUE_MAX_CHARS ? '' : known, { error }));
  const get = (name, error = 'invalid_request') => {
    const value = once(asked, name);
    if (value === undefined) throw tell(error);
    return value;
  };
  const needs = (met, error = 'invalid_request') => {
    if (!met) throw tell(error);
  };
  const state = get('state');
  needs(state.length <= VALUE_MAX_CHARS);
  needs(/^(query)?$/.test(get('response_mode')));
  // Its tokens would not be bound to the key.
  needs(!get('dpop_jkt'));
  needs(!get('request'), 'request_not_supported');
  needs(!get('request_uri'), 'request_uri_not_supported');
  needs(get('response_type') === 'code', 'unsupported_response_type');
  const challenge = get('code_challenge');
  // Without a method it would be the verifier itself (RFC 7636 section 4.3).
  needs(get('code_challenge_method') === 'S256' && /^[\w-]{43}$/.test(challenge));
  const found = resourceOf(of, get('resource', 'invalid_target'));
  if (!found) throw tell('invalid_target');
  const scope = get('scope');
  const scopes = [...of.scopes, ...found.scopes];
  needs(!scope || scope.split(' ').every((one) => scopes.includes(one)), 'invalid_scope');
  // Somebody has to be asked.
  needs(!get('prompt').split(' ').includes('none'), 'consent_required');
  return { uri, state, challenge, resource: found.resource, scope: scope || of.scopes.join(' ') };
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Escapes what could end a text or an attribute's value (HTML section 13.3). @param {string} text */
const escaped = (text) => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]);

/**
 * Returns what the page that asks the user has in it; `sealed` is the request as its form sends it back.
 *
 * @param {Settings} of
 * @param {Asked} asked
 * @param {string} sealed
 */
export function pageOf({ issuer }, { uri, resource, scope }, sealed) {
  const host = /^https:\/\/([^/?]*)/.exec(uri)?.[1];
  const who = host
    ? `The site ${host}`
    : `${uri.startsWith('http:') ? 'A program on this computer' : 'An app on this device'}`;
  const [own, at, scopes, to, value] = [who, resource, scope, uri, sealed].map(escaped);
  return (
    `<h1>Allow access?</h1><p><strong>${own}</strong> wants to act in your name at <code>${at}</code>` +
    `${scopes && `, with the scopes <code>${scopes}</code>`}.</p>` +
    '<p>Nobody has checked whose program this is. Allow it only if you have just begun this yourself. ' +
    `It gets its access at <code>${to}</code>.</p><form method="post" action="${escaped(issuer)}/authorize">` +
    `<input type="hidden" name="request" value="${value}"><button name="decision" value="allow">Allow</button> ` +
    '<button name="decision" value="deny">Do not allow</button></form>'
  );
}

/** Returns how the provider is told for which resource a token is. */
const targetOf = ({ parameter }, resource) => (parameter ? { [parameter]: resource } : {});

/**
 * Returns the authorization request to the provider, less its client. Of the client's own request those parameters go along that a
 * client may choose.
 *
 * @param {Settings} of
 * @param {Asked} asked
 * @param {string} state
 * @param {string} query
 */
export function requestOf(of, { challenge, resource, scope }, state, query) {
  const scopes = scope.split(' ').map((one) => (OPENID.test(one) || one.startsWith(of.prefix) ? one : of.prefix + one));
  const asked = new URLSearchParams(query);
  const passed = of.passed.map((name) => [name, asked.get(name) ?? '']);
  return `${new URLSearchParams([
    ...Object.entries({
      response_type: 'code',
      redirect_uri: `${of.issuer}/callback`,
      state,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...(scope && { scope: scopes.join(' ') }),
      ...targetOf(of, resource),
    }),
    ...of.own,
    ...passed.filter(([, value]) => value && value.length <= VALUE_MAX_CHARS),
  ])}`;
}

/**
 * Registers a client (RFC 7591 section 3): returns the one that there is, if all of its redirect addresses are listed.
 *
 * @param {Settings} of
 * @param {string} body
 */
export function registered(of, body) {
  let wanted;
  try {
    wanted = Object(JSON.parse(body));
  } catch {
    throw new Refused('invalid_client_metadata', 'not JSON');
  }
  const { redirect_uris: uris, grant_types: grants, response_types: types } = wanted;
  const has = (list, needed) => list == null || (Array.isArray(list) && list.includes(needed));
  if (!Array.isArray(uris) || !uris.length || uris.length > URIS_MAX)
    throw new Refused('invalid_client_metadata', 'redirect_uris');
  const other = uris.find((uri) => !isListed(of, uri));
  if (other !== undefined)
    throw new Refused('invalid_redirect_uri', typeof other === 'string' ? other.slice(0, 100) : '');
  if (!has(grants, 'authorization_code') || !has(types, 'code'))
    throw new Refused('invalid_client_metadata', 'grant_types or response_types');
  return {
    client_id: of.client,
    redirect_uris: uris,
    // It replaces what the client wanted (RFC 7591 section 3.2.1): it has no secret.
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };
}

/** Returns the metadata (RFC 8414 section 2). @param {Settings} of */
export const metadataOf = ({ issuer, scopes, resources }) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  registration_endpoint: `${issuer}/register`,
  revocation_endpoint: `${issuer}/revoke`,
  scopes_supported: [...new Set([...scopes, ...resources.flatMap(({ scopes_supported: own = [] }) => own)])],
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_methods_supported: ['none'],
  revocation_endpoint_auth_methods_supported: ['none'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
  client_id_metadata_document_supported: false,
});

/**
 * Seals what opens only as the same kind of thing, for this authorization server, and in the browser with this cookie if there is one. It is
 * as old as `at`.
 *
 * @param {Settings} of
 */
const sealed = (of, secret, kind, cookie, value, at = Date.now() / 1000) =>
  seal(
    encoded(secret),
    PURPOSE,
    encoded([kind, cookie, of.issuer].join('\n')),
    encoded(JSON.stringify({ ...value, at })),
  );

/** Returns what was sealed; `undefined` if it was not, is too old, or is of a client or a resource that the config no longer has. */
async function opened(of, secret, kind, cookie, text, secs) {
  const bytes = await open(encoded(secret), PURPOSE, encoded([kind, cookie, of.issuer].join('\n')), text);
  if (!bytes) return undefined;
  const value = JSON.parse(new TextDecoder().decode(bytes));
  const isKnown = value.query !== undefined || (isListed(of, value.uri) && resourceOf(of, value.resource));
  return isKnown && Date.now() / 1000 - value.at <= secs ? value : undefined;
}

/** What a client's form leads to. */
async function formStep(of, secret, endpoint, form) {
  if (field(form, 'client_id') !== of.client) throw new Refused('invalid_client', 'client_id');
  const grant = endpoint === '/revoke' ? 'token' : field(form, 'grant_type');
  const isCode = grant === 'authorization_code';
  if (!/^(token|refresh_token|authorization_code)$/.test(grant))
    throw new Refused(grant ? 'unsupported_grant_type' : 'invalid_request', 'grant_type');
  const [kind, secs] = isCode ? ['code', CODE_SECS] : ['refresh token', AGREED_SECS];
  const agreed = await opened(of, secret, kind, '', field(form, isCode ? 'code' : grant), secs);
  // What no client can have is as good as revoked (RFC 7009 section 2.2).
  if (grant === 'token') {
    if (agreed) return ['revoke', agreed.held];
    // One that stays valid must not look revoked.
    if (field(form, 'token_type_hint') === 'access_token' || /\..*\./.test(field(form, grant)))
      throw new Refused('unsupported_token_type', 'an access token');
    return ['json', {}];
  }
  if (!agreed) throw new Refused('invalid_grant', `no ${kind} of this gateway, or too old`);
  const resource = field(form, 'resource');
  if (resource && resourceOf(of, resource)?.resource !== agreed.resource)
    throw new Refused('invalid_target', 'resource is another');
  const granted = agreed.scope.split(' ');
  const wanted = field(form, 'scope');
  // Fewer than all are not requested from the provider: the answer says which there are (RFC 6749 section 3.3).
  if (wanted && !wanted.split(' ').every((one) => granted.includes(one)))
    throw new Refused('invalid_scope', 'scope is more than was granted');
  const target = of.parameter && `${of.parameter} ${agreed.resource}`;
  if (!isCode) return ['refresh', agreed.held, agreed, target];
  const code_verifier = field(form, 'code_verifier');
  if (field(form, 'redirect_uri') !== agreed.uri || (await digest_text(code_verifier)) !== agreed.challenge)
    throw new Refused('invalid_grant', 'redirect_uri or code_verifier is another');
  const redirect_uri = `${of.issuer}/callback`;
  const fields = {
    grant_type: grant,
    code: agreed.held,
    redirect_uri,
    code_verifier,
    ...targetOf(of, agreed.resource),
  };
  return ['code', `${new URLSearchParams(fields)}`, agreed, target];
}

/** What each endpoint does with a request: `input` is its query or its body. */
async function step(of, secret, endpoint, how, input, held) {
  if (!endpoint) return ['json', metadataOf(of)];
  if (endpoint === '/register') return ['json', registered(of, input), '201'];
  if (endpoint === 'tokens') {
    // Without an ID token, whose issuer is not the client's.
    const { id_token, refresh_token, ...rest } = JSON.parse(input);
    const agreed = { ...JSON.parse(held), held: refresh_token };
    const own = refresh_token && { refresh_token: await sealed(of, secret, 'refresh token', '', agreed, agreed.at) };
    return ['json', { ...rest, ...own }];
  }
  const parameters = new URLSearchParams(input);
  const ofBrowser = async (kind, text, secs) => {
    const value = held && (await opened(of, secret, kind, held, text, secs));
    if (!value) throw new Refused('state', 'too old, altered, or from another browser');
    return value;
  };
  if (endpoint === '/callback') {
    const agreed = await ofBrowser('state', field(parameters, 'state'), LOGIN_SECS);
    const [error, code, iss] = ['error', 'code', 'iss'].map((name) => field(parameters, name));
    const said =
      code && !error
        ? { code: await sealed(of, secret, 'code', '', { ...agreed, held: code }) }
        : { error: PASSED.test(error) ? error : 'server_error' };
    return ['back', locationOf(of, agreed.uri, agreed.held, said), iss];
  }
  if (endpoint !== '/authorize') return formStep(of, secret, endpoint, parameters);
  const [method, dest, site] = how.split(' ');
  const isAnswer = method === 'POST';
  // For scripts and frames the page is not, and its form is for the page alone.
  if (!/^(document)?$/.test(dest) || (isAnswer && !/^(same-origin)?$/.test(site)))
    throw new Refused('state', 'from a frame, a script or another site');
  const { query } = isAnswer ? await ofBrowser('asked', field(parameters, 'request'), ASKED_SECS) : { query: input };
  // After the user's answer once more: the config may have changed.
  const asked = readRequest(of, query);
  if (!isAnswer) return ['page', pageOf(of, asked, await sealed(of, secret, 'asked', held, { query }))];
  if (field(parameters, 'decision') !== 'allow')
    return ['redirect', locationOf(of, asked.uri, asked.state, { error: 'access_denied' })];
  const state = await sealed(of, secret, 'state', held, { ...asked, held: asked.state });
  return ['login', requestOf(of, asked, state, query)];
}

/**
 * Says what becomes of a request to an endpoint, one part a line: what, and what it takes. `held` is the browser's cookie; with the tokens that
 * have come for a client, it is what its user has agreed to.
 *
 * @param {string} settings
 * @param {string} secret
 * @param {string} endpoint
 * @param {string} how
 * @param {string} input
 * @param {string} [held]
 */
export async function decide(settings, secret, endpoint, how, input, held) {
  try {
    const parts = await step(settingsOf(settings), secret, endpoint, how, input, held);
    // A line feed of the provider's or a client's would begin another part.
    return parts
      .map((part) => (typeof part === 'string' ? part.replaceAll('\n', ' ') : JSON.stringify(part)))
      .join('\n');
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    const reason = refused.message.replace(/\s/g, ' ');
    if (refused.error === 'state') return `state\n${reason}`;
    return refused.to ? `redirect\n${refused.to}` : `refused\n${refused.error}\n${reason}`;
  }
}
