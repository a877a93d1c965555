// `bargate build`: what the [build] of a scaffolded project runs before each `wrangler dev` and each deployment. It checks the config
// against what it will be deployed with; wrangler itself bundles the Worker. A mistake stops both.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { deploymentFlags } from '../deployment.mjs';

const CONFIG = 'gateway.config.json';
/** The codes of mistakes that a config of a later version makes. */
const UNKNOWN = ['unknown_key', 'unknown_value'];

/**
 * Runs the check.
 *
 * @param {string[]} args
 * @param {object} surroundings
 * @param {string} surroundings.root
 * @param {string} surroundings.version that of this package
 * @param {(args: string[], how?: { captured?: boolean }) => Promise<{ status: number, stdout: string }>} surroundings.bargate runs the
 *   program; captured, what it prints is returned and not shown
 * @returns {Promise<number>} the exit status
 */
export async function build(args, { root, version, bargate }) {
  const problem = whyNot(args, root, version);
  if (problem) {
    console.error(`error: ${problem}`);
    return 2;
  }
  // wrangler says for which of its commands it builds.
  const check = ['check', CONFIG, ...deploymentFlags(root, process.env.WRANGLER_COMMAND === 'dev')];
  const { status } = await bargate(check);
  if (status === 0) return 0;
  console.error(`the build stopped: the lines above say what is wrong with ${CONFIG}, or with its deployment`);
  const { stdout } = await bargate([...check, '--format', 'json'], { captured: true });
  if (mayBeLater(stdout))
    console.error(
      `This is version ${version} of bargate. If the config is of a later one: npm install bargate@latest, and -D bargate-dev@latest`,
    );
  return status;
}

/** Returns in a sentence why there is nothing to check. */
function whyNot(args, root, version) {
  if (args.length) return `bargate build takes no arguments, and not ${args.join(' ')}; bargate check does`;
  if (!existsSync(join(root, CONFIG))) return `there is no ${CONFIG} in ${root}`;
  return otherVersion(root, version);
}

/** Returns in a sentence that the Worker is made of another version than this one, which checks it. */
export function otherVersion(root, version) {
  let file;
  try {
    file = createRequire(join(root, 'package.json')).resolve('bargate/package.json');
  } catch {
    return `bargate is not installed here: run npm install in ${root}`;
  }
  const installed = JSON.parse(readFileSync(file, 'utf8')).version;
  if (installed === version) return undefined;
  return `this is bargate ${version}, and the Worker is made of bargate ${installed}: run npm install, and call it as npx --no bargate, so that there is one version`;
}

/** Checks whether a report names something that another version may know. */
function mayBeLater(report) {
  try {
    return JSON.parse(report).diagnostics.some(({ code }) => UNKNOWN.includes(code));
  } catch {
    return false;
  }
}
