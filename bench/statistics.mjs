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

/** How far from the middle of n values, in steps of √n, the ranks lie that 95 of 100 medians fall between (a sign test, as if normal). */
const RANKS = 1.96 / 2;

/**
 * Returns where the true median lies, with 95 % confidence, whatever the values' distribution: between two of the values, by their ranks.
 * With fewer than six there are no such ranks, and it is between the least and the greatest.
 */
export function interval(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const rank = Math.max(0, Math.floor(sorted.length / 2 - RANKS * Math.sqrt(sorted.length)));
  return [sorted[rank], sorted[sorted.length - 1 - rank]];
}
