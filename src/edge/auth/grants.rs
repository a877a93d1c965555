//! Codes and refresh tokens of clients on their way to the provider, within the limits of [`crate::oauth::Attempts`].

use crate::edge::gateway::Gateway;
use crate::edge::request::exchange::Exchange;
use crate::edge::request::rules::address;
use crate::edge::runtime::timing::now_ms;
use crate::oauth::Ended;
use crate::problem::Problem;

/// Begins to show the provider a grant of the client's; `false` where it is shown already, or was used.
///
/// # Errors
/// [`Problem::RateLimited`] where too many of the client's were refused.
pub fn begin(gateway: &Gateway, exchange: &Exchange, names: &[&str]) -> Result<bool, Problem> {
    gateway.attempts.borrow_mut().begin(&client(exchange), names, now_ms())
}

/// Ends what was begun.
pub fn end(gateway: &Gateway, exchange: &Exchange, names: &[&str], ended: Ended) {
    gateway.attempts.borrow_mut().end(&client(exchange), names, ended, now_ms());
}

fn client(exchange: &Exchange) -> String {
    address(exchange).unwrap_or_default()
}
