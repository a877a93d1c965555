// Runs the end-to-end tests: several files at a time, each in its own process.

import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { Failure, ROOT } from './toolchain.mjs';

/** What waits for what never comes fails after this long. Some versions of Node.js count a whole file as one test. */
const TEST_TIMEOUT_MS = 1_800_000;
/** A test waits for most of its time, so that more files than there are cores run at a time. */
const FILES_A_CORE = 1.5;
/** Folders whose files take longest: they begin first, so that none of them runs alone at the end. */
const LONGEST = /[\\/](?:tools|library|examples|websockets|tokens)[\\/]/;

/**
 * Runs files of tests, tells `report` after each how far they are, and prints what failed. Returns how it ended.
 *
 * @param {string[]} files
 * @param {(progress: string) => void} report
 */
export async function runTestFiles(files, report) {
  const concurrency = Math.ceil(availableParallelism() * FILES_A_CORE);
  const inOrder = [true, false].flatMap((isLong) => files.filter((file) => LONGEST.test(file) === isLong));
  let [done, passed, failed] = [0, 0, 0];
  const progress = () => `${done}/${files.length} files, ${passed.toLocaleString('en')} tests, ${failed} failed`;
  const outputs = new Map();
  for await (const { type, data } of run({ files: inOrder, concurrency, timeout: TEST_TIMEOUT_MS })) {
    if (type === 'test:stdout' || type === 'test:stderr') {
      outputs.set(data.file, (outputs.get(data.file) ?? '') + data.message);
    } else if (type === 'test:pass' && data.details.type !== 'suite') {
      passed += 1;
    } else if (type === 'test:fail' && data.details.error.failureType !== 'subtestsFailed') {
      failed += 1;
      const where = `${relative(ROOT, data.file ?? data.name)}:${data.line}`;
      console.error(`\nnot ok: ${data.name} (${where})\n${inspect(data.details.error.cause ?? data.details.error)}`);
      console.error(outputs.get(data.file) ?? '');
    } else if (type === 'test:summary' && data.file) {
      done += 1;
      outputs.delete(data.file);
      report(progress());
    }
  }
  // A file that ended without a summary has not run as a test.
  if (failed || done < files.length) throw new Failure(`end-to-end tests: ${progress()}`);
  return progress();
}
