//! API keys: their form, and the records that KV has of them.

use std::rc::Rc;

use bargate::config::{KeyRecord, key_prefix, parse_key_record};
use bargate::token::{RANDOM_CHARS, VerifiedClaims, check_key, check_key_form, key_digest, key_of};
use serde_json::Value;

use super::text::{NOW, fields, text};

const PREFIX: &str = "acme_live";

/// A key on the first line, a record on the others.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [key, record] = fields(text);
    check_form(key);
    match parse_key_record(record, "partners") {
        Ok(parsed) => check_record(record, parsed),
        Err(wrong) => assert!(wrong.len() < 3_000 && !wrong.contains('\n'), "{wrong:?}"),
    }
}

/// What has the form of a key is one in the only spelling, and a sign more or less makes it another.
fn check_form(key: &str) {
    if let Err(error) = check_key_form(key, PREFIX) {
        assert!(key.len() < 20 || !format!("{error} {error:?}").contains(key), "an error shows no key");
    } else {
        assert_eq!(key_prefix(key), Some(PREFIX));
        assert!(key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        for at in 0..key.len() {
            let shorter = [&key[..at], &key[at + 1..]].concat();
            assert!(check_key_form(&shorter, PREFIX).is_err(), "{shorter}");
        }
        assert!(check_key_form(&[key, "0"].concat(), PREFIX).is_err());
    }
    if let Some(made) = key_of(PREFIX, key.as_bytes()) {
        assert_eq!(check_key_form(made.expose(), PREFIX), Ok(()));
        assert_eq!(made.expose().len(), PREFIX.len() + 1 + RANDOM_CHARS + 6);
        assert!(check_key_form(made.expose(), "acme_test").is_err());
    }
}

/// A record that is accepted says what another reading finds in it.
fn check_record(text: &str, parsed: KeyRecord) {
    let read: Value = serde_json::from_str(text).expect("a record is JSON");
    assert_eq!(read["version"], 1);
    assert_eq!(parsed.claims["sub"], read["owner"]);
    assert!(read["owner"].as_str().is_some_and(|owner| !owner.is_empty()));
    assert_eq!(parsed.claims["iss"], "urn:bargate:api_key:partners");
    assert_eq!(parsed.not_after.is_some(), read.get("not_after").is_some());
    assert_eq!(parsed.networks.is_some(), read.get("ip").is_some());
    let scopes = read.get("scopes").and_then(Value::as_array).cloned().unwrap_or_default();
    let listed = scopes.iter().map(|scope| scope.as_str().expect("a text")).collect::<Vec<_>>().join(" ");
    assert_eq!(parsed.claims.get("scope").and_then(Value::as_str).unwrap_or_default(), listed);
    for name in ["exp", "aud", "cnf", "acr", "auth_time", "jti"] {
        assert!(!parsed.claims.contains_key(name), "{name}");
    }
    let (last, is_bound) = (parsed.not_after, parsed.networks.is_some());
    let digest = key_digest(text);
    let claims = VerifiedClaims::of_api_key(&digest, Rc::new(parsed));
    assert_eq!(claims.api_key(), Some(digest.as_str()));
    if let Some(last) = last {
        assert!(check_key(&claims, last.saturating_add(1), None).is_err(), "behind its end");
    } else if !is_bound {
        assert_eq!(check_key(&claims, NOW, None), Ok(()));
    }
}
