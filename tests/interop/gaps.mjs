// What no config can express yet: the steps that fail for that reason, and the message of their failure. A step that fails with
// another message is not as expected.

/** @typedef {{ steps: string[], says: RegExp, choice: string }} Gap */

const gap = (choice, says) => /** @type {(...steps: string[]) => Gap} */ ((...steps) => ({ steps, says, choice }));

export const PAR = gap('pushed authorization requests (RFC 9126)', /Pushed Authorization Request must be used/);
export const RESOURCE = gap(
  '`resource` in authorization and token requests (RFC 8707), without which access tokens are opaque',
  /not three parts/,
);
export const SIGNED_PROFILE = gap('signed userinfo (`application/jwt`)', /the profile is malformed/);
export const PROFILE_SOURCE = gap(
  '`source` of the profile: `id_token`, because userinfo does not accept tokens of an API',
  /^401 token_invalid$/,
);
export const ID_TOKEN_HINT = gap('`id_token_hint` at the logout', /the provider stops at/);

/** Returns the gap of a provider's own behaviour, which no setting of Bargate could change. */
export const ofTheProvider = (what, says) => gap(`nothing at Bargate: ${what}`, says);
