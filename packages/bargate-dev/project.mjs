// A scaffolded project, as far as a local run has to know it: its files, its packages, and the configuration that wrangler gets of it.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { Failure } from '../../dev/failure.mjs';
import { wranglerFile } from '../bargate/cli/deployment.mjs';

export const CONFIG = 'gateway.config.json';
/** What wrangler is started with, beside the file that it is made of, so that every path in it is right. */
export const WRANGLER_CONFIG = 'wrangler.dev.json';
/** The files of variables that `wrangler dev` reads. */
export const ENV_FILES = ['.dev.vars', '.env', '.env.local'];

export class Project {
  /** @param {string} root */
  constructor(root) {
    this.root = root;
    if (!this.has(CONFIG))
      throw new Failure(
        `there is no ${CONFIG} in ${root}: run this in the folder of a project; npm create bargate@latest makes one`,
      );
    const wrangler = wranglerFile(root);
    if (!wrangler)
      throw new Failure(`there is no wrangler.toml in ${root}: without it, wrangler does not know what to run`);
    this.wranglerFile = wrangler;
  }

  has(name) {
    return existsSync(join(this.root, name));
  }

  read(name) {
    return readFileSync(join(this.root, name), 'utf8');
  }

  /** Returns the config; `undefined` if it is no JSON, which the check tells. */
  config() {
    try {
      return JSON.parse(this.read(CONFIG));
    } catch {
      return undefined;
    }
  }

  /** Returns the folder of a package of the project. */
  packageFolder(name) {
    try {
      return dirname(createRequire(join(this.root, 'package.json')).resolve(`${name}/package.json`));
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
      throw new Failure(`${name} is not installed here: run npm install in ${this.root}`);
    }
  }

  /** Returns the program of a package of the project, of the same name. */
  program(name) {
    const folder = this.packageFolder(name);
    const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return join(folder, typeof bin === 'string' ? bin : bin[name]);
  }

  /** Returns wrangler's configuration. What wrangler itself would refuse is left to the check. */
  wranglerConfig() {
    const text = this.read(this.wranglerFile);
    try {
      const config = this.wranglerFile.endsWith('.toml')
        ? parseToml(text)
        : parseJsonc(text, [], { allowTrailingComma: true });
      return /** @type {any} */ (config ?? {});
    } catch (error) {
      throw new Failure(`${this.wranglerFile}: ${error.message.split('\n')[0]}`);
    }
  }

  /** Returns the paths whose change makes another gateway. */
  watched() {
    const { main = 'src/index.js', build: { watch_dir: also = [] } = {} } = this.wranglerConfig();
    const sources = [dirname(main), ...[also].flat()].filter((path) => path !== '.');
    return [...new Set([CONFIG, main, 'services', ...sources, this.wranglerFile, ...ENV_FILES])];
  }

  /**
   * Returns the configuration that wrangler gets: the project's, with a build that leaves building to whoever writes `marker`. It
   * differs if files of variables do, which wrangler would watch itself.
   */
  wranglerConfigFor(marker) {
    const { build: _, ...rest } = this.wranglerConfig();
    const hash = createHash('sha256');
    for (const name of ENV_FILES) hash.update(this.has(name) ? this.read(name) : '').update('\0');
    const head = `// Made by bargate dev, for as long as it runs, of ${this.wranglerFile} and files of variables: ${hash.digest('hex')}\n`;
    return `${head}${JSON.stringify({ ...rest, build: { command: 'exit 0', watch_dir: marker } }, null, 2)}\n`;
  }
}
