// Canaille (PyPI), with a client as its admin page makes one.

import { BASIC } from '../gaps.mjs';
import { PYTHON_PROGRAM, installPython, pythonVersion } from '../install.mjs';
import { Person } from '../person.mjs';
import { bindingsFor, settingsFor, startServer } from '../process.mjs';

/** @type {import('../providers.mjs').Provider[]} */
export default [
  { name: 'Canaille, a client of its admin page', method: 'client_secret_basic', gaps: [BASIC('tokens', 'session')] },
  { name: 'Canaille, client_secret_post', method: 'client_secret_post', gaps: [] },
].map(({ method, ...setUp }) => ({
    ...setUp,
    config: 'canaille.json',
    install: installPython,
    version: () => pythonVersion('Canaille'),
    async start(places) {
      const settings = { ...(await settingsFor(places)), method };
      const server = await startServer(PYTHON_PROGRAM, 'canaille_server.py', settings);
      const issuer = `http://127.0.0.1:${settings.port}`;
      return {
        discovery: `${issuer}/.well-known/openid-configuration`,
        // Its tokens are for the client itself.
        bindings: { ...bindingsFor(issuer, settings), AUDIENCE: settings.client_id },
        person: () => new Person(settings),
        close: server.close,
      };
    },
  }));
