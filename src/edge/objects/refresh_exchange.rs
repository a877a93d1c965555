//! The token requests that begin with one refresh token: one for each target, made in a row, their answers stored for a moment,
//! sealed under a key that is derived from the token.

use std::rc::Rc;

use wasm_bindgen::JsValue;

use crate::edge::auth::token_requests;
use crate::edge::gateway::Gateway;
use crate::edge::runtime::events;
use crate::edge::runtime::invocation::Detached;
use crate::edge::runtime::sealing::{open, seal};
use crate::edge::runtime::stored_object::{MALFORMED_MESSAGE, Shared, StoredObject};
use crate::edge::runtime::timing::now_whole_ms;
use crate::edge::runtime::work::Awaited;
use crate::oauth::{Answered, LOST_WINDOW_MS, Outcome, ProviderResponse, Step, StoredResult, TransportError};
use crate::objects::{RefreshExchangeAnswer, RefreshExchangeMessage, Row};
use crate::secret::Secret;

/// Names the purpose of the key under which the answer is sealed.
const PURPOSE: &str = "bargate refresh answer v1";

/// Returns the result of the token request, as JSON.
pub async fn answer(object: &StoredObject, gateway: &Rc<Gateway>, message: &str) -> Result<String, JsValue> {
    if let Some(token) = RefreshExchangeMessage::parse_revocation(message) {
        return revoked(object, &token).await;
    }
    let parsed = RefreshExchangeMessage::parse(message).ok_or(MALFORMED_MESSAGE)?;
    // The object's name is the token's digest, so all requesters have the same token, but not the same target.
    loop {
        if object.is_busy() {
            object.add_waiting(message);
            events::count("renewal", "shared");
        }
        let Shared { work, .. } = object.share("", || {
            let (object, gateway, message) = (object.clone(), Rc::clone(gateway), parsed.clone());
            Box::pin(async move { Ok(exchange(&object, &gateway, message).await?.to_text(false).into()) })
        })?;
        let answers = Awaited::from(work).await?.as_string().unwrap_or_default();
        // Work that was about to end takes no more messages.
        if let Some(answer) = Row::select(&answers, parsed.target.as_deref()) {
            return Ok(answer.to_json());
        }
    }
}

/// Sees to it that nobody gets what is stored any longer, and returns what has taken the place of the refresh token, which is to be
/// revoked: as a message for its object, or an empty one if there is none. Who revokes once more gets the same.
async fn revoked(object: &StoredObject, token: &Secret<String>) -> Result<String, JsValue> {
    while let Some(work) = object.running() {
        let _ = Awaited::from(work).await;
    }
    let Some(StoredResult::Answered(answered)) = kept(object)?.filter(|kept| now_whole_ms() < kept.until()) else {
        return Ok(String::new());
    };
    let sealed = answered.sealed.clone();
    keep(object, &StoredResult::Answered(answered.closed(now_whole_ms()))).await?;
    let text = opened(token, &sealed).await?;
    Ok(Row::successor(&text).as_ref().map(RefreshExchangeMessage::revocation).unwrap_or_default())
}

async fn opened(token: &Secret<String>, sealed: &str) -> Result<String, JsValue> {
    let opened = open(token.expose().as_bytes(), PURPOSE, &[], sealed).await?;
    Ok(opened.and_then(|text| String::from_utf8(text).ok()).ok_or("the stored answer does not open")?)
}

/// Makes the token requests of all who ask meanwhile, in a row.
async fn exchange(object: &StoredObject, gateway: &Gateway, first: RefreshExchangeMessage) -> Result<Row, JsValue> {
    // Isolates may have different configs for a minute.
    let provider = gateway.config.provider.as_ref().ok_or("the config has no provider")?;
    let application = gateway.application(provider);
    let secret = first.refresh_token.clone();
    let mut row = Row::default();
    let mut next = Some(first);
    while let Some(message) = next.take().or_else(|| RefreshExchangeMessage::parse(&object.take_waiting()?)) {
        let RefreshExchangeMessage { refresh_token, requester, grace_ms, retry_ms, target } = message;
        if row.has_answer(target.as_deref(), &requester) {
            row.add_requester(&requester);
            if row.is_kept_for(grace_ms, retry_ms) {
                continue;
            }
        } else {
            let token = row.current().unwrap_or(&refresh_token).clone();
            let mut made = None;
            if row.current().is_none() {
                match StoredResult::step(kept(object)?, &requester, now_whole_ms()) {
                    Step::Request(lost) => {
                        if lost > 0 {
                            events::count("renewal", "retried");
                        }
                        keep(object, &StoredResult::under_way(lost, now_whole_ms())).await?;
                    }
                    Step::Replay(sealed) => {
                        events::count("renewal", "replayed");
                        row.set_kept(&opened(&secret, &sealed).await?);
                        continue;
                    }
                    Step::Rest => {
                        events::count("renewal", "rested");
                        made = Some(unreachable("its answers to this exchange were lost twice".to_owned()));
                    }
                    Step::Closed => {
                        let body = r#"{"error":"invalid_grant"}"#.to_owned();
                        made = Some(Ok(ProviderResponse { status: 400, retry_after: None, body }));
                    }
                }
            }
            let is_local = made.is_some();
            let outcome = match made {
                Some(outcome) => outcome,
                None => match application.endpoints(&Detached(object.env())).await {
                    Ok(endpoints) => token_requests::refresh(&application, &endpoints, &token, target.as_deref()).await,
                    Err(problem) => unreachable(format!("its discovery document: {}", problem.code())),
                },
            };
            row.add(RefreshExchangeAnswer::new(Rc::new(outcome), target), token.expose(), &requester);
            if is_local {
                continue;
            }
        }
        // A token that is not rotated may be used for every request. What comes after a successor is kept from then on, even a failure:
        // the client still has the token that is used.
        let sealed = match row.current() {
            Some(_) => seal(secret.expose().as_bytes(), PURPOSE, &[], row.to_text(true).as_bytes()).await.ok(),
            None => None,
        };
        match sealed {
            Some(sealed) => {
                let (requester, grace_ms) = (row.requesters().to_owned(), row.extend_grace(grace_ms));
                let answered = Answered::new(sealed, requester, now_whole_ms(), grace_ms, retry_ms);
                keep(object, &StoredResult::Answered(answered)).await?;
            }
            None => object.erase().await?,
        }
    }
    Ok(row)
}

fn unreachable(reason: String) -> Outcome {
    Err(TransportError::Unreachable(reason))
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
        // A running token request may set its own alarm.
        return object.wake_at(now_whole_ms() + LOST_WINDOW_MS).await;
    }
    match kept(object)? {
        Some(kept) if now_whole_ms() < kept.until() => keep(object, &kept).await,
        _ => object.erase().await,
    }
}
