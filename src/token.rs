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
mod credentials;
mod dispatch;
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
    Expectations, Expiry, VerifiedClaims, check_audience, check_begun, check_expiry, check_issuer, check_key_issuer,
    check_required, check_stand_in, check_unbound, numeric_date,
};
pub use credentials::{Credentials, TOKEN_MAX_BYTES, bare_token, bearer};
pub use dispatch::{Credential, credential};
pub use error::{ClaimError, KeyError, TokenError};
pub use introspected::{Verdict, cached_until, check_introspected, is_asked_about};
pub use parts::{JoseHeader, Kind, Parts};
pub use unverified::{SignatureVerified, UnverifiedToken, claimed, claimed_date, claimed_text};
pub use values::{lists, value_at};
