//! The exchange of a refresh token, once for all who ask: through the Durable Object of that token, or where none is bound
//! through this isolate.

use std::rc::Rc;

use super::flight::FlightRules;
use super::gateway::Gateway;
use super::invocation::Invocation;
use super::objects::Class;
use super::provider;
use super::timing::LOST_AFTER_SECS;
use super::webcrypto::{digest, fresh_text};
use crate::json;
use crate::oauth::{Exchange, Outcome, TransportError, judge_tokens, outcome_from_json};
use crate::problem::Problem;
use crate::secret::Secret;

/// An asker whose answer was lost on the way asks again within this time.
const RETRY_SECS: u32 = 5;

/// A session that restarted before it stored the answer asks again at its next request, if that comes within this time.
const SESSION_RETRY_SECS: u32 = 60;

/// Who asks for an exchange.
pub enum Asker {
    /// A client.
    Client,
    /// A session, which alone knows its refresh token.
    Session,
}

/// Gives what came of the exchange of a refresh token. For `grace_secs` late duplicates get it too.
///
/// # Errors
/// [`Problem::StoreUnavailable`] where the object that makes the exchange cannot be reached.
pub async fn exchange(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    refresh_token: Secret<String>,
    asker: Asker,
    grace_secs: u32,
) -> Result<Rc<Outcome>, Problem> {
    let issuer = gateway.login_issuer()?;
    let timeout_ms = issuer.authorizer.timeout_ms;
    let name = digest(refresh_token.expose()).await?;
    let (asker, retry_secs) = match asker {
        Asker::Client => (fresh_text()?, RETRY_SECS),
        Asker::Session => ("session".to_owned(), SESSION_RETRY_SECS),
    };
    if Class::RefreshExchange.is_bound(invocation.env()) {
        let message = json::object(&mut [
            ("refresh_token", refresh_token.expose().as_str().into()),
            ("asker", asker.into()),
            ("grace_ms", (i64::from(grace_secs) * 1000).into()),
            ("retry_ms", (i64::from(retry_secs) * 1000).into()),
        ]);
        let answer = Class::RefreshExchange.ask(invocation, &name, &message, timeout_ms).await?;
        let outcome = outcome_from_json(&answer);
        return outcome.map(Rc::new).ok_or_else(|| Problem::StoreUnavailable("no outcome".to_owned()));
    }
    let rules = FlightRules {
        replay_ms: f64::from(grace_secs) * 1000.0,
        lost_after_ms: f64::from(timeout_ms) + LOST_AFTER_SECS as f64 * 1000.0,
    };
    let (issuer, endpoints) = (Rc::clone(issuer), issuer.endpoints(invocation).await?);
    let work = async move { Rc::new(provider::refresh(&issuer, &endpoints, &refresh_token).await) };
    let shared = gateway.refreshes.share(invocation, name, rules, |outcome| is_granted(outcome), work).await;
    Ok(shared.unwrap_or_else(|| Rc::new(Err(TransportError::Timeout))))
}

/// Tells whether an exchange brought tokens.
pub fn is_granted(outcome: &Outcome) -> bool {
    outcome.as_ref().is_ok_and(|answer| judge_tokens(Exchange::Refresh, answer).is_ok())
}
