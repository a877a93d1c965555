//! Crossings into JavaScript: what is read of a request in one call, and the words of what was thrown.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Request;

#[wasm_bindgen(module = "/src/edge/runtime/headers.js")]
extern "C" {
    /// Returns the method and the normalised address with a space between them.
    pub fn request_line(request: &Request) -> String;

    /// Reads an HTTP date (RFC 9110 section 5.6.7) in milliseconds since 1970; not a number if it is not one.
    pub fn http_date(value: &str) -> f64;
}

#[wasm_bindgen(module = "/src/edge/runtime/crossings.js")]
extern "C" {
    /// Returns the text of an error that the runtime threw; its errors have neither headers, bodies nor key material.
    pub fn thrown_message(error: &JsValue) -> Option<String>;
}
