//! The Worker's bindings, as the config's references see them.

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use crate::config::{Binding, Bindings, Reference};
use crate::edge::runtime::work::Awaited;

#[wasm_bindgen(module = "/src/edge/runtime/bindings.js")]
extern "C" {
    /// Returns a binding as it is; `undefined` if there is none.
    pub fn raw(env: &Env, name: &str) -> JsValue;

    /// Returns the text of a variable, of one that is JSON too.
    pub fn variable(env: &Env, name: &str) -> Option<String>;

    /// Returns a promise of whether a Secrets Store refused a secret, and of the texts of bindings by their names, one a line.
    fn texts(env: &Env, names: &str, ms: u32) -> Promise;
}

/// How long a read of KV or of a Secrets Store may take, in milliseconds: a store that hangs must not hang a request that can
/// work without it, or report it.
pub const STORE_TIMEOUT_MS: u32 = 3_000;

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

/// Reads what a config refers to. Waits for no I/O unless a secret lives in a Secrets Store.
pub async fn resolve(env: &Env, references: &[Reference]) -> ResolvedBindings {
    let names: Vec<&str> = references.iter().map(|reference| reference.name.as_str()).collect();
    let read = Awaited::from(texts(env, &names.join("\n"), STORE_TIMEOUT_MS)).await;
    let Ok(read) = read.map(JsCast::unchecked_into::<Array>) else {
        return ResolvedBindings { values: Vec::new(), refused: true };
    };
    let known = names.into_iter().zip(1..).filter_map(|(name, at)| Some((name.to_owned(), read.get(at).as_string()?)));
    ResolvedBindings { values: known.collect(), refused: read.get(0).is_truthy() }
}
