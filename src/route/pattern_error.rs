//! What can be wrong with a path pattern, in words for its author.
//!
//! It does **not** know the pattern's place in a file: the config adds that.

use std::error::Error;
use std::fmt;

use super::limits::{MAX_PATTERN_BYTES, MAX_SEGMENTS};

/// Why a text is not a path pattern; its `Display` says what is wrong and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternError {
    /// It does not begin with `/`.
    NotAbsolute {
        /// The text.
        found: String,
    },
    /// The path has a double slash.
    EmptySegment {
        /// The whole pattern.
        pattern: String,
    },
    /// A brace has no partner in its segment.
    UnbalancedBraces {
        /// The segment.
        segment: String,
    },
    /// A parameter is only a part of its segment.
    PartialSegment {
        /// The segment.
        segment: String,
    },
    /// The name between the braces is not a parameter name.
    BadParameterName {
        /// The name, without the `+` of a wildcard.
        found: String,
    },
    /// Two parameters have one name.
    DuplicateParameter {
        /// The name.
        name: String,
    },
    /// Something follows the wildcard.
    WildcardNotLast {
        /// The whole pattern.
        pattern: String,
    },
    /// A segment is `*`, `**` or `:name`, which other routers read as a wildcard or a parameter.
    ForeignSyntax {
        /// The segment.
        segment: String,
    },
    /// A segment has `?` or `#`.
    QueryOrFragment {
        /// The segment.
        segment: String,
    },
    /// A segment is `.` or `..`, encoded or not.
    DotSegment {
        /// The segment.
        segment: String,
    },
    /// A segment has `%2F`, or a backslash, encoded or not.
    EncodedSeparator {
        /// The segment.
        segment: String,
    },
    /// A segment has `;`, encoded or not.
    Semicolon {
        /// The segment.
        segment: String,
    },
    /// A segment has a control character, encoded or not.
    ControlCharacter {
        /// The segment.
        segment: String,
    },
    /// A `%` is not followed by two hex digits.
    MalformedEscape {
        /// The segment.
        segment: String,
    },
    /// It is longer than [`MAX_PATTERN_BYTES`].
    TooLong {
        /// Its length in bytes, in canonical spelling.
        found: usize,
    },
    /// It has more segments than [`MAX_SEGMENTS`].
    TooManySegments {
        /// How many it has.
        found: usize,
    },
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAbsolute { found } if is_url(found) => write!(f, "the path \"{found}\" is a whole URL"),
            Self::NotAbsolute { found } => write!(f, "the path \"{found}\" does not begin with `/`"),
            Self::EmptySegment { .. } => f.write_str("the path has a double slash"),
            Self::UnbalancedBraces { segment } => write!(f, "\"{segment}\" has unpaired braces"),
            Self::PartialSegment { segment } => write!(f, "\"{segment}\" mixes a parameter with other text"),
            Self::BadParameterName { found } if found.is_empty() => f.write_str("a parameter has no name"),
            Self::BadParameterName { found } => write!(f, "\"{found}\" is not a parameter name"),
            Self::DuplicateParameter { name } => write!(f, "two parameters are named `{name}`"),
            Self::WildcardNotLast { pattern } => write!(f, "something follows the wildcard in \"{pattern}\""),
            Self::ForeignSyntax { segment } if foreign_name(segment).is_some() => {
                write!(f, "\"{segment}\" is not written as a parameter")
            }
            Self::ForeignSyntax { segment } => {
                write!(f, "\"{segment}\" is not written as a wildcard or a parameter")
            }
            Self::QueryOrFragment { segment } => write!(f, "\"{segment}\" has a query or a fragment"),
            Self::DotSegment { segment } => write!(f, "\"{segment}\" is a dot segment, which no request path has"),
            Self::EncodedSeparator { segment } => write!(f, "\"{segment}\" has an encoded slash or a backslash"),
            Self::Semicolon { segment } => {
                write!(f, "\"{segment}\" has `;`, at which many servers cut a path off")
            }
            Self::ControlCharacter { segment } => {
                write!(f, "\"{segment}\" has a control character")
            }
            Self::MalformedEscape { segment } => {
                write!(f, "a `%` in \"{segment}\" is not followed by two hex digits")
            }
            Self::TooLong { found } => {
                write!(f, "the path has {found} bytes once encoded, more than {MAX_PATTERN_BYTES}")
            }
            Self::TooManySegments { found } => write!(f, "the path has {found} segments, more than {MAX_SEGMENTS}"),
        }?;
        self.write_advice(f)
    }
}

