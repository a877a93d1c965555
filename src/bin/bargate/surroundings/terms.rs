//! What is asked, and what is answered, whoever answers.

use crate::failure::Failure;

/// How long an address may take to answer, in seconds.
pub const FETCH_MAX_SECS: u64 = 10;

/// What an address answered.
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The body; `None` if it is larger than was asked for.
    pub body: Option<String>,
}

/// A question that a text answers.
pub struct Question<'q> {
    /// The question itself.
    pub text: &'q str,
    /// An answer of the right form, which is shown and not taken.
    pub example: Option<&'q str>,
    /// What an empty answer means.
    pub default: Option<&'q str>,
    /// What helps to answer it.
    pub help: Option<&'q str>,
}

/// What a choice says of how to choose.
pub const HOW_TO_CHOOSE: &str = "↑↓ to move, letters to search, enter to take it, esc to leave";

/// The failure of a command whose question was left.
pub fn unanswered() -> Failure {
    Failure::new("a question was not answered; nothing is written")
}
