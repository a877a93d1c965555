//! `bargate init`: Writes a config to start from.

use std::process::ExitCode;

use crate::Failure;

/// Writes a config to start from.
#[derive(clap::Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// What keeps it from its work.
pub fn run(_: Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`init` is not there"))
}
