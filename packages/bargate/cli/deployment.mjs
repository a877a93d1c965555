// What wrangler says of a deployment whose config is checked, when it runs a build.

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { wranglerCall } from './wrangler-call.mjs';

/** Wrangler's configuration, the first that is there. */
export const WRANGLER_FILES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'];

/** Returns the name of wrangler's configuration in a folder; `undefined` if there is none. */
export const wranglerFile = (root) => WRANGLER_FILES.find((name) => existsSync(join(root, name)));

/**
 * The check's arguments about the deployment. What is unknown here stops no build: secrets that were set, variables that may
 * come from elsewhere, and which environment it is if wrangler's call cannot be seen.
 */
export function deploymentFlags(root, forDev) {
  const call = wranglerCall();
  const file = call.config ? relative(root, call.config) : wranglerFile(root);
  if (!file) return [];
  const unknown = call.environment === undefined && !forDev ? ['--every-environment'] : [];
  const flags = ['--wrangler', file, ...(call.environment ? ['--environment', call.environment] : unknown)];
  if (!forDev) return [...flags, '--variables', call.hasOtherVariables ? 'elsewhere' : 'declared-if-any'];
  const envFiles = call.envFiles.length ? call.envFiles.flatMap((name) => ['--values', name]) : ['--local'];
  return [...flags, ...envFiles, ...(call.command && call.hasOtherVariables ? ['--variables', 'elsewhere'] : [])];
}
