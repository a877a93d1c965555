// What every end-to-end test stands on: the bundle that `wrangler deploy` would upload, on the real workerd, with the config
// and bindings that a test gives it; and a browser as far as login needs one, a cookie jar that follows redirects.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const wranglerToml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
const compatibilityDate = /^compatibility_date = "(.+)"$/m.exec(wranglerToml)[1];

/**
 * Starts a gateway.
 *
 * `config` is the gateway config (an object, or text to be taken as it stands); without one the built-in config is in
 * force. `bindings` are variables and secrets. `directory` is the build: `build`, or `build-fault`. `kv` names the KV
 * namespaces (`JWKS` unless told otherwise). `outbound` takes every request that leaves the gateway, as a function from
 * Request to Response. Everything else goes to Miniflare as it is.
 */
export async function startGateway({ config, bindings = {}, directory = 'build', kv = ['JWKS'], outbound, ...rest } = {}) {
  const bundle = join(ROOT, directory, 'bundle');
  const wasm = readdirSync(bundle).find((name) => name.endsWith('.wasm'));
  const lines = [];
  const inline = config === undefined ? {} : { BARGATE_CONFIG_JSON: typeof config === 'string' ? config : JSON.stringify(config) };
  const miniflare = new Miniflare(convertV4MiniflareOptions({
    modules: [
      { type: 'ESModule', path: join(bundle, 'worker.js') },
      { type: 'CompiledWasm', path: join(bundle, wasm) },
    ],
    modulesRoot: bundle,
    compatibilityDate,
    kvNamespaces: kv,
    bindings: { ...inline, ...bindings },
    host: '127.0.0.1',
    port: 0,
    handleStructuredLogs: ({ message, level }) => lines.push({ message, level }),
    ...(outbound ? { outboundService: outbound } : {}),
    ...rest,
  }));
  const origin = (await miniflare.ready).origin;
  return {
    origin,
    miniflare,
    /** Every line the Worker has logged, as text. */
    lines,
    /** The log's JSON lines, parsed. */
    records: () => lines.flatMap(({ message }) => parsed(message)),
    /** Resolves with the first JSON line for which `wanted` is true, now or when it comes. */
    async record(wanted) {
      for (;;) {
        const found = lines.flatMap(({ message }) => parsed(message)).find(wanted);
        if (found) return found;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    fetch: (path, init) => fetch(new URL(path, origin), { redirect: 'manual', ...init }),
    close: () => miniflare.dispose(),
  };
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === 'object' ? [value] : [];
  } catch {
    return [];
  }
}

/** A browser without pages: cookies by host, and redirects followed one by one. */
export class Browser {
  #jars = new Map();

  cookies(url) {
    const { host } = new URL(url);
    if (!this.#jars.has(host)) this.#jars.set(host, new Map());
    return this.#jars.get(host);
  }

  async fetch(url, init = {}) {
    const jar = this.cookies(url);
    const headers = new Headers(init.headers);
    if (jar.size) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const gone = attributes.some((attribute) => /^max-age=0$/i.test(attribute) || /^expires=Thu, 01 Jan 1970/i.test(attribute));
      if (gone) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** Follows redirects from `url` until an answer is none, or leads where `stop` says. Gives the last answer and its URL. */
  async follow(url, init, stop = () => false) {
    let [at, response] = [String(url), await this.fetch(url, init)];
    while (response.status >= 300 && response.status < 400) {
      const next = new URL(response.headers.get('location'), at).href;
      if (stop(next)) return { response, url: at, next };
      [at, response] = [next, await this.fetch(next)];
    }
    return { response, url: at };
  }

  /** Logs in at the tenant from a gateway's login path and stops before the callback is called: gives its URL. */
  async logInUntilCallback(loginUrl, { email = 'alice@example.com', action = 'login', isCallback } = {}) {
    const stop = isCallback ?? ((url) => new URL(url).searchParams.has('state') && /[?&](code|error)=/.test(url));
    const arrived = await this.follow(loginUrl, {}, stop);
    if (arrived.next) return arrived.next;
    const form = new URLSearchParams({ username: email, password: 'any', action });
    const submitted = await this.follow(arrived.url, { method: 'POST', body: form }, stop);
    return submitted.next;
  }
}
