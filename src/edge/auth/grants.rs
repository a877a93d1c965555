//! Codes and refresh tokens of clients on their way to the provider, within the limits of [`crate::oauth::Attempts`].

use crate::edge::gateway::Gateway;
use crate::edge::request::context::RequestContext;
use crate::edge::request::rules::address;
use crate::edge::runtime::timing::now_ms;
use crate::http::request::RequestHead as _;
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

/// Refuses a proof of possession with a grant: the gateway is the client that the provider would bind the tokens for, so they would not be
/// bound to the key that the proof is of.
///
/// # Errors
/// [`Problem::ProofUnsupported`].
pub fn refuse_proof(cx: &RequestContext) -> Result<(), Problem> {
    cx.header("dpop").map_or(Ok(()), |_| Err(Problem::ProofUnsupported))
}

fn client(cx: &RequestContext) -> String {
    address(cx).unwrap_or_default()
}
