//! Sessions, as the requests see them: from the cookie to an access token, and from a login to a cookie.

use std::rc::Rc;

use serde_json::{Map, Value, json};
use wasm_bindgen::JsValue;

use crate::config::Session;
use crate::edge::auth::provider;
use crate::edge::gateway::Gateway;
use crate::edge::gateway::issuer::{Issuer, VerifyError};
use crate::edge::objects::{Class, Message, has_backchannel_logout};
use crate::edge::request::answer::Answer;
use crate::edge::request::exchange::Exchange;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::log;
use crate::edge::runtime::panic::promise;
use crate::edge::runtime::timing::{now_ms, now_secs};
use crate::edge::runtime::webcrypto::{digest, random_bytes};
use crate::http::cookie;
use crate::http::request::{RequestHead as _, is_navigation};
use crate::json;
use crate::oauth::{RETURN_TO_MAX_BYTES, TokenAnswer, judge_renewal, login_address, outcome_from_json};
use crate::problem::Problem;
use crate::recent::Recent;
use crate::session::{
    Presented, Risk, SessionCookie, TOKEN_CACHE_MAX_SECS, index_subject, is_from_own_pages, presented, token_until,
};
use crate::token::{ClaimError, TokenError, VerifiedClaims};

/// Most sessions in one half of the cache, and most bytes of their tokens.
const SESSIONS_MAX: usize = 1_000;
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// An access token of a session.
#[derive(Clone)]
pub struct SessionToken {
    /// The token.
    pub token: Rc<str>,
    /// When it expires, in seconds since 1970.
    pub until: i64,
    /// When the session is to be asked again, in milliseconds since 1970.
    pub asked_again_ms: f64,
    /// Whose the session is, by the ID token of its login.
    pub subject: Option<Rc<str>>,
}

/// What an isolate knows of a session.
#[derive(Clone)]
enum Known {
    /// Its access token, which may be used without asking again.
    Token(SessionToken),
    /// It was logged out here, whatever an answer says that was on its way.
    LoggedOut,
    /// A login took its place, whose cookie the browser may have by the time of the answer.
    Replaced,
}

/// What is known of sessions, by cookie, and until when.
pub struct SessionCache(Recent<(Known, f64)>);

impl Default for SessionCache {
    fn default() -> Self {
        Self(Recent::new(SESSIONS_MAX, BYTES_MAX))
    }
}

impl SessionCache {
    fn get(&mut self, cookie: &SessionCookie) -> Option<Known> {
        let now = now_ms();
        self.0.get(&cookie.value(), |(_, until)| now < *until).map(|(known, _)| known.clone())
    }

    fn insert(&mut self, cookie: &SessionCookie, known: Known, until_ms: f64) {
        let bytes = if let Known::Token(token) = &known { token.token.len() } else { 0 };
        self.0.insert(&cookie.value(), (known, until_ms), bytes);
    }
}

/// Gives the access token of the request's session, renewed where it was due; `None` where the request has none. Waits for
/// nothing where this isolate asked lately.
///
/// # Errors
/// 401 where the session has ended or the cookie is none of ours, 403 where another site may have made the request, 503 where
/// neither store nor provider can say.
pub async fn token(gateway: &Gateway, exchange: &Exchange) -> Result<Option<SessionToken>, Problem> {
    if let Some(known) = &*exchange.session_token.borrow() {
        return Ok(Some(known.clone()));
    }
    let Some(session) = &gateway.config.session else { return Ok(None) };
    let Some(cookie) = presented_cookie(session, exchange)? else { return Ok(None) };
    let (risk, cors) = (Risk::of(exchange), gateway.config.cors.as_ref());
    if !is_from_own_pages(exchange, &exchange.origin(), cors, risk) {
        return Err(Problem::CsrfRejected);
    }
    let token = match gateway.sessions.borrow_mut().get(&cookie) {
        Some(Known::Token(token)) => Some(token),
        Some(Known::LoggedOut) => {
            clear_cookie(session, exchange);
            return Err(Problem::SessionExpired("it was logged out here".into()));
        }
        Some(Known::Replaced) => return Err(Problem::SessionExpired("a login took its place".into())),
        None => None,
    };
    let token = match token {
        Some(token) => token,
        None => {
            let message = json!({"do": "access", "key": cookie.key()});
            access(gateway, exchange, session, &cookie, &message).await?
        }
    };
    exchange.session_token.replace(Some(token.clone()));
    Ok(Some(token))
}

