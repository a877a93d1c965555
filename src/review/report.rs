//! Diagnostics as they are printed: for people as a compiler does it, for editors as JSON, for GitHub as annotations.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::json;

use crate::config::{Diagnostic, Severity};

/// A longer line is shown in part, in characters: a file may be all one line.
const LINE_SHOWN_MAX: usize = 400;

/// How much of a long line is shown before the place, in characters.
const SHOWN_BEFORE: usize = 60;

/// Width to which lines of the file are cut, in columns.
const WIDTH: usize = 140;

/// A file, and what was told of it.
pub struct ReviewedFile<'f> {
    /// The name to call it by.
    pub name: &'f str,
    /// Its text.
    pub text: &'f str,
    /// What was told of it.
    pub told: &'f [Diagnostic],
}

/// Gives diagnostics as a compiler prints them: the place, the line with a mark under the very token, the help.
pub fn text(file: &ReviewedFile<'_>, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(WIDTH);
    let source = file.text.strip_prefix('\u{feff}').unwrap_or(file.text);
    let mut text = String::new();
    let mut lines = Lines { rest: source, next: 1, current: "" };
    for diagnostic in file.told {
        let _ = writeln!(text, "{}\n", rendered(file.name, lines.seek(diagnostic.line), diagnostic, &renderer));
    }
    text
}

/// Gives diagnostics as one JSON document.
pub fn json(files: &[ReviewedFile<'_>]) -> String {
    let all = || files.iter().flat_map(|file| file.told.iter().map(move |diagnostic| (file, diagnostic)));
    let count = |severity| all().filter(|(_, diagnostic)| diagnostic.severity == severity).count();
    let mut diagnostics = Vec::new();
    for file in files {
        let source = file.text.strip_prefix('\u{feff}').unwrap_or(file.text);
        let mut lines = Lines { rest: source, next: 1, current: "" };
        for diagnostic in file.told {
            let (_, length) = span(lines.seek(diagnostic.line), diagnostic.column);
            diagnostics.push(json!({
                "file": file.name,
                "path": diagnostic.path,
                "line": diagnostic.line,
                "column": diagnostic.column,
                "end_column": diagnostic.column + length,
                "severity": diagnostic.severity.as_str(),
                "code": diagnostic.code,
                "message": diagnostic.message,
                "help": diagnostic.help,
            }));
        }
    }
    let document = json!({
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "diagnostics": diagnostics,
    });
    format!("{document:#}\n")
}

/// Gives diagnostics as workflow commands of GitHub Actions, which show them beside the lines of a pull request.
pub fn github(files: &[ReviewedFile<'_>]) -> String {
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut text = String::new();
    for file in files {
        for Diagnostic { severity, code, path, line, column, message, help } in file.told {
            let (name, place) =
                (property(file.name), if path.is_empty() { String::new() } else { format!("{path}: ") });
            let help = help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
            let message = data(&format!("{place}{message}{help}"));
            let kind = severity.as_str();
            let _ = writeln!(text, "::{kind} file={name},line={line},col={column},title={code}::{message}");
        }
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The lines of a text, sought in their order.
struct Lines<'s> {
    rest: &'s str,
    next: usize,
    current: &'s str,
}

impl<'s> Lines<'s> {
    fn seek(&mut self, line: usize) -> &'s str {
        while self.next <= line {
            let (current, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            (self.current, self.rest) = (current.strip_suffix('\r').unwrap_or(current), rest);
            self.next += 1;
        }
        self.current
    }
}

/// Gives where in a line the token at a column begins, in bytes, and how many characters it has.
fn span(line: &str, column: usize) -> (usize, usize) {
    let start = line.char_indices().nth(column - 1).map_or(line.len(), |(at, _)| at);
    let token = line.get(start..).unwrap_or_default();
    let mut escaped = false;
    let length = match token.chars().next() {
        None => 0,
        Some('"') => {
            let closes = |c: char| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            };
            let end = token.chars().skip(1).position(closes);
            end.map_or_else(|| token.chars().count(), |end| end + 2)
        }
        Some(c) if c.is_ascii_alphanumeric() || matches!(c, '-' | '$' | '_') => {
            token.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '$' | '_')).count()
        }
        Some(_) => 1,
    };
    (start, length)
}

