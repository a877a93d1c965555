//! Which documents are key sets, which of their keys are used, and which key a token is held against (RFC 7517).

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use bargate::algorithm::Algorithm;
use bargate::jwks::{JWKS_MAX_KEYS, KeySet, KeySetError, SigningKey, SkippedKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Returns an RSA modulus of so many bits.
fn modulus(bits: usize) -> String {
    let mut bytes = vec![0xff_u8; bits.div_ceil(8)];
    bytes[0] = 0xff >> (bytes.len() * 8 - bits);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn number(bytes: usize) -> String {
    URL_SAFE_NO_PAD.encode(vec![7_u8; bytes])
}

fn rsa(kid: &str) -> Value {
    json!({ "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": modulus(2048), "e": "AQAB" })
}

fn p256(kid: &str) -> Value {
    json!({ "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": number(32), "y": number(32) })
}

fn p384(kid: &str) -> Value {
    json!({ "kty": "EC", "crv": "P-384", "kid": kid, "x": number(48), "y": number(48) })
}

fn p521(kid: &str) -> Value {
    json!({ "kty": "EC", "crv": "P-521", "kid": kid, "x": number(66), "y": number(66) })
}

fn ed25519(kid: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": number(32) })
}

fn with(mut key: Value, name: &str, value: Option<Value>) -> Value {
    let members = key.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    key
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(&json!({ "keys": keys }).to_string()).unwrap()
}

/// Returns why `key` is left out of a set that has one good key beside it; `None` if it is used.
fn skipped(key: &Value) -> Option<SkippedKey> {
    let set = set(&[p384("beside"), key.clone()]);
    assert_eq!(set.keys().len() + set.skipped().len(), 2, "each key is used or left out");
    set.skipped().first().map(|(_, reason)| reason.clone())
}

#[test]
fn a_document_that_is_no_key_set_replaces_none() {
    use KeySetError::{Malformed, NoUsableKey, TooLarge, TooManyKeys};
    let good = rsa("a");
    let many = |count: usize| json!({ "keys": vec![ed25519("k"); count] }).to_string();
    let padded = |bytes: usize| {
        let document = json!({ "keys": [good] }).to_string();
        format!("{document}{}", " ".repeat(bytes - document.len()))
    };
    let unusable = |keys: &str| Some(NoUsableKey(keys.to_owned()));
    let table: Vec<(String, Option<KeySetError>, &str)> = vec![
        (json!({ "keys": [good] }).to_string(), None, "the baseline"),
        (json!({ "keys": [good], "x": 1 }).to_string(), None, "with members that nobody knows"),
        (many(JWKS_MAX_KEYS), None, "as many keys as there may be"),
        (many(JWKS_MAX_KEYS + 1), Some(TooManyKeys(65)), "a key more"),
        (padded(64 * 1024), None, "as large as it may be"),
        (padded(64 * 1024 + 1), Some(TooLarge), "a byte more"),
        ("x".repeat(10_000_000), Some(TooLarge), "10 MB"),
        (String::new(), Some(Malformed), "empty"),
        ("<!doctype html><title>503</title>".to_owned(), Some(Malformed), "HTML"),
        ("{\"keys\":[".to_owned(), Some(Malformed), "cut off"),
        ("null".to_owned(), Some(Malformed), "null"),
        (json!([good]).to_string(), Some(Malformed), "an array"),
        (good.to_string(), Some(Malformed), "a key alone"),
        (json!({}).to_string(), Some(Malformed), "no keys"),
        (json!({ "keys": null }).to_string(), Some(Malformed), "keys of null"),
        (json!({ "keys": good }).to_string(), Some(Malformed), "keys that are an object"),
        (json!({ "keys": "none" }).to_string(), Some(Malformed), "keys that are a string"),
        (json!({ "Keys": [good] }).to_string(), Some(Malformed), "keys in another case"),
        (format!("{{\"keys\":[],\"keys\":[{good}]}}"), Some(Malformed), "keys twice"),
        (json!({ "error": "rate_limited" }).to_string(), Some(Malformed), "an error of the provider"),
        (json!({ "keys": [] }).to_string(), unusable(""), "an empty array"),
        (
            json!({ "keys": [null, 1, "x", [], {}] }).to_string(),
            unusable(&format!(":{}", [" no kid: its kty is missing or malformed"; 4].join(";"))),
            "no keys in the array",
        ),
        (
            json!({ "keys": [with(good.clone(), "use", Some(json!("enc")))] }).to_string(),
            unusable(": a: for another use than signatures"),
            "no usable key",
        ),
    ];
    for (document, expected, message) in table {
        assert_eq!(KeySet::parse(&document).err(), expected, "{message}");
    }
}

#[test]
fn an_rsa_key_has_2048_to_8192_bits() {
    let of_bits = |bits| with(rsa("a"), "n", Some(json!(modulus(bits))));
    let table = [
        (512, Some(SkippedKey::RsaBits(512))),
        (1024, Some(SkippedKey::RsaBits(1024))),
        (2047, Some(SkippedKey::RsaBits(2047))),
        (2048, None),
        (2049, None),
        (3072, None),
        (4096, None),
        (8192, None),
        (8193, Some(SkippedKey::RsaBits(8193))),
        (16_384, Some(SkippedKey::RsaBits(16_384))),
    ];
    for (bits, expected) in table {
        assert_eq!(skipped(&of_bits(bits)), expected, "{bits} bits");
    }
    let padded = URL_SAFE_NO_PAD.encode([vec![0; 128], vec![0xff; 128]].concat());
    let padded = with(rsa("a"), "n", Some(json!(padded)));
    assert_eq!(skipped(&padded), Some(SkippedKey::RsaBits(1024)), "zeros before 1024 bits are no bits");
    let zeros = with(rsa("a"), "n", Some(json!(URL_SAFE_NO_PAD.encode([0; 256]))));
    assert_eq!(skipped(&zeros), Some(SkippedKey::RsaBits(0)), "zeros alone are no bits");
}

#[test]
fn a_key_for_something_else_is_left_out() {
    let row = |name: &str, value: Value| with(rsa("a"), name, Some(value));
    let table = [
        (with(rsa("a"), "use", None), None, "no use"),
        (row("use", json!("enc")), Some(SkippedKey::OtherUse), "for encryption"),
        (row("use", json!("SIG")), Some(SkippedKey::OtherUse), "a use in another case"),
        (row("use", json!("")), Some(SkippedKey::OtherUse), "an empty use"),
        (row("key_ops", json!(["verify"])), None, "to verify"),
        (row("key_ops", json!(["sign", "verify"])), None, "to sign and verify"),
        (row("key_ops", json!(["sign"])), Some(SkippedKey::OtherUse), "to sign"),
        (row("key_ops", json!(["encrypt", "wrapKey"])), Some(SkippedKey::OtherUse), "to encrypt"),
        (row("key_ops", json!([])), Some(SkippedKey::OtherUse), "for nothing"),
        (
            with(row("use", json!("enc")), "key_ops", Some(json!(["verify"]))),
            Some(SkippedKey::OtherUse),
            "both, at odds",
        ),
    ];
    for (key, expected, message) in table {
        assert_eq!(skipped(&key), expected, "{message}");
    }
}

#[test]
fn a_key_whose_parts_do_not_make_a_key_is_left_out() {
    let unsupported = |member| Some(SkippedKey::Unsupported(member));
    let malformed = |member| Some(SkippedKey::Malformed(member));
    let row = |key: Value, name: &str, value: Value| with(key, name, Some(value));
    let table = [
        (p256("a"), None, "P-256"),
        (ed25519("a"), None, "Ed25519"),
        (json!({ "kty": "oct", "kid": "a", "k": number(32) }), unsupported("kty"), "a symmetric key"),
        (p521("a"), None, "P-521"),
        (row(p521("a"), "x", json!(number(65))), malformed("x"), "a number of P-521 without its leading zero"),
        (row(p256("a"), "crv", json!("secp256k1")), unsupported("crv"), "secp256k1"),
        (row(ed25519("a"), "crv", json!("X25519")), unsupported("crv"), "X25519"),
        (row(ed25519("a"), "crv", json!("Ed448")), unsupported("crv"), "Ed448"),
        (row(rsa("a"), "kty", json!("rsa")), unsupported("kty"), "a type in another case"),
        (row(rsa("a"), "kty", json!("AKP")), unsupported("kty"), "a type that nobody knows"),
        (with(rsa("a"), "kty", None), malformed("kty"), "no type"),
        (row(rsa("a"), "kty", json!(1)), malformed("kty"), "a type that is a number"),
        (with(rsa("a"), "n", None), malformed("n"), "no modulus"),
        (with(rsa("a"), "e", None), malformed("e"), "no exponent"),
        (row(rsa("a"), "e", json!("")), malformed("e"), "an empty exponent"),
        (row(rsa("a"), "n", json!(65_537)), malformed("n"), "a modulus that is a number"),
        (row(rsa("a"), "n", json!(format!("{}==", modulus(2048)))), malformed("n"), "a modulus with padding"),
        (row(rsa("a"), "n", json!("not base64url!")), malformed("n"), "a modulus that is no base64url"),
        (with(p256("a"), "y", None), malformed("y"), "half a point"),
        (row(p256("a"), "x", json!(number(31))), malformed("x"), "a coordinate too short"),
        (row(p256("a"), "x", json!(number(33))), malformed("x"), "a coordinate too long"),
        (row(p384("a"), "y", json!(number(32))), malformed("y"), "a coordinate of another curve"),
        (row(ed25519("a"), "x", json!(number(31))), malformed("x"), "an Ed25519 key too short"),
        (row(p256("a"), "kid", json!(1)), malformed("kid"), "a kid that is a number"),
    ];
    for (key, expected, message) in table {
        assert_eq!(skipped(&key), expected, "{message}");
    }
}

#[test]
fn the_algorithm_of_a_key_is_of_its_family() {
    let row = |key: Value, alg: &str| with(key, "alg", Some(json!(alg)));
    let unsupported = || Some(SkippedKey::Unsupported("alg"));
    let table = [
        (with(rsa("a"), "alg", None), None, "none named"),
        (row(rsa("a"), "PS512"), None, "RSA for PSS"),
        (row(p256("a"), "ES256"), None, "P-256 for ES256"),
        (row(p521("a"), "ES512"), None, "P-521 for ES512"),
        (row(ed25519("a"), "EdDSA"), None, "Ed25519 for EdDSA"),
        (row(ed25519("a"), "Ed25519"), None, "Ed25519 by its other name"),
        (row(rsa("a"), "ES256"), unsupported(), "RSA for ES256"),
        (row(rsa("a"), "HS256"), unsupported(), "RSA for HS256"),
        (row(rsa("a"), "none"), unsupported(), "RSA for none"),
        (row(rsa("a"), "rs256"), unsupported(), "RSA in another case"),
        (row(rsa("a"), "RSA-OAEP"), unsupported(), "RSA for encryption"),
        (row(p256("a"), "ES384"), unsupported(), "P-256 for ES384"),
        (row(p384("a"), "ES256"), unsupported(), "P-384 for ES256"),
        (row(p384("a"), "EdDSA"), unsupported(), "P-384 for EdDSA"),
        (row(p384("a"), "Ed25519"), unsupported(), "P-384 for Ed25519"),
        (row(p521("a"), "ES521"), unsupported(), "the curve in the place of the algorithm"),
        (row(ed25519("a"), "Ed448"), unsupported(), "Ed25519 for Ed448"),
        (row(ed25519("a"), "RS256"), unsupported(), "Ed25519 for RS256"),
    ];
    for (key, expected, message) in table {
        assert_eq!(skipped(&key), expected, "{message}");
    }
    let only_for = |key: Value| set(&[key]).keys()[0].algorithm();
    assert_eq!(only_for(row(rsa("a"), "PS512")), Some(Algorithm::Ps512), "a key says which one it is for");
    assert_eq!(only_for(with(rsa("a"), "alg", None)), None, "or none");
}

#[test]
fn bad_keys_leave_the_good_ones_beside_them_usable() {
    let set = set(&[
        json!({ "kty": "oct", "kid": "secret", "k": "AAAA" }),
        json!(null),
        json!("text"),
        rsa("good-1"),
        with(rsa("weak"), "n", Some(json!(modulus(1024)))),
        with(p256("unknown curve"), "crv", Some(json!("P-999"))),
        with(p256("for encryption"), "use", Some(json!("enc"))),
        json!({ "kty": "from the future", "kid": "x", "z": { "deep": [1, 2] } }),
        ed25519("good-2"),
    ]);
    let kids: Vec<_> = set.keys().iter().map(|key| key.kid.as_deref()).collect();
    assert_eq!(kids, [Some("good-1"), Some("good-2")]);
    use SkippedKey::{Malformed, OtherUse, RsaBits, Unsupported};
    let skipped: Vec<_> = set.skipped().iter().map(|(kid, reason)| (kid.as_deref(), reason.clone())).collect();
    assert_eq!(
        skipped,
        [
            (Some("secret"), Unsupported("kty")),
            (None, Malformed("kty")),
            (None, Malformed("kty")),
            (Some("weak"), RsaBits(1024)),
            (Some("unknown curve"), Unsupported("crv")),
            (Some("for encryption"), OtherUse),
            (Some("x"), Unsupported("kty")),
        ]
    );
}

#[test]
fn only_the_public_numbers_of_a_key_are_exported() {
    let private = json!({
        "d": "PRIVATE", "p": "PRIVATE", "q": "PRIVATE", "dp": "PRIVATE", "dq": "PRIVATE", "qi": "PRIVATE",
        "oth": [{ "r": "PRIVATE" }], "k": "PRIVATE", "x5c": ["CERTIFICATE"], "x5u": "https://CERTIFICATE.example",
        "key_ops": ["verify"], "ext": true,
    });
    let table = [
        (rsa("a"), json!({ "kty": "RSA", "n": modulus(2048), "e": "AQAB" })),
        (p256("a"), json!({ "kty": "EC", "crv": "P-256", "x": number(32), "y": number(32) })),
        (p384("a"), json!({ "kty": "EC", "crv": "P-384", "x": number(48), "y": number(48) })),
        (p521("a"), json!({ "kty": "EC", "crv": "P-521", "x": number(66), "y": number(66) })),
        (ed25519("a"), json!({ "kty": "OKP", "crv": "Ed25519", "x": number(32) })),
    ];
    for (mut key, expected) in table {
        for (name, value) in private.as_object().unwrap() {
            key[name] = value.clone();
        }
        let set = set(&[key]);
        let exported = &set.keys()[0].jwk;
        assert_eq!(serde_json::from_str::<Value>(exported.expose()).unwrap(), expected);
        assert!(!format!("{set:?}").contains("PRIVATE"), "nor does Debug show more");
    }
}

#[test]
fn a_key_is_chosen_by_name_type_and_algorithm() {
    let any_alg = |key| with(key, "alg", None);
    let set = set(&[
        rsa("twice"),                                  // 0
        any_alg(rsa("twice")),                         // 1
        with(rsa("pss"), "alg", Some(json!("PS256"))), // 2
        p256("twice"),                                 // 3
        with(p384("unnamed"), "kid", None),            // 4
        ed25519("edwards"),                            // 5
        ed25519(""),                                   // 6
    ]);
    use Algorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Rs256, Rs512};
    let table: [(Option<&str>, Algorithm, &[usize], &str); 17] = [
        (Some("twice"), Rs256, &[0, 1], "two keys of one name"),
        (Some("twice"), Rs512, &[1], "one of them is for RS256 alone"),
        (Some("twice"), Ps256, &[1], "and so not for PS256"),
        (Some("twice"), Es256, &[3], "the same name, another type"),
        (Some("twice"), Es384, &[], "no such type of that name"),
        (Some("pss"), Ps256, &[2], "its own algorithm"),
        (Some("pss"), Ps384, &[], "another algorithm of its type"),
        (Some("edwards"), EdDsa, &[5], "by name among two of a type"),
        (Some(""), EdDsa, &[6], "an empty name is a name"),
        (Some("Edwards"), EdDsa, &[], "another case"),
        (Some("unknown"), Rs256, &[], "no such name"),
        (Some("unnamed"), Es384, &[], "a key without a name has none"),
        (None, Es384, &[4], "no name, and one key"),
        (None, Es256, &[3], "no name, and one key that has one"),
        (None, EdDsa, &[], "no name, and two keys"),
        (None, Rs512, &[1], "no name, and one key that may"),
        (None, Rs256, &[], "no name, and two keys that may"),
    ];
    for (kid, algorithm, expected, message) in table {
        assert_eq!(set.select_keys(kid, algorithm), expected, "{message}: {kid:?} {algorithm:?}");
    }
}

#[test]
fn a_private_key_signs_with_the_algorithm_that_it_names_or_the_usual_one() {
    let private = |mut key: Value, members: &[&str]| {
        for member in members {
            key = with(key, member, Some(json!(number(32))));
        }
        key
    };
    let of_rsa = ["d", "p", "q", "dp", "dq", "qi"];
    let ec = || private(p256("k"), &["d"]);
    let bare = |key: Value| with(with(key, "alg", None), "kid", None);
    let malformed = |member| Err(SkippedKey::Malformed(member));
    let table: [(Value, Result<Algorithm, SkippedKey>, &str); 14] = [
        (ec(), Ok(Algorithm::Es256), "P-256"),
        (private(p384("k"), &["d"]), Ok(Algorithm::Es384), "P-384"),
        (private(p521("k"), &["d"]), Ok(Algorithm::Es512), "P-521"),
        (private(ed25519("k"), &["d"]), Ok(Algorithm::EdDsa), "Ed25519"),
        (bare(private(rsa("k"), &of_rsa)), Ok(Algorithm::Rs256), "RSA"),
        (with(private(rsa("k"), &of_rsa), "alg", Some(json!("PS512"))), Ok(Algorithm::Ps512), "RSA for PSS"),
        (private(rsa("k"), &of_rsa[..5]), malformed("qi"), "RSA without a part that the importer needs"),
        (p256("k"), malformed("d"), "a public key"),
        (with(ec(), "d", Some(json!("not base64url!"))), malformed("d"), "a private part that is not base64url"),
        (with(ec(), "use", Some(json!("enc"))), Err(SkippedKey::OtherUse), "a key for encryption"),
        (with(ec(), "key_ops", Some(json!(["verify"]))), Err(SkippedKey::OtherUse), "a key that may only verify"),
        (with(ec(), "alg", Some(json!("RS256"))), Err(SkippedKey::Unsupported("alg")), "the algorithm of another kind"),
        (with(ec(), "kid", Some(json!(1))), malformed("kid"), "a name that is not a text"),
        (json!({ "kty": "oct", "k": number(32) }), Err(SkippedKey::Unsupported("kty")), "a shared secret"),
    ];
    for (key, expected, message) in table {
        let parsed = SigningKey::parse(&key.to_string());
        assert_eq!(parsed.as_ref().map(|key| key.algorithm).map_err(Clone::clone), expected, "{message}");
        if let Ok(parsed) = parsed {
            assert_eq!(parsed.kid.as_deref(), key["kid"].as_str(), "{message}: its name");
            assert!(
                parsed.jwk.expose().contains("\"d\":") && !parsed.jwk.expose().contains("alg"),
                "{message}: only its numbers"
            );
            assert!(!format!("{parsed:?}").contains(&number(32)), "{message}: Debug does not show it");
        }
    }
    assert_eq!(SigningKey::parse("-----BEGIN PRIVATE KEY-----").unwrap_err(), SkippedKey::Malformed("kty"), "PEM");
}
