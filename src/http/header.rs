//! Header fields (RFC 9110 section 5): what a name is, how values are written and read, and which names mean what.

use std::borrow::Cow;

/// A header to set, by lower-case name.
pub type Header = (Cow<'static, str>, Cow<'static, str>);

/// Headers that concern one connection (RFC 9110 section 7.6.1), and no request beyond it.
pub const HOP_BY_HOP_HEADERS: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// Headers that belong to the address or the body of a message, or to its connection.
pub const FRAMING_HEADERS: [&str; 4] = ["content-length", "expect", "host", "upgrade"];

/// Headers that clients send by themselves.
pub const COMMON_HEADERS: [&str; 19] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-type",
    "cookie",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "range",
    "referer",
    "user-agent",
];

/// The name of a session of MCP's transport (2025-11-25, Streamable HTTP), by which it goes on.
pub const MCP_SESSION: &str = "mcp-session-id";

/// The event behind which a stream goes on (HTML, server-sent events).
pub const LAST_EVENT_ID: &str = "last-event-id";

/// What an answer says to caches if none may keep it (RFC 9111 section 5.2.2.5).
pub const NO_STORE: &str = "no-store";

/// Adds a header. What all the places that do would do by themselves weighs more than their calls.
#[inline(never)]
pub fn push(headers: &mut Vec<Header>, name: &'static str, value: Cow<'static, str>) {
    headers.push((name.into(), value));
}

fn is_of_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// Checks whether a text is a token (RFC 9110 section 5.6.2), as names of methods and headers are.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_of_token)
}

/// Returns the tokens in a text, whatever separates them.
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !u8::try_from(c).is_ok_and(is_of_token)).filter(|token| !token.is_empty())
}

/// Checks whether a header of this name says who sends a request.
pub fn is_credential(name: &str) -> bool {
    name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("cookie")
}

/// Checks whether a text has only what every reader takes for a value: visible ASCII and spaces (RFC 9110 section 5.5).
pub fn is_value(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

/// Returns a number of seconds (RFC 9111 section 1.2.2), the largest there is for what is larger; `None` if a text is not one.
pub fn seconds(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u32::MAX))
}

/// Checks whether a name is among those of a list with commas between them.
pub fn is_listed(list: &str, name: &str) -> bool {
    list.split(',').any(|listed| listed == name)
}

/// Returns a text as a quoted-string (RFC 9110 section 5.6.4): a host may hold quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns the rest of a list after its first comma that is outside quotes (RFC 9110 section 5.6.1); `None` if there is none.
pub fn behind_comma(list: &str) -> Option<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let comma = list.bytes().position(|b| {
        match (b, std::mem::take(&mut escaped)) {
            (b'"', false) => quoted = !quoted,
            (b'\\', false) => escaped = quoted,
            _ => {}
        }
        b == b',' && !quoted
    });
    list.get(comma? + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_seconds_has_digits_alone() {
        let table = [("0", Some(0)), ("060", Some(60)), ("9999999999", Some(u32::MAX))];
        let others = ["", "+1", "-1", "1.5", " 1", "soon"].map(|text| (text, None));
        for (text, expected) in table.into_iter().chain(others) {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn tokens_are_told_apart_by_whatever_is_not_one() {
        let table: [(&str, &[&str]); 5] = [
            ("", &[]),
            (" , ;", &[]),
            ("close", &["close"]),
            ("X-Hop,close ;te", &["X-Hop", "close", "te"]),
            ("private=\"x-own\", max-age=6\u{e9}0", &["private", "x-own", "max-age", "6", "0"]),
        ];
        for (text, expected) in table {
            assert_eq!(tokens(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn a_list_goes_on_behind_a_comma_that_nobody_quoted() {
        let table = [
            ("", None),
            ("a", None),
            ("a, b,c", Some(" b,c")),
            ("a,", Some("")),
            ("a; x=\"1,2\", b", Some(" b")),
            (r#"a; x="\",", b"#, Some(" b")),
            (r#"a; x="\\", b"#, Some(" b")),
            (r#"a\", b", c"#, Some(" c")),
            ("a\"b, c", None),
        ];
        for (list, behind) in table {
            assert_eq!(behind_comma(list), behind, "{list}");
        }
    }
}
