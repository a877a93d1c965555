//! API keys: the form of one, and what its record says at a time.
//!
//! The digest of a key, and the record under it, are the edge's to find.

use std::rc::Rc;

use super::claims::VerifiedClaims;
use super::error::{ClaimError, KeyError, TokenError};
use crate::config::{ApiKeys, KeyRecord};

/// So many characters of a key are random: 190 bits.
pub const RANDOM_CHARS: usize = 32;

/// So many characters are the checksum: a CRC-32 is less than 62 to the power of six.
const CHECKSUM_CHARS: usize = 6;

/// The digits of base62, in the order of their values.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_key_record;

    /// Made of bytes that count up.
    const KEY: &str = "acme_live_0123456789ABCDEFGHIJKLMNOPQRSTUV4IG2In";

    fn made(prefix: &str) -> String {
        let bytes: Vec<u8> = (0..64).collect();
        key_of(prefix, &bytes).map(|key| key.expose().clone()).unwrap_or_default()
    }

    #[test]
    fn the_checksum_is_the_crc_of_iso_3309_in_six_digits() {
        // The check value of the catalogue of CRCs: 0xcbf43926.
        assert_eq!(checksum("123456789").collect::<Vec<_>>(), digits(0xcbf4_3926));
        assert_eq!(checksum("").collect::<Vec<_>>(), b"000000");
        assert_eq!(digits(u32::MAX), b"4gfFC3");
    }

    fn digits(mut number: u32) -> Vec<u8> {
        let mut digits = Vec::new();
        for _ in 0..CHECKSUM_CHARS {
            digits.insert(0, BASE62[(number % 62) as usize]);
            number /= 62;
        }
        digits
    }

    #[test]
    fn a_key_is_made_of_bytes_of_which_each_digit_is_equally_likely() {
        assert_eq!(made("acme_live"), KEY);
        assert_eq!(check_key_form(KEY, "acme_live"), Ok(()));
        assert!(key_of("acme", &[255; 500]).is_none(), "bytes that no digit stands for");
        assert!(key_of("acme", &[0; RANDOM_CHARS - 1]).is_none(), "too few");
        let mixed: Vec<u8> = [255, 1].into_iter().cycle().take(2 * RANDOM_CHARS).collect();
        assert!(key_of("acme", &mixed).is_some_and(|key| key.expose().starts_with("acme_1111")));
        assert_eq!(key_pattern("acme_live"), "acme_live_[0-9A-Za-z]{38}");
    }

    #[test]
    fn what_has_not_the_form_of_a_key_is_refused_before_anything_is_looked_up() {
        use KeyError::{Checksum, Malformed};
        let with = |from: &str, to: &str| KEY.replacen(from, to, 1);
        let table = [
            (KEY.to_owned(), Ok(()), "the key"),
            (String::new(), Err(Malformed), "nothing"),
            ("acme_live".to_owned(), Err(Malformed), "the prefix"),
            ("acme_live_".to_owned(), Err(Malformed), "and an underscore"),
            (KEY[..30].to_owned(), Err(Malformed), "a half"),
            ([KEY, KEY].concat(), Err(Malformed), "twice"),
            ([KEY, "\n"].concat(), Err(Malformed), "a line end"),
            ([" ", KEY].concat(), Err(Malformed), "a space"),
            (with("_live_", "_test_"), Err(Malformed), "another prefix"),
            (with("acme", "ACME"), Err(Malformed), "the prefix in capitals"),
            (with("acme_live_", "acme_live_acme_live_"), Err(Malformed), "the prefix twice"),
            (with("0", "O"), Err(Checksum), "a letter for a digit"),
            (with("1", "l"), Err(Checksum), "another"),
            (with("I", "l"), Err(Checksum), "a letter for one that looks like it"),
            (with("A", "a"), Err(Checksum), "a letter in the other case"),
            (with("01", "10"), Err(Checksum), "two that are swapped"),
            (with("4IG2In", "4IG2Io"), Err(Checksum), "another checksum"),
            (with("A", "\u{410}"), Err(Malformed), "a letter of another script"),
            (with("A", "\u{ff21}"), Err(Malformed), "a wide letter"),
            (with("0", "-"), Err(Malformed), "a sign of base64url"),
            (with("0", "%30"), Err(Malformed), "percent-encoded"),
            (with("0", "\0"), Err(Malformed), "a zero byte"),
            (["acme_live_", &"a".repeat(16 * 1024)].concat(), Err(Malformed), "16 KiB"),
        ];
        for (text, expected, message) in table {
            assert_eq!(check_key_form(&text, "acme_live"), expected, "{message}");
        }
        for at in 10..KEY.len() {
            for digit in BASE62 {
                let mut bytes = KEY.as_bytes().to_vec();
                bytes[at] = *digit;
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(check_key_form(&text, "acme_live").is_ok(), text == KEY, "{text}: one sign is another");
            }
        }
    }

    #[test]
    fn a_digest_is_the_same_only_as_a_whole() {
        for (one, other, expected) in [("ab", "ab", true), ("ab", "aB", false), ("ab", "abc", false), ("", "", true)] {
            assert_eq!(same_digest(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_record_says_until_when_and_from_where() {
        let record = r#"{ "version": 1, "owner": "acme", "scopes": ["a", "b"], "claims": { "tenant": "eu" },
            "not_after": "2027-01-31T00:00:00Z", "ip": { "allow": ["192.0.2.0/24"] } }"#;
        let record = Rc::new(parse_key_record(record, "partners").unwrap());
        let claims = VerifiedClaims::of_api_key("digest", record);
        let end = 1_801_353_600;
        let inside = Some("192.0.2.7");
        let table = [
            (end, inside, None, "the last second"),
            (end + 1, inside, Some("exp is 1801353601, the time is 1801353601"), "the next"),
            (0, Some("198.51.100.1"), Some("the API key is not for this address"), "from elsewhere"),
            (0, None, Some("the API key is not for this address"), "from nowhere"),
            (end + 1, None, Some("the API key is not for this address"), "from elsewhere, and too late"),
        ];
        for (now, address, expected, message) in table {
            let refused = check_key(&claims, now, address).err().map(|error| error.to_string());
            assert_eq!(refused.as_deref(), expected, "{message}");
        }
        assert_eq!(claims.text("sub"), Some("acme"));
        assert_eq!(claims.text("scope"), Some("a b"));
        assert_eq!(claims.text("tenant"), Some("eu"));
        assert_eq!(claims.text("iss"), Some("urn:bargate:api_key:partners"));
        assert_eq!(claims.api_key(), Some("digest"));
    }
}
