// What the measurements say: medians, ratios beside their targets, and whether the machine was quiet enough to tell.

import { summary, typicalDifference } from './statistics.mjs';

/** Two measurements of the same handler may differ by this part. */
const NOISE_MOST = 0.05;

const rounded = (number, digits = 3) => Number(number.toPrecision(digits));

/**
 * Judges what was measured, round by round, by the targets.
 *
 * @param {{ rows: any[], targets: any[], pairs: string[][], measured: Record<string, number[]>, size: any }} what
 */
export function judged({ rows, targets, pairs, measured, size }) {
  const titleOf = (name) => rows.find((row) => row.name === name).title;
  const noise = pairs
    .filter((pair) => pair.every((name) => measured[name]?.length))
    .map(([one, other]) => ({ of: titleOf(one), differs: rounded(typicalDifference(measured[one], measured[other])) }));
  return {
    rows: rows.map(({ name, title, base, unit = 'us' }) => {
      const { median: middle, quartiles } = summary(measured[name]);
      return {
        name,
        title,
        base,
        unit,
        median: rounded(middle, 4),
        quartiles: quartiles.map((each) => rounded(each, 4)),
      };
    }),
    targets: targets.map((target) => judgedTarget(target, measured, titleOf)),
    size: { ...size, isMet: size.gzip_kib <= size.most },
    noise,
    isNoisy: noise.some(({ differs }) => differs > NOISE_MOST),
  };
}

function judgedTarget({ of, to, most, goal, isDifference = false }, measured, titleOf) {
  // Within each round, since what slows a round down slows both.
  const each = measured[of].map((value, round) =>
    isDifference ? value - measured[to][round] : value / measured[to][round],
  );
  const { median: value, quartiles } = summary(each);
  return {
    of,
    to,
    title: `${titleOf(of)} ${isDifference ? '−' : '÷'} ${titleOf(to)}`,
    value: rounded(value),
    quartiles: quartiles.map((one) => rounded(one)),
    most,
    ...(goal ? { goal } : {}),
    ...(isDifference ? { unit: 'MiB' } : {}),
    isMet: value <= most,
  };
}

/** Returns the report as people read it. */
export function printed({ rows, targets, size, noise, isNoisy }) {
  const wide = Math.max(...rows.map(({ title }) => title.length), ...targets.map(({ title }) => title.length));
  const lines = rows.map(
    ({ title, unit, median: middle, quartiles }) =>
      `${title.padEnd(wide)} ${String(middle).padStart(7)} ${unit.padEnd(3)}  ${quartiles.join(' to ')}`,
  );
  const verdicts = targets.map(
    ({ title, value, quartiles, most, goal, unit = '', isMet }) =>
      `${title.padEnd(wide)} ${String(value).padStart(7)} ${unit.padEnd(3)}  ${quartiles.join(' to ')}` +
      `   ${isMet ? 'met' : 'NOT met'}: at most ${most}${goal ? `, goal ${goal}` : ''}`,
  );
  const kib = `${'bundle, gzip'.padEnd(wide)} ${String(size.gzip_kib).padStart(7)} KiB   ${size.isMet ? 'met' : 'NOT met'}: at most ${size.most}`;
  const differences = noise.map(({ of, differs }) => `${(differs * 100).toFixed(1)} % (${of})`).join(', ');
  const noisy = isNoisy
    ? `TOO NOISY TO TELL: of two measurements of the same handler one is more than ${NOISE_MOST * 100} % above the other.`
    : 'Quiet enough to tell.';
  return [
    '\nmedian and quartiles; CPU time of workerd for each request in microseconds (us)',
    ...lines,
    '\nratios within a round, median and quartiles, beside their targets',
    ...verdicts,
    kib,
    `\nThe same handler twice differs by ${differences}. ${noisy}`,
  ].join('\n');
}
