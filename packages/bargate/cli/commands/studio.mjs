// `bargate studio`: serves the page of studio/ on this machine. It begins with the config of the folder, which is put into the
// page, since the page may fetch nothing. No file is ever written.

import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { isLoopback } from '../../../../dev/loopback.mjs';

const CONFIG = 'gateway.config.json';
const HOST = '127.0.0.1';
const PORT = 8788;
const HELP = `Opens a page that shows what a config does: its errors, its routes, and the way of a request

Usage: bargate studio [OPTIONS]

The page is served on this machine only. It sends nothing anywhere, and no file is written.

Options:
      --config <FILE>  The config to begin with [default: ${CONFIG}, if it exists]
      --port <PORT>    The port [default: ${PORT}]
      --open           Opens the page in the browser, too
  -h, --help           Print help
`;

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** What a command could not do: one line for people. */
class Failure extends Error {}

/**
 * Runs the command: serves the files of the folder `page`. Resolves to its exit status when the server has ended; `signal` ends it.
 *
 * @param {string[]} args
 * @param {{ page: string, print?: (text: string) => void, fail?: (text: string) => void, signal?: AbortSignal }} options
 */
export async function studio(args, { page, print = console.log, fail = console.error, signal }) {
  try {
    const options = optionsOf(args);
    if (options.help) {
      print(HELP.trimEnd());
      return 0;
    }
    const server = serve(page, options.config);
    const address = await listen(server, options.port);
    print(`Bargate studio: ${address}\nCtrl-C ends it.`);
    if (options.open) openBrowser(address, fail);
    signal?.addEventListener('abort', () => server.close());
    await new Promise((resolve) => server.once('close', resolve));
    return 0;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    fail(`error: ${error.message}`);
    return 2;
  }
}

function optionsOf(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        config: { type: 'string' },
        port: { type: 'string', default: String(PORT) },
        open: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port > 65535)
      throw new Failure(`--port ${values.port}: not a port, which is a number up to 65535`);
    if (values.config !== undefined) read(values.config);
    return { ...values, port };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${error.message.split('. ')[0]}; "bargate studio --help" lists the options`);
  }
}

/** Serves the files of `folder`, and in its page the config, as it is each time that the page is loaded. */
function serve(folder, config) {
  const files = filesOf(folder);
  const headers = headersOf(folder);
  return createServer((request, response) => {
    // Another name for this machine is that of a foreign page (DNS rebinding), which must not read the config.
    if (!isLoopback(request.headers.host)) return answer(response, 403, 'This page has the address 127.0.0.1.\n');
    // Any other target may name a host of its own.
    if (!/^\/(?!\/)/.test(request.url)) return answer(response, 400, 'A path begins with one slash.\n');
    const [path] = request.url.split('?');
    const name = path === '/' ? 'index.html' : path.slice(1);
    if (!['GET', 'HEAD'].includes(request.method))
      return answer(response, 405, 'Only GET is answered.\n', { allow: 'GET, HEAD' });
    const contents = files.get(name);
    if (!contents) return answer(response, 404, 'There is no such file.\n');
    const body = name === 'index.html' ? withConfig(contents.toString(), config) : contents;
    return answer(response, 200, body, {
      ...headers,
      'content-type': TYPES[name.split('.').at(-1)],
      'cache-control': 'no-store',
    });
  });
}

/** Reads the page, once: an update of the package while it is served is another page. */
function filesOf(folder) {
  try {
    const names = readdirSync(folder).filter((name) => TYPES[name.split('.').at(-1)]);
    return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
  } catch {
    throw new Failure(`the page is missing: ${folder} is not there; install bargate again`);
  }
}

/** The headers that a static host takes from the page's own file. */
function headersOf(folder) {
  const lines = readFileSync(join(folder, '_headers'), 'utf8').split('\n').slice(1).filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {string | Buffer} body
 * @param {Record<string, string>} headers
 */
function answer(response, status, body, headers = { 'content-type': 'text/plain' }) {
  response.writeHead(status, headers);
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** Puts the config into the page as data, or why it cannot be read. No text in it can end the element. */
function withConfig(html, config) {
  const opened = openedOf(config);
  if (opened === undefined) return html;
  const data = JSON.stringify(opened).replaceAll('<', '\\u003c');
  const marker = 'id="opened">null<';
  return html.split(marker).join(`id="opened">${data}<`);
}

function openedOf(config) {
  const path = config ?? CONFIG;
  const name = basename(path);
  try {
    const text = read(path, { isOptional: config === undefined });
    return text === undefined ? undefined : { name, text };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { name, problem: error.message };
  }
}

function read(path, { isOptional = false } = {}) {
  try {
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    const isMissing = error.code === 'ENOENT';
    if (isOptional && isMissing) return undefined;
    throw new Failure(`${path}: ${isMissing ? 'there is no such file' : `cannot be read (${error.code})`}`);
  }
}

async function listen(server, port) {
  const error = await new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(port, HOST, () => resolve(undefined));
  });
  if (error?.code === 'EADDRINUSE') throw new Failure(`port ${port} is taken: name another one with --port`);
  if (error) throw new Failure(`port ${port} cannot be used (${error.code}): name another one with --port`);
  return `http://${HOST}:${server.address().port}/`;
}

/** Opens an address as the system does; the address is there to be clicked if it cannot. */
function openBrowser(address, fail) {
  const [program, ...args] = {
    darwin: ['open', address],
    win32: ['cmd', '/c', 'start', '', address],
  }[process.platform] ?? ['xdg-open', address];
  spawn(program, args, { stdio: 'ignore', detached: true })
    .once('error', () => fail(`The browser could not be opened: open ${address} yourself.`))
    .unref();
}
