// Starts a provider in its own process: it reads its settings from its input, and reports in one line of JSON that it listens.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT, freePort } from '../e2e/support/harness.mjs';

/** The client and the user that every provider has to make; their secrets are made at each start. */
export async function settingsFor({ tokens, sessions }) {
  return {
    port: await freePort(),
    secret: randomBytes(32).toString('hex'),
    client_id: 'bargate-interop',
    client_secret: randomBytes(32).toString('hex'),
    username: 'alice',
    password: `A1-${randomBytes(16).toString('hex')}`,
    redirect_uris: [tokens.redirectUri, sessions.redirectUri],
    post_logout_redirect_uris: [tokens.afterLogout, sessions.afterLogout],
    backchannel_logout_uri: sessions.backchannel,
    audience: 'https://api.example.com/',
  };
}

/** Returns the bindings of a gateway for a client with such settings. */
export const bindingsFor = (issuer, settings) => ({
  ISSUER: issuer,
  CLIENT_ID: settings.client_id,
  CLIENT_SECRET: settings.client_secret,
  AUDIENCE: settings.audience,
});

/**
 * Starts a server of tests/interop/servers; returns its report, and how to end it.
 * @param {string} program
 * @param {string} script
 * @param {any} settings
 * @param {Record<string, string>} [env]
 */
export async function startServer(program, script, settings, env = {}) {
  const path = join(ROOT, 'tests', 'interop', 'servers', script);
  const { line, close } = await startProgram(program, [path], { input: JSON.stringify(settings), env, ready: /^\{/ });
  return { says: JSON.parse(line), close };
}

/**
 * Starts a program, and waits for the line that reports that it listens.
 * @param {string} program
 * @param {string[]} args
 * @param {{ input?: string, env?: Record<string, string>, ready: RegExp }} how
 */
export async function startProgram(program, args, { input = '', env = {}, ready }) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const said = [];
  const lines = new EventEmitter();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      said.push(line);
      if (ready.test(line)) lines.emit('ready', line);
    });
  }
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`${program} ended with ${code}: ${said.slice(-5).join('\n')}`);
  });
  ended.catch(() => {});
  child.stdin.end(input);
  const [line] = await Promise.race([once(lines, 'ready'), ended]);
  return {
    line,
    async close() {
      child.kill();
      await ended.catch(() => {});
    },
  };
}
