//! The authorizer's key set at the edge: isolate memory, KV, the provider, and the last good copy of either.
//!
//! When to use which is decided by [`crate::jwks`]. Requests share the settled set; one that needs a set that another is
//! fetching looks for it on a timer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::CryptoKey;

use super::exchange::Exchange;
use super::kv::KvNamespace;
use super::log;
use super::provider::Call;
use super::timing::{LOST_AFTER_SECS, Pause, now_secs};
use super::webcrypto::{CryptoError, import_key};
use crate::config::{Algorithm, Auth0};
use crate::json;
use crate::jwks::{JWKS_MAX_BYTES, JWKS_STALE_MAX_SECS, KeySet, KeySetAge, KeySetError, Readiness, UnknownKey};
use crate::oauth::TransportError;
use crate::problem::Problem;

/// The KV binding that shares key sets between isolates; without it each isolate asks the provider.
const KV_BINDING: &str = "JWKS";

/// A set with the keys that have been imported from it.
pub struct HeldKeys {
    /// The set.
    pub set: KeySet,
    /// Tells sets apart: what one has verified, another has not.
    pub generation: u64,
    imported: RefCell<HashMap<(usize, Algorithm), CryptoKey>>,
}

impl HeldKeys {
    /// Gives a key of the set for WebCrypto, imported once.
    ///
    /// # Errors
    /// Where WebCrypto does not take its numbers.
    pub async fn imported(&self, index: usize, algorithm: Algorithm) -> Result<CryptoKey, CryptoError> {
        let known = self.imported.borrow().get(&(index, algorithm)).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let key = self.set.keys().get(index).ok_or_else(|| CryptoError("no such key".to_owned()))?;
        let imported = import_key(key, algorithm).await?;
        self.imported.borrow_mut().insert((index, algorithm), imported.clone());
        Ok(imported)
    }
}

struct State {
    held: RefCell<Option<Rc<HeldKeys>>>,
    age: Cell<KeySetAge>,
    generations: Cell<u64>,
    failure: RefCell<Problem>,
}

/// The key set of one authorizer; its clones share it.
#[derive(Clone)]
pub struct KeyRing {
    uri: String,
    state: Rc<State>,
}

impl KeyRing {
    /// Begins without a set.
    pub fn new(uri: &str) -> Self {
        let state = State {
            held: RefCell::new(None),
            age: Cell::default(),
            generations: Cell::new(0),
            failure: RefCell::new(Problem::IdpUnavailable("never asked".to_owned())),
        };
        Self { uri: uri.to_owned(), state: Rc::new(state) }
    }

    /// Gives the generation of the set in memory; 0 while there is none.
    pub fn generation(&self) -> u64 {
        self.state.held.borrow().as_ref().map_or(0, |held| held.generation)
    }

    /// Tells whether the set in memory will do at `now` without a look anywhere else.
    pub fn is_fresh(&self, now: i64) -> bool {
        self.state.age.get().readiness(now) == Readiness::Use
    }

    /// Gives a set that may be used.
    ///
    /// # Errors
    /// Where none can be had: the provider's failure.
    pub async fn current(&self, exchange: &Exchange, auth0: &Auth0) -> Result<Rc<HeldKeys>, Problem> {
        loop {
            match self.state.age.get().readiness(now_secs()) {
                Readiness::Use => break,
                Readiness::UseAndRenew => {
                    let _ = self.begin_renewal(exchange, auth0, Reason::Stale);
                    break;
                }
                Readiness::Load => {
                    self.renew(exchange, auth0, Reason::Missing).await;
                    // KV may have given an old copy.
                    if self.state.age.get().readiness(now_secs()) == Readiness::UseAndRenew {
                        let _ = self.begin_renewal(exchange, auth0, Reason::Stale);
                    }
                    break;
                }
                Readiness::Wait => self.wait().await,
                Readiness::Unavailable => return Err(self.state.failure.borrow().clone()),
            }
        }
        let held = self.state.held.borrow().clone().filter(|_| self.state.age.get().is_usable(now_secs()));
        held.ok_or_else(|| self.state.failure.borrow().clone())
    }

    /// Gives the set after the provider was asked for a key that `seen` has not; `None` where it is still `seen`.
    ///
    /// # Errors
    /// Where the provider did not say: the key may well exist.
    pub async fn renewed(
        &self,
        exchange: &Exchange,
        auth0: &Auth0,
        seen: &HeldKeys,
    ) -> Result<Option<Rc<HeldKeys>>, Problem> {
        loop {
            // Whoever renewed since the look-up may have brought the key.
            let held = self.state.held.borrow().clone();
            if let Some(held) = held.filter(|held| held.generation != seen.generation) {
                return Ok(Some(held));
            }
            match self.state.age.get().on_unknown_key(now_secs()) {
                UnknownKey::Renew => self.renew(exchange, auth0, Reason::UnknownKey).await,
                UnknownKey::Wait => self.wait().await,
                UnknownKey::Refuse => return Ok(None),
                UnknownKey::Unavailable => return Err(self.state.failure.borrow().clone()),
            }
        }
    }

    async fn renew(&self, exchange: &Exchange, auth0: &Auth0, reason: Reason) {
        // A failure is in the state, where those who wait find it too.
        let _ = JsFuture::from(self.begin_renewal(exchange, auth0, reason)).await;
    }

