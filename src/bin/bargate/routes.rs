//! `bargate routes`: the routes in the order of their precedence, and which of them takes a request.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bargate::config::LineIndex;
use bargate::printable::printable;
use bargate::review::{Outcome, Outline, OutlinedRoute, Requirement, Taken, explain_match, is_valid, review};
use bargate::text_file::TextFile;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use crate::config_file::read_text;
use crate::failure::{FOUND, Failure};
use crate::page::{Format, Page, print_json, say};

/// Shows the routes in order of precedence: the first one that matches a request takes it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The config; - reads standard input.
    #[arg(default_value = "gateway.config.json")]
    file: PathBuf,
    /// Says which route takes this request and why the others do not, as in --match "GET /a/b?x=1".
    #[arg(long = "match", value_name = "REQUEST")]
    request: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs the command; with `--match` it exits with 1 if no route takes the request.
///
/// # Errors
/// A file that cannot be read, or whose config is not JSON.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let file = read_text(&arguments.file)?;
    let Routes { outline, lines, .. } = Routes::read(&file)?;
    let Some(request) = &arguments.request else {
        match arguments.format {
            Format::Text => table(&outline).print(),
            Format::Json => {
                let routes: Vec<_> = outline.by_precedence().into_iter().map(|route| to_json(route, &lines)).collect();
                print_json(&routes.into());
            }
        }
        return Ok(ExitCode::SUCCESS);
    };
    let report = explain_match(&outline, request).map_err(Failure::new)?;
    let found = matches!(report.outcome, Outcome::Route(..));
    match arguments.format {
        Format::Text => explained(&report).print(),
        Format::Json => {
            let (outcome, detail) = outcome(&report.outcome, &lines);
            let passed = report.passed.iter();
            let passed: Vec<_> =
                passed.map(|(route, why)| json!({ "route": route.spec.name(), "reason": why.to_string() })).collect();
            let document = json!({ "method": report.method, "path": report.path, outcome: detail, "passed": passed });
            print_json(&document);
        }
    }
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// The routes of a config.
pub struct Routes<'f> {
    /// Those that can be read.
    pub outline: Outline,
    /// The lines of its text.
    pub lines: LineIndex<'f>,
    /// Whether the config has no errors; otherwise correcting them may change the routes.
    pub valid: bool,
}

impl<'f> Routes<'f> {
    /// Reads the routes of a config, and says on standard error what could not be read.
    ///
    /// # Errors
    /// A text that is not a JSON object with paths.
    pub fn read(file: &'f TextFile) -> Result<Self, Failure> {
        let valid = is_valid(&review(&file.text));
        let outline = Outline::of(&file.text);
        if outline.routes.is_empty() && !valid {
            return Err(Failure::new(format!("{}: has no readable routes: run `bargate check`", file.name)));
        }
        if !valid {
            say(format!("{}: has errors, so routes may be missing: run `bargate check`", file.name));
        } else if outline.unread > 0 {
            say(format!("{}: paths left out, because they come from bindings: {}", file.name, outline.unread));
        }
        let lines = LineIndex::new(file.text.strip_prefix('\u{feff}').unwrap_or(&file.text));
        Ok(Self { outline, lines, valid })
    }
}

/// Returns a route of a text with these lines as JSON.
pub fn to_json(route: &OutlinedRoute, lines: &LineIndex<'_>) -> Value {
    let (line, column) = lines.locate(route.offset);
    json!({
        "method": route.spec.method.as_str(),
        "host": Some(route.spec.host.as_str()).filter(|host| !host.is_empty()),
        "path": route.spec.pattern.as_str(),
        "auth": route.requirement.as_ref().map(|requirement| json!({
            "authorizer": requirement.authorizer(),
            "scopes": requirement.scopes,
            "any_scopes": requirement.any_scopes,
            "permissions": requirement.permissions,
            "claims": requirement.claims.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>(),
            "acr_values": requirement.acr_values,
            "max_age_seconds": requirement.max_age_seconds,
            "optional": requirement.optional,
        })),
        "session": route.takes_session,
        "integration": route.integration,
        "target": route.target,
        "rules": route.rules,
        "entry": route.index.map(|index| format!("paths[{index}]")),
        "line": line,
        "column": column,
    })
}

