//! The way to the login, for people who are not logged in.

use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::exchange::Exchange;
use crate::edge::runtime::log;
use crate::http::request::{RequestHead as _, is_navigation};
use crate::oauth::{RETURN_TO_MAX_BYTES, login_address};
use crate::problem::Problem;

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
