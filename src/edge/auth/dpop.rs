//! Tokens that are bound to a key (RFC 9449): the proof beside one, and that it comes once.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::Dpop;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::bindings;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::object_client::{failed, malformed_answer};
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

/// Checks the proof beside a token: that it is for this request, is by the key that the token is bound to, is for that token, has a
/// recent nonce if it needs one, and was not used before.
///
/// # Errors
/// What is wrong with it, or that a new nonce is needed; 503 if nobody can say whether it was used.
pub async fn check_proof(
    cx: &RequestContext,
    skew_secs: i64,
    dpop: &Dpop,
    token: &str,
    bound: &str,
) -> Result<(), Problem> {
    let class = Class::DpopProofs;
    let text = one_proof(cx.header(HEADER))?;
    let proof = UnverifiedProof::parse(text, cx.method(), cx.url(), dpop.max_age_secs, skew_secs, now_secs())?;
    let lines = proof.lines(text, token, bound, dpop, skew_secs);
    let said = Awaited::from(prove(&bindings::raw(cx.env(), class.binding()), &lines)).await;
    let said = said.map_err(|error| failed(class, &error))?.as_string().unwrap_or_default();
    let (word, nonce) = said.split_once(' ').unwrap_or((&said, ""));
    if !nonce.is_empty() {
        let _ = cx.dpop_nonce.set(nonce.to_owned());
    }
    Ok(proven(word).ok_or_else(|| malformed_answer(class))??)
}
