//! One check of a token: its subject, what it expected and found, and its outcome.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::token::TokenError;

/// What a check finds if nothing could be read.
pub const UNKNOWN: &str = "unknown";

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The token meets the rule.
    Pass,
    /// The token breaks the rule.
    Fail(TokenError),
    /// The rule could not be checked, for this reason.
    Skip(String),
}

/// A check with what it expected and found. Both texts may quote the token, unescaped.
pub struct Check {
    /// The member, claim or part that it checks, unescaped.
    pub name: Cow<'static, str>,
    /// Its outcome.
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
pub fn row(
    name: impl Into<Cow<'static, str>>,
    outcome: Outcome,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Check {
    Check { name: name.into(), outcome, expected: expected.into(), found: found.into() }
}

/// Returns a member as JSON; `absent` if there is none.
pub fn written(members: &Map<String, Value>, name: &str) -> String {
    members.get(name).map_or_else(|| "absent".to_owned(), Value::to_string)
}
