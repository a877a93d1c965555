//! Authentication and authorization: from the `Authorization` header or the session to verified claims that are enough.

use std::borrow::Cow;
use std::rc::Rc;

use crate::config::Access;
use crate::edge::auth::dpop::check_proof;
use crate::edge::gateway::Gateway;
use crate::edge::gateway::access_tokens::access_claims;
use crate::edge::gateway::verifier::VerifyError;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::boxed::boxed;
use crate::edge::runtime::timing::now_secs;
use crate::edge::session::access;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::token::{Authentication, Credentials, TokenError, VerifiedClaims, credentials, held_scopes, missing_access};

/// Returns the claims of the request's token, or else of its session; `None` if it has no token, no session that is any
/// good, and needs neither. Waits for nothing if the token was verified before.
///
/// # Errors
/// 401 if there is none, it is not valid, or the user was not authenticated as required; 403 if it is not sufficient; the provider's
/// failure if the keys to tell cannot be had.
pub async fn authenticate(
    gateway: &Gateway,
    cx: &RequestContext,
    access: &Access,
) -> Result<Option<Rc<VerifiedClaims>>, Problem> {
    let dpop = access.dpop.as_deref();
    let credentials = credentials(cx.header("authorization"), dpop.is_some());
    let needed = &access.requirements;
    let dispensable = needed.optional && credentials == Credentials::Absent;
    let mut bound = None;
    let claims = match credentials {
        Credentials::Bearer(_) if dpop.is_some_and(|dpop| dpop.is_required) => Err(TokenError::WithoutProof.into()),
        Credentials::Bearer(token) | Credentials::Dpop(token) => {
            let credential = if let Credentials::Dpop(_) = credentials {
                bound = dpop.zip(Some(token));
                Cow::from(["DPoP ", token].concat())
            } else {
                Cow::from(token)
            };
            access_claims(gateway, cx, &access.authorizer, &credential).await.map_err(VerifyError::into_problem)
        }
        // An invalid token never falls back to a session.
        Credentials::Malformed => Err(Problem::CredentialsMalformed),
        // Sessions have tokens of one authorizer.
        Credentials::Absent if gateway.config.logs_in_elsewhere(access) => Err(Problem::TokenMissing),
        Credentials::Absent => access::claims(gateway, cx).await,
    };
    let claims = match claims {
        Err(problem) if dispensable => return access::do_without(cx, problem).map(|()| None),
        claims => claims?,
    };
    if let Some((dpop, token)) = bound {
        boxed(check_proof(cx, access, dpop, token, claims.bound_key().unwrap_or_default())).await?;
    }
    if let Some(reason) = missing_access(&claims, needed) {
        let resource = cx.matched_path(&gateway.config).and_then(|path| path.protected_resource.as_deref());
        let held = resource.map(|resource| held_scopes(&claims, resource.scopes(), needed)).unwrap_or_default();
        return Err(Problem::InsufficientScope { reason, held });
    }
    if let Some(needed) = &needed.authentication {
        // Of a session, its login says it, whatever tokens came later.
        let of_login = cx.session_token.borrow().as_ref().map(|token| token.authentication.clone());
        let authentication = of_login.unwrap_or_else(|| Authentication::of(&claims));
        let now = now_secs();
        if let Some(reason) = authentication.lacks(needed, now, now, access.authorizer.clock_skew_secs) {
            return Err(Problem::InsufficientAuthentication(reason));
        }
    }
    Ok(Some(claims))
}
