//! One session: its tokens, sealed under the half of the cookie that comes with each message and is not stored.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::{ClaimsFrom, Login, Session, SessionRules};
use crate::edge::auth::rotation;
use crate::edge::auth::rotation::Requester;
use crate::edge::auth::token_requests::Revocation;
use crate::edge::gateway::Gateway;
use crate::edge::gateway::application::Application;
use crate::edge::runtime::boxed::boxed;
use crate::edge::runtime::events;
use crate::edge::runtime::invocation::{Detached, Invocation};
use crate::edge::runtime::log;
use crate::edge::runtime::object_client::ask;
use crate::edge::runtime::sealing::{open, seal};
use crate::edge::runtime::stored_object::{MALFORMED_MESSAGE, Shared, StoredObject};
use crate::edge::runtime::timing::{now_secs, within};
use crate::edge::runtime::work::{Awaited, Work};
use crate::json;
use crate::oauth::{
    Grant, Outcome, ProviderResponse, TransportError, Unfit, id_token_expectations, parse_token_response, refusal,
};
use crate::objects::{
    Class, LogoutIndexAnswer, LogoutIndexMessage, RefreshExchangeAnswer, SessionAnswer, SessionMessage,
};
use crate::problem::Problem;
use crate::secret::Secret;
use crate::session::{LoginClient, SessionRecord, TokenState, Tokens, index_subject, revocable};

#[wasm_bindgen(module = "/src/edge/runtime/sealing.js")]
extern "C" {
    fn seal_both(
        key: &str,
        purpose: &str,
        text: &str,
        secret: &str,
        other_purpose: &str,
        other: Option<&str>,
    ) -> Promise;
}

