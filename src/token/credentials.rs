//! Finds the token that a request sends.

use crate::http::header::behind_comma;

/// Longest token that is read, in bytes; more than any provider issues, and less than any header limit.
pub const TOKEN_MAX_BYTES: usize = 16 * 1024;

/// The content of the `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
pub enum Credentials<'h> {
    /// No header, or one with another scheme.
    Absent,
    /// The bearer scheme without exactly one token68 (RFC 9110 section 11.2), or after another scheme.
    Malformed,
    /// A bearer token (RFC 6750 section 2.1).
    Bearer(&'h str),
}

/// Parses an `Authorization` header.
pub fn bearer(header: Option<&str>) -> Credentials<'_> {
    let Some(header) = header.map(str::trim) else { return Credentials::Absent };
    if let Some(rest) = behind_bearer(header) {
        return read_token(rest.trim());
    }
    let mut others = header;
    while let Some(behind) = behind_comma(others) {
        if behind_bearer(behind.trim()).is_some() {
            return Credentials::Malformed;
        }
        others = behind;
    }
    Credentials::Absent
}

/// Returns the text after the scheme if that is `Bearer`, with every separator that an upstream may accept.
fn behind_bearer(credentials: &str) -> Option<&str> {
    let (scheme, rest) = credentials.split_at_checked("bearer".len())?;
    let ends = !rest.starts_with(|c| matches!(c, '0'..='9' | 'A'..='Z' | 'a'..='z' | '-' | '_' | '='));
    (ends && scheme.eq_ignore_ascii_case("bearer")).then_some(rest)
}

/// Parses a header with a token and no scheme, such as `X-Access-Token`.
pub fn bare_token(header: Option<&str>) -> Credentials<'_> {
    match header.map(str::trim) {
        None | Some("") => Credentials::Absent,
        Some(token) => read_token(token),
    }
}

fn read_token(token: &str) -> Credentials<'_> {
    let is_of_token = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'-'..=b'9' | b'+' | b'=' | b'_' | b'~');
    let well_formed = !token.is_empty() && token.bytes().all(is_of_token);
    if well_formed { Credentials::Bearer(token) } else { Credentials::Malformed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_taken_in_any_case_of_the_scheme_and_nothing_else_is() {
        let table = [
            (None, Credentials::Absent, "no header"),
            (Some("Basic dXNlcg=="), Credentials::Absent, "another scheme"),
            (Some("Bearer a.b.c"), Credentials::Bearer("a.b.c"), "the usual form"),
            (Some("bEARER  a.b.c "), Credentials::Bearer("a.b.c"), "any case, any spaces"),
            (Some("Bearer"), Credentials::Malformed, "no token"),
            (Some("Bearer "), Credentials::Malformed, "only a space"),
            (Some("Bearer a.b.c, Bearer d.e.f"), Credentials::Malformed, "two headers joined"),
            (Some("Bearer a b"), Credentials::Malformed, "a space inside"),
            (Some("BearerX a.b.c"), Credentials::Absent, "a scheme that begins alike"),
            (Some("Bearer-X a.b.c"), Credentials::Absent, "another one"),
            (Some("Bearer\ta.b.c"), Credentials::Bearer("a.b.c"), "a tab"),
            (Some("bearer\t a.b.c"), Credentials::Bearer("a.b.c"), "a tab and a space"),
            (Some("Bearer\u{b}a.b.c"), Credentials::Bearer("a.b.c"), "what some take for a space"),
            (Some("Basic dTpw, Bearer a.b.c"), Credentials::Malformed, "a token behind another scheme"),
            (Some("Basic dTpw ,\tbearer\ta.b.c"), Credentials::Malformed, "the same with tabs"),
            (Some("Digest a=\"\\\"\", Bearer a.b.c"), Credentials::Malformed, "behind a quote that is quoted"),
            (
                Some("Digest username=\"Bearer\", realm=\"a, Bearer b\", bearer=x"),
                Credentials::Absent,
                "the word alone",
            ),
        ];
        for (header, expected, message) in table {
            assert_eq!(bearer(header), expected, "{message}");
        }
    }

    #[test]
    fn a_bare_token_is_one_token_and_nothing_else() {
        let table = [
            (None, Credentials::Absent, "no header"),
            (Some(" "), Credentials::Absent, "an empty header"),
            (Some(" a.b.c "), Credentials::Bearer("a.b.c"), "a token with spaces around it"),
            (Some("Bearer a.b.c"), Credentials::Malformed, "a scheme before it"),
            (Some("a, b"), Credentials::Malformed, "two headers joined"),
            (Some("\u{e9}"), Credentials::Malformed, "a letter that no token has"),
        ];
        for (header, expected, message) in table {
            assert_eq!(bare_token(header), expected, "{message}");
        }
    }
}
