// A server made of Authlib's parts (PyPI), which takes Basic alone.

import { PYTHON_PROGRAM, installPython, pythonVersion } from '../install.mjs';
import { Person } from '../person.mjs';
import { bindingsFor, settingsFor, startServer } from '../process.mjs';

/** @type {import('../providers.mjs').Provider[]} */
export default [
  {
    name: 'Authlib',
    config: 'authlib.json',
    gaps: [],
    install: installPython,
    version: () => pythonVersion('Authlib'),
    async start(places) {
      const settings = await settingsFor(places);
      const server = await startServer(PYTHON_PROGRAM, 'authlib_server.py', settings, {
        AUTHLIB_INSECURE_TRANSPORT: '1',
      });
      const issuer = `http://127.0.0.1:${settings.port}`;
      return {
        discovery: `${issuer}/.well-known/openid-configuration`,
        bindings: bindingsFor(issuer, settings),
        person: () => new Person(settings),
        close: server.close,
      };
    },
  },
];
