//! A Durable Object, from inside: the one text that it keeps, its alarm, and its work.
//!
//! Requests to one object share its I/O, so here they may share a promise, too.

use crate::edge::runtime::work::{Awaited, Work, promise};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

// What may throw is caught: an exception that passes through WebAssembly ends the instance.
#[wasm_bindgen(module = "/src/edge/runtime/stored_object.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn kept(object: &StoredObject) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(catch)]
    fn keep(object: &StoredObject, text: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn wake(object: &StoredObject, at_ms: f64) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch)]
    fn erase(object: &StoredObject) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch)]
    fn background(object: &StoredObject, work: &Promise) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn start(object: &StoredObject, flight: &Promise, name: &str) -> Result<(), JsValue>;

    /// Adds a message that waits for the running work.
    fn add_waiting(object: &StoredObject, message: &str);

    /// Takes the first message that waits.
    fn take_waiting(object: &StoredObject) -> Option<String>;

    /// An object, from inside.
    #[derive(Clone)]
    pub type StoredObject;

    /// Returns the Worker's bindings.
    #[wasm_bindgen(method, getter)]
    pub fn env(this: &StoredObject) -> Env;

    #[wasm_bindgen(method, getter)]
    fn flight(this: &StoredObject) -> Option<Promise>;

    #[wasm_bindgen(method, getter, js_name = flightName)]
    fn flight_name(this: &StoredObject) -> String;
}

/// The work of an object, of which one at a time is running.
pub struct Shared {
    /// Its promise.
    pub work: Promise,
    /// Whether it is of the name that was asked for. If not, who asked looks again when it has ended.
    pub is_own: bool,
}

/// What an object says of a message that it does not understand.
pub const MALFORMED_MESSAGE: &str = "the message is malformed";

impl StoredObject {
    /// Returns the text that it keeps.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn kept(&self) -> Result<Option<String>, JsValue> {
        kept(self)
    }

    /// Keeps a text; what the object answers from here on goes out only once that is stored.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn keep(&self, text: &str) -> Result<(), JsValue> {
        keep(self, text)
    }

    /// Keeps a text until the alarm at `until_ms`.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn keep_until(&self, text: &str, until_ms: i64) -> impl Future<Output = Result<(), JsValue>> {
        done(self.keep(text).and_then(|()| wake(self, as_number(until_ms))))
    }

    /// Sets its alarm, in milliseconds since 1970.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn wake_at(&self, at_ms: i64) -> impl Future<Output = Result<(), JsValue>> {
        done(wake(self, as_number(at_ms)))
    }

    /// Erases all that it keeps, its alarm included.
    ///
    /// # Errors
    /// If the store refuses.
    pub fn erase(&self) -> impl Future<Output = Result<(), JsValue>> {
        done(erase(self))
    }

    /// Has work done behind the answer.
    ///
    /// # Errors
    /// If the runtime refuses.
    pub fn in_background(&self, work: Work) -> Result<(), JsValue> {
        background(self, &promise(work))
    }

    /// Checks whether work of the object is running.
    pub fn is_busy(&self) -> bool {
        self.running().is_some()
    }

    /// Returns the running work.
    pub fn running(&self) -> Option<Promise> {
        self.flight()
    }

    /// Adds a message for the running work, which takes it when it can. What work leaves behind is forgotten.
    pub fn add_waiting(&self, message: &str) {
        add_waiting(self, message);
    }

    /// Takes the first message that was added for the running work.
    pub fn take_waiting(&self) -> Option<String> {
        take_waiting(self)
    }

    /// Returns the running work, or starts the one of this name. It continues when its requesters have hung up.
    ///
    /// # Errors
    /// If it cannot be remembered.
    pub fn share(&self, name: &str, work: impl FnOnce() -> Work) -> Result<Shared, JsValue> {
        if let Some(work) = self.flight() {
            return Ok(Shared { work, is_own: self.flight_name() == name });
        }
        let work = promise(work());
        start(self, &work, name)?;
        Ok(Shared { work, is_own: true })
    }
}

/// Waits until the store has done something.
async fn done(begun: Result<Promise, JsValue>) -> Result<(), JsValue> {
    Awaited::from(begun?).await.map(|_| ())
}

#[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
const fn as_number(at_ms: i64) -> f64 {
    at_ms as f64
}