    /// Begins a renewal that goes on when the client hangs up.
    fn begin_renewal(&self, exchange: &Exchange, auth0: &Auth0, reason: Reason) -> js_sys::Promise {
        let state = Rc::clone(&self.state);
        let mut age = state.age.get();
        let until = now_secs() + i64::from(auth0.timeout_ms.div_ceil(1000)) + LOST_AFTER_SECS;
        age.begin(now_secs(), until, reason == Reason::UnknownKey);
        state.age.set(age);

        let kv = KvNamespace::bound(&exchange.env, KV_BINDING);
        let (uri, timeout_ms) = (self.uri.clone(), auth0.timeout_ms);
        let (kv_to_read, uri_to_read) = (kv.clone(), uri.clone());
        let loaded = future_to_promise(async move {
            let stored = state.fetch(&uri_to_read, timeout_ms, kv_to_read, reason).await;
            Ok(stored.map_or(JsValue::UNDEFINED, JsValue::from))
        });
        exchange.keep_alive(&loaded);
        // Nobody waits for the store.
        let from = loaded.clone();
        exchange.keep_alive(&future_to_promise(async move {
            if let Some(stored) = JsFuture::from(from).await?.as_string() {
                write_kv(kv.as_ref(), &uri, &stored).await;
            }
            Ok(JsValue::UNDEFINED)
        }));
        loaded
    }

    /// Waits until the renewal under way has ended, or must have been lost.
    async fn wait(&self) {
        let mut pause = Pause::default();
        while self.state.age.get().is_renewing(now_secs()) {
            pause.wait().await;
        }
    }
}

/// Why a set is fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// The isolate has none: KV may.
    Missing,
    /// The one at hand is old.
    Stale,
    /// A token names a key that it has not.
    UnknownKey,
}

impl State {
    /// Gets a set and puts it in force; gives what KV should hold of it where it came from the provider.
    async fn fetch(&self, uri: &str, timeout_ms: u32, kv: Option<KvNamespace>, reason: Reason) -> Option<String> {
        if reason == Reason::Missing {
            // An old copy will do as well: it is renewed behind the answer.
            if let Some((set, fetched_at)) = read_kv(kv.as_ref(), uri).await {
                self.put(set, fetched_at);
                return None;
            }
        }
        let call = Call { url: uri, form: None, bearer: None, timeout_ms };
        match call.send_bounded(JWKS_MAX_BYTES).await {
            Ok(answer) if answer.status == 200 => match KeySet::parse(&answer.body) {
                Ok(set) => {
                    let fetched_at = now_secs();
                    self.put(set, fetched_at);
                    return Some(json!({"fetched_at": fetched_at, "document": answer.body}).to_string());
                }
                Err(error) => self.fail(uri, Problem::IdpError("its key set cannot be used", None), &error.to_string()),
            },
            Ok(answer) => {
                let problem = Problem::IdpError("its key set was not answered with 200", Some(answer.status));
                self.fail(uri, problem, &format!("status {}", answer.status));
            }
            Err(TransportError::TooLarge) => {
                let problem = Problem::IdpError("its key set cannot be used", None);
                self.fail(uri, problem, &KeySetError::TooLarge.to_string());
            }
            Err(error) => {
                let reason = error.to_string();
                self.fail(uri, error.into(), &reason);
            }
        }
        self.end(None);
        None
    }

    /// Puts a set in force. One that brings nothing else keeps the generation, and with it what was verified.
    fn put(&self, set: KeySet, fetched_at: i64) {
        if self.held.borrow().as_ref().is_some_and(|held| held.set == set) {
            self.end(Some(fetched_at));
            return;
        }
        let generation = self.generations.get() + 1;
        self.generations.set(generation);
        *self.held.borrow_mut() = Some(Rc::new(HeldKeys { set, generation, imported: RefCell::default() }));
        self.end(Some(fetched_at));
    }

    fn end(&self, fetched_at: Option<i64>) {
        let mut age = self.age.get();
        age.end(fetched_at, now_secs());
        self.age.set(age);
    }

    fn fail(&self, uri: &str, problem: Problem, reason: &str) {
        log::warn("jwks_unavailable", &format!("{uri}: {reason}"));
        *self.failure.borrow_mut() = problem;
    }
}

fn kv_key(uri: &str) -> String {
    format!("jwks:{uri}")
}

/// Gives the set in KV with the time it was fetched, where it is young enough to be used at all.
async fn read_kv(kv: Option<&KvNamespace>, uri: &str) -> Option<(KeySet, i64)> {
    let Ok(text) = kv?.text(&kv_key(uri)).await else {
        log::warn("kv_unavailable", &format!("the KV binding {KV_BINDING} cannot be read"));
        return None;
    };
    let stored = json::parse_object(text?.as_bytes())?;
    let fetched_at = stored.get("fetched_at").and_then(Value::as_i64)?;
    let now = now_secs();
    let age = KeySetAge { fetched_at: Some(fetched_at), ..KeySetAge::default() };
    let usable = fetched_at <= now && age.is_usable(now);
    let set = KeySet::parse(json::text(&stored, "document")?).ok().filter(|_| usable)?;
    Some((set, fetched_at))
}

async fn write_kv(kv: Option<&KvNamespace>, uri: &str, stored: &str) {
    let Some(kv) = kv else { return };
    let lifetime_secs = u32::try_from(JWKS_STALE_MAX_SECS).unwrap_or_default();
    if kv.put(&kv_key(uri), stored, lifetime_secs).await.is_err() {
        log::warn("kv_unavailable", &format!("the KV binding {KV_BINDING} cannot be written"));
    }
}
