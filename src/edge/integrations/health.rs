//! `health`: the state of the config, of each authorizer's keys, of the provider as this isolate saw it last, and of objects.

use js_sys::Promise;
use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use crate::edge::gateway::{Gateway, loader, provider_failures};
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::webcrypto::text_of;
use crate::json::{self, ToText as _};
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/integrations/health.js")]
extern "C" {
    /// Promises the whole as JSON, with the status as its first member. `text` is that of the config, but for the one that was built in.
    /// `failure` is the code of the last one, if there was any. Objects are asked for a config `with_sessions`, or for one without, if that
    /// is said at all.
    fn state(
        env: &Env,
        authorizers: &str,
        is_usable: bool,
        source: &str,
        text: Option<&str>,
        since_ms: f64,
        last_good: bool,
        failure: &str,
        failed_ms: f64,
        with_sessions: Option<bool>,
    ) -> Promise;
}

/// How the state begins if all is well.
const WELL: &str = r#"{"status":"ok""#;

/// Answers with 200 if every authorizer can verify tokens and every object that is asked answers, otherwise with 503.
pub async fn run(gateway: &Gateway, cx: &RequestContext, checks_objects: bool) -> Result<Answer, Problem> {
    let mut is_usable = true;
    let mut authorizers: Vec<Value> = Vec::with_capacity(gateway.verifiers.len());
    for verifier in &gateway.verifiers {
        let usable = verifier.keys.current(cx).await.is_ok();
        is_usable &= usable;
        let age = verifier.keys.age_secs();
        let keys = json::object(&mut [("usable", usable.into()), ("age_seconds", age.into())]);
        let mut members = vec![("name", verifier.authorizer.name.as_str().into()), ("keys", keys)];
        if verifier.withholds_refresh_tokens.get() {
            members.push(("refresh_tokens", "not_given".into()));
        }
        authorizers.push(json::object(&mut members));
    }
    let origin = loader::origin().ok_or(Problem::ConfigInvalid)?;
    let (failure, failed_ms) = provider_failures::last();
    let state = state(
        cx.env(),
        &Value::Array(authorizers).to_text(),
        is_usable,
        origin.source,
        origin.text.as_ref().map(|text| text.as_str()),
        origin.since_ms,
        origin.last_good,
        failure,
        failed_ms,
        checks_objects.then(|| gateway.config.session.is_some()),
    );
    let state = text_of(state).await?;
    Ok(Answer::json_of_status(if state.starts_with(WELL) { 200 } else { 503 }, state))
}
