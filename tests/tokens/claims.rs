//! What the claims of a genuine token must say (RFC 7519 section 4.1).

use bargate::config::Tenant as Directory;
use bargate::jwks::KeySet;
use bargate::token::{ClaimError, Expectations, Expiry, Kind, TokenError, VerifiedClaims};
use serde_json::{Value, json};

use crate::host_verifier::{
    AUDIENCE, EXPECTATIONS, ISSUER, NOW, SKEW_SECS, Tenant, baseline_claims, baseline_header, encode, verify,
    verify_against, with,
};

/// What a row expects: that the token is believed, or the rule that it breaks.
type Verdict = Result<(), ClaimError>;
/// A claim with its value; `None` is absent.
type Change<'n> = (&'n str, Option<Value>);

fn missing(claim: &'static str) -> Verdict {
    Err(ClaimError::Missing { claim })
}

fn wrong_type(claim: &'static str) -> Verdict {
    Err(ClaimError::WrongType { claim })
}

fn other_issuer(actual: &str) -> Verdict {
    Err(ClaimError::Issuer { expected: ISSUER.to_owned(), actual: actual.to_owned() })
}

fn other_audience(actual: &Value) -> Verdict {
    other_stand_in("aud", &actual.to_string())
}

fn other_stand_in(claim: &str, actual: &str) -> Verdict {
    Err(ClaimError::Audience { claim: claim.to_owned(), expected: AUDIENCE.to_owned(), actual: actual.to_owned() })
}

fn required(claim: &str) -> Verdict {
    Err(ClaimError::Required { claim: claim.to_owned() })
}

fn expired(at: i64) -> Verdict {
    Err(ClaimError::Expired { at, now: NOW })
}

fn not_yet(claim: &'static str, at: i64) -> Verdict {
    Err(ClaimError::NotYetValid { claim, at, now: NOW })
}

/// Checks each row: the baseline with one claim set to a value, or without it.
fn check(claim: &str, rows: Vec<(Option<Value>, Verdict, &str)>) {
    let tenant = Tenant::new();
    for (value, expected, message) in rows {
        let token = tenant.sign_claims(&with(baseline_claims(), claim, value));
        let verdict = verify(&token, &tenant.key_set()).map(|_| ());
        assert_eq!(verdict, expected.map_err(TokenError::Claim), "{claim}: {message}");
    }
}

#[test]
fn the_baseline_is_believed_and_gives_its_claims() {
    let tenant = Tenant::new();
    let claims = verify(&tenant.sign_claims(&baseline_claims()), &tenant.key_set()).unwrap();
    assert_eq!(claims.text("sub"), Some("auth0|1"));
    assert_eq!(claims.text("iat"), None, "a number is no text");
    assert_eq!(claims.expires_at(), NOW + 3_600);
}

#[test]
fn the_issuer_is_compared_as_a_whole() {
    check(
        "iss",
        vec![
            (None, missing("iss"), "missing"),
            (Some(json!(null)), wrong_type("iss"), "null"),
            (Some(json!(1)), wrong_type("iss"), "a number"),
            (Some(json!([ISSUER])), wrong_type("iss"), "an array with the right one"),
            (Some(json!({})), wrong_type("iss"), "an object"),
            (Some(json!("")), other_issuer(""), "empty"),
            (Some(json!("https://evil.example/")), other_issuer("https://evil.example/"), "somebody else"),
            (Some(json!("https://tenant.example")), other_issuer("https://tenant.example"), "without its slash"),
            (Some(json!("https://tenant.example//")), other_issuer("https://tenant.example//"), "with a slash more"),
            (Some(json!("HTTPS://tenant.example/")), other_issuer("HTTPS://tenant.example/"), "in other letters"),
            (Some(json!("https://tenant.example/ ")), other_issuer("https://tenant.example/ "), "with a space"),
            (Some(json!("http://tenant.example/")), other_issuer("http://tenant.example/"), "by plain http"),
        ],
    );
}

