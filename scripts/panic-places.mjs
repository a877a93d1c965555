// The places in the source that panics name, as they are in a module's data: clears those that say nothing.

import { segmentsOf } from './wasm-module.mjs';

/** The address and length of the file's name, the line and the column. */
const PLACE_BYTES = 16;
const ALIGNMENT_BYTES = 4;
/** What the names of the gateway's own files begin with. */
const OWN = 'src/';

/** Returns what clears the place at an address of the module, if it is one. */
export function placesOf(bytes) {
  const read = memoryOf(bytes);
  return {
    clear(address) {
      const place = read(address, PLACE_BYTES);
      if (place && fileOf(place, read)) place.fill(0);
    },
  };
}

/**
 * Clears the places in libraries: what a panic there says of the gateway is in its message, which stays. With them go the folders of
 * whoever built it.
 */
export function clearLibraryPlaces(bytes) {
  const read = memoryOf(bytes);
  const files = new Map();
  for (const { content } of segmentsOf(bytes)) {
    for (let at = 0; at + PLACE_BYTES <= content.length; at += ALIGNMENT_BYTES) {
      const place = content.subarray(at, at + PLACE_BYTES);
      const file = fileOf(place, read);
      if (file && !file.toString('latin1').startsWith(OWN)) files.set(place, file);
    }
  }
  for (const part of [...files].flat()) part.fill(0);
}

/** Returns the bytes that a module begins with at an address, which are the module's own. */
function memoryOf(bytes) {
  const segments = [...segmentsOf(bytes)];
  return (from, length) => {
    const held = segments.find(({ first, content }) => from >= first && from + length <= first + content.length);
    return held?.content.subarray(from - held.first, from - held.first + length);
  };
}

/** Returns the name of the file of a place, if it is one. */
function fileOf(place, read) {
  const file = read(place.readUInt32LE(0), place.readUInt32LE(4));
  return file?.toString('latin1').endsWith('.rs') ? file : undefined;
}
