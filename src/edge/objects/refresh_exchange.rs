//! The token request of one refresh token: made once, its answer stored for a moment, sealed under a key that is derived from the
//! token.

use std::rc::Rc;

use wasm_bindgen::JsValue;

use crate::edge::auth::token_requests;
use crate::edge::gateway::Gateway;
use crate::edge::runtime::invocation::Detached;
use crate::edge::runtime::sealing::{open, seal};
use crate::edge::runtime::stored_object::{MALFORMED_MESSAGE, Shared, StoredObject};
use crate::edge::runtime::timing::now_whole_ms;
use crate::edge::runtime::work::Awaited;
use crate::oauth::{Answered, LOST_WINDOW_MS, Outcome, Step, StoredResult, TransportError, is_rotated};
use crate::objects::{RefreshExchangeAnswer, RefreshExchangeMessage};

/// Names the purpose of the key under which the answer is sealed.
const PURPOSE: &str = "bargate refresh answer v1";

/// Returns the result of the token request, as JSON.
pub async fn answer(object: &StoredObject, gateway: &Rc<Gateway>, message: &str) -> Result<String, JsValue> {
    let message = RefreshExchangeMessage::parse(message).ok_or(MALFORMED_MESSAGE)?;
    // The object's name is the token's digest, so all simultaneous requesters have the same token, but not the same target.
    loop {
        let Shared { work, is_own } = object.share(message.target.as_deref().unwrap_or_default(), || {
            let (object, gateway, message) = (object.clone(), Rc::clone(gateway), message.clone());
            Box::pin(async move { exchange(&object, &gateway, message).await.map(|answer| answer.to_json().into()) })
        })?;
        let outcome = Awaited::from(work).await;
        if is_own {
            return Ok(outcome?.as_string().unwrap_or_default());
        }
    }
}

async fn exchange(
    object: &StoredObject,
    gateway: &Gateway,
    message: RefreshExchangeMessage,
) -> Result<RefreshExchangeAnswer, JsValue> {
    // Isolates may have different configs for a minute.
    let provider = gateway.config.provider.as_ref().ok_or("the config has no provider")?;
    let application = gateway.application(provider);
    let RefreshExchangeMessage { refresh_token: token, requester, grace_ms, retry_ms, target } = message;
    let secret = token.expose().as_bytes();
    let fresh = |outcome: Outcome| {
        let (outcome, target) = (Rc::new(outcome), target.clone());
        RefreshExchangeAnswer { outcome, replayed: false, target }
    };
    let lost = match StoredResult::step(kept(object)?, &requester, now_whole_ms()) {
        Step::Request(lost) => lost,
        Step::Replay(sealed) => {
            let opened = open(secret, PURPOSE, &[], &sealed).await?.and_then(|text| String::from_utf8(text).ok());
            let stored = opened.and_then(|text| RefreshExchangeAnswer::parse(&text));
            let stored = stored.ok_or("the stored answer does not open")?;
            return Ok(RefreshExchangeAnswer { replayed: true, ..stored });
        }
        Step::Rest => {
            let rest = TransportError::Unreachable("its answers to this exchange were lost twice".to_owned());
            return Ok(fresh(Err(rest)));
        }
    };
    // If this is found after a restart, an answer may have been lost.
    keep(object, &StoredResult::UnderWay { lost, until: now_whole_ms() + LOST_WINDOW_MS }).await?;
    let outcome = match application.endpoints(&Detached(object.env())).await {
        Ok(endpoints) => token_requests::refresh(&application, &endpoints, &token, target.as_deref()).await,
        Err(problem) => Err(TransportError::Unreachable(format!("its discovery document: {}", problem.code()))),
    };
    // A token that is not rotated may be used for every request.
    let rotated = is_rotated(&outcome, token.expose());
    let answer = fresh(outcome);
    let sealed = if rotated { seal(secret, PURPOSE, &[], answer.to_json().as_bytes()).await.ok() } else { None };
    match sealed {
        Some(sealed) => {
            let now = now_whole_ms();
            let (replay_until, until) = (now + grace_ms, now + grace_ms.max(retry_ms));
            keep(object, &StoredResult::Answered(Answered { sealed, requester, replay_until, until })).await?;
        }
        None => object.erase().await?,
    }
    Ok(answer)
}

fn kept(object: &StoredObject) -> Result<Option<StoredResult>, JsValue> {
    Ok(object.kept()?.as_deref().and_then(StoredResult::parse))
}

async fn keep(object: &StoredObject, kept: &StoredResult) -> Result<(), JsValue> {
    object.keep_until(&kept.to_json(), kept.until()).await
}

/// Erases the stored result once it has expired.
pub async fn on_alarm(object: &StoredObject) -> Result<(), JsValue> {
    if object.is_busy() {
        // A running token request sets its own alarm.
        return Ok(());
    }
    match kept(object)? {
        Some(kept) if now_whole_ms() < kept.until() => keep(object, &kept).await,
        _ => object.erase().await,
    }
}
