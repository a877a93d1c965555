//! `bargate import`: Makes a config from a description in another format.

use std::process::ExitCode;

use crate::Failure;

/// Makes a config from a description in another format.
#[derive(clap::Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// What keeps it from its work.
pub fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`import` is not there"))
}
