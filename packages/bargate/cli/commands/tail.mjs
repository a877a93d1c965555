// `bargate tail`: reads the log of a deployed gateway as `wrangler tail --format json` prints it, and prints one line a request, with
// counts of each minute. wrangler is the project's own; its output can also come by standard input.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Counts } from '../tail/counts.mjs';
import { LEVELS, entriesOf } from '../tail/entries.mjs';
import { JsonTexts } from '../tail/json_texts.mjs';
import { clock, jsonLine, lineOf, painter, summaryLine } from '../tail/lines.mjs';

const MINUTE_MS = 60_000;

/** Whether programs have groups, which are interrupted together. */
const HAS_GROUPS = process.platform !== 'win32';

/** What ends the command, and wrangler with it. */
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);
const HELP = `Shows the log of a deployed gateway: one line a request, and counts of each minute

Usage: bargate tail [OPTIONS] [-]
       bargate tail [OPTIONS] [WORKER] [-- ARGUMENTS OF WRANGLER]

It runs \`wrangler tail --format json\` of the folder's project, with what stands behind the options. Or it reads the output of that,
if standard input is no terminal, or with -. Times are in UTC. Ctrl-C ends it.

Options:
      --status <STATUS>      Only requests with this status, such as 404 or 5xx; several with commas
      --code <CODE>          Only what has this code; several with commas
      --route <ROUTE>        Only requests of routes that begin like this
      --request-id <ID>      Only the request with this id, in full or as it is shown
      --level <LEVEL>        Only lines of this level and above [possible values: debug, info, warn, error]
      --format <FORMAT>      Lines for people, or a JSON object a line [default: text] [possible values: text, json]
  -h, --help                 Print help

Counts are of what the filters let through.
`;

/** What the command could not do: one line for people. */
class Failure extends Error {}

/**
 * What the command reads from and writes to; those of this process, unless a test has others.
 *
 * @typedef {object} Shell
 * @property {string} root the folder whose wrangler is run
 * @property {NodeJS.ReadStream} [input]
 * @property {NodeJS.WriteStream} [output]
 * @property {(text: string) => void} [fail]
 */

/**
 * Runs the command, and resolves to its exit status.
 *
 * @param {string[]} args
 * @param {Shell} shell
 */
export async function tail(
  args,
  { root, input = process.stdin, output = process.stdout, fail = (text) => void process.stderr.write(text) },
) {
  try {
    const options = optionsOf(args);
    if (options.help) {
      output.write(HELP);
      return 0;
    }
    const readsInput = options.ofWrangler.length === 0 ? !input.isTTY : options.ofWrangler[0] === '-';
    const source = readsInput ? ofInput(input) : ofWrangler(root, options.ofWrangler);
    return await follow(source, new Report(options, output), fail);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    fail(`error: ${error.message}\n`);
    return 2;
  }
}

/**
 * Where events come from. `ended` resolves to why it ended too early, if it did.
 *
 * @typedef {{ stream: NodeJS.ReadableStream, stop: () => void, ended: Promise<string | undefined> }} Source
 */

/** @param {NodeJS.ReadStream} input @returns {Source} */
function ofInput(input) {
  return { stream: input, stop: () => void input.destroy(), ended: Promise.resolve(undefined) };
}

/** Runs the wrangler of a project. @param {string} root @param {string[]} args @returns {Source} */
function ofWrangler(root, args) {
  let file;
  try {
    file = createRequire(join(root, 'package.json')).resolve('wrangler/package.json');
  } catch {
    throw new Failure(
      'wrangler is not installed here: run npm install -D wrangler, or give its output: npx wrangler tail --format json | npx bargate tail',
    );
  }
  const { bin } = JSON.parse(readFileSync(file, 'utf8'));
  const program = join(dirname(file), bin.wrangler);
  const child = spawn(process.execPath, [program, 'tail', ...args, '--format', 'json'], {
    cwd: root,
    // In a group of its own, wrangler is interrupted once, by this: then it takes back the tail that it began.
    detached: HAS_GROUPS,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  /** @type {Promise<string | undefined>} */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`wrangler cannot be run: ${error.message}`));
    child.once('close', (status) => resolve(status ? `wrangler ended with status ${status}` : undefined));
  });
  return { stream: child.stdout, stop: () => interrupt(child), ended };
}

