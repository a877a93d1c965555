// Requests' heads and headers: how they cross, and what they contain.

/** Addresses, behind their origin, that the URL parser would leave as they are: whatever it encodes, decodes or leaves out is not in them. */
const NORMAL = /^(?:\/(?!\.)[\w.~-]*)+(?:\?[\w.~=&%+-]*)?$/;

/** The last origin that the URL parser left as it was. */
let origin = '';

/**
 * Returns an address as the URL parser writes it. To parse each took 2 % of a fixed answer, by a benchmark of the parser alone.
 *
 * @param {string} url
 */
function normalised(url) {
  if (origin !== '' && url.startsWith(origin) && NORMAL.test(url.slice(origin.length))) return url;
  const parsed = URL.parse(url);
  if (parsed && url.startsWith(`${parsed.origin}/`)) ({ origin } = parsed);
  return parsed?.href ?? '';
}

const encoder = new TextEncoder();

/**
 * @param {string} text
 * @param {Uint8Array} buffer
 */
function write(text, buffer) {
  const { read, written } = encoder.encodeInto(text, buffer);
  return read === text.length ? written : 3 * text.length;
}

/** @param {string} names */
export function set_of(names) {
  return new Set(names.split(','));
}

/**
 * @param {Headers} headers
 * @param {Iterable<string>} [names]
 */
function linesOf(headers, names) {
  let lines = '';
  /** @param {string | null} value @param {string} name */
  const add = (value, name) => {
    if (value !== null) lines += `${name}\n${value}\n`;
  };
  if (names) for (const name of names) add(headers.get(name), name);
  else headers.forEach(add);
  return lines;
}

/**
 * @param {Request} request
 * @param {Set<string>} names
 * @param {Uint8Array} buffer
 */
export function write_head({ method, url, headers }, names, buffer) {
  return write(`${method}\n${normalised(url)}\n${linesOf(headers, names)}`, buffer);
}

/**
 * @param {Request} request
 * @param {Set<string> | undefined} names
 * @param {Uint8Array} buffer
 */
export function write_headers({ headers }, names, buffer) {
  return write(linesOf(headers, names), buffer);
}

/**
 * Carries out changes of `src/http/header_lines.rs`, which begin in a line of a text.
 *
 * @param {Headers} headers
 * @param {string} text
 */
export function change(headers, text, from = 0) {
  const lines = text.split('\n');
  for (let i = from; i + 1 < lines.length; i += 2) {
    const name = lines[i].slice(1);
    if (lines[i].startsWith('=')) headers.set(name, lines[i + 1]);
    else if (lines[i].startsWith('+')) headers.append(name, lines[i + 1]);
    else headers.delete(name);
  }
}

/** Reads an HTTP date (RFC 9110 section 5.6.7) in milliseconds since 1970; NaN if it is not one. @param {string | null} value */
export function http_date(value) {
  return value?.trimEnd().endsWith('GMT') ? Date.parse(value) : NaN;
}
