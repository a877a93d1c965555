//! The bodies of requests that the gateway reads itself, bounded in size.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::ReadableStream;

use crate::edge::request::context::RequestContext;
use crate::edge::runtime::http_client::transport_error;
use crate::edge::runtime::work::Awaited;
use crate::oauth::{BODY_MAX_BYTES, TransportError};
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/runtime/limits.js")]
extern "C" {
    fn read(stream: &ReadableStream, max: usize) -> Promise;
}

/// Returns the text of the request's body; `None` if it has none.
///
/// # Errors
/// 413 if it is larger than such bodies are, 400 if it is not text.
pub async fn read_body(cx: &RequestContext) -> Result<Option<String>, Problem> {
    let Some(body) = cx.request().body() else { return Ok(None) };
    let own_max = cx.body_max.get().and_then(|max| usize::try_from(max).ok());
    let max = own_max.unwrap_or(BODY_MAX_BYTES).min(BODY_MAX_BYTES);
    let bytes = Awaited::from(read(&body, max)).await.map_err(|error| match transport_error(error) {
        TransportError::TooLarge => Problem::BodyTooLarge(max as u64),
        TransportError::Unreachable(_) | TransportError::Timeout => Problem::BodyMalformed("the body broke off"),
    })?;
    let text = String::from_utf8(Uint8Array::new(&bytes).to_vec()).map_err(|_| Problem::BodyMalformed("not UTF-8"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}
