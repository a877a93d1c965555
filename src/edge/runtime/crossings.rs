//! Crossings into JavaScript: what is read of a request in one call, and the words of what was thrown.

use std::cell::RefCell;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Request;

#[wasm_bindgen(module = "/src/edge/runtime/headers.js")]
extern "C" {
    /// Writes the headers as lines, and behind them one with the method, a space and the normalised address. Returns how many bytes
    /// they take, or if the buffer is too small how many are enough.
    fn write_head(request: &Request, buffer: &mut [u8]) -> usize;

    /// Reads an HTTP date (RFC 9110 section 5.6.7) in milliseconds since 1970; not a number if it is not one.
    pub fn http_date(value: &str) -> f64;
}

/// The first size of the buffer for the heads of requests, in bytes: few take more.
const HEAD_BYTES: usize = 4096;

/// Returns the headers as lines, and behind them one with the method, a space and the normalised address.
///
/// It comes by way of a buffer, because wasm-bindgen hands a text over sign by sign: with a token of 800 bytes that was a fourth of
/// the profile of a fixed answer.
pub fn request_head(request: &Request) -> String {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; HEAD_BYTES]);
    }
    BUFFER.with_borrow_mut(|buffer| {
        loop {
            let bytes = write_head(request, buffer);
            match buffer.get(..bytes) {
                // What JavaScript encodes is never anything else.
                Some(head) => return str::from_utf8(head).unwrap_or_default().to_owned(),
                None => buffer.resize(bytes, 0),
            }
        }
    })
}

#[wasm_bindgen(module = "/src/edge/runtime/crossings.js")]
extern "C" {
    /// Returns the text of an error that the runtime threw; its errors have neither headers, bodies nor key material.
    pub fn thrown_message(error: &JsValue) -> Option<String>;
}
