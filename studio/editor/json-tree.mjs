// A JSON document as the editor's syntax tree has it, which is there for a half-written document, too.

/** Returns the keys and indices that lead to a node. For a name of a property, they end with that name. */
export function pathOf(state, node) {
  const path = [];
  for (let at = node; at.parent; at = at.parent) {
    const { parent } = at;
    if (at.name === 'Property') path.unshift(nameOf(state, at));
    else if (parent.name === 'Array') path.unshift(indexIn(parent, at));
  }
  return path.filter((key) => key !== undefined);
}

/** Returns a property's name. */
export function nameOf(state, property) {
  const name = property.getChild('PropertyName');
  return name ? textOf(state, name) : undefined;
}

function indexIn(array, item) {
  let index = 0;
  for (let before = item.prevSibling; before; before = before.prevSibling) if (isValue(before)) index += 1;
  return index;
}

const VALUES = new Set(['Object', 'Array', 'String', 'Number', 'True', 'False', 'Null']);

/** Checks whether a node is a JSON value. */
export const isValue = (node) => VALUES.has(node.name);

function textOf(state, node) {
  const text = state.sliceDoc(node.from, node.to);
  try {
    return JSON.parse(text);
  } catch {
    return text.replace(/^"|"$/g, '');
  }
}

/** Returns the value of a node, as far as it is written. */
export function writtenValue(state, node) {
  if (node.name === 'Object') {
    // Without a prototype, every name is a key like any other.
    const object = Object.create(null);
    for (const property of node.getChildren('Property')) {
      const value = children(property).find(isValue);
      const name = nameOf(state, property);
      if (name !== undefined) object[name] = value ? writtenValue(state, value) : undefined;
    }
    return object;
  }
  if (node.name === 'Array')
    return children(node)
      .filter(isValue)
      .map((item) => writtenValue(state, item));
  return textOf(state, node);
}

/** Returns the value of a whole document. */
export function documentOf(state, tree) {
  const root = children(tree.topNode).find(isValue);
  return root ? writtenValue(state, root) : undefined;
}

function children(node) {
  const found = [];
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child);
  return found;
}
