//! The edge's way from a text to claims, with `ring` in the place of WebCrypto, and a signer whose key dies with the test.

use std::rc::Rc;

use bargate::algorithm::Algorithm;
use bargate::jwks::{Key, KeySet};
use bargate::token::{
    Expectations, Expiry, Kind, Scheme, SignatureVerified, TokenError, UnverifiedToken, VerifiedClaims,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use bargate::explain::{Expected, Explanation, Rules, Signature, Verdict, is_by_key};

/// The clock of every test that does not say otherwise.
pub const NOW: i64 = 1_800_000_000;
pub const ISSUER: &str = "https://tenant.example/";
pub const AUDIENCE: &str = "https://api.example";
pub const SKEW_SECS: i64 = 30;

pub const EXPECTATIONS: Expectations<'static> = Expectations {
    algorithms: &ALL_ALGORITHMS,
    issuer: ISSUER,
    tenants: &[],
    audience: AUDIENCE,
    audience_claim: None,
    required: &[],
    clock_skew_secs: SKEW_SECS,
    kind: Kind::Access,
    expiry: Expiry::Enforced,
    scheme: Scheme::Bearer,
};

/// Every algorithm but HS256: a shared secret is in no key set.
pub const ALL_ALGORITHMS: [Algorithm; 10] = {
    use Algorithm::{EdDsa, Es256, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    [Rs256, Rs384, Rs512, Ps256, Ps384, Ps512, Es256, Es384, Es512, EdDsa]
};

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Does what `edge::authenticate` does, with a key set at hand and every algorithm allowed.
pub fn verify(token: &str, keys: &KeySet) -> Result<VerifiedClaims, TokenError> {
    verify_against(token, keys, &EXPECTATIONS, NOW)
}

/// Decides on a token as the gateway does, and holds what `bargate token explain` says against that.
pub fn verify_against(
    token: &str,
    keys: &KeySet,
    expectations: &Expectations<'_>,
    now: i64,
) -> Result<VerifiedClaims, TokenError> {
    let verdict = decide(token, keys, expectations, now);
    if expectations.expiry == Expiry::Enforced {
        let rules = Rules {
            issuer: Ok(Expected::public(expectations.issuer.to_owned())),
            tenants: Ok(expectations.tenants.to_vec()),
            audience: Ok(Expected::public(expectations.audience.to_owned())),
            audience_claim: expectations.audience_claim.map(|claim| Ok(claim.to_owned())),
            required: expectations.required.iter().map(|claim| (claim.clone(), claim.1.clone())).collect(),
            algorithms: Ok(expectations.algorithms.to_vec()),
            keys: Ok(Rc::new(keys.clone())),
            clock_skew_secs: expectations.clock_skew_secs,
            asked: None,
            dpop: None,
        };
        let explanation = Explanation::of(token, &rules, now, &check_signature);
        assert_eq!(explanation.refusal(), verdict.as_ref().err(), "explained as decided: {token}");
        assert_eq!(explanation.verdict() == Verdict::Accepted, verdict.is_ok(), "with nothing skipped: {token}");
    }
    verdict
}

fn decide(token: &str, keys: &KeySet, expectations: &Expectations<'_>, now: i64) -> Result<VerifiedClaims, TokenError> {
    let token = UnverifiedToken::parse(token, expectations.algorithms)?;
    let candidates = keys.select_keys(token.key_id(), token.algorithm());
    if candidates.is_empty() {
        return Err(token.no_key(keys));
    }
    let mut candidates = candidates.into_iter().map(|index| &keys.keys()[index]);
    let signed_by = |key: &&Key| is_by_key(key, token.algorithm(), token.signed_bytes(), token.signature());
    let key = candidates.find(signed_by).ok_or(TokenError::BadSignature)?;
    token.into_verified(SignatureVerified::attest(key.issuer.as_deref()), expectations, now)
}

/// The check of a signature that the command line makes on a machine.
pub fn check_signature(key: &Key, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Signature {
    if is_by_key(key, algorithm, signed, signature) { Signature::Verified } else { Signature::Refused }
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

/// Returns `object` with `key` set to `value`, or without it if `value` is `None`.
pub fn with(mut object: Value, key: &str, value: Option<Value>) -> Value {
    let members = object.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(key.to_owned(), value),
        None => members.remove(key),
    };
    object
}
