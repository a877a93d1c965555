//! Access tokens by their issuer's word (RFC 7662): the rules for what it says of one, and for how long that counts.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::claims::{Expectations, Expiry, VerifiedClaims};
use super::credentials::Scheme;
use super::error::{ClaimError, TokenError};
use super::parts::Parts;
use crate::config::{Asked, Authorizer};
use crate::excerpt::shortened;

/// A token that the issuer said is valid is asked about again after this long, so that its revocation is seen within it.
pub(super) const ACTIVE_CACHE_SECS: i64 = 30;

/// A token that the issuer said is not valid is not asked about again for this long. Longer, and one that a slow replica of the
/// provider does not know yet would be refused for longer. One that the issuer knows and whose claims break a rule is not such a token.
const REFUSED_CACHE_SECS: i64 = 5;

/// What came of an access token: its claims, or why it is not accepted.
pub type Verdict = Result<Rc<VerifiedClaims>, Rc<TokenError>>;

/// Checks whether the issuer is asked about a token. A JWT has three parts, of which the first is a JSON object.
pub fn is_asked_about(asked: Asked, token: &str) -> bool {
    let is_jwt = || Parts::split(token).is_ok_and(|parts| parts.header().is_ok());
    asked == Asked::All || !is_jwt()
}

/// Checks what the issuer said of a token that is active, at `now` (seconds since 1970), by the rules for access tokens. Three of them
/// are other than for a JWT: without `iss`, it is the issuer's, since that was asked; without `aud`, it is for the client that it was
/// issued to; and it needs no `exp`.
///
/// # Errors
/// That it may be another kind of token, or the first rule that a claim breaks.
pub fn check_introspected(
    answer: &Map<String, Value>,
    authorizer: &Authorizer,
    scheme: Scheme,
    without_token_type: bool,
    now: i64,
) -> Result<VerifiedClaims, TokenError> {
    // What a member of the answer says takes the place of these.
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), authorizer.issuer.as_str().into());
    if let Some(client) = answer.get("client_id").filter(|_| authorizer.audience_claim.is_none()) {
        claims.insert("aud".to_owned(), client.clone());
    }
    for (name, value) in answer {
        let says_nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !says_nothing {
            claims.insert(name.clone(), value.clone());
        }
    }
    check_type(&claims, scheme, without_token_type).map_err(TokenError::Claim)?;
    let expectations = Expectations { expiry: Expiry::Optional, scheme, ..Expectations::of_access_tokens(authorizer) };
    VerifiedClaims::check(claims, &expectations, now).map_err(TokenError::Claim)
}

/// Checks that a token is an access token, and one of its scheme. Of a refresh token some issuers say the same, less its type.
fn check_type(claims: &Map<String, Value>, scheme: Scheme, without_token_type: bool) -> Result<(), ClaimError> {
    let claim = "token_type";
    match claims.get(claim) {
        None if without_token_type => Ok(()),
        None => Err(ClaimError::Missing { claim }),
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case(scheme.as_str()) => Ok(()),
        Some(Value::String(kind)) => Err(ClaimError::TokenType { expected: scheme, actual: shortened(kind) }),
        Some(_) => Err(ClaimError::WrongType { claim }),
    }
}

