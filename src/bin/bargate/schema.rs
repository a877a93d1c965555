//! `bargate schema`: the JSON Schema of a config, and its reference page.

use std::path::PathBuf;
use std::process::ExitCode;

use bargate::config::schema::{reference_markdown, schema_text};
use bargate::review::WARNINGS;

use crate::Failure;

/// Prints the JSON Schema of gateway.config.json.
#[derive(clap::Args)]
pub struct Arguments {
    /// Prints the reference page of all keys, in Markdown, instead.
    #[arg(long)]
    reference: bool,

    /// Writes to a file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let text = if arguments.reference { reference_markdown(&WARNINGS) } else { schema_text(&WARNINGS) };
    match &arguments.output {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::new(format!("{}: cannot be written: {error}", path.display())))?,
        None => anstream::print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}
