//! Crossings into JavaScript: what is read of a request in one call, lists of headers, objects to hand over, and the words of what
//! was thrown.
//!
//! Header lists cross as one string of names and values on alternating lines; no value has a line break.

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::Request;

use crate::config::HeaderTexts;
use crate::http::header::Header;

#[wasm_bindgen(module = "/src/edge/runtime/headers.js")]
extern "C" {
    /// Returns the method and the normalised address with a space between them.
    pub fn request_line(request: &Request) -> String;
}

/// Joins headers into the form in which they cross; of one name the last counts, but for cookies.
pub fn header_lines(headers: &[Header]) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        debug_assert!(!value.contains('\n'), "a header value holds a line break");
        for part in [name, value] {
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(part);
        }
    }
    lines
}

/// Returns headers of the config.
pub fn configured(texts: &HeaderTexts) -> impl Iterator<Item = Header> {
    texts.iter().map(|(name, value)| (name.clone().into(), value.clone().into()))
}

/// Makes a JavaScript object.
///
/// # Errors
/// What was thrown.
pub fn object(members: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}

/// Returns the text of an error that the runtime threw; its errors have neither headers, bodies nor key material.
pub fn thrown_message(error: &JsValue) -> Option<String> {
    error.dyn_ref::<js_sys::Error>().map(|error| error.message().into())
}
