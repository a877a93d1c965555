//! `bargate check`: every mistake in a config, with its place.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::config_file::TextFile;
use crate::{FOUND, Failure};

/// Checks a config and names every mistake with its place.
#[derive(clap::Args)]
pub struct Arguments {
    /// The config; - reads standard input.
    #[arg(default_value = "gateway.config.json")]
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let file = TextFile::read(&arguments.file)?;
    let mistakes = bargate::config::check(&file.text);
    for mistake in &mistakes {
        anstream::eprintln!("{}:{mistake}", file.name);
    }
    Ok(if mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}