/// Asks the session for its token, and remembers it.
async fn access(
    gateway: &Gateway,
    exchange: &Exchange,
    session: &Session,
    cookie: &SessionCookie,
    message: &Value,
) -> Result<SessionToken, Problem> {
    // Counted from before the question: an answer may have been long on its way while the session ended.
    let asked_ms = now_ms();
    let answer = ask(gateway, exchange, cookie, message).await?;
    let token = judge_access(&answer, asked_ms).inspect_err(|problem| {
        let replaced = answer.contains_key("replaced");
        if !replaced && matches!(problem, Problem::SessionExpired(_) | Problem::SessionInvalid(_)) {
            clear_cookie(session, exchange);
        }
    })?;
    let mut sessions = gateway.sessions.borrow_mut();
    // An end that was answered meanwhile stands.
    if !matches!(sessions.get(cookie), Some(Known::LoggedOut | Known::Replaced)) {
        sessions.insert(cookie, Known::Token(token.clone()), token.asked_again_ms);
    }
    Ok(token)
}

/// Gives the name of the request's session and the key that opens it; `None` where it has none.
pub fn session_names(gateway: &Gateway, exchange: &Exchange) -> Option<(String, String)> {
    let cookie = presented_cookie(gateway.config.session.as_ref()?, exchange).ok()??;
    Some((cookie.object_name(), cookie.key()))
}

/// Lets a request go on without a session, where its own has ended or cannot be used at present; the log says why.
///
/// # Errors
/// [`Problem::CsrfRejected`] where another site may have made the request: it is not to be carried out.
pub fn do_without(exchange: &Exchange, problem: Problem) -> Result<(), Problem> {
    // No upstream is sent a token that did not verify.
    exchange.session_token.replace(None);
    match problem {
        Problem::CsrfRejected => return Err(problem),
        Problem::TokenMissing => {}
        problem => drop(exchange.told.set(problem)),
    }
    Ok(())
}

/// Gives the claims of the token of the request's session. One that is not believed is renewed: its key may have been withdrawn.
///
/// # Errors
/// Those of [`token`]; 503 where the renewed token is not believed either, and the session is kept. Only one that is another's
/// business altogether ends it.
pub async fn claims(gateway: &Gateway, exchange: &Exchange) -> Result<Rc<VerifiedClaims>, Problem> {
    let doubted = token(gateway, exchange).await?.ok_or(Problem::TokenMissing)?;
    let issuer = gateway.login_issuer()?;
    let failure = match issuer.access_claims(exchange, &doubted.token).await {
        Ok(claims) => return Ok(claims),
        Err(failure) => failure,
    };
    let (session, cookie) = match &gateway.config.session {
        Some(session) => (session, presented_cookie(session, exchange)?.ok_or(Problem::TokenMissing)?),
        None => return Err(Problem::ConfigInvalid),
    };
    let failure = match failure {
        VerifyError::Keys(problem) => return Err(problem),
        failure => {
            let message = json!({"do": "access", "key": cookie.key(), "doubted": &*doubted.token});
            let renewed = access(gateway, exchange, session, &cookie, &message).await?;
            if renewed.token == doubted.token {
                failure
            } else {
                let verified = issuer.access_claims(exchange, &renewed.token).await;
                exchange.session_token.replace(Some(renewed));
                match verified {
                    Ok(claims) => return Ok(claims),
                    Err(failure) => failure,
                }
            }
        }
    };
    gateway.sessions.borrow_mut().0.remove(&cookie.value());
    match failure {
        VerifyError::Keys(problem) => Err(problem),
        // Issued for another audience or by another issuer than the config has: no renewal changes that.
        VerifyError::Token(error @ TokenError::Claim(ClaimError::Issuer { .. } | ClaimError::Audience { .. })) => {
            end(gateway, exchange, session).await?;
            Err(Problem::SessionExpired(error.to_string().into()))
        }
        VerifyError::Token(error) => Err(Problem::IdpUnavailable(format!("the session's token: {error}"))),
    }
}

