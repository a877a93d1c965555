//! `bargate token`: Explains why a token is believed or refused.

use std::process::ExitCode;

use crate::Failure;

/// Explains why a token is believed or refused.
#[derive(clap::Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// What keeps it from its work.
pub fn run(_: Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`token` is not there"))
}
