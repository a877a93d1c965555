// The clients, in the order of their table, and the steps that each of them does against a gateway.

import auth0SpaJs from './clients/auth0-spa-js.mjs';
import axios from './clients/axios.mjs';
import modelContextProtocol from './clients/modelcontextprotocol.mjs';
import oidcClientTs from './clients/oidc-client-ts.mjs';
import openidClient from './clients/openid-client.mjs';
import requestsOauthlib from './clients/requests-oauthlib.mjs';
import { attempt } from './walk.mjs';

/**
 * @typedef {{
 *   name: string,
 *   way: string,
 *   gaps: import('./gaps.mjs').Gap[],
 *   install?: () => Promise<string | undefined>,
 *   version: () => string,
 *   start: () => Promise<{ steps: Record<string, () => Promise<any>>, close: () => Promise<any> }>,
 * }} Client `way` says whose tokens it sends; `gaps` and `install` are as for providers; `start` starts it and what it calls, and returns
 *   the steps that it can do, by name.
 */

/** @type {Client[]} */
export const CLIENTS = [auth0SpaJs, oidcClientTs, axios, openidClient, requestsOauthlib, modelContextProtocol];

/** The steps with what each of them shows, in order. */
export const CLIENT_STEPS = {
  'asked scopes': 'the gateway names the resource and the scopes, and the client requests these and no more.',
  tokens: 'the client gets an access token, or a session.',
  call: 'the gateway accepts its call of an API.',
  'expired token': 'the call is refused, and the program that uses the client learns the code `token_expired`.',
  renewal: 'the client gets another token, and the gateway accepts the call.',
  'refused refresh': 'the gateway refuses a refresh token, and the client reports an error, not a token.',
  'missing scope': 'the gateway refuses a call, and the program learns the code `insufficient_scope`.',
  session: 'calls with the cookie of a session pass if they may, and are refused if another site made them.',
};

/**
 * Does all steps with a client and returns a row for each, as a walk at a provider does.
 * @param {Client} client
 */
export async function walkClient({ name, way, version, start }) {
  const { steps, close } = await start();
  try {
    const rows = [];
    for (const step of Object.keys(CLIENT_STEPS))
      rows.push({ step, ...(step in steps ? await attempt(steps[step]) : { outcome: 'not offered' }) });
    return { provider: name, version: version(), way, rows };
  } finally {
    await close();
  }
}
