//! One session: its tokens, sealed under the half of the cookie that comes with each message and is not kept.

use std::rc::Rc;

use js_sys::Promise;
use serde_json::{Map, Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use super::{Gateway, Message, StoredObject};
use crate::config::Session;
use crate::edge::auth::provider::Revocation;
use crate::edge::auth::rotation;
use crate::edge::auth::rotation::{Asker, Exchanged};
use crate::edge::gateway::issuer::Issuer;
use crate::edge::integrations::login::sealing_secret;
use crate::edge::runtime::log;
use crate::edge::runtime::panic::Work;
use crate::edge::runtime::sealing::open;
use crate::edge::runtime::timing::{now_secs, within};
use crate::json;
use crate::oauth::{Exchange, TransportError, judge_tokens, outcome_to_json};
use crate::problem::Problem;
use crate::secret::Secret;
use crate::session::{SessionRecord, Standing, Tokens, revocable};

#[wasm_bindgen(module = "/src/edge/host.js")]
extern "C" {
    fn seal_both(
        key: &str,
        purpose: &str,
        text: &str,
        secret: &str,
        other_purpose: &str,
        other: Option<&str>,
    ) -> Promise;

    #[wasm_bindgen(catch)]
    fn leave(object: &StoredObject, sealed: Option<&str>, replaced: bool, goes_on: bool) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn left(object: &StoredObject) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(catch)]
    fn is_replaced(object: &StoredObject) -> Result<bool, JsValue>;

    fn settle(
        object: &StoredObject,
        sealed: Option<&str>,
        token: Option<&str>,
        secret: &str,
        purpose: &str,
        url: &str,
        form: &str,
        authorization: Option<&str>,
        ms: u32,
    ) -> Promise;
}

/// Names the purpose of the key under which the tokens are sealed.
const PURPOSE: &str = "bargate session v1";

/// Names the purpose of the key under which the refresh token is sealed for its revocation.
const REVOCATION_PURPOSE: &str = "bargate session revocation v1";

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
        Some("create") => create(object, rules, issuer, &message).await,
        Some("access") => {
            let answer = access(object, gateway, rules, issuer, &message).await?;
            // Whatever else it is told: it may have waited for a renewal meanwhile.
            Ok(if is_replaced(object)? { json!({"ended": "a login took its place", "replaced": true}) } else { answer })
        }
        Some("end") => end(object, gateway, &message).await,
        Some("erase") => {
            match record(object)? {
                Some(record) => expire(object, gateway, &record)?,
                None => object.keep_until(ENDED, (now_secs() + UNBORN_SECS) * 1000).await?,
            }
            Ok(json!({}))
        }
        _ => Err("the message is not understood".into()),
    }
}

fn ended(reason: &str) -> Value {
    json::object(&mut [("ended", reason.into())])
}

fn record(object: &StoredObject) -> Result<Option<SessionRecord>, JsValue> {
    Ok(object.kept()?.as_deref().and_then(SessionRecord::parse))
}

fn key(message: &Map<String, Value>) -> Result<&str, JsValue> {
    json::text(message, "key").ok_or_else(|| "no key".into())
}

/// Seals the tokens under the cookie's half, and behind a space the refresh token for the gateway, which revokes it in the end.
async fn sealed(issuer: &Issuer, key: &str, tokens: &Tokens) -> Result<String, JsValue> {
    let secret = issuer.provider().and_then(sealing_secret).map_err(|problem| problem.code())?;
    let sealed = seal_both(key, PURPOSE, &tokens.to_json(), secret, REVOCATION_PURPOSE, tokens.refresh.as_deref());
    JsFuture::from(sealed).await?.as_string().ok_or_else(|| "no text".into())
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
        let bytes = open(key.as_bytes(), PURPOSE, &[], before.sealed_tokens()).await?;
        let Some(record) = record(object)? else { break };
        if record.sealed != before.sealed {
            continue;
        }
        let tokens = bytes.and_then(|bytes| Tokens::from_json(&json::parse_object(&bytes)?));
        return Ok(tokens.map_or(Opened::AnothersKey, |tokens| Opened::Tokens(record, tokens)));
    }
    Ok(Opened::Nothing)
}

