// @simulacrum/auth0-simulator (npm). It speaks https with a certificate from the home directory; in front of it stands what ends TLS.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { originOf } from '../../e2e/support/harness.mjs';
import { WORK, installNpm, npmVersion, requireInstalled } from '../install.mjs';
import { Person } from '../person.mjs';

const AUDIENCE = 'https://api.example.com/';
const USER = { username: 'alice@example.com', password: 'correct horse' };

/** @type {import('../providers.mjs').Provider[]} */
export default [
  {
    name: 'auth0-simulator',
    config: 'auth0-simulator.json',
    gaps: [],
    install: installNpm,
    version: () => npmVersion('@simulacrum/auth0-simulator'),
    start,
  },
];

async function start() {
  const home = join(WORK, 'auth0-simulator');
  const certificate = makeCertificate(join(home, '.simulacrum', 'certs'));
  const { simulation } = requireFromHome(home, '@simulacrum/auth0-simulator');
  const users = [{ id: 'auth0|alice', name: 'Alice', email: USER.username, password: USER.password }];
  const simulator = await simulation({ options: { audience: AUDIENCE }, initialState: { users } }).listen(
    0,
    '127.0.0.1',
  );
  const server = createServer((request, response) => carry(request, response, simulator.port, certificate));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = originOf(server);
  return {
    discovery: `${origin}/.well-known/openid-configuration`,
    bindings: {
      DOMAIN: origin,
      ISSUER: `${origin.replace('http:', 'https:')}/`,
      CLIENT_ID: 'bargate-interop',
      CLIENT_SECRET: 'x'.repeat(32),
      AUDIENCE,
    },
    person: () => new Person({ ...USER, answer: submitLogin }),
    async close() {
      server.closeAllConnections();
      await Promise.all([new Promise((resolve) => server.close(resolve)), simulator.ensureClose()]);
    },
  };
}

/** Does what the script of the login page does. */
async function submitLogin(person, { url }) {
  const { origin, pathname, searchParams } = new URL(url);
  if (pathname !== '/login') return undefined;
  const body = { ...Object.fromEntries(searchParams), ...USER, client_id: searchParams.get('client') };
  const headers = { 'content-type': 'application/json' };
  return { url: `${origin}/usernamepassword/login`, init: { method: 'POST', headers, body: JSON.stringify(body) } };
}

function makeCertificate(folder) {
  mkdirSync(folder, { recursive: true });
  const [key, certificate] = ['localhost-key.pem', 'localhost.pem'].map((name) => join(folder, name));
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...subject,
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  return readFileSync(certificate);
}

/** It looks for its certificate when it is loaded. */
function requireFromHome(home, name) {
  const { HOME } = process.env;
  process.env.HOME = home;
  try {
    return requireInstalled(name);
  } finally {
    process.env.HOME = HOME;
  }
}

async function carry(request, response, port, ca) {
  const { method, url: path, headers } = request;
  const to = httpsRequest({ host: '127.0.0.1', port, servername: 'localhost', ca, method, path, headers });
  to.once('response', (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    pipeline(answer, response).catch(() => response.destroy());
  });
  to.once('error', () => response.destroy());
  await pipeline(request, to).catch(() => response.destroy());
}
