// The APIs that tests request tokens for beside that of the login, and the two ways to name one: as Auth0 has it, and as RFC 8707 does.

import { DEFAULT_AUDIENCE } from '../../../dev/tenant.mjs';

export const AUDIENCES = {
  orders: 'https://orders.example/',
  stock: 'https://stock.example/?region=a&b',
  billing: 'urn:example:billing',
  mail: 'https://mail.example',
};
export const NAMES = Object.keys(AUDIENCES);
export const API_SCOPES = ['read:messages', 'write:messages', 'read:orders', 'write:orders'];

export const policies = (names = NAMES, scope = API_SCOPES) =>
  names.map((name) => ({ audience: AUDIENCES[name], scope: [...scope] }));

export const DIALECTS = [
  {
    dialect: 'as Auth0 has it',
    parameter: 'audience',
    settings: () => ({ policies: policies() }),
    authorizer: {},
  },
  {
    dialect: 'as RFC 8707 has it',
    parameter: 'resource',
    settings: () => ({}),
    strict: true,
    authorizer: { resource: DEFAULT_AUDIENCE, login_parameters: { prompt: 'consent' } },
  },
];
