//! One session: its tokens, sealed under the half of the cookie that comes with each message and is not kept.

use std::rc::Rc;

use serde_json::{Map, Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{Gateway, StoredObject};
use crate::config::{Auth0, Session};
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

/// Answers a message: `create`, `access`, `end` or `erase`; without one it is the alarm.
pub async fn answer(
    object: &StoredObject,
    gateway: &Rc<Gateway>,
    message: Option<Map<String, Value>>,
) -> Result<Value, JsValue> {
    let rules = gateway.config.session.as_ref().zip(gateway.config.authorizer.as_ref());
    let Some((rules, auth0)) = rules else {
        // The config has no sessions any more.
        object.erase().await?;
        return Ok(ended("the config has no sessions"));
    };
    let Some(message) = message else { return on_alarm(object, rules).await };
    match json::text(&message, "do") {
        Some("create") => create(object, rules, &message).await,
        Some("access") => access(object, gateway, rules, auth0, key(&message)?).await,
        Some("end") => end(object, key(&message)?).await,
        _ => {
            object.erase().await?;
            Ok(json!({}))
        }
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
    seal(key.as_bytes(), PURPOSE, &[], tokens.to_json().as_bytes()).await.map_err(|error| error.0.into())
}

/// Gives the record with its tokens, as they are after all that was waited for; `None` where there is none or the key does not
/// open it.
async fn opened(object: &StoredObject, key: &str) -> Result<Option<(SessionRecord, Tokens)>, JsValue> {
    while let Some(before) = record(object)? {
        let Some(bytes) = open(key.as_bytes(), PURPOSE, &[], &before.sealed).await else { break };
        if let Some(record) = record(object)?.filter(|record| record.sealed == before.sealed) {
            let tokens = json::parse_object(&bytes).as_ref().and_then(Tokens::from_json);
            return Ok(tokens.map(|tokens| (record, tokens)));
        }
    }
    Ok(None)
}

async fn create(object: &StoredObject, rules: &Session, message: &Map<String, Value>) -> Result<Value, JsValue> {
    let tokens = Tokens::from_json(message).ok_or("no tokens")?;
    let sealed = sealed(key(message)?, &tokens).await?;
    let now = now_secs();
    let token_until = message.get("until").and_then(Value::as_i64).ok_or("no expiry")?;
    let record =
        SessionRecord { used_at: now, ends_at: now + rules.absolute_secs, token_from: now, token_until, sealed };
    object.keep(&record.to_json())?;
    wake(object, record.ends_by(rules)).await?;
    Ok(json!({}))
}

async fn access(
    object: &StoredObject,
    gateway: &Rc<Gateway>,
    rules: &Session,
    auth0: &Auth0,
    key: &str,
) -> Result<Value, JsValue> {
    match record(object)? {
        None => return Ok(ended("there is no such session")),
        Some(record) if record.has_ended(rules, now_secs()) => {
            object.erase().await?;
            return Ok(ended("it was idle for too long, or is too old"));
        }
        Some(_) => {}
    }
    let Some((mut record, tokens)) = opened(object, key).await? else {
        return Ok(json!({"refused": "the cookie's key does not open it"}));
    };
    if record.touch(rules, now_secs()) {
        object.keep(&record.to_json())?;
    }
    let standing = record.standing(rules, now_secs());
    let Some(refresh_token) = tokens.refresh.clone() else {
        return match standing {
            Standing::Fresh(seconds) | Standing::Due(seconds) => Ok(granted(&record, &tokens, seconds)),
            Standing::Expired => {
                object.erase().await?;
                Ok(ended("its token has expired, and there is no refresh token"))
            }
        };
    };
    if let Standing::Fresh(seconds) = standing {
        return Ok(granted(&record, &tokens, seconds));
    }

    let renewal = object.share(|| {
        let (object, gateway, rules) = (object.clone(), Rc::clone(gateway), rules.clone());
        let (auth0, key) = (auth0.clone(), key.to_owned());
        Box::pin(async move {
            renew(&object, &gateway, &rules, &auth0, &key, refresh_token)
                .await
                .map(|outcome| outcome.to_string().into())
        })
    })?;
    let renewal = JsFuture::from(renewal);
    let outcome = match standing {
        Standing::Expired => renewal.await?.as_string(),
        _ => {
            within(RENEWAL_PATIENCE_MS, renewal).await.ok().and_then(Result::ok).and_then(|outcome| outcome.as_string())
        }
    };
    // Whatever came of it is in the record.
    if let Some((record, tokens)) = opened(object, key).await?
        && let Standing::Fresh(seconds) | Standing::Due(seconds) = record.standing(rules, now_secs())
    {
        return Ok(granted(&record, &tokens, seconds));
    }
    let outcome = outcome.and_then(|text| json::parse_object(text.as_bytes()));
    Ok(outcome.map_or_else(|| ended("it ended meanwhile"), Value::Object))
}

/// Says what the token is and for how many seconds it may be used without asking again.
fn granted(record: &SessionRecord, tokens: &Tokens, seconds: i64) -> Value {
    json!({"access": tokens.access, "until": record.token_until, "good_for": seconds})
}

/// Renews the tokens and gives what the provider said.
async fn renew(
    object: &StoredObject,
    gateway: &Gateway,
    rules: &Session,
    auth0: &Auth0,
    key: &str,
    refresh_token: String,
) -> Result<Value, JsValue> {
    let token = Secret::new(refresh_token.clone());
    let exchanged = rotation::exchange(gateway, &object.env(), &|_| {}, token, rules.rotation_grace_secs).await;
    let outcome = match &exchanged {
        Ok(outcome) => outcome.as_ref(),
        Err(problem) => {
            let reason = problem.reason().unwrap_or_default().into_owned();
            return Ok(outcome_to_json(&Err(TransportError::Unreachable(reason))));
        }
    };
    let judged = outcome.as_ref().map_err(|error| Problem::from(error.clone()));
    match judged.and_then(|answer| judge_tokens(Exchange::Refresh, answer)) {
        Ok(answer) => {
            let tokens = Tokens::from_answer(&answer, Some(refresh_token));
            let sealed = sealed(key, &tokens).await?;
            match record(object)? {
                Some(mut record) => {
                    let life = answer.expires_in().unwrap_or(record.token_until - record.token_from);
                    record.token_from = now_secs();
                    record.token_until = record.token_from.saturating_add(life);
                    record.sealed = sealed;
                    object.keep(&record.to_json())?;
                }
                // Ended while the provider was asked: nobody else knows of this token.
                None => provider::revoke(auth0, tokens.refresh.as_deref().unwrap_or_default()).await,
            }
        }
        Err(Problem::RefreshTokenInvalid(_)) => object.erase().await?,
        Err(problem) => log::warn("session_not_renewed", problem.code()),
    }
    Ok(outcome_to_json(outcome))
}

async fn end(object: &StoredObject, key: &str) -> Result<Value, JsValue> {
    let Some((_, tokens)) = opened(object, key).await? else { return Ok(ended("there is no such session")) };
    object.erase().await?;
    Ok(json!({"refresh": tokens.refresh}))
}

async fn on_alarm(object: &StoredObject, rules: &Session) -> Result<Value, JsValue> {
    match record(object)? {
        Some(record) if !record.has_ended(rules, now_secs()) => wake(object, record.ends_by(rules)).await?,
        _ => object.erase().await?,
    }
    Ok(json!({}))
}

async fn wake(object: &StoredObject, at: i64) -> Result<(), JsValue> {
    #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
    object.wake_at(at as f64 * 1000.0).await
}
