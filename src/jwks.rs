//! What to do with a key set (RFC 7517): parse it, choose a key, and say when to get another.
//!
//! This module decides and fetches nothing. The layers, from the nearest: the isolate's memory, KV, the provider, and the
//! last good copy, from whichever of the first two has it.

use std::fmt;

use serde_json::{Map, Value};

use crate::algorithm::{Algorithm, KeyFamily};
use crate::encoding::{base64url, base64url_bytes};
use crate::excerpt::shortened;
use crate::json::{self, ToText as _};
use crate::secret::Secret;

/// A set is used without a thought for this long; providers announce a rotation well ahead.
pub const JWKS_FRESH_SECS: i64 = 10 * 60;

/// A set older than this is not used even while the provider is away: a key withdrawn a day ago must not open doors.
pub const JWKS_STALE_MAX_SECS: i64 = 24 * 60 * 60;

/// An unknown `kid` renews the set at most this often, so that made-up ones cannot turn the gateway against the provider.
pub const JWKS_COOLDOWN_SECS: i64 = 30;

/// After a renewal that failed, a stale set is served for this long before the next try.
pub const JWKS_RETRY_SECS: i64 = 10;

/// Without any set, the provider is asked again this soon after it failed: long enough not to hammer it, short enough not to
/// turn one lost packet into an outage.
pub const JWKS_LOAD_RETRY_SECS: i64 = 2;

/// The clocks of two machines that share a set may differ by this much, each by half of it from the provider's.
pub const JWKS_SKEW_SECS: i64 = 60;

/// Largest key set that is read, in bytes.
pub const JWKS_MAX_BYTES: usize = 64 * 1024;

/// Most keys that a set may have.
pub const JWKS_MAX_KEYS: usize = 64;

/// Of so many keys it is said why they cannot be used.
const REASONS_MAX: usize = 4;

/// Shortest RSA modulus that is accepted (RFC 7518 section 3.3).
const RSA_MIN_BITS: usize = 2048;

/// Longest RSA modulus that is used: with a longer one, a verification costs more than an attacker should be able to cause.
const RSA_MAX_BITS: usize = 8192;

/// Public keys of an issuer, each fit to verify signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: Vec<(Option<String>, SkippedKey)>,
}

/// A key that can verify signatures: a public one, or a shared secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name in the set.
    pub kid: Option<String>,
    /// Whose tokens it signs, if the JWKS says so, as that of Microsoft Entra ID for all its tenants does; it may be a template, and is
    /// empty if it is not a text.
    pub issuer: Option<String>,
    /// The one algorithm it is for, if the JWKS says so.
    algorithm: Option<Algorithm>,
    family: KeyFamily,
    /// Only the key, as JSON (RFC 7517), for the importer.
    pub jwk: Secret<String>,
}

/// A private key that the gateway signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name, by which the provider finds the public key.
    pub kid: Option<String>,
    /// The algorithm that it signs with.
    pub algorithm: Algorithm,
    /// The name of that in `alg`, as the key has it.
    pub alg: String,
    /// Only the key, as JSON (RFC 7517), for the importer.
    pub jwk: Secret<String>,
}

/// A key of the set that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkippedKey {
    /// This member of it has a value that is not supported: no tokens here are signed with such a key.
    Unsupported(&'static str),
    /// This member of it is missing or malformed.
    Malformed(&'static str),
    /// It is for encryption, or for something else than verifying.
    OtherUse,
    /// An RSA key of this many bits.
    RsaBits(usize),
}

/// Why a document is not a JWKS that could replace another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySetError {
    /// Larger than [`JWKS_MAX_BYTES`].
    TooLarge,
    /// Not a JSON object with an array `keys`.
    Malformed,
    /// More than [`JWKS_MAX_KEYS`] keys.
    TooManyKeys(usize),
    /// No key of the set can be used: the first of them, with the reason for each.
    NoUsableKey(String),
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(member) => write!(f, "its {member} is not supported"),
            Self::Malformed(member) => write!(f, "its {member} is missing or malformed"),
            Self::OtherUse => f.write_str("for another use than signatures"),
            Self::RsaBits(bits) => write!(f, "an RSA key of {bits} bits, not 2048 to 8192"),
        }
    }
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the key set is larger than {JWKS_MAX_BYTES} bytes"),
            Self::Malformed => f.write_str("the document is not a JWKS"),
            Self::TooManyKeys(count) => write!(f, "the key set has {count} keys, at most {JWKS_MAX_KEYS} are read"),
            Self::NoUsableKey(keys) => write!(f, "the key set has no usable key{keys}"),
        }
    }
}

