//! Authentication and authorization: from the `Authorization` header or the session to verified claims that are enough.

use std::rc::Rc;

use crate::config::Access;
use crate::edge::gateway::Gateway;
use crate::edge::gateway::issuer::VerifyError;
use crate::edge::request::exchange::Exchange;
use crate::edge::session;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::token::{Credentials, VerifiedClaims, bearer, missing_access};

/// Gives the claims of the request's bearer token, or else of its session; `None` where it has no token, no session that is any
/// good, and needs neither. Waits for nothing where the token verified before.
///
/// # Errors
/// 401 where there is none or it is not to be believed; 403 where it is not enough; the provider's failure where the keys to tell
/// cannot be had.
pub async fn authenticate(
    gateway: &Gateway,
    exchange: &Exchange,
    access: &Access,
) -> Result<Option<Rc<VerifiedClaims>>, Problem> {
    let issuer = gateway.issuers.get(access.authorizer).ok_or(Problem::ConfigInvalid)?;
    let header = exchange.header("authorization");
    let credentials = bearer(header.as_deref());
    let dispensable = access.optional && credentials == Credentials::Absent;
    let claims = match credentials {
        Credentials::Bearer(token) => issuer.access_claims(exchange, token).await.map_err(VerifyError::into_problem),
        // What was sent as a token and is none never falls back to a session.
        Credentials::Malformed => Err(Problem::CredentialsMalformed),
        // Sessions hold tokens of one authorizer.
        Credentials::Absent if gateway.login.is_some_and(|login| login != access.authorizer) => {
            Err(Problem::TokenMissing)
        }
        Credentials::Absent => session::claims(gateway, exchange).await,
    };
    let claims = match claims {
        Err(problem) if dispensable => return session::do_without(exchange, problem).map(|()| None),
        claims => claims?,
    };
    match missing_access(&claims, access) {
        None => Ok(Some(claims)),
        Some(reason) => {
            let scope = [access.scopes.as_slice(), &access.any_scopes].concat().join(" ");
            Err(Problem::InsufficientScope { scope, reason })
        }
    }
}