#[test]
fn the_audience_is_one_string_or_an_array_that_contains_ours() {
    let ok = || Ok(());
    check(
        "aud",
        vec![
            (Some(json!(AUDIENCE)), ok(), "a string"),
            (Some(json!([AUDIENCE])), ok(), "alone in an array"),
            (Some(json!(["other", AUDIENCE])), ok(), "last in an array"),
            (Some(json!([AUDIENCE, AUDIENCE])), ok(), "twice in an array"),
            (None, missing("aud"), "missing"),
            (Some(json!(null)), wrong_type("aud"), "null"),
            (Some(json!(true)), wrong_type("aud"), "a boolean"),
            (Some(json!({ "aud": AUDIENCE })), wrong_type("aud"), "an object"),
            (Some(json!([[AUDIENCE]])), wrong_type("aud"), "an array in an array"),
            (Some(json!([AUDIENCE, 1])), wrong_type("aud"), "beside a number"),
            (Some(json!([AUDIENCE, null])), wrong_type("aud"), "beside null"),
            (Some(json!([])), other_audience(&json!([])), "an empty array"),
            (Some(json!("")), other_audience(&json!("")), "empty"),
            (Some(json!("https://api.example/")), other_audience(&json!("https://api.example/")), "with a slash more"),
            (Some(json!("https://api")), other_audience(&json!("https://api")), "a part of it"),
            (
                Some(json!("x https://api.example")),
                other_audience(&json!("x https://api.example")),
                "in a list of words",
            ),
            (Some(json!(["a", "b"])), other_audience(&json!(["a", "b"])), "an array of others"),
        ],
    );
}

/// Checks each row: these claims in the place of the baseline's, by these rules.
fn check_by(expectations: &Expectations<'_>, rows: Vec<(&[Change<'_>], Verdict, &str)>) {
    let tenant = Tenant::new();
    for (changes, expected, message) in rows {
        let change = |claims, (name, value): &Change<'_>| with(claims, name, value.clone());
        let token = tenant.sign_claims(&changes.iter().fold(baseline_claims(), change));
        let verdict = verify_against(&token, &tenant.key_set(), expectations, NOW).map(|_| ());
        assert_eq!(verdict, expected.map_err(TokenError::Claim), "{message}");
    }
}

