// oauth2-mock-server (npm): lets everybody in, and takes every refresh token.

import { OAuth2Server } from 'oauth2-mock-server';
import { freePort } from '../../e2e/support/harness.mjs';
import { ofTheProvider } from '../gaps.mjs';
import { ownVersion } from '../install.mjs';
import { Person } from '../person.mjs';

const CLIENT_ID = 'bargate-interop';
const AUDIENCE = 'https://api.example.com/';
const TAKES_ALL = ofTheProvider('the server accepts every refresh token', /as good as before/)('revocation');

/** @type {import('../providers.mjs').Provider[]} */
export default [
  {
    name: 'oauth2-mock-server, as it comes',
    config: 'oauth2-mock-server-as-it-comes.json',
    gaps: [TAKES_ALL],
    start: () => start(),
  },
  {
    name: 'oauth2-mock-server, with an audience',
    config: 'oauth2-mock-server.json',
    gaps: [TAKES_ALL],
    start: () => start((token) => (token.payload.aud ??= AUDIENCE)),
  },
].map((setUp) => ({
  version: () => ownVersion('oauth2-mock-server'),
  ...setUp,
}));

async function start(beforeSigning = (token) => {}) {
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  server.service.on('beforeTokenSigning', beforeSigning);
  const port = await freePort();
  await server.start(port, '127.0.0.1');
  const issuer = `http://127.0.0.1:${port}`;
  server.issuer.url = issuer;
  return {
    discovery: `${issuer}/.well-known/openid-configuration`,
    bindings: { ISSUER: issuer, CLIENT_ID, CLIENT_SECRET: 'x'.repeat(32), AUDIENCE },
    person: () => new Person({ username: 'johndoe', password: 'any' }),
    close: () => server.stop(),
  };
}
