//! The path pattern of a route.
//!
//! `{name}` matches one non-empty segment; a last `{.+}` or `{name+}` matches the rest, and also none of it. Everything else is
//! literal and stored in its canonical spelling, so `/café` in a config is what a browser requests as `/caf%C3%A9`.
//!
//! It does **not** match paths (the tree of [`super::trie`] does), and has no regular expressions.

use std::fmt;

use super::limits::{MAX_PATTERN_BYTES, MAX_SEGMENTS};
use super::pattern_error::PatternError;
use super::segment;
use crate::split::split_last;

/// The paths that a route matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
}

/// A segment of a pattern. Of those that match a path, the lesser precedes the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Segment<'p> {
    /// Canonical text; empty only as the last segment, after a trailing slash.
    Literal(&'p str),
    /// One segment, whatever its name.
    Parameter,
    /// The rest of a path, whatever its name.
    Wildcard,
    /// No further segment.
    End,
}

impl<'p> Segment<'p> {
    /// Returns what a host is, as the first segment before those of a pattern: those of no host come last.
    pub(super) fn of_host(host: &'p str) -> Self {
        if host.is_empty() { Self::End } else { Self::Literal(host) }
    }

    /// Returns what a piece of a pattern's text is: a literal has its braces encoded.
    pub(super) fn of(piece: &'p str) -> Self {
        match piece.as_bytes() {
            [b'{', .., b'+', b'}'] => Self::Wildcard,
            [b'{', ..] => Self::Parameter,
            _ => Self::Literal(piece),
        }
    }
}

/// Yields the segments of a pattern's text, its wildcard included.
pub(super) fn segments(text: &str) -> impl Iterator<Item = Segment<'_>> {
    text.split('/').skip(1).map(Segment::of)
}

/// Yields the name of each segment of a pattern's text, its wildcard included; a literal and `{.+}` have none.
pub(super) fn names(text: &str) -> impl Iterator<Item = Option<&str>> {
    text.split('/').skip(1).map(|piece| {
        let inside = piece.strip_prefix('{')?.strip_suffix('}')?;
        Some(inside.strip_suffix('+').unwrap_or(inside)).filter(|name| *name != ".")
    })
}

/// Returns what a path that matches a pattern's text has for the parameter of this name: a segment decoded, the rest of a path as it was
/// sent, because a slash that was decoded would look like one that was not. A segment that is no UTF-8 has no text.
pub fn parameter(pattern: &str, path: &str, name: &str) -> Option<String> {
    let index = names(pattern).position(|own| own == Some(name))?;
    let rest = path.splitn(index + 2, '/').nth(index + 1)?;
    if segments(pattern).nth(index) == Some(Segment::Wildcard) {
        return Some(rest.to_owned());
    }
    let mut decoded = Vec::new();
    segment::decode_into(segment::split_first(rest).0.as_bytes(), &mut decoded).ok()?;
    String::from_utf8(decoded).ok()
}

/// Checks whether a pattern's text ends in a wildcard.
pub(super) fn is_wildcard(text: &str) -> bool {
    matches!(text.as_bytes(), [.., b'+', b'}'])
}

/// Returns what is before the wildcard of a pattern's text, if that is all literal.
pub(super) fn literal_prefix(text: &str) -> Option<&str> {
    let (prefix, _) = split_last(text, b'/').filter(|_| is_wildcard(text))?;
    (!prefix.as_bytes().contains(&b'{')).then_some(prefix)
}

