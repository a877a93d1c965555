//! Calls to the identity provider: bounded in time and size, never following a redirect; and bodies of requests, bounded too.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::ReadableStream;

use crate::config::Endpoints;
use crate::edge::gateway::issuer::Issuer;
use crate::edge::request::exchange::Exchange;
use crate::edge::runtime::host::thrown_message;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::log;
use crate::oauth::{BODY_MAX_BYTES, Form, Outcome, ProviderAnswer, TransportError, refresh_form, revocation_form};
use crate::problem::Problem;
use crate::secret::Secret;

// A `Retry-After` comes in seconds, whichever of its two forms it had (RFC 9110 section 10.2.3); of dates there is one form.
#[wasm_bindgen(module = "/src/edge/host.js")]
extern "C" {
    fn call(url: &str, form: Option<&str>, authorization: Option<&str>, ms: u32, max: usize) -> Promise;

    fn call_json(url: &str, body: &str, key: &str, ms: u32, max: usize) -> Promise;

    /// Gives why a token is not revoked, if so.
    fn revoke_token(url: &str, form: &str, authorization: Option<&str>, token: &str, ms: u32) -> Promise;

    fn read(stream: &ReadableStream, max: usize) -> Promise;
}

/// Largest answer that is read of the token and userinfo endpoints, in bytes.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// A call to the provider.
pub struct Call<'c> {
    /// The address.
    pub url: &'c str,
    /// The form to post; without one the call is a GET.
    pub form: Option<&'c str>,
    /// The `Authorization` to send.
    pub authorization: Option<&'c str>,
    /// How long the whole call may take.
    pub timeout_ms: u32,
}

impl Call<'_> {
    /// Makes the call.
    ///
    /// # Errors
    /// Where no whole answer came in time.
    pub async fn send(&self) -> Outcome {
        self.send_bounded(ANSWER_MAX_BYTES).await
    }

    /// Makes the call and reads at most `max_bytes` of the answer.
    ///
    /// # Errors
    /// Where no whole answer came in time.
    pub async fn send_bounded(&self, max_bytes: usize) -> Outcome {
        answer_of(call(self.url, self.form, self.authorization, self.timeout_ms, max_bytes)).await
    }
}

/// Posts JSON with an API key.
///
/// # Errors
/// Where no whole answer came in time.
pub async fn send_json(url: &str, body: &str, key: &Secret<String>, timeout_ms: u32) -> Outcome {
    answer_of(call_json(url, body, key.expose(), timeout_ms, ANSWER_MAX_BYTES)).await
}

async fn answer_of(called: Promise) -> Outcome {
    let answer: Array = JsFuture::from(called).await.map_err(transport_error)?.unchecked_into();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a status has three digits")]
    let status = answer.get(0).as_f64().unwrap_or_default() as u16;
    // Malformed UTF-8 becomes replacement characters, which no JSON that matters survives.
    let body = String::from_utf8_lossy(&Uint8Array::new(&answer.get(2)).to_vec()).into_owned();
    Ok(ProviderAnswer { status, retry_after: answer.get(1).as_string(), body })
}

/// Sends a form of the application's.
///
/// # Errors
/// Where no whole answer came in time.
pub async fn send_form(issuer: &Issuer, url: &str, form: &Form) -> Outcome {
    let timeout_ms = issuer.authorizer.timeout_ms;
    Call { url, form: Some(&form.body), authorization: form.authorization.as_deref(), timeout_ms }.send().await
}

/// Exchanges a refresh token.
///
/// # Errors
/// Where no whole answer came in time.
pub async fn refresh(issuer: &Issuer, endpoints: &Endpoints, refresh_token: &Secret<String>) -> Outcome {
    let Ok(provider) = issuer.provider() else { return Err(TransportError::Unreachable("no provider".to_owned())) };
    send_form(issuer, &endpoints.token, &refresh_form(provider, endpoints, refresh_token)).await
}

/// Revokes a refresh token, as far as the provider lets it be done; the log has what it did not.
pub async fn revoke(issuer: &Issuer, invocation: &dyn Invocation, refresh_token: &str) {
    let Some(Revocation { url, form }) = Revocation::of(issuer, invocation).await else { return };
    let (authorization, timeout_ms) = (form.authorization.as_deref(), issuer.authorizer.timeout_ms);
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
    /// Gives how the provider revokes; `None` if it does not.
    pub async fn of(issuer: &Issuer, invocation: &dyn Invocation) -> Option<Self> {
        let provider = issuer.provider().ok()?;
        let Ok(endpoints) = issuer.endpoints(invocation).await else {
            return Some(Self::default());
        };
        Some(Self { url: endpoints.revocation.clone()?, form: revocation_form(provider, &endpoints) })
    }
}

/// Gives the text of the request's body; `None` where it has none.
///
/// # Errors
/// 413 where it is larger than such bodies are, 400 where it is no text.
pub async fn read_body(exchange: &Exchange) -> Result<Option<String>, Problem> {
    let Some(body) = exchange.request().body() else { return Ok(None) };
    let own_max = exchange.body_max.get().and_then(|max| usize::try_from(max).ok());
    let max = own_max.unwrap_or(BODY_MAX_BYTES).min(BODY_MAX_BYTES);
    let bytes = JsFuture::from(read(&body, max)).await.map_err(|error| match transport_error(error) {
        TransportError::TooLarge => Problem::BodyTooLarge(max as u64),
        TransportError::Unreachable(_) | TransportError::Timeout => Problem::BodyMalformed("the body broke off"),
    })?;
    let text = String::from_utf8(Uint8Array::new(&bytes).to_vec()).map_err(|_| Problem::BodyMalformed("not UTF-8"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Says why a call failed, from what the runtime threw.
pub fn failure_reason(error: &JsValue) -> String {
    thrown_message(error).unwrap_or_else(|| "the connection failed".to_owned())
}

fn transport_error(error: JsValue) -> TransportError {
    match error.as_string().as_deref() {
        Some("timeout") => TransportError::Timeout,
        Some("too large") => TransportError::TooLarge,
        _ => TransportError::Unreachable(failure_reason(&error)),
    }
}
