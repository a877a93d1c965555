//! Durable Objects: asking one, and being one.
//!
//! An object gets a message of JSON and answers with JSON; what it keeps is one text. `worker.mjs` has the classes, which
//! hand every message and alarm to [`answer`]. Requests to one object share its I/O, so here they may share a promise, too.

mod logout_index;
mod refresh_exchange;
mod session;

use js_sys::Promise;
use serde_json::{Map, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

use crate::config::{Config, Integration};
use crate::edge::gateway::{self, Gateway};
use crate::edge::runtime::bindings;
use crate::edge::runtime::host::thrown_message;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::panic::{Work, guarded_promise};
use crate::edge::runtime::webcrypto::fresh_text;
use crate::json;
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/host.js")]
extern "C" {
    /// Calls an object. A call that fails is made once more: an object that is moved or whose code was updated fails the calls under
    /// way. What the first may have done is no harm to the second: an exchange or a logout is replayed to its asker, and the rest
    /// can be repeated.
    fn ask(namespace: &JsValue, name: &str, message: &str, ms: u32) -> Promise;

    // What may throw is caught: an exception that passes through WebAssembly ends the instance.

    /// Gives a promise that is fulfilled whatever becomes of this one.
    #[wasm_bindgen(catch)]
    fn settled(promise: &Promise) -> Result<Promise, JsValue>;

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
    fn depart(object: &StoredObject, flight: &Promise) -> Result<(), JsValue>;

    /// An object, from inside.
    #[derive(Clone)]
    pub type StoredObject;

    /// Gives the Worker's bindings.
    #[wasm_bindgen(method, getter)]
    pub fn env(this: &StoredObject) -> Env;

    #[wasm_bindgen(method, getter)]
    fn flight(this: &StoredObject) -> Option<Promise>;
}

/// An object that is busy with the provider answers this much later than the provider at the latest.
const ASK_MARGIN_MS: u32 = 3_000;

/// The classes of objects.
#[derive(Clone, Copy)]
pub enum Class {
    /// The exchange of one refresh token.
    RefreshExchange,
    /// One session.
    Session,
    /// The sessions of one user, or of one session at the provider; or the use of one login's state.
    LogoutIndex,
}

/// Gives the classes without which a config cannot be served.
pub fn needed_by(config: &Config) -> Vec<Class> {
    let mut needed = Vec::new();
    if config.session.is_some() {
        needed.extend([Class::Session, Class::RefreshExchange]);
        if has_backchannel_logout(config) {
            needed.push(Class::LogoutIndex);
        }
    }
    needed
}

/// Tells whether the provider can end sessions here, so that they must be found by user.
pub fn has_backchannel_logout(config: &Config) -> bool {
    config.paths.iter().any(|path| matches!(path.integration, Integration::BackchannelLogout))
}

impl Class {
    /// Names the binding of the class.
    pub fn binding(self) -> &'static str {
        match self {
            Self::RefreshExchange => "REFRESH_EXCHANGES",
            Self::Session => "SESSIONS",
            Self::LogoutIndex => "LOGOUT_INDEX",
        }
    }

    /// Tells whether the Worker has the binding.
    pub fn is_bound(self, env: &Env) -> bool {
        bindings::raw(env, self.binding()).is_object()
    }

    /// Sends a message to the object called `name` and gives its answer. The object may spend `timeout_ms` on the provider.
    ///
    /// # Errors
    /// [`Problem::StoreUnavailable`] where there is none.
    pub async fn ask(
        self,
        invocation: &dyn Invocation,
        name: &str,
        message: &Value,
        timeout_ms: u32,
    ) -> Result<Map<String, Value>, Problem> {
        let namespace = bindings::raw(invocation.env(), self.binding());
        if !namespace.is_object() {
            return Err(self.unavailable("the binding is missing"));
        }
        let asked = ask(&namespace, name, &message.to_string(), timeout_ms + ASK_MARGIN_MS);
        if let Ok(settled) = settled(&asked) {
            invocation.keep_alive(&settled);
        }
        let answer = JsFuture::from(asked).await;
        let answer = answer.map_err(|error| self.unavailable(&thrown_message(&error).unwrap_or_default()))?;
        let members = answer.as_string().and_then(|text| json::parse_object(text.as_bytes()));
        members.ok_or_else(|| self.unavailable("its answer is malformed"))
    }

    fn unavailable(self, reason: &str) -> Problem {
        Problem::StoreUnavailable(format!("{}: {reason}", self.binding()))
    }
}

