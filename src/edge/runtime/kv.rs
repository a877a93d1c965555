//! Workers KV, as far as the gateway needs it: text by key.

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::Env;

use crate::edge::runtime::bindings::{self, STORE_TIMEOUT_MS};
use crate::edge::runtime::timing::within;
use crate::edge::runtime::work::Awaited;

#[wasm_bindgen]
extern "C" {
    /// A KV namespace.
    #[derive(Clone)]
    pub type KvNamespace;

    #[wasm_bindgen(method, catch, js_name = get)]
    fn get_promise(this: &KvNamespace, key: &str) -> Result<Promise, JsValue>;
}

#[wasm_bindgen(module = "/src/edge/runtime/kv.js")]
extern "C" {
    fn put(namespace: &KvNamespace, key: &str, text: &str, lifetime_secs: u32) -> Promise;
}

impl KvNamespace {
    /// Returns the namespace bound as `name`, if there is one.
    pub fn bound(env: &Env, name: &str) -> Option<Self> {
        let binding = bindings::raw(env, name);
        binding.is_object().then(|| binding.unchecked_into())
    }

    /// Returns the text at `key`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn text(&self, key: &str) -> Result<Option<String>, JsValue> {
        let read = within(STORE_TIMEOUT_MS, &self.get_promise(key)?);
        Ok(Awaited::from(read).await?.as_string())
    }

    /// Puts a text that the store forgets after `lifetime_secs`.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn put(&self, key: &str, text: &str, lifetime_secs: u32) -> Result<(), JsValue> {
        Awaited::from(put(self, key, text, lifetime_secs)).await.map(|_| ())
    }
}
