// The public conformance suite of MCP against a server behind the gateway, beside the same server alone: whatever passes there passes
// here. The suite has no option for a token, so something between it and the gateway sends one.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import * as z from 'zod';
import { proxied, startGateway, startUpstream } from '../support/harness.mjs';
import { loadSdk } from '../support/mcp.mjs';
import { startConformanceServer } from '../support/mcp-conformance-server.mjs';
import { AUDIENCE, ISSUER, SECRET, claimsFor, signedWithSecret } from '../support/signing.mjs';

const SUITE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'));
/** What the server leaves to whoever is before it. */
const OF_GATEWAY = 'dns-rebinding-protection';

let server;
let gateway;
let between;
before(async () => {
  server = await startConformanceServer(await loadSdk((name) => import(name)), z);
  const authorization = `Bearer ${signedWithSecret(SECRET, claimsFor())}`;
  between = await startUpstream((from, answer) => {
    const { hostname, port } = new URL(gateway.origin);
    const { method, url: path, headers } = from;
    const to = httpRequest({ hostname, port, method, path, headers: { ...headers, authorization }, agent: false });
    to.on('response', (response) => {
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    to.on('error', () => answer.destroy());
    answer.on('close', () => to.destroy());
    from.pipe(to);
  });
  gateway = await startGateway({
    bindings: { SECRET, SESSION_KEY: 'a key for sessions that nobody can guess' },
    config: {
      servers: [{ alias: 'server', url: server.origin }],
      authorizer: { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, secret: '$secret.SECRET' },
      cors: { allow_origins: [between.origin] },
      paths: [
        proxied('/mcp', 'server', {
          auth: true,
          protected_resource: { resource: 'https://mcp.example/mcp' },
          mcp: { session_key: '$secret.SESSION_KEY' },
        }),
      ],
    },
  });
});
after(async () => {
  await between?.close();
  await gateway?.close();
  await server?.close();
});

/** Runs the suite, and returns how many checks of each scenario passed and failed. */
async function run(origin) {
  const flags = [join(SUITE, 'dist', 'index.js'), 'server', '--url', `${origin}/mcp`];
  // It ends with a failure if any check fails.
  const { stdout } = await promisify(execFile)(process.execPath, flags, { maxBuffer: 2 ** 26 }).catch((error) => error);
  const rows = [...stdout.matchAll(/^\S+ ([\w-]+): (\d+) passed, (\d+) failed$/gm)];
  return Object.fromEntries(rows.map(([, name, passed, failed]) => [name, [Number(passed), Number(failed)]]));
}

describe('the conformance suite', () => {
  test('finds the server behind the gateway as it is, with an origin that is checked', async () => {
    const [alone, behind] = [await run(server.origin), await run(between.origin)];
    const { [OF_GATEWAY]: unchecked, ...rest } = alone;
    const { [OF_GATEWAY]: checked, ...same } = behind;
    assert.deepEqual(same, rest);
    assert.ok(Object.keys(rest).length >= 29, Object.keys(rest).join());
    for (const [name, [passed, failed]] of Object.entries(rest)) {
      assert.ok(passed > 0 && failed === 0, `${name}: ${failed} failed`);
    }
    assert.deepEqual(
      [unchecked, checked],
      [
        [1, 1],
        [2, 0],
      ],
    );
  });
});
