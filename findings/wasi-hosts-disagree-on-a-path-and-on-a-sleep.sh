#!/usr/bin/env bash
# wasi-hosts-disagree-on-a-path-and-on-a-sleep
#
# Expected: a program for WASI preview 1 sees the same files whatever runs it, by the rules of POSIX: an empty path is ENOENT, `file/` is
#   ENOTDIR if it is no folder, and `none/../file` is ENOENT if there is no `none`. A sleep ends with one event.
# Seen: wasmtime does so. node:wasi answers EINVAL to an empty path, and browser_wasi_shim and @tybys/wasm-util open the folder. node:wasi and
#   browser_wasi_shim take `none/../file`, because they shorten the path before they look; @tybys/wasm-util opens `file/`. An absolute path
#   has three codes. browser_wasi_shim ends a sleep of a millisecond without writing how many events there were.
# Versions: the node:wasi of node 20.20 and 22.23, @bjorn3/browser_wasi_shim 0.4.2, @tybys/wasm-util 0.10.5; wasmtime 38.0.0 (Python)
# Why it matters: A command line that is tested under Node runs in a page, too, and there an empty file name is a folder and not an error.
#   The standard library of Rust sleeps by poll_oneoff, and panics unless it is told of one event.
# Source: POSIX.1-2024, XBD 4.16 Pathname Resolution; WASI preview 1, path_open, poll_oneoff.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @bjorn3/browser_wasi_shim@0.4.2 @tybys/wasm-util@0.10.5 wabt@1.0.39 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet wasmtime==38.0.0 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

mkdir folder
echo hello >folder/file

# Hands each call of WASI on as it is.
cat >program.wat <<'PROBE'
(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start"))
  (func (export "open") (param $length i32) (result i32)
    (call $open (i32.const 3) (i32.const 1) (i32.const 1024) (local.get $length) (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 16)))
  (func (export "stat") (param $length i32) (result i32)
    (call $stat (i32.const 3) (i32.const 1) (i32.const 1024) (local.get $length) (i32.const 512)))
  (func (export "sleep") (result i32) (local $status i32)
    (i32.store (i32.const 16) (i32.const 0))
    (i64.store (i32.const 64) (i64.const 7))
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (i64.const 1000000))
    (local.set $status (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 16)))
    (if (local.get $status) (then (return (i32.sub (i32.const 0) (local.get $status)))))
    (i32.load (i32.const 16))))
PROBE
cat >cases.json <<'CASES'
["file", "./file", "", "file/", "none/../file", "none", "/file"]
CASES
cat >probe.mjs <<'PROBE'
import fs, { readFileSync, writeFileSync } from 'node:fs';
import { WASI as NodeWasi } from 'node:wasi';
import { File, PreopenDirectory, WASI as ShimWasi } from '@bjorn3/browser_wasi_shim';
import { WASI as TybysWasi } from '@tybys/wasm-util';
import wabt from 'wabt';

const binary = (await wabt()).parseWat('program.wat', readFileSync('program.wat', 'utf8')).toBinary({}).buffer;
writeFileSync('program.wasm', binary);
const program = await WebAssembly.compile(binary);
const folder = new PreopenDirectory('/', new Map([['file', new File(new TextEncoder().encode('hello\n'))]]));
const hosts = {
  'node:wasi': new NodeWasi({ version: 'preview1', preopens: { '/': 'folder' } }),
  'browser_wasi_shim': new ShimWasi([], [], [new File([]), new File([]), new File([]), folder], { debug: false }),
  '@tybys/wasm-util': new TybysWasi({ version: 'preview1', preopens: { '/': `${process.cwd()}/folder` }, fs }),
};
const NAMES = { 0: 'taken', 8: 'EBADF', 28: 'EINVAL', 44: 'ENOENT', 52: 'ENOSYS', 54: 'ENOTDIR', 58: 'ENOTSUP', 63: 'EPERM', 76: 'ENOTCAPABLE' };
const named = (status) => NAMES[status] ?? `errno ${status}`;
for (const [name, host] of Object.entries(hosts)) {
  const imports = host.getImportObject?.() ?? { wasi_snapshot_preview1: host.wasiImport };
  const instance = await WebAssembly.instantiate(program, imports);
  host.start(instance);
  const { memory, open, stat, sleep } = instance.exports;
  for (const path of JSON.parse(readFileSync('cases.json', 'utf8'))) {
    const bytes = new TextEncoder().encode(path);
    new Uint8Array(memory.buffer).set(bytes, 1024);
    console.log(`${name}: ${JSON.stringify(path)}: open ${named(open(bytes.length))}, stat ${named(stat(bytes.length))}`);
  }
  console.log(`${name}: a sleep ends with ${sleep()} events`);
}
PROBE
cat >probe.py <<'PROBE'
import json
from wasmtime import Engine, Linker, Module, Store, WasiConfig

