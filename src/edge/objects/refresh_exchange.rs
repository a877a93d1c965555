//! The exchange of one refresh token: made once, its answer kept for a moment, sealed under a key that only the token gives.

use std::rc::Rc;

use serde_json::{Map, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{Gateway, Message, StoredObject};
use crate::edge::auth::provider;
use crate::edge::runtime::sealing::{open, seal};
use crate::edge::runtime::timing::now_whole_ms;
use crate::json;
use crate::oauth::{Answered, Kept, LOST_WINDOW_MS, Step, TransportError, is_rotated, outcome_to_json};
use crate::secret::Secret;

/// Names the purpose of the key under which the answer is sealed.
const PURPOSE: &str = "bargate refresh answer v1";

/// Who asks, and for how long others get the answer.
struct Asker {
    id: String,
    grace_ms: i64,
    retry_ms: i64,
}

/// Gives what came of the exchange, as JSON.
pub async fn answer(
    object: &StoredObject,
    gateway: &Rc<Gateway>,
    message: Map<String, Value>,
) -> Result<String, JsValue> {
    let (object_again, gateway) = (object.clone(), Rc::clone(gateway));
    // The object's name is the token's digest, so whoever asks meanwhile asks with the same token.
    let outcome = object.share(|| {
        Box::pin(async move {
            let token = json::text(&message, "refresh_token").ok_or("no refresh token")?;
            let number = |key: &str| message.get(key).and_then(Value::as_i64).unwrap_or_default();
            let asker = Asker {
                id: json::text(&message, "asker").unwrap_or_default().to_owned(),
                grace_ms: number("grace_ms"),
                retry_ms: number("retry_ms"),
            };
            exchange(&object_again, &gateway, Secret::new(token.to_owned()), asker).await.map(JsValue::from)
        })
    })?;
    Ok(JsFuture::from(outcome).await?.as_string().unwrap_or_default())
}

async fn exchange(
    object: &StoredObject,
    gateway: &Gateway,
    token: Secret<String>,
    asker: Asker,
) -> Result<String, JsValue> {
    let issuer = gateway.login_issuer().map_err(|problem| problem.code())?;
    let secret = token.expose().as_bytes();
    let lost = match Kept::step(kept(object)?, &asker.id, now_whole_ms()) {
        Step::Exchange(lost) => lost,
        Step::Replay(sealed) => {
            let outcome = open(secret, PURPOSE, &[], &sealed).await?.ok_or("the kept answer does not open")?;
            let mut outcome = json::parse_object(&outcome).unwrap_or_default();
            outcome.insert("replayed".to_owned(), true.into());
            return Ok(Value::Object(outcome).to_string());
        }
        Step::Rest => {
            let rest = TransportError::Unreachable("its answers to this exchange were lost twice".to_owned());
            return Ok(outcome_to_json(&Err(rest)).to_string());
        }
    };
    // Found after a restart, this tells that an answer may have been lost.
    keep(object, &Kept::UnderWay { lost, until: now_whole_ms() + LOST_WINDOW_MS }).await?;
    let outcome = match issuer.endpoints(&Message(object.env())).await {
        Ok(endpoints) => provider::refresh(issuer, &endpoints, &token).await,
        Err(problem) => Err(TransportError::Unreachable(format!("its discovery document: {}", problem.code()))),
    };
    let text = outcome_to_json(&outcome).to_string();
    // A token that stays as it is may be exchanged as often as anyone asks.
    let rotated = is_rotated(&outcome, token.expose());
    let sealed = if rotated { seal(secret, PURPOSE, &[], text.as_bytes()).await.ok() } else { None };
    match sealed {
        Some(sealed) => {
            let now = now_whole_ms();
            let (open_until, until) = (now + asker.grace_ms, now + asker.grace_ms.max(asker.retry_ms));
            keep(object, &Kept::Answered(Answered { sealed, asker: asker.id, open_until, until })).await?;
        }
        None => object.erase().await?,
    }
    Ok(text)
}

fn kept(object: &StoredObject) -> Result<Option<Kept>, JsValue> {
    Ok(object.kept()?.as_deref().and_then(Kept::parse))
}

async fn keep(object: &StoredObject, kept: &Kept) -> Result<(), JsValue> {
    object.keep_until(&kept.to_json(), kept.until()).await
}

/// Erases what is kept once it is over.
pub async fn on_alarm(object: &StoredObject) -> Result<(), JsValue> {
    if object.is_busy() {
        // What is under way sets an alarm of its own.
        return Ok(());
    }
    match kept(object)? {
        Some(kept) if now_whole_ms() < kept.until() => keep(object, &kept).await,
        _ => object.erase().await,
    }
}
