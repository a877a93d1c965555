// What a version leaves for the next of callers that are no browsers: used proofs of possession, records of API keys, sessions of MCP, and
// what clients of `authorization_server` hold at each step. Each is an entry of `handed`, by what it is.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportJWK } from 'jose';
import { NAMESPACE, makeKey, store } from './api-keys.mjs';
import { makeHolder, makeProof } from './dpop.mjs';
import { CLIENT_ID, proofKey } from './front-flow.mjs';
import { readAnswer } from './login-flow.mjs';
import { FIXTURES, startAt } from './upgrades.mjs';

/** The folder of this fixture, in that of its version. */
export const CALLERS = 'callers';
const ORIGIN = 'https://gateway.example';
const REDIRECT_URI = 'http://127.0.0.1:9/callback';
export const MCP_SESSION = 'mcp-session-id';

/** Makes a request at the origin of the config, which proofs and the authorization server are of. */
export async function ask(gateway, path, init = {}) {
  const answer = await gateway.miniflare.dispatchFetch(ORIGIN + path, { redirect: 'manual', ...init });
  return readAnswer(answer);
}

/** Sends a form of a client, or of a page. */
export const send = (gateway, endpoint, form, headers = {}) =>
  ask(gateway, endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: `${new URLSearchParams(form)}`,
  });

/** Asks for the tokens of a refresh token. */
export const renew = (gateway, refresh_token) =>
  send(gateway, '/token', { grant_type: 'refresh_token', client_id: CLIENT_ID, refresh_token });

/** Answers the question of a page in the browser that has it, and gives the state with which the login begins. */
export async function allow(gateway, { cookie, request }) {
  const { status, headers, text } = await send(gateway, '/authorize', { request, decision: 'allow' }, { cookie });
  assert.equal(status, 303, text);
  return new URL(headers.get('location')).searchParams.get('state');
}

/** Comes back from the provider in that browser, and gives the client's code. */
export async function comeBack(gateway, { cookie, state }) {
  const query = new URLSearchParams({ code: 'a code of the provider', state });
  const { status, headers, text } = await ask(gateway, `/callback?${query}`, { headers: { cookie } });
  assert.equal(status, 303, text);
  return new URL(headers.get('location')).searchParams.get('code');
}

/** The form by which a client takes up its code. */
export const formOf = (code, code_verifier) => ({
  grant_type: 'authorization_code',
  client_id: CLIENT_ID,
  code,
  redirect_uri: REDIRECT_URI,
  code_verifier,
});

/** Sends a bound token with a proof. */
export const prove = (gateway, { token, proof }) =>
  ask(gateway, '/bound', { headers: { authorization: `DPoP ${token}`, dpop: proof } });

/** A proof for that. */
export const proofOf = (holder, token) => makeProof(holder, token, `${ORIGIN}/bound`);

/**
 * Makes the fixture in the folder of a version, where its config is.
 *
 * @param {string} version the folder
 */
export async function makeCallerFixture(version) {
  const folder = join(version, CALLERS);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const state = { jwk: privateKey.export({ format: 'jwk' }), refreshTokens: {}, count: 0 };
  const config = readFileSync(join(folder, 'gateway.config.json'), 'utf8');
  const gateway = await startAt(state, config, { kv: ['JWKS', NAMESPACE] });
  const passes = async (asked, status = 200) => {
    const answer = await asked;
    assert.equal(answer.status, status, answer.text);
    return answer;
  };
  /** Asks a user, and gives their browser with the request of its form. */
  const question = async () => {
    const { verifier, challenge } = proofKey();
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: CLIENT_ID,
      redirect_uri: REDIRECT_URI,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      resource: `${ORIGIN}/mcp`,
      scope: 'offline_access',
      state: "the client's state",
    });
    const { headers, text } = await passes(ask(gateway, `/authorize?${query}`));
    const [, request] = /name="request" value="([^"]+)"/.exec(text);
    return { cookie: headers.getSetCookie()[0].split(';')[0], request, verifier };
  };
  const login = async () => {
    const asked = await question();
    return { ...asked, state: await allow(gateway, asked) };
  };
  const code = async () => {
    const begun = await login();
    return formOf(await comeBack(gateway, begun), begun.verifier);
  };
  try {
    const { body: tokens } = await passes(send(gateway, '/token', await code()));
    const authorization = `Bearer ${tokens.access_token}`;
    const { headers } = await passes(ask(gateway, '/mcp', { method: 'POST', headers: { authorization } }));

    const holder = await makeHolder();
    const token = gateway.provider.boundTo(holder.jkt);
    const proof = await proofOf(holder, token);
    await passes(prove(gateway, { token, proof }));

    const key = await makeKey(['--scope', 'read:messages'], { type: 'api_key', prefix: 'acme_live', kv: NAMESPACE });
    await store(gateway, key);
    await passes(ask(gateway, '/counted', { headers: { 'x-key': 'somebody' } }));

    const handed = {
      question: await question(),
      login: await login(),
      code: await code(),
      tokens,
      session: headers.get(MCP_SESSION),
      bound: { token, proof, holder: { ...holder, privateKey: await exportJWK(holder.privateKey) } },
      key: key.key,
    };
    const kv = {};
    for (const of of ['JWKS', NAMESPACE]) {
      const namespace = await gateway.kv(of);
      kv[of] = {};
      for (const { name } of (await namespace.list()).keys) kv[of][name] = await namespace.get(name);
    }
    const objects = await gateway.taken();
    writeFileSync(join(folder, 'stored.json'), `${JSON.stringify({ state, kv, objects, handed }, null, 2)}\n`);
  } finally {
    await gateway.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await makeCallerFixture(join(FIXTURES, process.argv[2]));
