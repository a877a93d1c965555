//! Why a token is not accepted: one type for its form, one for its claims.

use std::fmt;

use super::credentials::{Scheme, TOKEN_MAX_BYTES};
use crate::excerpt::shortened;
use crate::jwks::{KeySet, SkippedKey};

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// Longer than [`TOKEN_MAX_BYTES`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// Not three parts with dots between them.
    NotThreeParts,
    /// A part is not base64url without padding (RFC 7515 section 2).
    NotBase64Url,
    /// The header is not a JSON object with a string `alg`, or names a key twice.
    MalformedHeader,
    /// The payload is not a JSON object, or names a key twice.
    MalformedClaims,
    /// `cty` says that the payload is something else, such as a nested token.
    ContentType,
    /// `typ` names another kind of token than the required one (RFC 8725 section 3.11).
    OtherKind,
    /// The authorizer does not allow `alg`.
    AlgorithmNotAllowed {
        /// What the token names, shortened.
        actual: String,
    },
    /// `crit` names an extension, and none is supported (RFC 7515 section 4.1.11).
    CriticalExtension,
    /// No key in the set fits.
    NoKey {
        /// The `kid` of the token, shortened.
        kid: Option<String>,
    },
    /// The key in the set cannot be used.
    KeyLeftOut {
        /// The `kid` of the token, shortened.
        kid: String,
        /// Why.
        reason: SkippedKey,
    },
    /// The key does not verify the signature.
    BadSignature,
    /// The issuer was asked, and says that the token is not valid (RFC 7662 section 2.2).
    Inactive,
    /// It is an API key, and is not accepted.
    ApiKey(KeyError),
    /// A claim breaks a rule.
    Claim(ClaimError),
    /// The proof of possession beside it breaks a rule (RFC 9449 section 4.3): for the command line, which explains both together.
    #[cfg(not(target_os = "unknown"))]
    Proof(Box<ProofError>),
    /// It came as a bearer token, and the path requires a proof of possession.
    WithoutProof,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(f, "{bytes} bytes, at most {TOKEN_MAX_BYTES} are read"),
            Self::NotThreeParts => f.write_str("not three parts"),
            Self::NotBase64Url => f.write_str("a part is not base64url"),
            Self::MalformedHeader => f.write_str("the header is malformed"),
            Self::MalformedClaims => f.write_str("the claims are malformed"),
            Self::ContentType => f.write_str("the payload is not a set of claims"),
            Self::OtherKind => f.write_str("typ is that of another kind of token"),
            Self::AlgorithmNotAllowed { actual } => write!(f, "algorithm \"{actual}\" is not allowed"),
            Self::CriticalExtension => f.write_str("a critical extension is not understood"),
            Self::NoKey { kid: Some(kid) } => write!(f, "no key \"{kid}\" of the algorithm's type"),
            Self::NoKey { kid: None } => f.write_str("no kid, and not exactly one key of the algorithm's type"),
            Self::KeyLeftOut { kid, reason } => write!(f, "the key \"{kid}\" cannot be used: {reason}"),
            Self::BadSignature => f.write_str("the signature does not verify"),
            Self::Inactive => f.write_str("the provider says that it is not active"),
            Self::ApiKey(error) => error.fmt(f),
            Self::Claim(error) => error.fmt(f),
            #[cfg(not(target_os = "unknown"))]
            Self::Proof(error) => error.fmt(f),
            Self::WithoutProof => f.write_str("a bearer token, and the path requires DPoP"),
        }
    }
}

#[cfg(not(target_os = "unknown"))]
impl From<Box<ProofError>> for TokenError {
    fn from(error: Box<ProofError>) -> Self {
        Self::Proof(error)
    }
}

impl TokenError {
    /// Checks whether a claim breaks a rule that it breaks at any time.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Claim(error) if !matches!(error, ClaimError::Expired { .. } | ClaimError::NotYetValid { .. }))
    }

    /// Returns the error that no key of `set` fits a token with this `kid`.
    pub fn no_key(kid: Option<&str>, set: &KeySet) -> Self {
        let mut skipped = set.skipped().iter();
        match kid.and_then(|kid| skipped.find(|(name, _)| name.as_deref() == Some(kid))) {
            Some((Some(kid), reason)) => Self::KeyLeftOut { kid: shortened(kid), reason: reason.clone() },
            _ => Self::NoKey { kid: kid.map(shortened) },
        }
    }
}

/// Why an API key is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// It is not a prefix of the path's, an underscore, and letters and digits of the right number.
    Malformed,
    /// Its checksum is another: a typing error, or made up.
    Checksum,
    /// There is no record of it.
    Unknown,
    /// Its record names other addresses.
    Address,
    /// It is one of this gateway's, and the path takes other credentials.
    Elsewhere,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the API key is malformed",
            Self::Checksum => "the checksum of the API key is wrong",
            Self::Unknown => "the API key is unknown",
            Self::Address => "the API key is not for this address",
            Self::Elsewhere => "an API key is no token",
        })
    }
}

impl From<KeyError> for TokenError {
    fn from(error: KeyError) -> Self {
        Self::ApiKey(error)
    }
}

