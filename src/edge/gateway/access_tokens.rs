//! Access tokens to their claims: verified here, or by the word of their issuer (RFC 7662).

use std::rc::Rc;

use crate::config::{Authorizer, Provider};
use crate::edge::gateway::Gateway;
use crate::edge::gateway::application::Application;
use crate::edge::gateway::verifier::VerifyError;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::single_flight::SingleFlightRules;
use crate::edge::runtime::timing::{LOST_AFTER_SECS, now_secs};
use crate::oauth::{TransportError, introspection_form, parse_introspection};
use crate::problem::Problem;
use crate::token::{Parts, TokenError, VerifiedClaims, check_introspected, is_asked_about};

/// Returns the claims of an access token of an authorizer. Waits for nothing if the token was verified before, or was asked about
/// lately.
///
/// # Errors
/// Why it is not accepted.
pub async fn access_claims(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    authorizer: &Rc<Authorizer>,
    token: &str,
) -> Result<Rc<VerifiedClaims>, VerifyError> {
    match asked_claims(gateway, invocation, authorizer, token).await {
        Some(claims) => claims,
        None => gateway.verifier(authorizer).access_claims(invocation, token).await,
    }
}

/// Returns the claims of an access token if the provider is the one to ask about it; `None` if the token is verified here.
pub async fn asked_claims(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    authorizer: &Rc<Authorizer>,
    token: &str,
) -> Option<Result<Rc<VerifiedClaims>, VerifyError>> {
    let provider = gateway.config.asking.iter().find(|provider| Rc::ptr_eq(&provider.authorizer, authorizer))?;
    let application = gateway.application(provider);
    if let Some(verdict) = application.verifier.said(token, now_secs()) {
        return Some(verdict.map_err(VerifyError::Token));
    }
    let asked = provider.introspection.as_ref()?.asked;
    if !is_asked_about(asked, token) {
        return None;
    }
    Some(ask(application, invocation, token).await)
}

/// Asks the provider about a token, once for all requests that come with it at the same time.
async fn ask(
    application: Application,
    invocation: &dyn Invocation,
    token: &str,
) -> Result<Rc<VerifiedClaims>, VerifyError> {
    Parts::check_length(token)?;
    // What is said counts from the question on: the answer may be long on its way while the token is revoked.
    let asked_at = now_secs();
    let Application { provider, verifier } = application.clone();
    let endpoints = application.endpoints(invocation).await.map_err(VerifyError::Keys)?;
    let url = endpoint(&provider).or(endpoints.introspection.as_ref()).cloned().ok_or_else(|| {
        let reason = "it names no introspection endpoint: add an introspection_endpoint, if it has one";
        VerifyError::Keys(Problem::IdpError(reason, None))
    })?;
    let form = introspection_form(&provider, &endpoints, token);
    let rules = SingleFlightRules {
        replay_ms: 0.0,
        lost_after_ms: f64::from(application.timeout_ms()) + LOST_AFTER_SECS as f64 * 1000.0,
    };
    let work = Box::pin(async move { (Rc::new(application.send(&url, form).await), false) });
    let shared = verifier.asking.share(invocation, token.to_owned(), rules, |_| false, work).await;
    let outcome = shared.map_or_else(|| Rc::new(Err(TransportError::Timeout)), |(outcome, _)| outcome);
    let untyped = provider.introspection.as_ref().is_some_and(|introspection| introspection.without_token_type);
    let verdict = match parse_introspection(&outcome).map_err(VerifyError::Keys)? {
        None => Err(TokenError::Inactive),
        Some(said) => check_introspected(said, &verifier.authorizer, untyped, now_secs()).map(Rc::new),
    };
    verifier.learn(token, &verdict, asked_at);
    Ok(verdict?)
}

fn endpoint(provider: &Provider) -> Option<&String> {
    provider.introspection.as_ref()?.endpoint.as_ref()
}
