//! Calls to the identity provider: bounded in time and size, never following a redirect.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader, Response};

use super::host::{self, object};
use super::log;
use super::timing::{Elapsed, now_ms, within};
use crate::config::Auth0;
use crate::oauth::{Outcome, ProviderAnswer, TransportError, refresh_form, revocation_form};
use crate::secret::Secret;

/// Largest answer that is read of the token and userinfo endpoints, in bytes.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// A call to the provider.
pub struct Call<'c> {
    /// The address.
    pub url: &'c str,
    /// The form to post; without one the call is a GET.
    pub form: Option<&'c str>,
    /// The access token to show.
    pub bearer: Option<&'c str>,
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
        let abort = AbortController::new().map_err(|error| unreachable(&error))?;
        let outcome = within(self.timeout_ms, self.exchange(&abort, max_bytes)).await;
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            // Ended early, the rest of the answer is not wanted.
            Ok(Err(error)) => {
                abort.abort();
                Err(error)
            }
            Err(Elapsed) => {
                abort.abort();
                Err(TransportError::Timeout)
            }
        }
    }

    async fn exchange(&self, abort: &AbortController, max_bytes: usize) -> Outcome {
        let init = self.init().map_err(|error| unreachable(&error))?;
        let sent = host::send(&self.url.into(), &init, &abort.signal()).map_err(|error| unreachable(&error))?;
        let response: Response = JsFuture::from(sent).await.map_err(|error| unreachable(&error))?.unchecked_into();
        Ok(ProviderAnswer {
            status: response.status(),
            retry_after: response.headers().get("retry-after").ok().flatten().map(|value| delay_seconds(&value)),
            body: read_bounded(&response, max_bytes).await?,
        })
    }

    fn init(&self) -> Result<JsValue, JsValue> {
        let mut headers = vec![("accept", JsValue::from("application/json"))];
        if self.form.is_some() {
            headers.push(("content-type", "application/x-www-form-urlencoded".into()));
        }
        if let Some(token) = self.bearer {
            headers.push(("authorization", format!("Bearer {token}").into()));
        }
        let mut init = vec![("headers", object(&headers)?.into())];
        if let Some(form) = self.form {
            init.push(("method", "POST".into()));
            init.push(("body", form.into()));
        }
        Ok(object(&init)?.into())
    }
}

/// Exchanges a refresh token.
pub async fn refresh(auth0: &Auth0, refresh_token: &Secret<String>) -> Outcome {
    let form = refresh_form(auth0, refresh_token);
    let url = auth0.endpoint("/oauth/token");
    Call { url: &url, form: Some(&form), bearer: None, timeout_ms: auth0.timeout_ms }.send().await
}

/// Revokes a refresh token, as far as the provider lets it be done; the log has what it did not.
pub async fn revoke(auth0: &Auth0, refresh_token: &str) {
    let form = revocation_form(auth0, refresh_token);
    let url = auth0.endpoint("/oauth/revoke");
    let failure = match (Call { url: &url, form: Some(&form), bearer: None, timeout_ms: auth0.timeout_ms }.send().await)
    {
        Ok(answer) if answer.status == 200 => return,
        Ok(answer) => format!("status {}", answer.status),
        Err(error) => error.to_string(),
    };
    log::warn("revocation_failed", &failure);
}

/// Gives a `Retry-After` in seconds, whichever of its two forms it has (RFC 9110 section 10.2.3).
fn delay_seconds(value: &str) -> String {
    let date = js_sys::Date::parse(value);
    // Whatever else the engine would take for a date is none (RFC 9110 section 5.6.7).
    if date.is_nan() || !value.trim_end().ends_with("GMT") {
        return value.to_owned();
    }
    #[expect(clippy::cast_possible_truncation, reason = "dates are far below 2^53")]
    let seconds = ((date - now_ms()) / 1000.0).ceil().max(0.0) as i64;
    seconds.to_string()
}

async fn read_bounded(response: &Response, max_bytes: usize) -> Result<String, TransportError> {
    let Some(body) = response.body() else { return Ok(String::new()) };
    let bytes = read_stream(&body, max_bytes).await?;
    // Malformed UTF-8 becomes replacement characters, which no JSON that matters survives.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads a stream of at most `max_bytes`.
///
/// # Errors
/// [`TransportError::TooLarge`] past that, [`TransportError::Unreachable`] where the stream breaks.
pub async fn read_stream(stream: &web_sys::ReadableStream, max_bytes: usize) -> Result<Vec<u8>, TransportError> {
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(|error| unreachable(&error))?;
        let done = Reflect::get(&chunk, &"done".into()).is_ok_and(|done| done.is_truthy());
        if done {
            return Ok(bytes);
        }
        let value = Reflect::get(&chunk, &"value".into()).map_err(|error| unreachable(&error))?;
        bytes.extend(Uint8Array::new(&value).to_vec());
        if bytes.len() > max_bytes {
            // The answer is given up; whether cancelling works changes nothing.
            let _ = reader.cancel();
            return Err(TransportError::TooLarge);
        }
    }
}

/// Says why a call failed, from what the runtime threw.
pub fn failure_reason(error: &JsValue) -> String {
    host::thrown_message(error).unwrap_or_else(|| "the connection failed".to_owned())
}

fn unreachable(error: &JsValue) -> TransportError {
    TransportError::Unreachable(failure_reason(error))
}
