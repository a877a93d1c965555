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
