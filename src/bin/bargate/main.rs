//! The command line: checks, explains and compares gateway configs away from the Worker.
//!
//! Each command is a module with its arguments and what it does; what they have in common is in `config_file`, `output` and
//! `page`.

// `clippy.toml` names every way past `page`.
#![deny(clippy::disallowed_macros, clippy::disallowed_methods)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::todo)
)]
#![forbid(unsafe_code)]

mod check;
mod config_file;
mod deployment;
mod diff;
mod env_files;
mod import;
mod init;
mod ordered_json;
mod output;
mod page;
mod provider;
mod routes;
mod schema;
mod token;

use std::process::ExitCode;

use bargate::review;
use clap::{Parser, Subcommand};
use page::Page;

/// Bargate, an auth-aware API gateway for Cloudflare Workers.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Routes(routes::Arguments),
    Diff(diff::Arguments),
    Schema(schema::Arguments),
    Token(token::Arguments),
    Init(init::Arguments),
    Import(import::Arguments),
}

/// Why a command could not do its work; it exits with status 2.
#[derive(Debug)]
pub struct Failure(Vec<String>);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n  "))
    }
}

impl Failure {
    /// Gives the failure in words that name what could not be done.
    pub fn new(message: impl Into<String>) -> Self {
        Self(vec![message.into()])
    }

    /// Gives a failure for several reasons, each of a line.
    pub fn of(reasons: Vec<String>) -> Self {
        Self(reasons)
    }

    fn report(self) -> ExitCode {
        let mut page = Page::default();
        for (index, reason) in self.0.into_iter().enumerate() {
            page.line(format!("{}{reason}", if index == 0 { "error: " } else { "  " }));
        }
        page.eprint();
        ExitCode::from(FAILED)
    }
}

/// Exit status of a command that found what it looks for: mistakes, exposure, a token that is refused.
pub const FOUND: u8 = 1;

/// Exit status of a command that could not do its work, or not all of it.
pub const FAILED: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return report_arguments(&error),
    };
    let done = match arguments.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Routes(arguments) => routes::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Token(arguments) => token::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Import(arguments) => import::run(&arguments),
    };
    done.unwrap_or_else(Failure::report)
}

/// Prints help, or what is wrong about the arguments: a name of a file may be among them, and must not act here either.
fn report_arguments(error: &clap::Error) -> ExitCode {
    let strange = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let strange: Vec<_> = strange.filter(|argument| review::printable(argument) != *argument).collect();
    if error.use_stderr() && !strange.is_empty() {
        return Failure::new(format!("an argument is wrong, and it may be this one: {}", strange.join(" "))).report();
    }
    error.exit()
}
