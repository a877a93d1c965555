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
 * Carries out changes of `src/http/header_lines.rs`.
 *
 * @param {Headers} headers
 * @param {string} changes
 */
export function change(headers, changes) {
  for (const [line, value] of pairs(changes)) {
    const name = line.slice(1);
    if (line.startsWith('=')) headers.set(name, value);
    else if (line.startsWith('+')) headers.append(name, value);
    else headers.delete(name);
  }
}

/** Reads an HTTP date (RFC 9110 section 5.6.7) in milliseconds since 1970; NaN if it is not one. @param {string | null} value */
export function http_date(value) {
  return value?.trimEnd().endsWith('GMT') ? Date.parse(value) : NaN;
}
