//! Tokens that others signed: the vectors of RFC 7515, RFC 7520 and RFC 8037, and tokens by npm `jose`.
//!
//! The RFCs' payloads are not claims that this gateway could accept, so a vector passes if its signature verifies and the
//! refusal comes from what follows it.

use std::collections::BTreeMap;

use bargate::algorithm::Algorithm;
use bargate::jwks::KeySet;
use bargate::token::{ClaimError, Expectations, TokenError};
use serde_json::{Value, json};

use crate::host_verifier::{
    ALL_ALGORITHMS, EXPECTATIONS, NOW, Tenant, baseline_claims, baseline_header, encode, verify, verify_against, with,
};

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/tokens/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns the vector's token and its key alone in a set.
fn vector(name: &str) -> (String, KeySet) {
    let vector = &fixture("rfc.json")[name];
    let keys = KeySet::parse(&json!({ "keys": [vector["key"]] }).to_string());
    (vector["token"].as_str().expect(name).to_owned(), keys.expect(name))
}

/// Returns the token with one bit of the part at `index` flipped, in the middle of the part's bytes.
fn with_flipped_bit(token: &str, index: usize) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut bytes = crate::host_verifier::decode(&parts[index]);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    parts[index] = encode(bytes);
    parts.join(".")
}

#[test]
fn each_rfc_vector_verifies_and_is_refused_for_its_payload_alone() {
    let no_claims = TokenError::MalformedClaims;
    // The claims of RFC 7515 name the issuer "joe" and no audience.
    let other_issuer =
        |error: &TokenError| matches!(error, TokenError::Claim(ClaimError::Issuer { actual, .. }) if actual == "joe");
    type Expected<'e> = &'e dyn Fn(&TokenError) -> bool;
    let table: [(&str, Expected<'_>); 6] = [
        ("RFC 7515 appendix A.2 (RS256)", &other_issuer),
        ("RFC 7515 appendix A.3 (ES256)", &other_issuer),
        ("RFC 7520 section 4.1 (RS256)", &|error| *error == no_claims),
        ("RFC 7520 section 4.2 (PS384)", &|error| *error == no_claims),
        ("RFC 7520 section 4.3 (ES512)", &|error| *error == no_claims),
        ("RFC 8037 appendix A.4 (Ed25519)", &|error| *error == no_claims),
    ];
    for (name, is_expected) in table {
        let (token, keys) = vector(name);
        let error = verify(&token, &keys).unwrap_err();
        assert!(is_expected(&error), "{name}: {error}");
        for (part, message) in [(1, "a bit of the payload"), (2, "a bit of the signature")] {
            let altered = with_flipped_bit(&token, part);
            assert_eq!(verify(&altered, &keys).unwrap_err(), TokenError::BadSignature, "{name}: {message}");
        }
    }
}

#[test]
fn a_number_of_an_rsa_key_may_have_leading_octets_that_add_nothing() {
    for (name, octets, message) in [("n", 1, "one"), ("n", 3, "several"), ("e", 1, "of the exponent")] {
        let mut vector = fixture("rfc.json")["RFC 7515 appendix A.2 (RS256)"].clone();
        let number = crate::host_verifier::decode(vector["key"][name].as_str().unwrap());
        vector["key"][name] = encode([vec![0; octets], number].concat()).into();
        let keys = KeySet::parse(&json!({ "keys": [vector["key"]] }).to_string()).unwrap();
        let error = verify(vector["token"].as_str().unwrap(), &keys).unwrap_err();
        assert!(matches!(&error, TokenError::Claim(ClaimError::Issuer { .. })), "{message}: {error}");
    }
}

#[test]
fn the_claims_of_rfc_7515_pass_up_to_the_audience_that_they_lack() {
    for name in ["RFC 7515 appendix A.2 (RS256)", "RFC 7515 appendix A.3 (ES256)"] {
        let (token, keys) = vector(name);
        let expectations = Expectations { issuer: "joe", audience: "any", clock_skew_secs: 0, ..EXPECTATIONS };
        let error = verify_against(&token, &keys, &expectations, 1_300_819_379).unwrap_err();
        assert_eq!(error, TokenError::Claim(ClaimError::Missing { claim: "aud" }), "{name}");
    }
}

#[test]
fn the_rfc_vectors_of_other_algorithms_are_refused_before_any_key_is_looked_at() {
    let vectors = fixture("rfc.json");
    let table = [("RFC 7515 appendix A.1 (HS256)", "HS256"), ("RFC 7515 appendix A.5 (none)", "none")];
    let (_, keys) = vector("RFC 7515 appendix A.2 (RS256)");
    for (name, algorithm) in table {
        let error = verify(vectors[name]["token"].as_str().unwrap(), &keys).unwrap_err();
        assert_eq!(error, TokenError::AlgorithmNotAllowed { actual: algorithm.to_owned() }, "{name}");
    }
}

#[test]
fn a_token_of_every_algorithm_signed_by_jose_is_believed_and_with_a_flipped_bit_is_not() {
    let fixture = fixture("jose.json");
    let keys = KeySet::parse(&fixture["jwks"].to_string()).unwrap();
    assert_eq!(keys.keys().len(), ALL_ALGORITHMS.len());
    let mut seen = BTreeMap::new();
    for signed in fixture["tokens"].as_array().unwrap() {
        let (name, token) = (signed["alg"].as_str().unwrap(), signed["token"].as_str().unwrap());
        let claims = verify(token, &keys).expect(name);
        assert_eq!(claims.text("sub"), Some("auth0|5f7c8ec7c33c6c004bbafe82"), "{name}");
        assert_eq!(claims.expires_at(), fixture["expires_at"].as_i64().unwrap(), "{name}");
        for part in [1, 2] {
            let error = verify(&with_flipped_bit(token, part), &keys).unwrap_err();
            assert_eq!(error, TokenError::BadSignature, "{name}: part {part}");
        }
        seen.insert(name.to_owned(), token.to_owned());
    }
    let names: Vec<_> = ALL_ALGORITHMS.iter().map(|algorithm| algorithm.name().to_owned()).collect();
    assert!(names.iter().all(|name| seen.contains_key(name)), "every algorithm is there: {:?}", seen.keys());
}

#[test]
fn a_token_by_jose_needs_its_algorithm_on_the_list_and_its_own_key() {
    let fixture = fixture("jose.json");
    let keys = KeySet::parse(&fixture["jwks"].to_string()).unwrap();
    let all_keys = fixture["jwks"]["keys"].as_array().unwrap();
    for (index, signed) in fixture["tokens"].as_array().unwrap().iter().enumerate() {
        let (name, token) = (signed["alg"].as_str().unwrap(), signed["token"].as_str().unwrap());
        let own = Algorithm::parse(name).unwrap();
        let others: Vec<_> = ALL_ALGORITHMS.into_iter().filter(|algorithm| *algorithm != own).collect();
        let error =
            verify_against(token, &keys, &Expectations { algorithms: &others, ..EXPECTATIONS }, NOW).unwrap_err();
        assert_eq!(error, TokenError::AlgorithmNotAllowed { actual: name.to_owned() }, "{name} off the list");

        let rest: Vec<_> = all_keys.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, key)| key).collect();
        let rest = KeySet::parse(&json!({ "keys": rest }).to_string()).unwrap();
        let kid = signed["kid"].as_str().map(str::to_owned);
        assert_eq!(verify(token, &rest).unwrap_err(), TokenError::NoKey { kid }, "{name} without its key");
    }
}

