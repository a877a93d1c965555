//! The objects of sessions, as requests ask them.

use crate::edge::gateway::Gateway;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::object_client::{ask, malformed_answer};
use crate::edge::runtime::webcrypto::fresh_text;
use crate::objects::{Class, LogoutIndexAnswer, LogoutIndexMessage, SessionAnswer, SessionMessage};
use crate::problem::Problem;

/// Sends a message to the session called `name`.
///
/// # Errors
/// [`Problem::StoreUnavailable`] if it does not answer.
pub async fn ask_session(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    name: &str,
    message: &SessionMessage,
) -> Result<SessionAnswer, Problem> {
    let timeout_ms = gateway.login_issuer()?.authorizer.timeout_ms;
    let answer = ask(invocation, Class::Session, name, &message.to_json(), timeout_ms).await?;
    SessionAnswer::parse(&answer).ok_or_else(|| malformed_answer(Class::Session))
}

/// Sends a message to the index called `name`.
///
/// # Errors
/// [`Problem::StoreUnavailable`] if it does not answer.
pub async fn ask_logout_index(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    name: &str,
    message: &LogoutIndexMessage,
) -> Result<LogoutIndexAnswer, Problem> {
    let timeout_ms = gateway.login_issuer()?.authorizer.timeout_ms;
    let answer = ask(invocation, Class::LogoutIndex, name, &message.to_json(), timeout_ms).await?;
    LogoutIndexAnswer::parse(&answer).ok_or_else(|| malformed_answer(Class::LogoutIndex))
}

/// Spends `jti` at the index called `name`, which remembers it until then, in seconds since 1970.
///
/// # Errors
/// [`Problem::StoreUnavailable`] if it does not answer.
pub async fn spend(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    name: &str,
    jti: &str,
    until: i64,
) -> Result<LogoutIndexAnswer, Problem> {
    let message = LogoutIndexMessage::Spend { jti: jti.to_owned(), requester: fresh_text()?, until };
    ask_logout_index(gateway, invocation, name, &message).await
}
