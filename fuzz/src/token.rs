//! A bearer token: the header that carries it, its form, and its claims.

use bargate::algorithm::Algorithm;
use bargate::encoding::base64url;
use bargate::oauth::validate_logout_token;
use bargate::token::{
    Credentials, Expectations, Expiry, Kind, Scheme, SignatureVerified, TOKEN_MAX_BYTES, TokenError, UnverifiedToken,
    VerifiedClaims, bare_token, bearer, claimed, claimed_date,
};
use serde_json::{Map, Value};

use super::example::{AUDIENCE, ISSUER};
use super::text::{NOW, assert_hidden, fields, text};

const SKEW_SECS: i64 = 30;

/// As its issuer signs access tokens.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

/// Header, claims and signature on a line each, from which a token is made; or the value of the header that carries one.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if !text.contains('\n') {
        check_credentials(text);
        check_form(text);
        return;
    }
    let [header, claims, signature] = fields(text);
    let token = [&base64url(header.as_bytes()), ".", &base64url(claims.as_bytes()), ".", signature].concat();
    check_form(&token);
    for (kind, expiry) in [
        (Kind::Access, Expiry::Enforced),
        (Kind::Access, Expiry::Ignored),
        (Kind::Id, Expiry::Enforced),
        (Kind::Logout, Expiry::Optional),
    ] {
        check_claims(&token, claims, kind, expiry);
    }
}

/// What counts as a token of a header has only the characters of one.
fn check_credentials(header: &str) {
    for credentials in [bearer(Some(header)), bare_token(Some(header))] {
        let Credentials::Bearer(token) = credentials else { continue };
        assert!(header.ends_with(token) || header.trim_end().ends_with(token), "{header}");
        assert!(token.bytes().all(|b| b.is_ascii_graphic()), "{token:?}");
    }
}

/// A token whose form is valid is made of its parts in the only way, and no error shows it.
fn check_form(token: &str) {
    let parsed = match UnverifiedToken::parse(token, &ALGORITHMS) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert_error(&error, token);
            return;
        }
    };
    let signed = std::str::from_utf8(parsed.signed_bytes()).expect("part of a text");
    assert_eq!([signed, ".", &base64url(parsed.signature())].concat(), token, "each token has one spelling");
    assert!(token.len() <= TOKEN_MAX_BYTES);
    assert_eq!(signed.matches('.').count(), 1);
    assert!(ALGORITHMS.contains(&parsed.algorithm()));
}

/// Claims that are accepted meet each rule by another reading, and no error shows the token.
fn check_claims(token: &str, claims: &str, kind: Kind, expiry: Expiry) {
    let expectations = Expectations {
        algorithms: &ALGORITHMS,
        issuer: ISSUER,
        tenants: &[],
        audience: AUDIENCE,
        audience_claim: None,
        required: &[],
        clock_skew_secs: SKEW_SECS,
        kind,
        expiry,
        scheme: Scheme::Bearer,
    };
    let Ok(parsed) = UnverifiedToken::parse(token, &ALGORITHMS) else { return };
    let verified = match parsed.into_verified(SignatureVerified::attest(None), &expectations, NOW) {
        Ok(verified) => verified,
        Err(error) => {
            assert_error(&error, token);
            return;
        }
    };
    let read: Map<String, Value> = serde_json::from_str(claims).expect("verified claims are JSON");
    assert_eq!(verified.to_json(), Value::Object(read.clone()));
    assert_eq!(claimed(token), Some(read.clone()));
    assert_eq!(read["iss"], ISSUER);
    let names_audience = |value: &Value| *value == AUDIENCE;
    assert!(names_audience(&read["aud"]) || read["aud"].as_array().expect("a list").iter().any(names_audience));
    let secs = |name: &str| read.get(name).map(|value| value.as_f64().expect("a number"));
    for name in ["nbf", "iat"] {
        assert!(secs(name).is_none_or(|at| at < (NOW + SKEW_SECS + 1) as f64), "{name}");
    }
    match (expiry, secs("exp")) {
        (Expiry::Optional, None) => {}
        (Expiry::Ignored, at) => assert!(at.is_some()),
        (_, at) => assert!(at.expect("an expiry") > (NOW - SKEW_SECS) as f64),
    }
    if let Some(at) = secs("exp") {
        assert_eq!(verified.expires_at(), at.floor() as i64);
        assert_eq!(claimed_date(token, "exp"), Some(verified.expires_at()));
    }
    assert!(kind != Kind::Access || !read.contains_key("cnf"), "bound to a key that nobody showed");
    assert!(kind != Kind::Id || read["sub"].as_str().is_some_and(|sub| !sub.is_empty()));
    if kind == Kind::Logout {
        check_logout(&verified, &read);
    }
}

/// A logout token that is accepted says that it is one, of whom and since when.
fn check_logout(verified: &VerifiedClaims, read: &Map<String, Value>) {
    let Ok(request) = validate_logout_token(verified, SKEW_SECS, NOW) else { return };
    assert!(
        read["events"]
            .as_object()
            .expect("an object")
            .contains_key("http://schemas.openid.net/event/backchannel-logout")
    );
    assert!(!read.contains_key("nonce"));
    assert_eq!(read[request.claim], request.value);
    assert_eq!(read["jti"], request.jti);
    assert!(!request.value.is_empty() && !request.jti.is_empty() && request.valid_until > NOW);
}

/// Asserts that an error shows no part of a token that could be used.
fn assert_error(error: &TokenError, token: &str) {
    let shown = format!("{error} {error:?}");
    assert_hidden(&shown, token);
    // What is quoted of the claims and of `alg` is what the client made up.
    let is_quoted = matches!(error, TokenError::AlgorithmNotAllowed { .. } | TokenError::Claim(_));
    let signature = token.rsplit('.').next().filter(|_| !is_quoted);
    assert_hidden(&shown, signature.unwrap_or_default());
}
