//! The loose readings of a path: what a server may take it for that does not tell letter case or a last slash apart, as the
//! routers of many frameworks do not, or that has one of the habits below.
//!
//! [`super::reading`] has the readings under which a path must lead to one and the same route. These here may lead to another:
//! [`super::table`] refuses a path only if that route requires more. So a reading that no server has refuses little; one that is
//! left out lets requests past a guard. A server may have any selection of the habits, so each selection is a reading.
//!
//! It does **not** know routes, and reads no path that [`super::reading`] refuses.

use super::pattern::{Segment, segments};
use super::reading::validate_bytes;
use super::segment;

/// Splits off the query behind the decoding: an encoded `?` or `#` ends the path.
const CUTS: u8 = 1;

/// Drops spaces and dots at the end of a segment, as Windows does in names of files.
const TRIMS: u8 = 2;

/// Decodes once more, so that `%252F` becomes a slash.
const DECODES_TWICE: u8 = 4;

/// Keeps what is empty between two slashes that were encoded, as it does a segment that no literal and no parameter is.
const KEEPS_EMPTY: u8 = 8;

/// Every habit.
const ALL: u8 = CUTS | TRIMS | DECODES_TWICE | KEEPS_EMPTY;

/// Checks whether a path may be any other than its one loose reading.
pub(super) fn is_plain(path: &str) -> bool {
    let mut before = 0;
    let plain = path.bytes().all(|byte| {
        let plain = byte != b'%' && !byte.is_ascii_uppercase() && !(byte == b'/' && before == b'.');
        before = byte;
        plain
    });
    plain && (path.len() == 1 || !matches!(before, b'/' | b'.'))
}

/// Checks whether one of the readings of a path in its reduced spelling, with the last slash that it has, meets `condition`; one that could
/// lead anywhere is `None`.
pub(super) fn any_reading(path: &str, condition: impl Fn(Option<&str>) -> bool) -> bool {
    if is_plain(path) {
        return condition(Some(path));
    }
    // If nothing is encoded and no segment ends in a dot, no habit changes anything.
    let has_more = path.bytes().any(|byte| matches!(byte, b'%' | b'.'));
    let has_slashes = path.as_bytes().windows(3).any(|escape| escape == b"%25" || escape == b"%2F");
    let selections = if has_slashes {
        ALL
    } else if has_more {
        ALL ^ KEEPS_EMPTY
    } else {
        0
    };
    (0..=selections).any(|habits| condition(read(path, habits).as_deref()))
}

/// Checks whether a pattern is read loosely as it is written.
pub(super) fn is_plain_pattern(pattern: &str) -> bool {
    let mut literals = segments(pattern).filter_map(|segment| match segment {
        Segment::Literal(text) => Some(text),
        _ => None,
    });
    literals.all(is_plain) && (pattern.len() == 1 || !pattern.ends_with('/'))
}

/// Brings a pattern into the spelling in which readings are compared with it.
pub(super) fn fold_pattern(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    for (index, piece) in pattern.split('/').skip(1).enumerate() {
        // A last slash says nothing, unless it is all there is.
        if piece.is_empty() && index > 0 {
            continue;
        }
        text.push('/');
        if piece.starts_with('{') { text.push_str(piece) } else { text.push_str(&fold_literal(piece)) }
    }
    text
}

/// Brings a literal of a pattern into the spelling in which readings are compared with it.
fn fold_literal(literal: &str) -> String {
    let (mut decoded, mut text) = (Vec::new(), String::with_capacity(literal.len()));
    // Literals have only well-formed escapes.
    if segment::decode_into(literal.as_bytes(), &mut decoded).is_ok() {
        let name = trimmed(&decoded);
        push_folded(if name.is_empty() { &decoded } else { name }, &mut text);
    }
    text
}

/// Reads a path with a selection of the habits; `None` if it could lead anywhere.
fn read(path: &str, habits: u8) -> Option<String> {
    let (mut text, mut decoded, mut rest) = (String::with_capacity(path.len()), Vec::new(), path.strip_prefix('/'));
    while let Some(segments) = rest {
        let (segment, after) = segment::split_first(segments);
        rest = after;
        segment::decode_into(segment.as_bytes(), &mut decoded).ok()?;
        if habits & DECODES_TWICE > 0 {
            let once = std::mem::take(&mut decoded);
            // An invalid escape stays as it is.
            let _ = segment::decode_into(&once, &mut decoded);
        }
        // What is refused in a path as it is is refused in its readings.
        validate_bytes(&decoded).ok()?;
        for piece in decoded.split(|byte| habits & DECODES_TWICE > 0 && *byte == b'/') {
            // Between two slashes that were encoded there is nothing, as in an address within a path: most of those that split at
            // them merge them.
            if piece.is_empty() && !decoded.is_empty() && habits & KEEPS_EMPTY == 0 {
                continue;
            }
            let end = piece.iter().position(|byte| habits & CUTS > 0 && matches!(byte, b'?' | b'#'));
            let name = segment::without_parameters(end.and_then(|end| piece.get(..end)).unwrap_or(piece));
            let name = if habits & TRIMS > 0 { trimmed(name) } else { name };
            // Only what was empty may be, or what ends with a cut.
            if segment::is_dot_segment(name) || name.is_empty() && !piece.is_empty() && end != Some(0) {
                return None;
            }
            text.push('/');
            push_folded(name, &mut text);
            if end.is_some() {
                return Some(text);
            }
        }
    }
    Some(if text.is_empty() { "/".to_owned() } else { text })
}

