//! `bargate token`: why a token is believed or refused.
//!
//! The token goes nowhere: no call carries it, and no file is written. Only `--jwks URL` makes a call, for the key set alone.

mod advice;
mod checks;
mod key_checks;
mod key_set;
mod reading;
mod report;
mod rules;
mod signature;
mod time;

use std::path::PathBuf;
use std::process::ExitCode;

use bargate::algorithm::Algorithm;
use clap::{Subcommand, ValueEnum};

use crate::deployment::Sources;
use crate::page::{Page, print_json};
use crate::{FAILED, FOUND, Failure};
use checks::{Explanation, Verdict};
use reading::{Kind, read_token};
use report::Report;

/// Explains why a token is believed or refused.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Explain(Explain),
}

/// Shows a token's header, its claims, and every check that the gateway makes of it.
///
/// The token is sent nowhere. Values for $env and $secret come from the files that are named, or else from .dev.vars beside the
/// config, or else from .env there, as `wrangler dev` has it; what has no value is not checked.
///
/// Exits with 0 where it is accepted, 1 where it is refused, and 2 where that cannot be told, because
/// something could not be checked or read.
#[derive(clap::Args)]
struct Explain {
    /// The token, with or without "Bearer " before it; - reads standard input.
    ///
    /// An argument ends up in the shell's history and is seen by every user of the machine, so prefer -, as in
    /// `bargate token explain - < token.txt`.
    token: String,

    /// The config whose authorizer it is held against [default: gateway.config.json, where that is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Reads no config.
    #[arg(long, conflicts_with_all = ["config", "authorizer", "env_file", "wrangler"])]
    no_config: bool,

    /// The authorizer, where the config has several [default: the one whose issuer the token names, or else the first].
    #[arg(long, value_name = "NAME")]
    authorizer: Option<String>,

    #[command(flatten)]
    values: Sources,

    /// The issuer, over that of the config.
    #[arg(long)]
    issuer: Option<String>,

    /// The audience, over that of the config.
    #[arg(long)]
    audience: Option<String>,

    /// An algorithm that is allowed, over those of the config, again for more [default without a config: RS256].
    #[arg(long = "algorithm", value_name = "ALG", value_parser = algorithm)]
    algorithms: Vec<Algorithm>,

    /// The key set: a file, or an address to fetch it from (https, or http on this machine), which may be that of a discovery
    /// document that names it. Nothing is fetched without it, nor for a file.
    #[arg(long, value_name = "FILE|URL")]
    jwks: Option<String>,

    /// The time of the checks, in RFC 3339 or in seconds since 1970 [default: the time of this machine].
    #[arg(long, value_name = "TIME", value_parser = time::parse_time, allow_hyphen_values = true)]
    at: Option<i64>,

    /// How the answer is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let names = Algorithm::NAMES.map(|(name, _)| name).join(", ");
    Algorithm::parse(name).ok_or_else(|| format!("one of {names}"))
}

/// Runs the command.
///
/// # Errors
/// What keeps it from its work.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Command::Explain(arguments) = arguments.command;
    explain(&arguments)
}

fn explain(arguments: &Explain) -> Result<ExitCode, Failure> {
    let from_input = [
        arguments.token == "-",
        arguments.config.as_ref().is_some_and(|path| path.as_os_str() == "-"),
        arguments.jwks.as_deref() == Some("-"),
    ];
    if from_input.into_iter().filter(|from_input| *from_input).count() > 1 {
        return Err(Failure::new("standard input can be read once: give - once"));
    }
    let token = read_token(&arguments.token)?;
    let now = arguments.at.unwrap_or_else(time::current_time);
    let claims = bargate::token::Parts::split(&token).ok().and_then(|parts| parts.claims().ok());
    let issuer = claims.as_ref().and_then(|claims| claims.get("iss")?.as_str());
    let sources = rules::gather(arguments, issuer)?;
    let explanation = Explanation::of(&token, &sources.rules, now);
    let report = Report { kind: Kind::of(&token), explanation: &explanation, sources: &sources, now };
    match arguments.format {
        Format::Text => {
            let mut page = Page::default();
            page.rendered(&report.text());
            page.print();
        }
        Format::Json => print_json(&report.json()),
    }
    Ok(match explanation.verdict() {
        Verdict::Accepted => ExitCode::SUCCESS,
        Verdict::Refused(_) => ExitCode::from(FOUND),
        Verdict::Undecided => ExitCode::from(FAILED),
    })
}