#[test]
fn both_names_of_eddsa_on_ed25519_are_one_algorithm_in_tokens_keys_and_lists() {
    let (name, other) = ("EdDSA", "Ed25519");
    let tenant = Tenant::new();
    for in_token in [name, other] {
        for in_key in [Some(name), Some(other), None] {
            let key = with(tenant.public_key(), "alg", in_key.map(Value::from));
            let keys = KeySet::parse(&json!({ "keys": [key] }).to_string()).unwrap();
            let token = tenant.sign(&with(baseline_header(), "alg", Some(json!(in_token))), &baseline_claims());
            assert!(verify(&token, &keys).is_ok(), "a token of {in_token}, a key of {in_key:?}");
        }
    }
    assert_eq!(Algorithm::parse(other), Algorithm::parse(name));
    for unknown in ["ed25519", "Ed448", "ED25519", "ESP512"] {
        assert_eq!(Algorithm::parse(unknown), None, "{unknown}");
    }
}

#[test]
fn a_key_that_takes_the_name_of_another_verifies_nothing() {
    let fixture = fixture("jose.json");
    let keys = fixture["jwks"]["keys"].as_array().unwrap();
    for (of, by) in [("RS256", "RS384"), ("PS256", "PS384"), ("RS256", "PS256")] {
        let token = fixture["tokens"].as_array().unwrap().iter().find(|signed| signed["alg"] == of).unwrap();
        let mut key = keys.iter().find(|key| key["alg"] == by).unwrap().clone();
        key["kid"] = token["kid"].clone();
        key.as_object_mut().unwrap().remove("alg");
        let impostor = KeySet::parse(&json!({ "keys": [key] }).to_string()).unwrap();
        let error = verify(token["token"].as_str().unwrap(), &impostor).unwrap_err();
        assert_eq!(error, TokenError::BadSignature, "{of} under the key of {by}");
    }
}
