// The results as bars: each row as a multiple of the row that does the same and nothing besides, and a mark at what it may cost.

const WIDTH = 840;
const LABEL = 350;
const BAR = 16;
const ROW = 24;
const HEADING = 44;

const onBase = (name) => (row) => row.base === name;

/** The groups of bars: of which rows each has bars, as multiples of their bases. */
const GROUPS = [
  { heading: 'Proxied request: CPU time, bare pass-through = 1', has: onBase('bare-proxied') },
  { heading: 'Fixed answer: CPU time, bare class = 1', has: onBase('bare-fixed') },
  {
    heading: 'Other paths have several APIs, step-up, lists of sessions: CPU time, without them = 1',
    has: isBeside,
  },
  { heading: 'Start to first answer: time, Hono = 1', has: onBase('start-hono') },
  { heading: 'Memory after the first answer: Hono = 1', has: onBase('memory-hono') },
];

const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #24292f }
.heading { font-weight: 600 }
.other { fill: #8c959f }
.bargate { fill: #f6821f }
.most { stroke: #cf222e; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .other { fill: #6e7681 } .most { stroke: #ff7b72 } }
`;

/** Draws the chart as SVG. */
export function chart({ rows, targets, date, versions, isNoisy }) {
  const values = Object.fromEntries(rows.map(({ name, median }) => [name, median]));
  const titles = Object.fromEntries(rows.map(({ name, title }) => [name, title]));
  const groups = GROUPS.map(({ heading, has }) => ({
    heading,
    bars: rows
      .filter((row) => has(row) && !row.name.endsWith('-again'))
      .map(({ name, title, base }) => ({
        title: has === isBeside ? titles[base] : title,
        isBargate: title.includes('Bargate'),
        value: values[name] / values[base],
        most: mostOf(name, targets, values, base),
      })),
  }));
  const widest = Math.max(...groups.flatMap(({ bars }) => bars.flatMap(({ value, most }) => [value, most ?? 0])));
  const scale = (WIDTH - LABEL - 70) / widest;
  let y = 0;
  const drawn = groups.flatMap(({ heading, bars }) => {
    y += HEADING;
    const lines = [`<text class="heading" x="0" y="${y - 12}">${escaped(heading)}</text>`];
    for (const bar of bars) {
      lines.push(...drawBar(bar, y, scale));
      y += ROW;
    }
    return lines;
  });
  const foot = `${date.slice(0, 10)}, workerd ${versions.workerd}. A red mark is the most that the project allows itself.${isNoisy ? ' THE MACHINE WAS NOT QUIET: these figures are rough.' : ''}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 40}" role="img" aria-label="Cost of requests, starts and memory as multiples">
<style>${STYLE}</style>
${drawn.join('\n')}
<text x="0" y="${y + 28}">${escaped(foot)}</text>
</svg>
`;
}

/** Whether a row differs from its base only in what other paths use. */
function isBeside({ name }) {
  return name.endsWith('-beside');
}

/** The most that a row may cost as a multiple of its base: its targets are multiples of several rows, and the least of them counts. */
function mostOf(name, targets, values, base) {
  const limits = targets
    .filter(({ of }) => of === name)
    .map(({ to, most, unit }) => (unit ? values[to] + most : values[to] * most) / values[base]);
  return limits.length ? Math.min(...limits) : undefined;
}

function drawBar({ title, isBargate, value, most }, y, scale) {
  const length = value * scale;
  const mark = LABEL + most * scale;
  return [
    `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escaped(title)}</text>`,
    `<rect class="${isBargate ? 'bargate' : 'other'}" x="${LABEL}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2"/>`,
    ...(most
      ? [`<line class="most" x1="${mark.toFixed(1)}" x2="${mark.toFixed(1)}" y1="${y - 2}" y2="${y + BAR + 2}"/>`]
      : []),
    `<text x="${(Math.max(LABEL + length, most ? mark : 0) + 6).toFixed(1)}" y="${y + 13}">${value.toFixed(2)} ×</text>`,
  ];
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
