// The providers, in the order of the table.

import auth0Simulator from './providers/auth0-simulator.mjs';
import authlib from './providers/authlib.mjs';
import betterAuth from './providers/better-auth.mjs';
import canaille from './providers/canaille.mjs';
import django from './providers/django.mjs';
import glewlwyd from './providers/glewlwyd.mjs';
import lemonldap from './providers/lemonldap.mjs';
import moto from './providers/moto.mjs';
import oauth2MockServer from './providers/oauth2-mock-server.mjs';
import oidcProvider from './providers/oidc-provider.mjs';

/**
 * @typedef {{
 *   name: string,
 *   config: string,
 *   gaps: import('./gaps.mjs').Gap[],
 *   install?: () => Promise<string | undefined>,
 *   version: () => string,
 *   start: (places: { tokens: any, sessions: any }) => Promise<any>,
 * }} Provider `config` is its file in examples/providers; `gaps` is what is missing for it; `install` installs what it needs once, or says
 *   why that failed; `start` starts it, for gateways at these addresses.
 */

/** @type {Provider[]} */
export const PROVIDERS = [
  ...oidcProvider,
  ...betterAuth,
  ...oauth2MockServer,
  ...auth0Simulator,
  ...canaille,
  ...django,
  ...authlib,
  ...moto,
  ...glewlwyd,
  ...lemonldap,
];