#[wasm_bindgen(module = "/src/edge/objects/session.js")]
extern "C" {
    /// Leaves of a session what is still to be done and known, and counts its end for this reason.
    #[wasm_bindgen(catch)]
    fn leave(
        object: &StoredObject,
        sealed: Option<&str>,
        replaced: bool,
        goes_on: bool,
        reason: &str,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn owe(object: &StoredObject, sealed: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn left(object: &StoredObject) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(catch)]
    fn is_replaced(object: &StoredObject) -> Result<bool, JsValue>;

    fn settle(
        object: &StoredObject,
        sealed: Option<&str>,
        token: Option<&str>,
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

/// A request whose token is still valid waits this long for its renewal, and then goes ahead with the one it has.
const RENEWAL_PATIENCE_MS: u32 = 2_000;

/// What an exchange brings may be for another target, or too old: the next one uses the refresh token that came with it. An object of an
/// older build knows of no targets, and would do so each time.
const EXCHANGES_MAX: usize = 4;

/// A session that was ended before it began does not begin within this time: a logout may overtake the login it is for.
const TOMBSTONE_SECS: i64 = 60;

/// How long the index of a user may take to add a session, beyond what the call itself may.
const LIST_TIMEOUT_MS: u32 = 0;

/// Why a renewal failed whose tokens are not of the authorizer's issuer.
const OF_OTHERS: &str = "idp_error: the renewed tokens are of another issuer";

/// What is stored of a session that was ended, without a record.
const ENDED: &str = "ended";

/// The reason for the end of a session whose time is over, among the events that are counted.
const BY_TIME: &str = "time";

/// The same of one that a back-channel logout or the user's list of sessions ended.
const ERASED: &str = "erased";

/// Answers a message.
pub async fn answer(object: &StoredObject, gateway: &Rc<Gateway>, message: &str) -> Result<SessionAnswer, JsValue> {
    // Isolates may have different configs for a minute, so one without sessions ends none.
    let session = gateway.config.session.as_ref().ok_or("the config has no sessions")?;
    match SessionMessage::parse(message).ok_or(MALFORMED_MESSAGE)? {
        SessionMessage::Create { key, tokens, until, client } => {
            boxed(create(object, session, &key, &tokens, until, client)).await?;
            Ok(SessionAnswer::Done)
        }
        SessionMessage::Access { key, rejected, silent, id_token, target, listed_as } => {
            // A socket asks with what was the config when it was opened.
            if let Some(name) = listed_as.filter(|_| gateway.config.lists_sessions) {
                boxed(list(object, gateway, session, &key, name)).await?;
            }
            let target = target.as_deref();
            let asked = Asked { key: &key, rejected: rejected.as_deref(), silent, id_token, target };
            let answer = boxed(access(object, gateway, session, asked)).await?;
            // In any case: it may have waited for a renewal meanwhile.
            let replaced =
                || SessionAnswer::Ended { reason: "a login replaced it".to_owned(), replaced: true, id_token: None };
            Ok(if is_replaced(object)? { replaced() } else { answer })
        }
        SessionMessage::End { key, replaced_by } => boxed(end(object, gateway, &key, replaced_by.as_deref())).await,
        SessionMessage::EndOf { key, sid } => match opened(object, &key).await? {
            Opened::Tokens(record, tokens) if tokens.sid.as_ref() == Some(&sid) => {
                expire(object, gateway, &record, "provider")?;
                Ok(SessionAnswer::ended("the provider ended it"))
            }
            _ => Ok(SessionAnswer::Done),
        },
        SessionMessage::Describe
            if let Some(record) = record(object)?.filter(|record| !record.has_ended(now_secs())) =>
        {
            Ok(SessionAnswer::Described(record.into()))
        }
        SessionMessage::Erase | SessionMessage::Describe => {
            match record(object)? {
                Some(record) => {
                    let reason = if record.has_ended(now_secs()) { BY_TIME } else { ERASED };
                    expire(object, gateway, &record, reason)?;
                    // Its login may try once more, if the answer to the first try was lost.
                    if record.began_at.is_some_and(|began_at| now_secs() < began_at + TOMBSTONE_SECS) {
                        object.keep(ENDED)?;
                    }
                }
                // It has begun and ended, and its alarm is for what is to be done.
                None if left(object)?.is_some() => {}
                // Who asks forgets it, so it must not begin behind this.
                None => object.keep_until(ENDED, (now_secs() + TOMBSTONE_SECS) * 1000).await?,
            }
            Ok(SessionAnswer::ended("it was told to end, has ended or never was"))
        }
    }
}

/// Has the index of its user know a session by its name, once. One that began before all of the user's were ended is over.
async fn list(
    object: &StoredObject,
    gateway: &Rc<Gateway>,
    session: &Session,
    key: &str,
    name: String,
) -> Result<(), JsValue> {
    if record(object)?.is_none_or(|record| record.is_listed) {
        return Ok(());
    }
    let Opened::Tokens(record, Tokens { subject: Some(subject), .. }) = opened(object, key).await? else {
        return Ok(());
    };
    let index = index_subject("sub", &session.login.provider.authorizer.issuer, &subject);
    let began = Some(record.began_at.unwrap_or_default());
    let message = LogoutIndexMessage::Add { session: name, until: record.ends_at, began };
    let detached = Detached(object.env());
    let answer = ask(&detached, Class::LogoutIndex, &index, &message.to_json(), LIST_TIMEOUT_MS).await;
    let Some(mut record) = self::record(object)? else { return Ok(()) };
    match answer.as_deref().map(LogoutIndexAnswer::parse) {
        Ok(Some(LogoutIndexAnswer::Gone)) => expire(object, gateway, &record, ERASED),
        Ok(_) => {
            record.is_listed = true;
            object.keep(&record.to_json())
        }
        Err(problem) => {
            // It is asked for again, and ended then if it is to be: what the user cannot end at present goes on.
            log::warn("session_not_listed", &problem.reason().unwrap_or_default());
            Ok(())
        }
    }
}

/// What is asked with the key.
#[derive(Clone, Copy)]
struct Asked<'m> {
    key: &'m str,
    /// The access token that was not accepted.
    rejected: Option<&'m str>,
    /// Whether this does not count as a use of the session.
    silent: bool,
    /// Whether the ID token is wanted too.
    id_token: bool,
    /// What the token is wanted for, if that is another target than that of the login.
    target: Option<&'m str>,
}

impl Asked<'_> {
    /// Returns the state of the token.
    fn state(&self, record: &SessionRecord, tokens: &Tokens, rules: &SessionRules) -> TokenState {
        match self.target {
            Some(target) => record.held_state(tokens.held_for(target), rules, now_secs()),
            None => record.token_state(rules, now_secs()),
        }
    }

    /// Returns the token, which may be used for so many seconds without asking again.
    fn granted(&self, record: &SessionRecord, tokens: Tokens, valid_secs: i64) -> SessionAnswer {
        let held = self.target.map(|target| tokens.held_for(target).cloned());
        let (token, until) = match held.map(|held| held.map(|held| (held.token, held.until))) {
            None => (tokens.access, record.token_until),
            Some(Some((Ok(token), until))) => (token, until),
            Some(Some((Err(unfit), _))) => return SessionAnswer::Unfit(unfit),
            // Its state is that of an expired one. In no case does the token of the login stand in for it.
            Some(None) => {
                return SessionAnswer::Unfit(Unfit { reason: "it is not held".into(), missing: String::new() });
            }
        };
        let id_token = tokens.id_token.filter(|_| self.id_token);
        let (subject, target) = (tokens.subject, self.target.map(str::to_owned));
        let authentication = tokens.authentication;
        SessionAnswer::Token { token, subject, id_token, authentication, until, valid_secs, target }
    }

    /// Returns the token if it is valid.
    async fn usable(&self, object: &StoredObject, rules: &SessionRules) -> Result<Option<SessionAnswer>, JsValue> {
        let Opened::Tokens(record, tokens) = opened(object, self.key).await? else { return Ok(None) };
        Ok(match self.state(&record, &tokens, rules) {
            TokenState::Fresh(seconds) | TokenState::Due(seconds) => Some(self.granted(&record, tokens, seconds)),
            TokenState::Expired => None,
        })
    }
}

fn record(object: &StoredObject) -> Result<Option<SessionRecord>, JsValue> {
    Ok(object.kept()?.as_deref().and_then(SessionRecord::parse))
}

/// Seals the tokens under the cookie's half, and behind a space the refresh token for the gateway, which revokes it in the end.
async fn sealed(login: &Login, key: &str, tokens: &Tokens) -> Result<String, JsValue> {
    let secret = login.sealing_secret.expose();
    let sealed = seal_both(key, PURPOSE, &tokens.to_json(), secret, REVOCATION_PURPOSE, tokens.refresh.as_deref());
    Awaited::from(sealed).await?.as_string().ok_or_else(|| "no text".into())
}

/// What a key finds.
enum Opened {
    Nothing,
    AnothersKey,
    Tokens(SessionRecord, Tokens),
}

/// Opens the tokens, and returns their record as it is after the last await.
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
    session: &Session,
    key: &str,
    tokens: &Tokens,
    token_until: i64,
    client: LoginClient,
) -> Result<(), JsValue> {
    let (rules, login) = (&session.rules, &session.login);
    let sealed = sealed(login, key, tokens).await?;
    let now = now_secs();
    let record = SessionRecord {
        used_at: now,
        idle_secs: rules.idle_secs,
        ends_at: now + rules.absolute_secs,
        token_from: now,
        token_until,
        sealed,
        began_at: Some(now),
        is_listed: false,
        client,
    };
    // The login's own second try, after the answer to the first was lost, finds its own record.
    let before = object.kept()?;
    if before.is_some() && !matches!(opened(object, key).await?, Opened::Tokens(..)) {
        return Err("it was ended before it began".into());
    }
    object.keep_until(&record.to_json(), record.ends_by() * 1000).await?;
    if before.is_none() {
        events::count("session", "begun");
    }
    Ok(())
}

