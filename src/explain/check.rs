//! One check of a token: what it is about, what it expected and found, and what became of it.

use serde_json::{Map, Value};

use crate::token::TokenError;

/// What is found where nothing could be read.
pub const UNKNOWN: &str = "unknown";

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The token keeps the rule.
    Pass,
    /// It breaks it.
    Fail(TokenError),
    /// It could not be checked, for this reason.
    Skip(String),
}

/// A check and what it expected and found. Both texts may hold what the token says, as it stands there.
pub struct Check {
    /// The member, claim or part that it is about.
    pub name: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// What would pass.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// Returns the outcome of a check that was not made.
pub fn skip(reason: &str) -> Outcome {
    Outcome::Skip(reason.to_owned())
}

/// Returns a check.
pub fn row(name: &'static str, outcome: Outcome, expected: impl Into<String>, found: impl Into<String>) -> Check {
    Check { name, outcome, expected: expected.into(), found: found.into() }
}

/// Returns a member as it stands there.
pub fn written(members: &Map<String, Value>, name: &str) -> String {
    members.get(name).map_or_else(|| "absent".to_owned(), Value::to_string)
}