/// Gives the cookie of the request's session, where it has one.
fn presented_cookie(session: &Session, exchange: &Exchange) -> Result<Option<SessionCookie>, Problem> {
    match presented(exchange, &session.cookie, exchange.is_plain_loopback()) {
        Presented::Absent => Ok(None),
        Presented::Cookie(cookie) => Ok(Some(cookie)),
        Presented::Malformed => {
            clear_cookie(session, exchange);
            Err(Problem::SessionInvalid("the cookie is malformed"))
        }
        // Which of them is ours cannot be told, and the one that stayed could be another's.
        Presented::Repeated => Err(Problem::SessionInvalid("the cookie was sent more than once")),
    }
}

fn clear_cookie(session: &Session, exchange: &Exchange) {
    // A cookie that was to be set before stays: no path does both.
    let _ = exchange.set_cookie.set(cookie::set(&session.cookie, "", 0, exchange.is_plain_loopback()));
}

async fn ask(
    gateway: &Gateway,
    exchange: &Exchange,
    cookie: &SessionCookie,
    message: &Value,
) -> Result<Map<String, Value>, Problem> {
    let timeout_ms = gateway.login_issuer()?.authorizer.timeout_ms;
    Class::Session.ask(exchange, &cookie.object_name(), message, timeout_ms).await
}

/// Reads a session's answer to a question of `asked_ms`.
fn judge_access(answer: &Map<String, Value>, asked_ms: f64) -> Result<SessionToken, Problem> {
    let number = |key: &str| answer.get(key).and_then(Value::as_f64).unwrap_or_default();
    if let Some(token) = json::text(answer, "access") {
        #[expect(clippy::cast_possible_truncation, reason = "dates are far below 2^53")]
        let until = number("until") as i64;
        // Its seconds are counted from the last whole one.
        let asked_again_ms = (asked_ms + number("good_for") * 1000.0).min(number("until") * 1000.0);
        let subject = json::text(answer, "subject").map(Rc::from);
        return Ok(SessionToken { token: token.into(), until, asked_again_ms, subject });
    }
    if json::text(answer, "refused").is_some() {
        return Err(Problem::SessionInvalid("the cookie's key does not open the session"));
    }
    if let Some(outcome) = outcome_from_json(answer) {
        judge_renewal(outcome)?;
    }
    let reason = json::text(answer, "ended").unwrap_or("it ended while it was renewed");
    Err(Problem::SessionExpired(reason.to_owned().into()))
}

/// Begins a session with the tokens of a login, always under a fresh name, and sets its cookie.
///
/// # Errors
/// [`Problem::AccessTokenUnfit`] if the gateway does not take the access token, 503 if the session cannot be kept.
pub async fn begin(
    gateway: &Gateway,
    exchange: &Exchange,
    session: &Session,
    tokens: &TokenAnswer,
    id_claims: Option<&VerifiedClaims>,
) -> Result<(), Problem> {
    let issuer = gateway.login_issuer()?;
    let timeout_ms = issuer.authorizer.timeout_ms;
    let token = tokens.access_token();
    let claims = issuer.access_claims(exchange, token).await.map_err(|failure| match failure {
        VerifyError::Token(error) => {
            let mut reason = format!("its access token: {error}");
            // An opaque token has one part, an encrypted one has five.
            if matches!(error, TokenError::NotThreeParts) {
                reason.push_str(", but ");
                reason.push_str(&token.split('.').count().to_string());
            }
            Problem::AccessTokenUnfit(reason)
        }
        VerifyError::Keys(problem) => problem,
    })?;
    let cookie = SessionCookie::from_random(random_bytes()?, random_bytes()?);
    let name = cookie.object_name();
    if let Some(id_claims) = id_claims.filter(|_| has_backchannel_logout(&gateway.config)) {
        let message = json!({"add": name, "until": now_secs() + session.absolute_secs});
        for claim in ["sid", "sub"] {
            let Some(value) = id_claims.text(claim) else { continue };
            let index = digest(&index_subject(claim, &issuer.authorizer.issuer, value)).await?;
            Class::LogoutIndex.ask(exchange, &index, &message, timeout_ms).await?;
        }
    }
    let until = token_until(tokens, now_secs()).unwrap_or_else(|| claims.expires_at());
    // Each login at Auth0 has refresh tokens of its own. Elsewhere those of one session at the provider may be one grant.
    let sid = id_claims
        .and_then(|claims| claims.text("sid"))
        .filter(|_| issuer.provider().is_ok_and(|provider| provider.endpoints.is_none()));
    let message = json::object(&mut [
        ("do", "create".into()),
        ("key", cookie.key().into()),
        ("access", token.into()),
        ("refresh", tokens.refresh_token().into()),
        ("subject", id_claims.and_then(|claims| claims.text("sub")).into()),
        ("sid", sid.into()),
        ("until", until.into()),
    ]);
    Class::Session.ask(exchange, &name, &message, timeout_ms).await?;
    let plain = exchange.is_plain_loopback();
    // No other cookie was to be set on this path.
    let _ = exchange.set_cookie.set(cookie::set(&session.cookie, &cookie.value(), session.absolute_secs, plain));
    if let Presented::Cookie(before) = presented(exchange, &session.cookie, plain) {
        let ended = end_of(gateway, exchange, &before, Some(sid.unwrap_or_default())).await;
        // The login counts all the same: the browser drops that cookie, and the session ends by its time.
        if let Err(problem) = ended {
            log::warn("session_not_replaced", problem.code());
        }
    }
    Ok(())
}

