//! `health`: the state of the config, of each authorizer's keys, of the provider as this isolate saw it last, and of objects.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Promise;
use serde_json::{Map, Value};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use crate::edge::gateway::loader::{self, Origin};
use crate::edge::gateway::{Gateway, provider_failures};
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::timing::{iso_time, now_ms};
use crate::edge::runtime::webcrypto::text_of;
use crate::edge::runtime::work::Awaited;
use crate::json::{self, ToText as _};
use crate::objects::health_questions;
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/integrations/health.js")]
extern "C" {
    /// Promises the beginning of the SHA-256 of a text, or of the config that was built in.
    fn config_id(text: Option<&str>) -> Promise;

    /// Promises what objects say, in lines; nothing while they are asked for the first time.
    fn check_objects(env: &Env, questions: &str) -> Promise;
}

thread_local! {
    /// The id of the config that was asked for last: a text may be long.
    static IDENTIFIED: RefCell<Option<(Rc<str>, String)>> = const { RefCell::new(None) };
}

/// Answers with 200 if every authorizer can verify tokens and every object that is asked answers, otherwise with 503.
pub async fn run(gateway: &Gateway, cx: &RequestContext, checks_objects: bool) -> Result<Answer, Problem> {
    let mut healthy = true;
    let mut authorizers: Vec<Value> = Vec::with_capacity(gateway.verifiers.len());
    for verifier in &gateway.verifiers {
        let usable = verifier.keys.current(cx).await.is_ok();
        healthy &= usable;
        let age = verifier.keys.age_secs();
        let keys = json::object(&mut [("usable", usable.into()), ("age_seconds", age.into())]);
        let mut members = vec![("name", verifier.authorizer.name.as_str().into()), ("keys", keys)];
        if verifier.withholds_refresh_tokens.get() {
            members.push(("refresh_tokens", "not_given".into()));
        }
        authorizers.push(json::object(&mut members));
    }
    let mut members = vec![("config", config().await), ("authorizers", authorizers.into())];
    if let Some((code, at_ms)) = provider_failures::last() {
        members.push(("last_provider_failure", since("at", at_ms, vec![("code", code.into())])));
    }
    if checks_objects {
        let objects =
            Awaited::from(check_objects(cx.env(), &health_questions(gateway.config.session.is_some()))).await.ok();
        let objects = objects.and_then(|said| said.as_string()).map(|said| {
            let states = said.split('\n').filter_map(|line| line.split_once(' '));
            states.map(|(binding, state)| (binding.to_owned(), state.into())).collect::<Map<_, Value>>()
        });
        healthy &= objects.iter().flat_map(Map::values).all(|state| state == "ok");
        members.push(("objects", objects.map_or(Value::Null, Value::Object)));
    }
    members.push(("status", if healthy { "ok" } else { "unavailable" }.into()));
    Ok(Answer::json_of_status(if healthy { 200 } else { 503 }, json::object(&mut members).to_text()))
}

async fn config() -> Value {
    let Some(origin) = loader::origin() else { return Value::Null };
    let id = id_of(&origin).await;
    let members = vec![("source", origin.source.into()), ("last_good", origin.last_good.into()), ("id", id.into())];
    since("loaded_at", origin.since_ms, members)
}

/// Returns the id of a config: the beginning of the SHA-256 of its text.
async fn id_of(origin: &Origin) -> String {
    let known = IDENTIFIED.with_borrow(|known| {
        known.as_ref().filter(|(text, _)| Rc::ptr_eq(text, &origin.text)).map(|(_, id)| id.clone())
    });
    if let Some(id) = known {
        return id;
    }
    let text = (!origin.is_built_in()).then_some(&*origin.text);
    let id = text_of(config_id(text)).await.unwrap_or_default();
    IDENTIFIED.replace(Some((Rc::clone(&origin.text), id.clone())));
    id
}

/// Returns an object that says when something was, by a member of this name, and how many seconds ago.
fn since(name: &'static str, at_ms: f64, mut members: Vec<(&'static str, Value)>) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "times are far below 2^53")]
    let age_seconds = ((now_ms() - at_ms) / 1000.0) as i64;
    members.extend([(name, iso_time(at_ms).into()), ("age_seconds", age_seconds.into())]);
    json::object(&mut members)
}
