//! Why a command exits with another status than 0.

use std::process::ExitCode;

use crate::page::Page;

/// Why a command could not do its work; it exits with status 2.
#[derive(Debug)]
pub struct Failure(Vec<String>);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n  "))
    }
}

impl Failure {
    /// Returns a failure; `reason` says what could not be done.
    pub fn new(message: impl Into<String>) -> Self {
        Self(vec![message.into()])
    }

    /// Returns a failure for several reasons, each on its line.
    pub fn of(reasons: Vec<String>) -> Self {
        Self(reasons)
    }

    /// Prints it, and returns the exit status.
    pub fn report(self) -> ExitCode {
        let mut page = Page::default();
        for (index, reason) in self.0.into_iter().enumerate() {
            page.line(format!("{}{reason}", if index == 0 { "error: " } else { "  " }));
        }
        page.eprint();
        ExitCode::from(FAILED)
    }
}

/// Returns what is wrong with a file, without the system's number for it: people have the words, and systems differ.
pub fn words_of(error: &std::io::Error) -> String {
    let words = error.to_string();
    words.split_once(" (os error ").map_or(words.as_str(), |(words, _)| words).to_owned()
}

/// Exit status of a command that found what it looks for: errors, an exposure, a refused token.
pub const FOUND: u8 = 1;

/// Exit status of a command that could not do all its work.
pub const FAILED: u8 = 2;
