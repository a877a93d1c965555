//! What a path asks of a request besides its credentials.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::{Networks, Path, RateKey, RateLimit};
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::bindings;
use crate::edge::runtime::http_client::failure_reason;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::work::Awaited;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::token::VerifiedClaims;

#[wasm_bindgen(module = "/src/edge/request/rules.js")]
extern "C" {
    /// Returns a promise of the seconds that the request of a key would have to wait, 0 if it may pass. With `max`, an object counts.
    fn wait_secs(binding: &JsValue, key: &str, period_secs: u32, max: Option<u32>) -> Promise;
}

/// Counts the request, if the path has a limit by something that is known: before authentication everything but the user.
///
/// # Errors
/// 429 if there were too many; 503 if they cannot be counted.
pub async fn check_rate(cx: &RequestContext, path: &Path, claims: Option<&VerifiedClaims>) -> Result<(), Problem> {
    let Some(limit) = &path.rules.rate_limit else { return Ok(()) };
    let address = || address(cx);
    let counted = match (&limit.key, claims) {
        (RateKey::ApiKey, Some(claims)) if claims.api_key().is_some() => claims.api_key().map(str::to_owned),
        (RateKey::Subject | RateKey::ApiKey, Some(claims)) => {
            // Users of two issuers may be called alike.
            let issuer = claims.text("iss").unwrap_or_default();
            claims.text("sub").map(|subject| [issuer, subject].join("\n")).or_else(address)
        }
        (RateKey::Subject | RateKey::ApiKey, None) => return Ok(()),
        (_, Some(_)) => return Ok(()),
        (RateKey::Ip, None) => address(),
        (RateKey::Header(name), None) => cx.header(name).map(str::to_owned),
    };
    count(cx, limit, counted.as_deref()).await
}

/// Counts a request without a user by its address, if the path counts by user.
///
/// # Errors
/// Those of [`check_rate`].
pub async fn check_anonymous_rate(cx: &RequestContext, path: &Path) -> Result<(), Problem> {
    match &path.rules.rate_limit {
        Some(limit) if matches!(limit.key, RateKey::Subject | RateKey::ApiKey) => {
            count(cx, limit, address(cx).as_deref()).await
        }
        _ => Ok(()),
    }
}

/// Returns the text by which a client is counted, if it is known: its address, or of IPv6 its network.
pub fn address(cx: &RequestContext) -> Option<String> {
    cx.header("cf-connecting-ip").map(Networks::counted)
}

async fn count(cx: &RequestContext, limit: &RateLimit, counted: Option<&str>) -> Result<(), Problem> {
    let binding = bindings::raw(cx.env(), &limit.binding);
    let [rule, pattern] = cx.route.get().map(|(rule, pattern)| [rule.as_str(), pattern]).unwrap_or_default();
    // Of several lines, so that an object has the digest for a name, and not a user or an address.
    let key = [rule, pattern, counted.unwrap_or_default()].join("\n");
    match Awaited::from(wait_secs(&binding, &key, limit.period_secs, limit.max)).await.map(|secs| secs.as_f64()) {
        Ok(Some(0.0)) => Ok(()),
        Ok(secs) => {
            // What is not a number is no leave to pass.
            let wait_secs = secs.map_or(limit.period_secs, |secs| secs as u32);
            Err(Problem::RateLimited { wait_secs, policy: limit.max.map(|max| (max, limit.period_secs)) })
        }
        Err(error) => Err(Problem::StoreUnavailable(format!("the rate limiter: {}", failure_reason(&error)))),
    }
}

/// Checks what a request says of its body.
///
/// # Errors
/// 413 if it is too large, 415 if it has another type.
pub fn check_body(cx: &RequestContext, path: &Path) -> Result<(), Problem> {
    if let Some(max) = path.rules.max_body_bytes {
        cx.body_max.set(Some(max));
    }
    Problem::or_body(&path.rules, cx, || cx.request().body().is_some())
}
