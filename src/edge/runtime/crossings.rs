//! Crossings into JavaScript: what is read of a request, much in one call, and the words of what was thrown.

use std::cell::RefCell;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Request;

#[wasm_bindgen(module = "/src/edge/runtime/headers.js")]
extern "C" {
    /// Writes the method, the normalised address, and the headers of a set of names, as lines. Returns how many bytes they take, or if the
    /// buffer is too small how many are enough.
    fn write_head(request: &Request, names: &JsValue, buffer: &mut [u8]) -> usize;

    /// Writes the headers of a set of names as lines, or without a set all of them, and returns the same.
    fn write_headers(request: &Request, names: &JsValue, buffer: &mut [u8]) -> usize;

    /// Returns the names of a list as a set of JavaScript's.
    pub fn set_of(names: &str) -> JsValue;

    /// Reads an HTTP date (RFC 9110 section 5.6.7) in milliseconds since 1970; not a number if it is not one.
    pub fn http_date(value: &str) -> f64;
}

/// The first size of the buffer for the headers of requests, in bytes: few take more.
const BUFFER_BYTES: usize = 4096;

/// Returns the method, the normalised address, and the headers of a set of names, as lines.
pub fn request_head(request: &Request, names: &JsValue) -> String {
    text_of(&|buffer| write_head(request, names, buffer))
}

/// Returns the headers of a set of names as lines, or without a set all of them.
pub fn request_headers(request: &Request, names: &JsValue) -> String {
    text_of(&|buffer| write_headers(request, names, buffer))
}

/// Returns what JavaScript writes into a buffer: wasm-bindgen hands a text over sign by sign, and with a token of 800 bytes that was a
/// fourth of the profile of a fixed answer.
fn text_of(write: &dyn Fn(&mut [u8]) -> usize) -> String {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_BYTES]);
    }
    BUFFER.with_borrow_mut(|buffer| {
        loop {
            let bytes = write(buffer);
            match buffer.get(..bytes) {
                // What JavaScript encodes is never anything else.
                Some(text) => return str::from_utf8(text).unwrap_or_default().to_owned(),
                None => buffer.resize(bytes, 0),
            }
        }
    })
}

#[wasm_bindgen(module = "/src/edge/runtime/crossings.js")]
extern "C" {
    /// Returns the text of an error that the runtime threw; its errors have neither headers, bodies nor key material.
    pub fn thrown_message(error: &JsValue) -> Option<String>;

    /// Returns the country that a request comes from, if Cloudflare knows it; a header could be the client's own.
    pub fn country(request: &Request) -> Option<String>;
}
