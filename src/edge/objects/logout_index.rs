//! The sessions of one user, or of one session at the provider, so that a back-channel logout finds them.

use serde_json::{Map, Value, json};
use wasm_bindgen::JsValue;

use super::{Class, StoredObject};
use crate::edge::timing::now_secs;
use crate::json;
use crate::session::IndexRecord;

/// How long a session may take to end, in milliseconds.
const ERASE_TIMEOUT_MS: u32 = 5_000;

/// Answers a message: `add` or `end`; without one it is the alarm.
pub async fn answer(object: &StoredObject, message: Option<Map<String, Value>>) -> Result<Value, JsValue> {
    let mut index = read(object)?;
    let Some(message) = message else {
        keep(object, &index).await?;
        return Ok(json!({}));
    };
    let until = message.get("until").and_then(Value::as_i64).ok_or("no time")?;
    if let Some(session) = json::text(&message, "add") {
        index.add(session, until);
        keep(object, &index).await?;
        return Ok(json!({}));
    }
    let jti = json::text(&message, "jti").ok_or("no jti")?;
    if !index.spend(jti, until) {
        return Ok(json!({"replayed": true}));
    }
    // Noted before anything is waited for, so that of two at once one is the replay.
    keep(object, &index).await?;
    let mut failed = false;
    for session in index.sessions() {
        let message = json!({"do": "erase"});
        let erased = Class::Session.ask(&object.env(), &|_| {}, &session, &message, ERASE_TIMEOUT_MS).await;
        let mut index = read(object)?;
        match erased {
            Ok(_) => index.remove(&session),
            Err(_) => {
                failed = true;
                index.restore(jti);
            }
        }
        keep(object, &index).await?;
    }
    Ok(json!({"failed": failed}))
}

fn read(object: &StoredObject) -> Result<IndexRecord, JsValue> {
    Ok(IndexRecord::parse(object.kept()?.as_deref(), now_secs()))
}

async fn keep(object: &StoredObject, index: &IndexRecord) -> Result<(), JsValue> {
    let Some(text) = index.to_json() else { return object.erase().await };
    object.keep(&text)?;
    #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
    object.wake_at(index.good_until() as f64 * 1000.0).await
}
