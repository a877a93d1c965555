//! `health`: the state of the config, of each authorizer's keys, of the provider as this isolate saw it last, and of objects.

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use crate::edge::gateway::{Gateway, loader, provider_failures};
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::webcrypto::text_of;
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/integrations/health.js")]
extern "C" {
    /// Promises the whole as JSON, with the status as its first member. `keys` are three numbers for each authorizer, by its name: whether
    /// they are usable, their age, and whether it gives no refresh token. `failure` is the code of the last one, if there was any. Objects are
    /// asked for a config `with_sessions`, or for one without, if that is said at all.
    fn state(
        env: &Env,
        authorizers: &Array,
        keys: &[f64],
        source: &str,
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
    let (authorizers, mut keys) = (Array::new(), Vec::new());
    for verifier in &gateway.verifiers {
        let is_usable = verifier.keys.current(cx).await.is_ok();
        authorizers.push(&verifier.authorizer.name.as_str().into());
        #[expect(clippy::cast_precision_loss, reason = "ages are far below 2^53")]
        let age = verifier.keys.age_secs().map_or(f64::NAN, |age| age as f64);
        let is_withheld = verifier.withholds_refresh_tokens.get();
        for number in [f64::from(u8::from(is_usable)), age, f64::from(u8::from(is_withheld))] {
            keys.push(number);
        }
    }
    let (source, since_ms, last_good) = loader::state();
    let (failure, failed_ms) = provider_failures::last();
    let state = state(
        cx.env(),
        &authorizers,
        &keys,
        source,
        since_ms,
        last_good,
        failure,
        failed_ms,
        checks_objects.then(|| gateway.config.session.is_some()),
    );
    let state = text_of(state).await?;
    Ok(Answer::json_of_status(if state.starts_with(WELL) { 200 } else { 503 }, state))
}