/// Returns what a document that is not a JWKS is likely to be, and what to do about it.
pub fn mistaken_for_key_set(document: &str) -> Option<&'static str> {
    let text = document.trim_start();
    if text.starts_with("-----BEGIN") {
        return Some("it is PEM, and a key set is JSON (RFC 7517): {\"keys\": [...]}");
    }
    if text.starts_with('<') {
        return Some("it is a page, and a key set is JSON (RFC 7517): {\"keys\": [...]}");
    }
    let value: Value = serde_json::from_str(document).ok()?;
    let is_key = |value: &Value| value.get("kty").is_some();
    let is_pem = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("-----BEGIN"));
    match &value {
        Value::Object(members) if members.contains_key("keys") => {
            let is_list = members.get("keys").is_some_and(Value::is_array);
            (!is_list).then_some("\"keys\" must be a list: {\"keys\": [...]}")
        }
        Value::Object(members) if is_key(&value) && (members.contains_key("d") || members.contains_key("k")) => {
            Some("it is one key, and a secret one: a key set has public keys, {\"keys\": [...]}")
        }
        Value::Object(_) if is_key(&value) => Some("it is one key (JWK): put it into a set, {\"keys\": [...]}"),
        Value::Object(members) if members.contains_key("jwks_uri") => {
            Some("it is a discovery document: the key set is at its \"jwks_uri\"")
        }
        Value::Object(members) if !members.is_empty() && members.values().all(is_pem) => {
            Some("it holds certificates or keys in PEM: the issuer has its key set (JWKS) at another address")
        }
        Value::Array(items) if items.first().is_some_and(is_key) => {
            Some("it is a list of keys: put it into a set, {\"keys\": [...]}")
        }
        _ => None,
    }
}

impl KeySet {
    /// Parses a document and keeps the keys that can be used.
    ///
    /// # Errors
    /// What makes the whole document unusable; a single bad key does not.
    pub fn parse(document: &str) -> Result<Self, KeySetError> {
        if document.len() > JWKS_MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let members = json::parse_object(document.as_bytes()).ok_or(KeySetError::Malformed)?;
        let keys = members.get("keys").and_then(Value::as_array).ok_or(KeySetError::Malformed)?;
        if keys.len() > JWKS_MAX_KEYS {
            return Err(KeySetError::TooManyKeys(keys.len()));
        }
        let mut set = Self { keys: Vec::with_capacity(keys.len()), skipped: Vec::new() };
        for key in keys {
            match key.as_object().ok_or(SkippedKey::Malformed("kty")).and_then(Key::read) {
                Ok(key) => set.keys.push(key),
                Err(reason) => {
                    let kid = key.get("kid").and_then(Value::as_str).map(str::to_owned);
                    set.skipped.push((kid, reason));
                }
            }
        }
        if set.keys.is_empty() { Err(KeySetError::NoUsableKey(set.reasons())) } else { Ok(set) }
    }

    /// Returns the set of only a shared secret.
    pub fn of_secret(secret: &Secret<String>) -> Self {
        let members = &mut [("kty", "oct".into()), ("k", base64url(secret.expose().as_bytes()).into())];
        let jwk = json::object(members).to_text();
        let (algorithm, family) = (Some(Algorithm::Hs256), KeyFamily::Secret);
        Self {
            keys: vec![Key { kid: None, issuer: None, algorithm, family, jwk: Secret::new(jwk) }],
            skipped: Vec::new(),
        }
    }

    /// Describes why the first of the unusable keys cannot be used.
    fn reasons(&self) -> String {
        let mut text = String::new();
        for (kid, reason) in self.skipped.iter().take(REASONS_MAX) {
            let between = if text.is_empty() { ": " } else { "; " };
            text += &[between, &shortened(kid.as_deref().unwrap_or("no kid")), ": ", &reason.to_string()].concat();
        }
        text
    }

