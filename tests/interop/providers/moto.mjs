// Amazon Cognito, as moto (PyPI) has it. It has no login page: the token comes from its API.

import { PYTHON_PROGRAM, installPython, pythonVersion } from '../install.mjs';
import { Person } from '../person.mjs';
import { settingsFor, startServer } from '../process.mjs';

/** @type {import('../providers.mjs').Provider[]} */
export default [
  {
    name: "moto's Cognito",
    config: 'cognito-moto.json',
    gaps: [],
    install: installPython,
    version: () => pythonVersion('moto'),
    async start(places) {
      const settings = await settingsFor(places);
      const { says, close } = await startServer(PYTHON_PROGRAM, 'moto_server.py', settings);
      const pool = `http://127.0.0.1:${settings.port}/${says.pool}`;
      return {
        discovery: `${pool}/.well-known/openid-configuration`,
        bindings: { ISSUER: says.issuer, JWKS_URI: `${pool}/.well-known/jwks.json`, CLIENT_ID: says.client_id },
        accessToken: says.tokens.AccessToken,
        person: () => new Person(settings),
        close,
      };
    },
  },
];
