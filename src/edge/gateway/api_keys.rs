//! API keys to their claims: by a record of the config, or of KV. What an isolate remembers of KV is decided in [`crate::token`].

use std::rc::Rc;

use crate::config::{ApiKeys, Authorizer, parse_key_record};
use crate::edge::gateway::Gateway;
use crate::edge::gateway::verifier::VerifyError;
use crate::edge::runtime::bindings::STORE_TIMEOUT_MS;
use crate::edge::runtime::http_client::failure_reason;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::kv::KvNamespace;
use crate::edge::runtime::single_flight::SingleFlightRules;
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto::digest;
use crate::oauth::{ProviderResponse, TransportError};
use crate::problem::Problem;
use crate::token::{KeyError, KnownKey, LookUp, Stored, TokenError, VerifiedClaims, check_key_form};

/// Returns the claims of an API key of an authorizer, used from an address. What is malformed is refused before anything is looked up.
///
/// # Errors
/// Why it is not accepted; [`Problem::StoreUnavailable`] if that cannot be told.
pub async fn key_claims(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    authorizer: &Rc<Authorizer>,
    keys: &Rc<ApiKeys>,
    key: &str,
    address: Option<&str>,
) -> Result<Rc<VerifiedClaims>, VerifyError> {
    check_key_form(key, &keys.prefix).map_err(TokenError::from)?;
    let digest = digest(key).await.map_err(|error| VerifyError::Keys(error.into()))?;
    let verifier = gateway.verifier(authorizer);
    let Some(cache) = &verifier.keys_known else { return Err(TokenError::from(KeyError::Unknown).into()) };
    let (now, kv) = (now_secs(), keys.kv.as_deref().unwrap_or_default());
    let look_up = cache.borrow_mut().look_up(&digest, now);
    let stored = match look_up {
        LookUp::Use(stored) => stored,
        LookUp::Read(stale) => {
            let namespace = KvNamespace::bound(invocation.env(), kv);
            let name = digest.clone();
            let work = Box::pin(async move {
                let read = match &namespace {
                    Some(namespace) => namespace.text(&name).await.map_err(|error| failure_reason(&error)),
                    None => Err("the binding is missing".to_owned()),
                };
                let found = |text: Option<String>| {
                    let status = if text.is_some() { 200 } else { 404 };
                    ProviderResponse { status, retry_after: None, body: text.unwrap_or_default() }
                };
                (read.map(found).map_err(TransportError::Unreachable), false)
            });
            let rules = SingleFlightRules::of_call(STORE_TIMEOUT_MS, 0.0);
            let outcome = verifier.asking.share(invocation, digest.clone(), rules, work).await;
            // Another request that waited for the same may have remembered it.
            let known = cache.borrow_mut().look_up(&digest, now);
            match (known, &*outcome) {
                (LookUp::Use(stored), _) => stored,
                (_, Ok(response)) => {
                    let stored = match response.status {
                        200 => match parse_key_record(&response.body, &authorizer.name) {
                            Ok(record) => Stored::Known(Rc::new(KnownKey::new(&digest, record))),
                            Err(wrong) => Stored::Unreadable(wrong),
                        },
                        _ => Stored::Unknown,
                    };
                    // Counted from before the question.
                    cache.borrow_mut().remember(&digest, stored.clone(), now, response.body.len());
                    stored
                }
                (_, Err(error)) => {
                    cache.borrow_mut().fail(&digest, now);
                    let unavailable = || Problem::StoreUnavailable(format!("the KV namespace {kv}: {error}"));
                    stale.ok_or_else(|| VerifyError::Keys(unavailable()))?
                }
            }
        }
    };
    match stored {
        Stored::Known(known) => Ok(known.claims(now, address)?),
        Stored::Unknown => Err(TokenError::from(KeyError::Unknown).into()),
        Stored::Unreadable(wrong) => {
            let reason = format!("the record {digest} in the KV namespace {kv}: {wrong}");
            Err(VerifyError::Keys(Problem::StoreUnavailable(reason)))
        }
    }
}
