//! The checks of a proof of possession beside a token (RFC 9449 section 4.3).
//!
//! Whether a proof was used before, and whether its nonce is recent, only the gateway knows.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::check::{Check, Outcome, UNKNOWN, row, skip, written};
use super::key_checks::{CheckSignature, Signature};
use super::rules::Rules;
use super::time::{self, described};
use crate::address::Address;
use crate::algorithm::Algorithm;
use crate::encoding::base64url;
use crate::jwks::Key;
use crate::token::{
    Checked, JoseHeader, Kind, Parts, ProofError, TOKEN_MAX_BYTES, TokenError, bound_key, check_age, check_method,
    check_target, check_token, jti, numeric_date, one_proof, proof_key, split_proof,
};

/// Why nothing is checked of a proof that cannot be split.
const NO_PARTS: &str = "the proof does not have the three parts of a signed token";

/// Why nothing of the proof's header is checked.
const NO_HEADER: &str = "the proof's header cannot be read";

/// Why no claim of the proof is checked.
const NO_CLAIMS: &str = "the proof's claims cannot be read";

/// A proof, and the request that it came with.
pub struct GivenProof {
    /// The content of the header `DPoP`.
    pub header: Option<String>,
    /// The method of the request.
    pub method: String,
    /// The address that was called; `None` if it is not known.
    pub url: Option<Address>,
}

/// Returns the digest of a text as tokens and keys are named by it (RFC 7638, RFC 9449 section 4.2).
fn digest(text: &str) -> String {
    base64url(&Sha256::digest(text))
}

/// Checks the proof beside a token with these claims.
pub fn check_proof(
    token: &str,
    claims: Result<&Map<String, Value>, &str>,
    given: &GivenProof,
    rules: &Rules,
    now: i64,
    check: CheckSignature<'_>,
) -> Vec<Check> {
    let text = one_proof(given.header.as_deref());
    let parts = text.clone().and_then(split_proof);
    let read = parts.clone().map_err(|_| NO_PARTS);
    let header = read.and_then(|parts| parts.header().map_err(|_| NO_HEADER));
    let header = header.as_ref().map_err(|reason| *reason);
    let said = parts.clone().map_err(|_| NO_PARTS).and_then(|parts| parts.claims().map_err(|_| NO_CLAIMS));
    let said = said.as_ref().map_err(|reason| *reason);
    let mut checks = vec![check_form(text, parts)];
    let of_header = |name: &'static str, expected: &str, rule: &dyn Fn(&JoseHeader) -> Outcome| match header {
        Ok(header) => row(named(name), rule(header), expected, written(header.members(), name)),
        Err(reason) => row(named(name), skip(reason), expected, UNKNOWN),
    };
    let algorithm = header.and_then(|header| header.algorithm(&Algorithm::ASYMMETRIC).map_err(|_| "see alg"));
    let key = header.and_then(|header| proof_key(header, algorithm?).map_err(|_| "the key cannot be used: see jwk"));
    checks.extend([
        of_header("typ", "dpop+jwt", &|header| outcome(header.check_kind(Kind::Proof))),
        of_header("alg", &["one of ", Algorithm::ASYMMETRIC_NAMES].concat(), &|header| {
            outcome(header.algorithm(&Algorithm::ASYMMETRIC))
        }),
        of_header("crit", "absent", &|header| outcome(header.check_extensions())),
    ]);
    checks.push(check_key(header, algorithm, key.as_ref().ok()));
    let key = key.as_ref().map_err(|reason| *reason);
    checks.push(check_binding(claims, key));
    checks.push(check_signature(given.header.as_deref(), key, algorithm, check));
    let of_claim = |name: &'static str, expected: String, rule: &dyn Fn(&Map<String, Value>) -> Outcome| match said {
        Ok(said) => {
            let date = if name == "iat" { numeric_date(said, "iat").ok().flatten() } else { None };
            let found = date.map_or_else(|| written(said, name), |seconds| described(seconds, now));
            row(named(name), rule(said), expected, found)
        }
        Err(reason) => row(named(name), skip(reason), expected, UNKNOWN),
    };
    let (skew, max_age) = (rules.clock_skew_secs, rules.dpop.as_ref().map_or(60, |dpop| dpop.max_age_secs));
    let at = |seconds: i64| time::utc(seconds).unwrap_or_else(|| seconds.to_string());
    let window = format!(
        "from {} (now minus {max_age} s and {skew} s) to {} (now plus {skew} s)",
        at(now.saturating_sub(max_age + skew)),
        at(now.saturating_add(skew))
    );
    let target = given.url.as_ref().map_or_else(
        || "the address that was called".to_owned(),
        |url| Value::from([&url.origin(), url.path()].concat()).to_string(),
    );
    checks.extend([
        of_claim("jti", "a text".to_owned(), &|said| outcome(jti(said))),
        of_claim("htm", Value::from(&*given.method).to_string(), &|said| outcome(check_method(said, &given.method))),
        of_claim("htu", target, &|said| match &given.url {
            Some(url) => outcome(check_target(said, url)),
            None => skip("the address is not known: give the whole URL"),
        }),
        of_claim("iat", window, &|said| outcome(check_age(said, max_age, skew, now))),
        of_claim("ath", "the SHA-256 of the token".to_owned(), &|said| outcome(check_token(said, &digest(token)))),
    ]);
    if rules.dpop.as_ref().is_some_and(|dpop| dpop.nonces.is_some()) {
        checks.push(of_claim(
            "nonce",
            "one that the gateway gave lately".to_owned(),
            &|said| match said.get("nonce") {
                Some(Value::String(_)) => skip("only the gateway knows its nonces"),
                _ => Outcome::Fail(Box::new(ProofError::Nonce).into()),
            },
        ));
    }
    checks
}