impl Pattern {
    /// Parses a pattern and brings its literals into their canonical spelling.
    ///
    /// # Errors
    ///
    /// The first [`PatternError`] from the left.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(PatternError::NotAbsolute { found: text.into() });
        };
        let mut canonical = String::with_capacity(text.len());
        let mut pieces = rest.split('/').enumerate().peekable();
        while let Some((index, piece)) = pieces.next() {
            push_piece(text, piece, index, pieces.peek().is_none(), &mut canonical)?;
        }
        if canonical.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong { found: canonical.len() });
        }
        Ok(Self { text: canonical.into() })
    }

    /// Returns the pattern with its literals in canonical spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Checks whether the pattern ends in `{.+}` or `{name+}`.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        is_wildcard(&self.text)
    }

    /// Returns the text before the wildcard, if that is all literal: `/a` for `/a/{.+}`, and nothing for `/{.+}`.
    #[must_use]
    pub fn literal_prefix(&self) -> Option<&str> {
        literal_prefix(&self.text)
    }

    /// Returns the path itself, or what is before its wildcard, if that is all literal.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        if self.is_wildcard() {
            return self.literal_prefix();
        }
        (!self.text.as_bytes().contains(&b'{')).then_some(&*self.text)
    }

    /// Checks whether these are its first segments, all of them literal and in their canonical spelling; no segments are.
    #[must_use]
    pub fn begins_with(&self, prefix: &str) -> bool {
        self.text.strip_prefix(prefix).is_some_and(|behind| behind.is_empty() || behind.starts_with('/'))
    }

    /// Returns a text in its canonical spelling if it is the first segments of the pattern, all of them literal; the empty one is.
    #[must_use]
    pub fn prefix(&self, text: &str) -> Option<String> {
        if text.is_empty() {
            return Some(String::new());
        }
        let prefix = Self::parse(text).ok()?.text;
        let is_literal = !prefix.ends_with('/') && !prefix.as_bytes().contains(&b'{');
        (is_literal && self.begins_with(&prefix)).then(|| prefix.into())
    }

    /// Yields the names of the parameters from the left, that of a wildcard last.
    pub fn param_names(&self) -> impl Iterator<Item = &str> {
        names(&self.text).flatten()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Appends a piece of a pattern, which has this index and may be the last, to those before it.
fn push_piece(pattern: &str, piece: &str, index: usize, last: bool, before: &mut String) -> Result<(), PatternError> {
    if is_wildcard(before) {
        return Err(PatternError::WildcardNotLast { pattern: pattern.into() });
    }
    if piece.is_empty() && !last {
        return Err(PatternError::EmptySegment { pattern: pattern.into() });
    }
    if index == MAX_SEGMENTS {
        return Err(PatternError::TooManySegments { found: pattern.split('/').count() - 1 });
    }
    if !piece.contains(['{', '}']) {
        before.push('/');
        before.push_str(&parse_literal(piece)?);
        return Ok(());
    }
    let inside = parse_braces(piece)?;
    if inside != ".+" {
        let name = inside.strip_suffix('+').unwrap_or(inside);
        if !is_parameter_name(name) {
            return Err(PatternError::BadParameterName { found: name.into() });
        }
        if names(before).flatten().any(|other| other == name) {
            return Err(PatternError::DuplicateParameter { name: name.into() });
        }
    }
    before.push('/');
    before.push_str(piece);
    Ok(())
}

/// Returns the text between the braces of a segment, if it has any.
fn parse_braces(piece: &str) -> Result<&str, PatternError> {
    let inside = piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}'));
    if let Some(inside) = inside.filter(|inside| !inside.contains(['{', '}'])) {
        return Ok(inside);
    }
    let mut open = false;
    for character in piece.chars() {
        match character {
            '{' if !open => open = true,
            '}' if open => open = false,
            '{' | '}' => {
                return Err(PatternError::UnbalancedBraces { segment: piece.into() });
            }
            _ => {}
        }
    }
    if open {
        Err(PatternError::UnbalancedBraces { segment: piece.into() })
    } else {
        Err(PatternError::PartialSegment { segment: piece.into() })
    }
}

/// Parses a literal segment into its canonical spelling.
fn parse_literal(piece: &str) -> Result<String, PatternError> {
    let segment = || piece.into();
    if matches!(piece, "*" | "**") || piece.starts_with(':') {
        return Err(PatternError::ForeignSyntax { segment: segment() });
    }
    if piece.contains(['?', '#']) {
        return Err(PatternError::QueryOrFragment { segment: segment() });
    }
    let mut decoded = Vec::with_capacity(piece.len());
    if segment::decode_into(piece.as_bytes(), &mut decoded).is_err() {
        return Err(PatternError::MalformedEscape { segment: segment() });
    }
    for &byte in &decoded {
        match byte {
            b'/' | b'\\' => return Err(PatternError::EncodedSeparator { segment: segment() }),
            b';' => return Err(PatternError::Semicolon { segment: segment() }),
            byte if segment::is_control(byte) => {
                return Err(PatternError::ControlCharacter { segment: segment() });
            }
            _ => {}
        }
    }
    if segment::is_dot_segment(&decoded) {
        return Err(PatternError::DotSegment { segment: segment() });
    }
    let mut canonical = String::with_capacity(piece.len());
    segment::push_canonical(&decoded, &mut canonical);
    Ok(canonical)
}

fn is_parameter_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'))
}
