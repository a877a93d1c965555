//! Floats as texts of JSON. In the Worker the runtime reads and writes them: what does it in Rust has tables of 4 KiB.
//!
//! Very large and very small ones may be written in two ways, of which the runtime has one and the host another.

use serde_json::Number;

/// Returns a number as JSON.
pub fn number_text(number: &Number) -> String {
    if let Some(whole) = number.as_u64() {
        whole.to_string()
    } else if let Some(whole) = number.as_i64() {
        whole.to_string()
    } else {
        float_text(number)
    }
}

#[cfg(not(target_os = "unknown"))]
fn float_text(number: &Number) -> String {
    number.to_string()
}

/// Returns the float that is nearest to a number of JSON.
#[cfg(not(target_os = "unknown"))]
pub fn float_of(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

#[cfg(target_os = "unknown")]
fn float_text(number: &Number) -> String {
    runtime::float_text(number.as_f64().unwrap_or_default())
}

/// Returns the float that is nearest to a number of JSON.
#[cfg(target_os = "unknown")]
pub fn float_of(text: &str) -> f64 {
    runtime::float_of(text)
}

#[cfg(target_os = "unknown")]
mod runtime {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen(module = "/src/edge/runtime/crossings.js")]
    extern "C" {
        pub fn float_of(text: &str) -> f64;
        pub fn float_text(float: f64) -> String;
    }
}
