// The gateway holds the tokens, and the browser a cookie that no script can read: this page has nothing to store or to send.

import { paths } from './paths.js';

export const loginUrl = `${paths.login}?return_to=/`;

/** Does what is to be done before the page knows who is logged in: nothing. */
export async function begin() {}

/** Calls a path of the gateway; the cookie goes along. */
export const call = (path) => fetch(path);

/** Asks for how long the gateway's access token is valid; the gateway renews it if that is due. */
export async function secondsLeft() {
  if (!paths.refresh) return undefined;
  const response = await fetch(paths.refresh, { method: 'POST' });
  return response.ok ? (await response.json()).expires_in : undefined;
}

/** Ends the session at the gateway, which leads on to the provider's logout. */
export function logout() {
  const form = Object.assign(document.createElement('form'), { method: 'post', action: paths.logout });
  document.body.append(form);
  form.submit();
}
