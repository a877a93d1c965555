//! Texts as they may be printed, whatever the file says that they come from.
//!
//! A text could move the cursor, hide a line, turn its letters around, or begin a line that a CI system takes for a
//! command. Nothing of it is lost: what cannot be printed is escaped as JSON does it. It is compiled for the host only.

use std::fmt::Write as _;

/// What begins a command in a line of the log of GitHub Actions, anywhere in the line.
const COMMAND: &str = "##[";

/// Returns a text of one line in which nothing acts on a terminal or a log; of one that was made so, the same text.
pub fn printable(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_command = text.get(at..).is_some_and(|rest| rest.starts_with(COMMAND));
        let is_printed = matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1;
        if is_printed && !is_command {
            printed.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // A write to a string cannot fail.
                let _ = write!(printed, "\\u{unit:04x}");
            }
        }
    }
    printed
}

/// Returns a JSON document as it may be printed. It means the same: such characters occur only in its strings.
pub fn printable_json(document: &serde_json::Value) -> String {
    let text = format!("{document:#}");
    text.lines().map(|line| printable(line) + "\n").collect()
}

/// Returns a line of a file as it may be printed: tabs, which only part words, stay spaces.
pub fn printable_source(text: &str) -> String {
    printable(&text.replace('\t', "    "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_a_terminal_or_a_log_would_act_on_is_escaped() {
        let table = [
            ("https://tenant.example/ \"ä\" \\ 'x' 漢", "https://tenant.example/ \"ä\" \\ 'x' 漢", "what prints"),
            ("\u{1b}[2J", "\\u001b[2J", "an escape sequence"),
            ("\u{9b}31m", "\\u009b31m", "one in a single character"),
            ("a\r\nb\tc\u{7}\u{7f}", "a\\u000d\\u000ab\\u0009c\\u0007\\u007f", "control characters"),
            ("a\u{85}b\u{2028}c\u{2029}d", "a\\u0085b\\u2028c\\u2029d", "other line breaks"),
            ("\u{202e}drowssap\u{2066}", "\\u202edrowssap\\u2066", "text turned around"),
            ("\u{200e}\u{200f}\u{61c}", "\\u200e\\u200f\\u061c", "marks of a direction"),
            ("a\u{200b}b\u{feff}\u{a0}\u{ad}\u{2060}", "a\\u200bb\\ufeff\\u00a0\\u00ad\\u2060", "what is not seen"),
            ("\u{e0041}", "\\udb40\\udc41", "a tag beyond the basic plane"),
            ("a ##[error]b", "a \\u0023#[error]b", "a command of a log"),
            ("###[x", "#\\u0023#[x", "one behind another sign"),
        ];
        for (text, expected, message) in table {
            assert_eq!(printable(text), expected, "{message}");
            assert_eq!(printable(&printable(text)), expected, "{message}, twice");
        }
    }

    #[test]
    fn json_means_the_same_with_its_characters_escaped() {
        let value = json!({ "a\u{1b}": ["\u{202e}x\n", "\u{9b}", "\u{1f600}\u{e0041}", "##[error]", "\u{7f}"] });
        let escaped = printable_json(&value);
        assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), value);
        assert!(escaped.chars().all(|c| c == '\n' || !c.is_control()), "{escaped}");
        assert!(!escaped.contains("##["), "{escaped}");
    }
}
