//! The authorizer's JWKS at the edge: isolate memory, KV, the provider, and the last valid copy.
//!
//! When to use which is decided by [`crate::jwks`]. Requests share the settled set; one that needs a set that another is
//! fetching looks for it on a timer.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Map, Value};
use wasm_bindgen::JsValue;

use crate::algorithm::Algorithm;
use crate::config::{Authorizer, Endpoints, KeySource};
use crate::edge::gateway::provider_failures;
use crate::edge::runtime::events;
use crate::edge::runtime::http_client::Call;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::kv::KvNamespace;
use crate::edge::runtime::log;
use crate::edge::runtime::timing::{LOST_AFTER_SECS, Pause, now_secs};
use crate::edge::runtime::webcrypto::{CryptoError, VerificationKey, import_key};
use crate::edge::runtime::work::{Awaited, promise};
use crate::json::{self, ToText as _};
use crate::jwks::{
    JWKS_MAX_BYTES, JWKS_SKEW_SECS, JWKS_STALE_MAX_SECS, JwksAge, KeySet, KeySetError, Readiness, UnknownKey,
};
use crate::oauth::{Discovery, TransportError};
use crate::problem::Problem;

/// The KV binding that shares key sets between isolates; without it each isolate asks the provider.
const KV_BINDING: &str = "JWKS";

/// A set with the keys that have been imported from it.
pub struct CachedJwks {
    /// The set.
    pub set: Rc<KeySet>,
    /// The provider's addresses, if they came with it.
    pub endpoints: Option<Rc<Endpoints>>,
    /// Identifies the set: a token that another set verified does not count.
    pub generation: u64,
    /// So few that a map of them weighs more than it saves. If several requests import one at once, the first is used.
    imported: RefCell<Vec<((usize, Algorithm), VerificationKey)>>,
}

impl CachedJwks {
    /// Returns a key of the set for WebCrypto, imported once.
    ///
    /// # Errors
    /// If WebCrypto does not take its numbers.
    pub async fn imported(&self, index: usize, algorithm: Algorithm) -> Result<VerificationKey, CryptoError> {
        let wanted = (index, algorithm);
        let known = self.imported.borrow().iter().find(|(of, _)| *of == wanted).map(|(_, key)| key.clone());
        if let Some(key) = known {
            return Ok(key);
        }
        let key = self.set.keys().get(index).ok_or_else(|| CryptoError("no such key".to_owned()))?;
        let imported = import_key(key, algorithm).await?;
        self.imported.borrow_mut().push((wanted, imported.clone()));
        Ok(imported)
    }
}

struct State {
    held: RefCell<Option<Rc<CachedJwks>>>,
    age: Cell<JwksAge>,
    generations: Cell<u64>,
    failure: RefCell<JwksFailure>,
}

/// The key set of one authorizer; its clones share it.
#[derive(Clone)]
pub struct JwksCache {
    source: Source,
    timeout_ms: u32,
    state: Rc<State>,
}

/// Where the set comes from.
#[derive(Clone, PartialEq, Eq)]
struct Source {
    /// Address of the JWKS, or of the discovery document that names it; none for keys in the config.
    uri: Option<String>,
    /// The issuer whose discovery document it is.
    discovered_for: Option<String>,
    /// Whether people log in there, so that the document must have the endpoints for it.
    logs_in: bool,
}

impl JwksCache {
    /// Begins without a JWKS, unless the config has it.
    pub fn new(authorizer: &Authorizer) -> Self {
        let state = State {
            held: RefCell::new(None),
            age: Cell::default(),
            generations: Cell::new(0),
            failure: RefCell::new(TransportError::Unreachable("never asked".to_owned()).into()),
        };
        if let KeySource::Given(set) = &authorizer.keys {
            state.put(Rc::clone(set), None, i64::MAX);
        }
        Self { source: Source::of(authorizer), timeout_ms: authorizer.timeout_ms, state: Rc::new(state) }
    }

    /// Returns a clone for another config's authorizer, if its keys come from the same place.
    pub fn serving(&self, authorizer: &Authorizer) -> Option<Self> {
        let source = Source::of(authorizer);
        let same = source.uri.is_some() && source == self.source;
        same.then(|| Self { source, timeout_ms: authorizer.timeout_ms, state: Rc::clone(&self.state) })
    }

