// Completion by gateway.schema.json: keys in an object, values behind a key or in a list.

import { insertCompletionText, snippet } from '@codemirror/autocomplete';
import { ensureSyntaxTree } from '@codemirror/language';
import { blankFor, keysAt, valuesAt } from '../schema/places.mjs';
import { documentOf, isValue, pathOf } from './json-tree.mjs';

/** How long an answer may wait for the document to be parsed; what is known by then is used. */
const PARSE_MS = 50;
const WORD = /[\w$./:@-]*/;

/** Returns a source of completions by `schema`. */
export function completeBy(schema) {
  return (context) => {
    const tree = ensureSyntaxTree(context.state, context.pos, PARSE_MS);
    if (!tree) return null;
    const place = placeAt(context, tree);
    if (!place) return null;
    const config = documentOf(context.state, tree);
    const options = place.isKey
      ? keyOptions(keysAt(schema, config, place.path), place)
      : valueOptions(valuesAt(schema, config, place.path));
    return options.length ? { from: place.from, options, validFor: /^"?[\w$./:@-]*"?$/ } : null;
  };
}

/**
 * Returns what is being written at the cursor: a key or a value, the path that it is for, and the text that it replaces.
 */
function placeAt({ state, pos, explicit }, tree) {
  const node = tree.resolveInner(pos, -1);
  const range = wordAround(state, pos, node);
  if (!explicit && range.from === pos) return undefined;
  if (node.name === 'PropertyName') {
    const object = node.parent.parent;
    return { isKey: true, path: pathOf(state, object), hasColon: hasColon(state, range.to), ...range };
  }
  if (isValue(node) && node.name !== 'Object' && node.name !== 'Array' && pos > node.from) {
    return { isKey: false, path: pathOf(state, node), from: node.from, to: node.to };
  }
  return placeBetween(state, pos, node, range);
}

/** The same where nothing that is JSON stands yet. */
function placeBetween(state, pos, node, range) {
  let holder = node;
  while (holder.parent && !['Object', 'Array', 'Property'].includes(holder.name)) holder = holder.parent;
  const before = state.sliceDoc(Math.max(holder.from, range.from - 200), range.from).trimEnd();
  if (before.endsWith(':')) {
    const property = holder.name === 'Property' ? holder : lastProperty(holder, pos);
    return property && { isKey: false, path: pathOf(state, property), ...range };
  }
  if (holder.name === 'Property') holder = holder.parent;
  if (holder.name === 'Object' && /[{,]$/.test(before)) {
    return { isKey: true, path: pathOf(state, holder), hasColon: hasColon(state, range.to), ...range };
  }
  if (holder.name === 'Array' && /[[,]$/.test(before)) {
    const index = holder.getChildren('String').filter((item) => item.to <= pos).length;
    return { isKey: false, path: [...pathOf(state, holder), index], ...range };
  }
  return undefined;
}

function lastProperty(object, pos) {
  return object
    .getChildren('Property')
    .filter((property) => property.from < pos)
    .at(-1);
}

/** The word at the cursor, with its quotes. */
function wordAround(state, pos, node) {
  if (node.name === 'PropertyName' || node.name === 'String') return { from: node.from, to: node.to };
  const line = state.doc.lineAt(pos);
  const [before] = /"?[\w$./:@-]*$/.exec(line.text.slice(0, pos - line.from)) ?? [''];
  // A colon ends a key that is followed by its value without a space.
  const word = before.slice(before.lastIndexOf(':') + 1);
  const [after] = WORD.exec(line.text.slice(pos - line.from)) ?? [''];
  const quote = line.text[pos - line.from + after.length] === '"' && word.startsWith('"') ? 1 : 0;
  return { from: pos - word.length, to: pos + after.length + quote };
}

const hasColon = (state, pos) => /^\s*:/.test(state.sliceDoc(pos, pos + 50));

function keyOptions(keys, { hasColon: isNamed }) {
  return keys.map(({ key, schemas, isRequired }) => {
    const name = JSON.stringify(key);
    const { text, cursor } = blankFor(schemas);
    const words = schemas.find(({ description }) => description)?.description;
    const isDeprecated = schemas.some(({ deprecated }) => deprecated);
    return {
      label: name,
      displayLabel: key,
      type: 'property',
      detail: isRequired ? 'required' : isDeprecated ? 'deprecated' : undefined,
      info: words,
      boost: isRequired ? 10 : isDeprecated ? -10 : 0,
      apply: isNamed
        ? replacing(name)
        : replacing(snippet(`${name}: ${escaped(text.slice(0, cursor))}#{}${escaped(text.slice(cursor))}`)),
    };
  });
}

/** What is applied takes the place of the rest of the word as well, and of its closing quotation mark. */
function replacing(insert) {
  return (view, completion, from, to) => {
    const [rest] = /^[\w$./:@-]*"?/.exec(view.state.sliceDoc(to, view.state.doc.lineAt(to).to)) ?? [''];
    const isQuoted = view.state.sliceDoc(from, from + 1) === '"';
    const end = isQuoted || !rest.endsWith('"') ? to + rest.length : to;
    if (typeof insert === 'string') view.dispatch(insertCompletionText(view.state, insert, from, end));
    else insert(view, completion, from, end);
  };
}

/** In a snippet, `#{}` is where the cursor goes, and a brace of the text itself is escaped. */
const escaped = (text) => text.replace(/[{}]/g, '\\$&');

function valueOptions(values) {
  return values.map(({ value, description }, index) => {
    const text = JSON.stringify(value);
    return {
      label: text,
      displayLabel: typeof value === 'string' ? value : text,
      type: typeof value === 'string' ? 'text' : 'constant',
      info: description || undefined,
      boost: -index,
      apply: replacing(text),
    };
  });
}
