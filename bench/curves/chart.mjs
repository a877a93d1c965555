// Curves as small charts beside each other. Places grow by multiples, and what was measured begins at zero.

const [WIDTH, HEIGHT] = [400, 250];
const COLUMNS = 2;
const [LEFT, TOP, RIGHT, BOTTOM] = [52, 44, 16, 44];
const TICKS = 4;

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #24292f }
.heading { font-size: 13px; font-weight: 600 }
.axis { stroke: #d0d7de }
polyline { fill: none; stroke-width: 2 }
.line0 { stroke: #8c959f; fill: #8c959f }
.line1 { stroke: #f6821f; fill: #f6821f }
.line2 { stroke: #1f6feb; fill: #1f6feb }
.line3 { stroke: #8250df; fill: #8250df }
text[class] { stroke: none }
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
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value))) * 1.1;
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
    const at = 4 + index * ((WIDTH - 8) / lines.length);
    out.push(
      `<polyline class="line${index}" points="${path}"/>`,
      `<text class="line${index}" x="${at.toFixed(0)}" y="${HEIGHT - 8}">${escaped(name)}</text>`,
    );
  });
  return out.join('\n');
}

/** A number in few signs, such as 1.5k. */
function short(number) {
  if (number >= 1_000_000) return `${Number((number / 1_000_000).toPrecision(2))}M`;
  if (number >= 1_000) return `${Number((number / 1_000).toPrecision(3))}k`;
  return String(Number(number.toPrecision(3)));
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
