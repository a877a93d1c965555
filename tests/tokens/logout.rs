//! Which tokens end sessions (OpenID Connect Back-Channel Logout 1.0 section 2.6).

use std::rc::Rc;

use bargate::config::{Binding, Bindings, Provider, Reference, load};
use bargate::oauth::{LogoutRequest, logout_token_expectations, validate_logout_token};
use bargate::token::{ClaimError, TokenError, VerifiedClaims};
use serde_json::{Value, json};

use crate::host_verifier::{ISSUER, NOW, SKEW_SECS, Tenant, baseline_claims, baseline_header, verify_against, with};

const CLIENT_ID: &str = "client";

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What is behind references: nothing.
struct NoBindings;

impl Bindings for NoBindings {
    fn look_up(&self, _: &Reference) -> Binding {
        Binding::Missing
    }
}

fn provider() -> Rc<Provider> {
    let authorizer = json!({
        "type": "auth0",
        "domain": "tenant.example",
        "audience": "https://api.example",
        // Logout tokens are signed as ID tokens are, and have no other claim in the place of `aud`.
        "algorithms": ["RS256"],
        "id_token_signed_response_alg": "EdDSA",
        "audience_claim": "client_id",
        "claims": { "token_use": "access" },
        "client_id": CLIENT_ID,
        "clock_skew_seconds": SKEW_SECS,
    });
    let paths = json!([{ "method": "GET", "path": "/", "auth": true, "response": {} }]);
    let config = load(&json!({ "authorizer": authorizer, "paths": paths }).to_string(), &NoBindings).unwrap();
    let provider = config.provider.unwrap();
    assert_eq!(provider.authorizer.issuer, ISSUER);
    provider
}

fn logout_claims() -> Value {
    let claims = with(baseline_claims(), "events", Some(json!({ EVENT: {} })));
    let claims = with(with(claims, "jti", Some(json!("j-1"))), "aud", Some(json!(CLIENT_ID)));
    with(with(claims, "sid", Some(json!("s-1"))), "exp", None)
}

/// Signs and verifies a logout token at `NOW`.
fn verified(header: &Value, claims: &Value) -> Result<VerifiedClaims, TokenError> {
    let (tenant, provider) = (Tenant::new(), provider());
    let token = tenant.sign(header, claims);
    verify_against(&token, &tenant.key_set(), &logout_token_expectations(&provider), NOW)
}

/// Verifies a logout token of these claims and validates it, at `NOW`.
fn validated(claims: &Value) -> Result<(String, String), String> {
    let claims = verified(&baseline_header(), claims).unwrap();
    let LogoutRequest { claim, value, jti, valid_until } = validate_logout_token(&claims, SKEW_SECS, NOW)?;
    assert_eq!((jti, valid_until), ("j-1", NOW - 60 + 300 + SKEW_SECS));
    Ok((claim.to_owned(), value.to_owned()))
}

#[test]
fn a_logout_token_names_the_sessions_by_sid_or_else_by_sub() {
    assert_eq!(validated(&logout_claims()), Ok(("sid".into(), "s-1".into())));
    assert_eq!(validated(&with(logout_claims(), "sid", None)), Ok(("sub".into(), "auth0|1".into())));
}

#[test]
fn what_is_not_a_logout_token_ends_nothing() {
    let no_event = "events does not say that this is a logout";
    let table = [
        ("events", None, no_event),
        ("events", Some(json!([EVENT])), no_event),
        ("events", Some(json!({ EVENT: true })), no_event),
        ("events", Some(json!({ "other": {} })), no_event),
        ("nonce", Some(json!("n")), "it has a nonce, as ID tokens have"),
        ("nonce", Some(Value::Null), "it has a nonce, as ID tokens have"),
        ("iat", None, "iat is missing"),
        ("iat", Some(json!(NOW - 300 - SKEW_SECS)), "it was issued too long ago"),
        ("jti", None, "jti is missing or too long"),
        ("jti", Some(json!("")), "jti is missing or too long"),
        ("jti", Some(json!("j".repeat(257))), "jti is missing or too long"),
        ("jti", Some(json!(1)), "jti is missing or too long"),
        ("sid", Some(json!(1)), "sid or sub is no text"),
        ("sid", Some(json!("")), "sid or sub is no text"),
    ];
    for (claim, value, expected) in table {
        assert_eq!(validated(&with(logout_claims(), claim, value.clone())), Err(expected.into()), "{claim}: {value:?}");
    }
    let nobody = with(with(logout_claims(), "sid", None), "sub", None);
    assert_eq!(validated(&nobody), Err("it has neither sid nor sub".into()));
}

#[test]
fn a_logout_token_needs_no_expiry_and_keeps_every_other_rule_of_tokens() {
    let claim = |error| Err(TokenError::Claim(error));
    let expired = NOW - SKEW_SECS;
    let issuer = ClaimError::Issuer { expected: ISSUER.into(), actual: "joe".into() };
    let audience = ClaimError::Audience {
        claim: "aud".into(),
        expected: CLIENT_ID.into(),
        actual: "\"https://api.example\"".into(),
    };
    let party = ClaimError::AuthorizedParty { expected: CLIENT_ID.into(), actual: "other".into() };
    let table = [
        ("exp", Value::Null, claim(ClaimError::WrongType { claim: "exp" }), "an expiry that is no date"),
        ("exp", json!(NOW + 1), Ok(()), "one that is ahead"),
        ("exp", json!(expired + 1), Ok(()), "one that has passed, by the skew"),
        ("exp", json!(expired), claim(ClaimError::Expired { at: expired, now: NOW }), "one that has passed"),
        ("iat", json!(NOW + 99), claim(ClaimError::NotYetValid { claim: "iat", at: NOW + 99, now: NOW }), "ahead"),
        ("iss", json!("joe"), claim(issuer), "somebody else's"),
        ("aud", json!("https://api.example"), claim(audience), "for the API, not the application"),
        ("azp", json!("other"), claim(party), "for another application"),
        ("cnf", json!({}), Ok(()), "what binds access tokens"),
    ];
    let verdict = |header: &Value, claims: &Value| verified(header, claims).map(|_| ());
    assert_eq!(verdict(&baseline_header(), &logout_claims()), Ok(()), "no expiry");
    for (name, value, expected, message) in table {
        let claims = with(logout_claims(), name, Some(value));
        assert_eq!(verdict(&baseline_header(), &claims), expected, "{name}: {message}");
    }
    for (kind, expected) in [
        ("logout+jwt", Ok(())),
        ("application/Logout+JWT", Ok(())),
        ("at+jwt", Err(TokenError::OtherKind)),
        ("secevent+jwt", Err(TokenError::OtherKind)),
    ] {
        let header = with(baseline_header(), "typ", Some(json!(kind)));
        assert_eq!(verdict(&header, &logout_claims()), expected, "{kind}");
    }
}