/** Interrupts a program and what it has started. @param {import('node:child_process').ChildProcess} child */
function interrupt(child) {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    if (HAS_GROUPS) process.kill(-child.pid, 'SIGINT');
    else child.kill('SIGINT');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/**
 * Reports what comes until it ends, somebody interrupts it, or nobody reads the output.
 *
 * @param {Source} source
 * @param {Report} report
 * @param {(text: string) => void} fail
 */
async function follow({ stream, stop, ended }, report, fail) {
  let isStopped = false;
  const finish = () => {
    isStopped = true;
    stop();
  };
  for (const signal of SIGNALS) process.on(signal, finish);
  report.output.once('error', finish);
  const texts = new JsonTexts();
  let isCutOff = false;
  try {
    stream.setEncoding('utf8');
    for await (const chunk of stream) await report.add(texts.read(String(chunk)));
    isCutOff = texts.isOpen;
  } catch (error) {
    // Of what is destroyed, the rest is not wanted.
    if (!isStopped) throw new Failure(`the input cannot be read: ${error.message}`);
  } finally {
    report.output.off('error', finish);
  }
  await report.add(texts.end());
  await report.end();
  const failure = await ended;
  for (const signal of SIGNALS) process.off(signal, finish);
  if (isStopped) return 0;
  if (failure) throw new Failure(failure);
  if (isCutOff) fail('warning: the input ends within an event\n');
  else if (report.isEmpty) fail('warning: no event came; this reads what `wrangler tail --format json` prints\n');
  else return 0;
  return 1;
}

/** Prints what passes the filters, and counts it. */
class Report {
  #options;
  #print;
  #minute = new Counts();
  #all = new Counts();
  /** The minute that is counted, from 1970. @type {number | undefined} */
  #current;
  #events = 0;

  /** @param {ReturnType<typeof optionsOf>} options @param {NodeJS.WriteStream} output */
  constructor(options, output) {
    this.output = output;
    this.#options = options;
    const paint = painter(isColoured(output));
    this.#print =
      options.format === 'json'
        ? {
            entry: (entry) => jsonLine({ ...entry, time: isoTime(entry.time) }),
            summary: (summary, kind) =>
              jsonLine({ kind, ...summary, from: isoTime(summary.from), to: isoTime(summary.to) }),
          }
        : {
            entry: (entry) => lineOf(entry, paint),
            summary: (summary, kind) =>
              summaryLine(summary, kind === 'minute' ? clock(summary.from).slice(0, 5) : 'in all', paint),
          };
  }

  /** Whether no event came. */
  get isEmpty() {
    return this.#events === 0;
  }

  /** @param {import('../tail/json_texts.mjs').Piece[]} pieces */
  async add(pieces) {
    const lines = pieces.flatMap((piece) => this.#linesOf(piece));
    if (lines.length) await this.#write(lines);
  }

  /** @param {import('../tail/json_texts.mjs').Piece} piece */
  #linesOf(piece) {
    if ('value' in piece && Array.isArray(piece.value.logs)) {
      this.#events += 1;
      return entriesOf(piece.value).flatMap((entry) => this.#linesOfEntry(entry));
    }
    const text = 'value' in piece ? JSON.stringify(piece.value) : piece.line;
    return this.#linesOfEntry({ kind: 'other', level: 'info', time: undefined, text });
  }

  /** @param {import('../tail/entries.mjs').Entry} entry */
  #linesOfEntry(entry) {
    if (!this.#options.admits(entry)) return [];
    const lines = [];
    const minute = entry.time === undefined ? this.#current : Math.floor(entry.time / MINUTE_MS);
    // What is late counts in the minute that is counted.
    if (minute !== undefined && minute > (this.#current ?? -Infinity)) {
      lines.push(...this.#endOfMinute());
      this.#current = minute;
    }
    this.#minute.add(entry);
    this.#all.add(entry);
    lines.push(this.#print.entry(entry));
    return lines;
  }

  #endOfMinute() {
    if (this.#minute.isEmpty) return [];
    const line = this.#print.summary(this.#minute.summary(), 'minute');
    this.#minute = new Counts();
    return [line];
  }

  /** Prints the counts of the last minute, and of all. */
  async end() {
    const lines = this.#endOfMinute();
    if (!this.#all.isEmpty) lines.push(this.#print.summary(this.#all.summary(), 'total'));
    if (lines.length) await this.#write(lines);
  }

  /** Resolves when more may be written, or nothing ever can. @param {string[]} lines */
  async #write(lines) {
    const { output } = this;
    if (output.destroyed || output.write(`${lines.join('\n')}\n`)) return;
    await new Promise((resolve) => {
      const go = () => {
        for (const event of ['drain', 'close', 'error']) output.off(event, go);
        resolve(undefined);
      };
      for (const event of ['drain', 'close', 'error']) output.once(event, go);
    });
  }
}

const isoTime = (time) => (time === undefined ? null : new Date(time).toISOString());

/** Whether output has colours, as that of the other commands. @param {NodeJS.WriteStream} output */
function isColoured(output) {
  const { NO_COLOR, CLICOLOR_FORCE, TERM } = process.env;
  if (NO_COLOR) return false;
  if (CLICOLOR_FORCE && CLICOLOR_FORCE !== '0') return true;
  return Boolean(output.isTTY) && TERM !== 'dumb';
}

function optionsOf(args) {
  const { values, positionals: ofWrangler } = parsed(args);
  const { format, level } = values;
  if (!['text', 'json'].includes(format)) throw new Failure(`--format "${format}": it is text or json`);
  if (level !== undefined && !LEVELS.some((known) => known === level))
    throw new Failure(`--level "${level}": it is one of ${LEVELS.join(', ')}`);
  if (ofWrangler[0] === '-' && ofWrangler.length > 1)
    throw new Failure('with -, nothing is handed to wrangler: leave out what comes after it');
  if (ofWrangler.some((arg) => /^--format(?:=|$)/.test(arg)))
    throw new Failure('wrangler is always asked for --format json; leave it out behind the --');
  return { help: values.help, format, ofWrangler, admits: admitting(values) };
}

function parsed(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        status: { type: 'string', multiple: true, default: [] },
        code: { type: 'string', multiple: true, default: [] },
        route: { type: 'string' },
        'request-id': { type: 'string' },
        level: { type: 'string' },
        format: { type: 'string', default: 'text' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new Failure(
      `${error.message.split('. ')[0]}; "bargate tail --help" lists the options, and flags of wrangler come behind --`,
    );
  }
}

/**
 * Returns what says whether an entry passes the filters: each must hold that is given.
 *
 * @returns {(entry: import('../tail/entries.mjs').Entry) => boolean}
 */
function admitting({ status, code, route, 'request-id': id, level }) {
  const statuses = listOf(status).map(statusPattern);
  const codes = listOf(code);
  const ends = id?.split('…');
  const least = LEVELS.indexOf(level ?? 'debug');
  return (entry) =>
    (!statuses.length || statuses.some((pattern) => pattern.test(statusOf(entry)))) &&
    (!codes.length || codes.includes(entry.code ?? '')) &&
    (route === undefined || (entry.route ?? '').startsWith(route)) &&
    (ends === undefined || isSame(entry.request_id ?? '', ends)) &&
    LEVELS.indexOf(entry.level) >= least;
}

/** The status that a filter compares: a request that the runtime ended without one has failed like one of status 5xx. */
const statusOf = ({ kind, status, level }) =>
  status === undefined && kind === 'request' && level === 'error' ? '5xx' : String(status);

const listOf = (values) => values.flatMap((value) => value.split(',')).filter(Boolean);

/** Returns whether an id is that of a filter, of which the middle may be left out as it is in what is shown. */
const isSame = (id, [start, end]) => (end === undefined ? id === start : id.startsWith(start) && id.endsWith(end));

function statusPattern(status) {
  if (!/^[1-5](?:\d\d|xx)$/i.test(status)) throw new Failure(`--status "${status}": it is like 404 or 5xx`);
  return new RegExp(`^${status.replace(/xx/i, '(?:\\d\\d|xx)')}$`);
}
