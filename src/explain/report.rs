//! The report on a token, as text for people and as JSON for programs.
//!
//! Every text from the token goes through [`printable`]: it moves no cursor, rings no bell and reverses no text. Neither the
//! token nor its signature is in a report.

use std::fmt::Write as _;

use crate::printable::printable;
use crate::problem::Problem;
use crate::token::numeric_date;
use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};

use super::advice::advice;
use super::check::{Check, Outcome, UNKNOWN};
use super::checks::{Explanation, Verdict};
use super::kind::Kind;
use super::rules::Sources;
use super::time;

/// Claims that are times (RFC 7519 section 4.1, OpenID Connect Core sections 2 and 5.1).
const DATES: [&str; 5] = ["exp", "nbf", "iat", "auth_time", "updated_at"];

/// Longest text in a row of a check, in characters.
const SHOWN_MAX_CHARS: usize = 200;

/// Narrowest column of the names of checks, in characters.
const NAME_MIN_CHARS: usize = 9;

/// Widest column of names, in characters; longer names stick out.
const NAME_MAX_CHARS: usize = 24;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default().bold();

/// A token with everything that was found out about it.
pub struct Report<'r> {
    /// What it is.
    pub kind: Kind,
    /// What was found.
    pub explanation: &'r Explanation,
    /// The rules that it was checked against.
    pub sources: &'r Sources,
    /// The clock of the checks, in seconds since 1970.
    pub now: i64,
}

