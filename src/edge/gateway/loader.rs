//! Loads the gateway: once per isolate, and again when the config in KV changes.
//!
//! A request that finds none loads it itself; it never waits for another request's I/O.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use crate::config::{Config, Diagnostic, Integration, Path, Prepared, load_with, references};
use crate::edge::gateway::state::Gateway;
use crate::edge::runtime::bindings::{self, ResolvedBindings};
use crate::edge::runtime::events;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::kv::KvNamespace;
use crate::edge::runtime::log;
use crate::edge::runtime::timing::now_ms;
use crate::edge::runtime::work::{Awaited, promise};
use crate::objects::Class;
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/gateway/inputs.js")]
extern "C" {
    /// Checks whether a module of this name was bundled with the gateway.
    fn has_service(name: &str) -> bool;

    /// Promises the text of the config that was built in.
    fn built_in_config() -> Promise;

    /// Returns the same as [`Prepared`] has it; nothing if it cannot be prepared.
    fn prepared_config() -> Vec<u8>;

    /// Keeps the text of the config that is active from here, for whoever asks which it is; `None` stands for the one that was built in.
    fn activated(text: Option<&str>);

    /// Checks whether this was built to be run by `wrangler dev`.
    fn built_for_dev() -> bool;
}

/// Variables that override every other source, the second by the older gateway's name for it.
const INLINE_VARIABLES: [&str; 2] = ["BARGATE_CONFIG_JSON", "SAG_API_CONFIG_JSON"];

/// KV binding that may have a config, and the keys it may be under, the first found being used.
const KV_BINDING: &str = "CONFIG";
const KV_KEYS: [&str; 2] = ["gateway.config.json", "api-config.json"];

/// A config in KV, and one that is invalid, is looked at again this often. KV itself may give an old text for a minute more.
const RECHECK_MS: f64 = 60_000.0;

/// If a Secrets Store refused a secret, it is asked again this soon.
const REFUSED_RECHECK_MS: f64 = 5_000.0;

/// The name of the config that was built in.
const BUILT_IN: &str = "built_in";

struct Loaded {
    gateway: Option<Rc<Gateway>>,
    /// The text of its source; `None` if that must be loaded anew.
    source: Option<String>,
    loaded_ms: f64,
    /// After how long the source is looked at again; `None` if it cannot change.
    recheck_ms: Option<f64>,
    /// When the config active was loaded.
    since_ms: f64,
    /// Where the config active came from.
    name: &'static str,
    /// Whether that is an earlier one, because the source has one that is invalid.
    last_good: bool,
    /// Why the source's config is invalid.
    reasons: String,
}

thread_local! {
    static LOADED: RefCell<Option<Loaded>> = const { RefCell::new(None) };
}

/// Returns the active gateway; waits for nothing if it is loaded.
///
/// # Errors
/// [`Problem::ConfigInvalid`] if no valid config was ever found; the log has the reasons, and [`not_configured`].
pub async fn current(invocation: &dyn Invocation) -> Result<Rc<Gateway>, Problem> {
    let now = now_ms();
    let known = LOADED.with_borrow_mut(|loaded| {
        let loaded = loaded.as_mut()?;
        // A time in the future is from before the clock was set back.
        let due = loaded.recheck_ms.is_some_and(|after| (now - loaded.loaded_ms).abs() >= after);
        if due && loaded.gateway.is_some() {
            // Taken only by this request: the next one finds a recent time, and continues with the gateway that there is.
            loaded.loaded_ms = now;
        }
        Some((loaded.gateway.clone(), due))
    });
    match known {
        None | Some((None, true)) => reload(invocation.env().clone()).await,
        Some((Some(gateway), true)) => {
            let env = invocation.env().clone();
            invocation.keep_alive(&promise(Box::pin(async move {
                reload(env).await;
                Ok(JsValue::UNDEFINED)
            })));
            Some(gateway)
        }
        Some((gateway, false)) => gateway,
    }
    .ok_or(Problem::ConfigInvalid)
}

