// What no config can say yet, and what fails for want of it: the steps, and what their failure says. Where the reason is another, the
// step is not as expected.

/** @typedef {{ steps: string[], says: RegExp, choice: string }} Gap */

const gap = (choice, says) => /** @type {(...steps: string[]) => Gap} */ ((...steps) => ({ steps, says, choice }));

export const PAR = gap('pushed authorization requests (RFC 9126)', /Pushed Authorization Request must be used/);
export const INTROSPECTION = gap(
  '`introspection` of opaque access tokens, and sessions that hold them',
  /not three parts/,
);
export const RESOURCE = gap(
  '`resource` at login, code and refresh (RFC 8707), without which access tokens are opaque',
  /not three parts/,
);
export const CONSENT = gap(
  'fixed parameters of a login: `prompt=consent`, without which `offline_access` is dropped',
  /no refresh token/,
);
export const WITHOUT_AUDIENCE = gap('access tokens without `aud`: the claim that stands for it', /aud is missing/);
export const SIGNED_PROFILE = gap('signed userinfo (`application/jwt`)', /the profile is malformed/);
export const PROFILE_SOURCE = gap(
  '`source` of the profile: `id_token`, where userinfo takes no token of an API',
  /^401 token_invalid$/,
);
export const ID_TOKEN_HINT = gap('`id_token_hint` at the logout', /the provider stops at/);

/** What a provider does that no choice of ours would change. */
export const ofTheProvider = (what, says) => gap(`nothing here: ${what}`, says);