async fn access(
    object: &StoredObject,
    gateway: &Rc<Gateway>,
    session: &Session,
    asked: Asked<'_>,
) -> Result<SessionAnswer, JsValue> {
    let (key, rules) = (asked.key, &session.rules);
    let (renewal, rejected) = loop {
        if let Some(record) = record(object)?.filter(|record| record.has_ended(now_secs())) {
            expire(object, gateway, &record, BY_TIME)?;
        }
        let (mut record, tokens) = match opened(object, key).await? {
            Opened::Tokens(record, tokens) => (record, tokens),
            Opened::AnothersKey => return Ok(SessionAnswer::WrongKey),
            Opened::Nothing => return Ok(SessionAnswer::ended("it has ended, or never was")),
        };
        // A question of the gateway itself, while a socket or an answer lasts, does not count as a use of the session.
        if !asked.silent && record.touch(rules, now_secs()) {
            object.keep(&record.to_json())?;
        }
        // Who did not accept the token wants another, though this one has not expired by its times.
        let rejected = asked.rejected == Some(&tokens.access);
        let state = match asked.state(&record, &tokens, rules) {
            _ if rejected && record.may_be_rejected(now_secs()) => TokenState::Expired,
            state => state,
        };
        if let TokenState::Fresh(seconds) = state {
            return Ok(asked.granted(&record, tokens, seconds));
        }
        if tokens.refresh.is_none() {
            if let TokenState::Due(seconds) = state {
                return Ok(asked.granted(&record, tokens, seconds));
            }
            if asked.target.is_some() {
                let reason = "the login brought no refresh token, by which others are requested".to_owned();
                return Ok(SessionAnswer::Unfit(Unfit { reason, missing: String::new() }));
            }
            leave(object, None, false, false, "no_refresh_token")?;
            return Ok(SessionAnswer::ended("its token has expired, and there is no refresh token"));
        }

        let Shared { work, is_own } = object.share(asked.target.unwrap_or_default(), || {
            let renewal = Renewal {
                object: object.clone(),
                gateway: Rc::clone(gateway),
                login: Rc::clone(&session.login),
                grace_secs: rules.rotation_grace_secs,
                key: key.to_owned(),
                target: asked.target.map(str::to_owned),
                life_secs: record.token_until - record.token_from,
                // Who asks may have a later config than this isolate.
                keeps_id_token: asked.id_token || gateway.config.keeps_id_tokens(),
                is_verified: rules.claims_from == ClaimsFrom::AccessToken,
            };
            Box::pin(async move { Ok(renewal.run(tokens).await?.to_json().into()) })
        })?;
        if let TokenState::Due(_) = state {
            // Whatever comes of it is in the record.
            let _ = Awaited::from(within(RENEWAL_PATIENCE_MS, &work)).await;
            if let Some(token) = asked.usable(object, rules).await? {
                return Ok(token);
            }
        }
        if is_own {
            break (work, rejected);
        }
        // The renewal for another target replaces the refresh token, which the next one needs.
        let _ = Awaited::from(work).await;
    };
    let renewed = Awaited::from(renewal).await?.as_string();
    let renewed = renewed.and_then(|text| SessionAnswer::parse(&text)).ok_or("the renewal ended without an answer")?;
    let failed = !matches!(renewed, SessionAnswer::Done);
    // Who did not accept the token is not helped by it.
    if (!rejected || !failed)
        && let Some(token) = asked.usable(object, rules).await?
    {
        return Ok(token);
    }
    if failed {
        return Ok(renewed);
    }
    if self::record(object)?.is_none() {
        return Ok(SessionAnswer::ended("it ended while it was renewed"));
    }
    Ok(unreachable("the token that it was renewed with has expired already".to_owned()))
}

