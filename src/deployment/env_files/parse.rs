//! The lines of a file of variables, found as wrangler's parser (dotenv 16.3.1) finds them.
//!
//! That parser is one regular expression. What of it can match is followed here step by step, so that the same text gives the same
//! variables: a name, `=` or `: `, and a value that is quoted, or continues to a `#` or the end of its line.

use std::ops::Range;

use super::variables::Variables;

/// A text, and what was found in it.
pub struct Parsed {
    /// The text, with line breaks of one kind.
    pub text: String,
    /// Its contents, in its order.
    pub pieces: Vec<Piece>,
}

/// A variable, or a line that is not one.
pub struct Piece {
    /// The variable's name and value.
    pub variable: Option<(String, String)>,
    /// Where it begins, in bytes.
    pub start: usize,
    /// The part that is not for showing: the line, or what of it follows the name, for a # may have cut a secret.
    pub hidden: Range<usize>,
    /// Where it ends.
    end: usize,
}

impl Parsed {
    /// Returns the variables.
    pub fn variables(&self) -> Variables {
        self.pieces.iter().filter_map(|piece| piece.variable.clone()).collect()
    }
}

/// Finds the variables of a text.
pub fn parse(text: &str) -> Parsed {
    // A byte order mark is white space to it, and no place counts it.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let scan = Scan(&text);
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = scan.behind_space(at);
        let Some(first) = scan.char_at(start) else { break };
        let piece = scan.variable(start);
        let end = piece.as_ref().map_or(start, |piece| piece.end);
        let line_end = scan.line_end(end);
        if piece.is_none() && first != '#' {
            pieces.push(Piece { variable: None, start, hidden: start..line_end, end });
        }
        pieces.extend(piece);
        at = line_end + scan.char_at(line_end).map_or(0, char::len_utf8);
    }
    Parsed { text, pieces }
}

/// Says what a regular expression of JavaScript's takes for white space.
fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// Says what ends a line there.
fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\u{2028}' | '\u{2029}')
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

struct Scan<'t>(&'t str);

impl Scan<'_> {
    fn rest(&self, at: usize) -> &str {
        self.0.get(at..).unwrap_or_default()
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.rest(at).chars().next()
    }

    /// Returns the place behind whatever is `taken` from here on.
    fn behind(&self, at: usize, taken: impl Fn(char) -> bool) -> usize {
        at + self.rest(at).find(|c| !taken(c)).unwrap_or_else(|| self.rest(at).len())
    }

    fn behind_space(&self, at: usize) -> usize {
        self.behind(at, is_space)
    }

    fn line_end(&self, at: usize) -> usize {
        self.behind(at, |c| !ends_line(c))
    }

    /// Reads the variable that begins here, perhaps behind `export`.
    fn variable(&self, at: usize) -> Option<Piece> {
        let behind_export = self.rest(at).starts_with("export").then(|| at + "export".len());
        let exported = behind_export.map(|end| (end, self.behind_space(end))).filter(|(end, name)| name > end);
        exported.and_then(|(_, name)| self.named(name)).or_else(|| self.named(at))
    }

    fn named(&self, at: usize) -> Option<Piece> {
        let name_end = self.behind(at, is_name);
        let name = self.0.get(at..name_end).filter(|name| !name.is_empty())?;
        let equals = self.behind_space(name_end);
        let value_at = if self.char_at(equals) == Some('=') {
            equals + 1
        } else {
            let colon = self.rest(name_end).strip_prefix(':')?;
            name_end + 1 + colon.chars().next().filter(|c| is_space(*c))?.len_utf8()
        };
        let (value_end, end) = self.value(value_at)?;
        let value = meaning(self.0.get(value_at..value_end)?);
        Some(Piece { variable: Some((name.to_owned(), value)), start: at, hidden: value_at..end, end })
    }

    /// Returns the end of the value that begins here, and of the comment behind it.
    fn value(&self, at: usize) -> Option<(usize, usize)> {
        let quoted = self.closings(self.behind_space(at)).into_iter().map(|quote| quote + 1);
        let mut quoted = quoted.filter_map(|end| Some((end, self.end_behind(end)?)));
        quoted.next().or_else(|| {
            let end = self.behind(at, |c| !matches!(c, '#' | '\n'));
            Some((end, self.end_behind(end)?))
        })
    }

    /// Returns the quotes that may close the one here, the likeliest first: one without a backslash before it, otherwise the last.
    fn closings(&self, open: usize) -> Vec<usize> {
        let Some(quote) = self.char_at(open).filter(|c| matches!(c, '\'' | '"' | '`')) else { return Vec::new() };
        let mut escaped = Vec::new();
        let mut is_escaped = false;
        for (index, c) in self.rest(open).char_indices().skip(1) {
            if c == quote && !is_escaped {
                escaped.push(open + index);
                break;
            }
            if c == quote {
                escaped.push(open + index);
            }
            is_escaped = c == '\\';
        }
        escaped.reverse();
        escaped
    }

    /// Returns the end of the line that nothing but white space and a comment is left of; lines that are blank go with it.
    fn end_behind(&self, at: usize) -> Option<usize> {
        let behind = self.behind_space(at);
        match self.char_at(behind) {
            None => Some(behind),
            Some('#') => Some(self.line_end(behind)),
            Some(_) => self.0.get(at..behind)?.rfind(ends_line).map(|index| at + index),
        }
    }
}

/// Returns the value that is meant by one as it is written.
fn meaning(written: &str) -> String {
    let trimmed = written.trim_matches(is_space);
    let value = unquoted(trimmed);
    if trimmed.starts_with('"') { value.replace("\\n", "\n").replace("\\r", "\r") } else { value }
}

/// Removes the quotes around lines of a value.
fn unquoted(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut begins_line = true;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_open = begins_line && matches!(c, '\'' | '"' | '`');
        let close = is_open.then(|| {
            let closes = |at: &usize| {
                rest.get(at + 1..).is_some_and(|behind| behind.is_empty() || behind.starts_with(ends_line))
            };
            rest.rmatch_indices(c).map(|(at, _)| at).filter(|at| *at > 0).find(closes)
        });
        let taken = if let Some(close) = close.flatten() {
            value.push_str(rest.get(1..close).unwrap_or_default());
            close + 1
        } else {
            value.push(c);
            c.len_utf8()
        };
        begins_line = ends_line(c);
        rest = rest.get(taken..).unwrap_or_default();
    }
    value
}
