//! Media types and ranges of them (RFC 9110 sections 8.3.1 and 12.5.1), without their parameters.

use super::header::is_token;

/// Returns the type of a `Content-Type` in lower case, without its parameters.
pub fn essence(written: &str) -> String {
    written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Checks whether a text is a media type or a range, such as `image/png`, `image/*` or `*/*`.
pub fn is_range(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// Checks whether a type is within a range; both are in lower case.
pub fn is_within(essence: &str, range: &str) -> bool {
    match range.strip_suffix('*') {
        Some("*/") => true,
        Some(kind) => essence.strip_prefix(kind).is_some_and(is_token),
        None => essence == range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_within_itself_and_the_ranges_that_name_its_kind() {
        let table = [
            ("Image/PNG; q=1", "image/png", true, "itself, in any case, with parameters"),
            ("image/png", "image/*", true, "its kind"),
            ("image/png", "*/*", true, "all"),
            ("image/png", "image/gif", false, "another"),
            ("image/png", "text/*", false, "another kind"),
            ("imagery/png", "image/*", false, "a kind that begins alike"),
            ("image/", "image/*", false, "no subtype"),
            ("image/png, text/plain", "image/*", false, "two types"),
            ("", "*/*", true, "nothing, which says of nothing what it is"),
        ];
        for (written, range, expected, message) in table {
            assert_eq!(is_within(&essence(written), range), expected, "{message}");
        }
        for (text, expected) in
            [("image/png", true), ("*/*", true), ("image", false), ("/png", false), ("image/", false), ("a/b/c", false)]
        {
            assert_eq!(is_range(text), expected, "{text}");
        }
    }
}
