//! Why tokens are not parsed by jwt-compact, whose rules for times are used: what it refuses of tokens that are in use, and what it
//! takes of those that must be refused.

use jwt_compact::UntrustedToken;
use serde_json::{Map, Value, json};

use crate::host_verifier::{NOW, Tenant, baseline_claims, baseline_header, verify, with};

/// Checks whether jwt-compact can read header and claims of a token.
fn is_read_by_jwt_compact(token: &str) -> bool {
    let token = UntrustedToken::<Map<String, Value>>::try_from(token);
    token.is_ok_and(|token| token.deserialize_claims_unchecked::<Map<String, Value>>().is_ok())
}

/// Puts a member before the others of an object, whether or not they have one of its name.
fn with_twice(object: &Value, member: &str) -> String {
    object.to_string().replacen('{', &format!("{{{member},"), 1)
}

#[test]
fn jwt_compact_takes_other_tokens_than_the_gateway() {
    const HEXADECIMAL: &str = "3ADAAF3D6B3E5B1D5F0A6A9C7D8E9F00112233CC";
    let header = |name: &str, value: Value| (with(baseline_header(), name, Some(value)).to_string(), String::new());
    let claim = |name: &str, value: Value| (String::new(), with(baseline_claims(), name, Some(value)).to_string());
    let table = [
        (header("x5t", json!("OtqvPWs+Wx1fCmqcfY6fABEiM8w")), (true, false), "a thumbprint in plain base64"),
        (header("x5t", json!(HEXADECIMAL)), (true, false), "a thumbprint in hexadecimal"),
        (header("x5t#S256", json!("")), (true, false), "an empty thumbprint"),
        (header("jku", json!({})), (true, false), "an address that is no text, and that nobody asks"),
        (claim("exp", json!(10_000_000_000_000_i64)), (true, false), "an expiry past the calendar"),
        (header("kid", Value::Null), (false, true), "a key without a name"),
        (header("typ", Value::Null), (false, true), "a kind that is none"),
        (header("crit", json!(["exp"])), (false, true), "an extension that must be understood"),
        (header("cty", json!("JSON")), (false, true), "a payload that is not said to be claims"),
        ((with_twice(&baseline_header(), r#""x":1,"x":2"#), String::new()), (false, true), "a parameter twice"),
        ((String::new(), with_twice(&baseline_claims(), r#""sub":"x""#)), (false, true), "a claim twice"),
        (claim("exp", json!(NOW + 60)), (true, true), "what both take"),
    ];
    let tenant = Tenant::new();
    for ((header, claims), expected, message) in table {
        let header = if header.is_empty() { baseline_header().to_string() } else { header };
        let claims = if claims.is_empty() { baseline_claims().to_string() } else { claims };
        let token = tenant.sign_text(&header, &claims);
        let taken = (verify(&token, &tenant.key_set()).is_ok(), is_read_by_jwt_compact(&token));
        assert_eq!(taken, expected, "{message}: {header} {claims}");
    }
}
