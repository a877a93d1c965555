//! The edge's way from a text to claims, with `ring` in the place of WebCrypto, and a signer whose key dies with the test.

use bargate::algorithm::Algorithm;
use bargate::jwks::KeySet;
use bargate::token::{Expectations, Expiry, SignatureVerified, TokenError, UnverifiedToken, VerifiedClaims};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{self, Ed25519KeyPair, KeyPair as _, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Value, json};

/// The clock of every test that does not say otherwise.
pub const NOW: i64 = 1_800_000_000;
pub const ISSUER: &str = "https://tenant.example/";
pub const AUDIENCE: &str = "https://api.example";
pub const SKEW_SECS: i64 = 30;

pub const EXPECTATIONS: Expectations<'static> =
    Expectations { issuer: ISSUER, audience: AUDIENCE, clock_skew_secs: SKEW_SECS };

pub fn all_algorithms() -> Vec<Algorithm> {
    let all = Algorithm::NAMES.iter().map(|(_, algorithm)| *algorithm);
    // A shared secret is in no key set.
    all.filter(|algorithm| *algorithm != Algorithm::Hs256).collect()
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Does what `edge::authenticate` does, with a key set at hand and every algorithm allowed.
pub fn verify(token: &str, keys: &KeySet) -> Result<VerifiedClaims, TokenError> {
    verify_against(token, keys, &all_algorithms(), &EXPECTATIONS, Expiry::Enforced, NOW)
}

pub fn verify_against(
    token: &str,
    keys: &KeySet,
    allowed: &[Algorithm],
    expectations: &Expectations<'_>,
    expiry: Expiry,
    now: i64,
) -> Result<VerifiedClaims, TokenError> {
    let token = UnverifiedToken::parse(token, allowed)?;
    let candidates = keys.select_keys(token.key_id(), token.algorithm());
    if candidates.is_empty() {
        return Err(token.no_key());
    }
    let signed_by = |index: &usize| {
        signature_verifies(token.algorithm(), keys.keys()[*index].jwk.expose(), token.signed_bytes(), token.signature())
    };
    if !candidates.iter().any(signed_by) {
        return Err(TokenError::BadSignature);
    }
    token.into_verified(SignatureVerified::attest(), expectations, expiry, now)
}

fn signature_verifies(algorithm: Algorithm, jwk: &str, signed: &[u8], signature: &[u8]) -> bool {
    let jwk: Value = serde_json::from_str(jwk).unwrap();
    let number = |name: &str| decode(jwk[name].as_str().unwrap());
    let rsa = |parameters: &RsaParameters| {
        let key = RsaPublicKeyComponents { n: number("n"), e: number("e") };
        key.verify(parameters, signed, signature).is_ok()
    };
    let curve = |verification: &'static dyn signature::VerificationAlgorithm, point: Vec<u8>| {
        UnparsedPublicKey::new(verification, point).verify(signed, signature).is_ok()
    };
    let point = || [vec![4], number("x"), number("y")].concat();
    match algorithm {
        Algorithm::Rs256 => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => curve(&signature::ECDSA_P256_SHA256_FIXED, point()),
        Algorithm::Es384 => curve(&signature::ECDSA_P384_SHA384_FIXED, point()),
        Algorithm::EdDsa => curve(&signature::ED25519, number("x")),
        Algorithm::Hs256 => {
            ring::hmac::verify(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &number("k")), signed, signature).is_ok()
        }
    }
}

/// A tenant with one Ed25519 key, made for this run alone.
pub struct Tenant {
    key: Ed25519KeyPair,
}

impl Tenant {
    pub fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { key: Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap() }
    }

    pub fn public_key(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "tenant-1", "x": encode(self.key.public_key()) })
    }

    pub fn key_set(&self) -> KeySet {
        KeySet::parse(&json!({ "keys": [self.public_key()] }).to_string()).unwrap()
    }

    /// Signs the two parts as they stand, whatever they are.
    pub fn sign_parts(&self, header: &str, payload: &str) -> String {
        let signed = format!("{header}.{payload}");
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", encode(signature))
    }

    /// Signs a header and a payload given as JSON text.
    pub fn sign_text(&self, header: &str, payload: &str) -> String {
        self.sign_parts(&encode(header), &encode(payload))
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// Signs claims under the header of the baseline.
    pub fn sign_claims(&self, claims: &Value) -> String {
        self.sign(&baseline_header(), claims)
    }
}

/// The header from which each row of a table differs in one place.
pub fn baseline_header() -> Value {
    json!({ "alg": "EdDSA", "kid": "tenant-1", "typ": "JWT" })
}

/// The claims from which each row of a table differs in one place.
pub fn baseline_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "auth0|1",
        "iat": NOW - 60,
        "nbf": NOW - 60,
        "exp": NOW + 3_600,
        "scope": "read:messages",
    })
}

/// Gives `object` with `key` set to `value`, or without it where `value` is `None`.
pub fn with(mut object: Value, key: &str, value: Option<Value>) -> Value {
    let members = object.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(key.to_owned(), value),
        None => members.remove(key),
    };
    object
}
