//! `bargate schema`: Prints the JSON Schema of gateway.config.json.

use std::process::ExitCode;

use crate::Failure;

/// Prints the JSON Schema of gateway.config.json.
#[derive(clap::Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// What keeps it from its work.
pub fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`schema` is not there"))
}
