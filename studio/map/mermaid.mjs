// The tree of routes as a Mermaid flowchart, for a README. Texts are escaped, so that none of them is read as Mermaid or as HTML.

import { PALETTE } from './palette.mjs';
import { printable, shortened } from './printable.mjs';
import { rowsOf } from './tree.mjs';
import { KINDS, badges, destination, summaryOf } from './words.mjs';

/** Mermaid draws at most 500 edges, and each row but the first has one. */
const ROWS_MAX = 400;
/** Mermaid reads at most 50,000 characters. */
const TEXT_MAX = 48_000;
const LINE_MAX = 72;
/**
 * What may mean something within quotation marks, to Mermaid or to Markdown: all but letters and digits of any script and a few signs.
 */
const SPECIAL = /[^\p{L}\p{M}\p{N} /.,:(){}[\]?=$|→○◐●■◆▲·−…-]/gu;
/** Two dollar signs begin a formula, even if they are escaped: a character between them that nobody sees prevents it. */
const FORMULA = /\$(?=\$)/g;
const WORD_JOINER = '\u2060';

/** Writes a tree as a flowchart. @param {import('./tree.mjs').Item[]} items */
export function mermaidOf(items) {
  let rows = ROWS_MAX;
  let text = flowchart(items, rows);
  // Long texts leave room for fewer.
  while (text.length > TEXT_MAX && rows > 1) text = flowchart(items, (rows = Math.floor(rows / 2)));
  return text;
}

function flowchart(items, max) {
  const rows = rowsOf(items, max);
  const lines = ['flowchart LR'];
  const used = new Set();
  /** The node of the open branch at each depth. */
  const parents = [];
  for (const [at, row] of rows.entries()) {
    const node = `n${at}`;
    const kind = kindOf(row);
    if (kind) used.add(kind);
    lines.push(
      `  ${node}["${wordsOf(row)
        .map((words) => escaped(shortened(words, LINE_MAX)))
        .join('<br/>')}"]${kind ? `:::${kind}` : ''}`,
    );
    if (row.depth) lines.push(`  ${parents[row.depth - 1]} --> ${node}`);
    parents[row.depth] = node;
  }
  for (const kind of used) {
    const [colour] = PALETTE[kind];
    lines.push(`  classDef ${kind} fill:#ffffff,stroke:${colour},stroke-width:2px,color:${colour}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Returns the kind that a node has its colour from. */
function kindOf({ item }) {
  const entry = item?.entry;
  if (!entry) return undefined;
  const kinds = badges(entry.route).map(({ kind }) => kind);
  const isExposed = entry.exposures ? entry.exposures.length > 0 : kinds.includes('exposed');
  if (isExposed) return 'exposed';
  return entry.mark ?? (kinds.includes('scopes') ? 'scopes' : kinds[0]);
}

/** Returns the lines of a node. */
function wordsOf({ item, more, isFolded }) {
  if (!item) return [`${more} more`];
  const { entry, label, method, counts } = item;
  const signed = ({ kind, text }) => (kind ? `${KINDS[kind].sign} ${text}` : text);
  if (!entry) return isFolded ? [label, summaryOf(counts).map(signed).join('  ')] : [label];
  const shown = badges(entry.route).filter(({ kind }) => kind !== 'rule' && !(kind === 'exposed' && entry.exposures));
  const name = `${method} ${label}`.trim();
  return [
    entry.mark ? `${KINDS[entry.mark].sign} ${name}` : name,
    ...shown.map(signed),
    `→ ${destination(entry.route)}`,
    ...(entry.exposures ?? []).map((exposure) => `${KINDS.exposed.sign} exposes: ${printable(exposure)}`),
  ];
}

/** Escapes a text by the codes of characters, which Mermaid writes as `#35;`. */
function escaped(words) {
  return words.replace(FORMULA, `$${WORD_JOINER}`).replace(SPECIAL, (character) => `#${character.codePointAt(0)};`);
}
