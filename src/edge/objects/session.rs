//! One session: its tokens, sealed under the half of the cookie that comes with each message and is not kept.

use std::rc::Rc;

use serde_json::{Map, Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{Gateway, Message, StoredObject};
use crate::config::Session;
use crate::edge::issuer::Issuer;
use crate::edge::rotation::{Asker, Exchanged};
use crate::edge::sealing::{open, seal};
use crate::edge::timing::{now_secs, within};
use crate::edge::{log, provider, rotation};
use crate::json;
use crate::oauth::{Exchange, TransportError, judge_tokens, outcome_to_json};
use crate::problem::Problem;
use crate::secret::Secret;
use crate::session::{SessionRecord, Standing, Tokens};

/// Names the purpose of the key under which the tokens are sealed.
const PURPOSE: &str = "bargate session v1";

/// A request whose token still holds waits this long for its renewal, and then goes ahead with the one it has.
const RENEWAL_PATIENCE_MS: u32 = 2_000;

/// A session that was ended before it began does not begin within this time: a logout may overtake the login it is for.
const UNBORN_SECS: i64 = 60;

/// What is kept of a session that was ended; no record.
const ENDED: &str = "ended";

/// Answers a message: `create`, `access`, `end` or `erase`.
pub async fn answer(
    object: &StoredObject,
    gateway: &Rc<Gateway>,
    message: Map<String, Value>,
) -> Result<Value, JsValue> {
    // Isolates may hold different configs for a minute, so one without sessions ends none.
    let rules = gateway.config.session.as_ref().ok_or("the config has no sessions")?;
    let issuer = gateway.login_issuer().map_err(|problem| problem.code())?;
    match json::text(&message, "do") {
        Some("create") => create(object, rules, &message).await,
        Some("access") => access(object, gateway, rules, issuer, &message).await,
        Some("end") => end(object, issuer, key(&message)?).await,
        Some("erase") => {
            match record(object)? {
                Some(_) => object.erase().await?,
                None => object.keep_until(ENDED, (now_secs() + UNBORN_SECS) * 1000).await?,
            }
            Ok(json!({}))
        }
        _ => Err("the message is not understood".into()),
    }
}

fn ended(reason: &str) -> Value {
    json!({"ended": reason})
}

fn record(object: &StoredObject) -> Result<Option<SessionRecord>, JsValue> {
    Ok(object.kept()?.as_deref().and_then(SessionRecord::parse))
}

fn key(message: &Map<String, Value>) -> Result<&str, JsValue> {
    json::text(message, "key").ok_or_else(|| "no key".into())
}

async fn sealed(key: &str, tokens: &Tokens) -> Result<String, JsValue> {
    seal(key.as_bytes(), PURPOSE, &[], tokens.to_json().as_bytes()).await.map_err(Into::into)
}

/// What a key finds.
enum Opened {
    Nothing,
    AnothersKey,
    Tokens(SessionRecord, Tokens),
}

/// Opens the tokens, and gives the record that they belong to after all that was waited for.
async fn opened(object: &StoredObject, key: &str) -> Result<Opened, JsValue> {
    while let Some(before) = record(object)? {
        let bytes = open(key.as_bytes(), PURPOSE, &[], &before.sealed).await?;
        let Some(record) = record(object)? else { break };
        if record.sealed != before.sealed {
            continue;
        }
        let tokens = bytes.and_then(|bytes| Tokens::from_json(&json::parse_object(&bytes)?));
        return Ok(tokens.map_or(Opened::AnothersKey, |tokens| Opened::Tokens(record, tokens)));
    }
    Ok(Opened::Nothing)
}

async fn create(object: &StoredObject, rules: &Session, message: &Map<String, Value>) -> Result<Value, JsValue> {
    let tokens = Tokens::from_json(message).ok_or("no tokens")?;
    let sealed = sealed(key(message)?, &tokens).await?;
    let now = now_secs();
    let token_until = message.get("until").and_then(Value::as_i64).ok_or("no expiry")?;
    let record = SessionRecord {
        used_at: now,
        idle_secs: rules.idle_secs,
        ends_at: now + rules.absolute_secs,
        token_from: now,
        token_until,
        sealed,
    };
    // The login's own second try, where the answer to the first was lost, finds its own record.
    let before = object.kept()?;
    if before.is_some() && !matches!(opened(object, key(message)?).await?, Opened::Tokens(..)) {
        return Err("it was ended before it began".into());
    }
    object.keep_until(&record.to_json(), record.ends_by() * 1000).await?;
    Ok(json!({}))
}

async fn access(
    object: &StoredObject,
    gateway: &Rc<Gateway>,
    rules: &Session,
    issuer: &Rc<Issuer>,
    message: &Map<String, Value>,
) -> Result<Value, JsValue> {
    let key = key(message)?;
    if record(object)?.is_some_and(|record| record.has_ended(now_secs())) {
        object.erase().await?;
    }
    let (mut record, tokens) = match opened(object, key).await? {
        Opened::Tokens(record, tokens) => (record, tokens),
        Opened::AnothersKey => return Ok(json!({"refused": "the cookie's key does not open it"})),
        Opened::Nothing => return Ok(ended("it has ended, or never was")),
    };
    // What the gateway asks for itself, as long as a socket or an answer lasts, is no use of the session.
    let silent = message.get("silent").and_then(Value::as_bool) == Some(true);
    if !silent && record.touch(rules, now_secs()) {
        object.keep(&record.to_json())?;
    }
    // An asker that does not believe the token wants another, though this one has not expired by its times.
    let doubted = json::text(message, "doubted").is_some_and(|token| token == tokens.access);
    let standing = match record.standing(rules, now_secs()) {
        _ if doubted && record.may_be_doubted(now_secs()) => Standing::Expired,
        standing => standing,
    };
    if let Standing::Fresh(seconds) = standing {
        return Ok(granted(&record, &tokens, seconds));
    }
    if tokens.refresh.is_none() {
        if let Standing::Due(seconds) = standing {
            return Ok(granted(&record, &tokens, seconds));
        }
        object.erase().await?;
        return Ok(ended("its token has expired, and there is no refresh token"));
    }

    let renewal = object.share(|| {
        let (object, gateway, issuer) = (object.clone(), Rc::clone(gateway), Rc::clone(issuer));
        let (key, grace_secs) = (key.to_owned(), rules.rotation_grace_secs);
        Box::pin(async move {
            let outcome = renew(&object, &gateway, &issuer, grace_secs, &key, tokens).await?;
            Ok(outcome.to_string().into())
        })
    })?;
    if let Standing::Due(_) = standing {
        // Whatever comes of it is in the record.
        let _ = within(RENEWAL_PATIENCE_MS, JsFuture::from(renewal.clone())).await;
        if let Some(token) = usable(object, rules, key).await? {
            return Ok(token);
        }
    }
    let outcome = JsFuture::from(renewal).await?.as_string();
    if let Some(token) = usable(object, rules, key).await? {
        return Ok(token);
    }
    let outcome = outcome.and_then(|text| json::parse_object(text.as_bytes())).map(Value::Object);
    match outcome {
        // The tokens that it brought are no asker's business.
        Some(outcome) if outcome.get("status").and_then(Value::as_u64) != Some(200) => Ok(outcome),
        _ if self::record(object)?.is_none() => Ok(ended("it ended while it was renewed")),
        _ => {
            let reason = "the token that it was renewed with has expired already".to_owned();
            Ok(outcome_to_json(&Err(TransportError::Unreachable(reason))))
        }
    }
}

/// Gives the token where it holds.
async fn usable(object: &StoredObject, rules: &Session, key: &str) -> Result<Option<Value>, JsValue> {
    let Opened::Tokens(record, tokens) = opened(object, key).await? else { return Ok(None) };
    Ok(match record.standing(rules, now_secs()) {
        Standing::Fresh(seconds) | Standing::Due(seconds) => Some(granted(&record, &tokens, seconds)),
        Standing::Expired => None,
    })
}

/// Says what the token is and for how many seconds it may be used without asking again.
fn granted(record: &SessionRecord, tokens: &Tokens, seconds: i64) -> Value {
    json::object(&mut [
        ("access", tokens.access.as_str().into()),
        ("subject", tokens.subject.as_deref().into()),
        ("until", record.token_until.into()),
        ("good_for", seconds.into()),
    ])
}

/// Renews the tokens and gives what the provider said.
async fn renew(
    object: &StoredObject,
    gateway: &Gateway,
    issuer: &Rc<Issuer>,
    grace_secs: u32,
    key: &str,
    mut tokens: Tokens,
) -> Result<Value, JsValue> {
    let message = Message(object.env());
    loop {
        let sent = tokens.refresh.clone().unwrap_or_default();
        let exchanged =
            rotation::exchange(gateway, &message, Secret::new(sent.clone()), Asker::Session, grace_secs).await;
        let Exchanged { outcome, replayed } = match exchanged {
            Ok(exchanged) => exchanged,
            Err(problem) => {
                let reason = problem.reason().unwrap_or_default().into_owned();
                return Ok(outcome_to_json(&Err(TransportError::Unreachable(reason))));
            }
        };
        let judged = (*outcome).as_ref().map_err(|error| Problem::from(error.clone()));
        let judged = judged.and_then(|answer| judge_tokens(Exchange::Refresh, answer));
        let goes_on = match &judged {
            Ok(answer) => tokens.are_followed_by(answer, &issuer.authorizer.issuer),
            Err(problem) => !matches!(problem, Problem::RefreshTokenInvalid(_)),
        };
        if !goes_on {
            object.erase().await?;
        }
        let answer = match judged {
            Ok(answer) => answer,
            Err(problem) => {
                if goes_on {
                    let reason = problem.reason().unwrap_or("it said no more".into());
                    log::warn("session_not_renewed", &format!("{}: {reason}", problem.code()));
                }
                return Ok(outcome_to_json(&outcome));
            }
        };
        tokens = tokens.renewed(&answer);
        let sealed = sealed(key, &tokens).await?;
        let refresh_token = tokens.refresh.as_deref().unwrap_or_default();
        let Some(mut record) = record(object)?.filter(|_| goes_on) else {
            // Ended while the provider was asked, or by what it said: nobody else knows of this token.
            provider::revoke(issuer, &message, refresh_token).await;
            let ended = || ended("the renewed tokens are another user's");
            return Ok(if goes_on { outcome_to_json(&outcome) } else { ended() });
        };
        record.renew(&answer, now_secs());
        record.sealed = sealed;
        object.keep(&record.to_json())?;
        // What was kept for a session that restarted may have expired since, and the refresh token in it is good.
        let outlived = replayed && record.token_until <= now_secs() && refresh_token != sent;
        if !outlived {
            return Ok(outcome_to_json(&outcome));
        }
    }
}

async fn end(object: &StoredObject, issuer: &Rc<Issuer>, key: &str) -> Result<Value, JsValue> {
    if let Opened::Tokens(_, Tokens { refresh, .. }) = opened(object, key).await? {
        object.erase().await?;
        let (issuer, message) = (Rc::clone(issuer), Message(object.env()));
        object.in_background(Box::pin(async move {
            if let Some(refresh_token) = refresh {
                provider::revoke(&issuer, &message, &refresh_token).await;
            }
            Ok(JsValue::UNDEFINED)
        }))?;
    }
    Ok(json!({}))
}

/// Erases a session that has ended.
pub async fn on_alarm(object: &StoredObject) -> Result<(), JsValue> {
    match record(object)? {
        Some(record) if !record.has_ended(now_secs()) => object.wake_at(record.ends_by() * 1000).await,
        _ => object.erase().await,
    }
}