/// Answers that there is no token at the moment, because the provider is unavailable.
fn unreachable(reason: String) -> SessionAnswer {
    SessionAnswer::NotRenewed(Rc::new(Err(TransportError::Unreachable(reason))))
}

/// Answers with the outcome of a renewal. The provider's answer of status 200 is in the record, if it is valid: the tokens in it
/// are no requester's business.
fn not_renewed(outcome: &Rc<Outcome>) -> SessionAnswer {
    match &**outcome {
        Ok(ProviderResponse { status: 200, .. }) => SessionAnswer::Done,
        _ => SessionAnswer::NotRenewed(Rc::clone(outcome)),
    }
}

/// The renewal of a token.
struct Renewal {
    object: StoredObject,
    gateway: Rc<Gateway>,
    login: Rc<Login>,
    grace_secs: u32,
    key: String,
    /// What the token is for, if that is another target than that of the login.
    target: Option<String>,
    /// The life of a token of which nobody states it.
    life_secs: i64,
    /// Whether an ID token that comes along is kept.
    keeps_id_token: bool,
    /// Whether the access token of the login is verified here, so that its issuer must be the authorizer's.
    is_verified: bool,
}

impl Renewal {
    /// Renews the token; answers that it is done, or why there is none.
    async fn run(&self, mut tokens: Tokens) -> Result<SessionAnswer, JsValue> {
        let Self { object, gateway, login, .. } = self;
        let application = gateway.application(&login.provider);
        let detached = Detached(object.env());
        for _ in 0..EXCHANGES_MAX {
            let token = Secret::new(tokens.refresh.clone().unwrap_or_default());
            let (requester, target) = (Requester::Session, self.target.as_deref());
            let exchanged =
                rotation::exchange(gateway, &application, &detached, token, requester, self.grace_secs, target).await;
            let RefreshExchangeAnswer { outcome, replayed, target, .. } = match exchanged {
                Ok(exchanged) => exchanged,
                Err(problem) => {
                    return Ok(unreachable(problem.reason().unwrap_or_default().into_owned()));
                }
            };
            let parsed = (*outcome).as_ref().map_err(|error| Problem::from(error.clone()));
            let parsed = parsed.and_then(|answer| parse_token_response(Grant::Refresh, answer));
            let authorizer = &login.provider.authorizer;
            let is_verified = self.is_verified && target.is_none();
            let is_others = parsed.as_ref().is_ok_and(|answer| answer.is_of_other_issuer(authorizer, is_verified));
            let goes_on = match &parsed {
                Ok(answer) => is_others || tokens.are_followed_by(target.as_deref(), answer, authorizer),
                Err(problem) => !matches!(problem, Problem::RefreshTokenInvalid(_)),
            };
            if !goes_on {
                leave(object, None, false, false, "refused")?;
            }
            let answer = match parsed {
                Ok(answer) => answer,
                Err(problem) => {
                    if goes_on {
                        let reason = problem.reason().unwrap_or("without a reason".into());
                        log::warn("session_not_renewed", &format!("{}: {reason}", problem.code()));
                    }
                    let Some(unfit) = target.as_deref().and_then(|target| refusal(target, &problem)) else {
                        return Ok(not_renewed(&outcome));
                    };
                    tokens.refuse(target.as_deref().unwrap_or_default(), unfit.clone(), now_secs());
                    let sealed = sealed(login, &self.key, &tokens).await?;
                    if let Some(mut record) = record(object)? {
                        record.sealed = sealed;
                        object.keep(&record.to_json())?;
                    }
                    return Ok(SessionAnswer::Unfit(unfit));
                }
            };
            let keeps_id_token = goes_on && !is_others && self.keeps_id_token && tokens.subject.is_some();
            let id_token = match answer.id_token().filter(|_| keeps_id_token) {
                Some(id_token) => verified_id_token(&application, &detached, id_token.expose()).await,
                None => None,
            };
            let sent = tokens.refresh.clone();
            if is_others {
                tokens.take_over_refresh(&answer);
            } else {
                tokens.take_over(target.as_deref(), &answer, id_token, now_secs(), self.life_secs);
            }
            let sealed = sealed(login, &self.key, &tokens).await?;
            let Some(mut record) = record(object)?.filter(|_| goes_on) else {
                // Ended while the provider was asked, or by what it said: nobody else knows of this token.
                let sealed = revocable(&sealed);
                if let Some(sealed) = &sealed {
                    owe(object, sealed)?;
                }
                object.in_background(settled(object, Some(gateway), sealed, tokens.refresh))?;
                let anothers = || SessionAnswer::ended("the renewed tokens are another user's");
                return Ok(if goes_on { SessionAnswer::Done } else { anothers() });
            };
            if target.is_none() && !is_others {
                record.renew(&answer, now_secs());
            }
            record.sealed = sealed;
            object.keep(&record.to_json())?;
            if is_others {
                log::warn("session_not_renewed", OF_OTHERS);
                return Ok(unreachable(OF_OTHERS.to_owned()));
            }
            // The result stored for a restarted session may have expired since, or be for another target; the refresh token in it
            // is valid.
            let until = match &target {
                Some(target) => tokens.held_for(target).map_or(i64::MAX, |held| held.until),
                None => record.token_until,
            };
            let outlived = replayed && until <= now_secs() && tokens.refresh != sent;
            if !outlived && target == self.target {
                return Ok(SessionAnswer::Done);
            }
        }
        Ok(unreachable("what came was for another audience each time".to_owned()))
    }
}