async fn create(
    object: &StoredObject,
    rules: &Session,
    issuer: &Issuer,
    message: &Map<String, Value>,
) -> Result<Value, JsValue> {
    let tokens = Tokens::from_json(message).ok_or("no tokens")?;
    let sealed = sealed(issuer, key(message)?, &tokens).await?;
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
    if let Some(record) = record(object)?.filter(|record| record.has_ended(now_secs())) {
        expire(object, gateway, &record)?;
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
        leave(object, None, false, false)?;
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
    let outcome = outcome.and_then(|text| json::parse_object(text.as_bytes())).map(Value::Object);
    // The tokens that it brought are no asker's business.
    let failed = outcome.filter(|outcome| outcome.get("status").and_then(Value::as_u64) != Some(200));
    // Who does not believe the token is not helped by it.
    if (!doubted || failed.is_none())
        && let Some(token) = usable(object, rules, key).await?
    {
        return Ok(token);
    }
    match failed {
        Some(outcome) => Ok(outcome),
        None if self::record(object)?.is_none() => Ok(ended("it ended while it was renewed")),
        None => {
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
    gateway: &Rc<Gateway>,
    issuer: &Rc<Issuer>,
    grace_secs: u32,
    key: &str,
    mut tokens: Tokens,
) -> Result<Value, JsValue> {
    loop {
        let sent = tokens.refresh.clone().unwrap_or_default();
        let token = Secret::new(sent.clone());
        let exchanged = rotation::exchange(gateway, &Message(object.env()), token, Asker::Session, grace_secs).await;
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
            leave(object, None, false, false)?;
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
        let sealed = sealed(issuer, key, &tokens).await?;
        let Some(mut record) = record(object)?.filter(|_| goes_on) else {
            // Ended while the provider was asked, or by what it said: nobody else knows of this token.
            object.in_background(settled(object, Some(gateway), revocable(&sealed), tokens.refresh))?;
            let ended = || ended("the renewed tokens are another user's");
            return Ok(if goes_on { outcome_to_json(&outcome) } else { ended() });
        };
        record.renew(&answer, now_secs());
        record.sealed = sealed;
        object.keep(&record.to_json())?;
        // What was kept for a session that restarted may have expired since, and the refresh token in it is good.
        let outlived = replayed && record.token_until <= now_secs() && tokens.refresh.as_ref() != Some(&sent);
        if !outlived {
            return Ok(outcome_to_json(&outcome));
        }
    }
}

/// Ends a session for whoever has its key: a logout, or a login that takes its place.
async fn end(object: &StoredObject, gateway: &Rc<Gateway>, message: &Map<String, Value>) -> Result<Value, JsValue> {
    if let Opened::Tokens(record, tokens) = opened(object, key(message)?).await? {
        // What the provider takes for one login may end as one: the token of that which goes on would be revoked, too.
        let replaced_by = json::text(message, "replaced_by");
        let goes_on = tokens.sid.is_some() && tokens.sid.as_deref() == replaced_by;
        let sealed = record.revocable();
        leave(object, sealed.as_deref(), replaced_by.is_some(), goes_on)?;
        object.in_background(settled(object, Some(gateway), sealed, tokens.refresh))?;
    }
    Ok(json!({}))
}

/// Ends a session whose time is over, or that the provider has ended. Its refresh token is revoked behind the answer.
fn expire(object: &StoredObject, gateway: &Rc<Gateway>, record: &SessionRecord) -> Result<(), JsValue> {
    let sealed = record.revocable();
    leave(object, sealed.as_deref(), false, false)?;
    object.in_background(settled(object, Some(gateway), sealed, None))
}

/// Revokes the refresh token that a session has left, sealed or, where it is known, in clear; and keeps what is still to be done.
fn settled(
    object: &StoredObject,
    gateway: Option<&Rc<Gateway>>,
    sealed: Option<String>,
    refresh_token: Option<String>,
) -> Work {
    let (object, gateway) = (object.clone(), gateway.cloned());
    Box::pin(async move {
        let issuer = gateway.as_deref().and_then(|gateway| gateway.login_issuer().ok());
        let revocation = match issuer {
            Some(issuer) if sealed.is_some() => Revocation::of(issuer, &Message(object.env())).await,
            _ => Some(Revocation::default()),
        };
        let sealed = sealed.filter(|_| revocation.is_some());
        let Revocation { url, form } = revocation.unwrap_or_default();
        let secret = issuer.and_then(|issuer| issuer.provider().and_then(sealing_secret).ok());
        let failure = JsFuture::from(settle(
            &object,
            sealed.as_deref(),
            refresh_token.as_deref(),
            secret.unwrap_or_default(),
            REVOCATION_PURPOSE,
            &url,
            &form.body,
            form.authorization.as_deref(),
            issuer.map_or(0, |issuer| issuer.authorizer.timeout_ms),
        ));
        if let Some(failure) = failure.await?.as_string() {
            log::warn("revocation_failed", &failure);
        }
        Ok(JsValue::UNDEFINED)
    })
}

/// Ends a session whose time is over, and revokes its refresh token or tries that again.
pub async fn on_alarm(object: &StoredObject, gateway: Option<Rc<Gateway>>) -> Result<(), JsValue> {
    let sealed = match record(object)? {
        Some(record) if !record.has_ended(now_secs()) => return object.wake_at(record.ends_by() * 1000).await,
        Some(record) => {
            let sealed = record.revocable();
            // The runtime rings again if this breaks off.
            leave(object, sealed.as_deref(), false, false)?;
            sealed
        }
        None => left(object)?,
    };
    settled(object, gateway.as_ref(), sealed, None).await.map(|_| ())
}
