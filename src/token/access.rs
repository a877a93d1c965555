//! Whether the claims of a verified token are enough for a path.

use super::claims::VerifiedClaims;
use super::error::ClaimError;
use super::values::lists;
use crate::config::Requirements;

/// Returns the requirement of a path that the claims do not meet; `None` if they meet all.
pub fn missing_access(claims: &VerifiedClaims, needed: &Requirements) -> Option<String> {
    let has = |claim: &str, name: &str| claims.get(claim).is_some_and(|value| lists(value, name));
    // Providers name scopes in either claim (RFC 9068 section 2.2.3; `scp` of Okta and Entra ID).
    let has_scope = |name: &String| has("scope", name) || has("scp", name);
    let has_permission =
        |name: &String| claims.get("permissions").is_some_and(|value| value.is_array() && lists(value, name));
    if let Some(scope) = needed.scopes.iter().find(|scope| !has_scope(scope)) {
        return Some(format!("no scope {scope}"));
    }
    if !needed.any_scopes.is_empty() && !needed.any_scopes.iter().any(has_scope) {
        return Some(format!("none of the scopes {}", needed.any_scopes.join(" ")));
    }
    if let Some(permission) = needed.permissions.iter().find(|permission| !has_permission(permission)) {
        return Some(format!("no permission {permission}"));
    }
    claims.unmet(&needed.claims).map(|claim| ClaimError::Required { claim: claim.to_owned() }.to_string())
}