    /// Returns the keys.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Returns the name of each of the other keys, and why it was left out.
    pub fn skipped(&self) -> &[(Option<String>, SkippedKey)] {
        &self.skipped
    }

    /// Returns the indices of the keys that may have signed a token.
    ///
    /// A token that names no key can only be by the only key of its type, and by none if there are several. A shared secret has
    /// no name, whatever the token calls it.
    pub fn select_keys(&self, kid: Option<&str>, algorithm: Algorithm) -> Vec<usize> {
        let fits = |key: &Key| {
            key.fits(algorithm)
                && (key.family == KeyFamily::Secret || kid.is_none_or(|kid| key.kid.as_deref() == Some(kid)))
        };
        let fitting: Vec<_> =
            self.keys.iter().enumerate().filter(|(_, key)| fits(key)).map(|(index, _)| index).collect();
        if kid.is_none() && fitting.len() > 1 { Vec::new() } else { fitting }
    }
}

impl Key {
    /// Returns the one algorithm it is for, if the JWKS says so.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Checks whether signatures of this algorithm can be verified with it.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.family == algorithm.family() && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Returns its kind.
    pub fn family(&self) -> KeyFamily {
        self.family
    }

    /// Reads a key that has no member that only its owner may know (RFC 7518 section 6), whatever its value.
    ///
    /// # Errors
    /// Such a member, or why it verifies no signatures.
    pub fn read_public(members: &Map<String, Value>) -> Result<Self, SkippedKey> {
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        match private.into_iter().find(|name| members.contains_key(*name)) {
            Some(name) => Err(SkippedKey::Unsupported(name)),
            None => Self::read(members),
        }
    }

    fn read(members: &Map<String, Value>) -> Result<Self, SkippedKey> {
        check_use(members, "verify")?;
        let (family, numbers) = read_family(members)?;
        let (kid, algorithm) = read_names(members, family)?;
        let issuer = present(members, "issuer").map(|issuer| issuer.as_str().unwrap_or_default().to_owned());
        Ok(Self { kid, issuer, algorithm, family, jwk: only(members, numbers) })
    }
}

impl SigningKey {
    /// Parses a private key (RFC 7517). It signs with the algorithm that it names, or else with the usual one of its kind.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn parse(jwk: &str) -> Result<Self, SkippedKey> {
        let members = json::parse_object(jwk.as_bytes()).ok_or(SkippedKey::Malformed("kty"))?;
        check_use(&members, "sign")?;
        let (family, numbers) = read_family(&members)?;
        let (kid, algorithm) = read_names(&members, family)?;
        let (usual, private): (_, &[&str]) = match family {
            KeyFamily::Rsa => (Algorithm::Rs256, &["d", "p", "q", "dp", "dq", "qi"]),
            KeyFamily::P256 => (Algorithm::Es256, &["d"]),
            KeyFamily::P384 => (Algorithm::Es384, &["d"]),
            KeyFamily::P521 => (Algorithm::Es512, &["d"]),
            KeyFamily::Ed25519 => (Algorithm::EdDsa, &["d"]),
            KeyFamily::Secret => return Err(SkippedKey::Unsupported("kty")),
        };
        if let Some(lacking) = private.iter().find(|name| number(&members, name).is_none()) {
            return Err(SkippedKey::Malformed(lacking));
        }
        let jwk = only(&members, &[numbers, private].concat());
        let algorithm = algorithm.unwrap_or(usual);
        let alg = json::text(&members, "alg").unwrap_or(algorithm.name()).to_owned();
        Ok(Self { kid, algorithm, alg, jwk })
    }
}

/// Checks that a key is for signatures, and for this operation (RFC 7517 sections 4.2 and 4.3).
fn check_use(members: &Map<String, Value>, operation: &str) -> Result<(), SkippedKey> {
    let for_signatures = present(members, "use").is_none_or(|usage| usage == "sig");
    let is_allowed = present(members, "key_ops")
        .is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == operation)));
    if for_signatures && is_allowed { Ok(()) } else { Err(SkippedKey::OtherUse) }
}

