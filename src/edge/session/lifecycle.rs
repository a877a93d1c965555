//! The beginning of a session, by a login, and its end by the browser.

use crate::config::{ClaimsFrom, Session};
use crate::edge::gateway::Gateway;
use crate::edge::gateway::access_tokens::access_claims;
use crate::edge::gateway::verifier::VerifyError;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::crossings::country;
use crate::edge::runtime::log;
use crate::edge::runtime::timing::{now_ms, now_secs};
use crate::edge::runtime::webcrypto::random_bytes;
use crate::edge::session::cookie::{clear_cookie, cookie_to_end};
use crate::edge::session::objects::{ask_logout_index, ask_session};
use crate::excerpt::shortened_name;
use crate::http::cookie::{self, SameSite};
use crate::http::request::RequestHead as _;
use crate::oauth::TokenResponse;
use crate::objects::{LogoutIndexMessage, SessionAnswer, SessionMessage};
use crate::problem::Problem;
use crate::session::{LoginClient, Presented, SessionCookie, Tokens, index_subject, presented};
use crate::token::{Authentication, TokenError, VerifiedClaims};

/// Begins a session with the tokens of a login, always under a fresh name, and sets its cookie.
///
/// # Errors
/// [`Problem::AccessTokenUnfit`] if the gateway does not accept the access token, 503 if the session cannot be stored.
pub async fn begin(
    gateway: &Gateway,
    cx: &RequestContext,
    session: &Session,
    tokens: &TokenResponse,
    id_claims: Option<&VerifiedClaims>,
) -> Result<(), Problem> {
    let (rules, provider) = (&session.rules, &session.login.provider);
    let timeout_ms = provider.authorizer.timeout_ms;
    let token = tokens.access_token();
    let expires_at = match rules.claims_from {
        ClaimsFrom::IdToken => id_claims.map(VerifiedClaims::expires_at).unwrap_or_default(),
        ClaimsFrom::AccessToken => {
            let claims = access_claims(gateway, cx, &provider.authorizer, token).await;
            claims.map_err(|failure| unfit(token, failure))?.expires_at()
        }
    };
    let cookie = SessionCookie::from_random(random_bytes()?, random_bytes()?);
    let name = cookie.object_name();
    if let Some(id_claims) = id_claims.filter(|_| gateway.config.has_backchannel_logout()) {
        let until = now_secs() + rules.absolute_secs;
        let message = LogoutIndexMessage::Add { session: name.clone(), until, began: None };
        let issuer = id_claims.text("iss").unwrap_or_default();
        for claim in ["sid", "sub"] {
            let Some(value) = id_claims.text(claim) else { continue };
            ask_logout_index(timeout_ms, cx, &index_subject(claim, issuer, value), &message).await?;
        }
    }
    let until = tokens.until(now_secs()).unwrap_or(expires_at);
    let sid = id_claims.and_then(|claims| claims.text("sid"));
    let kept = Tokens {
        access: token.to_owned(),
        refresh: tokens.refresh_token().map(str::to_owned),
        subject: id_claims.and_then(|claims| claims.text("sub")).map(str::to_owned),
        sid: sid.map(str::to_owned),
        id_token: tokens.id_token().filter(|_| gateway.config.keeps_id_tokens()).map(|token| token.expose().clone()),
        authentication: id_claims.map(Authentication::of).unwrap_or_default(),
        held: Vec::new(),
    };
    let client = LoginClient {
        user_agent: cx.header("user-agent").filter(|_| rules.keeps_user_agent).map(shortened_name),
        country: if rules.keeps_country { country(&cx.request()) } else { None },
    };
    let message = SessionMessage::Create { key: cookie.key(), tokens: kept, until, client };
    ask_session(timeout_ms, cx, &name, &message).await?;
    let plain = cx.is_plain_loopback();
    // No other cookie was to be set on this path.
    let _ = cx.set_cookie.set(cookie::set(&rules.cookie, &cookie.value(), rules.absolute_secs, SameSite::Lax, plain));
    if let Presented::Cookie(before) = presented(cx, &rules.cookie, plain) {
        // Each login at Auth0 has its own refresh tokens. Elsewhere those of one session at the provider may be one grant.
        let replaced_by = sid.filter(|_| provider.endpoints.is_none()).unwrap_or_default();
        let ended = end_of(gateway, cx, session, &before, Some(replaced_by)).await;
        // The login counts all the same: the browser drops that cookie, and the session ends by its time.
        if let Err(problem) = ended {
            log::warn("session_not_replaced", problem.code());
        }
    }
    Ok(())
}

/// Returns the answer to a login whose access token is not accepted.
fn unfit(token: &str, failure: VerifyError) -> Problem {
    match failure {
        VerifyError::Token(error) => {
            let mut reason = format!("its access token: {error}");
            // An opaque token has one part, an encrypted one has five.
            if matches!(*error, TokenError::NotThreeParts) {
                reason.push_str(", but ");
                reason.push_str(&token.split('.').count().to_string());
            }
            Problem::AccessTokenUnfit(reason)
        }
        failure @ (VerifyError::Early | VerifyError::Keys(_)) => failure.into_problem(),
    }
}

/// Ends the request's session, if it has one, and clears its cookie; the session has its refresh token revoked. Returns its ID token,
/// if it kept one.
///
/// # Errors
/// [`Problem::StoreUnavailable`] if it could not be ended.
pub async fn end(gateway: &Gateway, cx: &RequestContext, session: &Session) -> Result<Option<String>, Problem> {
    let id_token = match cookie_to_end(session, cx)? {
        Some(cookie) => end_of(gateway, cx, session, &cookie, None).await?,
        None => None,
    };
    clear_cookie(session, cx);
    Ok(id_token)
}

/// Ends the request's session, if it has one and that is called `sid` at the provider, and then clears its cookie.
///
/// # Errors
/// [`Problem::StoreUnavailable`] if it could not be ended.
pub async fn end_at_provider(
    gateway: &Gateway,
    cx: &RequestContext,
    session: &Session,
    sid: String,
) -> Result<(), Problem> {
    let Some(cookie) = cookie_to_end(session, cx)? else { return Ok(()) };
    let message = SessionMessage::EndOf { key: cookie.key(), sid };
    let timeout_ms = session.login.provider.authorizer.timeout_ms;
    let answer = ask_session(timeout_ms, cx, &cookie.object_name(), &message).await?;
    if matches!(answer, SessionAnswer::Ended { .. }) {
        gateway.sessions.borrow_mut().end(&cookie, false, now_ms());
        clear_cookie(session, cx);
    }
    Ok(())
}

/// Ends a session: by a logout, or by a login that takes its place and is `replaced_by` at the provider, empty if that has no name.
/// Returns its ID token, if it kept one.
async fn end_of(
    gateway: &Gateway,
    cx: &RequestContext,
    session: &Session,
    cookie: &SessionCookie,
    replaced_by: Option<&str>,
) -> Result<Option<String>, Problem> {
    let message = SessionMessage::End { key: cookie.key(), replaced_by: replaced_by.map(str::to_owned) };
    let timeout_ms = session.login.provider.authorizer.timeout_ms;
    let answer = ask_session(timeout_ms, cx, &cookie.object_name(), &message).await?;
    gateway.sessions.borrow_mut().end(cookie, replaced_by.is_some(), now_ms());
    Ok(if let SessionAnswer::Ended { id_token, .. } = answer { id_token } else { None })
}