    /// Returns the age of the set in memory in seconds; `None` while there is none, or if it is in the config.
    pub fn age_secs(&self) -> Option<i64> {
        let fetched_at = self.state.age.get().fetched_at?;
        self.source.uri.as_ref().map(|_| now_secs() - fetched_at)
    }

    /// Returns the generation of the set in memory; 0 while there is none.
    pub fn generation(&self) -> u64 {
        self.state.held.borrow().as_ref().map_or(0, |held| held.generation)
    }

    /// Checks whether the set in memory will do at `now` without a look anywhere else.
    pub fn is_fresh(&self, now: i64) -> bool {
        self.state.age.get().readiness(now) == Readiness::Use
    }

    /// Returns a set that may be used.
    ///
    /// # Errors
    /// If none can be had: the provider's failure.
    pub async fn current(&self, invocation: &dyn Invocation) -> Result<Rc<CachedJwks>, Problem> {
        loop {
            match self.state.age.get().readiness(now_secs()) {
                Readiness::Use => break,
                Readiness::UseAndRenew => {
                    let _ = self.begin_renewal(invocation, Reason::Stale);
                    break;
                }
                Readiness::Load => {
                    self.renew(invocation, Reason::Missing).await;
                    // KV may have given an old copy.
                    if self.state.age.get().readiness(now_secs()) == Readiness::UseAndRenew {
                        let _ = self.begin_renewal(invocation, Reason::Stale);
                    }
                    break;
                }
                Readiness::Wait => self.wait().await,
                Readiness::Unavailable => return Err(self.state.failure()),
            }
        }
        let held = self.state.held.borrow().clone().filter(|_| self.state.age.get().is_usable(now_secs()));
        held.ok_or_else(|| self.state.failure())
    }

    /// Returns the set after a fetch for a key that `seen` does not have; if it is still `seen`, whether that is of before `issued_at`,
    /// when the token that names the key says that it was issued, so that the key may well exist.
    ///
    /// # Errors
    /// If the provider did not say: the key may well exist.
    pub async fn renewed(
        &self,
        invocation: &dyn Invocation,
        seen: &CachedJwks,
        issued_at: i64,
    ) -> Result<Result<Rc<CachedJwks>, bool>, Problem> {
        let mut has_asked = false;
        loop {
            // Whoever renewed since the look-up may have brought the key.
            let held = self.state.held.borrow().clone();
            if let Some(held) = held.filter(|held| held.generation != seen.generation) {
                return Ok(Ok(held));
            }
            match self.state.age.get().on_unknown_key(now_secs()) {
                UnknownKey::Renew if self.source.uri.is_none() => return Ok(Err(false)),
                UnknownKey::Renew => {
                    self.renew(invocation, Reason::UnknownKey).await;
                    has_asked = true;
                }
                UnknownKey::Wait => self.wait().await,
                UnknownKey::Refuse => {
                    return Ok(Err(!has_asked && self.state.age.get().may_be_older_than(issued_at)));
                }
                UnknownKey::Unavailable => return Err(self.state.failure()),
            }
        }
    }

    async fn renew(&self, invocation: &dyn Invocation, reason: Reason) {
        // A failure is stored in the state, where waiting requests find it too.
        let _ = Awaited::from(self.begin_renewal(invocation, reason)).await;
    }

    /// Starts a renewal that continues when the client hangs up.
    fn begin_renewal(&self, invocation: &dyn Invocation, reason: Reason) -> js_sys::Promise {
        let state = Rc::clone(&self.state);
        if reason == Reason::Stale {
            events::count("jwks", "stale");
        }
        let mut age = state.age.get();
        let calls = if self.source.discovered_for.is_some() { 2 } else { 1 };
        let until = now_secs() + calls * i64::from(self.timeout_ms.div_ceil(1000)) + LOST_AFTER_SECS;
        age.begin(now_secs(), until, reason == Reason::UnknownKey);
        state.age.set(age);

        let kv = KvNamespace::bound(invocation.env(), KV_BINDING);
        let (source, timeout_ms) = (self.source.clone(), self.timeout_ms);
        let (kv_to_read, uri) = (kv.clone(), self.source.uri.clone().unwrap_or_default());
        let loaded = promise(Box::pin(async move {
            let stored = state.fetch(&source, timeout_ms, kv_to_read, reason).await;
            Ok(stored.map_or(JsValue::UNDEFINED, JsValue::from))
        }));
        invocation.keep_alive(&loaded);
        // Nobody waits for the store.
        let from = loaded.clone();
        invocation.keep_alive(&promise(Box::pin(async move {
            if let Some(stored) = Awaited::from(from).await?.as_string() {
                write_kv(kv.as_ref(), &uri, &stored).await;
            }
            Ok(JsValue::UNDEFINED)
        })));
        loaded
    }