/// Returns until when the answer to a question of `asked_at` counts, in seconds since 1970: never past the token's expiry.
pub fn cached_until(verdict: &Verdict, asked_at: i64) -> i64 {
    match verdict {
        Ok(claims) => claims.expires_at().min(asked_at + ACTIVE_CACHE_SECS),
        Err(error) if error.is_lasting() => asked_at + ACTIVE_CACHE_SECS,
        Err(_) => asked_at + REFUSED_CACHE_SECS,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::KeySource;

    fn authorizer() -> Authorizer {
        Authorizer {
            name: "default".to_owned(),
            issuer: "https://idp.example".to_owned(),
            tenants: Vec::new(),
            audience: "api".to_owned(),
            audience_claim: None,
            claims: Vec::new(),
            keys: KeySource::Discovery("https://idp.example/d".to_owned()),
            algorithms: Vec::new(),
            clock_skew_secs: 30,
            timeout_ms: 1,
            dpop: None,
            is_supabase: false,
            logs_in: true,
        }
    }

    /// What an issuer says of a token, with members replaced; `null` says nothing.
    fn said(change: Value) -> Map<String, Value> {
        let baseline = json!({
            "active": true, "token_type": "Bearer", "iss": "https://idp.example", "aud": "api", "exp": 1_600, "iat": 1_000,
            "sub": "u", "scope": "read:orders",
        });
        let (Value::Object(mut members), Value::Object(change)) = (baseline, change) else { unreachable!() };
        for (name, value) in change {
            if value.is_null() {
                members.remove(&name)
            } else {
                members.insert(name, value)
            };
        }
        members
    }

    #[test]
    fn the_issuer_is_asked_about_what_is_no_jwt_or_about_all() {
        let table = [
            ("opaque", true, "one word"),
            ("ya29.a0AfB_byC", true, "two parts, as of Google"),
            ("v1.local.text", true, "three parts that are no base64url of JSON"),
            ("W10.e30.c2ln", true, "a first part that is no object"),
            ("eyJlbmMiOiJBMjU2R0NNIn0..iv.text.tag", true, "five parts, as an encrypted token has"),
            ("eyJhbGciOiJub25lIn0.e30.", false, "a JWT, whatever it is worth"),
            ("", true, "nothing"),
        ];
        for (token, expected, message) in table {
            assert_eq!(is_asked_about(Asked::Opaque, token), expected, "{message}");
            assert!(is_asked_about(Asked::All, token), "{message}");
        }
    }

    #[test]
    fn what_the_issuer_says_meets_the_rules_for_access_tokens() {
        let table = [
            (json!({}), None, "the baseline"),
            (json!({"token_type": "bEARER"}), None, "its type in any case"),
            (json!({"iss": null}), None, "no issuer: that was asked"),
            (json!({"exp": null}), None, "no end"),
            (json!({"aud": ["other", "api"]}), None, "several audiences"),
            (json!({"exp": 971}), None, "an end within the skew"),
            (json!({"token_type": null}), Some("token_type is missing"), "a refresh token, as some describe it"),
            (
                json!({"token_type": "refresh_token"}),
                Some(r#"token_type is "refresh_token", expected "Bearer""#),
                "as others do",
            ),
            (json!({"token_type": "DPoP"}), Some(r#"token_type is "DPoP", expected "Bearer""#), "bound to a key"),
            (json!({"token_type": ["Bearer"]}), Some("token_type has the wrong type"), "a list"),
            (
                json!({"cnf": {"jkt": "k"}}),
                Some("cnf binds it to a key or certificate, so it is no bearer token"),
                "bound",
            ),
            (
                json!({"iss": "https://other.example"}),
                Some(r#"iss is "https://other.example", expected "https://idp.example""#),
                "another issuer",
            ),
            (json!({"iss": 1}), Some("iss has the wrong type"), "an issuer that is no text"),
            (json!({"aud": null}), Some("aud is missing"), "no audience"),
            (json!({"aud": "other"}), Some(r#"aud is "other", expected "api""#), "another audience"),
            (json!({"exp": 970}), Some("exp is 970, the time is 1000"), "expired"),
            (json!({"exp": "1600"}), Some("exp has the wrong type"), "an end that is no number"),
            (json!({"nbf": 1_031}), Some("nbf is 1031, the time is 1000"), "not yet valid"),
        ];
        for (change, expected, message) in table {
            let checked = check_introspected(&said(change), &authorizer(), Scheme::Bearer, false, 1_000);
            assert_eq!(checked.err().map(|error| error.to_string()).as_deref(), expected, "{message}");
        }
        for (client, accepted) in
            [(json!("api"), true), (json!("other"), false), (json!(["api"]), true), (json!(7), false)]
        {
            for unsaid in [json!(null), json!([])] {
                let checked = check_introspected(
                    &said(json!({"aud": unsaid, "client_id": client})),
                    &authorizer(),
                    Scheme::Bearer,
                    false,
                    1_000,
                );
                assert_eq!(checked.is_ok(), accepted, "for nobody, and issued to {client}");
            }
        }
        let elsewhere = said(json!({"aud": "other", "client_id": "api"}));
        assert!(
            check_introspected(&elsewhere, &authorizer(), Scheme::Bearer, false, 1_000).is_err(),
            "the client is no audience beside another"
        );
        let untyped =
            check_introspected(&said(json!({"token_type": null})), &authorizer(), Scheme::Bearer, true, 1_000);
        assert!(untyped.is_ok(), "the config says that the endpoint knows no other tokens");
        let typed = check_introspected(
            &said(json!({"token_type": "refresh_token"})),
            &authorizer(),
            Scheme::Bearer,
            true,
            1_000,
        );
        assert!(typed.is_err(), "a type that is there still counts");
    }

    #[test]
    fn of_a_token_that_came_with_a_proof_the_issuer_says_its_key_and_its_type() {
        let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        let bound = json!({"jkt": jkt});
        let table = [
            (json!({"token_type": "DPoP", "cnf": bound}), false, None, "bound, and of that type"),
            (json!({"token_type": "dpop", "cnf": bound}), false, None, "its type in any case"),
            (
                json!({"token_type": "Bearer", "cnf": bound}),
                false,
                Some(r#"token_type is "Bearer", expected "DPoP""#),
                "a bearer token",
            ),
            (json!({"token_type": null, "cnf": bound}), false, Some("token_type is missing"), "of no type"),
            (json!({"token_type": null, "cnf": bound}), true, None, "of no type, at an issuer that says none"),
            (json!({"token_type": "DPoP"}), false, Some("cnf is missing"), "not bound"),
            (
                json!({"token_type": "DPoP", "cnf": {"x5t#S256": jkt}}),
                false,
                Some("cnf binds it in another way than by one jkt"),
                "bound to a certificate",
            ),
        ];
        for (change, untyped, expected, message) in table {
            let checked = check_introspected(&said(change), &authorizer(), Scheme::Dpop, untyped, 1_000);
            assert_eq!(checked.err().map(|error| error.to_string()).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn the_claims_are_those_that_the_issuer_says() {
        let claims =
            check_introspected(&said(json!({"iss": null})), &authorizer(), Scheme::Bearer, false, 1_000).unwrap();
        assert_eq!((claims.text("sub"), claims.text("iss")), (Some("u"), Some("https://idp.example")));
        assert_eq!(claims.expires_at(), 1_600);
    }

    #[test]
    fn an_answer_counts_for_seconds_and_never_past_the_expiry() {
        let valid =
            |change| check_introspected(&said(change), &authorizer(), Scheme::Bearer, false, 1_000).map(Rc::new);
        let table = [
            (valid(json!({})), 1_030, "a valid token"),
            (valid(json!({"exp": 1_010})), 1_010, "one that expires sooner"),
            (valid(json!({"exp": 990})), 990, "one that has expired within the skew: it is asked about each time"),
            (valid(json!({"exp": null})), 1_030, "one without an end"),
            (Err(TokenError::Inactive), 1_005, "one that is not valid"),
            (valid(json!({"aud": "other"})), 1_030, "one for somebody else: for whom does not change"),
            (valid(json!({"nbf": 1_040})), 1_005, "one that is not valid yet"),
        ];
        for (verdict, expected, message) in table {
            assert_eq!(cached_until(&verdict.map_err(Rc::new), 1_000), expected, "{message}");
        }
    }
}
