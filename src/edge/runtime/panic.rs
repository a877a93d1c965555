//! Panics: none may leave a client without an answer, and none may outlive its request.
//!
//! Compiled with `panic = "abort"`, a panic ends the WebAssembly instance. Inside a call that the entry makes JavaScript sees it
//! thrown; inside one that goes on with work nobody would, so the hook rejects the promise of all work that the instance has not
//! finished. `library.mjs` then answers each request from a fresh instance.

use std::cell::Cell;

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/edge/runtime/panic.js")]
extern "C" {
    fn reject_unanswered();
}

thread_local! {
    static INSTALLED: Cell<bool> = const { Cell::new(false) };
}

/// Adds to the SDK's hook one that logs the panic and rejects what is unanswered; does so once per instance. What an instance before
/// this one has left unanswered is rejected too: not every end of one comes by the hook.
pub fn install_hook() {
    if INSTALLED.replace(true) {
        return;
    }
    reject_unanswered();
    let sdk_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        sdk_hook(info);
        reject_unanswered();
    }));
}
