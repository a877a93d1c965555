//! Sessions, as the requests see them: from the cookie to an access token, and from a login to a cookie.

use std::rc::Rc;

use js_sys::Promise;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::authenticate::{VerifyError, access_claims, authorizer};
use super::exchange::Exchange;
use super::gateway::Gateway;
use super::objects::{Class, has_backchannel_logout};
use super::timing::{now_ms, now_secs};
use super::webcrypto::{digest, random_bytes};
use crate::config::Session;
use crate::cookie;
use crate::json;
use crate::oauth::{TokenAnswer, judge_renewal, outcome_from_json};
use crate::problem::Problem;
use crate::recent::Recent;
use crate::request::RequestHead as _;
use crate::session::{Presented, Risk, SessionCookie, index_subject, is_from_own_pages, presented};
use crate::token::{ClaimError, TokenError, VerifiedClaims};

/// Most sessions in one half of the cache, and most bytes of their tokens.
const SESSIONS_MAX: usize = 1_000;
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// The longest `return_to` that a redirect to the login carries, in bytes.
const RETURN_TO_MAX_BYTES: usize = 1024;

/// An access token of a session.
#[derive(Clone)]
pub struct SessionToken {
    /// The token.
    pub token: Rc<str>,
    /// When it expires, in seconds since 1970.
    pub until: i64,
}

/// Access tokens that sessions gave, by cookie, for as long as these may be used without asking again.
pub struct SessionCache(Recent<(SessionToken, f64)>);

impl Default for SessionCache {
    fn default() -> Self {
        Self(Recent::new(SESSIONS_MAX, BYTES_MAX))
    }
}

/// Gives the access token of the request's session, renewed where it was due; `None` where the request has none. Waits for
/// nothing where this isolate asked lately.
///
/// # Errors
/// 401 where the session has ended or the cookie is none of ours, 403 where another site may have made the request, 503 where
/// neither store nor provider can say.
pub async fn token(gateway: &Gateway, exchange: &Exchange) -> Result<Option<SessionToken>, Problem> {
    if let Some(known) = exchange.session_token.get() {
        return Ok(Some(known.clone()));
    }
    let Some(session) = &gateway.config.session else { return Ok(None) };
    let Some(cookie) = presented_cookie(session, exchange)? else { return Ok(None) };
    let (risk, cors) = (Risk::of(exchange), gateway.config.cors.as_ref());
    if !is_from_own_pages(exchange, &exchange.origin(), cors, risk) {
        return Err(Problem::CsrfRejected);
    }
    let value = cookie.value();
    let now = now_ms();
    let known = gateway.sessions.borrow_mut().0.get(&value, |(_, until)| now < *until).map(|(token, _)| token.clone());
    let token = match known {
        Some(token) => token,
        None => {
            let answer = ask(gateway, exchange, &cookie, "access").await?;
            let (token, good_for) = judge_access(&answer).inspect_err(|problem| {
                if matches!(problem, Problem::SessionExpired(_) | Problem::SessionInvalid(_)) {
                    clear_cookie(session, exchange);
                }
            })?;
            let until = now_ms() + good_for * 1000.0;
            gateway.sessions.borrow_mut().0.insert(&value, (token.clone(), until), token.token.len());
            token
        }
    };
    Ok(Some(exchange.session_token.get_or_init(|| token).clone()))
}

