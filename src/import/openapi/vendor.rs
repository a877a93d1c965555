//! Extensions of vendors (`x-…`): which of them restrict access, and how many of each are ignored.

use std::collections::BTreeMap;

use crate::authoring::Json;

/// The operation of Amazon's API Gateway for every method that a path does not define.
pub const ANY_METHOD: &str = "x-amazon-apigateway-any-method";

/// Paths of Microsoft's generators that differ only in their query.
pub const MORE_PATHS: &str = "x-ms-paths";

/// Parts of the names of extensions that restrict access.
const GUARDS: [&str; 14] = [
    "acl",
    "api-key",
    "apikey",
    "auth",
    "iam",
    "ip-restriction",
    "jwt",
    "oidc",
    "permission",
    "policies",
    "policy",
    "role",
    "scope",
    "security",
];

/// Parts of the names of those that ask for an API key.
const OF_KEYS: [&str; 3] = ["api-key", "apikey", "key-auth"];

/// Their values that restrict nobody.
const NOBODY: [&str; 6] = ["", "none", "public", "anonymous", "open", "no"];

/// The extensions of a description, by name, as they are counted.
#[derive(Default)]
pub struct Extensions(BTreeMap<String, usize>);

impl Extensions {
    /// Counts the extensions of an object.
    pub fn count(&mut self, node: &Json) {
        let read = |name: &str| name.eq_ignore_ascii_case(ANY_METHOD) || name == MORE_PATHS;
        for (name, _) in node.members().iter().filter(|(name, _)| name.starts_with("x-") && !read(name)) {
            *self.0.entry(name.clone()).or_default() += 1;
        }
    }

    /// Lists them; `None` if there are none.
    pub fn note(&self) -> Option<String> {
        let counted: Vec<_> = self.0.iter().map(|(name, count)| format!("{name} ({count})")).collect();
        (!counted.is_empty()).then(|| format!("ignored extensions: {}", counted.join(", ")))
    }
}

/// Returns the extension that restricts access to an operation: its own, or else its path's, or else the description's.
pub fn guard(levels: [&Json; 3]) -> Option<&str> {
    guard_among(levels, is_guard)
}

/// Returns the one that an API key does not meet, because it does not ask for one.
pub fn guard_beside_keys(levels: [&Json; 3]) -> Option<&str> {
    guard_among(levels, |name| {
        is_guard(&OF_KEYS.iter().fold(name.to_ascii_lowercase(), |name, word| name.replace(word, "")))
    })
}

fn guard_among(levels: [&Json; 3], is_guard: impl Fn(&str) -> bool) -> Option<&str> {
    let mut settled: Vec<&str> = Vec::new();
    for (name, value) in levels.into_iter().flat_map(Json::members).filter(|(name, _)| is_guard(name)) {
        if settled.contains(&name.as_str()) {
            continue;
        }
        if !lets_everyone_in(value) {
            return Some(name);
        }
        settled.push(name);
    }
    None
}

fn is_guard(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("x-").map(|name| name.replace("authors", "").replace("author-", ""));
    name.is_some_and(|name| name != "author" && GUARDS.iter().any(|word| name.contains(word)))
}

fn lets_everyone_in(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(on) => !on,
        Json::Text(text) => NOBODY.contains(&text.trim().to_ascii_lowercase().as_str()),
        Json::Number(_) => false,
        Json::Array(items) => items.iter().all(lets_everyone_in),
        Json::Object(_) => value.get("type").is_some_and(lets_everyone_in),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_that_says_who_is_let_in_counts_unless_it_lets_everyone_in() {
        let table = [
            (r#"{"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}"#, true),
            (r#"{"x-amazon-apigateway-auth": {"type": "NONE"}}"#, false),
            (r#"{"x-amazon-apigateway-policy": {"Version": "2012-10-17"}}"#, true),
            (r#"{"x-kong-plugin-key-auth": {}}"#, true),
            (r#"{"x-auth-type": "Application User"}"#, true),
            (r#"{"x-auth-type": "None"}"#, false),
            (r#"{"x-required-role": "admin"}"#, true),
            (r#"{"x-permissions": []}"#, false),
            (r#"{"x-author": "somebody", "x-amazon-apigateway-integration": {"type": "http"}}"#, false),
        ];
        for (operation, expected) in table {
            let operation: Json = serde_json::from_str(operation).unwrap();
            assert_eq!(guard([&operation, &Json::Null, &Json::Null]).is_some(), expected, "{operation:?}");
        }
    }

    #[test]
    fn an_api_key_meets_only_what_asks_for_one() {
        let table = [
            ("x-amazon-apigateway-api-key-source", "HEADER", false),
            ("x-kong-plugin-key-auth", "on", false),
            ("x-ApiKey-required", "yes", false),
            ("x-amazon-apigateway-auth", "AWS_IAM", true),
            ("x-api-key-role", "admin", true),
            ("x-amazon-apigateway-auth", "NONE", false),
        ];
        for (name, value, expected) in table {
            let operation = Json::object([(name, value.into())]);
            assert_eq!(guard_beside_keys([&operation, &Json::Null, &Json::Null]).is_some(), expected, "{name}");
        }
    }

    #[test]
    fn the_inner_one_counts() {
        let of = |kind: &str| Json::object([("x-auth-type", kind.into())]);
        assert_eq!(guard([&of("None"), &Json::Null, &of("Any")]), None);
        assert_eq!(guard([&Json::Null, &of("None"), &of("Any")]), None);
        assert_eq!(guard([&Json::Null, &Json::Null, &of("Any")]), Some("x-auth-type"));
        assert_eq!(guard([&of("Any"), &Json::Null, &of("None")]), Some("x-auth-type"));
    }
}
