//! API keys to their claims: by a record of the config, or of KV, of which the verifier remembers what it said.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::{ApiKeys, Authorizer, parse_key_record};
use crate::edge::gateway::Gateway;
use crate::edge::gateway::verifier::VerifyError;
use crate::edge::runtime::bindings::{STORE_TIMEOUT_MS, raw};
use crate::edge::runtime::boxed::{Boxed, boxed};
use crate::edge::runtime::http_client::answer_of;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::single_flight::SingleFlightRules;
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto::digest;
use crate::oauth::ProviderResponse;
use crate::problem::Problem;
use crate::token::{KeyError, TokenError, VerifiedClaims, check_key, check_key_form, listed_key};

/// A key that KV does not have is not looked for again for this long.
const UNKNOWN_SECS: i64 = 60;

/// While KV cannot be read, a key counts for this long after it was read last.
const STALE_SECS: i64 = 10 * 60;

/// After KV could not be read, it is not asked for this long about a key that counts.
const RETRY_SECS: i64 = 5;

/// Whoever comes before the first request has remembered what KV said gets the same.
const REPLAY_MS: f64 = 100.0;

#[wasm_bindgen(module = "/src/edge/gateway/api_keys.js")]
extern "C" {
    fn stored(namespace: &JsValue, name: &str, ms: u32) -> Promise;
}

/// Returns the claims of an API key of an authorizer, used from an address. What is malformed is refused before anything is looked up.
///
/// # Errors
/// Why it is not accepted; [`Problem::StoreUnavailable`] if that cannot be told.
pub fn key_claims<'a>(
    gateway: &'a Gateway,
    invocation: &'a dyn Invocation,
    authorizer: &'a Rc<Authorizer>,
    keys: &'a ApiKeys,
    key: &'a str,
    address: Option<&'a str>,
) -> Boxed<'a, Result<Rc<VerifiedClaims>, VerifyError>> {
    boxed(async move {
        check_key_form(key, &keys.prefix).map_err(TokenError::ApiKey)?;
        let digest = digest(key).await.map_err(|error| VerifyError::Keys(error.into()))?;
        let now = now_secs();
        let claims = match (listed_key(keys, &digest), &keys.kv) {
            (Some(record), _) => Rc::new(VerifiedClaims::of_api_key(&digest, Rc::clone(record))),
            (None, Some(kv)) => {
                stored_claims(gateway, invocation, authorizer, [kv, &digest], keys.cache_secs, now).await?
            }
            (None, None) => return Err(TokenError::ApiKey(KeyError::Unknown).into()),
        };
        check_key(&claims, now, address)?;
        Ok(claims)
    })
}

/// Returns the claims of the key that a KV namespace has under a digest.
async fn stored_claims(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    authorizer: &Rc<Authorizer>,
    [kv, digest]: [&str; 2],
    cache_secs: i64,
    now: i64,
) -> Result<Rc<VerifiedClaims>, VerifyError> {
    let verifier = gateway.verifier(authorizer);
    if let Some(verdict) = verifier.stored_key(digest, now) {
        return Ok(verdict?);
    }
    let (namespace, name) = (raw(invocation.env(), kv), digest.to_owned());
    let work = boxed(async move {
        let answer = answer_of(stored(&namespace, &name, STORE_TIMEOUT_MS)).await;
        let is_there = answer.is_ok();
        (answer, is_there)
    });
    let rules = SingleFlightRules::of_call(STORE_TIMEOUT_MS, REPLAY_MS);
    let outcome = verifier.asking.share(invocation, digest.to_owned(), rules, work).await;
    // Under this name for longer, for when KV cannot be read.
    let late = ["late ", digest].concat();
    if outcome.is_ok() {
        // What was read before counts no more, whatever is there instead.
        verifier.forget_key(&late);
    }
    let unavailable =
        |reason: &str| VerifyError::Keys(Problem::StoreUnavailable([kv, " ", digest, ": ", reason].concat()));
    // Counted from before the question.
    let (verdict, secs, bytes) = match &*outcome {
        Ok(ProviderResponse { status: 200, body, .. }) => {
            let record = parse_key_record(body, &authorizer.name).map_err(|wrong| unavailable(&wrong))?;
            let verdict = Ok(Rc::new(VerifiedClaims::of_api_key(digest, Rc::new(record))));
            verifier.remember_key(&late, &verdict, now + cache_secs.max(STALE_SECS), body.len());
            (verdict, cache_secs, body.len())
        }
        Ok(_) => (Err(TokenError::ApiKey(KeyError::Unknown).into()), UNKNOWN_SECS, 0),
        Err(error) => match verifier.stored_key(&late, now) {
            Some(verdict) => (verdict, RETRY_SECS, 0),
            None => return Err(unavailable(&error.to_string())),
        },
    };
    verifier.remember_key(digest, &verdict, now + secs, bytes);
    Ok(verdict?)
}
