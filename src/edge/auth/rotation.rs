//! The token request with a refresh token, once for all requesters: through the Durable Object of that token, or if none is bound
//! through this isolate.

use crate::edge::auth::token_requests;
use crate::edge::gateway::Gateway;
use crate::edge::gateway::application::Application;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::log;
use crate::edge::runtime::object_client::{ask, is_bound, malformed_answer};
use crate::edge::runtime::single_flight::SingleFlightRules;
use crate::edge::runtime::webcrypto::{digest, fresh_text};
use crate::oauth::is_rotated;
use crate::objects::{Class, RefreshExchangeAnswer, RefreshExchangeMessage};
use crate::problem::Problem;
use crate::secret::Secret;

/// A requester whose answer was lost on the way asks again within this time.
const RETRY_SECS: u32 = 5;

/// A session that restarted before it stored the answer asks again at its next request, if that comes within this time.
const SESSION_RETRY_SECS: u32 = 60;

/// What has taken a token's place is followed so far: further than anybody refreshes within the minute in which objects know of it. A
/// provider that gives a used token again would lead round in a circle, for ever.
const SUCCESSORS_MAX: usize = 16;

/// The requester of a token request.
pub enum Requester {
    /// A client.
    Client,
    /// A session; only it knows its refresh token.
    Session,
}

/// Returns the result of the token request with a refresh token, for the target of this text if there is one. If it brings another
/// refresh token, late duplicates get it too, for `grace_secs`: also those with another target, which the answer names.
///
/// # Errors
/// [`Problem::StoreUnavailable`] if the object that makes the token request cannot be reached.
pub async fn exchange(
    gateway: &Gateway,
    application: &Application,
    invocation: &dyn Invocation,
    refresh_token: Secret<String>,
    requester: Requester,
    grace_secs: u32,
    target: Option<&str>,
) -> Result<RefreshExchangeAnswer, Problem> {
    let timeout_ms = application.timeout_ms();
    let name = digest(refresh_token.expose()).await?;
    let (requester, retry_secs) = match requester {
        Requester::Client => (fresh_text()?, RETRY_SECS),
        Requester::Session => ("session".to_owned(), SESSION_RETRY_SECS),
    };
    if is_bound(Class::RefreshExchange, invocation.env()) {
        let message = RefreshExchangeMessage {
            refresh_token,
            requester,
            grace_ms: i64::from(grace_secs) * 1000,
            retry_ms: i64::from(retry_secs) * 1000,
            target: target.map(str::to_owned),
        };
        // The answer comes when the requests for all targets are made.
        let row_ms = timeout_ms * gateway.config.exchanges_max();
        let answer = tell(invocation, &name, &message.to_json(), row_ms).await?;
        return RefreshExchangeAnswer::parse(&answer).ok_or_else(|| malformed_answer(Class::RefreshExchange));
    }
    let rules = SingleFlightRules::of_call(timeout_ms, f64::from(grace_secs) * 1000.0);
    let (application, endpoints) = (application.clone(), application.endpoints(invocation).await?);
    let wanted = target.map(str::to_owned);
    let work = Box::pin(async move {
        let outcome = token_requests::refresh(&application, &endpoints, &refresh_token, wanted.as_deref()).await;
        let rotated = is_rotated(&outcome, refresh_token.expose());
        (outcome, rotated)
    });
    let outcome = gateway.refreshes.share(invocation, name, rules, work).await;
    Ok(RefreshExchangeAnswer::new(outcome, target.map(str::to_owned)))
}

/// Sends a message to the object of a refresh token.
async fn tell(invocation: &dyn Invocation, name: &str, message: &str, timeout_ms: u32) -> Result<String, Problem> {
    ask(invocation, Class::RefreshExchange, name, message, timeout_ms).await
}

/// Revokes a refresh token. If it is used, its object knows what has taken its place, and that is revoked instead.
///
/// # Errors
/// [`Problem::StoreUnavailable`] and [`Problem::IdpUnavailable`] if it can be tried again, and [`Problem::IdpError`] if the provider
/// does not revoke.
pub async fn revoke(
    application: &Application,
    invocation: &dyn Invocation,
    mut refresh_token: Secret<String>,
) -> Result<(), Problem> {
    let mut is_revoked = false;
    for _ in 0..SUCCESSORS_MAX {
        // The object answers when no exchange is under way. One that began before the provider was asked may have brought another.
        if let Some(next) = replaced_by(application, invocation, &refresh_token).await? {
            (refresh_token, is_revoked) = (next, false);
        } else if is_revoked {
            return Ok(());
        } else {
            token_requests::revoke(application, invocation, refresh_token.expose()).await?;
            is_revoked = true;
        }
    }
    warn_of_many();
    token_requests::revoke(application, invocation, refresh_token.expose()).await
}

/// Returns what has taken the place of a refresh token that is to be revoked, however often it was replaced, as far as that is known; and
/// why no more is known, if the store did not say.
pub async fn successor(
    application: &Application,
    invocation: &dyn Invocation,
    refresh_token: Option<&Secret<String>>,
) -> (Option<Secret<String>>, Option<Problem>) {
    let mut last = None;
    for _ in 0..SUCCESSORS_MAX {
        let Some(token) = last.as_ref().or(refresh_token) else { return (None, None) };
        match replaced_by(application, invocation, token).await {
            Ok(Some(next)) => last = Some(next),
            Ok(None) => return (last, None),
            Err(problem) => return (last, Some(problem)),
        }
    }
    warn_of_many();
    (last, None)
}

fn warn_of_many() {
    log::warn("revocation_failed", "the token was replaced too often: the last one that is known is revoked");
}

/// Has the object of a refresh token give out nothing any longer, and returns what has taken the token's place.
async fn replaced_by(
    application: &Application,
    invocation: &dyn Invocation,
    refresh_token: &Secret<String>,
) -> Result<Option<Secret<String>>, Problem> {
    let name = digest(refresh_token.expose()).await?;
    let message = RefreshExchangeMessage::revocation(refresh_token);
    let answer = tell(invocation, &name, &message, application.timeout_ms()).await?;
    Ok(RefreshExchangeMessage::parse_revocation(&answer))
}
