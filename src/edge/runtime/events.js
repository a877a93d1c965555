// Writes events to the dataset of answers.

/** Where events are written, if the active config says so. @type {AnalyticsEngineDataset | undefined} */
let dataset;

/** @param {AnalyticsEngineDataset | undefined} to */
export function write_to(to) {
  dataset = to;
}

/**
 * Writes a data point that has the place of a request's method and route empty.
 *
 * @param {string} event
 * @param {string} what
 */
export function count(event, what) {
  try {
    dataset?.writeDataPoint({ indexes: [event], blobs: ['', '', what, event] });
  } catch {
    // That is logged with the data points of requests.
  }
}

/** Work of cancelled requests that is not counted yet: what hears of it is no request, which alone may write. */
let cancelled = 0;

/** Notes that work was let go, since its request was cancelled. */
export function note_cancelled() {
  cancelled += 1;
}

/** Counts what was noted. */
export function count_cancelled() {
  for (; cancelled > 0; cancelled -= 1) count('request', 'cancelled');
}
