//! Diagnostics as they are printed: for people as a compiler does it, for editors as JSON, for GitHub as annotations.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::json;

use crate::config::{Diagnostic, Severity, is_prefix, key_prefix};
use crate::printable::{printable, printable_json, printable_source};

/// A longer line is shown in part, in bytes: a file may be all one line.
const LINE_SHOWN_MAX: usize = 400;

/// An API key has so many characters behind its prefix, with the underscore.
const KEY_BEHIND_PREFIX: usize = 39;

/// How much of a long line is shown before the place, in bytes.
const SHOWN_BEFORE: usize = 60;

/// Width to which lines of the file are cut, in columns.
const WIDTH: usize = 140;

/// A file, and the diagnostics of it.
pub struct ReviewedFile<'f> {
    /// The name to call it by.
    pub name: &'f str,
    /// Its text.
    pub text: &'f str,
    /// The diagnostics of it.
    pub diagnostics: &'f [Diagnostic],
}

/// Returns diagnostics as a compiler prints them: the place, the line with a mark under the very token, the help.
pub fn text(file: &ReviewedFile<'_>, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(WIDTH);
    let mut text = String::new();
    let mut lines = Lines::of(file.text);
    for diagnostic in file.diagnostics {
        let token = lines.token(diagnostic);
        let _ = writeln!(text, "{}\n", rendered(file.name, &token, diagnostic, &renderer));
    }
    text
}

/// Returns diagnostics as one JSON document.
pub fn json(files: &[ReviewedFile<'_>]) -> String {
    let all = || files.iter().flat_map(|file| file.diagnostics);
    let count = |severity| all().filter(|diagnostic| diagnostic.code.severity() == severity).count();
    let mut diagnostics = Vec::new();
    for file in files {
        let mut lines = Lines::of(file.text);
        for diagnostic in file.diagnostics {
            let token = lines.token(diagnostic);
            diagnostics.push(json!({
                "file": file.name,
                "path": diagnostic.path,
                "line": diagnostic.line,
                "column": diagnostic.column,
                "end_column": diagnostic.column + token.characters(),
                "severity": diagnostic.code.severity().as_str(),
                "code": diagnostic.code.as_str(),
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
    printable_json(&document)
}

/// Returns diagnostics as workflow commands of GitHub Actions, which show them beside the lines of a pull request.
pub fn github(files: &[ReviewedFile<'_>]) -> String {
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut text = String::new();
    for file in files {
        for Diagnostic { code, path, line, column, message, help, offset: _, keys: _ } in file.diagnostics {
            let (name, place) =
                (property(file.name), if path.is_empty() { String::new() } else { format!("{path}: ") });
            let help = help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
            let message = data(&format!("{place}{message}{help}"));
            let kind = code.severity().as_str();
            let _ = writeln!(text, "::{kind} file={name},line={line},col={column},title={code}::{message}");
        }
    }
    text
}

/// Returns a text as a workflow command may have it. It is printable, so no line breaks are left to escape.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25")
}

/// The lines of a text, sought in their order.
struct Lines<'s> {
    rest: &'s str,
    /// Where `rest` begins, in bytes.
    at: usize,
    current: &'s str,
    current_start: usize,
}

/// A line, and the place of a token in it, in bytes.
struct Token<'s> {
    line: &'s str,
    start: usize,
    end: usize,
}

impl<'s> Lines<'s> {
    fn of(text: &'s str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), at: 0, current: "", current_start: 0 }
    }

    fn token(&mut self, diagnostic: &Diagnostic) -> Token<'s> {
        while self.at <= diagnostic.offset && !self.rest.is_empty() {
            let end = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
            let (line, rest) = self.rest.split_at(end);
            self.current = line.strip_suffix('\n').unwrap_or(line);
            self.current = self.current.strip_suffix('\r').unwrap_or(self.current);
            self.current_start = self.at;
            self.rest = rest;
            self.at += end;
        }
        let start = diagnostic.offset.saturating_sub(self.current_start).min(self.current.len());
        let token = self.current.get(start..).unwrap_or_default();
        Token { line: self.current, start, end: start + token_length(token) }
    }
}

impl Token<'_> {
    fn characters(&self) -> usize {
        self.line.get(self.start..self.end).map_or(0, |token| token.chars().count())
    }
}

/// Returns the length in bytes of the token that a text begins with.
fn token_length(text: &str) -> usize {
    let first = text.chars().next();
    let length = match first {
        Some('"') => {
            let mut escaped = false;
            let mut closes = |b: u8| {
                let closes = b == b'"' && !escaped;
                escaped = b == b'\\' && !escaped;
                closes
            };
            text.bytes().skip(1).position(&mut closes).map(|end| end + 2)
        }
        Some(c) if is_of_word(c) => text.find(|c| !is_of_word(c)),
        Some(c) => Some(c.len_utf8()),
        None => None,
    };
    length.unwrap_or(text.len())
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '$' | '_')
}

fn rendered(name: &str, token: &Token<'_>, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.code.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let name = printable(name);
    let title = level.primary_title(printable(&diagnostic.message)).id(diagnostic.code.as_str());
    let (window, span, whole) = window(token);
    let mut group: Group<'_> = if whole && !is_escaped(token) {
        let source = Snippet::source(window).path(name).line_start(diagnostic.line);
        title.element(source.annotation(AnnotationKind::Primary.span(span)))
    } else {
        // The place is that in the file, and not the one in what is shown of it.
        let origin = Origin::path(name).line(diagnostic.line).char_column(diagnostic.column);
        let source = Snippet::source(window).line_start(diagnostic.line);
        title.element(origin).element(source.annotation(AnnotationKind::Primary.span(span)))
    };
    if !diagnostic.path.is_empty() {
        group = group.element(Level::NOTE.message(format!("at {}", printable(&diagnostic.path))));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(printable(help)));
    }
    // A place by itself gets a line without a name below it, which means nothing.
    let is_nameless = |line: &&str| anstream::adapter::strip_str(line).to_string().trim() == ":::";
    let rendered = renderer.render(&[group]);
    rendered.lines().filter(|line| !is_nameless(line)).collect::<Vec<_>>().join("\n")
}

