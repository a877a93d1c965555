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

/** By how much two measurements of the same thing differ, typically, as a part of them: what is made of a machine that is not quiet. */
export const typicalDifference = (ones, others) =>
  median(ones.map((one, round) => Math.abs(one - others[round]) / Math.min(one, others[round])));
