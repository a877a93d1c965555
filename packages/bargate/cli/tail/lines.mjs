// The lines that `bargate tail` prints: for people, or as JSON. What comes from requests and from other Workers cannot act on a terminal
// or a log.

import { printable as escaped, shortened } from '../../../../studio/map/printable.mjs';

/** Of longer texts the beginning and the end are shown. */
const TEXT_MAX = 2_000;
const ID_MAX = 12;

/** What begins a command in the log of a CI system, and what it is printed as. */
const COMMAND = ['##[', '\\u0023#['];

const COLOURS = { red: 31, green: 32, yellow: 33, blue: 34, cyan: 36, dim: 2, bold: 1 };

/** The colour of a line, by its level. */
const OF_LEVEL = { debug: 'dim', info: 'cyan', warn: 'yellow', error: 'red' };

/** Returns a text in which nothing acts on a terminal or a log. */
const printable = (text) => escaped(text).replaceAll(...COMMAND);

/** @typedef {(colour: keyof typeof COLOURS, text: string) => string} Paint */

/** Returns what paints a text, or leaves it. @returns {Paint} */
export const painter = (isColoured) => (colour, text) =>
  isColoured && text ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;

/**
 * Returns the line of an entry.
 *
 * @param {import('./entries.mjs').Entry} entry
 * @param {Paint} paint
 */
export function lineOf(entry, paint) {
  const time = paint('dim', clock(entry.time));
  const text = printable(shortened(entry.text ?? '', TEXT_MAX));
  if (entry.kind === 'other') return [time, paint('dim', text)].join('  ');
  const code = printable(entry.code ?? '');
  if (entry.kind === 'line') {
    const colour = OF_LEVEL[entry.level];
    return [time, paint(colour, entry.level.toUpperCase().padEnd(7)), paint(colour, code), text]
      .filter(Boolean)
      .join('  ');
  }
  const { method = '', status, duration_ms: duration, route, path } = entry;
  const words = [
    time,
    printable(method).padEnd(7),
    paint(colourOf(status), String(status ?? '–').padStart(3)),
    (duration === undefined ? '' : `${number(duration)} ms`).padStart(9),
    // A path is dim: it is not a route of the config.
    route ? printable(shortened(route, TEXT_MAX)) : paint('dim', printable(shortened(path ?? '–', TEXT_MAX))),
    paint(colourOf(status), code),
    entry.cancelled ? paint('yellow', 'cancelled') : '',
    paint('dim', printable(shortened(entry.request_id ?? '', ID_MAX))),
    paint('dim', text),
  ];
  return words.filter(Boolean).join('  ');
}

/**
 * Returns the line of a summary.
 *
 * @param {import('./counts.mjs').Summary} summary
 * @param {string} name
 * @param {Paint} paint
 */
export function summaryLine(summary, name, paint) {
  const { requests, cancelled, errors, lines, p50_ms: p50, p95_ms: p95 } = summary;
  const parts = [
    `${requests} ${requests === 1 ? 'request' : 'requests'}`,
    p50 === null ? '' : `p50 ${number(p50)} ms, p95 ${number(/** @type {number} */ (p95))} ms`,
    cancelled ? `${cancelled} cancelled` : '',
    listed(errors, 'errors'),
    listed(lines, 'lines'),
  ];
  return paint('bold', `== ${name}: ${parts.filter(Boolean).join('; ')}`);
}

/** Returns a value as a line of JSON, which means the same with what acts on a terminal escaped. */
export const jsonLine = (value) => printable(JSON.stringify(value));

/** Hours, minutes and seconds of UTC. @param {number | undefined} time */
export function clock(time) {
  const date = new Date(time ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? '--:--:--' : date.toISOString().slice(-13, -5);
}

const listed = (counts, name) => {
  const words = Object.entries(counts).map(([code, count]) => `${printable(code)} ${count}`);
  return words.length ? `${name}: ${words.join(', ')}` : '';
};

/** @returns {keyof typeof COLOURS} */
function colourOf(status) {
  if (status === undefined || status >= 500) return 'red';
  if (status >= 400) return 'yellow';
  return status >= 300 ? 'blue' : 'green';
}

const number = (value) => (value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value)));
