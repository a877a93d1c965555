//! The Worker's bindings, as the config's references see them.

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::Env;
use worker::worker_sys::SecretStoreSys;

use crate::config::{Binding, Bindings, Reference};
use crate::edge::runtime::timing::{Elapsed, within};

/// How long a read of KV or of a Secrets Store may take, in milliseconds: a store that hangs must not hang a request that can
/// work without it, or report it.
const STORE_TIMEOUT_MS: u32 = 3_000;

/// The values behind a config's references.
pub struct ResolvedBindings {
    values: Vec<(String, String)>,
    /// Whether a Secrets Store refused to give a secret: it may have none, or be out of reach for a moment.
    pub refused: bool,
}

impl Bindings for ResolvedBindings {
    fn look_up(&self, reference: &Reference) -> Binding {
        let found = self.values.iter().find(|(name, _)| *name == reference.name);
        found.map_or(Binding::Missing, |(_, value)| Binding::Value(value.clone()))
    }
}

/// Returns a binding as it is; `undefined` if there is none.
pub fn raw(env: &Env, name: &str) -> JsValue {
    Reflect::get(env, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// Reads what a config refers to. Waits for nothing unless a secret lives in a Secrets Store.
pub async fn resolve(env: &Env, references: &[Reference]) -> ResolvedBindings {
    let mut resolved = ResolvedBindings { values: Vec::with_capacity(references.len()), refused: false };
    for Reference { name, .. } in references {
        let binding = raw(env, name);
        let value = match scalar(&binding) {
            None if binding.is_object() => from_secrets_store(&binding).await.unwrap_or_else(|_| {
                resolved.refused = true;
                None
            }),
            value => value,
        };
        if let Some(value) = value {
            resolved.values.push((name.clone(), value));
        }
    }
    resolved
}

/// Returns a variable's text: a string as it is, a number or boolean as JSON writes it.
fn scalar(binding: &JsValue) -> Option<String> {
    if let Some(text) = binding.as_string() {
        return Some(text);
    }
    let plain = binding.as_f64().is_some() || binding.as_bool().is_some();
    plain.then(|| js_sys::JSON::stringify(binding).ok()?.as_string()).flatten()
}

/// Asks a Secrets Store binding, which is an object with an async `get`; any other object has no text to give.
async fn from_secrets_store(binding: &JsValue) -> Result<Option<String>, JsValue> {
    let has_get = Reflect::get(binding, &"get".into()).is_ok_and(|get| get.is_function());
    if !has_get {
        return Ok(None);
    }
    // Called as a method and awaited as a thenable: if the store is reached by RPC, `get` has no `call` of its own, and returns no
    // `Promise`.
    let value = binding.unchecked_ref::<SecretStoreSys>().get()?;
    read_text(&Promise::resolve(&value)).await
}

/// Waits for the answer of a store, and returns it if it is text.
///
/// # Errors
/// What the store threw, or that it took longer than [`STORE_TIMEOUT_MS`].
pub async fn read_text(reading: &Promise) -> Result<Option<String>, JsValue> {
    let read = within(STORE_TIMEOUT_MS, JsFuture::from(reading.clone())).await;
    let read = read.map_err(|Elapsed| JsValue::from_str("it took too long"))?;
    Ok(read?.as_string())
}
