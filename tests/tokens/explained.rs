//! What `bargate token explain` says of each check, one by one.
//!
//! That it comes to the gateway's verdict is asserted in `host_verifier`, for every token of every test beside this one.

use std::rc::Rc;

use bargate::algorithm::Algorithm;
use bargate::config::{Asked, Tenant as Directory};
use bargate::jwks::KeySet;
use bargate::secret::Secret;
use bargate::token::TokenError;
use serde_json::{Value, json};

use crate::host_verifier::{
    ALL_ALGORITHMS, AUDIENCE, ISSUER, NOW, SKEW_SECS, Tenant, baseline_claims, baseline_header, check_signature,
    encode, with,
};
use bargate::explain::{Expected, Explanation, Outcome, Rules, Signature, Verdict};

fn rules(keys: KeySet) -> Rules {
    Rules {
        issuer: Ok(Expected::public(ISSUER.to_owned())),
        tenants: Ok(Vec::new()),
        audience: Ok(Expected::public(AUDIENCE.to_owned())),
        audience_claim: None,
        required: Vec::new(),
        algorithms: Ok(ALL_ALGORITHMS.to_vec()),
        keys: Ok(Rc::new(keys)),
        clock_skew_secs: SKEW_SECS,
        asked: None,
        dpop: None,
    }
}

