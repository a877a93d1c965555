// Reads and rewrites sections of a WebAssembly module (WebAssembly core specification, section 5).

export const SECTIONS = { custom: 0, import: 2, export: 7, element: 9, data: 11 };

/** Reads a module's numbers and names one after the other, from `at` on. */
export function readerOf(bytes, at) {
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const name = () => take(number()).toString('utf8');
  return { number, take, name, at: () => at };
}

/** Finds the sections with a number: where each starts and ends, where its content does, and what reads that. */
export function* sectionsOf(bytes, wanted) {
  for (let start = 8; start < bytes.length; ) {
    const header = readerOf(bytes, start + 1);
    const end = header.number() + header.at();
    if (bytes[start] === wanted) yield { start, end, reader: readerOf(bytes, header.at()) };
    start = end;
  }
}

/** Finds the one section with a number. */
export function sectionOf(bytes, wanted) {
  for (const section of sectionsOf(bytes, wanted)) return section;
  throw new Error(`the WebAssembly has no section ${wanted}`);
}

/** Puts another section in the place of one. */
export function withSection(bytes, { start, end }, id, parts) {
  const body = Buffer.concat(parts);
  const head = Buffer.concat([Buffer.from([id]), leb(body.length)]);
  return Buffer.concat([bytes.subarray(0, start), head, body, bytes.subarray(end)]);
}

/** Writes a number as LEB128 does, unsigned. */
export function leb(number) {
  const bytes = [];
  for (; number > 0x7f; number = Math.floor(number / 0x80)) bytes.push((number % 0x80) | 0x80);
  return Buffer.from([...bytes, number]);
}

/** The names in a module's export section. */
export function exportsOf(bytes) {
  const { reader } = sectionOf(bytes, SECTIONS.export);
  return Array.from({ length: reader.number() }, () => {
    const exported = reader.name();
    reader.take(1);
    reader.number();
    return exported;
  });
}

const FUNCTION_NAMES = 1;

/** The names of a module's functions, by index, as its name section has them. */
export function functionNamesOf(bytes) {
  const names = new Map();
  for (const { end, reader } of sectionsOf(bytes, SECTIONS.custom)) {
    if (reader.name() !== 'name') continue;
    while (reader.at() < end) {
      const [kind] = reader.take(1);
      const content = reader.take(reader.number());
      if (kind !== FUNCTION_NAMES) continue;
      const pairs = readerOf(content, 0);
      for (let left = pairs.number(); left > 0; left -= 1) names.set(pairs.number(), pairs.name());
    }
  }
  return names;
}
