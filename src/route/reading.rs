//! The one reading of a request path: what is refused because a gateway and an upstream could read it differently.
//!
//! Servers differ in what they do to a path before they act on it: some merge empty segments (`//`), some cut what follows
//! a `;` in a segment, most decode `%61` to `a`, some decode before they split or resolve dot segments. A path whose segments
//! could change number or place is refused outright. For the rest this module computes the **reduced** path, to which all of
//! the harmless-looking reductions were applied; [`super::table`] looks up both and refuses when they lead to different routes.
//!
//! One comparison covers every combination of reductions. Literals of patterns are canonical, never empty before the end of
//! a pattern and have no `;`, and a segment that its cut would leave empty is refused here. Therefore a literal that matches a
//! segment in any reading matches it in the reduced one as well, and a segment is empty in all readings or in none. So a route
//! that the path as it is and the reduced path agree upon is matched by each reading between them, and a better one that
//! matched such a reading would match the reduced path too.
//!
//! It does **not** look at routes, does not change the path that is forwarded, and does not know letter case or a last slash:
//! [`super::loose`] does.

use std::borrow::Cow;
use std::fmt;

use super::segment;

/// Why a path is not routed: the gateway and an upstream could disagree on what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ambiguity {
    /// A segment has an encoded slash, and the route found does not allow one.
    EncodedSlash,
    /// A segment has a backslash, encoded or not.
    Backslash,
    /// A segment is `.` or `..` once decoded, or once its `;` parameters are cut.
    DotSegment,
    /// A segment has a control character, encoded or not.
    ControlCharacter,
    /// A `%` is not followed by two hex digits: servers drop it, keep it, refuse it, or read `%u002f`.
    MalformedEscape,
    /// A segment has UTF-8 that is longer than it may be: some old servers decode it to ASCII.
    OverlongEncoding,
    /// Merging empty segments, cutting `;` parameters or decoding leads to another route.
    ReadingsDiffer,
    /// Read loosely, as in another letter case or without its last slash, it matches a route that requires more.
    StricterReading,
    /// The text is not a path that a URL parser yields: it does not begin with `/`, or has `?` or `#`.
    NotNormalised,
}

impl Ambiguity {
    /// Returns the stable word for the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EncodedSlash => "encoded_slash",
            Self::Backslash => "backslash",
            Self::DotSegment => "dot_segment",
            Self::ControlCharacter => "control_character",
            Self::MalformedEscape => "malformed_escape",
            Self::OverlongEncoding => "overlong_encoding",
            Self::ReadingsDiffer => "readings_differ",
            Self::StricterReading => "stricter_reading",
            Self::NotNormalised => "not_normalised",
        }
    }
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The spellings of a path under which its route is looked up.
#[derive(Debug)]
pub(super) struct Readings<'p> {
    /// The path as it is; every segment in its canonical spelling, as many and in the same places as in the request.
    pub(super) standing: Cow<'p, str>,
    /// The reduced path, if it is not the same.
    pub(super) reduced: Option<String>,
    /// Whether some segment has an encoded slash, which the route has to allow.
    pub(super) encoded_slash: bool,
}

impl<'p> Readings<'p> {
    /// Reads a path in one pass; a path with nothing to decode, cut or merge is borrowed as it is.
    ///
    /// # Errors
    ///
    /// An [`Ambiguity`] for a path that is refused whatever the routes are.
    pub(super) fn of(path: &'p str) -> Result<Self, Ambiguity> {
        let Some(rest) = path.strip_prefix('/') else {
            return Err(Ambiguity::NotNormalised);
        };
        if is_plain(path) {
            return Ok(Self { standing: Cow::Borrowed(path), reduced: None, encoded_slash: false });
        }
        let mut standing = String::with_capacity(path.len());
        let mut reduced = String::with_capacity(path.len());
        let mut encoded_slash = false;
        let mut decoded = Vec::new();
        let mut rest = Some(rest);
        while let Some(text) = rest {
            let (segment, after) = segment::split_first(text);
            rest = after;
            segment::decode_into(segment.as_bytes(), &mut decoded)
                .map_err(|segment::MalformedEscape| Ambiguity::MalformedEscape)?;
            encoded_slash |= validate_segment(segment, &decoded)?;
            standing.push('/');
            segment::push_standing(segment, &mut standing);
            if segment.is_empty() && rest.is_some() {
                continue;
            }
            reduced.push('/');
            segment::push_canonical(segment::without_parameters(&decoded), &mut reduced);
        }
        let reduced = (reduced != standing).then_some(reduced);
        Ok(Self { standing: Cow::Owned(standing), reduced, encoded_slash })
    }
}

/// Checks whether a path has only one reading and one spelling.
fn is_plain(path: &str) -> bool {
    let mut after_slash = false;
    path.bytes().all(|byte| {
        let plain = match byte {
            b'/' | b'.' => !after_slash,
            b'%' | b';' | b'\\' => false,
            _ => !segment::is_path_encoded(byte),
        };
        after_slash = byte == b'/';
        plain
    })
}

/// Judges one segment, and returns whether it has an encoded slash.
fn validate_segment(segment: &str, decoded: &[u8]) -> Result<bool, Ambiguity> {
    if segment.contains(['?', '#']) {
        return Err(Ambiguity::NotNormalised);
    }
    let encoded_slash = validate_bytes(decoded)?;
    // An admitted encoded slash must not smuggle in what would be refused between two plain ones.
    let mut pieces = decoded.split(|&byte| byte == b'/');
    if pieces.any(|piece| segment::is_dot_segment(segment::without_parameters(piece))) {
        return Err(Ambiguity::DotSegment);
    }
    if !decoded.is_empty() && segment::without_parameters(decoded).is_empty() {
        return Err(Ambiguity::ReadingsDiffer);
    }
    Ok(encoded_slash)
}

/// Judges the characters of a decoded segment, and returns whether one is a slash.
pub(super) fn validate_bytes(decoded: &[u8]) -> Result<bool, Ambiguity> {
    let mut before = 0;
    for &byte in decoded {
        // What fits into fewer bytes is never written in so many (RFC 3629 section 3).
        let is_overlong =
            matches!((before, byte), (0xc0 | 0xc1, 0x80..=0xbf) | (0xe0, 0x80..=0x9f) | (0xf0, 0x80..=0x8f));
        if is_overlong {
            return Err(Ambiguity::OverlongEncoding);
        }
        if byte == b'\\' {
            return Err(Ambiguity::Backslash);
        }
        if segment::is_control(byte) {
            return Err(Ambiguity::ControlCharacter);
        }
        before = byte;
    }
    Ok(decoded.contains(&b'/'))
}
