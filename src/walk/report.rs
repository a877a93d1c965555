//! The way as text for people and as JSON for programs.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::step::{Kind, SentHeader, Step, StepOutcome, Upstream};
use super::way::Way;
use crate::printable::printable;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default().bold();

/// Longest text of a row, in characters.
const SHOWN_MAX_CHARS: usize = 300;

impl Way {
    /// Returns it for programs.
    pub fn json(&self) -> Value {
        let outcome = &self.outcome;
        let headers: Vec<_> =
            outcome.answer.headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        json!({
            "method": self.method,
            "url": self.url,
            "outcome": {
                "kind": outcome.kind.name(),
                "status": outcome.answer.status,
                "code": outcome.code,
                "words": outcome.words,
                "headers": headers,
                "undecided": self.undecided(),
            },
            "steps": self.steps.iter().map(step_json).collect::<Vec<_>>(),
            "upstream": self.upstream.as_ref().map(upstream_json),
            "unknown": self.unknown,
        })
    }

    /// Returns it for people, with terminal colours.
    pub fn text(&self) -> String {
        let mut text = format!("{BOLD}{} {}{BOLD:#}\n", cut(&self.method), cut(&self.url));
        let width = self.steps.iter().map(|step| step.name.len()).max().unwrap_or_default();
        for step in &self.steps {
            let (style, word) = match step.outcome {
                StepOutcome::Passed => (GOOD, "pass"),
                StepOutcome::Refused => (BAD, "stop"),
                StepOutcome::Answered => (GOOD, "done"),
                StepOutcome::Unknown => (OPEN, "?   "),
                StepOutcome::Skipped => (DIM, "-   "),
            };
            let _ = writeln!(text, "  {style}{word}{style:#}  {:<width$}  {}", step.name, cut(&step.words));
        }
        let outcome = &self.outcome;
        let style = if outcome.kind == Kind::Refused { BAD } else { GOOD };
        let status = outcome.answer.status.map(|status| format!(" {status}")).unwrap_or_default();
        let code = outcome.code.map(|code| format!(" {code}")).unwrap_or_default();
        let undecided = self.undecided();
        let proviso =
            if undecided.is_empty() { String::new() } else { format!(", if it passes {}", undecided.join(", ")) };
        let _ = write!(text, "\n{style}{}{style:#}{status}{code}{proviso}", capital(outcome.kind.name()));
        let _ = writeln!(
            text,
            "{}",
            if outcome.words.is_empty() { String::new() } else { format!(": {}", cut(&outcome.words)) }
        );
        for (name, value) in &outcome.answer.headers {
            let _ = writeln!(text, "  {}: {}", printable(name), cut(value));
        }
        if let Some(upstream) = &self.upstream {
            write_upstream(&mut text, upstream);
        }
        if !self.unknown.is_empty() {
            let _ = writeln!(text, "\nWithout a value here: {}", self.unknown.join(", "));
        }
        text
    }
}

fn write_upstream(text: &mut String, upstream: &Upstream) {
    let _ = writeln!(text, "\n{BOLD}What is sent on{BOLD:#}\n  {} {}", cut(&upstream.method), cut(&upstream.url));
    let from = |header: &SentHeader| match &header.source {
        Some(source) => format!("{}, {}", header.from, printable(source)),
        None => header.from.to_owned(),
    };
    let rows: Vec<_> = upstream
        .headers
        .iter()
        .map(|header| (format!("{}: {}", printable(&header.name), cut(&header.value)), from(header)))
        .collect();
    let width = rows.iter().map(|(row, _)| row.chars().count()).max().unwrap_or_default().min(60);
    for (row, from) in rows {
        let _ = writeln!(text, "  {row:<width$}  {DIM}{from}{DIM:#}");
    }
    for url in &upstream.others {
        let _ = writeln!(text, "  or {}", cut(url));
    }
}

fn step_json(step: &Step) -> Value {
    let mut row = json!({ "step": step.name, "outcome": step.outcome.name(), "words": step.words });
    if let Some(members) = row.as_object_mut() {
        if let Some(code) = step.code {
            members.insert("code".to_owned(), code.into());
        }
        if !step.details.is_empty() {
            members.insert("details".to_owned(), step.details.clone().into());
        }
    }
    row
}

fn upstream_json(upstream: &Upstream) -> Value {
    let headers = upstream.headers.iter().map(|header| {
        let mut row = json!({ "name": header.name, "value": header.value, "from": header.from });
        if let (Some(source), Some(members)) = (&header.source, row.as_object_mut()) {
            members.insert("source".to_owned(), source.as_str().into());
        }
        row
    });
    json!({
        "method": upstream.method,
        "url": upstream.url,
        "others": upstream.others,
        "headers": headers.collect::<Vec<_>>(),
    })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Returns the beginning of a text that may be long, as it may be printed.
fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    printable(&shown)
}
