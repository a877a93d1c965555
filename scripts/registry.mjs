// A registry of npm on loopback that has the packages of dist/, and leads to the configured registry for all others. So tests and people
// try what would be published, by the commands that will be used: `make package`, and then `node scripts/registry.mjs`.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { Failure, ROOT, main } from './toolchain.mjs';

export const DIST = join(ROOT, 'dist');
const HOST = '127.0.0.1';
const PORT = 4873;
/** The same version may have other contents the next time. */
const FRESH = { 'cache-control': 'no-store' };
const BLOCK = 512;

/** Returns the package.json in a tarball. */
function manifestOf(tarball) {
  const tar = gunzipSync(tarball);
  for (let at = 0; at < tar.length; ) {
    const name = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('utf8', at + 124, at + 136), 8) || 0;
    if (name === 'package/package.json') return JSON.parse(tar.toString('utf8', at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new Error('no package.json');
}

/** Returns a setting of npm's, of the machine's own: beside another Node.js, npm looks for its settings elsewhere. */
export function npmSetting(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const PATH = folders.filter((folder) => !folder.endsWith(join('node_modules', '.bin'))).join(delimiter);
  const options = { env: { ...process.env, PATH }, shell: process.platform === 'win32' };
  return spawnSync('npm', ['config', 'get', name], { encoding: 'utf8', ...options }).stdout.trim();
}

/**
 * Starts a registry of the tarballs in a folder. `upstream` is where other packages are; without it there are none.
 *
 * @param {{ folder: string, upstream?: string, port?: number }} options
 */
export async function startRegistry({ folder, upstream, port = 0 }) {
  const tarballs = new Map();
  const packages = new Map();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
    const bytes = readFileSync(join(folder, file));
    const manifest = manifestOf(bytes);
    tarballs.set(`/-/${file}`, bytes);
    packages.set(manifest.name, { file, manifest, bytes });
  }
  const server = createServer((request, response) => {
    const { url = '/' } = request;
    const path = new URL(url, `http://${HOST}`).pathname;
    const tarball = tarballs.get(path);
    if (tarball) return response.writeHead(200, { 'content-type': 'application/octet-stream', ...FRESH }).end(tarball);
    const found = packages.get(decodeURIComponent(path.slice(1)));
    if (found) return response.writeHead(200, { 'content-type': 'application/json', ...FRESH }).end(packument(found));
    if (!upstream) return response.writeHead(404).end('{}');
    return response.writeHead(302, { location: upstream.replace(/\/$/, '') + url }).end();
  });
  await once(server.listen(port, HOST), 'listening');
  const origin = `http://${HOST}:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;

  function packument({ file, manifest, bytes }) {
    const dist = {
      tarball: `${origin}/-/${file}`,
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
      shasum: createHash('sha1').update(bytes).digest('hex'),
    };
    return JSON.stringify({
      name: manifest.name,
      'dist-tags': { latest: manifest.version },
      versions: { [manifest.version]: { ...manifest, dist } },
    });
  }

  return {
    origin,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve() {
  const folder = existsSync(DIST) && readdirSync(DIST).some((name) => name.endsWith('.tgz')) ? DIST : undefined;
  if (!folder) throw new Failure('there is no package in dist/: run "make package" first');
  const { origin } = await startRegistry({ folder, upstream: npmSetting('registry'), port: PORT });
  console.log(`npm create bargate@latest my-gateway --registry ${origin}/`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(serve);
