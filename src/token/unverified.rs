//! A compact JWS (RFC 7515 section 7.1) that has been parsed and is not trusted yet.

use serde_json::{Map, Value};

use super::claims::{Expectations, VerifiedClaims, check_key_issuer, numeric_date};
use super::error::TokenError;
use super::parts::{JoseHeader, Parts};
use crate::algorithm::Algorithm;
use crate::json;
use crate::jwks::KeySet;
use crate::split::split_last;

/// A token whose form is valid; nothing else of it is verified.
pub struct UnverifiedToken<'t> {
    text: &'t str,
    parts: Parts<'t>,
    key_id: Option<String>,
    algorithm: Algorithm,
    signature: Vec<u8>,
    header: JoseHeader,
}

/// Proof that a token's signature was verified; only the code that verified it may make one.
#[derive(Debug, Clone, Copy)]
pub struct SignatureVerified<'k>(Option<&'k str>);

impl<'k> SignatureVerified<'k> {
    /// Returns the proof that the signature of the token was verified with a key of the set; `issuer` is whose tokens the key signs, if
    /// the set says so.
    pub fn attest(issuer: Option<&'k str>) -> Self {
        Self(issuer)
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

    /// Returns the `kid` of the header.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the algorithm, which is one of those allowed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the bytes that are signed: header and payload as sent, with the dot between them.
    pub fn signed_bytes(&self) -> &'t [u8] {
        split_last(self.text, b'.').map(|(signed, _)| signed).unwrap_or_default().as_bytes()
    }

    /// Returns the signature, not verified.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Returns the error that says that no key of `set` fits this token.
    pub fn no_key(&self, set: &KeySet) -> TokenError {
        TokenError::no_key(self.key_id(), set)
    }

    /// Returns when the token says that it was issued, if every rule but that of its signature lets it pass at `now`: for code that lets
    /// nobody in by it.
    pub fn claimed_issue(&self, expectations: &Expectations<'_>, now: i64) -> Option<i64> {
        self.header.check_kind(expectations.kind).ok()?;
        VerifiedClaims::check(self.parts.claims().ok()?, expectations, now).ok()?.date("iat")
    }

    /// Checks the claims of a token whose signature was verified, at `now` (seconds since 1970).
    ///
    /// # Errors
    /// The first rule that a claim breaks, or that the payload is not a set of claims.
    pub fn into_verified(
        self,
        proof: SignatureVerified<'_>,
        expectations: &Expectations<'_>,
        now: i64,
    ) -> Result<VerifiedClaims, TokenError> {
        self.header.check_kind(expectations.kind)?;
        let claims = self.parts.claims()?;
        check_key_issuer(&claims, proof.0, expectations.issuer, expectations.tenants)
            .and_then(|()| VerifiedClaims::check(claims, expectations, now))
            .map_err(TokenError::Claim)
    }
}

/// Returns a claim that is a date, in seconds since 1970, without verifying the token: for code that lets nobody in by it, such as its
/// holder, to know when to get another.
pub fn claimed_date(token: &str, claim: &'static str) -> Option<i64> {
    numeric_date(&claimed(token)?, claim).ok().flatten()
}

/// Returns a claim that is a string, without verifying the token: for code that got it directly from its issuer.
pub fn claimed_text(token: &str, claim: &str) -> Option<String> {
    json::text(&claimed(token)?, claim).map(str::to_owned)
}

/// Returns the claims of a token, without verifying it: for code that got it directly from its issuer, or that verified it before.
pub fn claimed(token: &str) -> Option<Map<String, Value>> {
    Parts::split(token).ok()?.claims().ok()
}