    /// Waits until the running renewal has ended, or must have been lost.
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

/// Why there is no set. Not kept as the [`Problem`] that it becomes: a way to clone those would be most of a kibibyte.
#[derive(Clone)]
enum JwksFailure {
    /// The provider gave no answer.
    Transport(TransportError),
    /// A document cannot be used: which, and the status that it came with instead of 200.
    Document(&'static str, Option<u16>),
}

impl From<TransportError> for JwksFailure {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl Source {
    fn of(authorizer: &Authorizer) -> Self {
        let (uri, discovered_for) = match &authorizer.keys {
            KeySource::KeySet(uri) => (Some(uri), None),
            KeySource::Discovery(uri) => (Some(uri), Some(&authorizer.issuer)),
            KeySource::Given(_) | KeySource::ApiKeys(_) => (None, None),
        };
        let logs_in = authorizer.logs_in && discovered_for.is_some();
        Self { uri: uri.cloned(), discovered_for: discovered_for.cloned(), logs_in }
    }
}

impl State {
    /// Gets a JWKS and activates it; returns the text for KV if it came from the provider.
    async fn fetch(&self, source: &Source, timeout_ms: u32, kv: Option<KvNamespace>, reason: Reason) -> Option<String> {
        let uri = source.uri.as_deref().unwrap_or_default();
        if reason == Reason::Missing {
            // An old copy will do as well: it is renewed behind the answer.
            if let Some((set, endpoints, fetched_at)) = read_kv(kv.as_ref(), source, uri).await {
                self.put(Rc::new(set), endpoints, fetched_at);
                return None;
            }
        }
        match fetch_documents(source, uri, timeout_ms).await {
            Ok((set, endpoints, mut stored)) => {
                events::count("jwks", "renewed");
                let fetched_at = now_secs();
                self.put(Rc::new(set), endpoints, fetched_at);
                stored.insert("fetched_at".to_owned(), fetched_at.into());
                Some(Value::Object(stored).to_text())
            }
            Err((failure, reason)) => {
                log::warn("jwks_unavailable", &reason);
                *self.failure.borrow_mut() = failure;
                let failure = self.failure();
                provider_failures::note(&failure);
                events::count("jwks", failure.code());
                self.end(None);
                None
            }
        }
    }

    /// Returns the problem for requests that need a set while there is none.
    fn failure(&self) -> Problem {
        match self.failure.borrow().clone() {
            JwksFailure::Transport(error) => error.into(),
            JwksFailure::Document(which, status) => Problem::IdpError(which, status),
        }
    }

    /// Puts a set active. One that brings nothing else keeps the generation, and with it what was verified.
    fn put(&self, set: Rc<KeySet>, endpoints: Option<Rc<Endpoints>>, fetched_at: i64) {
        let same = |held: &Rc<CachedJwks>| held.set == set && held.endpoints == endpoints;
        if !self.held.borrow().as_ref().is_some_and(same) {
            let generation = self.generations.get() + 1;
            self.generations.set(generation);
            let held = CachedJwks { set, endpoints, generation, imported: RefCell::default() };
            *self.held.borrow_mut() = Some(Rc::new(held));
        }
        self.end(Some(fetched_at));
    }

