//! `bargate diff`: what a change of a config adds, removes and exposes.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use bargate::review::{Change, OutlinedRoute, changed_sections, compare};
use serde_json::json;

use crate::config_file::TextFile;
use crate::routes::{Format, Routes, asked, to_json};
use crate::{FOUND, Failure};

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
const EXPOSED: Style = AnsiColor::Red.on_default().bold();

/// Compares two configs: routes that are added, removed or changed, and what of this lets more requests in.
#[derive(clap::Args)]
pub struct Arguments {
    /// The config before; - reads standard input.
    old: PathBuf,
    /// The config afterwards.
    #[arg(default_value = "gateway.config.json")]
    new: PathBuf,
    /// Exits with 1 where a path loses authentication or a scope, or a public path appears, and with 2 where that cannot be
    /// told, because a config has mistakes.
    #[arg(long)]
    fail_on_exposure: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, or whose config is no JSON; with `--fail-on-exposure` also a config with mistakes.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if [&arguments.old, &arguments.new].into_iter().all(|path| path.as_os_str() == "-") {
        return Err(Failure::new("standard input can be read once: give - once"));
    }
    let (old, new) = (TextFile::read(&arguments.old)?, TextFile::read(&arguments.new)?);
    let (before, after) = (Routes::read(&old)?, Routes::read(&new)?);
    let changes = compare(&before.outline, &after.outline);
    let sections = changed_sections(&old.text, &new.text);
    let exposed = changes.iter().any(|change| !change.exposures.is_empty());
    match arguments.format {
        Format::Text => anstream::print!("{}", text(&changes, &sections)),
        Format::Json => {
            let changes: Vec<_> = changes.iter().map(change_to_json).collect();
            let document = json!({ "exposes": exposed, "changes": changes, "changed_sections": sections });
            anstream::println!("{document:#}");
        }
    }
    match arguments.fail_on_exposure {
        true if exposed => Ok(ExitCode::from(FOUND)),
        true if !(before.valid && after.valid) => {
            Err(Failure::new("a config has mistakes, so that nothing is exposed cannot be told"))
        }
        true | false => Ok(ExitCode::SUCCESS),
    }
}

fn change_to_json(change: &Change) -> serde_json::Value {
    json!({
        "route": change.route,
        "before": change.before.as_ref().map(to_json),
        "after": change.after.as_ref().map(to_json),
        "changed_keys": change.keys,
        "exposures": change.exposures.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn text(changes: &[Change], sections: &[String]) -> String {
    if changes.is_empty() && sections.is_empty() {
        return "no difference\n".to_owned();
    }
    let mut text = String::new();
    for change in changes {
        let (sign, style) = match (&change.before, &change.after) {
            (None, _) => ('+', ADDED),
            (_, None) => ('-', REMOVED),
            (Some(_), Some(_)) => ('~', CHANGED),
        };
        let _ = writeln!(text, "{style}{sign} {}{style:#}{}", change.route, detail(change));
        if !change.keys.is_empty() {
            let _ = writeln!(text, "    changed: {}", change.keys.join(", "));
        }
        for exposure in &change.exposures {
            let _ = writeln!(text, "    {EXPOSED}exposes:{EXPOSED:#} {exposure}");
        }
    }
    if !sections.is_empty() {
        let _ = writeln!(text, "{CHANGED}~{CHANGED:#} also changed: {}", sections.join(", "));
    }
    let exposures = changes.iter().filter(|change| !change.exposures.is_empty()).count();
    if exposures > 0 {
        let noun = if exposures == 1 { "change exposes" } else { "changes expose" };
        let _ = writeln!(text, "{exposures} {noun} more than before");
    }
    text
}

fn detail(change: &Change) -> String {
    let shown = |route: &OutlinedRoute| {
        let rules = if route.rules.is_empty() { String::new() } else { format!("  {}", route.rules.join(" ")) };
        format!("[{}]  {} {}{rules}", asked(route.requirement.as_ref()), route.integration, route.target)
            .trim_end()
            .to_owned()
    };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if shown(before) == shown(after) => format!("  {}", shown(after)),
        (Some(before), Some(after)) => format!("\n    before: {}\n    after:  {}", shown(before), shown(after)),
        (Some(route), None) | (None, Some(route)) => format!("  {}", shown(route)),
        (None, None) => String::new(),
    }
}
