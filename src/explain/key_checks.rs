//! The checks of a token's key and signature: which key it names, whether that key fits, and whether the signature verifies.
//!
//! The gateway has one failure for "no key fits". Here the name and the kind of the key have a row each.

use crate::algorithm::{Algorithm, KeyFamily};
use crate::json;
use crate::jwks::{Key, KeySet};
use crate::token::{JoseHeader, Parts, TokenError};
use serde_json::Value;

use super::check::{Check, Outcome, UNKNOWN, row, skip, written};

/// Most keys that are listed.
const LISTED_MAX: usize = 8;

/// What a check of a signature found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// It was made with the key.
    Verified,
    /// It was not, or the key is not of a type that could have made it.
    Refused,
    /// It could not be checked, for this reason.
    Unknown(String),
}

/// Checks whether a signature (the last argument) was made over bytes with a key by an algorithm.
pub type CheckSignature<'c> = &'c dyn Fn(&Key, Algorithm, &[u8], &[u8]) -> Signature;

/// Checks the key that a token names, or the only one that fits, and then the signature. Returns the key by which that verifies, too.
pub fn check_keys<'s>(
    token: &str,
    header: Result<&JoseHeader, &str>,
    set: Result<&'s KeySet, &String>,
    check: CheckSignature<'_>,
) -> ([Check; 3], Option<&'s Key>) {
    let header = match header {
        Ok(header) => header,
        Err(reason) => return (unchecked(skip(reason), UNKNOWN.to_owned(), reason), None),
    };
    let named = written(header.members(), "kid");
    let kid = match header.key_id() {
        Ok(kid) => kid,
        Err(error) => return (unchecked(Outcome::Fail(error), named, "the kid is not a string"), None),
    };
    let set = match set {
        Ok(set) => set,
        Err(reason) => return (unchecked(skip(reason), named, "there is no key set; see kid"), None),
    };
    let algorithm = json::text(header.members(), "alg").and_then(Algorithm::parse);
    let by_name = check_name(kid, algorithm, set, named);
    let Some(algorithm) = algorithm else {
        let [_, key, signature] = unchecked(Outcome::Pass, String::new(), "the algorithm is not a known one");
        return ([by_name, key, signature], None);
    };
    let indices = set.select_keys(kid, algorithm).into_iter();
    let keys: Vec<_> = indices.filter_map(|index| set.keys().get(index)).collect();
    let expected = format!("for {} ({})", algorithm.name(), algorithm.family());
    let key = match &by_name.outcome {
        Outcome::Pass if keys.is_empty() => {
            row("key", Outcome::Fail(TokenError::no_key(kid, set)), expected, unfit_keys(kid, set))
        }
        Outcome::Pass => row("key", Outcome::Pass, expected, listed(keys.iter().map(|key| purpose(key)))),
        Outcome::Fail(_) | Outcome::Skip(_) => row("key", skip("no key has this kid"), expected, UNKNOWN),
    };
    let (signature, signer) = check_signature(token, algorithm, &keys, check);
    ([by_name, key, signature], signer)
}

/// Returns the rows if only the key's name is known.
fn unchecked(outcome: Outcome, named: String, reason: &str) -> [Check; 3] {
    [
        row("kid", outcome, "the kid of a key in the set", named),
        row("key", skip(reason), "for the algorithm", UNKNOWN),
        row("signature", skip(reason), "by that key", UNKNOWN),
    ]
}

/// Checks that the set has a key with the token's `kid`; without a `kid`, that only one key fits.
fn check_name(kid: Option<&str>, algorithm: Option<Algorithm>, set: &KeySet, named: String) -> Check {
    if set.keys().iter().any(|key| key.family() == KeyFamily::Secret) {
        return row("kid", Outcome::Pass, "anything: a shared secret has no kid", named);
    }
    let Some(kid) = kid else {
        let expected = "present, unless the set has only one key for the algorithm";
        let fits = |key: &&Key| algorithm.is_some_and(|algorithm| key.fits(algorithm));
        return match set.keys().iter().filter(fits).count() {
            0 | 1 => row("kid", Outcome::Pass, expected, named),
            several => row(
                "kid",
                Outcome::Fail(TokenError::no_key(None, set)),
                expected,
                format!("absent, and {several} such keys"),
            ),
        };
    };
    let used = set.keys().iter().map(|key| key.kid.as_deref());
    let names: Vec<_> = used.chain(set.skipped().iter().map(|(name, _)| name.as_deref())).collect();
    let is_there = names.contains(&Some(kid));
    let outcome = if is_there { Outcome::Pass } else { Outcome::Fail(TokenError::no_key(Some(kid), set)) };
    let shown =
        |name: Option<&str>| name.map_or_else(|| "a key without one".to_owned(), |name| Value::from(name).to_string());
    row("kid", outcome, format!("a kid in the set: {}", listed(names.into_iter().map(shown))), named)
}

fn check_signature<'s>(
    token: &str,
    algorithm: Algorithm,
    keys: &[&'s Key],
    check: CheckSignature<'_>,
) -> (Check, Option<&'s Key>) {
    let expected = "by that key";
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed).as_bytes();
    if keys.is_empty() {
        return (row("signature", skip("there is no key to verify it"), expected, UNKNOWN), None);
    }
    let Ok(signature) = Parts::split(token).and_then(|parts| parts.signature()) else {
        return (row("signature", skip("the signature cannot be read"), expected, UNKNOWN), None);
    };
    let mut unknown = None;
    for key in keys {
        match check(key, algorithm, signed, &signature) {
            Signature::Verified => return (row("signature", Outcome::Pass, expected, "it verifies"), Some(key)),
            Signature::Refused => {}
            Signature::Unknown(reason) => unknown = Some(reason),
        }
    }
    let (outcome, found) = match unknown {
        Some(reason) => (Outcome::Skip(format!("it could not be checked: {reason}")), UNKNOWN),
        None => (Outcome::Fail(TokenError::BadSignature), "it does not verify"),
    };
    (row("signature", outcome, expected, found), None)
}

/// Describes what a key is for.
fn purpose(key: &Key) -> String {
    match key.algorithm() {
        Some(algorithm) => format!("for {} ({})", algorithm.name(), key.family()),
        None => format!("for any algorithm of its type ({})", key.family()),
    }
}

/// Describes the keys of a name, none of which fits; all keys if the token names none.
fn unfit_keys(kid: Option<&str>, set: &KeySet) -> String {
    let is_meant = |name: Option<&str>| kid.is_none() || name == kid;
    let used = set.keys().iter();
    let used = used.filter(|key| is_meant(key.kid.as_deref()) || key.family() == KeyFamily::Secret).map(purpose);
    let skipped = set.skipped().iter().filter(|(name, _)| is_meant(name.as_deref()));
    listed(used.chain(skipped.map(|(_, reason)| reason.to_string())))
}

/// Joins the first of some texts, and counts the others.
fn listed(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<_> = texts.collect();
    let more = texts.len().saturating_sub(LISTED_MAX);
    texts.truncate(LISTED_MAX);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join(", ")
}
