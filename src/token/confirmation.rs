//! What a token is bound to (RFC 7800): the key of its `cnf`.

use serde_json::{Map, Value};

use super::error::ClaimError;
use crate::encoding::base64url_bytes;
use crate::json;

/// SHA-256 in base64url.
const DIGEST_CHARS: usize = 43;

/// Returns the thumbprint of the only key that a token is bound to (RFC 9449 section 6.1). What binds it in another way as well
/// could not be checked.
///
/// # Errors
/// That it is not bound, or in another way.
pub fn bound_key(claims: &Map<String, Value>) -> Result<&str, ClaimError> {
    let confirmation = claims.get("cnf").ok_or(ClaimError::Missing { claim: "cnf" })?;
    let members = confirmation.as_object().filter(|members| members.len() == 1);
    let thumbprint = members.and_then(|members| json::text(members, "jkt"));
    let is_digest = |text: &&str| text.len() == DIGEST_CHARS && base64url_bytes(text).is_some();
    thumbprint.filter(is_digest).ok_or(ClaimError::OtherBinding)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    #[test]
    fn a_token_is_bound_by_one_thumbprint_alone() {
        let other = Err(ClaimError::OtherBinding);
        let table = [
            (json!({"cnf": {"jkt": THUMBPRINT}}), Ok(THUMBPRINT), "a thumbprint"),
            (json!({}), Err(ClaimError::Missing { claim: "cnf" }), "no cnf"),
            (json!({"cnf": null}), other.clone(), "null"),
            (json!({"cnf": THUMBPRINT}), other.clone(), "a text"),
            (json!({"cnf": {}}), other.clone(), "nothing in it"),
            (json!({"cnf": {"jkt": THUMBPRINT, "x5t#S256": THUMBPRINT}}), other.clone(), "a certificate besides"),
            (json!({"cnf": {"x5t#S256": THUMBPRINT}}), other.clone(), "a certificate"),
            (json!({"cnf": {"jwk": {"kty": "EC"}}}), other.clone(), "a key itself"),
            (json!({"cnf": {"jkt": [THUMBPRINT]}}), other.clone(), "a list"),
            (json!({"cnf": {"jkt": ""}}), other.clone(), "an empty one"),
            (json!({"cnf": {"jkt": &THUMBPRINT[1..]}}), other.clone(), "a short one"),
            (json!({"cnf": {"jkt": format!("{}=", &THUMBPRINT[1..])}}), other.clone(), "padding"),
            (json!({"cnf": {"jkt": THUMBPRINT.replace('I', "J")}}), other, "stray bits"),
        ];
        for (claims, expected, message) in table {
            let Value::Object(claims) = claims else { unreachable!() };
            assert_eq!(bound_key(&claims), expected, "{message}");
        }
    }
}
