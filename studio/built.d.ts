// What scripts/studio.mjs puts into the page.

declare module 'studio:worker' {
  const source: string;
  export default source;
}

declare module 'studio:schema' {
  const schema: object;
  export default schema;
}

declare module 'studio:examples' {
  const examples: { name: string; examples: { name: string; text: string }[] }[];
  export default examples;
}

/** Gets the command line, compressed, in base64. */
declare var bargateProgram: (base64: string) => Promise<void>;
