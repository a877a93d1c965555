//! `sessions`: what is known of a user's sessions, and their end.

use crate::config::Session;
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::object_client::ask;
use crate::edge::runtime::webcrypto::digest;
use crate::edge::session::cookie::presented_cookie;
use crate::edge::session::lifecycle;
use crate::edge::session::objects::ask_logout_index;
use crate::http::request::{RequestHead as _, query_parameter};
use crate::objects::{Class, LogoutIndexAnswer, LogoutIndexMessage};
use crate::problem::Problem;
use crate::route::{Match, Method};
use crate::session::{SessionCookie, index_subject};
use crate::token::{ClaimError, TokenError, VerifiedClaims};

/// How long the index of a user may take beyond what the call itself may, in milliseconds: it asks many sessions.
const TIMEOUT_MS: u32 = 10_000;

/// In the place of an id: all sessions but the one that asks.
const OTHERS: &str = "others";

/// Lists the sessions of a user, or ends one or all.
///
/// # Errors
/// [`Problem::SessionNotFound`]; [`Problem::StoreUnavailable`] if a session could not be ended, and who asks again continues the work.
pub async fn run(
    gateway: &Gateway,
    cx: &RequestContext,
    session: &Session,
    matched: &Match<'_, '_>,
    claims: Option<&VerifiedClaims>,
) -> Result<Answer, Problem> {
    let token = cx.session_token.borrow().clone();
    let of_session = token.as_ref().and_then(|token| token.subject.as_deref());
    let caller = of_session.or_else(|| claims?.text("sub"));
    let named = parameter(matched, "sub");
    let subject = named.as_deref().or(caller).ok_or(TokenError::Claim(ClaimError::Missing { claim: "sub" }))?;
    let cookie = if of_session == Some(subject) { presented_cookie(session, cx)? } else { None };
    let current = cookie.as_ref().map(SessionCookie::object_name);
    let issuer = &session.login.provider.authorizer.issuer;
    let index = digest(&index_subject("sub", issuer, subject)).await?;

    if cx.method() != Method::Delete.as_str() {
        let after = query_parameter(cx.query(), "after").unwrap_or_default();
        let message = LogoutIndexMessage::List { after, current }.to_json();
        let list = ask(cx, Class::LogoutIndex, &index, &message, TIMEOUT_MS).await?;
        return Ok(Answer::private_json(list));
    }
    let (message, ends_current) = match parameter(matched, "id") {
        None => (LogoutIndexMessage::EndAll { spared: None }, true),
        Some(id) if id == OTHERS => (LogoutIndexMessage::EndAll { spared: current }, false),
        Some(id) => {
            let is_current = match &current {
                Some(name) => digest(name).await? == id,
                None => false,
            };
            (LogoutIndexMessage::EndOne(id), is_current)
        }
    };
    match ask_logout_index(TIMEOUT_MS, cx, &index, &message).await? {
        LogoutIndexAnswer::Gone => return Err(Problem::SessionNotFound),
        LogoutIndexAnswer::Done => {}
        LogoutIndexAnswer::Failed | LogoutIndexAnswer::Replayed => {
            return Err(Problem::StoreUnavailable("a session could not be ended".to_owned()));
        }
    }
    if let Some(cookie) = cookie.filter(|_| ends_current) {
        lifecycle::forget(gateway, cx, session, &cookie);
    }
    Ok(Answer::private_json("{}".to_owned()))
}

/// Returns the value of a parameter of the path, decoded.
fn parameter(matched: &Match<'_, '_>, name: &str) -> Option<String> {
    let (_, value) = matched.params().find(|(known, _)| *known == name)?;
    // A path has no pairs, and its plus is no space.
    query_parameter(Some(&["=", &value.replace('&', "%26").replace('+', "%2B")].concat()), "")
}
