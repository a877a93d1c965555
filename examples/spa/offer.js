// What the gateway offers. The page works with the config of the demo and with any that `bargate init` writes: it requests the
// paths by which people log in, and uses those that exist.

import { problemOf } from './problem.js';

/** The prefixes of the login's paths, in the configs to start from. */
const BASES = ['/api/auth0', '/api/oidc', '/auth'];

/**
 * Finds the paths. `base` is their common prefix; `b` says that there are sessions, `a` that the page can have tokens,
 * `silent` that it can renew them in a hidden frame. Rejects with `problem` if the gateway cannot answer at the moment.
 */
export async function findOffer() {
  let problem;
  const leadsToLogin = async (path) => {
    // A path of a login redirects. Without cookies it begins no login, and no session answers in its place.
    const response = await fetch(path, { redirect: 'manual', credentials: 'omit' });
    if (response.status === 429 || response.status >= 500) problem ??= await problemOf(response);
    return response.type === 'opaqueredirect';
  };
  for (const base of BASES) {
    const [b, a] = await Promise.all([leadsToLogin(`${base}/login`), leadsToLogin(`${base}/token/login`)]);
    if (a || b) return { base, a, b, silent: a && (await leadsToLogin(`${base}/silent/login?prompt=none`)) };
  }
  if (problem) throw Object.assign(new Error(problem.title), { problem });
  return { base: BASES[0], a: false, b: false, silent: false };
}

/** What the page says if it finds none of them. */
export const NO_LOGIN = {
  title: 'No login here',
  detail: `The gateway's config has no path by which this page could log in: /login for a session, or /token/login for tokens, below ${BASES.join(
    ' or ',
  )}.`,
  code: 'no_login_path',
};
