// Orders the functions of a WebAssembly module so that they compress well.
//
// gzip finds repetitions within 32 KiB. So each function follows those that it shares most bytes with.

import { FUNCTION_NAMES, SECTIONS, importsOf, leb, sectionOf, withCustomSection } from './wasm-module.mjs';

const WINDOW_BYTES = 32 * 1024;
/** The shortest common sequence of two functions, in bytes; of all values tried, this makes the smallest file. */
const PIECE_BYTES = 6;
/** A sequence in more functions than this is ignored, since it does not tell them apart. */
const SHARERS_MAX = 200;
/** Added to each function's size, so that a tiny function does not come first because another contains it whole. */
const PIECES_OF_ALL = 8;

/** Returns the module with names for its functions that sort into the wanted order. */
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

/** Returns the functions' indices in order: each is followed by the one of which most was seen within the window. */
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

/** Returns the sequences of each function that it shares with others, each once. */
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
