// Leaves out what a panic would say of a future that is polled once more after its end.
//
// Each async function has such a panic, with a place of its own in the source. Nothing polls a future that has finished: so each
// becomes a trap, which stops the instance without the words of a panic.

import { SECTIONS, functionNamesOf, importsOf, leb, readerOf, sectionOf, withSection } from './wasm-module.mjs';

const PANIC = /\bpanic_const_async_fn_resumed\b/;
const [UNREACHABLE, END, CALL, I32_CONST] = [0x00, 0x0b, 0x10, 0x41];
/** A function without locals that traps. */
const TRAP = Buffer.from([0, UNREACHABLE, END]);
/** The most bytes of a constant. */
const CONSTANT_BYTES_MAX = 6;

/** Returns the module with a trap in the place of the panic, and without those of its `places` that the panic was given. */
export function withoutFinishedFutures(bytes, places) {
  const index = [...functionNamesOf(bytes)].find(([, name]) => PANIC.test(name))?.[0];
  if (index === undefined) throw new Error('no function has the name of the panic of a finished future');
  const section = sectionOf(bytes, SECTIONS.code);
  const { reader } = section;
  const bodies = Array.from({ length: reader.number() }, () => reader.take(reader.number()));
  const call = Buffer.from([CALL, ...leb(index), UNREACHABLE]);
  for (const body of bodies)
    for (let at = body.indexOf(call); at >= 0; at = body.indexOf(call, at + 1)) places.clear(placeBefore(body, at));

  bodies[index - importsOf(bytes).filter(({ kind }) => kind === 0).length] = TRAP;
  const parts = bodies.flatMap((body) => [leb(body.length), body]);
  return withSection(bytes, section, SECTIONS.code, [leb(bodies.length), ...parts]);
}

/** Returns the constant that ends at `end`, if one does. */
function placeBefore(body, end) {
  for (let start = end - 2; start >= end - CONSTANT_BYTES_MAX; start -= 1) {
    if (body[start] !== I32_CONST) continue;
    const reader = readerOf(body, start + 1);
    const value = reader.number();
    if (reader.at() === end) return value;
  }
  return undefined;
}
