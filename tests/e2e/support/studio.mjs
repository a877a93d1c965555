// The studio as its users have it: built, served by `bargate studio` on this machine, and opened in a real browser.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { studio } from '../../../packages/bargate/cli/commands/studio.mjs';
import { buildStudio } from '../../../scripts/studio.mjs';
import { launchChromium } from './chromium.mjs';

/** Most tests begin with this config. */
export const CONFIG = {
  servers: [{ alias: 'api', url: 'https://api.shop.example' }],
  authorizer: { type: 'auth0', domain: 'shop.eu.auth0.com', client_id: 'page', audience: 'https://api.shop.example/' },
  paths: [
    { method: 'GET', path: '/health', response: { status: 'ok' } },
    {
      method: 'ANY',
      path: '/api/orders/{id}',
      auth: { scopes: ['read:orders'] },
      integration: { type: 'http_proxy', server: 'api' },
    },
    { method: 'ANY', path: '/api/{.+}', auth: true, integration: { type: 'http_proxy', server: 'api' } },
  ],
};

/** Builds the page, serves it with `config` (a text or a value), and starts a browser, `whole` or not (scripts/chromium.mjs). */
export async function startStudio({ config = CONFIG, whole = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'bargate-studio-'));
  const page = join(folder, 'page');
  await buildStudio(page);
  const file = join(folder, 'gateway.config.json');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config, null, 2));
  const server = await serveStudio(['--config', file], { page });
  const browser = await launchChromium({ whole });
  return {
    page,
    file,
    browser,
    address: server.address,
    /** Opens the page, and waits until it has checked the config. */
    async open({ address = server.address, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      return new Studio(await context.newPage()).open(address);
    },
    async close() {
      await browser.close();
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/**
 * Runs `bargate studio` on a free port. Resolves to its address once it serves.
 *
 * @param {string[]} args
 * @param {{ page: string }} options
 */
export async function serveStudio(args, options) {
  const end = new AbortController();
  let ended;
  const address = await new Promise((resolve, reject) => {
    const print = (text) => resolve(/http:\S+/.exec(text)[0]);
    const fail = (text) => reject(new Error(text));
    ended = studio([...args, '--port', '0'], { ...options, print, fail, signal: end.signal });
  });
  return {
    address,
    close() {
      end.abort();
      return ended;
    },
  };
}

/** The page in a tab of the browser. */
export class Studio {
  /** What the page requested, and what it said of errors. */
  requests = [];
  complaints = [];

  constructor(page) {
    this.page = page;
    page.on('request', (request) => this.requests.push(request.url()));
    page.on(
      'console',
      (message) => ['error', 'warning'].includes(message.type()) && this.complaints.push(message.text()),
    );
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  async open(address) {
    await this.page.goto(address);
    await this.verdict(/./);
    return this;
  }

  get editor() {
    return this.page.locator('#editor .cm-content');
  }

  /** What completion offers. */
  get offers() {
    return this.page.locator('#editor').getByRole('option');
  }

  get tree() {
    return this.page.getByRole('tree', { name: 'Routes' });
  }

  /** A path, or a part of one, as the tree of routes shows it. */
  path(text) {
    return this.tree.locator('.map-path', { hasText: text });
  }

  /** Waits until the verdict on the config reads like this. */
  async verdict(text) {
    await this.page.locator('#verdict').filter({ hasText: text }).waitFor();
  }

  tab(name) {
    return this.page.getByRole('tab', { name }).click();
  }

  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** Opens a config as a file of the user's. */
  async load(config) {
    const text = typeof config === 'string' ? config : JSON.stringify(config, null, 2);
    await this.page
      .locator('#file')
      .setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from(text) });
  }

  /** Puts the cursor behind the first occurrence of a text, by the editor's own search. */
  async putCursorBehind(text) {
    await this.editor.focus();
    await this.page.keyboard.press('Control+Home');
    await this.page.keyboard.press('Control+f');
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
    await this.page.keyboard.press('Escape');
    await this.page.keyboard.press('ArrowRight');
  }

  /** Puts `replacement` in place of the first occurrence of a text, by the keyboard. */
  async replace(text, replacement) {
    await this.putCursorBehind(text);
    for (const _ of text) await this.page.keyboard.press('Backspace');
    await this.page.keyboard.insertText(replacement);
  }

  async close() {
    await this.page.context().close();
  }
}