/// Returns in a few words what a route requires.
pub fn asked(requirement: Option<&Requirement>) -> String {
    let Some(requirement) = requirement else { return "open".to_owned() };
    let mut text = requirement.authorizer();
    let mut list = |sign: &str, names: &[String], joint: &str| {
        if !names.is_empty() {
            let _ = write!(text, " {sign}{}", names.join(joint));
        }
    };
    list("", &requirement.scopes, " ");
    list("any of ", &requirement.any_scopes, " | ");
    list("permissions ", &requirement.permissions, " ");
    let claims: Vec<String> = requirement.claims.iter().map(|(name, value)| format!("{name}={value}")).collect();
    list("", &claims, " ");
    list("acr ", &requirement.acr_values, " | ");
    if let Some(seconds) = requirement.max_age_seconds {
        let _ = write!(text, " max age {seconds} s");
    }
    if requirement.optional {
        text.push_str(" (optional)");
    }
    text
}

fn table(outline: &Outline) -> Page {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["METHOD", "PATH", "AUTH", "INTEGRATION", "TARGET", "RULES"]);
    for route in outline.by_precedence() {
        // In columns, so a line break must not be left for the page to see.
        table.add_row([
            printable(route.spec.method.as_str()),
            printable(&[route.spec.host.as_str(), route.spec.pattern.as_str()].concat()),
            printable(&asked(route.requirement.as_ref())),
            printable(&route.integration),
            printable(&route.target),
            printable(&route.rules.join(" ")),
        ]);
    }
    let mut page = Page::default();
    for line in table.lines() {
        page.line(line.trim());
    }
    page
}

fn outcome(outcome: &Outcome<'_>, lines: &LineIndex<'_>) -> (&'static str, Value) {
    match outcome {
        Outcome::Route(Taken { route, params, calls }) => {
            let params: serde_json::Map<String, Value> =
                params.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
            (
                "route",
                json!({ "name": route.spec.name(), "params": params, "calls": calls, "route": to_json(route, lines) }),
            )
        }
        Outcome::MethodNotAllowed(allow) => ("method_not_allowed", allow.to_string().into()),
        Outcome::NotFound => ("route_not_found", true.into()),
        Outcome::Ambiguous(ambiguity) => ("path_ambiguous", ambiguity.as_str().into()),
    }
}

fn explained(report: &bargate::review::MatchReport<'_>) -> Page {
    let mut page = Page::default();
    page.line(format!("{} {}", report.method, report.path));
    match &report.outcome {
        Outcome::Route(Taken { route, params, calls }) => {
            let target = if route.target.is_empty() { String::new() } else { format!(" -> {}", route.target) };
            let asked = asked(route.requirement.as_ref());
            page.line(format!("  takes it: {}  [{asked}]  {}{target}", route.spec.name(), route.integration));
            for (name, value) in params {
                page.line(format!("    {name} = \"{value}\""));
            }
            for address in calls {
                page.line(format!("    calls {address}"));
            }
        }
        Outcome::MethodNotAllowed(allow) => page.line(format!("  405 method_not_allowed, Allow: {allow}")),
        Outcome::NotFound => page.line("  404 route_not_found"),
        Outcome::Ambiguous(why) => page.line(format!("  400 path_ambiguous ({why}), before any route is tried")),
    }
    if !report.passed.is_empty() {
        page.line("  passed:");
    }
    let shown: Vec<_> = report.passed.iter().map(|(route, why)| (printable(&route.spec.name()), why)).collect();
    let width = shown.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, why) in shown {
        page.line(format!("    {name:width$}  {why}"));
    }
    page
}
