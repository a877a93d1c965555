//! Panics: none may leave a client without an answer, and none may outlive its request.
//!
//! Compiled with `panic = "abort"`, a panic ends the WebAssembly instance. Inside a synchronous call JavaScript sees it
//! thrown; inside a task nobody would, so the hook rejects the promise of every request that the instance still owes an
//! answer. `worker.mjs` then answers each from a fresh instance.

use std::cell::{Cell, RefCell};

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;

use crate::edge::runtime::boxed::Boxed;

thread_local! {
    static INSTALLED: Cell<bool> = const { Cell::new(false) };
    static UNANSWERED: RefCell<Unanswered> = const { RefCell::new(Unanswered { rejects: Vec::new(), free: Vec::new() }) };
}

/// The `reject` of each promise that is not settled yet.
struct Unanswered {
    rejects: Vec<Option<Function>>,
    free: Vec<usize>,
}

impl Unanswered {
    fn insert(&mut self, reject: Function) -> usize {
        match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.rejects.get_mut(slot) {
                    *place = Some(reject);
                }
                slot
            }
            None => {
                self.rejects.push(Some(reject));
                self.rejects.len() - 1
            }
        }
    }

    fn remove(&mut self, slot: usize) {
        if let Some(place) = self.rejects.get_mut(slot) {
            *place = None;
            self.free.push(slot);
        }
    }
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
        let unanswered = UNANSWERED.with(|unanswered| {
            unanswered.try_borrow_mut().map(|mut unanswered| std::mem::take(&mut unanswered.rejects))
        });
        for reject in unanswered.into_iter().flatten().flatten() {
            // Nothing is left to do for a promise that cannot be rejected.
            let _ = reject.call1(&JsValue::UNDEFINED, &JsValue::from_str("the gateway panicked"));
        }
    }));
}

/// Work that a request or an object waits for.
pub type Work = Boxed<'static, Result<JsValue, JsValue>>;

/// Returns a promise of the work's result. One type for all work avoids a copy of the code for each.
#[inline(never)]
pub fn promise(work: Work) -> Promise {
    wasm_bindgen_futures::future_to_promise(work)
}

/// Returns a promise of the work's result, which a panic rejects.
pub fn guarded_promise(work: Work) -> Promise {
    let mut work = Some(work);
    Promise::new(&mut |resolve, reject| {
        let Some(work) = work.take() else { return };
        let slot = UNANSWERED.with_borrow_mut(|unanswered| unanswered.insert(reject.clone()));
        wasm_bindgen_futures::spawn_local(async move {
            let (settle, value) = match work.await {
                Ok(value) => (resolve, value),
                Err(error) => (reject, error),
            };
            UNANSWERED.with_borrow_mut(|unanswered| unanswered.remove(slot));
            // A client that has hung up is not our failure.
            let _ = settle.call1(&JsValue::UNDEFINED, &value);
        });
    })
}
