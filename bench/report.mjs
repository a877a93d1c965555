// What the measurements say: medians, ratios beside their targets, and whether the machine was quiet enough to tell.

import { summary, typicalDifference } from './statistics.mjs';

/** Two measurements of the same handler may differ by this part. */
const NOISE_MOST = 0.05;
/** The status of a program that could not tell. */
export const TOO_NOISY = 2;

export const rounded = (number, digits = 3) => Number(number.toPrecision(digits));

/**
 * Judges what was measured, round by round, by the targets.
 *
 * @param {{ rows: any[], targets: any[], pairs: string[][], measured: Record<string, number[]>, sizes: any[] }} what
 */
export function judged({ rows, targets, pairs, measured, sizes }) {
  const titleOf = (name) => rows.find((row) => row.name === name).title;
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
    sizes: sizes.map((size) => ({ ...size, isMet: size.gzip_kib <= size.most })),
    ...noiseOf(pairs, measured, titleOf),
  };
}

/** Says by how much measurements of the same thing differ, and whether that is too much to tell anything. */
export function noiseOf(pairs, measured, titleOf) {
  const noise = pairs
    .filter((pair) => pair.every((name) => measured[name]?.length))
    .map(([one, other]) => ({ of: titleOf(one), differs: rounded(typicalDifference(measured[one], measured[other])) }));
  return { noise, isNoisy: noise.some(({ differs }) => differs > NOISE_MOST) };
}

/** Returns what that says as people read it. */
export function noiseText({ noise, isNoisy }) {
  if (noise.length === 0) return '\nNo handler was measured twice, so nothing says how quiet the machine was.';
  const differences = noise.map(({ of, differs }) => `${(differs * 100).toFixed(1)} % (${of})`).join(', ');
  const noisy = isNoisy
    ? `TOO NOISY TO TELL: of two measurements of the same handler one is more than ${NOISE_MOST * 100} % above the other.`
    : 'Quiet enough to tell.';
  return `\nThe same handler twice differs by ${differences}. ${noisy}`;
}

/** What something takes, each time as a multiple of what something else took in the same round: what slows a round down slows both. */
export const multiples = (values, others) => values.map((value, round) => value / others[round]);

function judgedTarget({ of, to, most, goal, isDifference = false }, measured, titleOf) {
  const each = isDifference
    ? measured[of].map((value, round) => value - measured[to][round])
    : multiples(measured[of], measured[to]);
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
export function printed({ rows, targets, sizes, noise, isNoisy }) {
  const wide = Math.max(...[...rows, ...targets, ...sizes].map(({ title }) => title.length));
  const lines = rows.map(
    ({ title, unit, median: middle, quartiles }) =>
      `${title.padEnd(wide)} ${String(middle).padStart(7)} ${unit.padEnd(3)}  ${quartiles.join(' to ')}`,
  );
  /** @param {any} of */
  const verdict = ({ isMet, most, goal }) =>
    `${isMet ? 'met' : 'NOT met'}: at most ${most}${goal ? `, goal ${goal}` : ''}`;
  const verdicts = targets.map(
    ({ title, value, quartiles, unit = '', ...target }) =>
      `${title.padEnd(wide)} ${String(value).padStart(7)} ${unit.padEnd(3)}  ${quartiles.join(' to ')}   ${verdict(target)}`,
  );
  const weights = sizes.map(
    ({ title, gzip_kib: kib, ...size }) => `${title.padEnd(wide)} ${String(kib).padStart(7)} KiB   ${verdict(size)}`,
  );
  return [
    '\nmedian and quartiles; CPU time of workerd for each request in microseconds (us)',
    ...lines,
    '\nratios within a round, median and quartiles, beside their targets',
    ...verdicts,
    ...weights,
    noiseText({ noise, isNoisy }),
  ].join('\n');
}
