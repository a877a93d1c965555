// The tree of routes as a picture: an SVG that needs nothing else, in light and dark, with its texts as text.

import { PALETTE } from './palette.mjs';
import { printable, shortened } from './printable.mjs';
import { rowsOf } from './tree.mjs';
import { KINDS, badges, destination, summaryOf } from './words.mjs';

const FONT_PX = 13;
/** Of one column of a monospaced font of that size, a little more than most fonts have. */
const COLUMN_PX = 7.9;
const ROW_PX = 24;
const INDENT_PX = 22;
const MARGIN_PX = 16;
const GAP_PX = 24;
/** The most that is written of a text, in characters; its title has the whole. */
const LABEL_MAX = 56;
const BADGE_MAX = 44;
const DESTINATION_MAX = 56;
const NOTE_MAX = 110;
const TITLE_MAX = 2000;
/** The most rows of a picture; branches that do not fit are folded. */
const ROWS_MAX = 1000;

/** Characters that take two columns, and those that take none. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const JOINED = /\p{M}/u;

/**
 * Draws a tree. `title` is its name for those who do not see it, `exposures` are those of no route of a comparison.
 * @param {import('./tree.mjs').Item[]} items
 * @param {{ title?: string, rows?: number, exposures?: string[] }} [options]
 */
export function svgOf(items, { title = 'Routes', rows: max = ROWS_MAX, exposures = [] } = {}) {
  const rows = [...notesOf(exposures, 0), ...rowsOf(items, max).flatMap(linesOf)];
  const left = (row) => MARGIN_PX + row.depth * INDENT_PX;
  const labels = Math.max(0, ...rows.map((row) => (row.note ? 0 : left(row) + widthOf(nameOf(row)))));
  const badgesAt = labels + GAP_PX;
  const destinationsAt = badgesAt + Math.max(0, ...rows.map((row) => badgesWidth(row.badges))) + GAP_PX;
  const kinds = Object.keys(KINDS).filter((kind) => rows.some((row) => row.kinds.includes(kind)));
  const legend = kinds.map((kind) => ({ kind, text: KINDS[kind].word }));
  const ends = rows.map((row) =>
    row.note ? left(row) + widthOf(row.note) : destinationsAt + widthOf(shortened(row.destination, DESTINATION_MAX)),
  );
  const width = Math.ceil(Math.max(...ends, MARGIN_PX + badgesWidth(legend), 240) + MARGIN_PX);
  const middle = (at) => MARGIN_PX + (at + 0.5) * ROW_PX;
  const height = Math.ceil(2 * MARGIN_PX + (rows.length + 1.5) * ROW_PX);

  const lines = [];
  /** Where the line down from each depth begins. */
  const from = [];
  const drawn = rows.map((row, at) => {
    const [x, y] = [left(row), middle(at)];
    if (!row.note) {
      if (row.depth) {
        const stem = x - INDENT_PX + 6;
        lines.push(`M${stem} ${from[row.depth - 1]}V${y}H${x - 4}`);
        from[row.depth - 1] = y;
      }
      from[row.depth] = y + ROW_PX / 2 - 3;
    }
    return row.note ? text(x, y, 'exposed', row.note) : drawnRow(row, x, y, badgesAt, destinationsAt);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(printable(title))}</title>`,
    `<style>${style()}</style>`,
    `<rect width="${width}" height="${height}" rx="8" class="page"/>`,
    `<path class="line" d="${lines.join('')}"/>`,
    ...drawn,
    drawnBadges(legend, MARGIN_PX, middle(rows.length + 0.5)),
    '</svg>\n',
  ].join('\n');
}

/** Returns the lines of a row: itself, and below it what it exposes. */
function linesOf({ item, depth, isFolded, more }) {
  if (!item) return [{ depth, label: `… ${more} more`, badges: [], kinds: [], destination: '' }];
  const { entry, label, method, counts } = item;
  if (!entry) {
    const summary = isFolded ? summaryOf(counts) : [];
    const kinds = summary.map(({ kind }) => kind).filter(Boolean);
    return [{ depth, label, full: item.path, isBranch: true, badges: summary, kinds, destination: '' }];
  }
  const { mark, route } = entry;
  const shown = badges(route).filter(({ kind }) => !(kind === 'exposed' && entry.exposures));
  const kinds = [...shown.map(({ kind }) => kind), mark].filter(Boolean);
  const leaf = {
    depth,
    label: `${method} ${label}`.trim(),
    method,
    mark,
    full: `${method} ${route.path}`,
    badges: shown,
    kinds,
    destination: `→ ${destination(route)}`,
  };
  return [leaf, ...notesOf(entry.exposures ?? [], depth)];
}

/** Returns a line for each exposure. */
function notesOf(exposures, depth) {
  return exposures.map((exposure) => {
    const note = `${KINDS.exposed.sign} exposes: ${shortened(printable(exposure), NOTE_MAX)}`;
    return { depth, note, badges: [], kinds: ['exposed'] };
  });
}

const nameOf = ({ label, mark }) => (mark ? `${KINDS[mark].sign} ` : '') + shortened(label, LABEL_MAX);

function drawnRow(row, x, y, badgesAt, destinationsAt) {
  const whole =
    row.full && row.label !== shortened(row.label, LABEL_MAX)
      ? `<title>${escaped(shortened(printable(row.full), TITLE_MAX))}</title>`
      : '';
  const where = shortened(row.destination, DESTINATION_MAX);
  return [
    text(x, y, row.mark ?? (row.method || !row.isBranch ? 'text' : 'text branch'), nameOf(row), whole),
    drawnBadges(row.badges, badgesAt, y),
    where ? text(destinationsAt, y, 'soft', where) : '',
  ].join('');
}

function drawnBadges(all, x, y) {
  let at = x;
  return all
    .map((badge) => {
      const drawn = text(at, y, badge.kind ?? 'soft', badgeText(badge));
      at += widthOf(badgeText(badge)) + COLUMN_PX * 2;
      return drawn;
    })
    .join('');
}

const badgeText = ({ kind, text }) => `${kind ? `${KINDS[kind].sign} ` : ''}${shortened(text, BADGE_MAX)}`;
const badgesWidth = (all) => all.reduce((sum, badge) => sum + widthOf(badgeText(badge)) + COLUMN_PX * 2, 0);

/** Returns an element of text. `inside` is markup that comes with it. */
function text(x, y, classes, words, inside = '') {
  return `<text x="${round(x)}" y="${round(y)}" class="${classes}">${inside}${escaped(words)}</text>`;
}

function widthOf(words) {
  let columns = 0;
  for (const character of words ?? '') columns += JOINED.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns * COLUMN_PX;
}

function style() {
  const rules = (at) =>
    Object.entries(PALETTE).map(([name, colours]) => {
      const property = name === 'line' ? 'stroke' : 'fill';
      return `.${name}{${property}:${colours[at]}}`;
    });
  return [
    `text{font:${FONT_PX}px ui-monospace,"SF Mono","Cascadia Mono","DejaVu Sans Mono",Menlo,Consolas,monospace;`,
    'dominant-baseline:middle;direction:ltr;unicode-bidi:isolate;white-space:pre}',
    '.branch{font-weight:600}.line{fill:none}',
    ...rules(0),
    `@media (prefers-color-scheme:dark){${rules(1).join('')}}`,
  ].join('');
}

const round = (number) => Math.round(number * 10) / 10;

/** Escapes what XML has a meaning for. Control characters are no longer in it. */
function escaped(words) {
  const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return words.replace(/[&<>"]/g, (character) => names[character]);
}
