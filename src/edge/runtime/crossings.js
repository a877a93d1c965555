// What the runtime knows of errors, texts and numbers: neither the URL standard nor the tables of Unicode and floats are in the WebAssembly.

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

/** Returns the float that a number of JSON is. @param {string} text */
export function float_of(text) {
  return Number(text);
}

/** Returns a float as JSON, which it stays when it is read again. @param {number} float */
export function float_text(float) {
  const text = Object.is(float, -0) ? '-0' : String(float);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
