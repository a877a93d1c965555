// Lines of the log.

/**
 * @param {'log' | 'warn' | 'error'} method
 * @param {string} line
 */
export function write(method, line) {
  console[method](line);
}
