//! Events that operators count: a data point each, if the config says so. docs/operating.md has their names.
//!
//! None has a token, a name of a user or a text of a request.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/edge/runtime/events.js")]
extern "C" {
    /// Writes events to a dataset from here; to none, if that is undefined.
    pub fn write_to(dataset: &JsValue);

    /// Counts an event, if there is a dataset. What it does not take is logged with the data points of requests.
    pub fn count(event: &str, what: &str);
}
