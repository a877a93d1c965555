//! `bargate routes`: Shows the routes in the order of their precedence.

use std::process::ExitCode;

use crate::Failure;

/// Shows the routes in the order of their precedence.
#[derive(clap::Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// What keeps it from its work.
pub fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`routes` is not there"))
}
