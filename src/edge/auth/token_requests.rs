//! What the gateway asks of the provider for an application: tokens, and their revocation.

use js_sys::{Array, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::{Endpoints, TokenTarget};
use crate::edge::gateway::application::Application;
use crate::edge::gateway::provider_failures;
use crate::edge::runtime::invocation::{Detached, Invocation};
use crate::edge::runtime::work::{Awaited, promise};
use crate::edge::runtime::{events, log};
use crate::oauth::{Form, Grant, Outcome, TokenResponse, parse_token_response, refresh_form, revocation_form};
use crate::problem::{Problem, ProviderError};
use crate::secret::Secret;

#[wasm_bindgen(module = "/src/edge/auth/token_requests.js")]
extern "C" {
    /// Returns why a token is not revoked, and whether that may pass, if so.
    fn revoke_token(url: &str, form: &str, authorization: Option<&str>, token: &str, ms: u32) -> Promise;
}

/// Exchanges a refresh token, for the target of this text if there is one.
///
/// # Errors
/// If no whole answer came in time.
pub async fn refresh(
    application: &Application,
    endpoints: &Endpoints,
    refresh_token: &Secret<String>,
    target: Option<&str>,
) -> Outcome {
    let target = target.and_then(TokenTarget::parse);
    let form = refresh_form(&application.provider, endpoints, refresh_token, target.as_ref());
    let outcome = application.send(&endpoints.token, form).await;
    let answer = outcome.as_ref().map_err(|error| Problem::from(error.clone()));
    let failure = answer.and_then(|answer| parse_token_response(Grant::Refresh, answer)).err();
    if let Some(failure) = &failure {
        provider_failures::note(failure);
    }
    events::count("renewal", failure.as_ref().map_or("made", Problem::code));
    outcome
}

/// Revokes a refresh token.
///
/// # Errors
/// [`Problem::IdpUnavailable`] if it can be tried again, [`Problem::IdpRejected`] if the provider refuses, and [`Problem::IdpError`] if
/// it does not revoke.
pub async fn revoke(
    application: &Application,
    invocation: &dyn Invocation,
    refresh_token: &str,
) -> Result<(), Problem> {
    let Some(Revocation { url, form }) = Revocation::of(application, invocation).await else {
        return Err(Problem::IdpError("it names no revocation endpoint", None));
    };
    let (authorization, timeout_ms) = (form.authorization.as_deref(), application.timeout_ms());
    let revoked = revoke_token(&url, &form.body, authorization, refresh_token, timeout_ms);
    let failure = Awaited::from(revoked).await.unwrap_or_default();
    if failure.is_undefined() {
        return Ok(());
    }
    let failure = Array::from(&failure);
    let reason = failure.get(0).as_string().unwrap_or_default();
    let failure = if failure.get(1).is_truthy() {
        Problem::IdpUnavailable(reason)
    } else {
        let error = "not revoked".to_owned();
        Problem::IdpRejected(Box::new(ProviderError { status: None, error, description: reason }))
    };
    provider_failures::note(&failure);
    Err(failure)
}

/// How a refresh token is revoked, less the token.
#[derive(Default)]
pub struct Revocation {
    /// The address, empty if it is not to be had.
    pub url: String,
    /// What is sent.
    pub form: Form,
}

impl Revocation {
    /// Returns how the provider revokes; `None` if it does not, and the log then says so.
    pub async fn of(application: &Application, invocation: &dyn Invocation) -> Option<Self> {
        let Ok(endpoints) = application.endpoints(invocation).await else {
            return Some(Self::default());
        };
        let provider = &application.provider;
        let Some(url) = provider.revocation_endpoint.as_ref().or(endpoints.revocation.as_ref()) else {
            log::warn(
                "revocation_failed",
                "the provider names no endpoint for it: add a revocation_endpoint, if it has one",
            );
            return None;
        };
        match application.signed(revocation_form(provider, &endpoints)).await {
            Ok(form) => Some(Self { url: url.clone(), form }),
            Err(error) => {
                log::warn("revocation_failed", &error.to_string());
                Some(Self::default())
            }
        }
    }
}

/// Revokes the refresh token of a failed login, after the answer: nobody else has it.
pub fn discard(application: &Application, invocation: &dyn Invocation, tokens: &TokenResponse) {
    let Some(refresh_token) = tokens.refresh_token().map(str::to_owned) else { return };
    let (application, detached) = (application.clone(), Detached(invocation.env().clone()));
    invocation.keep_alive(&promise(Box::pin(async move {
        // A provider that does not revoke is logged where it is found.
        if let Err(problem @ (Problem::IdpUnavailable(_) | Problem::IdpRejected(_))) =
            revoke(&application, &detached, &refresh_token).await
        {
            log::warn("revocation_failed", &problem.reason().unwrap_or_default());
        }
        Ok(JsValue::UNDEFINED)
    })));
}
