//! The path pattern of a route.
//!
//! `{name}` matches one non-empty segment; a last `{.+}` or `{name+}` matches the rest, and also none of it. Everything else is
//! literal and stored in its canonical spelling, so `/café` in a config is what a browser requests as `/caf%C3%A9`.
//!
//! It does **not** match paths (the tree of [`super::trie`] does), and has no regular expressions.

use std::fmt;

use super::limits::{MAX_PATTERN_BYTES, MAX_SEGMENTS};
use super::loose;
use super::pattern_error::PatternError;
use super::segment;

/// The paths that a route matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
    segments: Box<[Segment]>,
    wildcard: Option<Wildcard>,
}

/// One segment of a pattern before its wildcard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    /// Canonical text; empty only as the last segment, after a trailing slash.
    Literal(Box<str>),
    /// The name of a parameter.
    Parameter(Box<str>),
}

/// The wildcard at the end of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Wildcard {
    name: Option<Box<str>>,
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
        let mut draft = Draft::default();
        let mut pieces = rest.split('/').peekable();
        while let Some(piece) = pieces.next() {
            draft.push(text, piece, pieces.peek().is_none())?;
        }
        if draft.text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong { found: draft.text.len() });
        }
        Ok(Self { text: draft.text.into(), segments: draft.segments.into(), wildcard: draft.wildcard })
    }

    /// Returns the pattern with its literals in canonical spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Checks whether the pattern ends in `{.+}` or `{name+}`.
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        self.wildcard.is_some()
    }

    /// Returns the text before the wildcard, if that is all literal: `/a` for `/a/{.+}`, and nothing for `/{.+}`.
    #[must_use]
    pub fn literal_prefix(&self) -> Option<&str> {
        let literal = self.segments.iter().all(|segment| matches!(segment, Segment::Literal(_)));
        if self.is_wildcard() && literal { self.text.rsplit_once('/').map(|(prefix, _)| prefix) } else { None }
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
        let names = self.segments.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(&**name),
            Segment::Literal(_) => None,
        });
        names.chain(self.wildcard_name())
    }

    /// Checks whether it is read loosely as it is.
    pub(super) fn is_plain(&self) -> bool {
        let mut literals = self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(text) => Some(&**text),
            Segment::Parameter(_) => None,
        });
        literals.all(loose::is_plain) && (self.text.len() == 1 || !self.text.ends_with('/'))
    }

    /// Checks whether it matches the same paths, whatever its parameters are called.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_same = |(one, other): (&Segment, &Segment)| match (one, other) {
            (Segment::Parameter(_), Segment::Parameter(_)) => true,
            (one, other) => one == other,
        };
        self.is_wildcard() == other.is_wildcard()
            && self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(is_same)
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(super) fn wildcard_name(&self) -> Option<&str> {
        self.wildcard.as_ref().and_then(|wildcard| wildcard.name.as_deref())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A pattern while it is parsed.
#[derive(Default)]
struct Draft {
    text: String,
    segments: Vec<Segment>,
    wildcard: Option<Wildcard>,
}

impl Draft {
    fn push(&mut self, pattern: &str, piece: &str, last: bool) -> Result<(), PatternError> {
        if self.wildcard.is_some() {
            return Err(PatternError::WildcardNotLast { pattern: pattern.into() });
        }
        if piece.is_empty() && !last {
            return Err(PatternError::EmptySegment { pattern: pattern.into() });
        }
        if self.segments.len() == MAX_SEGMENTS {
            return Err(PatternError::TooManySegments { found: pattern.split('/').count() - 1 });
        }
        self.text.push('/');
        if !piece.contains(['{', '}']) {
            let literal = parse_literal(piece)?;
            self.text.push_str(&literal);
            self.segments.push(Segment::Literal(literal.into()));
            return Ok(());
        }
        let inside = parse_braces(piece)?;
        self.text.push_str(piece);
        if inside == ".+" {
            self.wildcard = Some(Wildcard { name: None });
            return Ok(());
        }
        let name = inside.strip_suffix('+').unwrap_or(inside);
        if !is_parameter_name(name) {
            return Err(PatternError::BadParameterName { found: name.into() });
        }
        if self.segments.iter().any(|segment| matches!(segment, Segment::Parameter(other) if **other == *name)) {
            return Err(PatternError::DuplicateParameter { name: name.into() });
        }
        if inside.ends_with('+') {
            self.wildcard = Some(Wildcard { name: Some(name.into()) });
        } else {
            self.segments.push(Segment::Parameter(name.into()));
        }
        Ok(())
    }
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
