//! A compact JWS (RFC 7515 section 7.1) that has been parsed and is not believed yet.

use std::fmt;

use serde_json::{Map, Value};

use super::TOKEN_MAX_BYTES;
use super::claims::{ClaimError, Expectations, Expiry, VerifiedClaims, numeric_date};
use super::parts::{JoseHeader, Parts};
use crate::algorithm::Algorithm;
use crate::excerpt::shortened;
use crate::json;
use crate::jwks::{KeySet, SkippedKey};

/// A token whose form is right and of which nothing else is known.
pub struct UnverifiedToken<'t> {
    text: &'t str,
    parts: Parts<'t>,
    key_id: Option<String>,
    algorithm: Algorithm,
    signature: Vec<u8>,
    header: JoseHeader,
}

/// Why a text is no token that could be believed.
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
    /// `typ` says that it is of another kind than the one that is needed (RFC 8725 section 3.11).
    OtherKind,
    /// `alg` is none that the authorizer allows.
    AlgorithmNotAllowed {
        /// What the token names, shortened.
        actual: String,
    },
    /// `crit` names an extension, and none is understood (RFC 7515 section 4.1.11).
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
    /// The signature is not by the key.
    BadSignature,
    /// A claim breaks a rule.
    Claim(ClaimError),
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
            Self::Claim(error) => error.fmt(f),
        }
    }
}

impl TokenError {
    /// Says that no key of `set` fits a token with this `kid`.
    pub fn no_key(kid: Option<&str>, set: &KeySet) -> Self {
        let mut skipped = set.skipped().iter();
        match kid.and_then(|kid| skipped.find(|(name, _)| name.as_deref() == Some(kid))) {
            Some((Some(kid), reason)) => Self::KeyLeftOut { kid: shortened(kid), reason: reason.clone() },
            _ => Self::NoKey { kid: kid.map(shortened) },
        }
    }
}

/// States that a token's signature was verified; only whoever verified one may make it.
#[derive(Debug, Clone, Copy)]
pub struct SignatureVerified(());

impl SignatureVerified {
    /// States that the signature of the token at hand was verified with a key of the issuer.
    pub fn attest() -> Self {
        Self(())
    }
}

impl<'t> UnverifiedToken<'t> {
    /// Parses a token that may be signed with one of `allowed`.
    ///
    /// # Errors
    /// The first rule of form that it breaks.
    pub fn parse(text: &'t str, allowed: &[Algorithm]) -> Result<Self, TokenError> {
        Parts::check_length(text)?;
        let parts = Parts::split(text)?;
        let signature = parts.signature()?;
        let header = parts.header()?;
        let algorithm = header.algorithm(allowed)?;
        header.check_extensions()?;
        header.check_content_type()?;
        let key_id = header.key_id()?.map(str::to_owned);
        Ok(Self { text, parts, key_id, algorithm, signature, header })
    }

    /// Gives the `kid` of the header.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Gives the algorithm, which is one of those allowed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Gives the bytes that are signed: header and payload as sent, with the dot between them.
    pub fn signed_bytes(&self) -> &'t [u8] {
        self.text.rsplit_once('.').map(|(signed, _)| signed).unwrap_or_default().as_bytes()
    }

    /// Gives the signature, not verified.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Gives the error that says that no key of `set` fits this token.
    pub fn no_key(&self, set: &KeySet) -> TokenError {
        TokenError::no_key(self.key_id(), set)
    }

    /// Checks the claims of a token whose signature was verified, at `now` (seconds since 1970).
    ///
    /// # Errors
    /// The first rule that a claim breaks, or that the payload is no set of claims.
    pub fn into_verified(
        self,
        _: SignatureVerified,
        expectations: &Expectations<'_>,
        expiry: Expiry,
        now: i64,
    ) -> Result<VerifiedClaims, TokenError> {
        self.header.check_kind(expectations.kind)?;
        VerifiedClaims::check(self.parts.claims()?, expectations, expiry, now).map_err(TokenError::Claim)
    }
}

/// Gives when a token says that it expires, in seconds since 1970, without a look at whether it is genuine: for whoever holds it to
/// know when to get another.
pub fn claimed_expiry(token: &str) -> Option<i64> {
    numeric_date(&claimed(token)?, "exp").ok().flatten()
}

/// Gives a text that a token claims, without a look at whether it is genuine: for whoever has it from its issuer.
pub fn claimed_text(token: &str, claim: &str) -> Option<String> {
    json::text(&claimed(token)?, claim).map(str::to_owned)
}

fn claimed(token: &str) -> Option<Map<String, Value>> {
    Parts::split(token).ok()?.claims().ok()
}
