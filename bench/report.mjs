// What the measurements say: medians, ratios beside their targets, and whether the machine was quiet enough to tell.

import { TOLD_BY, interval, median, summary } from './statistics.mjs';

/** What two measurements of the same handler differ by must be known to be at most this part. */
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

/** Says by how much measurements of the same thing differ, which is nothing, and whether that is told too roughly to tell anything else. */
export function noiseOf(pairs, measured, titleOf) {
  const noise = pairs
    .filter((pair) => pair.every((name) => measured[name]?.length))
    .map(([one, other]) => {
      const ratios = multiples(measured[other], measured[one]);
      const ends = interval(ratios);
      return {
        of: titleOf(one),
        ratio: rounded(median(ratios)),
        interval: ends.map((end) => rounded(end)),
        isNoisy: ratios.length < TOLD_BY || ends.some((end) => Math.abs(end - 1) > NOISE_MOST),
      };
    });
  return { noise, isNoisy: noise.some((pair) => pair.isNoisy) };
}

/** Returns what that says as people read it. */
export function noiseText({ noise, isNoisy }) {
  if (noise.length === 0) return '\nNo handler was measured twice, so nothing says how quiet the machine was.';
  const ratios = noise
    .map(({ of, ratio, interval: [least, most] }) => `${ratio}, ${least} to ${most} (${of})`)
    .join('; ');
  const noisy = isNoisy
    ? `TOO NOISY TO TELL: that is not known to be within ${NOISE_MOST * 100} % of 1. More rounds (--rounds, --starts) tell more.`
    : 'Quiet enough to tell.';
  return `\nThe same handler twice: ${ratios}. ${noisy}`;
}

/** What something takes, each time as a multiple of what something else took in the same round: what slows a round down slows both. */
export const multiples = (values, others) => values.map((value, round) => value / others[round]);

function judgedTarget({ of, to, most, goal, isDifference = false }, measured, titleOf) {
  const each = isDifference
    ? measured[of].map((value, round) => value - measured[to][round])
    : multiples(measured[of], measured[to]);
  const value = median(each);
  const [least, greatest] = interval(each);
  return {
    of,
    to,
    title: `${titleOf(of)} ${isDifference ? '−' : '÷'} ${titleOf(to)}`,
    value: rounded(value),
    interval: [rounded(least), rounded(greatest)],
    most,
    ...(goal ? { goal } : {}),
    ...(isDifference ? { unit: 'MiB' } : {}),
    isMet: value <= most,
    isCertain: each.length >= TOLD_BY && (greatest <= most || least > most),
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
  const verdict = ({ isMet, isCertain = true, most, goal }) =>
    `${isMet ? 'met' : 'NOT met'}${isCertain ? '' : ', perhaps'}: at most ${most}${goal ? `, goal ${goal}` : ''}`;
  const verdicts = targets.map(
    ({ title, value, interval: ends, unit = '', ...target }) =>
      `${title.padEnd(wide)} ${String(value).padStart(7)} ${unit.padEnd(3)}  ${ends.join(' to ')}   ${verdict(target)}`,
  );
  const weights = sizes.map(
    ({ title, gzip_kib: kib, ...size }) => `${title.padEnd(wide)} ${String(kib).padStart(7)} KiB   ${verdict(size)}`,
  );
  return [
    '\nmedian and quartiles; CPU time of workerd for each request in microseconds (us)',
    ...lines,
    '\nratios within a round, their median and where it lies with 95 % confidence, beside their targets',
    ...verdicts,
    ...weights,
    noiseText({ noise, isNoisy }),
  ].join('\n');
}
