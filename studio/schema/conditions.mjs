// Which values a schema admits, as far as the conditions of gateway.schema.json ask: its `if`s choose by types, constants and keys
// that are there. Keywords that no condition uses admit everything.

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  null: (value) => value === null,
};

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Returns the schema that a reference such as `#/$defs/path` means. */
export function dereference(root, reference) {
  return reference
    .split('/')
    .slice(1)
    .reduce((schema, key) => schema[key], root);
}

/** Checks whether `schema` admits `value`. `root` is the schema that references are relative to. */
export function admits(root, schema, value) {
  if (typeof schema === 'boolean') return schema;
  return Object.entries(schema).every(([keyword, operand]) => {
    const rule = KEYWORDS[keyword];
    return !rule || rule(root, operand, value, schema);
  });
}

const KEYWORDS = {
  $ref: (root, reference, value) => admits(root, dereference(root, reference), value),
  type: (_root, type, value) => [type].flat().some((name) => TYPES[name](value)),
  enum: (_root, values, value) => values.some((one) => same(one, value)),
  const: (_root, constant, value) => same(constant, value),
  pattern: (_root, pattern, value) => typeof value !== 'string' || new RegExp(pattern, 'u').test(value),
  required: (_root, keys, value) => !isObject(value) || keys.every((key) => Object.hasOwn(value, key)),
  minProperties: (_root, least, value) => !isObject(value) || Object.keys(value).length >= least,
  properties: (root, properties, value) =>
    !isObject(value) ||
    Object.entries(properties).every(([key, schema]) => !Object.hasOwn(value, key) || admits(root, schema, value[key])),
  additionalProperties: (root, additional, value, schema) =>
    !isObject(value) ||
    Object.entries(value).every(([key, member]) => isNamed(schema, key) || admits(root, additional, member)),
  items: (root, items, value) => !Array.isArray(value) || value.every((item) => admits(root, items, item)),
  contains: (root, wanted, value) => !Array.isArray(value) || value.some((item) => admits(root, wanted, item)),
  not: (root, not, value) => !admits(root, not, value),
  allOf: (root, schemas, value) => schemas.every((schema) => admits(root, schema, value)),
  anyOf: (root, schemas, value) => schemas.some((schema) => admits(root, schema, value)),
};

/** Checks whether `properties` or `patternProperties` of a schema speak of a key. */
export function isNamed({ properties = {}, patternProperties = {} }, key) {
  return (
    Object.hasOwn(properties, key) ||
    Object.keys(patternProperties).some((pattern) => new RegExp(pattern, 'u').test(key))
  );
}
