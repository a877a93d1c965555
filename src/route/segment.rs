//! One path segment: decoding it once, and the two spellings in which segments are compared.
//!
//! The **canonical** spelling is what the literals of a pattern are stored in: everything decoded, then encoded again only
//! where the WHATWG URL parser would, and with `/`, `\` and `%` encoded. Two segments have the same canonical spelling exactly
//! when they decode to the same bytes. The **standing** spelling of a segment keeps it as it is but for differences that no
//! server can act upon: the case of hex digits, and characters that a URL parser encodes.
//!
//! It does **not** judge segments: [`super::reading`] and [`super::pattern`] do.

use crate::encoding::push_percent_encoded;
pub(super) use crate::encoding::{MalformedEscape, decode_percent_into as decode_into};

/// Splits the text after a slash into its first segment and what follows the next slash, if there is one.
pub(super) fn split_first(rest: &str) -> (&str, Option<&str>) {
    match rest.split_once('/') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (rest, None),
    }
}

/// Appends the canonical spelling of a decoded segment.
pub(super) fn push_canonical(decoded: &[u8], text: &mut String) {
    for &byte in decoded {
        if is_path_encoded(byte) || matches!(byte, b'/' | b'\\' | b'%') {
            push_percent_encoded(byte, text);
        } else {
            text.push(char::from(byte));
        }
    }
}

/// Appends the standing spelling of a segment whose escapes are well-formed.
pub(super) fn push_standing(segment: &str, text: &mut String) {
    let mut hex_digits_due = 0_u8;
    for byte in segment.bytes() {
        if hex_digits_due > 0 {
            hex_digits_due -= 1;
            text.push(char::from(byte.to_ascii_uppercase()));
        } else if is_path_encoded(byte) {
            push_percent_encoded(byte, text);
        } else {
            text.push(char::from(byte));
            if byte == b'%' {
                hex_digits_due = 2;
            }
        }
    }
}

/// Checks whether a decoded segment is `.` or `..`, which a server resolves against its neighbours.
pub(super) fn is_dot_segment(decoded: &[u8]) -> bool {
    matches!(decoded, b"." | b"..")
}

/// Checks whether a byte is a control character of ASCII.
pub(super) const fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

/// Checks whether a byte is in the path percent-encode set of the WHATWG URL standard.
///
/// `^` joined that set in 2023, so parsers disagree on it: this is why a request is put into its standing spelling.
pub(super) const fn is_path_encoded(byte: u8) -> bool {
    byte <= 0x20 || byte >= 0x7f || matches!(byte, b'"' | b'#' | b'<' | b'>' | b'?' | b'^' | b'`' | b'{' | b'}')
}

/// Returns the part of a decoded segment before its parameters (`;`, RFC 3986 section 3.3).
pub(super) fn without_parameters(decoded: &[u8]) -> &[u8] {
    decoded.split(|&byte| byte == b';').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_canonical_where_they_decode_to_the_same_bytes() {
        for (message, segment, canonical, standing) in [
            ("plain text stays", "orders", "orders", "orders"),
            ("hex digits become upper case", "caf%c3%a9", "caf%C3%A9", "caf%C3%A9"),
            ("non-ASCII is encoded", "café", "caf%C3%A9", "caf%C3%A9"),
            ("needless escapes stay only where they stand", "%61dmin", "admin", "%61dmin"),
            ("an encoded slash never becomes a slash", "a%2fb", "a%2Fb", "a%2Fb"),
            ("an encoded percent sign stays one", "%252f", "%252f", "%252f"),
            ("a circumflex is spelled one way", "a^b", "a%5Eb", "a%5Eb"),
            ("bytes need not be UTF-8", "%ff", "%FF", "%FF"),
        ] {
            let (mut decoded, mut text) = (Vec::new(), String::new());
            assert_eq!(decode_into(segment.as_bytes(), &mut decoded), Ok(()), "{message}");
            push_canonical(&decoded, &mut text);
            assert_eq!(text, canonical, "{message}: canonical");
            text.clear();
            push_standing(segment, &mut text);
            assert_eq!(text, standing, "{message}: standing");
        }
    }
}
