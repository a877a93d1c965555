//! `bargate schema`: the JSON Schema of a config, and its reference page.

use std::path::PathBuf;
use std::process::ExitCode;

use bargate::config::schema::{reference_markdown, schema_text};

use crate::failure::Failure;
use crate::output::{Existing, Output};

/// Prints the JSON Schema of gateway.config.json.
#[derive(clap::Args)]
pub struct Arguments {
    /// Prints the reference page of all keys instead, in Markdown.
    #[arg(long)]
    reference: bool,

    /// The output file, which is replaced if it exists; - prints to standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let text = if arguments.reference { reference_markdown() } else { schema_text() };
    Output::new(&arguments.output, Existing::Overwritten)?.write(&text)?;
    Ok(ExitCode::SUCCESS)
}
