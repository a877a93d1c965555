// The places in the source that panics name, as they are in a module's data: clears those that say nothing.

import { segmentsOf } from './wasm-module.mjs';

/** The address and length of the file's name, the line and the column. */
const PLACE_BYTES = 16;
const ALIGNMENT_BYTES = 4;
/** What the names of the gateway's own files begin with. */
const OWN = 'src/';

/**
 * Returns what clears places of the module. With the last place in a file goes the file's name.
 *
 * @param {Buffer} bytes
 */
export function placesOf(bytes) {
  const places = placesIn(bytes);
  const clear = (address) => {
    const cleared = places.get(address);
    if (!cleared) return;
    cleared.place.fill(0);
    places.delete(address);
    if (![...places.values()].some(({ file }) => file.byteOffset === cleared.file.byteOffset)) cleared.file.fill(0);
  };
  return {
    /** Clears the place at an address, if it is one. */
    clear,
    /**
     * Clears the places in libraries: what a panic there says of the gateway is in its message, which stays. With them go the
     * folders of whoever built it.
     */
    clearLibraries() {
      for (const [address, { file }] of places) if (!file.toString('latin1').startsWith(OWN)) clear(address);
    },
  };
}

/** Returns the places by their addresses, each with the name of its file, all as bytes of the module. */
function placesIn(bytes) {
  const segments = [...segmentsOf(bytes)];
  const read = (from, length) => {
    const held = segments.find(({ first, content }) => from >= first && from + length <= first + content.length);
    return held?.content.subarray(from - held.first, from - held.first + length);
  };
  const places = new Map();
  for (const { first, content } of segments) {
    for (let at = 0; at + PLACE_BYTES <= content.length; at += ALIGNMENT_BYTES) {
      const place = content.subarray(at, at + PLACE_BYTES);
      const file = read(place.readUInt32LE(0), place.readUInt32LE(4));
      if (file?.toString('latin1').endsWith('.rs')) places.set(first + at, { place, file });
    }
  }
  return places;
}
