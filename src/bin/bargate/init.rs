//! `bargate init`: writes a config to start from, and prints the variables that it needs and the next steps.
//!
//! The config has a reference for each value that differs between deployments; the answers go to the lines for `.dev.vars` and
//! `wrangler.toml`. The library checks each answer, since it knows what a config may say. For programs that write the files themselves,
//! such as `create-bargate`, all of it is one document.

mod answers;
mod asked;
mod document;
mod next_steps;
mod questions;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::output::{Existing, Output};
use crate::page::{Format, print_json};
use answers::{Answers, Given};
use bargate::authoring::{Mode, StartingPoint};
use clap::builder::PossibleValuesParser;
use questions::{Examples, Nobody, Questions, Terminal};

/// Writes a config to start from, and prints the next steps.
#[derive(clap::Args)]
pub struct Arguments {
    /// The tenant: Auth0's domain, such as tenant.eu.auth0.com, or at another provider the issuer's URL.
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// The identifier of your API at the provider: the audience of its access tokens.
    #[arg(long, value_name = "IDENTIFIER")]
    audience: Option<String>,
    /// The address of your API.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Who holds the tokens of a login, if there is a config for each.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// A config for MCP servers, whose clients log in at the provider by themselves; for auth0, cognito and entra-id the gateway registers them.
    #[arg(long, conflicts_with = "mode")]
    mcp: bool,
    /// Where people log in, or whose tokens are accepted; oidc is any OpenID Connect provider. [default: auth0, or with --mcp oidc]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(StartingPoint::providers()))]
    provider: Option<String>,
    /// The port on which the gateway listens in local runs. [default: 8787]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// The output file; - prints the config.
    #[arg(short, long, value_name = "FILE", default_value = "gateway.config.json")]
    output: PathBuf,
    /// Overwrites an existing output file.
    #[arg(long)]
    force: bool,
    /// Writes the lines for local runs to .dev.vars, or to FILE, which must not exist.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = ".dev.vars")]
    dev_vars: Option<PathBuf>,
    /// Asks nothing: takes an example for each value that no flag gives, and mode session if there is one.
    #[arg(short, long)]
    yes: bool,
    /// How to give the result: as files and the next steps, or as one JSON document, with no file written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// A file that exists or cannot be written, a wrong answer, or a missing one if there is no terminal to ask at.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let output = match arguments.format {
        Format::Text => Some(Output::new(&arguments.output, Existing::by_force(arguments.force))?),
        Format::Json => None,
    };
    let dev_vars = arguments.dev_vars.map(|path| Output::new(&path, Existing::Kept)).transpose()?;
    #[expect(clippy::disallowed_methods)]
    let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    // A program that takes the document makes a project, which runs without any answer.
    let mut terminal = Terminal { takes_examples: arguments.format == Format::Json };
    let questions: &mut dyn Questions = if somebody { &mut terminal } else { &mut Nobody };
    let given = Given {
        provider: arguments.provider,
        mcp: arguments.mcp,
        tenant: arguments.tenant,
        audience: arguments.audience,
        upstream: arguments.upstream,
        mode: arguments.mode,
        port: arguments.port,
    };
    let questions = if arguments.yes { &mut Examples } else { questions };
    let answers = Answers::complete(given, questions)?;
    let Some(output) = output else {
        print_json(&document::document(&answers));
        return Ok(ExitCode::SUCCESS);
    };

    output.write(&answers.point.file_text())?;
    if let Some(dev_vars) = &dev_vars {
        dev_vars.write(&next_steps::dev_vars(&answers))?;
    }
    next_steps::page(&answers, &output, dev_vars.as_ref()).eprint();
    Ok(ExitCode::SUCCESS)
}
