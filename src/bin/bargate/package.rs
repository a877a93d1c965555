//! The commands of the npm package's shell: they are JavaScript, and this program has only their words.

use std::ffi::OsString;

use crate::failure::Failure;

/// What is handed to such a command.
#[derive(clap::Args)]
pub struct Arguments {
    /// Its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<OsString>,
}

/// Returns why the command is not run.
pub fn elsewhere(name: &str) -> Failure {
    Failure::new(format!(
        "`bargate {name}` is a command of the npm package: run `npx bargate {name}` where that is installed"
    ))
}