impl PatternError {
    /// Writes what to write instead, on the host only: the Worker's log has only what is wrong.
    #[cfg(target_os = "unknown")]
    fn write_advice(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    /// Writes what to write instead, on the host only: the Worker's log has only what is wrong.
    #[cfg(not(target_os = "unknown"))]
    fn write_advice(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(": ")?;
        match self {
            Self::NotAbsolute { found } if is_url(found) => f.write_str("write only its path, beginning with `/`"),
            Self::NotAbsolute { found } => write!(f, "write \"/{found}\""),
            Self::EmptySegment { pattern } => write!(f, "write \"{}\"", merge_slashes(pattern)),
            Self::UnbalancedBraces { .. } => {
                f.write_str("write a parameter as `{name}`, and a literal brace as `%7B` or `%7D`")
            }
            Self::PartialSegment { .. } => {
                f.write_str("a parameter is a whole segment, so write only `{name}` between two slashes")
            }
            Self::BadParameterName { found } if found.is_empty() => {
                f.write_str("write `{name}`, or `{.+}` at the end for the rest of the path")
            }
            Self::BadParameterName { .. } => {
                f.write_str("write an ASCII letter or `_`, then letters, digits, `_` or `-`, as in `{order_id}`")
            }
            Self::DuplicateParameter { name } => write!(f, "give one of them another name, as in `{{{name}_2}}`"),
            Self::WildcardNotLast { .. } => f.write_str(
                "`{.+}` and `{name+}` match the rest of the path, so end the pattern there, or write `{name}` for a single \
                 segment",
            ),
            Self::ForeignSyntax { segment } => match foreign_name(segment) {
                Some(name) => write!(f, "write `{{{name}}}`, or `%3A{name}` if the colon is literal"),
                None => f.write_str(
                    "write `{name}` for one segment, `{.+}` at the end for the rest, or `%2A` for a literal asterisk and `%3A` for a literal colon",
                ),
            },
            Self::QueryOrFragment { .. } => f.write_str(
                "routes match only paths, so end the pattern before the `?` or `#` (`%3F` and `%23` if they are literal)",
            ),
            Self::DotSegment { .. } => f.write_str("write the path that it leads to"),
            Self::EncodedSeparator { .. } => f.write_str(
                "write `/` between segments; for values with slashes, write `{name}` and set \"encoded_slashes\": true",
            ),
            Self::Semicolon { .. } => f.write_str("write `{name}` for the segment, or remove the `;`"),
            Self::ControlCharacter { .. } => f.write_str("remove it"),
            Self::MalformedEscape { .. } => f.write_str("write `%25` for a percent sign"),
            Self::TooLong { .. } => f.write_str("write a shorter one, or a parameter or wildcard for a part of it"),
            Self::TooManySegments { .. } => f.write_str("write a shorter one that ends in `{.+}`"),
        }
    }
}

impl Error for PatternError {}

fn is_url(text: &str) -> bool {
    text.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//"))
}

/// Returns the name in a parameter as other routers write it, `:name`.
fn foreign_name(segment: &str) -> Option<&str> {
    segment.strip_prefix(':').filter(|name| !name.is_empty())
}

#[cfg(not(target_os = "unknown"))]
fn merge_slashes(pattern: &str) -> String {
    let mut merged = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    merged
}