/// Returns the key's name, and the one algorithm that it is for, as far as it says so.
fn read_names(
    members: &Map<String, Value>,
    family: KeyFamily,
) -> Result<(Option<String>, Option<Algorithm>), SkippedKey> {
    let algorithm = match present(members, "alg") {
        None => None,
        Some(name) => {
            let named = name.as_str().and_then(Algorithm::parse).filter(|algorithm| algorithm.family() == family);
            Some(named.ok_or(SkippedKey::Unsupported("alg"))?)
        }
    };
    let kid = match present(members, "kid") {
        None => None,
        Some(kid) => Some(kid.as_str().ok_or(SkippedKey::Malformed("kid"))?.to_owned()),
    };
    Ok((kid, algorithm))
}

/// Returns only these members of a key, for the importer, and so neither certificates nor uses nor, of a public key, private parts.
fn only(members: &Map<String, Value>, names: &[&str]) -> Secret<String> {
    let mut key = Map::new();
    for name in names {
        if let Some(value) = members.get(*name) {
            key.insert((*name).to_owned(), value.clone());
        }
    }
    Secret::new(Value::Object(key).to_text())
}

/// Returns a member, taking `null` for absent.
fn present<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    members.get(name).filter(|value| !value.is_null())
}

/// Returns a number of a key (RFC 7518 section 2).
fn number(members: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    json::text(members, name).and_then(base64url_bytes).filter(|bytes| !bytes.is_empty())
}

/// Returns the kind of a key and the members that make its public part (RFC 7518 section 6, RFC 8037 section 2).
fn read_family(members: &Map<String, Value>) -> Result<(KeyFamily, &'static [&'static str]), SkippedKey> {
    // Of this length in bytes.
    let sized = |name: &'static str, length: usize| match number(members, name) {
        Some(bytes) if bytes.len() == length => Ok(()),
        _ => Err(SkippedKey::Malformed(name)),
    };
    let point = |length: usize| sized("x", length).and_then(|()| sized("y", length));
    let (family, numbers): (_, &[&str]) = match (json::text(members, "kty"), json::text(members, "crv")) {
        (Some("RSA"), _) => {
            let modulus = number(members, "n").ok_or(SkippedKey::Malformed("n"))?;
            number(members, "e").ok_or(SkippedKey::Malformed("e"))?;
            match bits(&modulus) {
                RSA_MIN_BITS..=RSA_MAX_BITS => (KeyFamily::Rsa, &["kty", "n", "e"]),
                other => return Err(SkippedKey::RsaBits(other)),
            }
        }
        (Some("EC"), Some("P-256")) => {
            point(32)?;
            (KeyFamily::P256, &["kty", "crv", "x", "y"])
        }
        (Some("EC"), Some("P-384")) => {
            point(48)?;
            (KeyFamily::P384, &["kty", "crv", "x", "y"])
        }
        (Some("EC"), Some("P-521")) => {
            point(66)?;
            (KeyFamily::P521, &["kty", "crv", "x", "y"])
        }
        (Some("OKP"), Some("Ed25519")) => {
            sized("x", 32)?;
            (KeyFamily::Ed25519, &["kty", "crv", "x"])
        }
        (Some("EC" | "OKP"), _) => return Err(SkippedKey::Unsupported("crv")),
        (Some(_), _) => return Err(SkippedKey::Unsupported("kty")),
        (None, _) => return Err(SkippedKey::Malformed("kty")),
    };
    Ok((family, numbers))
}

/// Returns the length of a big-endian number in bits, without leading zeros.
fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|byte| **byte == 0);
    let (mut length, mut first) = (0, None);
    for byte in significant {
        first.get_or_insert(*byte);
        length += 8;
    }
    first.map_or(0, |byte| length - byte.leading_zeros() as usize)
}

/// What the isolate knows of an issuer's key set, clock values in seconds since 1970.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct JwksAge {
    /// When the set in memory came from the provider; `None` while there is none.
    pub fetched_at: Option<i64>,
    /// When the provider was last asked, or did not answer.
    pub tried_at: Option<i64>,
    /// When the provider was last asked because of an unknown `kid`.
    pub tried_for_unknown_at: Option<i64>,
    /// Until when the provider is being asked, at the longest; `None` once that has ended. Work that continues past it was
    /// lost with the request that began it.
    pub renewing_until: Option<i64>,
    /// Whether the last finished try brought no set.
    pub failed: bool,
}

