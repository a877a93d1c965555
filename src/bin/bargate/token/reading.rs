//! The token as it is given: an argument or standard input, with or without the name of its scheme.

use std::io::Read as _;

use bargate::token::Parts;

use crate::Failure;

/// Most that is read of standard input, in bytes; no token is nearly as long.
const INPUT_MAX_BYTES: u64 = 1024 * 1024;

/// Gives the token of an argument, or for `-` that of standard input.
///
/// # Errors
/// Where there is none, or standard input cannot be read.
pub fn read_token(argument: &str) -> Result<String, Failure> {
    let mut text = argument.to_owned();
    if argument == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(INPUT_MAX_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::new(format!("<stdin>: cannot be read: {error}")))?;
        if bytes.len() as u64 > INPUT_MAX_BYTES {
            return Err(Failure::new(format!("<stdin>: is larger than {} MiB", INPUT_MAX_BYTES / (1024 * 1024))));
        }
        text = String::from_utf8_lossy(&bytes).into_owned();
    }
    let token = without_scheme(text.trim());
    if token.is_empty() { Err(Failure::new("there is no token")) } else { Ok(token.to_owned()) }
}

fn without_scheme(text: &str) -> &str {
    match text.split_once(char::is_whitespace) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => text,
    }
}

/// What a text is that was given for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A signed token: a compact JWS.
    Signed,
    /// An encrypted token: a compact JWE (RFC 7516 section 7.1).
    Encrypted,
    /// One word, of which its issuer alone knows what it stands for.
    Opaque,
    /// None of these.
    Unknown,
}

impl Kind {
    /// Tells what a text is by the number of its parts.
    pub fn of(token: &str) -> Self {
        match token.split('.').count() {
            1 => Self::Opaque,
            3 => Self::Signed,
            5 if is_encrypted(token) => Self::Encrypted,
            _ => Self::Unknown,
        }
    }

    /// Names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Encrypted => "encrypted",
            Self::Opaque => "opaque",
            Self::Unknown => "unknown",
        }
    }
}

/// Tells whether the first part is a header that names an encryption.
fn is_encrypted(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let header = Parts { header, payload: "", signature: "" }.header();
    header.is_ok_and(|header| header.members().contains_key("enc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_with_or_without_its_scheme() {
        let table = [
            (" a.b.c\n", Some("a.b.c"), "white space around it"),
            ("Bearer a.b.c", Some("a.b.c"), "the scheme before it"),
            ("bEARER \t a.b.c", Some("a.b.c"), "the scheme in any case"),
            ("Basic a.b.c", Some("Basic a.b.c"), "another scheme is a part of it"),
            ("Bearer", Some("Bearer"), "a scheme alone may be a token"),
            (" \n", None, "nothing"),
        ];
        for (text, expected, message) in table {
            assert_eq!(read_token(text).ok().as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn what_it_is_is_told_by_its_parts() {
        let table = [
            ("eyJhbGciOiJub25lIn0.e30.", Kind::Signed, "3 parts"),
            // {"alg":"dir","enc":"A256GCM"}
            ("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..iv.text.tag", Kind::Encrypted, "5 parts, the header of a JWE"),
            ("a.b.c.d.e", Kind::Unknown, "5 parts without such a header"),
            ("kSM8bXgvJ0d3dG9rZW4", Kind::Opaque, "1 part"),
            ("v1.MbXgvJ0d", Kind::Unknown, "2 parts"),
        ];
        for (text, expected, message) in table {
            assert_eq!(Kind::of(text), expected, "{message}");
        }
    }
}
