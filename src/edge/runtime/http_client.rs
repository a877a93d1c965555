//! HTTP calls to the provider and its like: bounded in time and size, never following a redirect.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::edge::runtime::crossings::thrown_message;
use crate::edge::runtime::work::Awaited;
use crate::encoding::lossy_text;
use crate::oauth::{Outcome, ProviderResponse, TransportError};
use crate::secret::Secret;

// A `Retry-After` comes in seconds, whichever of its two forms it had (RFC 9110 section 10.2.3); of dates there is one form.
#[wasm_bindgen(module = "/src/edge/runtime/http_client.js")]
extern "C" {
    fn call(
        url: &str,
        form: Option<&str>,
        authorization: Option<&str>,
        ms: u32,
        max: usize,
        signed_answer: bool,
    ) -> Promise;

    fn call_json(url: &str, body: &str, key: &str, ms: u32, max: usize) -> Promise;
}

/// Largest answer that is read of the token and userinfo endpoints, in bytes.
pub const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// A call to the provider.
pub struct Call<'c> {
    /// The address.
    pub url: &'c str,
    /// The form to post; without one the call is a GET.
    pub form: Option<&'c str>,
    /// The `Authorization` to send.
    pub authorization: Option<&'c str>,
    /// Whether to ask for a signed answer (RFC 9701 section 4).
    pub signed_answer: bool,
    /// How long the whole call may take.
    pub timeout_ms: u32,
}

impl Call<'_> {
    /// Makes the call.
    ///
    /// # Errors
    /// If no whole answer came in time.
    pub fn send(&self) -> impl Future<Output = Outcome> {
        self.send_bounded(ANSWER_MAX_BYTES)
    }

    /// Makes the call and reads at most `max_bytes` of the answer.
    ///
    /// # Errors
    /// If no whole answer came in time.
    pub fn send_bounded(&self, max_bytes: usize) -> impl Future<Output = Outcome> {
        answer_of(call(self.url, self.form, self.authorization, self.timeout_ms, max_bytes, self.signed_answer))
    }
}

/// Posts JSON with an API key.
///
/// # Errors
/// If no whole answer came in time.
pub fn send_json(url: &str, body: &str, key: &Secret<String>, timeout_ms: u32) -> impl Future<Output = Outcome> {
    answer_of(call_json(url, body, key.expose(), timeout_ms, ANSWER_MAX_BYTES))
}

/// Returns the answer of a call.
///
/// # Errors
/// If no whole answer came in time.
pub async fn answer_of(called: Promise) -> Outcome {
    let answer: Array = Awaited::from(called).await.map_err(transport_error)?.unchecked_into();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a status has three digits")]
    let status = answer.get(0).as_f64().unwrap_or_default() as u16;
    // Malformed UTF-8 becomes replacement characters, which no JSON that matters survives.
    let body = lossy_text(&Uint8Array::new(&answer.get(2)).to_vec());
    Ok(ProviderResponse { status, retry_after: answer.get(1).as_string(), body })
}

/// Returns why a call failed, from the runtime's exception.
pub fn failure_reason(error: &JsValue) -> String {
    thrown_message(error).unwrap_or_else(|| "the connection failed".to_owned())
}

/// Returns why a call failed, as a type of the core.
pub fn transport_error(error: JsValue) -> TransportError {
    match error.as_string().as_deref() {
        Some("timeout") => TransportError::Timeout,
        Some("too large") => TransportError::TooLarge,
        _ => TransportError::Unreachable(failure_reason(&error)),
    }
}
