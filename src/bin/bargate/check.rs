//! `bargate check`: reports every error and warning of a config, with its place.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bargate::config::{Diagnostic, Severity};
use bargate::deployment::Deployment;
use bargate::printable::printable_json;
use bargate::review::{ReviewedFile, github, is_valid, json, prepare, refresh_token_policies, review_with, text};
use bargate::text_file::TextFile;
use serde_json::Value;

use crate::config_file::{STDIN_NAME, read_text};
use crate::failure::{FOUND, Failure};
use crate::output::{Existing, Output};
use crate::page::Page;
use crate::sources::Sources;
use crate::surroundings;

/// Checks a config and reports every error and warning with its place.
///
/// With --values or --wrangler, also reports what the config needs and these files do not declare, and what they declare and
/// nothing uses. Without them, reports which variables and secrets have no value in such files beside the config.
///
/// If sessions get tokens for several audiences of Auth0, prints the policies that the client needs there.
///
/// Exits with 0 if there are no errors (warnings do not count), with 1 if there are, and with 2 if a file cannot be read.
#[derive(clap::Args)]
pub struct Arguments {
    /// The config; - reads standard input.
    #[arg(default_value = "gateway.config.json")]
    file: PathBuf,
    /// How to print: for people, as JSON, or as annotations of GitHub Actions.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exits with 1 for warnings too.
    #[arg(long)]
    deny_warnings: bool,
    /// Writes the config to this file as the build gives it to the gateway, without a text if no other form of it starts faster. A file
    /// that ends in .mjs becomes a module with both, as `gateway` of the library takes them.
    #[arg(long, hide = true, value_name = "FILE")]
    prepare: Option<PathBuf>,
    #[command(flatten)]
    sources: Sources,
}

/// How diagnostics are printed.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Github,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let file = read_text(&arguments.file)?;
    let path = surroundings::path_of(&arguments.file);
    let folder = path.parent().unwrap_or(Path::new(""));
    let deployments = arguments.sources.read_each(folder)?;
    let mut reviews = deployments.iter().map(|deployment| reviewed(&file, deployment));
    let mut reviewed = reviews.next().unwrap_or_default();
    for other in reviews {
        keep_common(&mut reviewed, &other);
    }
    if arguments.sources.is_empty() && file.name != STDIN_NAME {
        // A file that was found and not named is ignored if it cannot be read.
        let beside = Sources::beside(folder).read(folder).map(|beside| beside.without_value(&file));
        if let Some((_, diagnostics)) = reviewed.first_mut() {
            diagnostics.extend(beside.unwrap_or_default());
            diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
        }
    }
    let files: Vec<_> = reviewed
        .iter()
        .map(|(file, diagnostics)| ReviewedFile { name: &file.name, text: &file.text, diagnostics })
        .collect();
    let mut page = Page::default();
    match arguments.format {
        Format::Json => page.rendered(&json(&files)),
        Format::Github => page.rendered(&github(&files)),
        Format::Text => {
            for file in &files {
                page.rendered(&text(file, true));
            }
        }
    }
    let all = || files.iter().flat_map(|file| file.diagnostics);
    let count = |severity| all().filter(|diagnostic| diagnostic.code.severity() == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if errors + warnings > 0 && matches!(arguments.format, Format::Text) {
        let names = files.iter().filter(|file| !file.diagnostics.is_empty()).map(|file| file.name);
        page.line(format!("{}: {}", names.collect::<Vec<_>>().join(", "), summary(errors, warnings)));
    }
    let policies =
        refresh_token_policies(&file.text).filter(|_| errors == 0 && matches!(arguments.format, Format::Text));
    if let Some(policies) = policies {
        page.line("note: Auth0 gives tokens for these audiences only by policies of the client. A PATCH of it sets them, with the");
        page.line("permissions that each scope lists; docs/auth0.md has the rest:");
        page.rendered(&printable_json(&policies));
    }
    match arguments.format {
        Format::Json | Format::Github => page.print(),
        Format::Text => page.eprint(),
    }
    let refused = files.iter().any(|file| !is_valid(file.diagnostics)) || (arguments.deny_warnings && warnings > 0);
    if let Some(output) = arguments.prepare.as_ref().filter(|_| !refused) {
        let prepared = prepare(&file.text).unwrap_or_default();
        let is_module = output.extension().is_some_and(|extension| extension == "mjs");
        let text = if is_module { module(&file.text, &prepared) } else { prepared };
        Output::new(output, Existing::Overwritten)?.write(&text)?;
    }
    Ok(if refused { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Writes the module from which a Worker takes a config in both forms, so that they cannot be of different configs.
fn module(config: &str, prepared: &str) -> String {
    let (config, prepared) = (Value::from(config), Value::from(prepared));
    format!("export const config = () => {config};\nexport const prepared = {prepared};\n")
}

/// Files of a deployment, each with its diagnostics, the config first.
type Reviewed<'f> = Vec<(&'f TextFile, Vec<Diagnostic>)>;

fn reviewed<'f>(file: &'f TextFile, deployment: &'f Deployment) -> Reviewed<'f> {
    let mut diagnostics = review_with(&file.text, deployment);
    let others = deployment.review(file, &mut diagnostics, &Path::is_file);
    std::iter::once((file, diagnostics)).chain(others).collect()
}

/// Removes the diagnostics that another review does not have.
fn keep_common(reviewed: &mut Reviewed<'_>, other: &Reviewed<'_>) {
    for (file, diagnostics) in reviewed {
        let same_file = other.iter().filter(|(other, _)| other.name == file.name);
        let also: Vec<_> = same_file.flat_map(|(_, diagnostics)| diagnostics).collect();
        diagnostics.retain(|one| {
            also.iter().any(|other| (other.code, other.offset, &other.path) == (one.code, one.offset, &one.path))
        });
    }
}

fn summary(errors: usize, warnings: usize) -> String {
    let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match (errors, warnings) {
        (_, 0) => counted(errors, "error"),
        (0, _) => counted(warnings, "warning"),
        (_, _) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}
