// Puts a WebAssembly module's functions into an order in which they compress well.
//
// gzip finds again what stood in the last 32 KiB. So each function comes behind those that it has most bytes in common with.

import { FUNCTION_NAMES, SECTIONS, importsOf, leb, sectionOf, withCustomSection } from './wasm-module.mjs';

const WINDOW_BYTES = 32 * 1024;
/** How many bytes in a row two functions have in common, at least; of all tried, this makes the smallest file. */
const PIECE_BYTES = 6;
/** A piece that more functions have than these tells none of them from the others. */
const SHARERS_MAX = 200;
/** Keeps a function of a few bytes from being all that another has, and so coming first. */
const PIECES_OF_ALL = 8;

/** Returns the module with a name for each function, so that their order by name is the one to put them in. */
export function namedInOrder(bytes) {
  const first = importsOf(bytes).filter(({ kind }) => kind === 0).length;
  const names = [];
  for (const [rank, index] of orderOf(bodiesOf(bytes)).entries()) names[index] = `f${String(rank).padStart(6, '0')}`;
  const entries = names.flatMap((name, index) => [leb(first + index), leb(name.length), Buffer.from(name)]);
  const map = Buffer.concat([leb(names.length), ...entries]);
  return withCustomSection(bytes, 'name', [leb(FUNCTION_NAMES), leb(map.length), map]);
}

function bodiesOf(bytes) {
  const { reader } = sectionOf(bytes, SECTIONS.code);
  return Array.from({ length: reader.number() }, () => reader.take(reader.number()));
}

/** Returns the functions' indices: behind each the one of which most was seen within the window. */
function orderOf(bodies) {
  const pieces = piecesOf(bodies);
  const sharers = new Map();
  for (const [index, own] of pieces.entries())
    for (const piece of own) sharers.set(piece, [...(sharers.get(piece) ?? []), index]);

  const seen = new Map();
  const scores = bodies.map(() => 0);
  const note = (piece, by) => {
    const before = seen.get(piece) ?? 0;
    seen.set(piece, before + by);
    if (before === 0 || before + by === 0) for (const sharer of sharers.get(piece)) scores[sharer] += by;
  };
  const score = (index) => scores[index] / (pieces[index].length + PIECES_OF_ALL);
  const left = new Set(bodies.keys());
  const order = [];
  let [oldest, held] = [0, 0];
  while (left.size > 0) {
    const next = best(left, score);
    left.delete(next);
    order.push(next);
    held += bodies[next].length;
    for (const piece of pieces[next]) note(piece, 1);
    for (; held > WINDOW_BYTES && oldest < order.length - 1; oldest += 1) {
      held -= bodies[order[oldest]].length;
      for (const piece of pieces[order[oldest]]) note(piece, -1);
    }
  }
  return order;
}

/** Returns of each function the pieces that tell what it has in common with others, each once. */
function piecesOf(bodies) {
  const all = bodies.map((body) => {
    const text = body.toString('latin1');
    return [...new Set(Array.from(text, (_, at) => text.slice(at, at + PIECE_BYTES)))];
  });
  const counts = new Map();
  for (const piece of all.flat()) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return all.map((own) => own.filter((piece) => counts.get(piece) > 1 && counts.get(piece) < SHARERS_MAX));
}

/** Returns the first index for which `score` is highest. */
function best(indices, score) {
  let [found, highest] = [-1, -1];
  for (const index of indices) {
    const its = score(index);
    if (its > highest) [found, highest] = [index, its];
  }
  return found;
}
