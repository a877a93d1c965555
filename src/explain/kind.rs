//! What kind of token a text is, by its parts.

use crate::token::Parts;

/// What kind of token a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A signed token: a compact JWS.
    Signed,
    /// An encrypted token: a compact JWE (RFC 7516 section 7.1).
    Encrypted,
    /// An opaque token: one word, whose meaning only its issuer knows.
    Opaque,
    /// An API key of the gateway's own.
    ApiKey,
    /// None of these.
    Unknown,
}

impl Kind {
    /// Returns the kind of a text by the number of its parts.
    pub fn of(token: &str) -> Self {
        match token.split('.').count() {
            1 => Self::Opaque,
            3 => Self::Signed,
            5 if is_encrypted(token) => Self::Encrypted,
            _ => Self::Unknown,
        }
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Encrypted => "encrypted",
            Self::Opaque => "opaque",
            Self::ApiKey => "api_key",
            Self::Unknown => "unknown",
        }
    }
}

/// Checks whether the first part is a header that names an encryption.
fn is_encrypted(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let header = Parts { header, payload: "", signature: "" }.header();
    header.is_ok_and(|header| header.members().contains_key("enc"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
