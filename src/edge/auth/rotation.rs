//! The exchange of a refresh token, once for all who ask: through the Durable Object of that token, or where none is bound
//! through this isolate.

use std::rc::Rc;

use crate::edge::auth::provider;
use crate::edge::gateway::Gateway;
use crate::edge::objects::{Class, is_replayed};
use crate::edge::runtime::flight::FlightRules;
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::timing::LOST_AFTER_SECS;
use crate::edge::runtime::webcrypto::{digest, fresh_text};
use crate::json;
use crate::oauth::{Outcome, TransportError, is_rotated, outcome_from_json};
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

/// What came of an exchange.
pub struct Exchanged {
    /// What the provider said.
    pub outcome: Rc<Outcome>,
    /// Whether an object had kept that from an exchange before.
    pub replayed: bool,
}

/// Gives what came of the exchange of a refresh token. If another came, late duplicates get it too, for `grace_secs`.
///
/// # Errors
/// [`Problem::StoreUnavailable`] where the object that makes the exchange cannot be reached.
pub async fn exchange(
    gateway: &Gateway,
    invocation: &dyn Invocation,
    refresh_token: Secret<String>,
    asker: Asker,
    grace_secs: u32,
) -> Result<Exchanged, Problem> {
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
        let outcome = outcome_from_json(&answer).ok_or_else(|| Problem::StoreUnavailable("no outcome".to_owned()))?;
        return Ok(Exchanged { outcome: Rc::new(outcome), replayed: is_replayed(&answer) });
    }
    let rules = FlightRules {
        replay_ms: f64::from(grace_secs) * 1000.0,
        lost_after_ms: f64::from(timeout_ms) + LOST_AFTER_SECS as f64 * 1000.0,
    };
    let (issuer, endpoints) = (Rc::clone(issuer), issuer.endpoints(invocation).await?);
    let work = async move {
        let outcome = provider::refresh(&issuer, &endpoints, &refresh_token).await;
        let rotated = is_rotated(&outcome, refresh_token.expose());
        (Rc::new(outcome), rotated)
    };
    let shared = gateway.refreshes.share(invocation, name, rules, |(_, rotated)| *rotated, work).await;
    let outcome = shared.map_or_else(|| Rc::new(Err(TransportError::Timeout)), |(outcome, _)| outcome);
    Ok(Exchanged { outcome, replayed: false })
}