/// Gives the cookie of the request's session, where it has one.
fn presented_cookie(session: &Session, exchange: &Exchange) -> Result<Option<SessionCookie>, Problem> {
    let header = exchange.header("cookie");
    match presented(header.as_deref(), &session.cookie, exchange.is_plain_loopback()) {
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
    what: &str,
) -> Result<Map<String, Value>, Problem> {
    let (auth0, _) = authorizer(gateway)?;
    let message = json!({"do": what, "key": cookie.key()});
    let keep_alive = |work: &Promise| exchange.keep_alive(work);
    Class::Session.ask(&exchange.env, &keep_alive, &cookie.object_name(), &message, auth0.timeout_ms).await
}

/// Reads a session's answer: the token, and for how many seconds it may be used without asking again.
fn judge_access(answer: &Map<String, Value>) -> Result<(SessionToken, f64), Problem> {
    let number = |key: &str| answer.get(key).and_then(Value::as_f64).unwrap_or_default();
    if let Some(token) = json::text(answer, "access") {
        #[expect(clippy::cast_possible_truncation, reason = "dates are far below 2^53")]
        let until = number("until") as i64;
        return Ok((SessionToken { token: token.into(), until }, number("good_for")));
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

/// Gives the answer to a request whose session holds a token that is not believed: it can do nothing about the token itself.
pub fn of_unusable_token(gateway: &Gateway, exchange: &Exchange, failure: VerifyError) -> Problem {
    match failure {
        // On its last second by one clock, past it by another: the next request finds it renewed.
        VerifyError::Token(error @ TokenError::Claim(ClaimError::Expired { .. })) => {
            Problem::IdpUnavailable(error.to_string())
        }
        // The config asks for other tokens than when the session began.
        VerifyError::Token(error) => {
            if let Some(session) = &gateway.config.session {
                clear_cookie(session, exchange);
            }
            Problem::SessionExpired(error.to_string().into())
        }
        VerifyError::Keys(problem) => problem,
    }
}

/// Begins a session with the tokens of a login, always under a fresh name, and sets its cookie.
///
/// # Errors
/// [`Problem::IdpError`] where the access token is none that this gateway takes, 503 where the session cannot be kept.
pub async fn begin(
    gateway: &Gateway,
    exchange: &Exchange,
    session: &Session,
    tokens: &TokenAnswer,
    id_claims: Option<&VerifiedClaims>,
) -> Result<(), Problem> {
    let (auth0, _) = authorizer(gateway)?;
    let claims = access_claims(gateway, exchange, tokens.access_token()).await.map_err(|failure| match failure {
        VerifyError::Token(_) => Problem::IdpError("its access token is none that the authorizer takes", Some(200)),
        VerifyError::Keys(problem) => problem,
    })?;
    let cookie = SessionCookie::from_random(random_bytes()?, random_bytes()?);
    let name = cookie.object_name();
    let keep_alive = |work: &Promise| exchange.keep_alive(work);
    if let Some(id_claims) = id_claims.filter(|_| has_backchannel_logout(&gateway.config)) {
        let message = json!({"add": name, "until": now_secs() + session.absolute_secs});
        for claim in ["sid", "sub"] {
            let Some(value) = id_claims.text(claim) else { continue };
            let index = digest(&index_subject(claim, &auth0.issuer, value)).await?;
            Class::LogoutIndex.ask(&exchange.env, &keep_alive, &index, &message, auth0.timeout_ms).await?;
        }
    }
    let until = tokens.expires_in().map_or(claims.expires_at(), |seconds| now_secs().saturating_add(seconds));
    let message = json!({
        "do": "create",
        "key": cookie.key(),
        "access": tokens.access_token(),
        "refresh": tokens.refresh_token(),
        "until": until,
    });
    Class::Session.ask(&exchange.env, &keep_alive, &name, &message, auth0.timeout_ms).await?;
    let plain = exchange.is_plain_loopback();
    // No other cookie was to be set on this path.
    let _ = exchange.set_cookie.set(cookie::set(&session.cookie, &cookie.value(), session.absolute_secs, plain));
    Ok(())
}

/// Ends the request's session, where it has one, and clears its cookie; gives its refresh token, which is to be revoked.
///
/// # Errors
/// [`Problem::StoreUnavailable`] where it could not be ended.
pub async fn end(gateway: &Gateway, exchange: &Exchange, session: &Session) -> Result<Option<String>, Problem> {
    // One that is none of ours has no session to end.
    let refresh_token = match presented_cookie(session, exchange) {
        Ok(Some(cookie)) => {
            gateway.sessions.borrow_mut().0.remove(&cookie.value());
            let answer = ask(gateway, exchange, &cookie, "end").await?;
            json::text(&answer, "refresh").map(str::to_owned)
        }
        Ok(None) | Err(_) => None,
    };
    clear_cookie(session, exchange);
    Ok(refresh_token)
}

/// Sends a person who is not logged in to the login, and everyone else the problem.
///
/// # Errors
/// The problem.
pub fn or_login(gateway: &Gateway, exchange: &Exchange, problem: Problem) -> Result<Answer, Problem> {
    let logged_out = matches!(problem, Problem::TokenMissing | Problem::SessionExpired(_) | Problem::SessionInvalid(_));
    let Some(session) = gateway.config.session.as_ref().filter(|_| logged_out) else { return Err(problem) };
    let navigation = matches!(exchange.method(), "GET" | "HEAD")
        && exchange.header("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if !navigation {
        return Err(problem);
    }
    let query = exchange.query().map(|query| format!("?{query}")).unwrap_or_default();
    let return_to = format!("{}{query}", exchange.path());
    let mut location = session.login_path.clone();
    if return_to.len() <= RETURN_TO_MAX_BYTES {
        let encoded =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", &return_to).finish();
        location = format!("{location}?{encoded}");
    }
    exchange.told.get_or_init(|| problem);
    Ok(Answer::redirect(302, location))
}