/// Returns an ID token that came with a renewal, if it verifies as that of a login does. That it is of the same user is known already.
async fn verified_id_token(application: &Application, invocation: &dyn Invocation, id_token: &str) -> Option<String> {
    let expectations = id_token_expectations(&application.provider);
    match application.verifier.verify(invocation, id_token, &expectations).await {
        Ok(_) => Some(id_token.to_owned()),
        Err(failure) => {
            // The session goes on with the one before, which verified when it came.
            let reason = failure.into_problem().reason().unwrap_or_default().into_owned();
            log::warn("id_token_not_renewed", &reason);
            None
        }
    }
}

/// Ends a session for a requester that has its key: a logout, or a login that replaces it. Answers with its ID token.
async fn end(
    object: &StoredObject,
    gateway: &Rc<Gateway>,
    key: &str,
    replaced_by: Option<&str>,
) -> Result<SessionAnswer, JsValue> {
    let Opened::Tokens(record, tokens) = opened(object, key).await? else { return Ok(SessionAnswer::Done) };
    let Tokens { refresh, sid, id_token, .. } = tokens;
    // The provider may end what it takes for one login as one: it would also revoke the token of the session that stays.
    let goes_on = sid.is_some() && sid.as_deref() == replaced_by;
    let (sealed, replaced) = (record.revocable(), replaced_by.is_some());
    leave(object, sealed.as_deref(), replaced, goes_on, if replaced { "replaced" } else { "logout" })?;
    object.in_background(settled(object, Some(gateway), sealed, refresh))?;
    Ok(SessionAnswer::Ended { reason: "it was asked to end".to_owned(), replaced, id_token })
}

