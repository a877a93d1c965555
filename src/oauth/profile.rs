//! The profile of a user: what the userinfo endpoint says (OpenID Connect Core section 5.3), what an ID token says, or both.

use serde_json::{Map, Value};

use super::provider_response::{ProviderResponse, provider_error};
use crate::config::Provider;
use crate::json;
use crate::problem::{Problem, RetryAfter};
use crate::token::{Expectations, Expiry, Kind, claimed};

/// Claims of an ID token that are of the token and of the login, and not of the user: no page learns them from userinfo either.
const OF_THE_TOKEN: [&str; 12] =
    ["iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "sid", "at_hash", "c_hash", "s_hash"];

/// What the userinfo endpoint answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Userinfo<'r> {
    /// The claims.
    Claims(Map<String, Value>),
    /// The same in a signed token, which is to be verified.
    Signed(&'r str),
}

/// Parses a response of the userinfo endpoint to an access token, which may be that of a session.
///
/// # Errors
/// What a client is told. If the token is its own, it is told that the provider refuses it; a session is as good as before.
pub fn parse_userinfo(response: &ProviderResponse, of_session: bool) -> Result<Userinfo<'_>, Problem> {
    match response.status {
        200 => {
            if let Some(claims) = json::parse_object(response.body.as_bytes()) {
                return Ok(Userinfo::Claims(claims));
            }
            let token = response.body.trim();
            let is_compact = token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
            match token.bytes().filter(|b| *b == b'.').count() {
                2 if is_compact => Ok(Userinfo::Signed(token)),
                4 if is_compact => {
                    Err(Problem::IdpError("the profile is encrypted, and the gateway decrypts none", Some(200)))
                }
                _ => Err(malformed()),
            }
        }
        401 | 403 if of_session => Err(Problem::ProfileUnavailable(provider_error(response))),
        401 | 403 => Err(Problem::AccessTokenRejected),
        429 => Err(Problem::IdpRateLimited(RetryAfter::parse(response.retry_after.as_deref()))),
        400..=499 => Err(Problem::IdpRejected(provider_error(response))),
        status => Err(Problem::IdpError("the userinfo endpoint did not answer with a profile", Some(status))),
    }
}

/// Returns the rules for a signed profile (section 5.3.2), which need not expire.
pub fn userinfo_expectations(provider: &Provider) -> Expectations<'_> {
    let (audience, kind, expiry) = (provider.client.id.as_str(), Kind::Userinfo, Expiry::Optional);
    Expectations { audience, kind, expiry, ..Expectations::of_access_tokens(&provider.authorizer) }
}

/// Returns the profile of `subject`, if that is known, with what the ID token says besides.
///
/// # Errors
/// [`Problem::IdpError`] if the profile does not say whose it is, or is another user's: a token may have been put in the place of
/// another (section 5.3.2).
pub fn validate_profile(
    mut profile: Map<String, Value>,
    subject: Option<&str>,
    id_profile: Option<Map<String, Value>>,
) -> Result<Map<String, Value>, Problem> {
    let whose = json::text(&profile, "sub").filter(|whose| !whose.is_empty()).ok_or_else(malformed)?;
    let other = id_profile.as_ref().and_then(|profile| json::text(profile, "sub"));
    if subject.is_some_and(|subject| subject != whose) || other.is_some_and(|other| other != whose) {
        return Err(Problem::IdpError("the profile is another user's", Some(200)));
    }
    for (name, value) in id_profile.unwrap_or_default() {
        if !profile.contains_key(&name) {
            profile.insert(name, value);
        }
    }
    Ok(profile)
}

/// Returns what an ID token, verified before, says of its user.
pub fn id_token_profile(id_token: &str) -> Option<Map<String, Value>> {
    let mut profile = Map::new();
    for (name, value) in claimed(id_token)? {
        if !OF_THE_TOKEN.contains(&&*name) {
            profile.insert(name, value);
        }
    }
    Some(profile)
}