/// Gives the message by which an index takes `jti` for spent until then, in seconds since 1970.
///
/// # Errors
/// [`Problem::Internal`] where WebCrypto fails.
pub fn spend(jti: &str, until: i64) -> Result<Value, Problem> {
    Ok(json::object(&mut [("jti", jti.into()), ("until", until.into()), ("asker", fresh_text()?.into())]))
}

/// Tells whether that was spent before.
pub fn is_replayed(answer: &Map<String, Value>) -> bool {
    answer.get("replayed").and_then(Value::as_bool) == Some(true)
}

/// A message to an object; work that it begins goes on by itself, for the object stays.
pub struct Message(pub Env);

impl Invocation for Message {
    fn env(&self) -> &Env {
        &self.0
    }

    fn keep_alive(&self, _: &Promise) {}
}

/// Gives the work of answering a message to an object, or of its alarm where there is no message.
pub fn answer(object: StoredObject, kind: &str, message: Option<String>) -> Work {
    let class = match kind {
        "RefreshExchange" => Class::RefreshExchange,
        "Session" => Class::Session,
        _ => Class::LogoutIndex,
    };
    Box::pin(async move {
        // What is over is erased whatever is deployed: an alarm needs a config only to revoke.
        let gateway = match (class, &message) {
            (Class::RefreshExchange | Class::LogoutIndex, None) => Err(Problem::ConfigInvalid),
            _ => gateway::current(&Message(object.env())).await,
        };
        let Some(message) = message else {
            match class {
                Class::RefreshExchange => refresh_exchange::on_alarm(&object).await?,
                Class::Session => session::on_alarm(&object, gateway.ok()).await?,
                Class::LogoutIndex => logout_index::on_alarm(&object).await?,
            }
            return Ok(JsValue::UNDEFINED);
        };
        let message = json::parse_object(message.as_bytes()).ok_or("the message is malformed")?;
        let gateway = gateway.map_err(|problem| problem.code())?;
        let answer = match class {
            Class::RefreshExchange => refresh_exchange::answer(&object, &gateway, message).await?,
            Class::Session => session::answer(&object, &gateway, message).await?.to_string(),
            Class::LogoutIndex => logout_index::answer(&object, message).await?.to_string(),
        };
        Ok(answer.into())
    })
}

impl StoredObject {
    /// Gives the text that it keeps.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn kept(&self) -> Result<Option<String>, JsValue> {
        kept(self)
    }

    /// Keeps a text; what the object answers from here on goes out only once that is stored.
    ///
    /// # Errors
    /// Where the store refuses.
    pub fn keep(&self, text: &str) -> Result<(), JsValue> {
        keep(self, text)
    }

    /// Keeps a text until the alarm at `until_ms`.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn keep_until(&self, text: &str, until_ms: i64) -> Result<(), JsValue> {
        self.keep(text)?;
        self.wake_at(until_ms).await
    }

    /// Sets its alarm, in milliseconds since 1970.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn wake_at(&self, at_ms: i64) -> Result<(), JsValue> {
        #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
        let at_ms = at_ms as f64;
        JsFuture::from(wake(self, at_ms)?).await.map(|_| ())
    }

    /// Erases all that it keeps, its alarm included.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn erase(&self) -> Result<(), JsValue> {
        JsFuture::from(erase(self)?).await.map(|_| ())
    }

    /// Has work done behind the answer.
    ///
    /// # Errors
    /// Where the runtime refuses.
    pub fn in_background(&self, work: Work) -> Result<(), JsValue> {
        background(self, &guarded_promise(work))
    }

    /// Tells whether work of the object's is under way.
    pub fn is_busy(&self) -> bool {
        self.flight().is_some()
    }

    /// Gives the promise of the work under way, or else begins it. It goes on when those who asked have gone.
    ///
    /// # Errors
    /// Where it cannot be remembered.
    pub fn share(&self, work: impl FnOnce() -> Work) -> Result<Promise, JsValue> {
        if let Some(flight) = self.flight() {
            return Ok(flight);
        }
        let flight = guarded_promise(work());
        depart(self, &flight)?;
        Ok(flight)
    }
}