/// What to do before a token is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Use the set in memory.
    Use,
    /// Use the set in memory and renew it behind the answer.
    UseAndRenew,
    /// No set can be used, and none is being fetched: fetch it.
    Load,
    /// No set can be used, and one is being fetched: wait for it.
    Wait,
    /// No set can be used, and a try failed a moment ago.
    Unavailable,
}

/// What to do when the set in memory has no key of the token's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownKey {
    /// Get the set from the provider and look again.
    Renew,
    /// Somebody is getting it: wait for that and look again.
    Wait,
    /// The provider was asked a moment ago and has no such key: refuse.
    Refuse,
    /// The provider was asked a moment ago and did not answer: the key may well exist.
    Unavailable,
}

impl JwksAge {
    /// Checks whether a set may be used at `now`, fresh or stale.
    pub fn is_usable(&self, now: i64) -> bool {
        self.fetched_at.is_some_and(|at| now - at < JWKS_STALE_MAX_SECS)
    }

    /// Checks whether a fetch is under way at `now`. One that began in the future was begun before the clock was set back, and nobody
    /// knows for how long it has been under way.
    pub fn is_renewing(&self, now: i64) -> bool {
        self.renewing_until.is_some_and(|until| now < until) && self.tried_at.is_none_or(|tried| tried <= now)
    }

    /// Checks whether the set in memory is good enough at `now`. One from the future is stale: the clock was set back, and a day ahead
    /// it would otherwise be fresh for a day.
    pub fn readiness(&self, now: i64) -> Readiness {
        let within = |at: Option<i64>, secs: i64| at.is_some_and(|at| (0..secs).contains(&(now - at)));
        if within(self.fetched_at, JWKS_FRESH_SECS) {
            Readiness::Use
        } else if self.is_usable(now) {
            let leave = self.is_renewing(now) || (self.failed && within(self.tried_at, JWKS_RETRY_SECS));
            if leave { Readiness::Use } else { Readiness::UseAndRenew }
        } else if self.is_renewing(now) {
            Readiness::Wait
        } else if self.failed && within(self.tried_at, JWKS_LOAD_RETRY_SECS) {
            Readiness::Unavailable
        } else {
            Readiness::Load
        }
    }

    /// Checks whether an unknown key is worth a renewal at `now`.
    pub fn on_unknown_key(&self, now: i64) -> UnknownKey {
        let cooling_down =
            self.tried_for_unknown_at.is_some_and(|tried| (0..JWKS_COOLDOWN_SECS).contains(&(now - tried)));
        let renewing = self.is_renewing(now);
        let lost = self.renewing_until.is_some() && !renewing;
        match (renewing, cooling_down, self.failed || lost) {
            (true, _, _) => UnknownKey::Wait,
            (false, false, _) => UnknownKey::Renew,
            (false, true, false) => UnknownKey::Refuse,
            (false, true, true) => UnknownKey::Unavailable,
        }
    }

    /// Checks whether the set may be older than a token that was issued then, and so lack its key.
    pub fn may_be_older_than(&self, issued_at: i64) -> bool {
        self.fetched_at.is_none_or(|fetched_at| issued_at > fetched_at - JWKS_SKEW_SECS / 2)
    }

    /// Notes that the provider is asked from `now` until `until` at the longest.
    pub fn begin(&mut self, now: i64, until: i64, for_unknown_key: bool) {
        self.renewing_until = Some(until);
        self.tried_at = Some(now);
        if for_unknown_key {
            self.tried_for_unknown_at = Some(now);
        }
    }

