//! `bargate diff`: Compares two configs and says what the change exposes.

use std::process::ExitCode;

use crate::Failure;

/// Compares two configs and says what the change exposes.
#[derive(clap::Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// What keeps it from its work.
pub fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`diff` is not there"))
}
