//! `health`: the state of the config and of each authorizer's keys.

use serde_json::{Value, json};

use crate::edge::gateway::{self, Gateway};
use crate::edge::request::answer::Answer;
use crate::edge::request::exchange::Exchange;

/// Answers with 200 where every authorizer can verify tokens, else with 503.
pub async fn run(gateway: &Gateway, exchange: &Exchange) -> Answer {
    let mut healthy = true;
    let mut authorizers: Vec<Value> = Vec::with_capacity(gateway.issuers.len());
    for issuer in &gateway.issuers {
        let usable = issuer.keys.current(exchange).await.is_ok();
        healthy &= usable;
        let age = issuer.keys.age_secs();
        authorizers.push(json!({"name": issuer.authorizer.name, "keys": {"usable": usable, "age_seconds": age}}));
    }
    let (source, since_ms, last_good) = gateway::state();
    let loaded_at = String::from(js_sys::Date::new(&since_ms.into()).to_iso_string());
    let body = json!({
        "status": if healthy { "ok" } else { "unavailable" },
        "config": {"source": source, "loaded_at": loaded_at, "last_good": last_good},
        "authorizers": authorizers,
    });
    Answer::json_of_status(if healthy { 200 } else { 503 }, body.to_string())
}
