//! Panics: none may leave a client without an answer, and none may outlive its request.
//!
//! Compiled with `panic = "abort"`, a panic ends the WebAssembly instance. Inside a synchronous call JavaScript sees it
//! thrown; inside a task nobody would, so the hook rejects the promise of every request that the instance still owes an
//! answer. `worker.mjs` then answers each from a fresh instance.

use std::cell::Cell;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::edge::runtime::boxed::Boxed;

#[wasm_bindgen(module = "/src/edge/runtime/panic.js")]
extern "C" {
    /// A promise with what settles it.
    type Deferred;

    /// Begins a promise, which a panic rejects if it is `guarded`.
    fn begin(guarded: bool) -> Deferred;

    #[wasm_bindgen(method, getter)]
    fn promise(this: &Deferred) -> Promise;

    fn settle(deferred: &Deferred, value: &JsValue, succeeded: bool);

    fn reject_unanswered();
}

thread_local! {
    static INSTALLED: Cell<bool> = const { Cell::new(false) };
}

/// Adds to the SDK's hook one that logs the panic and rejects what is unanswered; does so once per instance.
pub fn install_hook() {
    if INSTALLED.replace(true) {
        return;
    }
    let sdk_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        sdk_hook(info);
        reject_unanswered();
    }));
}

/// Work that a request or an object waits for.
pub type Work = Boxed<'static, Result<JsValue, JsValue>>;

/// Returns a promise of the work's result. One type for all work avoids a copy of the code for each.
pub fn promise(work: Work) -> Promise {
    begun(work, false)
}

/// Returns a promise of the work's result, which a panic rejects.
pub fn guarded_promise(work: Work) -> Promise {
    begun(work, true)
}

fn begun(work: Work, guarded: bool) -> Promise {
    let deferred = begin(guarded);
    let promise = deferred.promise();
    wasm_bindgen_futures::spawn_local(async move {
        let outcome = work.await;
        let (Ok(value) | Err(value)) = &outcome;
        settle(&deferred, value, outcome.is_ok());
    });
    promise
}
