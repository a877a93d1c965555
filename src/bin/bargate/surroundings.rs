//! What the program asks its surroundings for, besides files and its standard streams: documents from addresses, checks of
//! signatures, and answers of the person at the terminal.
//!
//! On a machine, `machine` has them. As WebAssembly (WASI) the program has no means for them; `shell` asks the shell that runs it.

#[cfg(not(target_os = "wasi"))]
mod machine;
#[cfg(target_os = "wasi")]
mod shell;

use crate::failure::Failure;

#[cfg(not(target_os = "wasi"))]
pub use machine::{ask, check_signature, choose, fetch, path_of, prepare};
#[cfg(target_os = "wasi")]
pub use shell::{ask, check_signature, choose, fetch, path_of, prepare};

/// How long an address may take to answer, in seconds.
const FETCH_MAX_SECS: u64 = 10;

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
const HOW_TO_CHOOSE: &str = "↑↓ to move, letters to search, enter to take it, esc to leave";

/// The failure of a command whose question was left.
fn unanswered() -> Failure {
    Failure::new("a question was not answered; nothing is written")
}
