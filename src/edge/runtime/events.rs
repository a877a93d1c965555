//! Events that operators count: a data point each, if the config says so. docs/operating.md has their names.
//!
//! None has a token, a name of a user or a text of a request.

use std::cell::RefCell;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/edge/runtime/events.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn write_event(dataset: &JsValue, event: &str, what: &str) -> Result<(), JsValue>;
}

thread_local! {
    /// Where events are written, if the active config says so.
    static DATASET: RefCell<Option<JsValue>> = const { RefCell::new(None) };
}

/// Writes events to a dataset from here, or to none.
pub fn write_to(dataset: Option<JsValue>) {
    DATASET.replace(dataset);
}

/// Counts an event. Without a dataset that crosses into nothing.
pub fn count(event: &str, what: &str) {
    DATASET.with_borrow(|dataset| {
        if let Some(dataset) = dataset {
            // A dataset that accepts no data points is logged with those of requests.
            let _ = write_event(dataset, event, what);
        }
    });
}
