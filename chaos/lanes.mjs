// A timeline as a picture: one column for each lane, time going down, arrows from whoever asks to whoever is asked.

import { CLAIMS, ROW } from './timeline.mjs';

const LANE_WIDTH = 150;
const LINE_HEIGHT = 26;
const [LEFT, TOP] = [70, 64];
/** More are too many for a picture that people read. */
const LANES_MOST = 12;
/** How many characters of a text are in a line. The text of a claim that does not hold has as many lines as it takes. */
const LABEL_MOST = 60;
const LABEL_HEIGHT = 14;
const CHARACTER_WIDTH = { plain: 6.2, bold: 7.4 };

const STYLE = `
text { font: 11px system-ui, sans-serif; fill: #24292f }
.title { font-size: 14px; font-weight: 600 }
.lane { font-size: 12px; font-weight: 600 }
.time { fill: #57606a }
.line { stroke: #d0d7de }
.arrow { stroke: #1f6feb; stroke-width: 1.5; fill: none }
.head { fill: #1f6feb }
.dot { fill: #1f6feb }
.fault text { fill: #bc4c00; font-weight: 600 }
.fault .band { fill: #d96c0a; opacity: 0.16 }
.failed .dot { fill: #cf222e } .failed text { fill: #cf222e; font-weight: 600 }
.plate { fill: #ffffff; opacity: 0.85 }
.page { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .time { fill: #8d96a0 } .line { stroke: #30363d } .page, .plate { fill: #0d1117 }
  .arrow { stroke: #539bf5 } .head, .dot { fill: #539bf5 } .fault text { fill: #f0883e } .failed text { fill: #ff7b72 }
}
`;

/**
 * Draws entries of a timeline.
 *
 * @param {import('./timeline.mjs').Entry[]} entries
 * @param {{ title: string, note?: string, focus?: import('./timeline.mjs').Entry }} how `focus` is the entry around which lanes are chosen
 *   if there are too many
 */
export function lanesSvg(entries, { title, note = '', focus }) {
  const { lanes, left } = lanesOf(entries, focus ?? entries.at(-1));
  const isShown = (lane) => lane === undefined || lanes.includes(lane);
  const shown = entries.filter(({ lane, to }) => lane === ROW || (isShown(lane) && isShown(to)));
  const x = (lane) => LEFT + lanes.indexOf(lane) * LANE_WIDTH + 10;
  const labels = shown.map(labelOf);
  const ends = shown.map(({ lane, failed }, index) => {
    const isBold = failed || lane === ROW;
    return (lane === ROW ? LEFT : x(lane)) + 20 + Math.max(...labels[index].map((line) => wide(line, isBold)));
  });
  const width = Math.ceil(Math.max(LEFT + lanes.length * LANE_WIDTH + 120, 480, ...ends));
  const tops = [TOP];
  for (const lines of labels)
    tops.push(/** @type {number} */ (tops.at(-1)) + LINE_HEIGHT + (lines.length - 1) * LABEL_HEIGHT);
  const height = /** @type {number} */ (tops.at(-1)) + LINE_HEIGHT + 24;
  const heads = lanes.map(
    (lane) =>
      `<text class="lane" x="${x(lane)}" y="${TOP - 14}" text-anchor="middle">${escaped(lane)}</text><line class="line" x1="${x(lane)}" x2="${x(lane)}" y1="${TOP - 6}" y2="${height - 28}"/>`,
  );
  const rows = shown.map((entry, index) =>
    drawEntry(entry, labels[index], tops[index] + LINE_HEIGHT / 2, { lanes, x, width }),
  );
  const notes = [note, left].filter(Boolean).join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}</style>
