// Writes to the dataset of answers.

import { count_cancelled } from '../runtime/events.js';

/**
 * @param {AnalyticsEngineDataset} dataset
 * @param {string} route
 * @param {string} method
 * @param {string} code
 * @param {Float64Array} numbers
 */
export function write_point(dataset, route, method, code, numbers) {
  count_cancelled();
  dataset.writeDataPoint({ indexes: [route.slice(0, 96)], blobs: [method, route, code], doubles: [...numbers] });
}
