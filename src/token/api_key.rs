//! API keys: the form of one, and what its record says at a time.
//!
//! The digest of a key, and the record under it, are the edge's to find.

mod credential;

use std::fmt;
use std::rc::Rc;

use super::claims::VerifiedClaims;
use super::error::{ClaimError, TokenError};
use crate::config::{ApiKeys, KeyRecord};

pub use credential::{Credential, credential};

/// So many characters of a key are random: 190 bits.
pub const RANDOM_CHARS: usize = 32;

/// So many characters are the checksum: a CRC-32 is less than 62 to the power of six.
const CHECKSUM_CHARS: usize = 6;

/// The digits of base62, in the order of their values.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

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

/// Checks whether a text has the form of a key with this prefix. What is refused here costs no look-up.
///
/// # Errors
/// That it has not, or that its checksum is wrong.
pub fn check_key_form(text: &str, prefix: &str) -> Result<(), KeyError> {
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(KeyError::Malformed)?;
    if digits.len() != RANDOM_CHARS + CHECKSUM_CHARS || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(KeyError::Malformed);
    }
    let (before, sent) = text.split_at_checked(text.len() - CHECKSUM_CHARS).ok_or(KeyError::Malformed)?;
    // Whoever reads this can compute it: it keeps typing errors from the store, and is no secret.
    if checksum(before).eq(sent.bytes()) { Ok(()) } else { Err(KeyError::Checksum) }
}

/// Makes a key of a prefix and of random bytes; `None` if they are too few: those that no digit stands for are passed over.
#[cfg(not(target_os = "unknown"))]
pub fn key_of(prefix: &str, random: &[u8]) -> Option<crate::secret::Secret<String>> {
    // What is left would make some digits likelier than others.
    let fair = random.iter().filter(|byte| usize::from(**byte) < 256 / BASE62.len() * BASE62.len());
    let digits: Vec<u8> = fair.map(|byte| digit(u32::from(*byte))).take(RANDOM_CHARS).collect();
    let mut text = [prefix, "_", std::str::from_utf8(&digits).ok()?].concat();
    let checksum: Vec<u8> = checksum(&text).collect();
    text.push_str(std::str::from_utf8(&checksum).ok()?);
    (digits.len() == RANDOM_CHARS).then(|| crate::secret::Secret::new(text))
}

/// Returns the regular expression by which scanners find keys with a prefix in what was not to have any.
#[cfg(not(target_os = "unknown"))]
pub fn key_pattern(prefix: &str) -> String {
    format!("{prefix}_[0-9A-Za-z]{{{}}}", RANDOM_CHARS + CHECKSUM_CHARS)
}

/// Returns the SHA-256 of a key in base64url, as the gateway computes it.
#[cfg(not(target_os = "unknown"))]
pub fn key_digest(key: &str) -> String {
    use sha2::{Digest as _, Sha256};
    crate::encoding::base64url(&Sha256::digest(key))
}

/// Returns the CRC-32 of a text (that of ISO 3309, as in GitHub's tokens) in base62, the first digit first.
fn checksum(text: &str) -> impl Iterator<Item = u8> {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let crc = !crc;
    (0..CHECKSUM_CHARS as u32).rev().map(move |place| digit(crc / 62_u32.pow(place)))
}

/// Returns the last digit of a number in base62.
fn digit(number: u32) -> u8 {
    BASE62.get(number as usize % BASE62.len()).copied().unwrap_or_default()
}

/// Checks whether two digests are the same, in a time that says nothing of where they differ.
fn same_digest(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).fold(0, |differing, (one, other)| differing | (one ^ other));
    std::hint::black_box(differing) == 0 && one.len() == other.len()
}

/// Returns the record that the config has under a digest. Each is compared, wherever the one is.
pub fn listed_key<'k>(keys: &'k ApiKeys, digest: &str) -> Option<&'k Rc<KeyRecord>> {
    let mut found = None;
    for (listed, record) in &keys.listed {
        if same_digest(listed, digest) {
            found = Some(record);
        }
    }
    found
}

/// Checks that a key with these claims is accepted at `now` (seconds since 1970) from an address.
///
/// # Errors
/// That it is too late, or from elsewhere.
pub fn check_key(claims: &VerifiedClaims, now: i64, address: Option<&str>) -> Result<(), TokenError> {
    let networks = claims.key_record().and_then(|record| record.networks.as_ref());
    if networks.is_some_and(|networks| !networks.admit(address)) {
        return Err(KeyError::Address.into());
    }
    let at = claims.expires_at();
    if now < at { Ok(()) } else { Err(TokenError::Claim(ClaimError::Expired { at, now })) }
}
