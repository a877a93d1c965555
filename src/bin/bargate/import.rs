//! `bargate import`: a config to review, made from a description in another format.
//!
//! What cannot be taken over is told with its place. The config that is written is never more open than the description.

use std::path::PathBuf;
use std::process::ExitCode;

use bargate::authoring::Provider;
use bargate::import::{Imported, Wishes, import_openapi};

use crate::config_file::read_text;
use crate::failure::{FOUND, Failure};
use crate::output::{Existing, Output};
use crate::page::say;

/// Makes a config to review from a description in another format.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    format: Format,
}

#[derive(clap::Subcommand)]
enum Format {
    Openapi(OpenapiArguments),
}

/// Makes a config from the paths, methods, security requirements and servers of an OpenAPI 3.0 or 3.1 description.
#[derive(clap::Args)]
struct OpenapiArguments {
    /// The description, JSON or YAML; - reads standard input.
    file: PathBuf,
    /// The upstream of every path, instead of the description's servers.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The provider of the tokens, if the description does not name it.
    #[arg(long, value_enum)]
    authorizer: Option<Provider>,
    /// The tenant of all tokens, instead of the description's: Auth0's domain, or the issuer's URL.
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// The output file; - prints the config.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Overwrites an existing output file.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, is neither JSON nor YAML, exists already or cannot be written, or a wrong flag.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Format::Openapi(arguments) = &arguments.format;
    let output = Output::new(&arguments.output, Existing::by_force(arguments.force))?;
    let wishes = Wishes::new(arguments.server.as_deref(), arguments.authorizer, arguments.tenant.as_deref());
    let wishes = wishes.map_err(Failure::of)?;
    let file = read_text(&arguments.file)?;
    let imported = import_openapi(&file.text, &wishes, &file.name);
    match imported.map_err(|reason| Failure::new(format!("{}: {reason}", file.name)))? {
        Imported::Config { config, notes, summary } => {
            output.write(&config)?;
            for note in &notes {
                say(format!("{}: {note}", file.name));
            }
            say(format!("{}: {summary}", file.name));
            Ok(ExitCode::SUCCESS)
        }
        Imported::Nothing { reasons } => {
            for reason in &reasons {
                say(format!("{}: {reason}", file.name));
            }
            say(format!("{}: no config is made", file.name));
            Ok(ExitCode::from(FOUND))
        }
    }
}