#[test]
fn a_claim_that_stands_for_aud_is_checked_in_its_place_and_beside_it() {
    let none = || ("aud", None);
    let client = |value: Value| ("client_id", Some(value));
    check_by(
        &Expectations { audience_claim: Some("client_id"), ..EXPECTATIONS },
        vec![
            (&[none(), client(json!(AUDIENCE))], Ok(()), "in its place"),
            (&[none(), client(json!(["other", AUDIENCE]))], Ok(()), "in its place, as a list"),
            (&[client(json!(AUDIENCE))], Ok(()), "beside it"),
            (&[], other_stand_in("client_id", "missing"), "aud alone"),
            (&[none()], other_stand_in("client_id", "missing"), "neither"),
            (&[none(), client(json!("other"))], other_stand_in("client_id", r#""other""#), "another"),
            (&[none(), client(json!(null))], other_stand_in("client_id", "null"), "null"),
            (
                &[none(), client(json!({ "a": AUDIENCE }))],
                other_stand_in("client_id", r#"{"a":"https://api.example"}"#),
                "an object",
            ),
            (
                &[none(), client(json!("x https://api.example"))],
                other_stand_in("client_id", r#""x https://api.example""#),
                "a list of words",
            ),
            (
                &[("aud", Some(json!("other"))), client(json!(AUDIENCE))],
                other_audience(&json!("other")),
                "beside another aud",
            ),
            (&[("aud", Some(json!([]))), client(json!(AUDIENCE))], other_audience(&json!([])), "beside an empty aud"),
            (&[("aud", Some(json!(null))), client(json!(AUDIENCE))], wrong_type("aud"), "beside an aud of null"),
        ],
    );
    check_by(
        &Expectations { audience_claim: Some("app.id"), ..EXPECTATIONS },
        vec![
            (&[none(), ("app", Some(json!({ "id": AUDIENCE })))], Ok(()), "in an object"),
            (&[none(), ("app.id", Some(json!(AUDIENCE)))], Ok(()), "by a name with a dot"),
        ],
    );
    check_by(
        &Expectations { audience_claim: Some("client_id"), kind: Kind::Id, expiry: Expiry::Optional, ..EXPECTATIONS },
        vec![
            (&[], Ok(()), "an ID token needs no such claim"),
            (&[none(), client(json!(AUDIENCE))], missing("aud"), "and always needs aud"),
        ],
    );
}

#[test]
fn required_claims_have_their_values() {
    let claims = [("token_use".to_owned(), json!("access")), ("org.id".to_owned(), json!([1, 2]))];
    let of = |kind: Value, id: Value| [("token_use", Some(kind)), ("org", Some(json!({ "id": id })))];
    let expectations = Expectations { required: &claims, ..EXPECTATIONS };
    check_by(
        &expectations,
        vec![
            (&of(json!("access"), json!(2)), Ok(()), "each"),
            (&of(json!("id"), json!(2)), required("token_use"), "another value"),
            (&of(json!("access"), json!(3)), required("org.id"), "none of several values"),
            (&[("token_use", Some(json!("access")))], required("org.id"), "one is missing"),
            (&[], required("token_use"), "all are missing"),
        ],
    );
    check_by(
        &Expectations { kind: Kind::Id, expiry: Expiry::Optional, ..expectations },
        vec![(&[], Ok(()), "of an ID token they are not required")],
    );
}

#[test]
fn an_issuer_of_several_tenants_is_each_that_is_listed_and_no_other() {
    let directory = |id: &str| Directory { issuer: format!("https://login.example/{id}/v2.0"), id: id.to_owned() };
    let tenants = [directory("t1"), directory("t2")];
    let template = "https://login.example/{tenantid}/v2.0";
    let other = |actual: &str| Err(ClaimError::Issuer { expected: template.to_owned(), actual: actual.to_owned() });
    let of = |iss: &str, tid: Option<Value>| [("iss", Some(json!(iss))), ("tid", tid)];
    let rows = || -> Vec<([Change<'_>; 2], Verdict, &str)> {
        vec![
            (of("https://login.example/t1/v2.0", Some(json!("t1"))), Ok(()), "the first"),
            (of("https://login.example/t2/v2.0", Some(json!("t2"))), Ok(()), "the second"),
            (of("https://login.example/t1/v2.0", Some(json!("t2"))), required("tid"), "two that do not agree"),
            (of("https://login.example/t1/v2.0", None), required("tid"), "no tid"),
            (of("https://login.example/t1/v2.0", Some(json!(["t1"]))), required("tid"), "a list"),
            (
                of("https://login.example/t3/v2.0", Some(json!("t3"))),
                other("https://login.example/t3/v2.0"),
                "no such tenant",
            ),
            (
                of("https://login.example/t1/v2.0/", Some(json!("t1"))),
                other("https://login.example/t1/v2.0/"),
                "a slash more",
            ),
            (of(template, Some(json!("t1"))), other(template), "the template itself"),
            (of("t1", Some(json!("t1"))), other("t1"), "the id alone"),
        ]
    };
    for kind in [Kind::Access, Kind::Id] {
        let expiry = if kind == Kind::Access { Expiry::Enforced } else { Expiry::Optional };
        let expectations = Expectations { issuer: template, tenants: &tenants, kind, expiry, ..EXPECTATIONS };
        for (changes, expected, message) in rows() {
            check_by(&expectations, vec![(&changes, expected, message)]);
        }
    }
}

#[test]
fn a_key_of_one_tenant_signs_no_token_of_another() {
    let directory = |id: &str| Directory { issuer: format!("https://login.example/{id}/v2.0"), id: id.to_owned() };
    let tenants = [directory("t1"), directory("t2")];
    let template = "https://login.example/{tenantid}/v2.0";
    let of_several = Expectations { issuer: template, tenants: &tenants, ..EXPECTATIONS };
    let (first, second) = ("https://login.example/t1/v2.0", "https://login.example/t2/v2.0");
    let of_one = Expectations { issuer: first, ..EXPECTATIONS };
    let signer = Tenant::new();
    let claims = [("iss", json!(first)), ("tid", json!("t1"))];
    let claims = claims.into_iter().fold(baseline_claims(), |claims, (name, value)| with(claims, name, Some(value)));
    let token = signer.sign_claims(&claims);
    let not_by = |key: &str| Err(ClaimError::Issuer { expected: key.to_owned(), actual: first.to_owned() });
    let table: [(Option<Value>, Verdict, &str); 7] = [
        (None, Ok(()), "a key that says nothing"),
        (Some(json!(null)), Ok(()), "a key that says null"),
        (Some(json!(template)), Ok(()), "a key of all tenants"),
        (Some(json!(first)), Ok(()), "a key of the tenant"),
        (Some(json!(second)), not_by(second), "a key of another tenant, which is accepted itself"),
        (Some(json!("https://sts.example/{tenantid}/")), not_by("https://sts.example/{tenantid}/"), "another template"),
        (Some(json!([first])), not_by(""), "a list"),
    ];
    for (issuer, expected, message) in table {
        let keys = json!({ "keys": [with(signer.public_key(), "issuer", issuer)] }).to_string();
        let keys = KeySet::parse(&keys).unwrap();
        let verdict = |expectations| verify_against(&token, &keys, expectations, NOW).map(|_| ());
        assert_eq!(verdict(&of_several), expected.map_err(TokenError::Claim), "{message}");
        assert_eq!(verdict(&of_one), Ok(()), "{message}: the key set of one issuer is all its own");
    }
}

#[test]
fn a_token_that_is_bound_to_a_key_or_certificate_is_no_bearer_token() {
    let bound = || Err(ClaimError::Bound);
    check(
        "cnf",
        vec![
            (Some(json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" })), bound(), "DPoP (RFC 9449)"),
            (Some(json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" })), bound(), "mTLS (RFC 8705)"),
            (Some(json!({ "jwk": {} })), bound(), "a key of its own (RFC 7800)"),
            (Some(json!({})), bound(), "bound to nothing that is known"),
            (Some(json!(null)), bound(), "null"),
        ],
    );
    let tenant = Tenant::new();
    let late = with(baseline_claims(), "exp", Some(json!(NOW - 86_400)));
    let token = tenant.sign_claims(&with(late, "cnf", Some(json!({ "jkt": "x" }))));
    let refused = verify(&token, &tenant.key_set()).map(|_| ());
    assert_eq!(refused, Err(TokenError::Claim(ClaimError::Bound)), "and a refresh would not mend it");
}

#[test]
fn the_expiry_is_required_and_passes_until_the_skew_is_used_up() {
    check(
        "exp",
        vec![
            (Some(json!(NOW + 1)), Ok(()), "a second ahead"),
            (Some(json!(NOW)), Ok(()), "this second, within the skew"),
            (Some(json!(NOW - SKEW_SECS + 1)), Ok(()), "the last second of the skew"),
            (Some(json!(NOW - SKEW_SECS)), expired(NOW - SKEW_SECS), "the skew is used up"),
            (Some(json!(NOW - 86_400)), expired(NOW - 86_400), "yesterday"),
            (Some(json!(0)), expired(0), "1970"),
            (Some(json!(-1)), expired(-1), "before 1970"),
            (Some(json!(NOW as f64 + 0.5)), Ok(()), "a fraction"),
            (Some(json!((NOW - SKEW_SECS) as f64 + 0.5)), expired(NOW - SKEW_SECS), "a fraction is dropped"),
            (Some(json!(-0.5)), expired(-1), "a negative fraction is rounded down"),
            (Some(json!(9_007_199_254_740_991_i64)), Ok(()), "the last whole number of a float"),
            (
                Some(json!(9_007_199_254_740_992_i64)),
                wrong_type("exp"),
                "the first that a float may stand for another by",
            ),
            (None, missing("exp"), "missing"),
            (Some(json!(null)), wrong_type("exp"), "null"),
            (Some(json!((NOW + 60).to_string())), wrong_type("exp"), "a number in a string"),
            (Some(json!("tomorrow")), wrong_type("exp"), "a string"),
            (Some(json!(true)), wrong_type("exp"), "a boolean"),
            (Some(json!([NOW + 60])), wrong_type("exp"), "an array"),
            (Some(json!(1e300)), wrong_type("exp"), "no date is that far away"),
            (Some(json!(-1e300)), wrong_type("exp"), "nor that long ago"),
            (Some(json!(i64::MAX)), wrong_type("exp"), "the largest signed number"),
            (Some(json!(u64::MAX)), wrong_type("exp"), "the largest unsigned number"),
            (Some(json!(i64::MIN)), wrong_type("exp"), "the smallest number"),
        ],
    );
}

#[test]
fn not_before_and_issued_at_are_optional_and_may_be_ahead_by_the_skew() {
    for claim in ["nbf", "iat"] {
        let edge = NOW + SKEW_SECS;
        check(
            claim,
            vec![
                (None, Ok(()), "missing"),
                (Some(json!(0)), Ok(()), "1970"),
                (Some(json!(NOW)), Ok(()), "this second"),
                (Some(json!(edge)), Ok(()), "ahead by all of the skew"),
                (Some(json!(edge as f64 + 0.9)), Ok(()), "a fraction is dropped"),
                (Some(json!(edge + 1)), not_yet(claim, edge + 1), "a second further"),
                (Some(json!(NOW + 86_400)), not_yet(claim, NOW + 86_400), "tomorrow"),
                (Some(json!(null)), wrong_type(claim), "null"),
                (Some(json!(NOW.to_string())), wrong_type(claim), "a number in a string"),
                (Some(json!(1e300)), wrong_type(claim), "no date is that far away"),
                (Some(json!({})), wrong_type(claim), "an object"),
            ],
        );
    }
}

#[test]
fn a_number_no_float_can_hold_is_no_set_of_claims() {
    let tenant = Tenant::new();
    let claims = baseline_claims().to_string().replace(&format!("\"exp\":{}", NOW + 3_600), "\"exp\":1e999");
    assert!(claims.contains("1e999"), "the row is what it says");
    let token = tenant.sign_text(&baseline_header().to_string(), &claims);
    assert_eq!(verify(&token, &tenant.key_set()).unwrap_err(), TokenError::MalformedClaims);
}

#[test]
fn without_a_skew_the_edges_are_exact_and_no_clock_overflows() {
    let tenant = Tenant::new();
    let table = [
        (NOW, 0, NOW + 1, Ok(()), "a second ahead"),
        (NOW, 0, NOW, Err(()), "this second is no longer valid"),
        (i64::MAX, 300, NOW, Err(()), "the largest clock, and the largest skew that a config may have"),
        (i64::MIN, 300, NOW, Ok(()), "the smallest clock"),
    ];
    for (now, clock_skew_secs, exp, expected, message) in table {
        let claims = with(with(baseline_claims(), "nbf", None), "iat", None);
        let token = tenant.sign_claims(&with(claims, "exp", Some(json!(exp))));
        let expectations = Expectations { clock_skew_secs, ..EXPECTATIONS };
        let verdict = verify_against(&token, &tenant.key_set(), &expectations, now);
        assert_eq!(verdict.map(|_| ()).map_err(|_| ()), expected, "{message}");
    }
}

#[test]
fn where_the_expiry_is_ignored_everything_else_is_checked_all_the_same() {
    let tenant = Tenant::new();
    let late = || with(baseline_claims(), "exp", Some(json!(NOW - 86_400)));
    let table = [
        (late(), Ok(()), "expired yesterday"),
        (with(late(), "exp", None), missing("exp"), "no expiry at all"),
        (with(late(), "exp", Some(json!("x"))), wrong_type("exp"), "an expiry that is no date"),
        (with(late(), "iss", Some(json!("joe"))), other_issuer("joe"), "somebody else's"),
        (with(late(), "aud", Some(json!("x"))), other_audience(&json!("x")), "for somebody else"),
        (with(late(), "nbf", Some(json!(NOW + 99))), not_yet("nbf", NOW + 99), "not valid yet"),
    ];
    let expectations = Expectations { expiry: Expiry::Ignored, ..EXPECTATIONS };
    for (claims, expected, message) in table {
        let token = tenant.sign_claims(&claims);
        let verdict = verify_against(&token, &tenant.key_set(), &expectations, NOW);
        assert_eq!(verdict.map(|_| ()), expected.map_err(TokenError::Claim), "{message}");
    }
}

#[test]
fn an_expired_token_that_is_wrong_in_another_way_is_refused_for_that() {
    // "Expired" invites a refresh; it must never be said of a token that a refresh could not have made good.
    let tenant = Tenant::new();
    let late = with(baseline_claims(), "exp", Some(json!(NOW - 86_400)));
    let table = [
        ("iss", json!("joe"), other_issuer("joe")),
        ("aud", json!("x"), other_audience(&json!("x"))),
        ("nbf", json!(NOW + 99), not_yet("nbf", NOW + 99)),
    ];
    for (claim, value, expected) in table {
        let token = tenant.sign_claims(&with(late.clone(), claim, Some(value)));
        let verdict = verify(&token, &tenant.key_set()).map(|_| ());
        assert_eq!(verdict, expected.map_err(TokenError::Claim), "{claim}");
    }
}

#[test]
fn an_id_token_is_for_this_client_and_says_whose_it_is_and_when_it_was_made() {
    let party =
        |actual: &str| Err(ClaimError::AuthorizedParty { expected: AUDIENCE.to_owned(), actual: actual.to_owned() });
    let several = || Some(json!([AUDIENCE, "https://other.example"]));
    let expectations = Expectations { kind: Kind::Id, expiry: Expiry::Optional, ..EXPECTATIONS };
    check_by(
        &expectations,
        vec![
            (&[("azp", Some(json!(AUDIENCE)))], Ok(()), "issued to this client"),
            (&[("azp", Some(json!("other")))], party("other"), "issued to another"),
            (&[("azp", Some(json!("")))], party(""), "issued to nobody"),
            (&[("azp", Some(json!(7)))], wrong_type("azp"), "issued to a number"),
            (&[("sub", None)], missing("sub"), "of nobody"),
            (&[("sub", Some(json!("")))], missing("sub"), "of an empty name"),
            (&[("sub", Some(json!(1)))], missing("sub"), "of a number"),
            (&[("iat", None)], missing("iat"), "of no time"),
            (&[("aud", Some(json!([AUDIENCE]))), ("azp", None)], Ok(()), "a list of one audience"),
            (&[("aud", several()), ("azp", None)], missing("azp"), "two audiences, and no word to whom it was issued"),
            (&[("aud", several()), ("azp", Some(json!(AUDIENCE)))], Ok(()), "two audiences, issued to this client"),
            (
                &[("aud", several()), ("azp", Some(json!("other")))],
                party("other"),
                "two audiences, issued to the other",
            ),
        ],
    );
}

#[test]
fn the_claims_are_handed_on_as_they_came() {
    let tenant = Tenant::new();
    let claims = verify(&tenant.sign_claims(&baseline_claims()), &tenant.key_set()).unwrap();
    assert_eq!(claims.to_json(), baseline_claims());
    assert_eq!(Value::Object(claims.into_members()), baseline_claims());
}

#[test]
fn a_claim_is_found_by_its_whole_name_before_its_dots_are_steps() {
    let tenant = Tenant::new();
    let claims = with(baseline_claims(), "https://app.example/roles", Some(json!(["admin"])));
    let claims = with(claims, "org", Some(json!({ "id": "o1", "deep": { "er": 5 } })));
    let claims = with(claims, "org.id", Some(json!("whole")));
    let claims = verify(&tenant.sign_claims(&claims), &tenant.key_set()).unwrap();
    let table = [
        ("https://app.example/roles", Some(json!(["admin"])), "a name with dots"),
        ("org.id", Some(json!("whole")), "the whole name before the steps"),
        ("org.deep.er", Some(json!(5)), "two steps"),
        ("org.deep", Some(json!({ "er": 5 })), "an object"),
        ("org.deep.er.x", None, "a step into a number"),
        ("org.none", None, "a step that leads nowhere"),
        ("org.", None, "an empty step"),
        (".org", None, "an empty first step"),
        ("", None, "nothing"),
    ];
    for (path, expected, message) in table {
        assert_eq!(claims.get(path), expected.as_ref(), "{message}");
    }
}

#[test]
fn the_claims_of_a_session_are_those_of_its_id_token_for_as_long_as_its_access_token_is_valid() {
    let expectations = Expectations { kind: Kind::Id, ..EXPECTATIONS };
    let id_token =
        |claims: &Value| format!("{}.{}.{}", encode("{}"), encode(claims.to_string()), encode("sealed since"));
    let of_session = |token: &str| VerifiedClaims::of_session(token, &expectations, NOW + 600, NOW);
    let table = [
        (baseline_claims(), None, "as it was"),
        (with(baseline_claims(), "exp", Some(json!(NOW - 999))), None, "its own expiry ends no session"),
        (
            with(baseline_claims(), "iss", Some(json!("https://before.example/"))),
            Some("iss"),
            "the config has another issuer",
        ),
        (with(baseline_claims(), "aud", Some(json!("before"))), Some("aud"), "the config has another client"),
    ];
    for (claims, broken, message) in table {
        match (of_session(&id_token(&claims)), broken) {
            (Ok(claims), None) => {
                assert_eq!((claims.expires_at(), claims.text("sub")), (NOW + 600, Some("auth0|1")), "{message}");
            }
            (Err(error), Some(claim)) => assert!(error.to_string().starts_with(claim), "{message}: {error}"),
            (checked, _) => panic!("{message}: {checked:?}"),
        }
    }
    assert!(of_session("opaque").is_err(), "what is no token has no claims");
}