/// Reads the config's source and activates it if it changed; if it is invalid, the last valid one stays.
async fn reload(env: Env) -> Option<Rc<Gateway>> {
    let Some(source) = read_source(&env).await else {
        return active();
    };
    if let Some(gateway) = loaded_from(&source.text) {
        return Some(gateway);
    }
    let (resolved, config) = load_source(&env, &source).await;
    let Source { text: source, rechecked, name } = source;
    // Of the requests that load at once, the first to get here decides: its caches serve the others.
    if let Some(gateway) = loaded_from(&source) {
        return Some(gateway);
    }
    let previous = active();
    log::set_level(&env);
    let mut reasons = String::new();
    let config = match config {
        Ok(config) => {
            note_missing(&env, &config, &mut reasons);
            Some(config)
        }
        Err(mistakes) => {
            for mistake in mistakes {
                note_reason(&mut reasons, &mistake.to_string());
            }
            None
        }
    };
    let fresh = reasons.is_empty();
    let gateway = match config.filter(|_| fresh) {
        Some(config) => {
            let dataset = config.analytics.as_deref().filter(|_| config.counts_events);
            events::write_to(&dataset.map_or(JsValue::UNDEFINED, |binding| bindings::raw(&env, binding)));
            events::count("config", name);
            activated((name != BUILT_IN).then_some(&source));
            warn_of_weak_seal(&config);
            warn_of_proofs(&env, &config);
            Some(Rc::new(Gateway::new(config, previous.as_deref())))
        }
        None => {
            events::count("config", "last_good");
            previous
        }
    };
    // A text is remembered with its mistakes, but not with those of a Secrets Store that may give the secret the next time.
    let refused = resolved.refused && !fresh;
    let (source, recheck_ms) = match refused {
        true => (None, Some(REFUSED_RECHECK_MS)),
        false => (Some(source), (rechecked || gateway.is_none()).then_some(RECHECK_MS)),
    };
    LOADED.with_borrow_mut(|loaded| {
        let now = now_ms();
        let kept = loaded.as_ref().map(|loaded| (loaded.name, loaded.since_ms)).filter(|_| !fresh);
        let (name, since_ms) = kept.unwrap_or((name, now));
        let gateway = gateway.clone();
        *loaded =
            Some(Loaded { gateway, source, loaded_ms: now, recheck_ms, since_ms, name, last_good: !fresh, reasons });
    });
    gateway
}

/// Loads a config with the values of its references.
async fn load_source(env: &Env, source: &Source) -> (ResolvedBindings, Result<Config, Vec<Diagnostic>>) {
    let is_built_in = source.name == BUILT_IN;
    let mut prepared = Prepared::parse(&source.text).filter(|_| is_built_in);
    loop {
        let written;
        let (text, routes) = match &prepared {
            Some(prepared) => (prepared.config, Some(prepared.routes)),
            None if is_built_in => {
                // A mistake has its place in what is written.
                written = Awaited::from(built_in_config()).await.ok().and_then(|text| text.as_string());
                (written.as_deref().unwrap_or_default(), None)
            }
            None => (&*source.text, None),
        };
        let resolved = bindings::resolve(env, &references(text)).await;
        let config = load_with(text, routes, &resolved);
        if config.is_ok() || prepared.take().is_none() {
            return (resolved, config);
        }
    }
}

/// Returns the gateway active, whatever it was loaded from.
fn active() -> Option<Rc<Gateway>> {
    LOADED.with_borrow(|loaded| loaded.as_ref()?.gateway.clone())
}

/// Returns the active gateway, if it was loaded from this text.
fn loaded_from(source: &str) -> Option<Rc<Gateway>> {
    LOADED.with_borrow(|loaded| {
        loaded.as_ref().filter(|loaded| loaded.source.as_deref() == Some(source))?.gateway.clone()
    })
}

/// A config's text, and whether it may change while the isolate lives.
struct Source {
    /// Of the config that was built in, what [`Prepared`] parses.
    text: String,
    rechecked: bool,
    name: &'static str,
}

