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

/// Returns those of the scopes of a resource that the claims have and a path does not name, with spaces between them.
pub fn held_scopes<'s>(
    claims: &VerifiedClaims,
    of_resource: impl Iterator<Item = &'s str>,
    needed: &Requirements,
) -> String {
    let mut held = String::new();
    for scope in of_resource {
        let is_named = needed.scopes.iter().chain(&needed.any_scopes).any(|named| named == scope);
        if !is_named && ["scope", "scp"].iter().any(|claim| claims.get(claim).is_some_and(|value| lists(value, scope)))
        {
            if !held.is_empty() {
                held.push(' ');
            }
            held.push_str(scope);
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn of_the_scopes_of_a_resource_those_are_held_that_a_token_has_and_the_path_does_not_name() {
        let needed = Requirements {
            scopes: vec!["write".to_owned()],
            any_scopes: vec!["eu".to_owned()],
            ..Requirements::default()
        };
        let table = [
            (json!({"scope": "read"}), "read", "one"),
            (json!({"scope": "admin read list openid"}), "read list", "those of the resource, in its order"),
            (json!({"scp": ["list"], "scope": "read"}), "read list", "in either claim"),
            (json!({"scope": "write eu read"}), "read", "none that the path names anyway"),
            (json!({"scope": "readers"}), "", "none that only begins alike"),
            (json!({"scope": 1}), "", "no number"),
            (json!({}), "", "none at all"),
        ];
        for (claims, expected, message) in table {
            let Value::Object(claims) = claims else { panic!("{message}") };
            let of_resource = ["read", "write", "eu", "list"].into_iter();
            let held = held_scopes(&VerifiedClaims::assumed(claims), of_resource, &needed);
            assert_eq!(held, expected, "{message}");
        }
    }

    #[test]
    fn a_path_opens_to_whoever_has_all_that_it_asks_for() {
        let list = |names: &str| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let needed = |scopes: &str, any_scopes: &str, permissions: &str| Requirements {
            scopes: list(scopes),
            any_scopes: list(any_scopes),
            permissions: list(permissions),
            ..Requirements::default()
        };
        let of_role = Requirements { claims: vec![("role".to_owned(), json!("admin"))], ..Requirements::default() };
        let table = [
            (needed("", "", ""), json!({}), None, "nothing asked for"),
            (needed("a b", "", ""), json!({"scope": "b a"}), None, "each scope"),
            (needed("a b", "", ""), json!({"scp": ["a", "b"]}), None, "each in the other claim"),
            (needed("a b", "", ""), json!({"scope": "a", "scp": "b"}), None, "each in one of the two"),
            (needed("a b", "", ""), json!({"scope": "a"}), Some("no scope b"), "one of two scopes"),
            (needed("a", "", ""), json!({"permissions": ["a"]}), Some("no scope a"), "a permission is no scope"),
            (needed("", "a b", ""), json!({"scope": "b"}), None, "one of several"),
            (needed("", "a b", ""), json!({"scope": "c"}), Some("none of the scopes a b"), "none of several"),
            (
                needed("c", "a b", ""),
                json!({"scope": "c"}),
                Some("none of the scopes a b"),
                "only the one that is needed",
            ),
            (needed("", "", "p q"), json!({"permissions": ["q", "p"]}), None, "each permission"),
            (needed("", "", "p q"), json!({"permissions": ["p"]}), Some("no permission q"), "one of two permissions"),
            (needed("", "", "p"), json!({"permissions": "p"}), Some("no permission p"), "permissions are a list"),
            (needed("", "", "p"), json!({"scope": "p"}), Some("no permission p"), "a scope is no permission"),
            (of_role.clone(), json!({"role": "admin"}), None, "a claim with its value"),
            (of_role, json!({"role": "user"}), Some("the claim role has another value"), "a claim with another"),
        ];
        for (needed, claims, expected, message) in table {
            let Value::Object(claims) = claims else { panic!("{message}") };
            let missing = missing_access(&VerifiedClaims::assumed(claims), &needed);
            assert_eq!(missing.as_deref(), expected, "{message}");
        }
    }
}
