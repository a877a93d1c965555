//! Finds the token that a request sends.

use crate::http::header::behind_comma;

/// Longest token that is read, in bytes; more than any provider issues, and less than any header limit.
pub const TOKEN_MAX_BYTES: usize = 16 * 1024;

/// The scheme that a token comes by, which is its type as well (RFC 6749 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Whoever has the token may use it (RFC 6750).
    Bearer,
    /// A key is needed, too (RFC 9449).
    Dpop,
}

impl Scheme {
    /// Returns the scheme of a token as verifiers get and cache it, and the token: `DPoP` and a space stand before one that is bound to a
    /// key, and no bearer token has a space. So neither is found in the other's place.
    pub fn of(credential: &str) -> (Self, &str) {
        credential.strip_prefix("DPoP ").map_or((Self::Bearer, credential), |token| (Self::Dpop, token))
    }

    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// The content of the `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
pub enum Credentials<'h> {
    /// No header, or one with another scheme.
    Absent,
    /// A scheme for tokens without exactly one token68 (RFC 9110 section 11.2), or after another scheme.
    Malformed,
    /// A bearer token (RFC 6750 section 2.1).
    Bearer(&'h str),
    /// A token that is bound to a key (RFC 9449 section 7.1).
    Dpop(&'h str),
}

/// Parses an `Authorization` header in which only a bearer token counts.
pub fn bearer(header: Option<&str>) -> Credentials<'_> {
    credentials(header, false)
}

/// Parses an `Authorization` header, in which a token that is bound to a key may count, too.
pub fn credentials(header: Option<&str>, takes_dpop: bool) -> Credentials<'_> {
    let Some(header) = header.map(str::trim) else { return Credentials::Absent };
    let token_of = |credentials| match behind_scheme(credentials, Scheme::Bearer) {
        None if takes_dpop => behind_scheme(credentials, Scheme::Dpop).map(|rest| (Scheme::Dpop, rest)),
        rest => rest.map(|rest| (Scheme::Bearer, rest)),
    };
    if let Some((scheme, rest)) = token_of(header) {
        return match read_token(rest.trim()) {
            Credentials::Bearer(token) if scheme == Scheme::Dpop => Credentials::Dpop(token),
            read => read,
        };
    }
    let mut others = header;
    while let Some(behind) = behind_comma(others) {
        if token_of(behind.trim()).is_some() {
            return Credentials::Malformed;
        }
        others = behind;
    }
    Credentials::Absent
}

/// Returns the text after the scheme if that is this one, with every separator that an upstream may accept.
fn behind_scheme(credentials: &str, expected: Scheme) -> Option<&str> {
    let expected = expected.as_str();
    let (scheme, rest) = credentials.split_at_checked(expected.len())?;
    let ends = !rest.starts_with(|c| matches!(c, '0'..='9' | 'A'..='Z' | 'a'..='z' | '-' | '_' | '='));
    (ends && scheme.eq_ignore_ascii_case(expected)).then_some(rest)
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
    fn a_bound_token_is_taken_where_the_scheme_counts_and_one_token_alone() {
        let table = [
            ("DPoP a.b.c", Credentials::Dpop("a.b.c"), Credentials::Absent, "the usual form"),
            ("dpop\ta.b.c ", Credentials::Dpop("a.b.c"), Credentials::Absent, "any case of the scheme, a tab"),
            ("Bearer a.b.c", Credentials::Bearer("a.b.c"), Credentials::Bearer("a.b.c"), "a bearer token beside"),
            ("DPoP", Credentials::Malformed, Credentials::Absent, "no token"),
            ("DPoP a b", Credentials::Malformed, Credentials::Absent, "a space inside"),
            ("DPoP a, DPoP b", Credentials::Malformed, Credentials::Absent, "two of them"),
            ("DPoP a, Bearer b", Credentials::Malformed, Credentials::Malformed, "one of each"),
            ("Bearer a, DPoP b", Credentials::Malformed, Credentials::Malformed, "one of each, the other way round"),
            ("Basic dTpw, DPoP b", Credentials::Malformed, Credentials::Absent, "behind another scheme"),
            ("DPoPX a.b.c", Credentials::Absent, Credentials::Absent, "a scheme that begins alike"),
            ("DP\u{43e}P a.b.c", Credentials::Absent, Credentials::Absent, "a letter that looks alike"),
        ];
        for (header, expected, without, message) in table {
            assert_eq!(credentials(Some(header), true), expected, "{message}");
            assert_eq!(credentials(Some(header), false), without, "{message}: where only bearer tokens count");
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
