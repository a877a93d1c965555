//! `health`: the state of the config and of each authorizer's keys.

use serde_json::Value;

use crate::edge::gateway::{Gateway, loader};
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::json::{self, ToText as _};
use crate::problem::Problem;

/// Answers with 200 if every authorizer can verify tokens, otherwise with 503.
pub async fn run(gateway: &Gateway, cx: &RequestContext) -> Result<Answer, Problem> {
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
    let (source, since_ms, last_good) = loader::state();
    let loaded_at = String::from(js_sys::Date::new(&since_ms.into()).to_iso_string());
    let config = &mut [("source", source.into()), ("loaded_at", loaded_at.into()), ("last_good", last_good.into())];
    let body = json::object(&mut [
        ("status", if healthy { "ok" } else { "unavailable" }.into()),
        ("config", json::object(config)),
        ("authorizers", authorizers.into()),
    ]);
    Ok(Answer::json_of_status(if healthy { 200 } else { 503 }, body.to_text()))
}
