//! The command line: checks, explains and compares gateway configs away from the Worker.
//!
//! Each command is a module with its arguments and what it does; what they have in common is in `config_file`, `output`, `page`
//! and `surroundings`.

// `clippy.toml` names every way past `page`.
#![deny(clippy::disallowed_macros, clippy::disallowed_methods)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::todo)
)]
#![forbid(unsafe_code)]

mod check;
mod config_file;
mod diff;
mod failure;
mod import;
mod init;
mod key;
mod moment;
mod output;
mod package;
mod page;
mod request;
mod routes;
mod schema;
mod sources;
mod surroundings;
mod token;

use std::process::ExitCode;

use bargate::printable::printable;
use clap::{Parser, Subcommand};
use failure::Failure;

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
    Request(request::Arguments),
    Init(init::Arguments),
    Key(key::Arguments),
    Import(import::Arguments),
    /// Checks the config and its deployment before wrangler bundles the Worker (npm package).
    Build(package::Arguments),
    /// Runs the gateway on this machine with a local provider and a sample API (npm package).
    Dev(package::Arguments),
    /// Draws the routes of a config, or a change of them, as SVG or Mermaid (npm package).
    Map(package::Arguments),
    /// Opens the page that shows what a config does (npm package).
    Studio(package::Arguments),
    /// Shows the log of a deployed gateway, a line a request, with counts of each minute (npm package).
    Tail(package::Arguments),
}

fn main() -> ExitCode {
    surroundings::prepare();
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
        Command::Request(arguments) => request::run(&arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Key(arguments) => key::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Build(_) => Err(package::elsewhere("build")),
        Command::Dev(_) => Err(package::elsewhere("dev")),
        Command::Map(_) => Err(package::elsewhere("map")),
        Command::Studio(_) => Err(package::elsewhere("studio")),
        Command::Tail(_) => Err(package::elsewhere("tail")),
    };
    done.unwrap_or_else(Failure::report)
}

/// Prints help, or what is wrong about the arguments; a file name among them must not control the terminal either.
fn report_arguments(error: &clap::Error) -> ExitCode {
    let strange = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let strange: Vec<_> = strange.filter(|argument| printable(argument) != *argument).collect();
    if error.use_stderr() && !strange.is_empty() {
        return Failure::new(format!("an argument is wrong, perhaps this one: {}", strange.join(" "))).report();
    }
    error.exit()
}
