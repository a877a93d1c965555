// What no config can express yet: the steps that fail for that reason, and the message of their failure. A step that fails with
// another message is not as expected.

/** @typedef {{ steps: string[], says: RegExp, choice: string }} Gap */

const gap = (choice, says) => /** @type {(...steps: string[]) => Gap} */ ((...steps) => ({ steps, says, choice }));

export const PAR = gap('pushed authorization requests (RFC 9126)', /Pushed Authorization Request must be used/);
export const INTROSPECTION = gap('`introspection` of opaque access tokens, and sessions with them', /not three parts/);
export const RESOURCE = gap(
  '`resource` in authorization and token requests (RFC 8707), without which access tokens are opaque',
  /not three parts/,
);
export const CONSENT = gap(
  'fixed parameters of a login: `prompt=consent`, without which `offline_access` is dropped',
  /no refresh token/,
);
export const WITHOUT_AUDIENCE = gap('access tokens without `aud`: another claim for the audience', /aud is missing/);

/** Returns the gap of a provider's own behaviour, which no setting of Bargate could change. */
export const ofTheProvider = (what, says) => gap(`nothing at Bargate: ${what}`, says);