/// Revokes the refresh token of a login that came to nothing, behind the answer: nobody else knows of it.
pub fn discard(issuer: &Rc<Issuer>, exchange: &Exchange, tokens: &TokenAnswer) {
    let Some(refresh_token) = tokens.refresh_token().map(str::to_owned) else { return };
    let (issuer, message) = (Rc::clone(issuer), Message(exchange.env().clone()));
    exchange.keep_alive(&promise(Box::pin(async move {
        provider::revoke(&issuer, &message, &refresh_token).await;
        Ok(JsValue::UNDEFINED)
    })));
}

/// Ends the request's session, where it has one, and clears its cookie; the session has its refresh token revoked.
///
/// # Errors
/// [`Problem::StoreUnavailable`] where it could not be ended.
pub async fn end(gateway: &Gateway, exchange: &Exchange, session: &Session) -> Result<(), Problem> {
    // One that is none of ours has no session to end.
    if let Ok(Some(cookie)) = presented_cookie(session, exchange) {
        end_of(gateway, exchange, &cookie, None).await?;
    }
    clear_cookie(session, exchange);
    Ok(())
}

/// Ends a session: by a logout, or by a login that takes its place and is `replaced_by` at the provider, empty where that has no name.
async fn end_of(
    gateway: &Gateway,
    exchange: &Exchange,
    cookie: &SessionCookie,
    replaced_by: Option<&str>,
) -> Result<(), Problem> {
    let message =
        json::object(&mut [("do", "end".into()), ("key", cookie.key().into()), ("replaced_by", replaced_by.into())]);
    ask(gateway, exchange, cookie, &message).await?;
    let known = if replaced_by.is_some() { Known::Replaced } else { Known::LoggedOut };
    let until = now_ms() + TOKEN_CACHE_MAX_SECS as f64 * 1000.0;
    gateway.sessions.borrow_mut().insert(cookie, known, until);
    Ok(())
}

/// Sends a person who is not logged in to the login, and everyone else the problem.
///
/// # Errors
/// The problem.
pub fn or_login(gateway: &Gateway, exchange: &Exchange, problem: Problem) -> Result<Answer, Problem> {
    let logged_out = matches!(
        problem,
        Problem::TokenMissing
            | Problem::SessionExpired(_)
            | Problem::SessionInvalid(_)
            | Problem::InteractionRequired(_)
    );
    let Some(session) = gateway.config.session.as_ref().filter(|_| logged_out) else { return Err(problem) };
    if !matches!(exchange.method(), "GET" | "HEAD") || !is_navigation(exchange) {
        return Err(problem);
    }
    let query = exchange.query().map(|query| format!("?{query}")).unwrap_or_default();
    // The one character of a query that a `return_to` may not have.
    let return_to = format!("{}{query}", exchange.path()).replace('\\', "%5C");
    let bytes = return_to.len();
    let return_to = Some(return_to.as_str()).filter(|_| bytes <= RETURN_TO_MAX_BYTES);
    if return_to.is_none() {
        log::warn(
            "return_to_dropped",
            &format!("{bytes} bytes, at most {RETURN_TO_MAX_BYTES} are taken through a login"),
        );
    }
    exchange.told.get_or_init(|| problem);
    Ok(Answer::redirect(302, login_address(&session.login_path, return_to)))
}
