// The ladder of a start: what of it is the runtime's, what comes of the gateway's size, and what it does.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLE, bundleFiles } from '../gateway.mjs';
import { deployed, measureStartsOf } from '../starts.mjs';
import { bundledWorkers, peerWorkers } from '../testbed.mjs';
import { BARGATE, RUNTIME, WEBASSEMBLY } from './ladders.mjs';
import { hollowModule } from './modules.mjs';

/** @type {import('./ladders.mjs').Ladder} */
export const STARTS = {
  name: 'start',
  title: 'From the start of workerd to the first answer',
  unit: 'ms',
  rungs: [
    { name: 'start-empty', title: 'bare class, fixed answer', whose: RUNTIME },
    { name: 'start-script', title: 'the JavaScript of the bundle evaluated', whose: BARGATE },
    { name: 'start-module', title: 'its WebAssembly compiled and instantiated, and not called', whose: WEBASSEMBLY },
    { name: 'start', title: 'Bargate, which reads its config and answers', whose: BARGATE },
    { name: 'start-hono', title: 'Hono' },
    { name: 'start-empty-again', title: 'bare class, again' },
  ],
};

export const START_PAIRS = [['start-empty', 'start-empty-again']];

/** Measures starts, and returns the milliseconds of each rung by its name, round by round. */
export async function measureLadder(rounds) {
  const measured = await measureStartsOf(rounds, async (folder, place) => {
    const [bare, hono] = await peerWorkers(folder, ['fixed-class', 'hono'], place);
    const { entry, modules } = bundleFiles(BUNDLE);
    const gateway = { name: 'gateway.js', path: entry };
    const whole = modules.map((path) => ({
      name: path.slice(BUNDLE.length + 1),
      path,
      kind: /** @type {const} */ ('wasm'),
    }));
    const hollow = whole.map(({ name, path }) => hollowModule(folder, readFileSync(path), name));
    const around = (name, wasm) => ({ name, file: join('floor', 'rungs', 'start.mjs'), beside: [gateway, ...wasm] });
    const [script, module] = await bundledWorkers(folder, [around('script', hollow), around('module', whole)], place);
    const empty = { path: '/', worker: bare };
    return {
      'start-empty': empty,
      'start-script': { path: '/', worker: script },
      'start-module': { path: '/', worker: module },
      start: deployed(),
      'start-hono': { path: '/fixed/open', worker: hono },
      'start-empty-again': empty,
    };
  });
  return Object.fromEntries(Object.entries(measured).map(([name, starts]) => [name, starts.map(({ ms }) => ms)]));
}
