// Curves as small charts beside each other. Places grow by multiples, and what was measured begins at zero.

const [WIDTH, HEIGHT] = [400, 270];
const COLUMNS = 2;
const [LEFT, TOP, RIGHT, BOTTOM] = [52, 36, 24, 64];
const TICKS = 4;
/** Of the lines in their order. */
const COLOURS = ['#768390', '#d96c0a', '#1f6feb', '#8250df'];

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #24292f }
.heading { font-size: 13px; font-weight: 600 }
.axis { stroke: #d0d7de }
polyline { fill: none; stroke-width: 2 }
${COLOURS.map((colour, index) => `polyline.line${index} { stroke: ${colour} } text.line${index} { fill: ${colour} }`).join('\n')}
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .axis { stroke: #30363d } }
`;

/** Draws all curves as one SVG. */
export function curvesChart({ curves, date, versions }) {
  const all = Object.values(curves).flat();
  const rows = Math.ceil(all.length / COLUMNS);
  const drawn = all.map((curve, index) => {
    const [x, y] = [(index % COLUMNS) * WIDTH, Math.floor(index / COLUMNS) * HEIGHT];
    return `<g transform="translate(${x} ${y})">\n${drawCurve(curve)}\n</g>`;
  });
  const height = rows * HEIGHT + 30;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${COLUMNS * WIDTH} ${height}" role="img" aria-label="How costs grow">
<style>${STYLE}</style>
${drawn.join('\n')}
<text x="0" y="${height - 8}">${date.slice(0, 10)}, workerd ${versions.workerd}</text>
</svg>
`;
}

function drawCurve({ title, unit, lines }) {
  const places = lines[0].points.map(([place]) => place);
  const most = roundAbove(Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value))));
  const [first, last] = [Math.log(places[0]), Math.log(places.at(-1))];
  const x = (place) => LEFT + ((Math.log(place) - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM);
  const out = [`<text class="heading" x="4" y="16">${escaped(title)}, ${unit}</text>`];
  for (let tick = 0; tick <= TICKS; tick += 1) {
    const value = (most / TICKS) * tick;
    out.push(
      `<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}"/>`,
      `<text x="${LEFT - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${short(value)}</text>`,
    );
  }
  for (const place of places)
    out.push(
      `<text x="${x(place).toFixed(1)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${short(place)}</text>`,
    );
  lines.forEach(({ title: name, points }, index) => {
    const path = points.map(([place, value]) => `${x(place).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    const [across, down] = [4 + (index % 2) * (WIDTH / 2), HEIGHT - 26 + Math.floor(index / 2) * 16];
    out.push(
      `<polyline class="line${index}" points="${path}"/>`,
      `<text class="line${index}" x="${across}" y="${down}">${escaped(name)}</text>`,
    );
  });
  return out.join('\n');
}

/** The next number above, of which a quarter is short too. */
function roundAbove(number) {
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 4, 6, 8, 10].map((digit) => digit * power).find((round) => round >= number);
}

/** A number in few signs, such as 1.5k. */
function short(number) {
  if (number >= 1_000_000) return `${Number((number / 1_000_000).toPrecision(2))}M`;
  if (number >= 1_000) return `${Number((number / 1_000).toPrecision(3))}k`;
  return String(Number(number.toPrecision(3)));
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
