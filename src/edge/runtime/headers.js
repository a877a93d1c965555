// Headers: how lists of them cross, what they contain, and what is read of a request in one call.

/**
 * Returns the method and the normalised address with a space between them.
 *
 * @param {Request} request
 */
export function request_line(request) {
  return `${request.method} ${URL.parse(request.url)?.href ?? ''}`;
}

/** Reads names and values on alternating lines. @param {string} lines */
export function* pairs(lines) {
  if (lines === '') return;
  const parts = lines.split('\n');
  for (let i = 0; i + 1 < parts.length; i += 2) yield [parts[i], parts[i + 1]];
}

/**
 * Sets headers, cookies beside those that are there, but for those that `isKept` keeps as they are.
 *
 * @param {Headers} headers
 * @param {string} lines
 * @param {(name: string) => boolean} [isKept]
 */
export function setAll(headers, lines, isKept) {
  for (const [name, value] of pairs(lines)) {
    if (name === 'set-cookie') headers.append(name, value);
    else if (!isKept?.(name)) headers.set(name, value);
  }
}

/** Returns the headers that `Connection` names: they are the connection's own too (RFC 9110 section 7.6.1). @param {Request | Response} message */
export function ofConnection({ headers }) {
  return headers.get('connection')?.match(/[\w!#$%&'*+.^`|~-]+/g) ?? [];
}

/** Reads an HTTP date (RFC 9110 section 5.6.7) in milliseconds since 1970; NaN if it is not one. @param {string | null} value */
export function http_date(value) {
  return value?.trimEnd().endsWith('GMT') ? Date.parse(value) : NaN;
}