    /// Notes how that ended: with a set fetched at `fetched_at`, or without one.
    ///
    /// The wait before the next try begins where the last one ended: a provider that takes its whole time-out to fail would
    /// otherwise be asked again by each waiting request, one after the other.
    pub fn end(&mut self, fetched_at: Option<i64>, now: i64) {
        self.renewing_until = None;
        self.failed = fetched_at.is_none();
        if self.failed {
            self.tried_at = Some(now);
        }
        self.fetched_at = fetched_at.or(self.fetched_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 100_000;

    fn fetched(seconds_ago: i64) -> JwksAge {
        JwksAge { fetched_at: Some(NOW - seconds_ago), ..JwksAge::default() }
    }

    fn renewing(age: JwksAge, seconds_left: i64) -> JwksAge {
        JwksAge { renewing_until: Some(NOW + seconds_left), ..age }
    }

    #[test]
    fn a_set_is_used_fresh_then_stale_then_not_at_all() {
        let failed =
            |age: JwksAge, seconds_ago: i64| JwksAge { failed: true, tried_at: Some(NOW - seconds_ago), ..age };
        let none = JwksAge::default();
        let table = [
            (none, Readiness::Load, "no set"),
            (renewing(none, 1), Readiness::Wait, "no set, one is coming"),
            (renewing(none, 0), Readiness::Load, "no set, and the one that was coming is lost"),
            (failed(none, 0), Readiness::Unavailable, "no set, and the provider just failed"),
            (failed(none, JWKS_LOAD_RETRY_SECS), Readiness::Load, "no set, time to retry"),
            (fetched(0), Readiness::Use, "just fetched"),
            (fetched(599), Readiness::Use, "a second before it is stale"),
            (fetched(600), Readiness::UseAndRenew, "just stale, ten minutes old"),
            (failed(fetched(JWKS_FRESH_SECS), 1), Readiness::Use, "stale, a renewal failed a second ago"),
            (failed(fetched(JWKS_FRESH_SECS), JWKS_RETRY_SECS), Readiness::UseAndRenew, "stale, time to retry"),
            (renewing(fetched(JWKS_FRESH_SECS), 1), Readiness::Use, "stale, a renewal is under way"),
            (renewing(fetched(JWKS_FRESH_SECS), 0), Readiness::UseAndRenew, "stale, and the renewal is lost"),
            (fetched(86_399), Readiness::UseAndRenew, "a second short of a day old"),
            (fetched(86_400), Readiness::Load, "a day old"),
        ];
        for (age, expected, message) in table {
            assert_eq!(age.readiness(NOW), expected, "{message}");
            let is_used = matches!(expected, Readiness::Use | Readiness::UseAndRenew);
            assert_eq!(age.is_usable(NOW), is_used, "{message}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_costs_neither_the_keys_nor_the_way_to_others() {
        let hour = 3600;
        let age = JwksAge {
            fetched_at: Some(NOW + hour),
            tried_at: Some(NOW + hour),
            tried_for_unknown_at: Some(NOW + hour),
            renewing_until: Some(NOW + hour + 12),
            failed: true,
        };
        assert!(!age.is_renewing(NOW), "nobody waits an hour for a fetch that was lost");
        assert_eq!(
            age.readiness(NOW),
            Readiness::UseAndRenew,
            "the keys are used, and not for an hour and ten minutes"
        );
        assert_eq!(JwksAge { fetched_at: None, ..age }.readiness(NOW), Readiness::Load);
        assert_eq!(age.on_unknown_key(NOW), UnknownKey::Renew);
        let mut again = age;
        again.begin(NOW, NOW + 12, true);
        assert!(again.is_renewing(NOW) && again.on_unknown_key(NOW) == UnknownKey::Wait);
        again.end(None, NOW);
        assert_eq!(
            (again.readiness(NOW), again.readiness(NOW + JWKS_RETRY_SECS)),
            (Readiness::Use, Readiness::UseAndRenew)
        );
        again.end(Some(NOW), NOW);
        assert_eq!(again.readiness(NOW), Readiness::Use);
    }

    #[test]
    fn a_set_lacks_no_key_of_a_token_that_is_older() {
        let table = [
            (fetched(0), 0, true, "issued as it was fetched"),
            (fetched(0), 29, true, "before that by a clock that may be behind"),
            (fetched(0), 30, false, "half a minute before"),
            (JwksAge::default(), 600, true, "no set"),
        ];
        for (age, seconds_ago, expected, message) in table {
            assert_eq!(age.may_be_older_than(NOW - seconds_ago), expected, "{message}");
        }
    }

    #[test]
    fn an_unknown_key_renews_once_a_cooldown_and_waits_meanwhile() {
        let tried = |seconds_ago| JwksAge { tried_for_unknown_at: Some(NOW - seconds_ago), ..fetched(60) };
        let table = [
            (fetched(0), UnknownKey::Renew, "the set is fresh, but no unknown key has asked yet"),
            (renewing(fetched(0), 1), UnknownKey::Wait, "a renewal is under way"),
            (renewing(fetched(0), 0), UnknownKey::Renew, "a renewal for another reason is lost"),
            (renewing(tried(1), 0), UnknownKey::Unavailable, "cooling down, and the renewal is lost"),
            (tried(JWKS_COOLDOWN_SECS - 1), UnknownKey::Refuse, "cooling down"),
            (JwksAge { failed: true, ..tried(1) }, UnknownKey::Unavailable, "cooling down, and nobody knows the set"),
            (tried(JWKS_COOLDOWN_SECS), UnknownKey::Renew, "cooled down"),
        ];
        for (age, expected, message) in table {
            assert_eq!(age.on_unknown_key(NOW), expected, "{message}");
        }
    }

    #[test]
    fn a_failed_renewal_keeps_the_set_it_could_not_replace() {
        let mut age = fetched(700);
        age.begin(NOW, NOW + 12, false);
        assert!(age.is_renewing(NOW + 11) && !age.is_renewing(NOW + 12));
        age.end(None, NOW + 60);
        assert_eq!((age.fetched_at, age.failed, age.renewing_until), (Some(NOW - 700), true, None));
        assert_eq!(age.tried_at, Some(NOW + 60), "the next try waits from the end of this one");
        age.begin(NOW, NOW + 12, true);
        age.end(Some(NOW), NOW);
        assert_eq!((age.fetched_at, age.failed, age.tried_for_unknown_at), (Some(NOW), false, Some(NOW)));
    }

    #[test]
    fn bits_do_not_count_leading_zeros() {
        assert_eq!(bits(&[]), 0);
        assert_eq!(bits(&[0, 0]), 0);
        assert_eq!(bits(&[0, 1, 0]), 9);
        assert_eq!(bits(&[0x80; 256]), 2048);
    }

    #[test]
    fn a_document_in_the_place_of_a_key_set_is_called_by_its_name() {
        let key = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
        let pem = r#""-----BEGIN CERTIFICATE-----\nMIIB""#;
        let table = [
            (format!("{{\"keys\":[{key}]}}"), None, "a key set, whatever else is wrong with it"),
            (format!("{{\"keys\":{key}}}"), Some("must be a list"), "a key in the place of the list"),
            (key.to_owned(), Some("one key (JWK)"), "a key alone"),
            (key.replacen('{', r#"{"d":"AQAB","#, 1), Some("a secret one"), "a private key"),
            (r#"{"kty":"oct","k":"AQAB"}"#.to_owned(), Some("a secret one"), "a shared secret"),
            (format!("[{key}]"), Some("a list of keys"), "the list alone"),
            ("[1]".to_owned(), None, "another list"),
            ("[]".to_owned(), None, "an empty list"),
            (r#"{"jwks_uri":"https://idp.example/jwks"}"#.to_owned(), Some("\"jwks_uri\""), "a discovery document"),
            (format!("{{\"a\":{pem},\"b\":{pem}}}"), Some("in PEM"), "certificates by name"),
            (format!("{{\"a\":{pem},\"b\":1}}"), None, "certificates beside something else"),
            (r#"{"error":"not_found"}"#.to_owned(), None, "an error"),
            ("{}".to_owned(), None, "an empty object"),
            (" -----BEGIN PUBLIC KEY-----".to_owned(), Some("it is PEM"), "a key as PEM"),
            (" <!doctype html>".to_owned(), Some("a page"), "a page"),
        ];
        for (document, expected, message) in table {
            let hint = mistaken_for_key_set(&document);
            assert_eq!(hint.is_some(), expected.is_some(), "{message}: {hint:?}");
            assert!(hint.unwrap_or_default().contains(expected.unwrap_or_default()), "{message}: {hint:?}");
        }
    }
}
