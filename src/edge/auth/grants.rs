//! Codes and refresh tokens of clients on their way to the provider, within the limits of [`crate::oauth::Attempts`].

use crate::edge::gateway::Gateway;
use crate::edge::request::context::RequestContext;
use crate::edge::request::rules::address;
use crate::edge::runtime::timing::now_ms;
use crate::oauth::Ended;
use crate::problem::Problem;

/// Starts to show the provider a grant of the client; returns `false` if it is being shown already, or was used.
///
/// # Errors
/// [`Problem::RateLimited`] if too many of the client's were refused.
pub fn begin(gateway: &Gateway, cx: &RequestContext, names: &[&str]) -> Result<bool, Problem> {
    gateway.attempts.borrow_mut().begin(&client(cx), names, now_ms())
}

/// Ends what was begun.
pub fn end(gateway: &Gateway, cx: &RequestContext, names: &[&str], ended: Ended) {
    gateway.attempts.borrow_mut().end(&client(cx), names, ended, now_ms());
}

fn client(cx: &RequestContext) -> String {
    address(cx).unwrap_or_default()
}
