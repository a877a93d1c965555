//! What commands print: the only way to standard output and standard error.
//!
//! Whatever its text, a line stays one line, and nothing in it controls a terminal or a log: so no command need think of where
//! its texts come from. `clippy.toml` denies every other way.

use std::io::Write as _;

use anstyle::Style;
use bargate::printable::{printable, printable_json};

/// The beginning of a command in a log line of GitHub Actions.
const COMMAND: &str = "::";

/// How a result is printed.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Lines for people.
#[derive(Default)]
pub struct Page {
    text: String,
}

/// A part of a line, with its style.
pub struct Part(Style, String);

/// Returns a part of a line without a style.
pub fn plain(text: impl Into<String>) -> Part {
    Part(Style::new(), text.into())
}

/// Returns a part of a line with a style.
pub fn styled(style: Style, text: impl Into<String>) -> Part {
    Part(style, text.into())
}

impl Page {
    /// Adds a line.
    pub fn line(&mut self, text: impl Into<String>) {
        self.parts([plain(text)]);
    }

    /// Adds a line of several parts.
    pub fn parts<const N: usize>(&mut self, parts: [Part; N]) {
        let mut begins = true;
        for Part(style, text) in parts {
            let text = printable(&text);
            let blank = text.trim_start();
            let command = begins && blank.starts_with(COMMAND);
            begins &= blank.is_empty();
            let text = if command { text.replacen(':', "\\u003a", 1) } else { text };
            self.text.push_str(&format!("{style}{text}{style:#}"));
        }
        self.text.push('\n');
    }

    /// Adds lines of the library, which has escaped foreign texts; of control sequences only colours pass.
    pub fn rendered(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = colour_length(rest).unwrap_or(c.len_utf8());
            let (taken, behind) = rest.split_at(length);
            if length > c.len_utf8() || c == '\n' {
                self.text.push_str(taken);
            } else {
                self.text.push_str(&printable(taken));
            }
            rest = behind;
        }
    }

    /// Prints it to standard output, as the result of the command.
    #[expect(clippy::disallowed_methods)]
    pub fn print(self) {
        // A reader that stops has read enough, and still gets the status.
        let _ = anstream::stdout().write_all(self.text.as_bytes());
    }

    /// Prints it to standard error, as a message about the work.
    #[expect(clippy::disallowed_methods)]
    pub fn eprint(self) {
        let _ = anstream::stderr().write_all(self.text.as_bytes());
    }
}

/// Prints a document for programs.
pub fn print_json(document: &serde_json::Value) {
    let mut page = Page::default();
    page.rendered(&printable_json(document));
    page.print();
}

/// Prints one line to standard error.
pub fn say(text: impl Into<String>) {
    let mut page = Page::default();
    page.line(text);
    page.eprint();
}

/// Returns the length in bytes of the sequence that sets a colour (ECMA-48, SGR) and that a text begins with.
fn colour_length(text: &str) -> Option<usize> {
    let end = text.strip_prefix("\u{1b}[")?.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    text.get(end + 2..)?.starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstyle::AnsiColor;

    #[test]
    fn a_line_is_one_line_whatever_it_holds() {
        let table = [
            ("a\nb", "a\\u000ab\n", "a line break"),
            ("::error::x", "\\u003a:error::x\n", "a command"),
            (" \t ::error::x", " \\u0009 ::error::x\n", "one behind an escaped tab"),
            ("  ::error::x", "  \\u003a:error::x\n", "one behind spaces"),
            ("a::b", "a::b\n", "colons inside"),
        ];
        for (text, expected, message) in table {
            let mut page = Page::default();
            page.line(text);
            assert_eq!(page.text, expected, "{message}");
        }
        let mut page = Page::default();
        page.parts([styled(AnsiColor::Red.on_default(), " "), plain("::error::\u{1b}[2J")]);
        assert_eq!(page.text, "\u{1b}[31m \u{1b}[0m\\u003a:error::\\u001b[2J\n");
    }

    #[test]
    fn of_what_is_rendered_the_colours_stay_and_nothing_else() {
        let mut page = Page::default();
        page.rendered("\u{1b}[1;31ma\u{1b}[0m\nb\u{1b}[2J\u{7}\u{9b}1m\u{1b}]0;t");
        assert_eq!(page.text, "\u{1b}[1;31ma\u{1b}[0m\nb\\u001b[2J\\u0007\\u009b1m\\u001b]0;t");
    }
}