/// Returns the names of the checks that did not pass, those that were skipped in brackets.
fn open_checks(explanation: &Explanation) -> String {
    let shown = explanation.checks.iter().filter_map(|check| match check.outcome {
        Outcome::Pass => None,
        Outcome::Fail(_) => Some(check.name.to_string()),
        Outcome::Skip(_) => Some(format!("({})", check.name)),
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_checks_stand_in_the_order_of_the_gateway() {
    let tenant = Tenant::new();
    let explanation =
        Explanation::of(&tenant.sign_claims(&baseline_claims()), &rules(tenant.key_set()), NOW, &check_signature);
    let names: Vec<_> = explanation.checks.iter().map(|check| check.name.as_ref()).collect();
    let expected = [
        "form",
        "alg",
        "crit",
        "cty",
        "kid",
        "key",
        "signature",
        "typ",
        "claims",
        "iss",
        "aud",
        "cnf",
        "exp",
        "nbf",
        "iat",
    ];
    assert_eq!(names, expected);
    assert_eq!(explanation.verdict(), Verdict::Accepted);
}

#[test]
fn every_check_is_told_after_one_has_failed() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    let header = |key: &str, value: Value| with(baseline_header(), key, Some(value)).to_string();
    let claims = baseline_claims().to_string();
    let good = tenant.sign_claims(&baseline_claims());
    let late = [("iss", json!("x")), ("aud", json!("y")), ("exp", json!(1)), ("nbf", json!(NOW + 99))];
    let late = late.into_iter().fold(baseline_claims(), |claims, (name, value)| with(claims, name, Some(value)));
    let everything = "(alg) (crit) (cty) (kid) (key) (signature) (typ) (claims) (iss) (aud) (cnf) (exp) (nbf) (iat)";
    let no_header = "form (alg) (crit) (cty) (kid) (key) (signature) (typ)";
    let table = [
        (good.clone(), String::new(), "the baseline"),
        ("opaque".to_owned(), format!("form {everything}"), "an opaque token"),
        ("a.b.c.d.e".to_owned(), format!("form {everything}"), "five parts"),
        (format!("{good}="), "form (signature)".to_owned(), "a signature that cannot be read"),
        (good.replace("ey", "e!"), format!("{no_header} claims (iss) (aud) (cnf) (exp) (nbf) (iat)"), "no base64url"),
        (tenant.sign_text("[]", &claims), no_header.to_owned(), "a header that is no object"),
        (tenant.sign_text(&header("alg", json!("none")), &claims), "alg (key) (signature)".to_owned(), "none"),
        (tenant.sign_text(&header("alg", json!("RS256")), &claims), "key (signature)".to_owned(), "not the key's"),
        (tenant.sign_text(&header("kid", json!(1)), &claims), "kid (key) (signature)".to_owned(), "a number as kid"),
        (tenant.sign_text(&header("kid", json!("x")), &claims), "kid (key) (signature)".to_owned(), "another kid"),
        (tenant.sign_text(&header("crit", json!([])), &claims), "crit".to_owned(), "a crit, and a good signature"),
        (tenant.sign_text(&header("cty", json!("JWT")), &claims), "cty".to_owned(), "a cty, and a good signature"),
        (tenant.sign_text(&header("typ", json!("logout+jwt")), &claims), "typ".to_owned(), "a logout token"),
        (other.sign_claims(&baseline_claims()), "signature".to_owned(), "the key of somebody else"),
        (other.sign_claims(&late), "signature iss aud exp nbf".to_owned(), "nearly everything"),
        (
            tenant.sign_text(&baseline_header().to_string(), "7"),
            "claims (iss) (aud) (cnf) (exp) (nbf) (iat)".to_owned(),
            "7",
        ),
        ("x".repeat(16_385), format!("form {everything}"), "too long"),
    ];
    for (token, expected, message) in table {
        let explanation = Explanation::of(&token, &rules(tenant.key_set()), NOW, &check_signature);
        assert_eq!(open_checks(&explanation), expected, "{message}");
    }
}

#[test]
fn what_is_not_known_is_skipped_with_its_reason_and_decides_nothing() {
    let tenant = Tenant::new();
    let good = tenant.sign_claims(&baseline_claims());
    let none = tenant.sign(&with(baseline_header(), "alg", Some(json!("none"))), &baseline_claims());
    let unknown = || Err("nobody said".to_owned());
    let unsaid = || Err("nobody said".to_owned());
    let known = || rules(tenant.key_set());
    let table = [
        (Rules { keys: unknown(), ..known() }, &good, "(kid) (key) (signature)", "no keys"),
        (Rules { issuer: Err("nobody said".to_owned()), ..known() }, &good, "(iss)", "no issuer"),
        (Rules { audience: Err("nobody said".to_owned()), ..known() }, &good, "(aud)", "no audience"),
        (Rules { tenants: Err("nobody said".to_owned()), ..known() }, &good, "(iss)", "no tenants"),
        (Rules { audience_claim: Some(unsaid()), ..known() }, &good, "(audience_claim)", "no claim for the audience"),
        (Rules { algorithms: Err("nobody said".to_owned()), ..known() }, &good, "(alg)", "no algorithms"),
        (Rules { algorithms: Err("nobody said".to_owned()), ..known() }, &none, "alg (key) (signature)", "none at all"),
    ];
    for (rules, token, expected, message) in table {
        let explanation = Explanation::of(token, &rules, NOW, &check_signature);
        assert_eq!(open_checks(&explanation), expected, "{message}");
        let first = explanation.checks.iter().find(|check| check.outcome != Outcome::Pass).unwrap();
        if expected.starts_with('(') {
            assert_eq!(first.outcome, Outcome::Skip("nobody said".to_owned()), "{message}");
            assert_eq!(explanation.verdict(), Verdict::Undecided, "{message}");
        } else {
            assert!(matches!(explanation.verdict(), Verdict::Refused(_)), "{message}");
        }
    }
}

#[test]
fn the_authorizers_own_rules_have_a_row_each() {
    let tenant = Tenant::new();
    let directory = |id: &str| Directory { issuer: format!("https://login.example/{id}"), id: id.to_owned() };
    let rules = Rules {
        issuer: Ok(Expected::public("https://login.example/{tenantid}".to_owned())),
        tenants: Ok(vec![directory("t1"), directory("t2")]),
        audience_claim: Some(Ok("app.id".to_owned())),
        required: vec![
            (("use".to_owned(), json!(["a", 1])), json!(["$secret.USE", 1])),
            (("group".to_owned(), json!(null)), json!("$env.GROUP")),
        ],
        ..rules(tenant.key_set())
    };
    let changes = [
        ("iss", Some(json!("https://login.example/t1"))),
        ("tid", Some(json!("t2"))),
        ("aud", None),
        ("app", Some(json!({ "id": AUDIENCE }))),
        ("use", Some(json!("b"))),
    ];
    let claims = changes.into_iter().fold(baseline_claims(), |claims, (name, value)| with(claims, name, value));
    let explanation = Explanation::of(&tenant.sign_claims(&claims), &rules, NOW, &check_signature);
    assert_eq!(open_checks(&explanation), "iss use (group)");
    let rows = explanation.checks.iter().skip_while(|check| check.name != "iss").take(5);
    let rows: Vec<_> = rows.map(|check| [&*check.name, &check.expected, &check.found]).collect();
    let expected = [
        [
            "iss",
            r#""https://login.example/{tenantid}", for one of the tenants t1, t2; and tid is the same"#,
            r#""https://login.example/t1"; tid "t2""#,
        ],
        ["aud", r#""https://api.example", by itself or in a list, or absent"#, "absent"],
        ["app.id", r#""https://api.example", by itself or in a list"#, r#""https://api.example""#],
        ["use", r#""$secret.USE" or 1, by itself or in a list"#, r#""b""#],
        ["group", r#""$env.GROUP", by itself or in a list"#, "absent"],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_row_says_what_was_expected_and_found() {
    let tenant = Tenant::new();
    let keys = KeySet::parse(
        &json!({ "keys": [
            tenant.public_key(),
            with(with(tenant.public_key(), "kid", Some(json!("sealing"))), "use", Some(json!("enc"))),
            { "kty": "RSA", "kid": "short", "n": encode([0xff; 128]), "e": "AQAB" },
        ] })
        .to_string(),
    )
    .unwrap();
    let header = |key: &str, value: Value| tenant.sign(&with(baseline_header(), key, Some(value)), &baseline_claims());
    let claim = |key: &str, value: Option<Value>| tenant.sign_claims(&with(baseline_claims(), key, value));
    let in_set = "a kid in the set: \"tenant-1\", \"sealing\", \"short\"";
    let early = "later than 2027-01-15T07:59:30Z (now minus 30 s)";
    let late = "absent, or at most 2027-01-15T08:00:30Z (now plus 30 s)";
    let table = [
        (
            header("alg", json!("HS256")),
            "alg",
            "RS256 or RS384 or RS512 or PS256 or PS384 or PS512 or ES256 or ES384 or ES512 or EdDSA",
            "\"HS256\"",
        ),
        (header("kid", json!("gone")), "kid", in_set, "\"gone\""),
        (header("kid", json!("sealing")), "key", "for EdDSA (Ed25519)", "for another use than signatures"),
        (header("kid", json!("short")), "key", "for EdDSA (Ed25519)", "an RSA key of 1024 bits, not 2048 to 8192"),
        (header("alg", json!("RS256")), "key", "for RS256 (RSA)", "for any algorithm of its type (Ed25519)"),
        (claim("iss", None), "iss", "\"https://tenant.example/\"", "absent"),
        (claim("aud", Some(json!(["a", 1]))), "aud", "\"https://api.example\", by itself or in a list", "[\"a\",1]"),
        (claim("exp", Some(json!(NOW - 90))), "exp", early, "1799999910, 2027-01-15T07:58:30Z, 1 minute ago"),
        (claim("exp", Some(json!("soon"))), "exp", early, "\"soon\""),
        (claim("nbf", Some(json!(NOW + 31))), "nbf", late, "1800000031, 2027-01-15T08:00:31Z, in 31 seconds"),
        (claim("iat", Some(json!(NOW + 31))), "iat", late, "1800000031, 2027-01-15T08:00:31Z, in 31 seconds"),
    ];
    for (token, name, expected, found) in table {
        let explanation = Explanation::of(&token, &rules(keys.clone()), NOW, &check_signature);
        let check = explanation.checks.iter().find(|check| check.name == name).unwrap();
        assert!(matches!(check.outcome, Outcome::Fail(_)), "{name}: {found}");
        assert_eq!((check.expected.as_str(), check.found.as_str()), (expected, found), "{name}");
    }
}

#[test]
fn a_shared_secret_verifies_whatever_the_token_calls_it_and_is_never_told() {
    let secret = "correct horse battery staple, and more of it";
    let sign = |header: &Value| {
        let signed = format!("{}.{}", encode(header.to_string()), encode(baseline_claims().to_string()));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        let tag = ring::hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", encode(tag))
    };
    let rules = |algorithm| {
        let keys = KeySet::of_secret(&Secret::new(secret.to_owned()));
        Rules { algorithms: Ok(vec![algorithm]), ..rules(keys) }
    };
    let table = [
        (json!({ "alg": "HS256" }), Algorithm::Hs256, "", "without a name"),
        (json!({ "alg": "HS256", "kid": "x" }), Algorithm::Hs256, "", "with one"),
        (json!({ "alg": "RS256", "kid": "x" }), Algorithm::Rs256, "key (signature)", "called RS256"),
        (json!({ "alg": "HS256", "kid": "x" }), Algorithm::Rs256, "alg", "where it is not allowed"),
    ];
    for (header, algorithm, expected, message) in table {
        let explanation = Explanation::of(&sign(&header), &rules(algorithm), NOW, &check_signature);
        assert_eq!(open_checks(&explanation), expected, "{message}");
        for check in &explanation.checks {
            let shown = format!("{} {} {:?}", check.expected, check.found, check.outcome);
            assert!(!shown.contains("horse") && !shown.contains(&encode(secret)), "{message}: {shown}");
        }
    }
}

#[test]
fn a_token_that_is_wrong_and_expired_is_not_called_expired() {
    let tenant = Tenant::new();
    let expired = with(baseline_claims(), "exp", Some(json!(1)));
    let early = with(expired.clone(), "iat", Some(json!(NOW + 99)));
    let of =
        |claims: &Value| Explanation::of(&tenant.sign_claims(claims), &rules(tenant.key_set()), NOW, &check_signature);
    assert_eq!(of(&expired).refusal().map(ToString::to_string), Some(format!("exp is 1, the time is {NOW}")));
    assert_eq!(
        of(&early).refusal().map(ToString::to_string),
        Some(format!("iat is {}, the time is {NOW}", NOW + 99)),
        "a refresh would not mend it"
    );
    assert!(matches!(of(&early).verdict(), Verdict::Refused(TokenError::Claim(_))));
}

#[test]
fn of_a_token_that_the_provider_is_asked_about_nothing_but_its_length_is_checked() {
    let tenant = Tenant::new();
    let of =
        |token: &str, asked| Explanation::of(token, &Rules { asked, ..rules(tenant.key_set()) }, NOW, &check_signature);
    let jwt = tenant.sign_claims(&baseline_claims());
    let long = "x".repeat(16 * 1024 + 1);
    let undecided = "(active) (iss) (aud) (cnf) (exp) (nbf) (iat)";
    let table = [
        ("opaque", Some(Asked::Opaque), undecided.to_owned(), "opaque"),
        (&*jwt, Some(Asked::Opaque), String::new(), "a JWT, which is verified here"),
        (&*jwt, Some(Asked::All), undecided.to_owned(), "a JWT that is not"),
        (&*long, Some(Asked::Opaque), format!("form {undecided}"), "too long to be asked about"),
    ];
    for (token, asked, expected, message) in table {
        assert_eq!(open_checks(&of(token, asked)), expected, "{message}");
    }
    assert!(matches!(of("opaque", None).verdict(), Verdict::Refused(TokenError::NotThreeParts)), "nobody is asked");
}

#[test]
fn a_signature_that_cannot_be_checked_is_neither_accepted_nor_refused() {
    let tenant = Tenant::new();
    let token = tenant.sign_claims(&baseline_claims());
    let check = |_: &_, _, _: &[u8], _: &[u8]| Signature::Unknown("this runtime lacks EdDSA".to_owned());
    let explanation = Explanation::of(&token, &rules(tenant.key_set()), NOW, &check);
    assert_eq!(explanation.verdict(), Verdict::Undecided);
    let signature = explanation.checks.iter().find(|check| check.name == "signature").unwrap();
    let reason = "it could not be checked: this runtime lacks EdDSA";
    assert_eq!(signature.outcome, Outcome::Skip(reason.to_owned()));
}
