//! What the gateway asks of the provider for an application: tokens, and their revocation.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use crate::config::Endpoints;
use crate::edge::gateway::application::Application;
use crate::edge::runtime::http_client::Call;
use crate::edge::runtime::invocation::{Detached, Invocation};
use crate::edge::runtime::log;
use crate::edge::runtime::panic::promise;
use crate::oauth::{Form, Outcome, TokenResponse, refresh_form, revocation_form};
use crate::secret::Secret;

#[wasm_bindgen(module = "/src/edge/auth/token_requests.js")]
extern "C" {
    /// Returns why a token is not revoked, if so.
    fn revoke_token(url: &str, form: &str, authorization: Option<&str>, token: &str, ms: u32) -> Promise;
}

/// Sends a form of the application's.
///
/// # Errors
/// If no whole answer came in time.
pub async fn send_form(application: &Application, url: &str, form: &Form) -> Outcome {
    let timeout_ms = application.timeout_ms();
    Call { url, form: Some(&form.body), authorization: form.authorization.as_deref(), timeout_ms }.send().await
}

/// Exchanges a refresh token.
///
/// # Errors
/// If no whole answer came in time.
pub async fn refresh(application: &Application, endpoints: &Endpoints, refresh_token: &Secret<String>) -> Outcome {
    send_form(application, &endpoints.token, &refresh_form(&application.provider, endpoints, refresh_token)).await
}

/// Revokes a refresh token, as far as the provider lets it be done; the log has what it did not.
pub async fn revoke(application: &Application, invocation: &dyn Invocation, refresh_token: &str) {
    let Some(Revocation { url, form }) = Revocation::of(application, invocation).await else { return };
    let (authorization, timeout_ms) = (form.authorization.as_deref(), application.timeout_ms());
    let revoked = revoke_token(&url, &form.body, authorization, refresh_token, timeout_ms);
    if let Some(failure) = JsFuture::from(revoked).await.ok().and_then(|failure| failure.as_string()) {
        log::warn("revocation_failed", &failure);
    }
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
    /// Returns how the provider revokes; `None` if it does not.
    pub async fn of(application: &Application, invocation: &dyn Invocation) -> Option<Self> {
        let Ok(endpoints) = application.endpoints(invocation).await else {
            return Some(Self::default());
        };
        Some(Self { url: endpoints.revocation.clone()?, form: revocation_form(&application.provider, &endpoints) })
    }
}

/// Revokes the refresh token of a failed login, after the answer: nobody else has it.
pub fn discard(application: &Application, invocation: &dyn Invocation, tokens: &TokenResponse) {
    let Some(refresh_token) = tokens.refresh_token().map(str::to_owned) else { return };
    let (application, detached) = (application.clone(), Detached(invocation.env().clone()));
    invocation.keep_alive(&promise(Box::pin(async move {
        revoke(&application, &detached, &refresh_token).await;
        Ok(JsValue::UNDEFINED)
    })));
}
