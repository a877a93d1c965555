//! A key set (RFC 7517), and the gateway's own signing key.

use bargate::algorithm::Algorithm;
use bargate::jwks::{JWKS_MAX_BYTES, JWKS_MAX_KEYS, Key, KeySet, SigningKey, mistaken_for_key_set};
use serde_json::{Value, json};

use super::text::{assert_hidden, members, text};

/// What of a key is imported, of every type.
const PUBLIC: [&str; 6] = ["kty", "n", "e", "crv", "x", "y"];

/// What is kept of a key set are public keys alone, each of which is read again as it was; no error shows a secret one.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let _ = mistaken_for_key_set(text);
    check_signing_key(text);
    let set = match KeySet::parse(text) {
        Ok(set) => set,
        Err(error) => {
            assert_no_private_number(text, &format!("{error} {error:?}"));
            return;
        }
    };
    assert!(text.len() <= JWKS_MAX_BYTES && !set.keys().is_empty());
    assert!(set.keys().len() + set.skipped().len() <= JWKS_MAX_KEYS);
    assert_no_private_number(text, &format!("{set:?}"));
    for key in set.keys() {
        let kept = members(key.jwk.expose()).expect("a key is an object");
        assert!(kept.keys().all(|name| PUBLIC.contains(&name.as_str())), "{kept:?}");
        let again = KeySet::parse(&json!({ "keys": [kept] }).to_string()).expect("a key that was taken is one");
        assert_eq!(again.keys().first().map(Key::family), Some(key.family()));
        assert_eq!(again.keys()[0].jwk.expose(), key.jwk.expose());
    }
    for (_, algorithm) in Algorithm::NAMES {
        check_selection(&set, algorithm);
    }
}

/// A key that is selected is of the type that the algorithm needs, is of the name that was asked for, and is the only one if no name was.
fn check_selection(set: &KeySet, algorithm: Algorithm) {
    for kid in set.keys().iter().map(|key| key.kid.as_deref()).chain([None, Some("")]) {
        let selected = set.select_keys(kid, algorithm);
        for index in &selected {
            let key = &set.keys()[*index];
            assert!(key.family() == algorithm.family() && key.fits(algorithm));
            assert!(key.algorithm().is_none_or(|only| only == algorithm));
            assert!(kid.is_none() || key.kid.as_deref() == kid);
        }
        assert!(
            kid.is_some() || selected.len() <= 1,
            "a token without a name is not tried with one key after the other"
        );
    }
}

/// A signing key is of the algorithm's type, and is not shown.
fn check_signing_key(text: &str) {
    let parsed = SigningKey::parse(text);
    assert_no_private_number(text, &format!("{parsed:?}"));
    let Ok(key) = parsed else { return };
    let kept = members(key.jwk.expose()).expect("a key is an object");
    assert!(kept.contains_key("d"));
    assert_eq!(Algorithm::parse(&key.alg), Some(key.algorithm));
    let public: Value = kept.into_iter().filter(|(name, _)| PUBLIC.contains(&name.as_str())).collect();
    let set = KeySet::parse(&json!({ "keys": [public] }).to_string()).expect("its public half is a key");
    assert!(set.keys()[0].fits(key.algorithm));
}

/// Asserts that no secret number of a key is shown.
fn assert_no_private_number(document: &str, shown: &str) {
    let Ok(value) = serde_json::from_str::<Value>(document) else { return };
    let keys: Vec<_> = value.get("keys").and_then(Value::as_array).into_iter().flatten().chain([&value]).collect();
    let texts = |name: &'static str| keys.iter().filter_map(move |key| key.get(name)?.as_str());
    // A text that is at once the name of a key, or of an issuer, is no secret.
    let names: Vec<_> = texts("kid").chain(texts("issuer")).collect();
    for name in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        for secret in texts(name).filter(|secret| !names.iter().any(|name| name.contains(secret))) {
            assert_hidden(shown, secret);
        }
    }
}