fn malformed() -> Problem {
    Problem::IdpError("the profile is malformed, or says not whose it is", Some(200))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;
    use crate::oauth::login::tests::provider;

    fn answer(status: u16, body: &str) -> ProviderResponse {
        ProviderResponse { status, retry_after: Some("7".into()), body: body.into() }
    }

    fn members(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn each_answer_of_the_userinfo_endpoint_means_what_the_contract_says() {
        let table = [
            (200, "[]", "idp_error", "idp_error", "not an object"),
            (200, "", "idp_error", "idp_error", "nothing"),
            (200, r#"{"a":"h.p.s","a":1}"#, "idp_error", "idp_error", "a key twice"),
            (200, "<a.b.c>", "idp_error", "idp_error", "a page"),
            (200, "a.b", "idp_error", "idp_error", "half a token"),
            (200, "a.b.c.d.e", "idp_error", "idp_error", "an encrypted one"),
            (401, "", "token_invalid", "profile_unavailable", "a token that it refuses"),
            (403, r#"{"error":"insufficient_scope"}"#, "token_invalid", "profile_unavailable", "the same"),
            (429, "", "idp_rate_limited", "idp_rate_limited", "too many calls"),
            (400, "", "idp_rejected", "idp_rejected", "a request that it refuses"),
            (500, "", "idp_error", "idp_error", "a failure"),
            (302, "", "idp_error", "idp_error", "a redirect"),
        ];
        for (status, body, of_client, of_session, message) in table {
            let code = |is_session| parse_userinfo(&answer(status, body), is_session).unwrap_err().code();
            assert_eq!((code(false), code(true)), (of_client, of_session), "{message}");
        }
        let reason = |body| parse_userinfo(&answer(200, body), true).unwrap_err().reason().unwrap().into_owned();
        assert!(reason("a.b.c.d.e").contains("encrypted"), "by name");
        assert!(!reason("<a.b.c.d.e>").contains("encrypted"), "a page is no token, however many dots it has");
        let claims = Userinfo::Claims(members(json!({"sub": "a"})));
        assert_eq!(parse_userinfo(&answer(200, r#"{"sub":"a"}"#), true).unwrap(), claims);
        assert_eq!(parse_userinfo(&answer(200, "h.p-_.s\n"), true).unwrap(), Userinfo::Signed("h.p-_.s"));
    }

    #[test]
    fn a_profile_is_of_the_user_who_is_known_and_an_id_token_only_adds_to_it() {
        let told = json!({"sub": "a", "name": "Alice", "email": "new@example.com"});
        let of_id_token = json!({"sub": "a", "email": "old@example.com", "groups": ["x"]});
        let both = json!({"sub": "a", "name": "Alice", "email": "new@example.com", "groups": ["x"]});
        let table = [
            (json!({}), None, None, None, "nobody's"),
            (json!({"sub": ""}), None, None, None, "that of an empty name"),
            (json!({"sub": 1}), None, None, None, "that of a number"),
            (told.clone(), Some("b"), None, None, "another's than the session's"),
            (told.clone(), None, Some(json!({"sub": "b"})), None, "another's than the ID token's"),
            (told.clone(), None, None, Some(told.clone()), "of anybody"),
            (told.clone(), Some("a"), None, Some(told.clone()), "of the session's user"),
            (told, Some("a"), Some(of_id_token), Some(both), "with what only the ID token says"),
        ];
        for (profile, subject, id_profile, expected, message) in table {
            let given = validate_profile(members(profile), subject, id_profile.map(members));
            assert_eq!(given.ok(), expected.map(members), "{message}");
        }
    }

    #[test]
    fn an_id_token_says_of_its_user_what_is_not_of_the_token_itself() {
        let mut claims = members(json!({"sub": "a", "name": "Alice", "tid": "t", "auth_time": 1}));
        let expected = claims.clone();
        for name in OF_THE_TOKEN {
            claims.insert(name.to_owned(), "x".into());
        }
        let token = ["h.", &URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string()), ".s"].concat();
        assert_eq!(id_token_profile(&token), Some(expected));
        assert_eq!(id_token_profile("opaque"), None);
    }

    #[test]
    fn a_signed_profile_is_for_this_client_and_may_lack_an_expiry() {
        let mut provider = provider(&[]);
        Rc::get_mut(&mut provider.authorizer).unwrap().audience = "https://api.example".to_owned();
        let rules = userinfo_expectations(&provider);
        assert_eq!((rules.audience, rules.issuer), ("client", "https://idp.example/"));
        assert_eq!((rules.kind, rules.expiry), (Kind::Userinfo, Expiry::Optional));
    }
}