/// Returns a segment without the spaces and dots at its end.
fn trimmed(segment: &[u8]) -> &[u8] {
    let end = segment.iter().rposition(|byte| !matches!(byte, b' ' | b'.')).map_or(0, |last| last + 1);
    segment.get(..end).unwrap_or_default()
}

/// Appends a decoded segment, in canonical spelling and in one letter case.
fn push_folded(decoded: &[u8], text: &mut String) {
    let folded = match std::str::from_utf8(decoded) {
        Ok(name) if !decoded.is_ascii() => in_one_case(name).into_bytes(),
        _ => decoded.to_ascii_lowercase(),
    };
    segment::push_canonical(&folded, text);
}

/// Returns a text in lower case, by way of upper case: some letters have several of the former, such as `σ` and `ς`.
#[cfg(not(target_os = "unknown"))]
fn in_one_case(text: &str) -> String {
    text.to_uppercase().to_lowercase()
}

/// The same by the runtime, so that its tables of Unicode need not be in the Worker.
#[cfg(target_os = "unknown")]
fn in_one_case(text: &str) -> String {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen(module = "/src/edge/runtime/crossings.js")]
    extern "C" {
        #[wasm_bindgen(js_name = in_one_case)]
        fn by_runtime(text: &str) -> String;
    }

    by_runtime(text)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    #[rustfmt::skip] // One row a line.
    fn each_selection_of_habits_is_a_reading() {
        let all = ALL ^ KEEPS_EMPTY;
        for (message, path, habits, expected) in [
            ("nothing to read otherwise", "/a/b-7/c.txt", all, "/a/b-7/c.txt"),
            ("the root", "/", all, "/"),
            ("a last slash", "/a/", 0, "/a/"),
            ("letter case", "/API/Orders", 0, "/api/orders"),
            ("letters beyond ASCII", "/CAF%C3%89", 0, "/caf%C3%A9"),
            ("a letter with two lower cases", "/%CF%83/%CF%82", 0, "/%CF%83/%CF%83"),
            ("a letter beyond ASCII that stands for one within", "/%E2%84%AAeys", 0, "/keys"),
            ("bytes that are no text", "/A%FF", 0, "/a%FF"),
            ("an encoded slash", "/a%2Fb", 0, "/a%2Fb"),
            ("an encoded question mark", "/a/b%3Fc/d", 0, "/a/b%3Fc/d"),
            ("one that is cut", "/a/b%3Fc/d", CUTS, "/a/b"),
            ("an encoded fragment", "/a%23b", CUTS, "/a"),
            ("a question mark that a segment begins with", "/a/%3Fx", CUTS, "/a/"),
            ("a space at an end", "/a%20/b", TRIMS, "/a/b"),
            ("a space within", "/a%20b", TRIMS, "/a%20b"),
            ("dots at an end", "/a../b.", 0, "/a../b."),
            ("dots at an end that are trimmed", "/a../b.", TRIMS, "/a/b"),
            ("a segment of spaces", "/%20/b", TRIMS, "-"),
            ("a segment of dots", "/.../b", TRIMS, "-"),
            ("dots before a cut", "/a/..%3Fx", CUTS, "-"),
            ("a letter that is encoded twice", "/%2541", 0, "/%2541"),
            ("the same, decoded twice", "/%2541", DECODES_TWICE, "/a"),
            ("a slash that is encoded twice", "/a%252Fb", DECODES_TWICE, "/a/b"),
            ("two of them", "/a%252F%252Fb", DECODES_TWICE, "/a/b"),
            ("two of them that are kept", "/%252F%252Fb", DECODES_TWICE | KEEPS_EMPTY, "///b"),
            ("two that are encoded once", "/a/https%3A%2F%2Fb", DECODES_TWICE, "/a/https:/b"),
            ("one that nothing follows", "/a%2F", DECODES_TWICE, "/a"),
            ("nothing else", "/%252F", DECODES_TWICE, "/"),
            ("dots that are encoded twice", "/%252e%252E", DECODES_TWICE, "-"),
            ("a backslash that is encoded twice", "/a%255Cb", DECODES_TWICE, "-"),
            ("a percent sign that begins no escape", "/100%25", DECODES_TWICE, "/100%25"),
            ("all of it", "/%2541%2520/b%253Fc", all, "/a/b"),
        ] {
            assert_eq!(read(path, habits).as_deref().unwrap_or("-"), expected, "{message}");
        }
        for (path, expected) in [("/", 1), ("/a/b-7/c", 1), ("/a.b", 1), ("/A.b", 8), ("/A", 1), ("/a/", 1), ("/a%20", 8)] {
            let count = Cell::new(0);
            let found = any_reading(path, |_| {
                count.set(count.get() + 1);
                false
            });
            assert_eq!((found, count.get()), (false, expected), "{path}");
        }
        for (path, expected) in [("/", true), ("/a.b/c", true), ("/A", false), ("/a/", false), ("/a./b", false), ("/b.", false)] {
            assert_eq!(is_plain(path), expected, "{path}");
        }
    }

    #[test]
    fn literals_are_folded_as_paths_are() {
        for (literal, expected) in
            [("Orders", "orders"), ("%C3%89", "%C3%A9"), ("v1.", "v1"), ("a%20b", "a%20b"), ("", "")]
        {
            assert_eq!(fold_literal(literal), expected, "{literal}");
        }
    }
}