/// Returns what a member of a proof is called among the checks of a token.
fn named(member: &str) -> String {
    ["proof ", member].concat()
}

fn outcome<T, E: Into<Box<ProofError>>>(result: Result<T, E>) -> Outcome {
    result.map_or_else(|error| Outcome::Fail(error.into().into()), |_| Outcome::Pass)
}

fn check_form(text: Checked<&str>, parts: Checked<Parts<'_>>) -> Check {
    let found = match &text {
        Ok(text) => format!("{} bytes", text.len()),
        Err(error) if **error == ProofError::Several => "several, with commas between them".to_owned(),
        Err(_) => "absent".to_owned(),
    };
    let form = parts.and_then(|parts| {
        parts.signature()?;
        parts.header()?;
        Ok(parts.claims()?)
    });
    let expected = format!("one, of 3 parts in base64url, the first two JSON objects; at most {TOKEN_MAX_BYTES} bytes");
    row("proof", outcome(form), expected, found)
}

/// Checks the key, of which only what is public is shown.
fn check_key(header: Result<&JoseHeader, &str>, algorithm: Result<Algorithm, &str>, key: Option<&Key>) -> Check {
    let result = match header.and_then(|header| Ok((header, algorithm?))) {
        Ok((header, algorithm)) => outcome(proof_key(header, algorithm)),
        Err(reason) => skip(reason),
    };
    let members = header.ok().and_then(|header| header.members().get("jwk")?.as_object());
    let names = || members.map(|members| members.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    let found = match key {
        Some(key) => key.jwk.expose().clone(),
        None => names().map_or_else(|| "no object".to_owned(), |names| ["one with ", &names].concat()),
    };
    row("proof jwk", result, "a public key for alg, without a private part", found)
}

fn check_binding(claims: Result<&Map<String, Value>, &str>, key: Result<&Key, &str>) -> Check {
    let found = key.map_or_else(|_| UNKNOWN.to_owned(), |key| digest(key.jwk.expose()));
    let (result, expected) = match (claims.map(bound_key), key) {
        (Ok(Ok(bound)), Ok(_)) if bound != found => {
            (Outcome::Fail(Box::new(ProofError::OtherKey).into()), bound.to_owned())
        }
        (Ok(Ok(bound)), Ok(_)) => (Outcome::Pass, bound.to_owned()),
        (_, Err(reason)) | (Err(reason), _) => (skip(reason), "jkt of cnf".to_owned()),
        (Ok(Err(_)), _) => (skip("the token is bound to no key: see cnf"), "jkt of cnf".to_owned()),
    };
    row("proof key", result, expected, found)
}

fn check_signature(
    text: Option<&str>,
    key: Result<&Key, &str>,
    algorithm: Result<Algorithm, &str>,
    check: CheckSignature<'_>,
) -> Check {
    let expected = "by jwk";
    let signed = text.and_then(|text| text.trim().rsplit_once('.')).map_or("", |(signed, _)| signed);
    let signature = text.and_then(|text| Parts::split(text.trim()).ok()?.signature().ok());
    let (result, found) = match (key, algorithm, signature) {
        (Err(reason), ..) | (_, Err(reason), _) => (skip(reason), UNKNOWN),
        (.., None) => (skip("the signature cannot be read"), UNKNOWN),
        (Ok(key), Ok(algorithm), Some(signature)) => match check(key, algorithm, signed.as_bytes(), &signature) {
            Signature::Verified => (Outcome::Pass, "by jwk"),
            Signature::Refused => {
                (Outcome::Fail(Box::<ProofError>::from(TokenError::BadSignature).into()), "not by jwk")
            }
            Signature::Unknown(reason) => (skip(&reason), UNKNOWN),
        },
    };
    row("proof signature", result, expected, found)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use serde_json::json;

    use super::*;
    use crate::config::Dpop;
    use crate::explain::{Explanation, Sources, Verdict};

    const NOW: i64 = 1_800_000_000;

    /// The outcome of each check of a proof that does not pass, by its name.
    fn left(header: &Value, change: &Value, claims: &Value) -> Vec<(String, &'static str)> {
        let encoded = |value: &Value| base64url(value.to_string().as_bytes());
        let token = [&encoded(&json!({"alg": "RS256"})), ".", &encoded(claims), ".c2ln"].concat();
        let mut said =
            json!({"jti": "j", "htm": "GET", "htu": "https://gw.example/a", "iat": NOW, "ath": digest(&token)});
        said.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let given = GivenProof {
            header: Some([&encoded(header), ".", &encoded(&said), ".c2ln"].concat()),
            method: "GET".to_owned(),
            url: Address::parse("https://gw.example/a?b"),
        };
        let mut rules = Sources::without_authorizer("").rules;
        let nonces = Some((crate::secret::Secret::new(String::new()), 60));
        rules.dpop = Some(Rc::new(Dpop { is_required: true, max_age_secs: 60, nonces }));
        let explanation = Explanation::of_sent(&token, Some(&given), &rules, NOW, &|_, _, _, _| Signature::Verified);
        assert!(
            !explanation.checks.iter().any(|check| check.found.contains("secret part")),
            "no private part is shown"
        );
        assert!(!matches!(explanation.verdict(), Verdict::Accepted));
        let of_proof = explanation.checks.iter().filter(|check| check.name.starts_with("proof"));
        let outcomes = of_proof.filter_map(|check| match &check.outcome {
            Outcome::Pass => None,
            Outcome::Fail(_) => Some((check.name.to_string(), "fail")),
            Outcome::Skip(_) => Some((check.name.to_string(), "skip")),
        });
        outcomes.collect()
    }

    #[test]
    fn each_check_of_a_proof_is_made_by_itself() {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk});
        let bound = json!({"cnf": {"jkt": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}});
        let with = |name: &str, value: Value| {
            let mut header = header.clone();
            header[name] = value;
            header
        };
        let mut private = jwk.clone();
        private["d"] = json!("secret part");
        let known = json!({"nonce": "n"});
        let table = [
            (&header, &known, &bound, &[("proof nonce", "skip")][..], "what only the gateway knows"),
            (&header, &json!({}), &bound, &[("proof nonce", "fail")], "no nonce"),
            (
                &with("typ", json!("JWT")),
                &known,
                &bound,
                &[("proof typ", "fail"), ("proof nonce", "skip")],
                "another kind",
            ),
            (
                &with("jwk", private),
                &known,
                &bound,
                &[("proof jwk", "fail"), ("proof key", "skip"), ("proof signature", "skip"), ("proof nonce", "skip")],
                "a private key, of which nothing is shown",
            ),
            (
                &header,
                &json!({"nonce": "n", "htm": "PUT", "htu": "https://gw.example/b", "ath": "h", "iat": 0}),
                &bound,
                &[
                    ("proof htm", "fail"),
                    ("proof htu", "fail"),
                    ("proof iat", "fail"),
                    ("proof ath", "fail"),
                    ("proof nonce", "skip"),
                ],
                "another request, long ago",
            ),
            (
                &header,
                &known,
                &json!({"cnf": {"jkt": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4g"}}),
                &[("proof key", "fail"), ("proof nonce", "skip")],
                "another key",
            ),
            (
                &header,
                &known,
                &json!({}),
                &[("proof key", "skip"), ("proof nonce", "skip")],
                "a token that is not bound",
            ),
        ];
        for (header, change, claims, expected, message) in table {
            let found = left(header, change, claims);
            let found: Vec<_> = found.iter().map(|(name, outcome)| (name.as_str(), *outcome)).collect();
            assert_eq!(found, expected, "{message}");
        }
    }
}
