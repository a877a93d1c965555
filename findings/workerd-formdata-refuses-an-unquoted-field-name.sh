#!/usr/bin/env bash
# workerd-formdata-refuses-an-unquoted-field-name
#
# Expected: `Content-Disposition: form-data; name=city` is valid: a parameter is a token or a quoted string.
#   formData() reads it like `name="city"`. What a form says about its charset does not matter; it is read as UTF-8.
# Seen: workerd throws a TypeError at the unquoted name, for the whole body, and at a form of plain letters whose type
#   says `charset=iso-8859-1`. undici reads both.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17), undici 7.30.2
# Why it matters: HttpClient of .NET writes names without quotation marks if it can, and older Java clients mark
#   forms as ISO-8859-1. Behind a Worker that calls formData() such a login or upload is a 500 until the Worker
#   catches the error, and then it still cannot be read.
# Source: RFC 7578 section 4.2 and RFC 2183 section 2; URL Standard, application/x-www-form-urlencoded parsing;
#   github.com/nodejs/undici/issues/4660 for the same in undici, since mended.
# Needs: node 20 or later with npm, on Linux or macOS
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts workerd@1.20261117.1 undici@7.30.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >worker.mjs <<'PROBE'
export default {
  async fetch(request) {
    if (request.method !== 'POST') return new Response();
    try { return Response.json([...(await request.formData())]); } catch (error) { return new Response(`refused, ${error.name}`); }
  },
};
PROBE
cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Response } from 'undici';

async function startWorkerd(bindings = {}) {
  const spare = createServer().listen(0, '127.0.0.1');
  await once(spare, 'listening');
  const { port } = spare.address();
  await new Promise((closed) => spare.close(closed));
  const texts = Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = "${text}")`).join(', ');
  writeFileSync('config.capnp', `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "net", network = (allow = ["private", "public"])), (name = "main", worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")], compatibilityDate = "2026-11-17", bindings = [${texts}],
  globalOutbound = "net"))], sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);`);
  const folder = readdirSync('node_modules/@cloudflare').find((name) => name.startsWith('workerd-'));
  const child = spawn(`node_modules/@cloudflare/${folder}/bin/workerd`, ['serve', 'config.capnp'], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => child.kill());
  const ready = () => fetch(`http://127.0.0.1:${port}/ready`).then(() => true, () => false);
  for (let tries = 0; tries < 100; tries++) if (await ready()) return port; else await new Promise((later) => setTimeout(later, 100));
  console.error('workerd did not start');
  process.exit(2);
}

const multipart = (name) => ['multipart/form-data; boundary=cut', `--cut\r\nContent-Disposition: form-data; name=${name}\r\n\r\nOslo\r\n--cut--\r\n`];
const form = (charset) => [`application/x-www-form-urlencoded${charset}`, 'city=Oslo'];
const cases = { 'name="city"': multipart('"city"'), 'name=city': multipart('city'), 'form': form(''), 'form, charset=iso-8859-1': form('; charset=iso-8859-1') };
const port = await startWorkerd();
const readers = {
  'workerd': async (type, body) => (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers: { 'content-type': type }, body })).text(),
  'undici': async (type, body) => JSON.stringify([...(await new Response(body, { headers: { 'content-type': type } }).formData())]),
};
for (const [label, [type, body]] of Object.entries(cases)) {
  for (const [name, read] of Object.entries(readers)) console.log(`${label}: ${name}: ${await read(type, body).catch((e) => `refused, ${e.name}`)}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
name="city": workerd: [["city","Oslo"]]
name="city": undici: [["city","Oslo"]]
name=city: workerd: refused, TypeError
name=city: undici: [["city","Oslo"]]
form: workerd: [["city","Oslo"]]
form: undici: [["city","Oslo"]]
form, charset=iso-8859-1: workerd: refused, TypeError
form, charset=iso-8859-1: undici: [["city","Oslo"]]
EXPECTED

node probe.mjs >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
