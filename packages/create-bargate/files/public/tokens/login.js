// This page holds its tokens, only in memory: a reload forgets them, and the next login at the provider brings others.

import { paths } from './paths.js';
import { TokenClient } from './token-client.js';

export const loginUrl = `${paths.login}?return_to=/`;

const client = new TokenClient({ refreshUrl: paths.refresh });

/** Takes the tokens if the provider has just sent the browser here. */
export async function begin() {
  const { search, searchParams } = new URL(location.href);
  if (!searchParams.has('state')) return;
  // The code is valid once: remove it from the address before a reload can send it again.
  history.replaceState(null, '', location.pathname);
  const response = await fetch(`${paths.callback}${search}`);
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.code}: ${answer.detail}`);
  client.hold(answer);
}

/** Calls a path of the gateway with the access token, which is refreshed if it has expired. */
export const call = (path) => client.fetch(path);

/** Returns for how long the access token is valid. */
export async function secondsLeft() {
  return client.expiresAt === undefined ? undefined : Math.round((client.expiresAt - Date.now()) / 1000);
}

/** Forgets the tokens. */
export function logout() {
  client.hold();
  location.reload();
}
