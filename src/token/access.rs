//! Whether the claims of a verified token are enough for a path.

use serde_json::Value;

use super::claims::VerifiedClaims;
use crate::config::Requirements;
use crate::json::FLOAT_EXACT_MAX;

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
    let unmet =
        needed.claims.iter().find(|(path, expected)| !claims.get(path).is_some_and(|value| meets(value, expected)));
    unmet.map(|(path, _)| format!("the claim {path} has another value"))
}

/// Checks whether a claim contains something: as a word of a string, or as an item of an array.
fn lists(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text.split(' ').any(|word| word == name),
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(name)),
        _ => false,
    }
}

/// Checks whether a claim is the expected value, or contains it; of several expected values, one is enough.
fn meets(value: &Value, expected: &Value) -> bool {
    if let Value::Array(alternatives) = expected {
        return alternatives.iter().any(|expected| meets(value, expected));
    }
    match value {
        Value::Array(items) => items.iter().any(|item| is_same(item, expected)),
        value => is_same(value, expected),
    }
}

/// Checks whether two values are equal; in JSON 1 and 1.0 are (RFC 8259 section 6), as long as a float can represent them.
fn is_same(value: &Value, expected: &Value) -> bool {
    let exact = value.as_f64().filter(|number| number.abs() <= FLOAT_EXACT_MAX);
    value == expected || exact.is_some() && exact == expected.as_f64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_meets_its_value_alone() {
        let table = [
            (json!("org_1"), json!("org_1"), true, "the value itself"),
            (json!("org_10"), json!("org_1"), false, "one that begins with it"),
            (json!(["org_2", "org_1"]), json!("org_1"), true, "an array that contains it"),
            (json!("org_1 org_2"), json!("org_1"), false, "a text that contains it"),
            (json!("b"), json!(["a", "b"]), true, "one of several"),
            (json!(["c", "b"]), json!(["a", "b"]), true, "an array with one of several"),
            (json!("c"), json!(["a", "b"]), false, "none of several"),
            (json!("c"), json!([]), false, "none of none"),
            (json!(true), json!(true), true, "true"),
            (json!("true"), json!(true), false, "a text that reads like true"),
            (json!(1), json!(1), true, "a number"),
            (json!(1.0), json!(1), true, "a number, written in another way"),
            (json!([2, 1]), json!(1.0), true, "the other way round, in an array"),
            (json!(1.5), json!(1), false, "another number"),
            (json!("1"), json!(1.0), false, "a text that reads like a number"),
            (json!(true), json!(1.5), false, "no number"),
            (
                json!(9_007_199_254_740_993_u64),
                json!(9_007_199_254_740_992_u64),
                false,
                "numbers that no float tells apart",
            ),
            (json!(null), json!(1), false, "null"),
        ];
        for (value, expected, met, message) in table {
            assert_eq!(meets(&value, &expected), met, "{message}");
        }
        assert!(lists(&json!("a b"), "b") && lists(&json!(["a", "b"]), "b"), "both forms of a list");
        assert!(!lists(&json!("ab"), "b") && !lists(&json!(["a b"]), "b"), "a word, whole");
    }
}
