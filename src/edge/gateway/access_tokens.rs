//! Access tokens to their claims: verified here, or by the word of their issuer (RFC 7662).

use std::cell::Cell;
use std::future::ready;
use std::rc::Rc;

use crate::config::{Authorizer, Introspection};
use crate::edge::gateway::application::Application;
use crate::edge::gateway::verifier::VerifyError;
use crate::edge::gateway::{Gateway, provider_failures};
use crate::edge::runtime::boxed::Boxed;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::single_flight::SingleFlightRules;
use crate::edge::runtime::timing::now_secs;
use crate::json;
use crate::oauth::{
    introspection_body, introspection_expectations, introspection_form, parse_introspection, signed_introspection,
    unsigned_introspection,
};
use crate::problem::Problem;
use crate::token::{
    ClaimError, KeyError, Parts, Scheme, TokenError, VerifiedClaims, check_introspected, is_asked_about,
};

/// Claims that the provider is asked for. In a box, because several callers wait for them, and each would get the code of the question.
type Claims<'a> = Boxed<'a, Result<Rc<VerifiedClaims>, VerifyError>>;

/// Returns the claims of an access token of an authorizer, as [`Scheme::of`] takes it. Waits for nothing if the token was verified
/// before, or was asked about lately.
///
/// # Errors
/// Why it is not accepted.
pub async fn access_claims(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    authorizer: &Rc<Authorizer>,
    credential: &str,
) -> Result<Rc<VerifiedClaims>, VerifyError> {
    match asked_claims(gateway, invocation, authorizer, credential) {
        Some(claims) => claims.await,
        None if gateway.config.takes_id_tokens(authorizer) => Err(TokenError::Claim(ClaimError::ONLY_SESSIONS).into()),
        None => gateway.verifier(authorizer).access_claims(invocation, credential).await,
    }
}

/// Returns the claims of an access token if the provider is the one to ask about it; `None` if the token is verified here.
pub fn asked_claims<'a>(
    gateway: &'a Gateway,
    invocation: &'a dyn Invocation,
    authorizer: &Rc<Authorizer>,
    credential: &'a str,
) -> Option<Claims<'a>> {
    let mut introspections = gateway.config.introspections.iter();
    let (provider, introspection) = introspections.find(|(client, _)| Rc::ptr_eq(&client.authorizer, authorizer))?;
    // A client that mistakes one for a token shows it to nobody else.
    if gateway.config.is_api_key(Scheme::of(credential).1) {
        return Some(Box::pin(ready(Err(TokenError::ApiKey(KeyError::Elsewhere).into()))));
    }
    let application = gateway.application(provider);
    if let Some(verdict) = application.verifier.introspected(credential, now_secs()) {
        return Some(Box::pin(ready(verdict.map_err(VerifyError::Token))));
    }
    is_asked_about(introspection.asked, Scheme::of(credential).1)
        .then(|| -> Claims<'a> { Box::pin(ask(application, introspection, invocation, credential)) })
}

/// Asks the provider about a token, once for all requests that come with it at the same time.
async fn ask(
    application: Application,
    introspection: &Introspection,
    invocation: &dyn Invocation,
    credential: &str,
) -> Result<Rc<VerifiedClaims>, VerifyError> {
    let (scheme, token) = Scheme::of(credential);
    Parts::check_length(token)?;
    let verifier = Rc::clone(&application.verifier);
    let endpoints = application.endpoints(invocation).await.map_err(VerifyError::Keys)?;
    let url = introspection.endpoint.as_ref().or(endpoints.introspection.as_ref()).cloned().ok_or_else(|| {
        let reason = "it names no introspection endpoint: add an introspection_endpoint, if it has one";
        VerifyError::Keys(Problem::IdpError(reason, None))
    })?;
    let form = introspection_form(&application.provider, &endpoints, introspection, token);
    let provider = Rc::clone(&application.provider);
    let rules = SingleFlightRules::of_call(application.timeout_ms(), 0.0);
    // The answer counts from the question on: it may be long on its way while the token is revoked. Only the request that asks knows
    // when that was, and caches the answer.
    let asked_at = Rc::new(Cell::new(None));
    let asking_at = Rc::clone(&asked_at);
    let work = Box::pin(async move {
        asking_at.set(Some(now_secs()));
        (application.send(&url, form).await, false)
    });
    let outcome = verifier.asking.share(invocation, token.to_owned(), rules, work).await;
    let failed = |problem| {
        provider_failures::note(&problem);
        VerifyError::Keys(problem)
    };
    let body = introspection_body(&outcome).map_err(failed)?;
    let members = match &introspection.signed_by {
        None => json::parse_object(body.as_bytes()),
        Some(algorithm) => {
            let expectations = introspection_expectations(&provider, algorithm);
            let verified = verifier.verify(invocation, body, &expectations).await;
            let refused = |failure: VerifyError| VerifyError::Keys(failure.or(|error| unsigned_introspection(&error)));
            signed_introspection(&verified.map_err(refused)?.0)
        }
    };
    let verdict = match parse_introspection(members).map_err(failed)? {
        None => Err(TokenError::Inactive.into()),
        Some(claims) => {
            let untyped = introspection.without_token_type;
            let checked = check_introspected(&claims, &verifier.authorizer, scheme, untyped, now_secs());
            checked.map(Rc::new).map_err(Rc::new)
        }
    };
    if let Some(asked_at) = asked_at.get() {
        let answer_bytes = (*outcome).as_ref().map_or(0, |answer| answer.body.len());
        verifier.cache_introspected(credential, &verdict, asked_at, answer_bytes);
    }
    Ok(verdict?)
}
