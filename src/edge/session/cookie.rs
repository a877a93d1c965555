//! The session's cookie in a request, and in its answer.

use crate::config::Session;
use crate::edge::request::context::RequestContext;
use crate::http::cookie::{self, SameSite};
use crate::problem::Problem;
use crate::session::{Presented, SessionCookie, presented};

/// Returns the cookie of the request's session, if it has one.
pub fn presented_cookie(session: &Session, cx: &RequestContext) -> Result<Option<SessionCookie>, Problem> {
    let presented = presented(cx, &session.rules.cookie, cx.is_plain_loopback());
    if matches!(presented, Presented::Malformed) {
        clear_cookie(session, cx);
    }
    presented.cookie()
}

/// Returns the cookie of the session that a request is to end; one that is not ours has none to end.
///
/// # Errors
/// [`Problem::StoreUnavailable`] for one of a later version, whose session this one cannot end.
#[inline(never)]
pub fn cookie_to_end(session: &Session, cx: &RequestContext) -> Result<Option<SessionCookie>, Problem> {
    match presented_cookie(session, cx) {
        Err(Problem::SessionInvalid(_)) => Ok(None),
        cookie => cookie,
    }
}

/// Has the answer clear the cookie.
pub fn clear_cookie(session: &Session, cx: &RequestContext) {
    // A cookie that was to be set before stays: no path does both.
    let _ = cx.set_cookie.set(cookie::set(&session.rules.cookie, "", 0, SameSite::Lax, cx.is_plain_loopback()));
}
