//! The sessions of one user, or of one session at the provider, so that a back-channel logout finds them, and the user; or none, and
//! that the state of one login was used.

use js_sys::Promise;
use serde_json::Value;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::edge::runtime::invocation::Detached;
use crate::edge::runtime::object_client::ask;
use crate::edge::runtime::stored_object::{MALFORMED_MESSAGE, StoredObject};
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto::text_of;
use crate::edge::runtime::work::{Awaited, promise};
use crate::json::{self, ToText as _};
use crate::objects::{Class, LogoutIndexAnswer, LogoutIndexMessage, SessionMessage};
use crate::session::IndexRecord;

#[wasm_bindgen(module = "/src/edge/objects/logout_index.js")]
extern "C" {
    /// Returns a line for each name, in the order of their ids: the id, a space, and the name. `names` has a space between two.
    fn identified(names: &str) -> Promise;
}

/// How long a session may take to end, or to say what it is, in milliseconds.
const TELL_TIMEOUT_MS: u32 = 2_000;

/// So many sessions are ended at once, and a page of a list has so many.
const TOLD_AT_ONCE: usize = 50;

/// Answers a message.
pub async fn answer(object: &StoredObject, message: &str) -> Result<String, JsValue> {
    let answer = match LogoutIndexMessage::parse(message).ok_or(MALFORMED_MESSAGE)? {
        LogoutIndexMessage::Add { session, until, began } => add(object, &session, until, began).await?,
        LogoutIndexMessage::List { after, current } => return list(object, &after, current.as_deref()).await,
        LogoutIndexMessage::EndOne(id) => {
            let lines = identified_sessions(object).await?;
            match sessions_of(&lines).find(|(known, _)| *known == id) {
                Some((_, session)) => end(object, &[session.to_owned()]).await?,
                None => LogoutIndexAnswer::Gone,
            }
        }
        LogoutIndexMessage::EndAll { spared } => {
            let mut index = read(object)?;
            let sessions = index.end_all(spared.as_deref(), now_secs());
            keep(object, &index).await?;
            end(object, &sessions).await?
        }
        LogoutIndexMessage::Spend { jti, requester, until } => spend(object, &jti, &requester, until).await?,
    };
    Ok(answer.to_json())
}

/// Ends sessions. Each leaves the index once it has ended, so who asks again continues the work.
async fn end(object: &StoredObject, sessions: &[String]) -> Result<LogoutIndexAnswer, JsValue> {
    let mut answer = LogoutIndexAnswer::Done;
    for some in sessions.chunks(TOLD_AT_ONCE) {
        let erasures: Vec<(&String, Promise)> = some.iter().map(|session| (session, erase(object, session))).collect();
        for (session, erasure) in erasures {
            if Awaited::from(erasure).await?.is_truthy() {
                let mut index = read(object)?;
                index.remove(session);
                keep(object, &index).await?;
            } else {
                answer = LogoutIndexAnswer::Failed;
            }
        }
    }
    Ok(answer)
}

async fn spend(object: &StoredObject, jti: &str, requester: &str, until: i64) -> Result<LogoutIndexAnswer, JsValue> {
    let index = read(object)?;
    if let Some(by) = index.spent_by(jti) {
        return Ok(answer_of_spent(by, requester));
    }
    let ended = end(object, &index.sessions()).await?;
    if ended == LogoutIndexAnswer::Done {
        // Only now: until all have ended, the provider's next try with this token continues the work.
        let mut index = read(object)?;
        if let Some(by) = index.spent_by(jti) {
            // Of two that came at once, the other was first.
            return Ok(answer_of_spent(by, requester));
        }
        index.spend(jti, requester, until);
        keep(object, &index).await?;
    }
    Ok(ended)
}

/// Returns the answer about what was spent before. Whoever had it carried out and lost the answer asks again.
fn answer_of_spent(by: &str, requester: &str) -> LogoutIndexAnswer {
    if by == requester { LogoutIndexAnswer::Done } else { LogoutIndexAnswer::Replayed }
}

/// Adds a session, unless it is one of those that were all ended since it `began`. One that has no room beside it ends, for no logout
/// could find it.
async fn add(
    object: &StoredObject,
    session: &str,
    until: i64,
    began: Option<i64>,
) -> Result<LogoutIndexAnswer, JsValue> {
    loop {
        let mut index = read(object)?;
        if began.is_some_and(|began| index.is_over(session, began)) {
            return Ok(LogoutIndexAnswer::Gone);
        }
        let Some(first) = index.pushed_out_by(session).map(str::to_owned) else {
            index.add(session, until);
            keep(object, &index).await?;
            return Ok(LogoutIndexAnswer::Done);
        };
        if !Awaited::from(erase(object, &first)).await?.is_truthy() {
            return Err("a session that has no room cannot be ended".into());
        }
        let mut index = read(object)?;
        index.remove(&first);
        keep(object, &index).await?;
    }
}

/// Returns a page of the list, as JSON. Each session says what it is; those that have ended leave the index.
async fn list(object: &StoredObject, after: &str, current: Option<&str>) -> Result<String, JsValue> {
    let lines = identified_sessions(object).await?;
    let mut others = sessions_of(&lines).filter(|(id, _)| *id > after);
    let page: Vec<_> = others.by_ref().take(TOLD_AT_ONCE).collect();
    let told: Vec<Promise> = page.iter().map(|(_, name)| tell(object, name, &SessionMessage::Describe)).collect();
    let (mut sessions, mut ended): (Vec<Value>, Vec<&str>) = (Vec::new(), Vec::new());
    for ((id, name), told) in page.iter().zip(told) {
        let said = Awaited::from(told).await?.as_string();
        let said = said.and_then(|text| json::parse_object(text.as_bytes()));
        let mut members = match said {
            Some(said) if said.contains_key("ended") => {
                ended.push(name);
                continue;
            }
            Some(said) => said,
            // It cannot be asked at present, which is told.
            None => json::parse_object(br#"{"unavailable":true}"#).unwrap_or_default(),
        };
        json::insert(&mut members, &mut [("id", (*id).into()), ("current", (current == Some(*name)).into())]);
        sessions.push(Value::Object(members));
    }
    if !ended.is_empty() {
        let mut index = read(object)?;
        for name in ended {
            index.remove(name);
        }
        keep(object, &index).await?;
    }
    let next = page.last().filter(|_| others.next().is_some()).map(|(id, _)| *id);
    Ok(json::object(&mut [("sessions", sessions.into()), ("next", next.into())]).to_text())
}

/// Returns the sessions of the index with their ids, a line each. An id is a digest, by which nobody can ask a session for anything.
async fn identified_sessions(object: &StoredObject) -> Result<String, JsValue> {
    let names = read(object)?.sessions().join(" ");
    Ok(if names.is_empty() { names } else { text_of(identified(&names)).await? })
}

/// Yields the id and the name of each session.
fn sessions_of(lines: &str) -> impl Iterator<Item = (&str, &str)> {
    lines.split('\n').filter_map(|line| line.split_once(' '))
}

/// Ends a session; returns a promise of whether it has ended.
fn erase(object: &StoredObject, session: &str) -> Promise {
    tell(object, session, &SessionMessage::Erase)
}

/// Tells a session something; returns a promise of its answer, which is empty if there is none.
fn tell(object: &StoredObject, session: &str, message: &SessionMessage) -> Promise {
    let (env, session, message) = (object.env(), session.to_owned(), message.to_json());
    promise(Box::pin(async move {
        let answer = ask(&Detached(env), Class::Session, &session, &message, TELL_TIMEOUT_MS).await;
        Ok(answer.unwrap_or_default().into())
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
