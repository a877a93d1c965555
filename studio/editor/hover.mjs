// What a key or value means, by gateway.schema.json, beside the pointer.

import { syntaxTree } from '@codemirror/language';
import { hoverTooltip } from '@codemirror/view';
import { element } from '../dom.mjs';
import { meaningAt } from '../schema/places.mjs';
import { documentOf, pathOf } from './json-tree.mjs';

/** Returns an extension that explains by `schema`. */
export function explainBy(schema) {
  return hoverTooltip((view, pos, side) => {
    const tree = syntaxTree(view.state);
    const node = tree.resolveInner(pos, side);
    if (!['PropertyName', 'String', 'Number', 'True', 'False', 'Null'].includes(node.name)) return null;
    const path = pathOf(view.state, node);
    const meaning = meaningAt(schema, documentOf(view.state, tree), path);
    if (!meaning) return null;
    return { pos: node.from, end: node.to, above: true, create: () => ({ dom: tooltipOf(path, meaning) }) };
  });
}

function tooltipOf(path, { words, facts, valueWords }) {
  return element(
    'div',
    { class: 'meaning' },
    element('strong', {}, path.join('.').replace(/\.(\d+)/g, '[$1]')),
    element('p', {}, words),
    valueWords && element('p', {}, valueWords),
    facts.length > 0 && element('small', {}, facts.join(' · ')),
  );
}
