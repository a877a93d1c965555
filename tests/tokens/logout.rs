//! Which tokens end sessions (OpenID Connect Back-Channel Logout 1.0 section 2.6).

use bargate::oauth::{LogoutRequest, validate_logout_token};
use bargate::token::{ClaimError, Expiry, TokenError, VerifiedClaims};
use serde_json::{Value, json};

use crate::host_verifier::{
    EXPECTATIONS, NOW, SKEW_SECS, Tenant, all_algorithms, baseline_claims, baseline_header, verify_against, with,
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn logout_claims() -> Value {
    let claims = with(baseline_claims(), "events", Some(json!({ EVENT: {} })));
    let claims = with(claims, "jti", Some(json!("j-1")));
    with(with(claims, "sid", Some(json!("s-1"))), "exp", None)
}

fn verified(tenant: &Tenant, token: &str) -> Result<VerifiedClaims, TokenError> {
    verify_against(token, &tenant.key_set(), &all_algorithms(), &EXPECTATIONS, Expiry::Optional, NOW)
}

/// Verifies a token of these claims and judges it, at `NOW`.
fn judged(claims: &Value) -> Result<(String, String), String> {
    let tenant = Tenant::new();
    let token = tenant.sign(&baseline_header(), claims);
    let claims = verified(&tenant, &token).unwrap();
    let LogoutRequest { claim, value, jti, good_until } = validate_logout_token(&claims, SKEW_SECS, NOW)?;
    assert_eq!((jti, good_until), ("j-1", NOW - 60 + 300 + SKEW_SECS));
    Ok((claim.to_owned(), value.to_owned()))
}

#[test]
fn a_logout_token_names_the_sessions_by_sid_or_else_by_sub() {
    assert_eq!(judged(&logout_claims()), Ok(("sid".into(), "s-1".into())));
    assert_eq!(judged(&with(logout_claims(), "sid", None)), Ok(("sub".into(), "auth0|1".into())));
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
        assert_eq!(judged(&with(logout_claims(), claim, value.clone())), Err(expected.into()), "{claim}: {value:?}");
    }
    let nobody = with(with(logout_claims(), "sid", None), "sub", None);
    assert_eq!(judged(&nobody), Err("it has neither sid nor sub".into()));
}

#[test]
fn a_logout_token_needs_no_expiry_and_keeps_the_one_it_has() {
    let tenant = Tenant::new();
    let at = |exp: i64| {
        let token = tenant.sign_claims(&with(logout_claims(), "exp", Some(json!(exp))));
        verified(&tenant, &token).map(|_| ())
    };
    assert_eq!(at(NOW + 1), Ok(()));
    let exp = NOW - SKEW_SECS - 1;
    assert_eq!(at(exp), Err(TokenError::Claim(ClaimError::Expired { at: exp, now: NOW })));
}
