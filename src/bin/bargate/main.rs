//! The command line: checks, explains and compares gateway configs away from the Worker.
//!
//! Each command is a module with its arguments and what it does; what they have in common is in `config_file`.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::todo)
)]
#![forbid(unsafe_code)]

mod check;
mod config_file;
mod deployment;
mod diff;
mod import;
mod init;
mod ordered_json;
mod output;
mod provider;
mod routes;
mod schema;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
pub struct Failure(String);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failure {
    /// Gives the failure in words that name what could not be done.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Exit status of a command that found what it looks for: mistakes, exposure, a token that is refused.
pub const FOUND: u8 = 1;

/// Exit status of a command that could not do its work, or not all of it.
pub const FAILED: u8 = 2;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Routes(arguments) => routes::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Token(arguments) => token::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Import(arguments) => import::run(&arguments),
    };
    done.unwrap_or_else(|Failure(message)| {
        anstream::eprintln!("error: {message}");
        ExitCode::from(FAILED)
    })
}