impl Report<'_> {
    /// Returns the report for people, with terminal colours.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let Sources { config, authorizer, files, .. } = self.sources;
        let heads = [
            ("Token", self.kind_in_words().to_owned()),
            ("Config", config.clone().unwrap_or_else(|| "none".to_owned())),
            ("Authorizer", authorizer.as_ref().map(|(name, why)| format!("{name}: {why}")).unwrap_or_default()),
            ("Values", files.join(", ")),
            ("Time", time::utc(self.now).unwrap_or_default()),
        ];
        for (name, value) in heads.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(text, "{BOLD}{name:<10}{BOLD:#}  {}", printable(value));
        }
        if self.kind == Kind::ApiKey {
            self.write_members(&mut text, "Claims, by its record", self.explanation.claims.as_ref());
        } else {
            self.write_members(&mut text, "Header", self.explanation.header.as_ref());
            self.write_members(&mut text, "Claims, as the token states them", self.explanation.claims.as_ref());
        }
        let _ = writeln!(text, "\n{BOLD}Checks{BOLD:#}");
        for alike in self.explanation.checks.chunk_by(are_skipped_alike) {
            match alike {
                [check] => self.write_check(&mut text, check),
                checks => write_skipped(&mut text, checks, self.name_width()),
            }
        }
        let style = match self.explanation.verdict() {
            Verdict::Accepted => GOOD,
            Verdict::Refused(_) => BAD,
            Verdict::Undecided => OPEN,
        };
        let _ = writeln!(text, "\n{style}{}{style:#}: {}", self.verdict_name(), printable(&self.conclusion()));
        text
    }

    /// Returns the report for programs.
    pub fn json(&self) -> Value {
        let Sources { config, authorizer, files, .. } = self.sources;
        let checks: Vec<_> = self.explanation.checks.iter().map(|check| self.check_json(check)).collect();
        let times = self.explanation.claims.iter().flat_map(|claims| {
            DATES.into_iter().filter_map(move |name| Some((name, numeric_date(claims, name).ok().flatten()?)))
        });
        let times: Map<String, Value> =
            times.map(|(name, seconds)| (name.to_owned(), self.time_json(seconds))).collect();
        json!({
            "token": self.kind.name(),
            "config": config,
            "authorizer": authorizer.as_ref().map(|(name, _)| name),
            "files": files,
            "time": { "seconds": self.now, "utc": time::utc(self.now) },
            "header": self.explanation.header,
            "claims": self.explanation.claims,
            "times": times,
            "checks": checks,
            "verdict": self.verdict_name().to_lowercase(),
            "code": self.problem().map(|problem| problem.code()),
        })
    }

    fn time_json(&self, seconds: i64) -> Value {
        json!({ "seconds": seconds, "utc": time::utc(seconds), "relative": time::relative(seconds, self.now) })
    }

    fn check_json(&self, check: &Check) -> Value {
        let (outcome, reason) = match &check.outcome {
            Outcome::Pass => ("pass", None),
            Outcome::Fail(_) => ("fail", None),
            Outcome::Skip(reason) => ("skip", Some(reason)),
        };
        json!({
            "check": check.name,
            "outcome": outcome,
            "expected": check.expected,
            "found": check.found,
            "reason": reason,
            "help": self.advice(check),
        })
    }

    fn advice(&self, check: &Check) -> Option<String> {
        advice(check, self.explanation, self.kind, self.sources)
    }

    fn kind_in_words(&self) -> &'static str {
        match self.kind {
            Kind::Signed => "signed (JWS)",
            Kind::Encrypted => "encrypted (JWE)",
            Kind::Opaque => "opaque",
            Kind::ApiKey => "API key",
            Kind::Unknown => "unknown",
        }
    }

    fn write_members(&self, text: &mut String, title: &str, members: Option<&Map<String, Value>>) {
        let _ = writeln!(text, "\n{BOLD}{title}{BOLD:#}");
        let Some(members) = members else {
            let _ = writeln!(text, "  cannot be read");
            return;
        };
        let names: Vec<_> = members.keys().map(|name| printable(name)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().min(NAME_MAX_CHARS);
        for (shown, (name, value)) in names.iter().zip(members) {
            let _ = write!(text, "  {shown:<width$}  {}", printable(&value.to_string()));
            let date = DATES.into_iter().find(|date| date == name);
            if let Some(Ok(Some(seconds))) = date.map(|date| numeric_date(members, date)) {
                let utc = time::utc(seconds).unwrap_or_else(|| "beyond the calendar".to_owned());
                let _ = write!(text, "  {DIM}{utc}, {}{DIM:#}", time::relative(seconds, self.now));
            }
            text.push('\n');
        }
    }

    fn write_check(&self, text: &mut String, check: &Check) {
        let (style, word) = match check.outcome {
            Outcome::Pass => (GOOD, "PASS"),
            Outcome::Fail(_) => (BAD, "FAIL"),
            Outcome::Skip(_) => (OPEN, "SKIP"),
        };
        let (width, name, expected) = (self.name_width(), cut(&check.name), cut(&check.expected));
        let _ = writeln!(text, "  {style}{word}{style:#}  {name:<width$}  expected  {expected}");
        let mut write = |label: &str, value: &str| {
            let _ = writeln!(text, "        {:width$}  {label:<8}  {value}", "");
        };
        write("found", &cut(&check.found));
        if let Outcome::Skip(reason) = &check.outcome {
            write("skipped", &cut(reason));
        }
        if let Some(advice) = self.advice(check) {
            write("help", &printable(&advice));
        }
    }

    /// Returns how wide the column of the names of checks is.
    fn name_width(&self) -> usize {
        let widths = self.explanation.checks.iter().map(|check| check.name.chars().count());
        widths.max().unwrap_or_default().clamp(NAME_MIN_CHARS, NAME_MAX_CHARS)
    }

    fn verdict_name(&self) -> &'static str {
        match self.explanation.verdict() {
            Verdict::Accepted => "Accepted",
            Verdict::Refused(_) => "Refused",
            Verdict::Undecided => "Undecided",
        }
    }

    fn conclusion(&self) -> String {
        let skipped = self.names(|outcome| matches!(outcome, Outcome::Skip(_)));
        let failed = self.names(|outcome| matches!(outcome, Outcome::Fail(_)));
        match self.problem() {
            None if skipped.is_empty() => {
                "the gateway accepts it; this command does not check what a path requires besides".to_owned()
            }
            None => format!("no check failed; skipped: {skipped}"),
            Some(problem) => {
                let (status, code) = (problem.status(), problem.code());
                let expired_alone = matches!(problem, Problem::TokenExpired(_)) && !skipped.is_empty();
                let if_else = if expired_alone { ", or token_invalid if a skipped check fails" } else { "" };
                format!("{failed}; the gateway answers {status} {code}{if_else}")
            }
        }
    }

    fn names(&self, is_meant: impl Fn(&Outcome) -> bool) -> String {
        let meant = self.explanation.checks.iter().filter(|check| is_meant(&check.outcome));
        meant.map(|check| &*check.name).collect::<Vec<_>>().join(", ")
    }

    /// Returns the problem with which the gateway refuses the token.
    fn problem(&self) -> Option<Problem> {
        self.explanation.refusal().map(|error| error.clone().into())
    }
}

/// Checks whether two checks were skipped for the same reason and found nothing.
fn are_skipped_alike(one: &Check, other: &Check) -> bool {
    let nothing = |check: &Check| matches!(check.outcome, Outcome::Skip(_)) && check.found == UNKNOWN;
    nothing(one) && nothing(other) && one.outcome == other.outcome
}

/// Writes checks that were skipped for the same reason, in one row: what they expected would not help.
fn write_skipped(text: &mut String, checks: &[Check], width: usize) {
    let names: Vec<_> = checks.iter().map(|check| cut(&check.name)).collect();
    let _ = writeln!(text, "  {OPEN}SKIP{OPEN:#}  {}", names.join(", "));
    if let Some(Check { outcome: Outcome::Skip(reason), .. }) = checks.first() {
        let _ = writeln!(text, "        {:width$}  {:<8}  {}", "", "skipped", cut(reason));
    }
}

/// Returns the beginning of a text that may be long.
fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    printable(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(SHOWN_MAX_CHARS + 1);
        assert_eq!(cut(&long).chars().count(), SHOWN_MAX_CHARS + 1);
        assert!(cut(&long).ends_with('…'));
    }
}
