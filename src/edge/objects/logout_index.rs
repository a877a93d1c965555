//! The sessions of one user, or of one session at the provider, so that a back-channel logout finds them, and the user; or none, and
//! that the state of one login was used.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::edge::runtime::bindings;
use crate::edge::runtime::stored_object::{MALFORMED_MESSAGE, StoredObject};
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::work::Awaited;
use crate::objects::{Class, LogoutIndexAnswer, LogoutIndexMessage, SessionMessage};
use crate::session::IndexRecord;

#[wasm_bindgen(module = "/src/edge/objects/logout_index.js")]
extern "C" {
    fn told(
        sessions: &JsValue,
        names: &str,
        message: &str,
        ms: u32,
        id: Option<&str>,
        after: Option<&str>,
        current: Option<&str>,
    ) -> Promise;
}

/// How long a session may take to end, or to say what it is, in milliseconds.
const TELL_TIMEOUT_MS: u32 = 5_000;

/// Answers a message.
pub async fn answer(object: &StoredObject, message: &str) -> Result<String, JsValue> {
    let message = LogoutIndexMessage::parse(message).ok_or(MALFORMED_MESSAGE)?;
    let mut index = read(object)?;
    let (mut id, mut after, mut current) = (None, None, None);
    let names = match &message {
        // One that has no room beside it ends, for no logout could find it.
        LogoutIndexMessage::Add { session, .. } => {
            index.pushed_out_by(session).map(str::to_owned).into_iter().collect()
        }
        LogoutIndexMessage::Spend { jti, .. } if index.spent_by(jti).is_some() => Vec::new(),
        LogoutIndexMessage::Spend { .. } => index.sessions(),
        LogoutIndexMessage::EndOne(one) => {
            id = Some(one.as_str());
            index.sessions()
        }
        LogoutIndexMessage::EndAll { spared } => {
            let ended = index.end_all(spared.as_deref(), now_secs());
            keep(object, &index).await?;
            ended
        }
        LogoutIndexMessage::List { after: last, current: own } => {
            (after, current) = (Some(last.as_str()), own.as_deref());
            index.sessions()
        }
    };
    let wanted = if after.is_some() { SessionMessage::Describe } else { SessionMessage::Erase };
    let sessions = bindings::raw(&object.env(), Class::Session.binding());
    let told = told(&sessions, &names.join(" "), &wanted.to_json(), TELL_TIMEOUT_MS, id, after, current);
    let told = Awaited::from(told).await?.as_string().unwrap_or_default();
    let (words, ended) = told.split_once('\n').unwrap_or_default();

    // Others may have changed it. Those that have ended leave it, so who asks again continues the work.
    let mut index = read(object)?;
    for name in ended.split(' ') {
        index.remove(name);
    }
    let answer = match &message {
        LogoutIndexMessage::Add { session, began, .. } if began.is_some_and(|began| index.is_over(session, began)) => {
            LogoutIndexAnswer::Gone
        }
        LogoutIndexMessage::Add { session, until, .. } if index.pushed_out_by(session).is_none() => {
            index.add(session, *until);
            LogoutIndexAnswer::Done
        }
        LogoutIndexMessage::Add { .. } => return Err("a session that has no room cannot be ended".into()),
        LogoutIndexMessage::Spend { jti, requester, until } => match index.spent_by(jti) {
            // Whoever had it carried out and lost the answer asks again. Of two that came at once, the other was first.
            Some(by) if by == requester => LogoutIndexAnswer::Done,
            Some(_) => LogoutIndexAnswer::Replayed,
            None if words.is_empty() => {
                // Only now: until all have ended, the provider's next try with this token continues the work.
                index.spend(jti, requester, *until);
                LogoutIndexAnswer::Done
            }
            None => LogoutIndexAnswer::Failed,
        },
        LogoutIndexMessage::List { .. } if ended.is_empty() => return Ok(words.to_owned()),
        LogoutIndexMessage::List { .. } | LogoutIndexMessage::EndOne(_) | LogoutIndexMessage::EndAll { .. } => {
            match words {
                "" => LogoutIndexAnswer::Done,
                "gone" => LogoutIndexAnswer::Gone,
                _ => LogoutIndexAnswer::Failed,
            }
        }
    };
    keep(object, &index).await?;
    Ok(if after.is_some() { words.to_owned() } else { answer.to_json() })
}

/// Erases what is over.
pub async fn on_alarm(object: &StoredObject) -> Result<(), JsValue> {
    keep(object, &read(object)?).await
}

fn read(object: &StoredObject) -> Result<IndexRecord, JsValue> {
    Ok(IndexRecord::parse(object.kept()?.as_deref(), now_secs()))
}

async fn keep(object: &StoredObject, index: &IndexRecord) -> Result<(), JsValue> {
    match index.to_json() {
        Some(text) => object.keep_until(&text, index.valid_until() * 1000).await,
        None => object.erase().await,
    }
}
