//! Bearer tokens: from the text that a client sent to verified claims.
//!
//! The types say how far a token is trusted: [`UnverifiedToken`] has been parsed, [`VerifiedClaims`] has passed its
//! signature check and every rule. The edge verifies the signature with WebCrypto; this module has no keys and
//! no cryptography.

mod access;
mod api_key;
mod authentication;
mod cache;
mod claims;
mod confirmation;
mod credentials;
mod dispatch;
mod dpop;
mod error;
mod introspected;
mod parts;
mod unverified;
mod values;

pub use access::{held_scopes, missing_access};
#[cfg(not(target_os = "unknown"))]
pub use api_key::{RANDOM_CHARS, key_digest, key_of, key_pattern};
pub use api_key::{check_key, check_key_form, listed_key};
pub use authentication::{AUTH_TIME, Authentication};
pub use cache::{ASKED, STORED_KEY, TokenCache};
pub use claims::{
    Expectations, Expiry, VerifiedClaims, check_audience, check_begun, check_binding, check_expiry, check_issuer,
    check_key_issuer, check_required, check_stand_in, numeric_date,
};
pub use confirmation::bound_key;
pub use credentials::{Credentials, Scheme, TOKEN_MAX_BYTES, bare_token, bearer, credentials};
pub use dispatch::{Credential, credential};
#[cfg(not(target_os = "unknown"))]
pub use dpop::check_token;
pub use dpop::{
    Checked, UnverifiedProof, check_age, check_method, check_target, jti, one_proof, proof_key, proven, split_proof,
};
pub use error::{ClaimError, KeyError, ProofError, TokenError};
pub use introspected::{Verdict, cached_until, check_introspected, is_asked_about};
pub use parts::{JoseHeader, Kind, Parts};
pub use unverified::{SignatureVerified, UnverifiedToken, claimed, claimed_date, claimed_text};
pub use values::{lists, value_at};
