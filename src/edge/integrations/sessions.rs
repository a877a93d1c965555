//! `sessions`: what is known of a user's sessions, and their end.

use crate::config::Session;
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::object_client::ask;
use crate::edge::session::cookie::{clear_cookie, presented_cookie};
use crate::http::request::{RequestHead as _, query_parameter};
use crate::objects::{Class, LogoutIndexAnswer, LogoutIndexMessage};
use crate::problem::Problem;
use crate::route::{self, Match, Method};
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
    let named = parameter(matched, cx.path(), "sub");
    let subject = named.as_deref().or(caller).ok_or(TokenError::Claim(ClaimError::Missing { claim: "sub" }))?;
    let cookie = if of_session == Some(subject) { presented_cookie(session, cx)? } else { None };
    let current = cookie.as_ref().map(SessionCookie::object_name);
    let index = index_subject("sub", &session.login.provider.authorizer.issuer, subject);
    let lists = cx.method() != Method::Delete.as_str();
    let message = if lists {
        let after = query_parameter(cx.query(), "after").unwrap_or_default();
        LogoutIndexMessage::List { after, current }
    } else {
        match parameter(matched, cx.path(), "id") {
            None => LogoutIndexMessage::EndAll { spared: None },
            Some(id) if id == OTHERS => LogoutIndexMessage::EndAll { spared: current },
            Some(id) => LogoutIndexMessage::EndOne(id),
        }
    };
    let answer = ask(cx, Class::LogoutIndex, &index, &message.to_json(), TIMEOUT_MS).await?;
    if lists {
        return Ok(Answer::private_json(answer));
    }
    match LogoutIndexAnswer::parse(&answer) {
        Some(LogoutIndexAnswer::Done) => {}
        Some(LogoutIndexAnswer::Gone) => return Err(Problem::SessionNotFound),
        _ => return Err(Problem::StoreUnavailable("a session could not be ended".to_owned())),
    }
    if let Some(cookie) = cookie {
        // It may be the one that was ended.
        gateway.sessions.borrow_mut().forget(&cookie);
        if matches!(message, LogoutIndexMessage::EndAll { spared: None }) {
            clear_cookie(session, cx);
        }
    }
    Ok(Answer::private_json("{}".to_owned()))
}

/// Returns the value of a parameter of the path, decoded, if the path has one. What is no text is nobody's: it must not look as if the
/// parameter were not there, which would mean the caller, or all sessions.
fn parameter(matched: &Match<'_, '_>, path: &str, name: &str) -> Option<String> {
    let is_there = matched.params().any(|(known, _)| known == name);
    is_there.then(|| route::parameter(matched.pattern, path, name).unwrap_or_default())
}