/// Checks whether something before or in a token is shown escaped, so that its column changes.
fn is_escaped(token: &Token<'_>) -> bool {
    token
        .line
        .get(..token.end)
        .is_some_and(|text| printable_source(text).chars().count() != text.replace('\t', "    ").chars().count())
}

/// Returns the part of a line that is shown, the place of the token in it, in bytes, and whether that is all of the line.
fn window(token: &Token<'_>) -> (String, std::ops::Range<usize>, bool) {
    let Token { line, start, end } = *token;
    let whole = line.len() <= LINE_SHOWN_MAX;
    let (from, to) = match whole {
        true => (0, line.len()),
        false => {
            let from = line.floor_char_boundary(start.saturating_sub(SHOWN_BEFORE));
            (from, line.ceil_char_boundary((from + LINE_SHOWN_MAX).min(line.len())))
        }
    };
    let cut = |cut: bool| if cut { "…" } else { "" };
    let part = |from: usize, to: usize| printable_source(line.get(from..to).unwrap_or_default());
    let (before, marked) = (format!("{}{}", cut(from > 0), part(from, start)), part(start, end.min(to)));
    let behind = format!("{}{}", part(end.min(to), to), cut(to < line.len()));
    let span = before.len()..before.len() + marked.len();
    (without_keys(&format!("{before}{marked}{behind}")), span, whole)
}

/// Hides what has the form of an API key, which may be in a config by mistake, behind as many stars.
fn without_keys(line: &str) -> String {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_key = |word: &&str| {
        let prefix = key_prefix(word);
        prefix.is_some_and(|prefix| is_prefix(prefix) && word.len() == prefix.len() + KEY_BEHIND_PREFIX)
    };
    let keys = line.split(|c| !is_of_key(c)).filter(is_key);
    keys.fold(line.to_owned(), |hidden, key| hidden.replace(key, &"*".repeat(key.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Code;

    fn diagnostic(offset: usize, line: usize, column: usize) -> Diagnostic {
        Diagnostic {
            offset,
            code: Code::UnknownKey,
            path: "cors".to_owned(),
            line,
            column,
            message: "unknown key".to_owned(),
            help: None,
            keys: Default::default(),
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
            let start = line.char_indices().nth(column - 1).map_or(line.len(), |(at, _)| at);
            let found = Lines::of(line).token(&diagnostic(start, 1, column));
            assert_eq!(&line[found.start..found.end], token, "{line}");
        }
    }

    #[test]
    fn no_line_is_shown_with_an_api_key() {
        let key = format!("acme_live_{}", "a1B2".repeat(10).split_at(38).0);
        let text = format!("{{ \"sha256\": \"{key}\", \"owner\": \"acme_live_a\" }}");
        let (shown, span, _) = window(&Token { line: &text, start: 12, end: 14 + key.len() });
        assert_eq!(shown, text.replace(&key, &"*".repeat(48)));
        assert_eq!(span, 12..14 + key.len());
    }

    #[test]
    fn a_line_of_megabytes_is_shown_in_part() {
        let text_of_file = format!("{{{}\"bad\": 1{}}}", "\"é\": 1, ".repeat(200_000), ", \"é\": 1".repeat(200_000));
        let column = 1 + text_of_file.chars().take_while(|c| *c != 'b').count() - 1;
        let offset = text_of_file.find("\"bad").unwrap();
        let diagnostics = [diagnostic(offset, 1, column)];
        let file = ReviewedFile { name: "gateway.config.json", text: &text_of_file, diagnostics: &diagnostics };
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
        let diagnostics = [Diagnostic { message: "50%\nof: it, all".to_owned(), ..diagnostic(4, 2, 3) }];
        let file = ReviewedFile { name: "a,b:c.json", text: "{\n  1\n}", diagnostics: &diagnostics };
        assert_eq!(
            github(&[file]),
            "::error file=a%2Cb%3Ac.json,line=2,col=3,title=unknown_key::cors: 50%25\\u000aof: it, all\n"
        );
    }
}
