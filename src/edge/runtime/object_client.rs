//! Asking Durable Objects. An object gets a text and answers with one.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use crate::edge::runtime::bindings;
use crate::edge::runtime::crossings::thrown_message;
use crate::edge::runtime::events;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::work::Awaited;
use crate::objects::Class;
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/runtime/object_client.js")]
extern "C" {
    /// Calls an object. A call that fails is made once more: an object that is moved or whose code was updated fails the calls under
    /// way. What the first may have done is no harm to the second: an exchange or a logout is replayed to its requester, and the rest
    /// can be repeated.
    #[wasm_bindgen(js_name = ask)]
    fn ask_object(namespace: &JsValue, name: &str, message: &str, ms: u32) -> Promise;

    // What may throw is caught: an exception that passes through WebAssembly ends the instance.
    /// Returns a promise that is fulfilled whatever becomes of this one.
    #[wasm_bindgen(catch)]
    fn settled(promise: &Promise) -> Result<Promise, JsValue>;
}

/// An object that is busy with the provider answers this much later than the provider at the latest.
const ASK_MARGIN_MS: u32 = 3_000;

/// Checks whether the Worker has the binding of a class.
pub fn is_bound(class: Class, env: &Env) -> bool {
    bindings::raw(env, class.binding()).is_object()
}

/// Sends a message to the object of a class that is called `name`, or by the digest of a name of several lines, and returns its answer.
/// The object may spend `timeout_ms` on the provider.
///
/// # Errors
/// [`Problem::StoreUnavailable`] if there is none.
pub async fn ask(
    invocation: &dyn Invocation,
    class: Class,
    name: &str,
    message: &str,
    timeout_ms: u32,
) -> Result<String, Problem> {
    let namespace = bindings::raw(invocation.env(), class.binding());
    if !namespace.is_object() {
        return Err(unavailable(class, "the binding is missing"));
    }
    let asked = ask_object(&namespace, name, message, timeout_ms + ASK_MARGIN_MS);
    if let Ok(settled) = settled(&asked) {
        invocation.keep_alive(&settled);
    }
    let answer = Awaited::from(asked).await;
    answer.map_err(|error| failed(class, &error))?.as_string().ok_or_else(|| malformed_answer(class))
}

/// Returns the problem of an object that failed, and counts that.
#[inline(never)]
pub fn failed(class: Class, error: &JsValue) -> Problem {
    events::count("object_failed", class.binding());
    unavailable(class, &thrown_message(error).unwrap_or_default())
}

/// Returns the problem of an object's answer that cannot be read.
#[inline(never)]
pub fn malformed_answer(class: Class) -> Problem {
    unavailable(class, "its answer is malformed")
}

fn unavailable(class: Class, reason: &str) -> Problem {
    Problem::StoreUnavailable(format!("{}: {reason}", class.binding()))
}
