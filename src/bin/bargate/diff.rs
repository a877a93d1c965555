//! `bargate diff`: what a change of a config adds, removes and exposes.

use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use bargate::review::{Change, Comparison, Exposure, OutlinedRoute, compare};
use serde_json::json;

use crate::config_file::read_text;
use crate::failure::{FOUND, Failure};
use crate::page::{Format, Page, plain, print_json, styled};
use crate::routes::{Routes, asked, to_json};

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
const EXPOSED: Style = AnsiColor::Red.on_default().bold();

/// Compares two configs: shows which routes are added, removed or changed, and which changes let more requests in.
#[derive(clap::Args)]
pub struct Arguments {
    /// The old config; - reads standard input.
    old: PathBuf,
    /// The new config.
    #[arg(default_value = "gateway.config.json")]
    new: PathBuf,
    /// Exits with 1 if a change lets more requests in, or sends tokens or people elsewhere. Exits with 2 if a config has errors,
    /// because an exposure cannot be ruled out.
    #[arg(long)]
    fail_on_exposure: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, or whose config is not JSON; with `--fail-on-exposure` also a config with errors.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if [&arguments.old, &arguments.new].into_iter().all(|path| path.as_os_str() == "-") {
        return Err(Failure::new("standard input can be read only once: give one -"));
    }
    let (old, new) = (read_text(&arguments.old)?, read_text(&arguments.new)?);
    let (before, after) = (Routes::read(&old)?, Routes::read(&new)?);
    let comparison = compare(&old.text, &new.text);
    let exposed = comparison.exposes();
    match arguments.format {
        Format::Text => page_of(&comparison).print(),
        Format::Json => {
            let changes: Vec<_> =
                comparison.changes.iter().map(|change| change_to_json(change, &before, &after)).collect();
            let document = json!({
                "exposes": exposed,
                "changes": changes,
                "changed_sections": comparison.sections,
                "section_exposures": comparison.exposures.iter().map(ToString::to_string).collect::<Vec<_>>(),
            });
            print_json(&document);
        }
    }
    match arguments.fail_on_exposure {
        true if exposed => Ok(ExitCode::from(FOUND)),
        true if !(before.valid && after.valid) => {
            Err(Failure::new("a config has errors, so an exposure cannot be ruled out"))
        }
        true | false => Ok(ExitCode::SUCCESS),
    }
}

fn change_to_json(change: &Change, before: &Routes<'_>, after: &Routes<'_>) -> serde_json::Value {
    json!({
        "route": change.route,
        "before": change.before.as_ref().map(|route| to_json(route, &before.lines)),
        "after": change.after.as_ref().map(|route| to_json(route, &after.lines)),
        "changed_keys": change.keys,
        "exposures": change.exposures.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn page_of(comparison: &Comparison) -> Page {
    let Comparison { changes, sections, exposures } = comparison;
    let mut page = Page::default();
    if changes.is_empty() && sections.is_empty() && exposures.is_empty() {
        page.line("no difference");
        return page;
    }
    for change in changes {
        let (sign, style) = match (&change.before, &change.after) {
            (None, _) => ('+', ADDED),
            (_, None) => ('-', REMOVED),
            (Some(_), Some(_)) => ('~', CHANGED),
        };
        let head = styled(style, format!("{sign} {}", change.route));
        match (&change.before, &change.after) {
            (Some(before), Some(after)) if detail(before) != detail(after) => {
                page.parts([head]);
                page.line(format!("    before: {}", detail(before)));
                page.line(format!("    after:  {}", detail(after)));
            }
            (Some(route), _) | (None, Some(route)) => page.parts([head, plain(format!("  {}", detail(route)))]),
            (None, None) => page.parts([head]),
        }
        if !change.keys.is_empty() {
            page.line(format!("    changed: {}", change.keys.join(", ")));
        }
        add_exposures(&mut page, &change.exposures);
    }
    if !sections.is_empty() {
        page.parts([styled(CHANGED, "~"), plain(format!(" also changed: {}", sections.join(", ")))]);
    }
    add_exposures(&mut page, exposures);
    let count = changes.iter().filter(|change| !change.exposures.is_empty()).count() + exposures.len();
    if count > 0 {
        let noun = if count == 1 { "change exposes" } else { "changes expose" };
        page.line(format!("{count} {noun} more than before"));
    }
    page
}

fn add_exposures(page: &mut Page, exposures: &[Exposure]) {
    for exposure in exposures {
        page.parts([plain("    "), styled(EXPOSED, "exposes:"), plain(format!(" {exposure}"))]);
    }
}

fn detail(route: &OutlinedRoute) -> String {
    let rules = if route.rules.is_empty() { String::new() } else { format!("  {}", route.rules.join(" ")) };
    let text = format!("[{}]  {} {}{rules}", asked(route.requirement.as_ref()), route.integration, route.target);
    text.trim_end().to_owned()
}
