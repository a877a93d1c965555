//! Ends a socket or a stream that outlasts its request: `watch.js` watches, the core decides when.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Response;

use crate::config::{Access, Path};
use crate::edge::gateway::Gateway;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::bindings;
use crate::edge::runtime::http_client::failure_reason;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::session::cookie::presented_cookie;
use crate::json::{self, ToText as _};
use crate::objects::{Class, SessionAnswer, SessionMessage};
use crate::problem::Problem;
use crate::session::{SessionCookie, Step, Term};
use crate::token::VerifiedClaims;

#[wasm_bindgen(module = "/src/edge/session/watch.js")]
extern "C" {
    /// Returns an answer whose WebSocket closes, or whose body breaks off, when its term is over. `session` is asked from
    /// `ask_at_ms` on, if there is one: it is JSON with its name among `objects`, and the message in two forms, one that counts as a
    /// use and one that does not.
    #[wasm_bindgen(catch)]
    fn expiring(
        response: &Response,
        until_ms: f64,
        ask_at_ms: f64,
        objects: &JsValue,
        session: Option<&str>,
        context: &JsValue,
    ) -> Result<Response, JsValue>;

    /// A step of a watch.
    type Stepped;

    fn stepped(until_ms: f64, ask_at_ms: f64, next: &JsValue) -> Stepped;
}

/// Closes a WebSocket, or breaks off a body, when the gateway would no longer accept the request that opened it.
///
/// # Errors
/// [`Problem::Internal`] if the runtime does not allow that.
pub fn close_at_expiry(
    gateway: &Gateway,
    cx: &RequestContext,
    path: &Path,
    response: &Response,
    claims: &VerifiedClaims,
) -> Result<Response, Problem> {
    let skews = path.access.iter().flat_map(Access::authorizers).map(|authorizer| authorizer.clock_skew_secs);
    let skew_secs = skews.min().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
    let until_ms = claims.expires_at().saturating_add(skew_secs).saturating_mul(1000) as f64;
    let asked_again_ms = cx.session_token.borrow().as_ref().map(|token| token.asked_again_ms);
    let cookie = gateway.config.session.as_ref().and_then(|session| presented_cookie(session, cx).ok()?);
    let (session, ask_at_ms) = match asked_again_ms.zip(cookie) {
        Some((asked_again_ms, cookie)) => (Some(asked_session(&cookie)), asked_again_ms.min(until_ms)),
        None => (None, f64::INFINITY),
    };
    let objects = bindings::raw(cx.env(), Class::Session.binding());
    expiring(response, until_ms, ask_at_ms, &objects, session.as_deref(), cx.context())
        .map_err(|error| Problem::Internal(failure_reason(&error)))
}

/// Returns a session for `watch.js`.
fn asked_session(cookie: &SessionCookie) -> String {
    let message = |silent| {
        let (key, rejected, target, listed_as) = (cookie.key(), None, None, Some(cookie.object_name()));
        SessionMessage::Access { key, rejected, silent, id_token: false, target, listed_as }.to_json().into()
    };
    let members = &mut [("name", cookie.object_name().into()), ("used", message(false)), ("silent", message(true))];
    json::object(members).to_text()
}

/// Returns the next step of `watch.js` (`end`, `ask`, or milliseconds to wait) and the term. `asked_ms` is when the session
/// was asked, if it was, and `answer` its answer, if it gave one.
#[wasm_bindgen]
pub fn watch_step(
    until_ms: f64,
    ask_at_ms: f64,
    now_ms: f64,
    asked_ms: Option<f64>,
    answer: Option<String>,
) -> JsValue {
    let term = Term { until_ms, ask_at_ms };
    let term = match (asked_ms, answer) {
        (None, _) => term,
        (Some(_), None) => term.unanswered(now_ms),
        (Some(asked_ms), Some(answer)) => {
            let token = SessionAnswer::parse(&answer).and_then(|answer| answer.into_token(asked_ms, None).ok());
            Term::answered(token.as_ref(), now_ms)
        }
    };
    let next = match term.step(now_ms) {
        Step::End => "end".into(),
        Step::Ask => "ask".into(),
        Step::Wait(ms) => ms.into(),
    };
    stepped(term.until_ms, term.ask_at_ms, &next).into()
}