fn rendered(name: &str, line: &str, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&*diagnostic.message).id(diagnostic.code);
    let (start, length) = span(line, diagnostic.column);
    let mut group: Group<'_> = if line.chars().nth(LINE_SHOWN_MAX).is_none() {
        let end = line
            .get(start..)
            .and_then(|token| token.char_indices().nth(length))
            .map_or(line.len(), |(at, _)| start + at);
        let source = Snippet::source(line).path(name).line_start(diagnostic.line);
        title.element(source.annotation(AnnotationKind::Primary.span(start..end)))
    } else {
        let origin = Origin::path(name).line(diagnostic.line).char_column(diagnostic.column);
        let (window, span) = window(line, diagnostic.column, length);
        let source = Snippet::source(window).line_start(diagnostic.line);
        title.element(origin).element(source.annotation(AnnotationKind::Primary.span(span)))
    };
    if !diagnostic.path.is_empty() {
        group = group.element(Level::NOTE.message(format!("at {}", diagnostic.path)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(&**help));
    }
    renderer.render(&[group])
}

/// Gives what is shown of a long line, and where in that the token stands, in bytes.
fn window(line: &str, column: usize, length: usize) -> (String, std::ops::Range<usize>) {
    let before = column.saturating_sub(1).min(SHOWN_BEFORE);
    let characters = line.chars().skip(column - 1 - before).take(LINE_SHOWN_MAX);
    let mut window = String::new();
    if column - 1 > before {
        window.push('…');
    }
    let (mut start, mut end) = (None, None);
    for (index, c) in characters.enumerate() {
        if index == before {
            start = Some(window.len());
        }
        if index == before + length {
            end = Some(window.len());
        }
        window.push(c);
    }
    let start = start.unwrap_or(window.len());
    let end = end.unwrap_or(window.len()).max(start);
    window.push('…');
    (window, start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(line: usize, column: usize) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code: "unknown_key",
            path: "cors".to_owned(),
            line,
            column,
            message: "unknown key".to_owned(),
            help: None,
        }
    }

    #[test]
    fn the_mark_is_under_the_very_token() {
        let table = [
            ("{ \"a b\\\"c\": 1 }", 3, "\"a b\\\"c\""),
            ("  \"é\": [\"x\"],", 9, "\"x\""),
            ("\"n\": -1.5e+3,", 6, "-1.5e+3"),
            ("\"n\": true}", 6, "true"),
            ("\"n\": {", 6, "{"),
            ("\"cut off", 1, "\"cut off"),
            ("{", 2, ""),
        ];
        for (line, column, token) in table {
            let (start, length) = span(line, column);
            assert_eq!(line[start..].chars().take(length).collect::<String>(), token, "{line}");
        }
    }

    #[test]
    fn a_line_of_megabytes_is_shown_in_part() {
        let text_of_file = format!("{{{}\"bad\": 1{}}}", "\"é\": 1, ".repeat(200_000), ", \"é\": 1".repeat(200_000));
        let column = 1 + text_of_file.chars().take_while(|c| *c != 'b').count() - 1;
        let told = [diagnostic(1, column)];
        let file = ReviewedFile { name: "gateway.config.json", text: &text_of_file, told: &told };
        let shown = text(&file, false);
        assert!(shown.len() < 2_000, "{} bytes", shown.len());
        assert!(shown.contains(&format!("gateway.config.json:1:{column}")), "{shown}");
        let marked =
            shown.lines().find(|line| line.contains("\"bad\"")).unwrap().chars().position(|c| c == 'b').unwrap();
        let mark = shown.lines().find_map(|line| line.chars().position(|c| c == '^')).unwrap();
        assert_eq!(mark + 1, marked, "{shown}");
    }

    #[test]
    fn annotations_keep_to_one_line_and_their_own_properties() {
        let told = [Diagnostic { message: "50%\nof: it, all".to_owned(), ..diagnostic(2, 3) }];
        let file = ReviewedFile { name: "a,b:c.json", text: "{\n  1\n}", told: &told };
        assert_eq!(
            github(&[file]),
            "::error file=a%2Cb%3Ac.json,line=2,col=3,title=unknown_key::cors: 50%25%0Aof: it, all\n"
        );
    }
}
