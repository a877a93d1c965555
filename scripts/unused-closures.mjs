// Removes functions that nothing can call from the table of functions of a WebAssembly module.
//
// The SDK's streams export classes that the gateway never makes, and the gateway has neither tasks nor closures of JavaScript. With
// the exports gone, what would make them is dead; but what is called by its number in the table no optimiser may leave out, with
// all that it calls. Which functions are theirs, their names tell. Those of a closure do not: but its vtable begins with the function that
// drops it, which is named by its type.

import { SECTIONS, constantOf, functionNamesOf, leb, sectionOf, segmentsOf, withSection } from './wasm-module.mjs';

const END = 0x0b;
const I32_CONST = 0x41;

/** Returns the module with another function in the place of each whose name, or whose closure's type, `unused` tells. */
export function withoutClosures(bytes, unused) {
  const names = functionNamesOf(bytes);
  const section = sectionOf(bytes, SECTIONS.element);
  const { reader } = section;
  if (reader.number() !== 1 || reader.number() !== 0) throw new Error('the table is not filled in one piece');
  const first = constantOf(reader);
  if (first >= 0x40) throw new Error('the table begins at no small number');
  const table = Array.from({ length: reader.number() }, () => reader.number());
  const nameAt = (place) => names.get(table[place - first]);
  const drops = (place) => /^core::ptr::drop_in_place/.test(nameAt(place) ?? '');

  const dead = new Set(table.map((_, index) => first + index).filter((place) => unused.test(nameAt(place) ?? '')));
  for (const words of dataOf(bytes)) {
    words.forEach((word, at) => {
      if (!drops(word) || !unused.test(nameAt(word))) return;
      const [bytesOfIt, alignment] = words.subarray(at + 1);
      if (bytesOfIt >= 0x10000 || ![1, 2, 4, 8].includes(alignment)) return;
      dead.add(word);
      // After size and alignment come its methods, up to the next vtable.
      for (let method = at + 3; nameAt(words[method]) && !drops(words[method]); method += 1) dead.add(words[method]);
    });
  }
  const [stub] = table.filter((_, index) => !dead.has(first + index));
  const functions = table.map((index, place) => leb(dead.has(first + place) ? stub : index));
  const head = [leb(1), leb(0), Buffer.from([I32_CONST]), leb(first), Buffer.from([END]), leb(table.length)];
  return withSection(bytes, section, SECTIONS.element, [...head, ...functions]);
}

/** Returns each piece of the module's data as the words at its aligned places. */
function* dataOf(bytes) {
  for (const { first, content } of segmentsOf(bytes)) {
    const aligned = content.subarray((4 - (first % 4)) % 4);
    yield Uint32Array.from({ length: Math.floor(aligned.length / 4) }, (_, word) => aligned.readUInt32LE(4 * word));
  }
}