/// Why a proof is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofError {
    /// There is none.
    Missing,
    /// There are several.
    Several,
    /// It breaks a rule that tokens have as well.
    Token(Box<TokenError>),
    /// Its `jwk` cannot be used.
    Key(SkippedKey),
    /// `htm` or `htu` is not that of the request.
    Request {
        /// Which.
        claim: &'static str,
        /// What it names, shortened.
        actual: String,
    },
    /// `iat` is too long ago.
    Old {
        /// When, in seconds since 1970.
        at: i64,
        /// The clock of the check.
        now: i64,
    },
    /// `ath` is not the digest of the token.
    OtherToken,
    /// The token is bound to another key.
    OtherKey,
    /// `nonce` is missing, or none that the gateway gave lately.
    Nonce,
    /// It was used before.
    Used,
}

impl From<TokenError> for Box<ProofError> {
    #[inline(never)]
    fn from(error: TokenError) -> Self {
        Self::new(ProofError::Token(error.into()))
    }
}

impl From<ClaimError> for Box<ProofError> {
    #[inline(never)]
    fn from(error: ClaimError) -> Self {
        TokenError::Claim(error).into()
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proof: ")?;
        f.write_str(match self {
            Self::Token(error) => return error.fmt(f),
            Self::Key(reason) => return write!(f, "jwk cannot be used: {reason}"),
            Self::Request { claim, actual } => return write!(f, "{claim} is \"{actual}\""),
            Self::Old { at, now } => return write!(f, "iat is {at}, the time is {now}"),
            Self::Missing => "there is no DPoP header",
            Self::Several => "there are several",
            Self::OtherToken => "ath is not the digest of the token",
            Self::OtherKey => "the token is bound to another key",
            Self::Nonce => "nonce is not one that was given lately",
            Self::Used => "it was used before",
        })
    }
}

/// The rule that a claim breaks, with what was expected and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimError {
    /// A required claim is absent.
    Missing {
        /// Its name.
        claim: &'static str,
    },
    /// A claim has another type than the RFC gives it.
    WrongType {
        /// Its name.
        claim: &'static str,
    },
    /// `iss` is another issuer.
    Issuer {
        /// The authorizer's issuer.
        expected: String,
        /// What the token names.
        actual: String,
    },
    /// `aud`, or the claim that stands for it, does not contain what it must.
    Audience {
        /// The claim.
        claim: String,
        /// The audience or client that it must contain.
        expected: String,
        /// What the token names.
        actual: String,
    },
    /// `azp` is another client.
    AuthorizedParty {
        /// The client that the token must be for.
        expected: String,
        /// What the token names, shortened.
        actual: String,
    },
    /// A claim is missing or has another value than the authorizer requires.
    Required {
        /// Its name or path.
        claim: String,
    },
    /// The issuer says that it is of another type (RFC 7662 section 2.2).
    TokenType {
        /// The type of the scheme that it came by.
        expected: Scheme,
        /// What it says instead, shortened.
        actual: String,
    },
    /// `cnf` binds the token to a key or a certificate, and it came as a bearer token (RFC 7800 section 3.1).
    Bound,
    /// `cnf` binds the token in another way than to one key by its thumbprint (RFC 9449 section 6.1).
    OtherBinding,
    /// `exp` has passed.
    Expired {
        /// When, in seconds since 1970.
        at: i64,
        /// The clock of the check.
        now: i64,
    },
    /// `nbf` or `iat` is in the future.
    NotYetValid {
        /// Its name.
        claim: &'static str,
        /// When, in seconds since 1970.
        at: i64,
        /// The clock of the check.
        now: i64,
    },
}

impl ClaimError {
    /// Why no bearer token is accepted that might be an ID token.
    pub const ONLY_SESSIONS: Self =
        Self::Missing { claim: "the authorizer's audience, without which ID tokens would be bearer tokens," };
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { claim } => write!(f, "{claim} is missing"),
            Self::WrongType { claim } => write!(f, "{claim} has the wrong type"),
            Self::Issuer { expected, actual } => write!(f, "iss is \"{actual}\", expected \"{expected}\""),
            Self::Audience { claim, expected, actual } => write!(f, "{claim} is {actual}, expected \"{expected}\""),
            Self::AuthorizedParty { expected, actual } => write!(f, "azp is \"{actual}\", expected \"{expected}\""),
            Self::Required { claim } => write!(f, "the claim {claim} has another value"),
            Self::TokenType { expected, actual } => {
                write!(f, "token_type is \"{actual}\", expected \"{}\"", expected.as_str())
            }
            Self::Bound => f.write_str("cnf binds it to a key or certificate, so it is no bearer token"),
            Self::OtherBinding => f.write_str("cnf binds it in another way than by one jkt"),
            Self::Expired { at, now } => write!(f, "exp is {at}, the time is {now}"),
            Self::NotYetValid { claim, at, now } => write!(f, "{claim} is {at}, the time is {now}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_left_out_is_told_from_one_that_is_not_there() {
        let set = KeySet::parse(
            r#"{"keys":[
                {"kty":"oct","kid":"secret","k":"AAAA"},
                {"kty":"OKP","crv":"Ed25519","kid":"good","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
                {"kty":"RSA","kid":"","use":"enc"}
            ]}"#,
        );
        let set = set.unwrap();
        let table = [
            (Some("secret"), "the key \"secret\" cannot be used: its kty is not supported", "left out"),
            (Some("good"), "no key \"good\" of the algorithm's type", "there, and of another type"),
            (Some("other"), "no key \"other\" of the algorithm's type", "not there"),
            (None, "no kid, and not exactly one key of the algorithm's type", "no name"),
        ];
        for (kid, expected, message) in table {
            assert_eq!(TokenError::no_key(kid, &set).to_string(), expected, "{message}");
        }
    }
}