names = {0: "taken", 8: "EBADF", 28: "EINVAL", 44: "ENOENT", 52: "ENOSYS", 54: "ENOTDIR", 58: "ENOTSUP", 63: "EPERM", 76: "ENOTCAPABLE"}
engine = Engine()
linker = Linker(engine)
linker.define_wasi()
store = Store(engine)
config = WasiConfig()
config.preopen_dir("folder", "/")
store.set_wasi(config)
exports = linker.instantiate(store, Module.from_file(engine, "program.wasm")).exports(store)
for path in json.load(open("cases.json")):
    data = path.encode()
    exports["memory"].write(store, data, 1024)
    results = [names.get(status, f"errno {status}") for status in (exports["open"](store, len(data)), exports["stat"](store, len(data)))]
    print(f"wasmtime: {json.dumps(path)}: open {results[0]}, stat {results[1]}")
print(f"wasmtime: a sleep ends with {exports['sleep'](store)} events")
PROBE
cat >expected.txt <<'EXPECTED'
node:wasi: "file": open taken, stat taken
node:wasi: "./file": open taken, stat taken
node:wasi: "": open EINVAL, stat EINVAL
node:wasi: "file/": open ENOTDIR, stat ENOTDIR
node:wasi: "none/../file": open taken, stat taken
node:wasi: "none": open ENOENT, stat ENOENT
node:wasi: "/file": open ENOTCAPABLE, stat ENOTCAPABLE
node:wasi: a sleep ends with 1 events
browser_wasi_shim: "file": open taken, stat taken
browser_wasi_shim: "./file": open taken, stat taken
browser_wasi_shim: "": open taken, stat taken
browser_wasi_shim: "file/": open ENOTDIR, stat ENOTDIR
browser_wasi_shim: "none/../file": open taken, stat taken
browser_wasi_shim: "none": open ENOENT, stat ENOENT
browser_wasi_shim: "/file": open ENOTCAPABLE, stat ENOTCAPABLE
browser_wasi_shim: a sleep ends with 0 events
@tybys/wasm-util: "file": open taken, stat taken
@tybys/wasm-util: "./file": open taken, stat taken
@tybys/wasm-util: "": open taken, stat taken
@tybys/wasm-util: "file/": open taken, stat taken
@tybys/wasm-util: "none/../file": open ENOENT, stat ENOENT
@tybys/wasm-util: "none": open ENOENT, stat ENOENT
@tybys/wasm-util: "/file": open ENOENT, stat ENOENT
@tybys/wasm-util: a sleep ends with 1 events
wasmtime: "file": open taken, stat taken
wasmtime: "./file": open taken, stat taken
wasmtime: "": open ENOENT, stat ENOENT
wasmtime: "file/": open ENOTDIR, stat ENOTDIR
wasmtime: "none/../file": open ENOENT, stat ENOENT
wasmtime: "none": open ENOENT, stat ENOENT
wasmtime: "/file": open EPERM, stat EPERM
wasmtime: a sleep ends with 1 events
EXPECTED

{ node --no-warnings probe.mjs && venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
