//! Panics: none may leave a client without an answer, and none may outlive its request.
//!
//! Compiled with `panic = "abort"`, a panic ends the WebAssembly instance. Inside a synchronous call JavaScript sees it
//! thrown; inside a task nobody would, so the hook rejects the promise of every request that the instance still owes an
//! answer. `worker.mjs` then answers each from a fresh instance.

use std::cell::Cell;

use crate::edge::runtime::work::abandon;

thread_local! {
    static INSTALLED: Cell<bool> = const { Cell::new(false) };
}

/// Adds to the SDK's hook one that logs the panic and rejects what is unanswered; does so once per instance. What an instance before
/// this one has left unanswered is rejected too: not every end of one comes by the hook.
pub fn install_hook() {
    if INSTALLED.replace(true) {
        return;
    }
    abandon();
    let sdk_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        sdk_hook(info);
        abandon();
    }));
}
