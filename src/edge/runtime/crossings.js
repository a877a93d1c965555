// What the runtime knows of errors and texts: neither the URL standard nor Unicode's tables are in the WebAssembly.

/** @param {unknown} error */
export function thrown_message(error) {
  return error instanceof Error ? error.message : undefined;
}

/** @param {Request} request */
export function country(request) {
  const { country } = request.cf ?? {};
  return typeof country === 'string' ? country : undefined;
}

/** Returns a URL in its normal form, if the text is one. @param {string} text */
export function href(text) {
  return URL.parse(text)?.href;
}

/** @param {string} text */
export function in_one_case(text) {
  return text.toUpperCase().toLowerCase();
}