<rect class="page" width="${width}" height="${height}"/>
<text class="title" x="8" y="20">${escaped(title)}</text>
${heads.join('\n')}
${rows.join('\n')}
<text class="time" x="8" y="${height - 8}">${escaped(notes)}</text>
</svg>
`;
}

/** The lines of an entry's text. @param {import('./timeline.mjs').Entry} entry @returns {string[]} */
function labelOf({ what, detail, failed }) {
  const text = detail ? `${what} ${detail}` : what;
  if (!failed) return [short(text)];
  const lines = [''];
  for (const word of text.split(' ').flatMap((word) => word.match(new RegExp(`.{1,${LABEL_MOST}}`, 'gs')) ?? [''])) {
    const line = [lines.at(-1), word].filter(Boolean).join(' ');
    if (line.length <= LABEL_MOST) lines[lines.length - 1] = line;
    else lines.push(word);
  }
  return lines;
}

/** About how wide a text is. */
const wide = (text, isBold) => text.length * CHARACTER_WIDTH[isBold ? 'bold' : 'plain'];

/** @param {import('./timeline.mjs').Entry} entry @param {string[]} label @param {number} y @param {{ lanes: string[], x: (lane: string) => number, width: number }} how */
function drawEntry({ ms, lane, to, failed }, label, y, { lanes, x, width }) {
  if (lane === ROW) return drawBand(ms, label[0], y, width);
  const parts = [`<text class="time" x="${LEFT - 14}" y="${y + 4}" text-anchor="end">${ms.toFixed(1)}</text>`];
  const from = x(lane);
  let labelAt = from + 8;
  let anchor = 'start';
  if (to && lanes.includes(to) && to !== lane) {
    const end = x(to);
    const back = end < from ? 6 : -6;
    parts.push(
      `<line class="arrow" x1="${from}" x2="${end + back}" y1="${y}" y2="${y}"/>`,
      `<path class="head" d="M${end} ${y}l${back} -4v8z"/>`,
    );
    labelAt = (from + end) / 2;
    anchor = 'middle';
  }
  parts.push(`<circle class="dot" cx="${from}" cy="${y}" r="3.5"/>`);
  const lift = anchor === 'middle' ? -4 : 4;
  for (const [index, line] of label.entries()) {
    const start = anchor === 'middle' ? labelAt - wide(line, failed) / 2 : labelAt;
    const base = y + lift + index * LABEL_HEIGHT;
    parts.push(
      `<rect class="plate" x="${start.toFixed(1)}" y="${base - 10}" width="${wide(line, failed).toFixed(1)}" height="13"/>`,
      `<text x="${labelAt}" y="${base}" text-anchor="${anchor}">${escaped(line)}</text>`,
    );
  }
  return `<g${failed ? ' class="failed"' : ''}>${parts.join('')}</g>`;
}

/** What is done to all of them is a band across the lanes. */
function drawBand(ms, label, y, width) {
  return `<g class="fault"><rect class="band" x="0" width="${width}" y="${y - LINE_HEIGHT / 2}" height="${LINE_HEIGHT}"/><text x="${LEFT - 14}" y="${y + 4}" text-anchor="end">${ms.toFixed(1)}</text><text x="${LEFT + 10}" y="${y + 4}">${escaped(label)}</text></g>`;
}

/** The lanes in the order of the way of a request; if there are too many, those nearest to the entry in focus. */
function lanesOf(entries, focus) {
  const all = [...new Set(entries.flatMap(({ lane, to }) => [lane, ...(to ? [to] : [])]))].filter(
    (lane) => lane !== ROW,
  );
  const middle = entries.indexOf(focus);
  const distance = (lane) =>
    Math.min(
      ...entries.map((entry, index) =>
        entry.lane === lane || entry.to === lane ? Math.abs(index - middle) : Infinity,
      ),
    );
  const near = all.length > LANES_MOST ? all.sort((a, b) => distance(a) - distance(b)).slice(0, LANES_MOST) : all;
  const count = all.length - near.length;
  const left =
    count > 0
      ? `${count} ${count === 1 ? 'lane is' : 'lanes are'} left out, with what is addressed to ${count === 1 ? 'it' : 'them'}`
      : '';
  return { lanes: near.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, 'en', { numeric: true })), left };
}

const ORDER = ['client', 'gateway', 'isolate', 'object', 'provider', 'upstream', 'kv', CLAIMS];
function rank(lane) {
  const index = ORDER.findIndex((kind) => lane.startsWith(kind));
  return index < 0 ? ORDER.length - 2.5 : index;
}

const short = (text) => (text.length > LABEL_MOST ? `${text.slice(0, LABEL_MOST - 1)}…` : text);
const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
