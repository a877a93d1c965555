//! Tokens that are bound to a key (RFC 9449): the proof beside one, and that it comes once.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::Dpop;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::bindings;
use crate::edge::runtime::crossings::thrown_message;
use crate::edge::runtime::events;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::work::Awaited;
use crate::http::request::RequestHead as _;
use crate::objects::Class;
use crate::problem::Problem;
use crate::token::{UnverifiedProof, one_proof, proven};

#[wasm_bindgen(module = "/src/edge/auth/dpop.js")]
extern "C" {
    fn prove(objects: &JsValue, lines: &str) -> Promise;
}

/// The header that a proof comes in.
const HEADER: &str = "dpop";

/// Parses the proof that came with a request.
///
/// # Errors
/// The first rule that it breaks, of those for which nothing has to be computed.
#[inline(never)]
pub fn parse_proof(cx: &RequestContext, skew_secs: i64, dpop: &Dpop) -> Result<Box<UnverifiedProof>, Problem> {
    let now = now_secs();
    let parsed = one_proof(cx.header(HEADER))
        .and_then(|text| UnverifiedProof::parse(text, cx.method(), cx.url(), dpop.max_age_secs, skew_secs, now));
    Ok(Box::new(parsed?))
}

/// Checks that a proof is by the key that the token beside it is bound to, is for that token, has a recent nonce if it needs one, and was
/// not used before.
///
/// # Errors
/// What is wrong with it, or that a new nonce is needed; 503 if nobody can say whether it was used.
pub async fn check_proof(
    cx: &RequestContext,
    skew_secs: i64,
    dpop: &Dpop,
    proof: Box<UnverifiedProof>,
    token: &str,
    bound: &str,
) -> Result<(), Problem> {
    let binding = Class::DpopProofs.binding();
    let text = cx.header(HEADER).unwrap_or_default();
    let lines = proof.lines(text, token, bound, dpop, skew_secs);
    let said = Awaited::from(prove(&bindings::raw(cx.env(), binding), &lines)).await;
    let away = |reason: &str| Problem::StoreUnavailable([binding, ": ", reason].concat());
    let said = said.map_err(|error| {
        events::count("object_failed", binding);
        away(&thrown_message(&error).unwrap_or_default())
    })?;
    let said = said.as_string().unwrap_or_default();
    let (word, nonce) = said.split_once(' ').unwrap_or((&said, ""));
    if !nonce.is_empty() {
        let _ = cx.dpop_nonce.set(nonce.to_owned());
    }
    match proven(word) {
        Some(proven) => Ok(proven?),
        None => Err(away("its answer is malformed")),
    }
}
