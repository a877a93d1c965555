//! Floats as texts of JSON. In the Worker the runtime reads and writes them: what does it in Rust has tables of 3 KiB.
//! The host writes them as the runtime does.

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

/// Writes a float as ECMAScript does (Number::toString), and one that is whole so that it stays a float.
#[cfg(not(target_os = "unknown"))]
fn float_text(number: &Number) -> String {
    let float = number.as_f64().unwrap_or_default();
    let scientific = format!("{float:e}");
    match scientific.split_once('e').map(|(digits, exponent)| (digits, exponent.parse::<i32>())) {
        Some((digits, Ok(exponent @ (..-6 | 21..)))) if float != 0.0 => format!("{digits}e{exponent:+}"),
        _ if float.fract() == 0.0 => format!("{float}.0"),
        _ => float.to_string(),
    }
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
