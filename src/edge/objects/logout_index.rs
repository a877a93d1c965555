//! The sessions of one user, or of one session at the provider, so that a back-channel logout finds them; or none, and that the
//! state of one login was used.

use js_sys::Promise;
use wasm_bindgen::JsValue;

use crate::edge::runtime::invocation::Detached;
use crate::edge::runtime::object_client::ask;
use crate::edge::runtime::stored_object::{MALFORMED_MESSAGE, StoredObject};
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::work::{Awaited, promise};
use crate::objects::{Class, LogoutIndexAnswer, LogoutIndexMessage, SessionMessage};
use crate::session::IndexRecord;

/// How long a session may take to end, in milliseconds.
const ERASE_TIMEOUT_MS: u32 = 2_000;

/// So many sessions are ended at once.
const ERASED_AT_ONCE: usize = 50;

/// Answers a message.
pub async fn answer(object: &StoredObject, message: &str) -> Result<LogoutIndexAnswer, JsValue> {
    match LogoutIndexMessage::parse(message).ok_or(MALFORMED_MESSAGE)? {
        LogoutIndexMessage::Add { session, until } => {
            add(object, &session, until).await?;
            Ok(LogoutIndexAnswer::Done)
        }
        LogoutIndexMessage::Spend { jti, requester, until } => spend(object, &jti, &requester, until).await,
    }
}

async fn spend(object: &StoredObject, jti: &str, requester: &str, until: i64) -> Result<LogoutIndexAnswer, JsValue> {
    let index = read(object)?;
    if let Some(by) = index.spent_by(jti) {
        return Ok(answer_of_spent(by, requester));
    }
    let mut failed = false;
    for some in index.sessions().chunks(ERASED_AT_ONCE) {
        let erasures: Vec<(&String, Promise)> = some.iter().map(|session| (session, erase(object, session))).collect();
        for (session, erasure) in erasures {
            let erased = Awaited::from(erasure).await?.is_truthy();
            failed |= !erased;
            if erased {
                let mut index = read(object)?;
                index.remove(session);
                keep(object, &index).await?;
            }
        }
    }
    if !failed {
        // Only now: until all have ended, the provider's next try with this token continues the work.
        let mut index = read(object)?;
        if let Some(by) = index.spent_by(jti) {
            // Of two that came at once, the other was first.
            return Ok(answer_of_spent(by, requester));
        }
        index.spend(jti, requester, until);
        keep(object, &index).await?;
    }
    Ok(if failed { LogoutIndexAnswer::Failed } else { LogoutIndexAnswer::Done })
}

/// Returns the answer about what was spent before. Whoever had it carried out and lost the answer asks again.
fn answer_of_spent(by: &str, requester: &str) -> LogoutIndexAnswer {
    if by == requester { LogoutIndexAnswer::Done } else { LogoutIndexAnswer::Replayed }
}

/// Adds a session. One that has no room beside it ends, for no logout could find it.
async fn add(object: &StoredObject, session: &str, until: i64) -> Result<(), JsValue> {
    loop {
        let mut index = read(object)?;
        let Some(first) = index.pushed_out_by(session).map(str::to_owned) else {
            index.add(session, until);
            return keep(object, &index).await;
        };
        if !Awaited::from(erase(object, &first)).await?.is_truthy() {
            return Err("a session that has no room cannot be ended".into());
        }
        let mut index = read(object)?;
        index.remove(&first);
        keep(object, &index).await?;
    }
}

/// Ends a session; returns a promise of whether it has ended.
fn erase(object: &StoredObject, session: &str) -> Promise {
    let (env, session) = (object.env(), session.to_owned());
    promise(Box::pin(async move {
        let message = SessionMessage::Erase.to_json();
        Ok(ask(&Detached(env), Class::Session, &session, &message, ERASE_TIMEOUT_MS).await.is_ok().into())
    }))
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
