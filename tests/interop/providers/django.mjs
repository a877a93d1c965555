// django-oauth-toolkit (PyPI), with opaque access tokens as it comes, and with JWTs by the generator of oauthlib.

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PYTHON_PROGRAM, WORK, installPython, pythonVersion } from '../install.mjs';
import { Person } from '../person.mjs';
import { bindingsFor, settingsFor, startServer } from '../process.mjs';

/** @type {import('../providers.mjs').Provider[]} */
export default [
  {
    name: 'django-oauth-toolkit, opaque',
    config: 'django-oauth-toolkit-opaque.json',
    gaps: [],
    start: (places) => start(places, {}),
  },
  { name: 'django-oauth-toolkit, JWT', gaps: [], start: (places) => start(places, { jwt: true }) },
].map((setUp) => ({
  config: 'django-oauth-toolkit.json',
  install: installPython,
  version: () => pythonVersion('django-oauth-toolkit'),
  ...setUp,
}));

async function start(places, more) {
  mkdirSync(WORK, { recursive: true });
  const settings = { ...(await settingsFor(places)), ...more, database: join(WORK, `django-${randomUUID()}.sqlite3`) };
  const server = await startServer(PYTHON_PROGRAM, 'django_server.py', settings);
  const issuer = `http://127.0.0.1:${settings.port}/o`;
  return {
    discovery: `${issuer}/.well-known/openid-configuration`,
    bindings: {
      ...bindingsFor(issuer, settings),
      REVOCATION_ENDPOINT: `${issuer}/revoke_token/`,
      INTROSPECTION_ENDPOINT: `${issuer}/introspect/`,
    },
    person: () => new Person(settings),
    canRevoke: true,
    close: server.close,
  };
}
