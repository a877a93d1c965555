// Canaille (PyPI), with a client as its admin page makes one.

import { ofTheProvider } from '../gaps.mjs';
import { PYTHON_PROGRAM, installPython, pythonVersion } from '../install.mjs';
import { Person } from '../person.mjs';
import { bindingsFor, settingsFor, startServer } from '../process.mjs';

const LIFETIMES = ofTheProvider(
  'its first access token lives ten days and the next an hour, so no clock suits both',
  /has expired already/,
);

/** @type {import('../providers.mjs').Provider[]} */
export default [
  { name: 'Canaille, a client of its admin page', method: 'client_secret_basic', config: 'canaille.json' },
  { name: 'Canaille, client_secret_post', method: 'client_secret_post', config: 'canaille-post.json' },
].map(({ method, ...setUp }) => ({
  ...setUp,
  gaps: [LIFETIMES('renewal')],
  install: installPython,
  version: () => pythonVersion('Canaille'),
  async start(places) {
    const settings = { ...(await settingsFor(places)), method, usernames: ['alice', 'bob'] };
    const server = await startServer(PYTHON_PROGRAM, 'canaille_server.py', settings);
    const issuer = `http://127.0.0.1:${settings.port}`;
    return {
      discovery: `${issuer}/.well-known/openid-configuration`,
      // Its tokens are for the client itself.
      bindings: { ...bindingsFor(issuer, settings), AUDIENCE: settings.client_id },
      // Two tokens of one user that are made in one second are one token, and end together.
      person: () => new Person({ ...settings, username: settings.usernames.shift() }),
      close: server.close,
    };
  },
}));
