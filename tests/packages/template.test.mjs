// The template for create-cloudflare, and how a project runs on Cloudflare beside how this repository's gateway does.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { TEMPLATE, templateFiles } from '../../scripts/template.mjs';
import { ROOT } from '../../scripts/toolchain.mjs';

const names = readdirSync(TEMPLATE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(TEMPLATE, join(entry.parentPath, entry.name)).split(sep).join('/'));
const read = (name) => readFileSync(join(TEMPLATE, name), 'utf8');

test('the template is what create-bargate makes without any answer', () => {
  const files = templateFiles();
  assert.deepEqual(names.sort(), Object.keys(files).sort(), 'run "node scripts/template.mjs"');
  for (const [name, text] of Object.entries(files)) assert.equal(read(name), text, name);
});

test('create-cloudflare 2.74 takes it: its files are at the top, and no folder is one for a language', () => {
  for (const needed of ['package.json', 'wrangler.toml', '__dot__gitignore']) assert.ok(names.includes(needed), needed);
  const folders = new Set(names.filter((name) => name.includes('/')).map((name) => name.split('/')[0]));
  for (const language of ['js', 'ts']) assert.ok(!folders.has(language), language);
  // npm leaves a .gitignore out of packages.
  assert.ok(!names.includes('.gitignore'));
});

test('a project runs on Cloudflare as the gateway of this repository does', () => {
  const own = /** @type {any} */ (parse(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')));
  const projects = /** @type {any} */ (parse(read('wrangler.toml')));
  for (const key of [
    'compatibility_date',
    'compatibility_flags',
    'durable_objects',
    'migrations',
    'kv_namespaces',
    'observability',
    'dev',
  ])
    assert.deepEqual(projects[key], own[key], key);
});

test('no package of a project is asked for at a registry of its own', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  for (const version of Object.values({ ...dependencies, ...devDependencies }))
    assert.match(version, /^\^\d+\.\d+\.\d+$/);
});
