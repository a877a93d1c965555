// Whether the tenant of the tests is strict. A file that imports `strict.mjs` and then another file of tests runs those with a strict one.

export const mode = { isStrict: false };
