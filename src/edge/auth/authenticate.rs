//! Authentication and authorization: from a token, an API key or the session to verified claims that are enough.

use std::borrow::Cow;
use std::rc::Rc;

use crate::config::Access;
use crate::edge::auth::dpop::check_proof;
use crate::edge::gateway::Gateway;
use crate::edge::gateway::access_tokens::access_claims;
use crate::edge::gateway::api_keys::key_claims;
use crate::edge::gateway::verifier::VerifyError;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::boxed::boxed;
use crate::edge::runtime::timing::now_secs;
use crate::edge::session::access;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::token::{
    Authentication, Credential, Scheme, TokenError, VerifiedClaims, credential, held_scopes, missing_access,
};

/// Returns the claims of the request's token or API key, or else of its session; `None` if it has no token, no session that is any
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
    let credential = credential(&gateway.config, access, cx);
    let needed = &access.requirements;
    let dispensable = needed.optional && matches!(credential, Credential::Absent);
    let skew_secs = match &credential {
        Credential::Of(authorizer, ..) => authorizer.clock_skew_secs,
        _ => access.authorizer.clock_skew_secs,
    };
    let mut bound = None;
    let claims = match credential {
        Credential::Of(authorizer, text, scheme) => {
            let claims = match authorizer.api_keys() {
                Some(keys) => {
                    let address = cx.header("cf-connecting-ip");
                    key_claims(gateway, cx, authorizer, keys, text, address).await
                }
                None if scheme == Scheme::Bearer && dpop.is_some_and(|dpop| dpop.is_required) => {
                    Err(TokenError::WithoutProof.into())
                }
                None => {
                    let credential = if scheme == Scheme::Dpop {
                        bound = dpop.zip(Some(text));
                        Cow::from(["DPoP ", text].concat())
                    } else {
                        Cow::from(text)
                    };
                    access_claims(gateway, cx, authorizer, &credential).await
                }
            };
            claims.map_err(VerifyError::into_problem)
        }
        // An invalid token never falls back to a session.
        Credential::Malformed => Err(Problem::CredentialsMalformed),
        Credential::Refused(error) => Err(error.into()),
        // Sessions have tokens of one authorizer.
        Credential::Absent if gateway.config.logs_in_elsewhere(access) => Err(Problem::TokenMissing),
        Credential::Absent => access::claims(gateway, cx).await,
    };
    let claims = match claims {
        Err(problem) if dispensable => return access::do_without(cx, problem).map(|()| None),
        claims => claims?,
    };
    if let Some(digest) = claims.api_key() {
        drop(cx.api_key.set(digest.to_owned()));
    }
    if let Some((dpop, token)) = bound {
        boxed(check_proof(cx, skew_secs, dpop, token, claims.bound_key().unwrap_or_default())).await?;
    }
    if let Some(reason) = missing_access(&claims, needed) {
        let resource = cx.matched_path(&gateway.config).and_then(|path| path.protected_resource.as_deref());
        let held = resource.map(|resource| held_scopes(&claims, resource.scopes(), needed)).unwrap_or_default();
        return Err(Problem::InsufficientScope(Box::new([reason, held])));
    }
    if let Some(needed) = &needed.authentication {
        // Of a session, its login says it, whatever tokens came later.
        let of_login = cx.session_token.borrow().as_ref().map(|token| token.authentication.clone());
        let authentication = of_login.unwrap_or_else(|| Authentication::of(&claims));
        let now = now_secs();
        if let Some(reason) = authentication.lacks(needed, now, now, skew_secs) {
            return Err(Problem::InsufficientAuthentication(reason));
        }
    }
    Ok(Some(claims))
}
