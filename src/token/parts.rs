//! A compact JWS (RFC 7515 section 7.1) taken apart, and the rules of its header one by one.
//!
//! `unverified` decides the order of the rules.

use serde_json::{Map, Value};

use super::credentials::TOKEN_MAX_BYTES;
use super::error::TokenError;
use crate::algorithm::Algorithm;
use crate::encoding::base64url_bytes;
use crate::excerpt::shortened;
use crate::http::media_type::essence;
use crate::json::{self, parse_object};

/// The three parts of a compact JWS as text, none of them decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'t> {
    /// The header.
    pub header: &'t str,
    /// The payload.
    pub payload: &'t str,
    /// The signature.
    pub signature: &'t str,
}

impl<'t> Parts<'t> {
    /// Checks that a text is no longer than a token may be.
    ///
    /// # Errors
    /// Its length.
    pub fn check_length(text: &str) -> Result<(), TokenError> {
        if text.len() > TOKEN_MAX_BYTES { Err(TokenError::TooLong { bytes: text.len() }) } else { Ok(()) }
    }

    /// Splits a text at its dots.
    ///
    /// # Errors
    /// That it has more or fewer parts.
    pub fn split(text: &'t str) -> Result<Self, TokenError> {
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::NotThreeParts);
        };
        Ok(Self { header, payload, signature })
    }

    /// Returns the bytes of the signature.
    ///
    /// # Errors
    /// That it is not base64url.
    pub fn signature(&self) -> Result<Vec<u8>, TokenError> {
        decode_part(self.signature)
    }

    /// Returns the header.
    ///
    /// # Errors
    /// That it is not base64url, or not a JSON object.
    pub fn header(&self) -> Result<JoseHeader, TokenError> {
        parse_object(&decode_part(self.header)?).map(JoseHeader).ok_or(TokenError::MalformedHeader)
    }

    /// Returns the claims, which are not verified.
    ///
    /// # Errors
    /// That the payload is not base64url, or not a JSON object.
    pub fn claims(&self) -> Result<Map<String, Value>, TokenError> {
        parse_object(&decode_part(self.payload)?).ok_or(TokenError::MalformedClaims)
    }
}

/// A kind of token, which its `typ` may name (RFC 8725 section 3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An access token (RFC 9068 section 2.1).
    Access,
    /// An ID token.
    Id,
    /// A signed profile (OpenID Connect Core section 5.3.2).
    Userinfo,
    /// A logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
    Logout,
    /// A signed answer about a token (RFC 9701 section 5).
    Introspection,
    /// A proof of possession (RFC 9449 section 4.2).
    Proof,
}

/// The header of a token (RFC 7515 section 4), with a method for each rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoseHeader(Map<String, Value>);

impl JoseHeader {
    /// Returns its members.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns the algorithm, which must be one of `allowed`.
    ///
    /// # Errors
    /// What the token names instead, or that it names nothing.
    pub fn algorithm(&self, allowed: &[Algorithm]) -> Result<Algorithm, TokenError> {
        let name = json::text(&self.0, "alg").ok_or(TokenError::MalformedHeader)?;
        Algorithm::parse(name)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or_else(|| TokenError::AlgorithmNotAllowed { actual: shortened(name) })
    }

    /// Checks that the header requires no extension.
    ///
    /// # Errors
    /// That it does.
    pub fn check_extensions(&self) -> Result<(), TokenError> {
        // `b64` (RFC 7797) counts only under `crit`, so refusing every `crit` covers it.
        if self.0.contains_key("crit") { Err(TokenError::CriticalExtension) } else { Ok(()) }
    }

    /// Checks that the payload is a set of claims and not a nested token.
    ///
    /// # Errors
    /// That it may be something else.
    pub fn check_content_type(&self) -> Result<(), TokenError> {
        if self.0.contains_key("cty") { Err(TokenError::ContentType) } else { Ok(()) }
    }

    /// Checks that `typ` does not name another kind (RFC 8725 section 3.11). It is a media type, whose case and parameters
    /// do not matter, nor does a prefix that may be left out (RFC 7515 section 4.1.9).
    ///
    /// # Errors
    /// That it does, or that `typ` is not a string.
    pub fn check_kind(&self, expected: Kind) -> Result<(), TokenError> {
        // Of these, the specifications say that they must have it (RFC 9701 section 5, RFC 9449 section 4.2).
        let may_be_unsaid = !matches!(expected, Kind::Introspection | Kind::Proof);
        let Some(written) = self.0.get("typ").map_or_else(|| may_be_unsaid.then_some(""), Value::as_str) else {
            return Err(TokenError::OtherKind);
        };
        let essence = essence(written);
        let kind = essence.strip_prefix("application/").unwrap_or(&essence);
        let own = match expected {
            Kind::Access => "at+jwt",
            Kind::Logout => "logout+jwt",
            Kind::Id | Kind::Userinfo => "jwt",
            Kind::Introspection => "token-introspection+jwt",
            Kind::Proof => "dpop+jwt",
        };
        // Kinds have names with a `+`; any other text has no meaning.
        if kind == own || may_be_unsaid && !kind.as_bytes().contains(&b'+') {
            Ok(())
        } else {
            Err(TokenError::OtherKind)
        }
    }

    /// Returns the `kid`, if there is one.
    ///
    /// # Errors
    /// That it is not a string.
    pub fn key_id(&self) -> Result<Option<&str>, TokenError> {
        self.0.get("kid").map(|kid| kid.as_str().ok_or(TokenError::MalformedHeader)).transpose()
    }
}

/// Decodes a part of a token.
fn decode_part(part: &str) -> Result<Vec<u8>, TokenError> {
    base64url_bytes(part).ok_or(TokenError::NotBase64Url)
}
