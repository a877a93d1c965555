//! The exchange of one refresh token: made once, its answer kept for a moment, sealed under a key that only the token gives.

use std::rc::Rc;

use serde_json::{Map, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{Gateway, StoredObject};
use crate::edge::provider;
use crate::edge::rotation::is_granted;
use crate::edge::sealing::{open, seal};
use crate::edge::timing::now_ms;
use crate::json;
use crate::oauth::{Kept, LOST_WINDOW_MS, Step, TransportError, outcome_to_json};
use crate::secret::Secret;

/// Names the purpose of the key under which the answer is sealed.
const PURPOSE: &str = "bargate refresh answer v1";

/// Gives what came of the exchange, as JSON.
pub async fn answer(
    object: &StoredObject,
    gateway: &Rc<Gateway>,
    message: Option<Map<String, Value>>,
) -> Result<String, JsValue> {
    let Some(message) = message else {
        forget(object).await?;
        return Ok(String::new());
    };
    let (object_again, gateway) = (object.clone(), Rc::clone(gateway));
    // The object's name is the token's digest, so whoever asks meanwhile asks with the same token.
    let outcome = object.share(|| {
        Box::pin(async move {
            let token = json::text(&message, "refresh_token").ok_or("no refresh token")?;
            let grace_ms = message.get("grace_secs").and_then(Value::as_i64).unwrap_or_default() * 1000;
            exchange(&object_again, &gateway, Secret::new(token.to_owned()), grace_ms).await.map(JsValue::from)
        })
    })?;
    Ok(JsFuture::from(outcome).await?.as_string().unwrap_or_default())
}

async fn exchange(
    object: &StoredObject,
    gateway: &Gateway,
    token: Secret<String>,
    grace_ms: i64,
) -> Result<String, JsValue> {
    let auth0 = gateway.config.authorizer.as_ref().ok_or("no authorizer")?;
    let secret = token.expose().as_bytes();
    let lost = match Kept::step(object.kept()?.as_deref().and_then(Kept::parse), now()) {
        Step::Exchange(lost) => lost,
        Step::Replay(sealed) => match open(secret, PURPOSE, &[], &sealed).await {
            Some(outcome) => return Ok(String::from_utf8_lossy(&outcome).into_owned()),
            None => return Err("the kept answer does not open".into()),
        },
        Step::Rest => {
            let rest = TransportError::Unreachable("its answers to this exchange were lost twice".to_owned());
            return Ok(outcome_to_json(&Err(rest)).to_string());
        }
    };
    // Found after a restart, this tells that an answer may have been lost.
    keep(object, &Kept::UnderWay { lost, until: now() + LOST_WINDOW_MS }).await?;
    let outcome = provider::refresh(auth0, &token).await;
    let text = outcome_to_json(&outcome).to_string();
    let replayed = is_granted(&outcome) && grace_ms > 0;
    let sealed = if replayed { seal(secret, PURPOSE, &[], text.as_bytes()).await.ok() } else { None };
    match sealed {
        Some(sealed) => keep(object, &Kept::Answered { sealed, until: now() + grace_ms }).await?,
        None => object.erase().await?,
    }
    Ok(text)
}

async fn keep(object: &StoredObject, kept: &Kept) -> Result<(), JsValue> {
    object.keep(&kept.to_json())?;
    #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
    object.wake_at(kept.until() as f64).await
}

/// Erases what is kept once it is over.
async fn forget(object: &StoredObject) -> Result<(), JsValue> {
    if object.is_busy() {
        // What is under way sets an alarm of its own.
        return Ok(());
    }
    match object.kept()?.as_deref().and_then(Kept::parse) {
        Some(kept) if now() < kept.until() => keep(object, &kept).await,
        _ => object.erase().await,
    }
}

fn now() -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "dates are far below 2^53")]
    let now = now_ms() as i64;
    now
}