/// Returns the config's text; `None` if KV, which may have one, cannot be read: a store that fails is not an empty store.
async fn read_source(env: &Env) -> Option<Source> {
    for name in INLINE_VARIABLES {
        if let Some(text) = bindings::variable(env, name).filter(|text| !text.trim().is_empty()) {
            return Some(Source { text, rechecked: false, name: "variable" });
        }
    }
    let built_in = |rechecked| Source {
        text: String::from_utf8(prepared_config()).unwrap_or_default(),
        rechecked,
        name: BUILT_IN,
    };
    let Some(kv) = KvNamespace::bound(env, KV_BINDING) else { return Some(built_in(false)) };
    for key in KV_KEYS {
        match kv.text(key).await {
            Ok(Some(text)) => return Some(Source { text, rechecked: true, name: "kv" }),
            Ok(None) => {}
            Err(_) => {
                log::warn("kv_unavailable", &format!("the KV binding {KV_BINDING} cannot be read"));
                return None;
            }
        }
    }
    Some(built_in(true))
}

/// Returns where the active config came from, since when, and whether it is the last valid one.
pub fn state() -> (&'static str, f64, bool) {
    LOADED.with_borrow(|loaded| {
        loaded.as_ref().map_or(("", 0.0, false), |loaded| (loaded.name, loaded.since_ms, loaded.last_good))
    })
}

/// Returns why there is no gateway, if the client may know: only in a build that runs on a developer's machine.
pub fn printable_reasons() -> Option<String> {
    let reasons = || LOADED.with_borrow(|loaded| loaded.as_ref().map(|loaded| loaded.reasons.clone()));
    if built_for_dev() { reasons() } else { None }
}

/// Logs why a config is invalid, and keeps it.
fn note_reason(reasons: &mut String, reason: &str) {
    log::error("config_invalid", reason);
    if !reasons.is_empty() {
        reasons.push_str("; ");
    }
    reasons.push_str(reason);
}

/// Notes what a config needs and is not bound.
fn note_missing(env: &Env, config: &Config, reasons: &mut String) {
    let mut needed: Vec<(&str, &str)> =
        Class::needed_by(config).iter().map(|class| ("session", class.binding())).collect();
    needed.extend(config.analytics.as_deref().map(|binding| ("analytics", binding)));
    let keys = config.authorizers.iter().filter_map(|authorizer| authorizer.api_keys()?.kv.as_deref());
    needed.extend(keys.map(|binding| ("authorizer", binding)));
    for path in &config.paths {
        needed.extend(path.pre_process.as_ref().map(|rpc| ("pre_process", rpc.binding.as_str())));
        needed.extend(path.rules.rate_limit.as_ref().map(|limit| ("rate_limit", limit.binding.as_str())));
        match &path.integration {
            Integration::ServiceBinding { binding, .. } => needed.push(("service_binding", binding)),
            Integration::Refresh { targets, .. } if !targets.is_empty() => {
                needed.push(("apis", Class::RefreshExchange.binding()));
            }
            Integration::Revocation(_) => needed.push(("revocation", Class::RefreshExchange.binding())),
            Integration::Callback { post_process: Some(rpc), .. } => needed.push(("post_process", &rpc.binding)),
            Integration::Service(name) if !has_service(name) => {
                note_reason(reasons, &format!("there is no module {name}.js beside the gateway"));
            }
            _ => {}
        }
    }
    for (section, binding) in needed {
        if !bindings::raw(env, binding).is_object() {
            let message = format!("the config's {section} needs the binding {binding}: declare it in wrangler.toml");
            note_reason(reasons, &message);
        }
    }
}

/// Warns that a proof of possession counts once in each isolate, and not once in all.
fn warn_of_proofs(env: &Env, config: &Config) {
    let binding = Class::DpopProofs.binding();
    if config.paths.iter().any(Path::takes_proofs) && !bindings::raw(env, binding).is_object() {
        log::warn("proofs_kept_by_isolate", "without the binding DPOP_PROOFS, each isolate takes a DPoP proof once");
    }
}

/// Warns of login states by which anybody who gets one can check guesses at the secret.
fn warn_of_weak_seal(config: &Config) {
    let seals_weakly =
        |path: &Path| matches!(&path.integration, Integration::Login { login, .. } if login.seals_weakly());
    if config.paths.iter().any(seals_weakly) {
        log::warn("short_client_secret", "login states are sealed with a short client_secret: add a sealing_key");
    }
}
