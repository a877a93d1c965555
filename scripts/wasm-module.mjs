// Reads and rewrites sections of a WebAssembly module (WebAssembly core specification, section 5).

export const SECTIONS = { custom: 0, import: 2, export: 7, element: 9, code: 10, data: 11 };

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

/** Finds the sections: which each is, where it starts and ends, and what reads its content. */
export function* sectionsOf(bytes) {
  for (let start = 8; start < bytes.length; ) {
    const header = readerOf(bytes, start + 1);
    const end = header.number() + header.at();
    yield { id: bytes[start], start, end, reader: readerOf(bytes, header.at()) };
    start = end;
  }
}

/** Finds the one section with a number. */
export function sectionOf(bytes, wanted) {
  for (const section of sectionsOf(bytes)) if (section.id === wanted) return section;
  throw new Error(`the WebAssembly has no section ${wanted}`);
}

/** Puts another section in the place of one. */
export function withSection(bytes, { start, end }, id, parts) {
  const body = Buffer.concat(parts);
  const head = Buffer.concat([Buffer.from([id]), leb(body.length)]);
  return Buffer.concat([bytes.subarray(0, start), head, body, bytes.subarray(end)]);
}

/** Puts a custom section at the end of a module, in the place of those that it has of that name. */
export function withCustomSection(bytes, name, parts) {
  const rest = [bytes.subarray(0, 8)];
  for (const { id, start, end, reader } of sectionsOf(bytes))
    if (id !== SECTIONS.custom || reader.name() !== name) rest.push(bytes.subarray(start, end));
  const body = Buffer.concat([leb(name.length), Buffer.from(name), ...parts]);
  return Buffer.concat([...rest, leb(SECTIONS.custom), leb(body.length), body]);
}

/** Writes a number as LEB128 does, unsigned. */
export function leb(number) {
  const bytes = [];
  for (; number > 0x7f; number = Math.floor(number / 0x80)) bytes.push((number % 0x80) | 0x80);
  return Buffer.from([...bytes, number]);
}

/** What a kind of import is described by: a function by the index of its type, an exception's tag by a byte before that. */
const IMPORTED = { 0: 1, 4: 2 };

/** Reads what a module imports: of each the module, its name and kind, and the numbers that describe it. */
export function importsOf(bytes) {
  const { number, name } = sectionOf(bytes, SECTIONS.import).reader;
  return Array.from({ length: number() }, () => {
    const [module, imported, kind] = [name(), name(), number()];
    if (!IMPORTED[kind]) throw new Error(`the import ${imported} is of the unknown kind ${kind}`);
    return { module, name: imported, kind, described: Array.from({ length: IMPORTED[kind] }, number) };
  });
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

/** The pieces of a module's data: the address of each, and its bytes, which are those of the module. */
export function* segmentsOf(bytes) {
  const { reader } = sectionOf(bytes, SECTIONS.data);
  for (let left = reader.number(); left > 0; left -= 1) {
    if (reader.number() !== 0) throw new Error('there is data that stands at no fixed place');
    const first = constantOf(reader);
    yield { first, content: reader.take(reader.number()) };
  }
}

const END = 0x0b;
const I32_CONST = 0x41;

/** Reads the constant by which a segment says its place. */
export function constantOf(reader) {
  const [code] = reader.take(1);
  const value = reader.number();
  const [end] = reader.take(1);
  if (code !== I32_CONST || end !== END) throw new Error('a segment does not say where it stands');
  return value;
}

/** The part of the name section that has the names of functions. */
export const FUNCTION_NAMES = 1;

/** The names of a module's functions, by index, as its name section has them. */
export function functionNamesOf(bytes) {
  const names = new Map();
  for (const { id, end, reader } of sectionsOf(bytes)) {
    if (id !== SECTIONS.custom || reader.name() !== 'name') continue;
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
