// What gateway.schema.json says of a place in a config: which keys and values it may have, and what they mean.

import { admits, dereference, isNamed } from './conditions.mjs';

/** The most examples that are offered as values. */
const EXAMPLES_MAX = 4;

/**
 * Returns the schemas that hold at `path` (keys and indices) of `config`, each without its references and conditions.
 * `config` may be half written.
 */
export function schemasAt(root, config, path) {
  let value = config;
  let schemas = expand(root, root, value);
  for (const key of path) {
    value = value?.[key];
    const below = schemas.flatMap((schema) => child(schema, key));
    schemas = below.flatMap((schema) => expand(root, schema, value));
  }
  return schemas;
}

/** Resolves references and conditions. Of alternatives, those that admit no such type of value are left out. */
function expand(root, schema, value) {
  if (typeof schema === 'boolean') return [];
  const found = [schema];
  if (schema.$ref) found.push(...expand(root, dereference(root, schema.$ref), value));
  for (const part of schema.allOf ?? []) found.push(...expand(root, part, value));
  for (const part of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])])
    if (value === undefined || mayBe(root, part, value)) found.push(...expand(root, part, value));
  if (schema.if !== undefined) {
    const chosen = admits(root, schema.if, value) ? schema.then : schema.else;
    if (chosen !== undefined) found.push(...expand(root, chosen, value));
  }
  return found;
}

function mayBe(root, schema, value) {
  const { type, $ref } = schema;
  return admits(root, type ? { type } : $ref ? { type: dereference(root, $ref).type ?? [typeOf(value)] } : {}, value);
}

const typeOf = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

function child(schema, key) {
  if (typeof key === 'number') return schema.items === undefined ? [] : [schema.items];
  const { properties = {}, patternProperties = {}, additionalProperties } = schema;
  if (Object.hasOwn(properties, key)) return [properties[key]];
  const matching = Object.entries(patternProperties).filter(([pattern]) => new RegExp(pattern, 'u').test(key));
  if (matching.length) return matching.map(([, below]) => below);
  return additionalProperties === undefined || isNamed(schema, key) ? [] : [additionalProperties];
}

const isForbidden = (schema) => schema === false || (schema.not && Object.keys(schema.not).length === 0);

/** Returns the keys that the object at `path` may still get: `{ key, schemas, isRequired }`. */
export function keysAt(root, config, path) {
  const schemas = schemasAt(root, config, path);
  const object = path.reduce((value, key) => value?.[key], config) ?? {};
  const forbidden = new Set();
  const required = new Set();
  const names = new Set();
  for (const schema of schemas) {
    for (const key of schema.required ?? []) required.add(key);
    for (const [key, below] of Object.entries(schema.properties ?? {})) {
      if (isForbidden(below)) forbidden.add(key);
      // A condition's `properties` narrow what is there; a key that may be written has a description.
      else if (below.description) names.add(key);
    }
  }
  return [...names]
    .filter((key) => !forbidden.has(key) && !Object.hasOwn(object, key))
    .map((key) => ({ key, schemas: schemasAt(root, config, [...path, key]), isRequired: required.has(key) }));
}

/** Returns the values that `path` may have: `{ value, description }`. What the config itself names comes first. */
export function valuesAt(root, config, path) {
  const schemas = schemasAt(root, config, path);
  const values = new Map(namedValues(config, path).map((value) => [JSON.stringify(value), { value, description: '' }]));
  const offer = (value, description = '') => {
    const text = JSON.stringify(value);
    if (!values.has(text)) values.set(text, { value, description });
  };
  for (const schema of schemas) {
    for (const [index, value] of (schema.enum ?? []).entries()) offer(value, schema.enumDescriptions?.[index]);
    if (schema.const !== undefined) offer(schema.const);
    if (schema.type === 'boolean') for (const value of [true, false]) offer(value);
  }
  for (const schema of schemas) {
    if (schema.default !== undefined) offer(schema.default, 'the default');
    for (const value of (schema.examples ?? []).slice(0, EXAMPLES_MAX)) offer(value, 'an example');
  }
  return [...values.values()];
}

/** Returns what a config calls by name where the name may be written: servers, services, authorizers. */
function namedValues(config, path) {
  const listed = (key) => (Array.isArray(config?.[key]) ? config[key].map((entry) => entry?.alias) : []);
  const aliases = { server: listed('servers'), service: listed('services'), binding: listed('serviceBindings') };
  const authorizers = Object.keys(config?.authorizers ?? {});
  const key = path.at(-1);
  const named = key === 'auth' || key === 'authorizer' ? authorizers : (aliases[key] ?? []);
  return named.filter((name) => typeof name === 'string');
}

/** Returns what is to be said of a key or value: `{ words, facts }`, or `undefined`. */
export function meaningAt(root, config, path) {
  const schemas = schemasAt(root, config, path);
  const first = (keyword) => schemas.find((schema) => schema[keyword] !== undefined)?.[keyword];
  const words = first('description');
  if (!words) return undefined;
  const facts = [];
  const fallback = first('default');
  if (fallback !== undefined) facts.push(`default: ${JSON.stringify(fallback)}`);
  const examples = first('examples');
  if (examples?.length) facts.push(`example: ${JSON.stringify(examples[0])}`);
  if (first('deprecated')) facts.push('deprecated');
  const value = path.reduce((member, key) => member?.[key], config);
  return { words, facts, valueWords: valueMeaning(schemas, value) };
}

function valueMeaning(schemas, value) {
  for (const { enum: values, enumDescriptions } of schemas) {
    const index = enumDescriptions ? values.indexOf(value) : -1;
    if (index >= 0) return enumDescriptions[index];
  }
  return undefined;
}

/** Returns the text that a key's value begins with, and where the cursor goes in it: `["", 1]` for a text. */
export function blankFor(schemas) {
  const types = schemas.flatMap(({ type }) => type ?? []);
  const type = types[0];
  if (type === 'object') return { text: '{}', cursor: 1 };
  if (type === 'array') return { text: '[]', cursor: 1 };
  if (type === 'string') return { text: '""', cursor: 1 };
  return { text: '', cursor: 0 };
}
