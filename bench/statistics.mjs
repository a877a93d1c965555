// What is said of a measurement that was made several times.

/** Returns the value below which a part of the values lies, such as 0.5 for the median. */
export function quantile(values, part) {
  const sorted = values.toSorted((one, other) => one - other);
  const place = part * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

export const median = (values) => quantile(values, 0.5);

/** The median, and the quartiles around it. */
export const summary = (values) => ({
  median: median(values),
  quartiles: [quantile(values, 0.25), quantile(values, 0.75)],
});

/** What an interval may miss the true median by, on both sides together. */
const MISSED_MOST = 0.05;
/** With fewer values than this, no interval of theirs is as sure. */
export const TOLD_BY = 6;

/**
 * Returns where the true median lies, with 95 % confidence or more, whatever the values' distribution, as long as they are independent:
 * between two of the values, by their ranks. As many of n values are below the median as of n coins show heads. Of fewer values than
 * `TOLD_BY` it returns the least and the greatest.
 */
export function interval(values) {
  const sorted = values.toSorted((one, other) => one - other);
  let rank = 0;
  let heads = 0.5 ** sorted.length;
  let missed = 2 * heads;
  // With one more value left out at each end, the median is missed if no more than that are below it, or above it.
  for (;;) {
    heads *= (sorted.length - rank) / (rank + 1);
    missed += 2 * heads;
    if (!(missed <= MISSED_MOST)) break;
    rank += 1;
  }
  return [sorted[rank], sorted[sorted.length - 1 - rank]];
}
