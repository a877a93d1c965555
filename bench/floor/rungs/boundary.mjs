// The boundary to WebAssembly, for a module that decides nothing (bench/floor/modules.mjs): texts go there as bytes in its memory, and
// changes of headers come back as one text, as wasm-bindgen's glue and src/edge/runtime/headers.js do it.

import module from './boundary.wasm';

/** @type {any} */
const exports = HAS.call ? new WebAssembly.Instance(module).exports : {};
const { memory, nothing, ofRequest, ofRelayed, ofMade } = exports;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** A call without anything. */
export const askNothing = () => nothing();

/** A request's method, address and headers, as one text. */
function requestLines({ method, url, headers }) {
  let lines = `${method} ${url}`;
  headers.forEach((value, name) => {
    lines += `\n${name}\n${value}`;
  });
  return lines;
}

/** Headers of an answer by which is decided what becomes of it. */
const DECIDING = ['cache-control', 'connection', 'server-timing'];

/** These, as one text. */
function answerLines({ headers }) {
  let lines = '';
  for (const name of DECIDING) {
    const value = headers.get(name);
    if (value !== null) lines += `${name}\n${value}\n`;
  }
  for (const cookie of headers.getSetCookie()) lines += `set-cookie\n${cookie}\n`;
  return lines;
}

/** Makes the module's answer to a text of what it answers, which ends with a zero. */
function changesBy(answer, lines) {
  const bytes = new Uint8Array(memory.buffer);
  const { written } = encoder.encodeInto(lines, bytes);
  const start = answer(written);
  return decoder.decode(bytes.subarray(start, bytes.indexOf(0, start)));
}

/** What becomes of a request's headers. */
export const requestChanges = (request) => changesBy(ofRequest, requestLines(request));
/** What becomes of the headers of an upstream's answer. */
export const relayedChanges = (response) => changesBy(ofRelayed, answerLines(response));
/** The headers of an answer of the gateway's own. */
export const madeChanges = (request) => changesBy(ofMade, requestLines(request));

/** Carries out changes: each is a line that says what is done with which header, and one of its value. */
export function change(headers, text) {
  const lines = text.split('\n');
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = lines[i].slice(1);
    if (lines[i].startsWith('=')) headers.set(name, lines[i + 1]);
    else headers.delete(name);
  }
}
