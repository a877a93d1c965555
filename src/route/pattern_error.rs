//! What can be wrong with a path pattern, in words for whoever wrote it.
//!
//! It does **not** know where the pattern stands in a file: the config adds that.

use std::error::Error;
use std::fmt;

use super::pattern::{MAX_PATTERN_BYTES, MAX_SEGMENTS};

/// Why a text is not a path pattern; its `Display` says what is wrong and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternError {
    /// It does not begin with `/`.
    NotAbsolute {
        /// The text.
        found: String,
    },
    /// Two slashes stand side by side.
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
    /// A segment holds `?` or `#`.
    QueryOrFragment {
        /// The segment.
        segment: String,
    },
    /// A segment is `.` or `..`, encoded or not.
    DotSegment {
        /// The segment.
        segment: String,
    },
    /// A segment holds `%2F`, or a backslash, encoded or not.
    EncodedSeparator {
        /// The segment.
        segment: String,
    },
    /// A segment holds `;`, encoded or not.
    Semicolon {
        /// The segment.
        segment: String,
    },
    /// A segment holds a control character, encoded or not.
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
            Self::NotAbsolute { found } if found.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//")) => {
                write!(f, "the path \"{found}\" is a whole URL: write only its path, beginning with `/`")
            }
            Self::NotAbsolute { found } => {
                write!(f, "the path \"{found}\" does not begin with `/`: write \"/{found}\"")
            }
            Self::EmptySegment { pattern } => {
                write!(f, "two slashes stand side by side: write \"{}\"", merge_slashes(pattern))
            }
            Self::UnbalancedBraces { segment } => write!(
                f,
                "a brace in \"{segment}\" has no partner: write a parameter as `{{name}}`, and a brace that is meant as \
                 text as `%7B` or `%7D`"
            ),
            Self::PartialSegment { segment } => write!(
                f,
                "\"{segment}\" mixes a parameter with other text: a parameter is a whole segment, so write `{{name}}` alone \
                 between two slashes"
            ),
            Self::BadParameterName { found } if found.is_empty() => {
                f.write_str("a parameter has no name: write `{name}`, or `{.+}` at the end for the rest of the path")
            }
            Self::BadParameterName { found } => write!(
                f,
                "\"{found}\" is not a parameter name: write an ASCII letter or `_`, then letters, digits, `_` or `-`, as in \
                 `{{order_id}}`"
            ),
            Self::DuplicateParameter { name } => {
                write!(f, "two parameters are named `{name}`: give one of them another name, as in `{{{name}_2}}`")
            }
            Self::WildcardNotLast { pattern } => write!(
                f,
                "something follows the wildcard in \"{pattern}\": `{{.+}}` and `{{name+}}` match the rest of the path, so end \
                 the pattern there, or write `{{name}}` for a single segment"
            ),
            Self::ForeignSyntax { segment } => match segment.strip_prefix(':').filter(|name| !name.is_empty()) {
                Some(name) => write!(
                    f,
                    "\"{segment}\" is not how a parameter is written: write `{{{name}}}`, or `%3A{name}` if the colon is meant \
                     as text"
                ),
                None => write!(
                    f,
                    "\"{segment}\" is not how a wildcard or a parameter is written: write `{{name}}` for one segment, `{{.+}}` \
                     at the end for the rest, or `%2A` for an asterisk and `%3A` for a colon that are meant as text"
                ),
            },
            Self::QueryOrFragment { segment } => write!(
                f,
                "\"{segment}\" holds a query or a fragment: routes match paths alone, so end the pattern before the `?` or `#` \
                 (`%3F` and `%23` where they are meant as text)"
            ),
            Self::DotSegment { segment } => {
                write!(
                    f,
                    "\"{segment}\" is a dot segment, which no request path holds: write the path that it leads to"
                )
            }
            Self::EncodedSeparator { segment } => write!(
                f,
                "\"{segment}\" holds an encoded slash or a backslash: write `/` between segments; for values that hold \
                 slashes, write `{{name}}` and set \"encoded_slashes\": true"
            ),
            Self::Semicolon { segment } => write!(
                f,
                "\"{segment}\" holds `;`, which many servers cut off together with what follows: write `{{name}}` for the \
                 segment, or leave the `;` out"
            ),
            Self::ControlCharacter { segment } => {
                write!(f, "\"{segment}\" holds a control character, which no request path may: leave it out")
            }
            Self::MalformedEscape { segment } => {
                write!(f, "a `%` in \"{segment}\" is not followed by two hex digits: write `%25` for a percent sign")
            }
            Self::TooLong { found } => write!(
                f,
                "the path has {found} bytes once encoded, more than {MAX_PATTERN_BYTES}: write a shorter one, or a \
                 parameter or wildcard for a part of it"
            ),
            Self::TooManySegments { found } => write!(
                f,
                "the path has {found} segments, more than {MAX_SEGMENTS}: write a shorter one that ends in `{{.+}}`"
            ),
        }
    }
}

impl Error for PatternError {}

fn merge_slashes(pattern: &str) -> String {
    let mut merged = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    merged
}
