// What is left of a row that does not hold: what it says, and its timeline as a text and as a picture.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { lanesSvg } from '../../chaos/lanes.mjs';
import { CLAIMS, ROW } from '../../chaos/timeline.mjs';
import { ROOT } from '../../scripts/toolchain.mjs';
import { TOKEN } from './support/failing.mjs';

const ROWS = pathToFileURL(join(ROOT, 'tests', 'chaos', 'support', 'failing.mjs'));
const SEED = '7';

let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), 'bargate-chaos-test-'))));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a row as `node chaos/main.mjs` does, in a size. */
function runRow(name, size = 'card') {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { ROWS } from ${JSON.stringify(ROWS.href)};\nexport default ROWS[${JSON.stringify(name)}];\n`,
  );
  const args = [join(ROOT, 'chaos', 'main.mjs'), file, '--seed', SEED, '--size', size, '--failures', folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  const left = (ending) => {
    const path = join(folder, `${name}-${SEED}.${ending}`);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  };
  return { status, stdout, stderr, text: left('txt'), picture: left('svg') };
}

describe('a row that does not hold', () => {
  test('says which claim, how often, and where its timeline is', () => {
    const { status, stdout, stderr, text, picture } = runRow('refused');
    assert.equal(status, 1);
    assert.match(stdout, /refused {2}seed 7/);
    assert.match(stdout, /FAILED {2}every request is answered 200: 1 of 2, first \{"status":401\}/);
    assert.match(stdout, /timeline: .*refused-7\.txt/);
    assert.match(stderr, /FAILED: refused/);
    assert.match(text, /seed 7, size card: node chaos\/main\.mjs .* --seed 7/);
    assert.match(text, /client 2 +-> isolate 1: GET \/private/);
    assert.match(text, /!! .* claim\s*: every request is answered 200 {2}\{"status":401\}/);
    assert.doesNotMatch(text, /client 1/, 'what concerns another login is left out');
    assert.match(picture, /^<svg .*<\/svg>\n$/s);
    assert.match(picture, /401 &lt;session_expired&gt;/);
    assert.match(stdout, /\n1 row in /);
    assert.match(picture, /prefers-color-scheme: dark/);
  });

  test('leaves of a long timeline what lies around the first failure, and says so', () => {
    const { text, picture } = runRow('refused', 'long');
    assert.match(text, /3 of 5004 entries, around the first failure; others than those about second are left out/);
    assert.match(picture, /3 of 5004 entries/);
  });

  test('says of a flag that there is not in one line that it is none', () => {
    const args = [join(ROOT, 'chaos', 'main.mjs'), '--seeds', '7'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /^Unknown option '--seeds'[^\n]*\n$/);
  });

  for (const [name, size, reason] of [
    ['thrown', 'card', /the row has a fault/],
    ['crashed', 'card', /nobody catches this/],
    ['hanging', 'card', /the row has not ended after 0\.2 s/],
  ]) {
    test(`fails by itself if it is ${name}, and leaves its timeline`, () => {
      const { status, stdout, text, picture } = runRow(/** @type {string} */ (name), /** @type {string} */ (size));
      assert.equal(status, 1);
      assert.match(stdout, /** @type {RegExp} */ (reason));
      assert.match(text, /** @type {RegExp} */ (reason));
      assert.match(picture, /the row comes to its end/);
    });
  }

  test('has digests in place of what may be a token', () => {
    for (const text of Object.values(runRow('thrown')))
      assert.doesNotMatch(String(text), new RegExp(TOKEN.slice(0, 16)));
  });

  test('fails by itself if its process is killed', () => {
    const { status, stdout } = runRow('killed');
    assert.equal(status, 1);
    assert.match(stdout, /the process of the row ended before the row/);
  });

  test('fails if a claim was never checked', () => {
    const { status, stdout } = runRow('unchecked');
    assert.equal(status, 1);
    assert.match(stdout, /NOT CHECKED {2}every request is answered 200/);
  });
});

describe('the picture', () => {
  const claim = 'no claim is so long that the picture leaves out what is behind its first sixty characters';
  const detail = JSON.stringify({ status: 401, code: 'session_expired', word: 'x'.repeat(100) });
  /** Twelve lanes fit; the first of these is the farthest from the failure. */
  const entries = (clients) => [
    ...Array.from({ length: clients }, (_, index) => ({ ms: index, lane: `client ${index}`, what: 'GET /' })),
    { ms: 50, lane: ROW, what: 'an hour passes' },
    { ms: 60, lane: 'client 5', what: 'an answer', to: 'client 0' },
    { ms: 100, lane: CLAIMS, what: claim, detail, failed: true },
  ];

  test('has room for the whole text of a claim that does not hold', () => {
    const svg = lanesSvg(entries(11), { title: 'any' });
    const failed = /<g class="failed">.*<\/g>/.exec(svg)?.[0] ?? '';
    const lines = [...failed.matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)<\/text>/g)];
    const said = lines.map(([, , text]) => text.replaceAll('&quot;', '"')).join('');
    assert.ok(said.replaceAll(' ', '').includes(`${claim}${detail}`.replaceAll(' ', '')), said);
    const width = Number(/ width="(\d+)" role/.exec(svg)?.[1]);
    for (const [, , at, wide] of failed.matchAll(/<rect (class)="plate" x="([\d.]+)"[^>]*width="([\d.]+)"/g))
      assert.ok(Number(at) + Number(wide) < width, `${at} and ${wide} of ${width}`);
  });

  test('leaves out of a lane that has no room all that concerns it, and says so', () => {
    const all = [{ ms: 0, lane: 'client 5', what: 'asks', to: 'client 1' }, ...entries(12)];
    const svg = lanesSvg(all, { title: 'any', focus: all.at(-1) });
    assert.match(svg, /1 lane is left out, with what is addressed to it/);
    assert.doesNotMatch(svg, />client 1<|>asks</);
    assert.equal(svg.match(/class="dot"/g)?.length, 13, 'the other clients, their answer and the claim');
  });
});
