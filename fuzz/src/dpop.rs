//! A proof of possession: the header that carries it, its form, and its claims.

use bargate::address::Address;
use bargate::encoding::base64url;
use bargate::token::{ProofError, TOKEN_MAX_BYTES, UnverifiedProof, one_proof};

use super::text::{NOW, assert_hidden, fields, members, text};

const METHOD: &str = "GET";
const CALLED: &str = "https://gw.example/~a/b%2Fc?d=e";
const MAX_AGE_SECS: i64 = 60;
const SKEW_SECS: i64 = 30;

/// Header, claims and signature on a line each, from which a proof is made; or the value of the header that carries one.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if !text.contains('\n') {
        match one_proof(Some(text)) {
            Ok(proof) => check_proof(proof, None),
            Err(error) => assert!(matches!(*error, ProofError::Missing | ProofError::Several)),
        }
        return;
    }
    let [header, claims, signature] = fields(text);
    let proof = [&base64url(header.as_bytes()), ".", &base64url(claims.as_bytes()), ".", signature].concat();
    match one_proof(Some(&proof)) {
        Ok(proof) => check_proof(proof, Some([header, claims])),
        Err(_) => assert!(signature.contains(','), "it makes two proofs of one"),
    }
}

/// A proof that is taken meets each rule by another reading, and no error shows it.
fn check_proof(proof: &str, parts: Option<[&str; 2]>) {
    let called = Address::parse(CALLED).expect("an address");
    let parsed = match UnverifiedProof::parse(proof, METHOD, &called, MAX_AGE_SECS, SKEW_SECS, NOW) {
        Ok(parsed) => parsed,
        Err(error) => return assert_hidden(&format!("{error} {error:?}"), proof),
    };
    assert!(proof.len() <= TOKEN_MAX_BYTES && proof.matches('.').count() == 2 && !proof.contains(','));
    assert!(parsed.key.fits(parsed.algorithm));
    let key = members(parsed.key.jwk.expose()).expect("a key");
    let Some([header, claims]) = parts else { return };
    let (header, claims) = (members(header).expect("a header"), members(claims).expect("claims"));
    let jwk = header["jwk"].as_object().expect("a key");
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(!jwk.contains_key(private), "{private}");
    }
    assert!(key.iter().all(|(name, value)| jwk.get(name) == Some(value)), "only what was sent");
    assert!(!header.contains_key("crit"));
    assert_eq!(claims["htm"], METHOD);
    assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()) && claims["ath"].is_string());
    let at = claims["iat"].as_f64().expect("a number").floor();
    assert!(at >= (NOW - MAX_AGE_SECS - SKEW_SECS) as f64 && at <= (NOW + SKEW_SECS) as f64);
    let named = url::Url::parse(claims["htu"].as_str().expect("a text")).expect("an address");
    let called = url::Url::parse(CALLED).expect("an address");
    assert_eq!(named.origin(), called.origin());
    assert!(named.username().is_empty() && named.password().is_none());
    assert_eq!(segments(&named), segments(&called));
}

/// Returns the segments of a path, decoded each by itself.
fn segments(url: &url::Url) -> Vec<Vec<u8>> {
    url.path().split('/').map(decoded).collect()
}

fn decoded(segment: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = (*first == b'%').then(|| behind.get(..2)).flatten();
        let escaped = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    bytes
}
