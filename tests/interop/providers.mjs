// The providers, in the order of the table.

import oidcProvider from './providers/oidc-provider.mjs';

/**
 * @typedef {{
 *   name: string,
 *   config: string,
 *   gaps: { steps: string[], choice: string }[],
 *   install?: () => Promise<string | undefined>,
 *   version: () => string,
 *   start: (places: { tokens: any, sessions: any }) => Promise<any>,
 * }} Provider `config` is its file in examples/providers; `gaps` are the steps that fail today, each for want of a choice that no config
 *   can make; `install` installs what it needs once, or says why it cannot be had; `start` starts it, for gateways at these places.
 */

/** @type {Provider[]} */
export const PROVIDERS = [...oidcProvider];
