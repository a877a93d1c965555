//! The values of claims: found by name or path, and compared with what a config requires.

use serde_json::{Map, Value};

use crate::json::FLOAT_EXACT_MAX;
use crate::split::split_last;

/// Returns a claim by its whole name, or else by a path whose dots lead into objects; names may contain dots.
///
/// If several names fit at a place, only the longest is tried, even if it leads nowhere. So nothing that a token has
/// beside it changes the result.
pub fn value_at<'v>(object: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut name = path;
    loop {
        if let Some(value) = object.get(name) {
            return match path.get(name.len() + 1..) {
                None => Some(value),
                Some(rest) => value_at(value.as_object()?, rest),
            };
        }
        name = split_last(name, b'.')?.0;
    }
}

/// Returns the first of the required claims that is missing or has another value.
pub fn unmet_claim<'r>(claims: &Map<String, Value>, required: &'r [(String, Value)]) -> Option<&'r str> {
    let unmet =
        |(path, expected): &&(String, Value)| !value_at(claims, path).is_some_and(|value| meets(value, expected));
    required.iter().find(unmet).map(|(path, _)| path.as_str())
}

/// Checks whether a claim contains something: as a word of a string, or as an item of an array.
pub fn lists(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text.split(' ').any(|word| word == name),
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(name)),
        _ => false,
    }
}

/// Checks whether a claim is the expected value, or contains it; of several expected values, one is enough.
pub fn meets(value: &Value, expected: &Value) -> bool {
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