/// Ends a session whose time is over, or that the provider has ended. Its refresh token is revoked behind the answer.
fn expire(object: &StoredObject, gateway: &Rc<Gateway>, record: &SessionRecord, reason: &str) -> Result<(), JsValue> {
    let sealed = record.revocable();
    leave(object, sealed.as_deref(), false, false, reason)?;
    object.in_background(settled(object, Some(gateway), sealed, None))
}

/// Revokes the refresh token that a session has left, sealed or, if it is known, in clear; and stores what is still to be done.
fn settled(
    object: &StoredObject,
    gateway: Option<&Rc<Gateway>>,
    sealed: Option<String>,
    refresh_token: Option<String>,
) -> Work {
    let (object, gateway) = (object.clone(), gateway.cloned());
    Box::pin(async move {
        // A renewal brings another refresh token.
        while let Some(work) = object.running() {
            let _ = Awaited::from(work).await;
        }
        let parts = gateway.as_deref().and_then(|gateway| Some((gateway, gateway.config.login.as_deref()?)));
        let (mut sealed, mut token) = (sealed, refresh_token.map(Secret::new));
        let revocation = match (parts, &sealed) {
            (Some((gateway, login)), Some(left)) => {
                let (application, detached) = (gateway.application(&login.provider), Detached(object.env()));
                let secret = login.sealing_secret.expose().as_bytes();
                if token.is_none() {
                    let opened = open(secret, REVOCATION_PURPOSE, &[], left).await?;
                    token = opened.and_then(|text| String::from_utf8(text).ok()).map(Secret::new);
                }
                // A renewal that a restart broke off may have replaced it: then that is what is left.
                let (last, failure) = rotation::successor(&application, &detached, token.as_ref()).await;
                if let Some(last) = last {
                    let left = seal(secret, REVOCATION_PURPOSE, &[], last.expose().as_bytes()).await?;
                    owe(&object, &left)?;
                    (sealed, token) = (Some(left), Some(last));
                }
                match failure {
                    // To revoke the one that is used would leave the one that is good: the alarm looks again.
                    Some(problem) => {
                        log::warn("revocation_failed", &problem.reason().unwrap_or_default());
                        Some(Revocation::default())
                    }
                    None => Revocation::of(&application, &detached).await,
                }
            }
            _ => Some(Revocation::default()),
        };
        let sealed = sealed.filter(|_| revocation.is_some());
        let Revocation { url, form } = revocation.unwrap_or_default();
        let failure = Awaited::from(settle(
            &object,
            sealed.as_deref(),
            token.as_ref().map(|token| token.expose().as_str()),
            &url,
            &form.body,
            form.authorization.as_deref(),
            parts.map_or(0, |(_, login)| login.provider.authorizer.timeout_ms),
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
            leave(object, sealed.as_deref(), false, false, BY_TIME)?;
            sealed
        }
        None => match left(object)? {
            // Nothing is to be done or known any longer.
            None => return object.erase().await,
            sealed => sealed,
        },
    };
    settled(object, gateway.as_ref(), sealed, None).await.map(|_| ())
}