    fn end(&self, fetched_at: Option<i64>) {
        let mut age = self.age.get();
        age.end(fetched_at, now_secs());
        self.age.set(age);
    }
}

/// A key set, the addresses that came with it, and what is stored of both.
type Documents = (KeySet, Option<Rc<Endpoints>>, Map<String, Value>);

/// Fetches the JWKS, and before it the discovery document if that has its address.
///
/// # Errors
/// The answer to the client; and for the log, which document it is about and why.
async fn fetch_documents(source: &Source, uri: &str, timeout_ms: u32) -> Result<Documents, (JwksFailure, String)> {
    let (mut stored, mut endpoints, mut uri) = (Map::new(), None, uri.to_owned());
    let mut sought = source.discovered_for.as_deref();
    loop {
        let [not_had, redirects, not_usable] = match sought {
            Some(_) => [
                "its discovery document was not answered with 200",
                "its discovery document redirects, which is not followed: set the discovery_url that it leads to",
                "its discovery document cannot be used",
            ],
            None => [
                "its key set was not answered with 200",
                "its key set redirects, which is not followed: the jwks_uri has to be the address that it leads to",
                "its key set cannot be used",
            ],
        };
        let about = |failure: JwksFailure, reason: &str| {
            let place = uri.split('?').next().unwrap_or_default();
            (failure, [place, ": ", reason].concat())
        };
        let unusable = |reason: String| about(JwksFailure::Document(not_usable, None), &reason);
        let call = Call { url: &uri, form: None, authorization: None, signed_answer: false, timeout_ms };
        let document = match call.send_bounded(JWKS_MAX_BYTES).await {
            Ok(answer) if answer.status == 200 => answer.body,
            Ok(answer) => {
                let not_had = if matches!(answer.status, 300..=399) { redirects } else { not_had };
                let reason = format!("{not_had}: status {}{}", answer.status, status_words(answer.status));
                return Err(about(JwksFailure::Document(not_had, Some(answer.status)), &reason));
            }
            Err(TransportError::TooLarge) => return Err(unusable(KeySetError::TooLarge.to_string())),
            Err(error) => {
                let reason = error.to_string();
                return Err(about(error.into(), &reason));
            }
        };
        let Some(issuer) = sought.take() else {
            let set = KeySet::parse(&document).map_err(|error| unusable(error.to_string()))?;
            stored.insert("document".to_owned(), document.into());
            return Ok((set, endpoints, stored));
        };
        let discovery = Discovery::parse(&document, issuer, source.logs_in).map_err(unusable)?;
        stored.insert("discovery".to_owned(), document.into());
        (uri, endpoints) = (discovery.jwks_uri, discovery.endpoints);
    }
}

/// Describes what a status usually means for a public document.
fn status_words(status: u16) -> &'static str {
    match status {
        401 | 403 => ", something before it refuses the gateway",
        404 => ", there is none at this address",
        _ => "",
    }
}

fn kv_key(uri: &str) -> String {
    format!("jwks:{uri}")
}

/// Returns the JWKS in KV with the time when it was fetched, if it is young enough to be used at all.
async fn read_kv(kv: Option<&KvNamespace>, source: &Source, uri: &str) -> Option<(KeySet, Option<Rc<Endpoints>>, i64)> {
    let Ok(text) = kv?.text(&kv_key(uri)).await else {
        log::warn("kv_unavailable", &format!("the KV binding {KV_BINDING} cannot be read"));
        return None;
    };
    // A form that a later version stores has a member `version`.
    let stored = json::parse_object(text?.as_bytes()).filter(|stored| !stored.contains_key("version"))?;
    let stored_at = stored.get("fetched_at").and_then(Value::as_i64)?;
    let now = now_secs();
    // Another isolate fetched it, by a clock that may be ahead.
    let fetched_at = stored_at.min(now);
    let age = JwksAge { fetched_at: Some(fetched_at), ..JwksAge::default() };
    let usable = stored_at - fetched_at <= JWKS_SKEW_SECS && age.is_usable(now);
    let set = KeySet::parse(json::text(&stored, "document")?).ok().filter(|_| usable)?;
    let endpoints = match &source.discovered_for {
        Some(issuer) => Discovery::parse(json::text(&stored, "discovery")?, issuer, source.logs_in).ok()?.endpoints,
        None => None,
    };
    Some((set, endpoints, fetched_at))
}

async fn write_kv(kv: Option<&KvNamespace>, uri: &str, stored: &str) {
    let Some(kv) = kv else { return };
    let lifetime_secs = u32::try_from(JWKS_STALE_MAX_SECS).unwrap_or_default();
    if kv.put(&kv_key(uri), stored, lifetime_secs).await.is_err() {
        log::warn("kv_unavailable", &format!("the KV binding {KV_BINDING} cannot be written"));
    }
}
