//! The gateway's own tokens for upstreams: the request for one (RFC 6749 section 4.4, RFC 8693 section 2.1), and what came of it.

use super::Form;
use super::provider_response::{Grant, Outcome, read_tokens, refused};
use crate::config::UpstreamToken;
use crate::encoding::FormText;
use crate::problem::Problem;
use crate::token::TOKEN_MAX_BYTES;

/// The status of a token that another isolate stored, as it is for an answer that came from a copy (RFC 9110 section 15.3.4).
pub const STORED: u16 = 203;

/// A token is not used in its last minute: it must still be valid for an upstream that checks it a moment later.
const RENEW_BEFORE_SECS: i64 = 60;

/// A token that lives for less than four of these is used for three quarters of its life.
const RENEW_BEFORE_PART: i64 = 4;

/// How long a token is used if nothing says when it expires.
const LIFETIME_DEFAULT_SECS: i64 = 300;

/// The longest that a token is used, whatever the provider says.
const LIFETIME_MAX_SECS: i64 = 24 * 60 * 60;

/// Returns the form that requests a token; with a caller's token, that is exchanged for one.
pub fn upstream_token_form(token: &UpstreamToken, subject: Option<&str>) -> Form {
    let mut form = FormText::of(token.form.clone());
    if let Some(subject) = subject {
        form.append_pair("subject_token", subject);
    }
    Form::new(&token.client, None, form)
}

/// Returns the token that came at `now` (seconds since 1970), and for how many seconds it is used.
///
/// # Errors
/// That the provider failed or refuses the gateway; never that the client's own credential is wrong, which knows nothing of this token.
pub fn parse_upstream_token(outcome: &Outcome, now: i64) -> Result<(String, u32), Problem> {
    let response = outcome.as_ref().map_err(|error| Problem::from(error.clone()))?;
    let tokens = match response.status {
        // An empty ID token means nothing here, as in the answer to a refresh.
        200 | 201 | STORED => read_tokens(Grant::Refresh, &response.body)?,
        _ => return Err(refused(response, "the token endpoint did not answer with a token")),
    };
    let token = tokens.access_token();
    let left =
        tokens.until(now).map_or(LIFETIME_DEFAULT_SECS, |until| until.saturating_sub(now)).min(LIFETIME_MAX_SECS);
    let is_usable = tokens.is_access_token()
        && left > 0
        && token.len() <= TOKEN_MAX_BYTES
        // It has to fit into a header.
        && token.bytes().all(|b| b.is_ascii_graphic());
    if !is_usable {
        return Err(Problem::IdpError(
            "the token is of another type, too large, malformed or expired",
            Some(response.status),
        ));
    }
    let secs = left - RENEW_BEFORE_SECS.min(left / RENEW_BEFORE_PART);
    Ok((token.to_owned(), u32::try_from(secs).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::config::{AuthMethod, Client, UpstreamGrant};
    use crate::oauth::{ProviderResponse, TransportError};
    use crate::secret::Secret;

    const NOW: i64 = 1_000_000;

    fn answer(status: u16, body: &str) -> Outcome {
        Ok(ProviderResponse { status, retry_after: Some("7".into()), body: body.into() })
    }

    #[test]
    fn a_form_asks_for_what_the_config_names_and_nothing_else() {
        let secret = Some(Secret::new("s e".to_owned()));
        let client = Client { id: "own".to_owned(), secret, auth_method: None, raw_secret: false, private_key: None };
        let url = "https://idp.example/token".to_owned();
        let form = "grant_type=g&scope=r+w".to_owned();
        let grant = UpstreamGrant::TokenExchange;
        let mut token = UpstreamToken { grant, client, endpoint: url.clone(), issuer: url, form };
        let form = upstream_token_form(&token, Some("a.b&c"));
        assert_eq!(form.body, "grant_type=g&scope=r+w&subject_token=a.b%26c&client_id=own");
        assert!(form.authorization.is_some_and(|header| header.starts_with("Basic ")), "as registered by default");
        token.client.auth_method = Some(AuthMethod::Post);
        let form = upstream_token_form(&token, None);
        let expected = "grant_type=g&scope=r+w&client_id=own&client_secret=s+e";
        assert_eq!((form.body.as_str(), form.authorization), (expected, None));
    }

    #[test]
    fn a_token_is_used_until_shortly_before_it_expires() {
        let jwt = |exp: i64| {
            let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp}}}"#));
            format!("{}.{payload}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#))
        };
        let with = |token: &str, rest: &str| format!(r#"{{"access_token":"{token}"{rest}}}"#);
        let table = [
            (with("opaque", r#","expires_in":3600"#), Ok(3540), "less a minute"),
            (with("opaque", r#","expires_in":80"#), Ok(60), "less a quarter, if that is shorter"),
            (with("opaque", r#","expires_in":1"#), Ok(1), "the shortest"),
            (with("opaque", ""), Ok(240), "nothing says when it expires"),
            (with("opaque", r#","expires_in":null"#), Ok(240), "null"),
            (with("opaque", r#","expires_in":0"#), Ok(240), "nothing that could be"),
            (with("opaque", r#","expires_in":-1"#), Ok(240), "a time that has passed"),
            (with("opaque", r#","expires_in":"3600""#), Ok(240), "a text"),
            (with("opaque", r#","expires_in":1.5"#), Ok(240), "a fraction"),
            (with("opaque", r#","expires_in":9223372036854775807"#), Ok(86_340), "longer than anything lives"),
            (with("opaque", r#","expires_in":1e300"#), Ok(240), "a number that is none of seconds"),
            (with(&jwt(NOW + 600), ""), Ok(540), "its own claim"),
            (with(&jwt(NOW + 600), r#","expires_in":3600"#), Ok(540), "the earlier of both"),
            (with(&jwt(NOW + 3600), r#","expires_in":600"#), Ok(540), "the earlier of both, the other way round"),
            (with(&jwt(NOW), r#","expires_in":600"#), Err("idp_error"), "one that has expired"),
            (with(&jwt(-1), ""), Err("idp_error"), "one from before time"),
        ];
        for (body, expected, message) in table {
            for status in [200, 201, STORED] {
                let parsed = parse_upstream_token(&answer(status, &body), NOW);
                assert_eq!(parsed.map(|(_, secs)| secs).map_err(|problem| problem.code()), expected, "{message}");
            }
        }
    }

    #[test]
    fn what_keeps_the_provider_from_a_token_is_never_the_clients_fault() {
        let (refused, failed) = ((502, "idp_rejected", None), (502, "idp_error", None));
        // The answer, what the client gets (status, code, Retry-After), and what is tested.
        type Row = (Outcome, (u16, &'static str, Option<&'static str>), &'static str);
        let of_type = |name: &str, value: &str| answer(200, &format!(r#"{{"access_token":"a","{name}":{value}}}"#));
        let table: [Row; 32] = [
            (answer(400, r#"{"error":"invalid_client"}"#), refused, "the client is refused"),
            (answer(401, r#"{"error":"invalid_client"}"#), refused, "the same by 401"),
            (answer(403, r#"{"error":"unauthorized_client"}"#), refused, "a grant that the client may not use"),
            (answer(400, r#"{"error":"invalid_grant"}"#), refused, "a caller's token that it does not take"),
            (answer(400, r#"{"error":"invalid_target"}"#), refused, "an audience that it does not know"),
            (answer(400, r#"{"error":"interaction_required"}"#), refused, "a user, who is not there"),
            (answer(400, r#"{"error":7}"#), refused, "an error that is not a text"),
            (answer(404, ""), refused, "no such endpoint"),
            (answer(429, ""), (429, "idp_rate_limited", Some("7")), "too many calls"),
            (answer(500, r#"{"error":"invalid_client"}"#), failed, "a failure, whatever it says"),
            (answer(503, ""), failed, "a failure that says until when"),
            (answer(302, ""), failed, "a redirect, which is not followed"),
            (answer(204, ""), failed, "nothing"),
            (answer(200, ""), failed, "an empty body"),
            (answer(200, "[]"), failed, "no object"),
            (answer(200, r#"{"access_token":""}"#), failed, "an empty token"),
            (answer(200, r#"{"access_token":7}"#), failed, "a number"),
            (answer(200, r#"{"access_token":"a","access_token":"b"}"#), failed, "two tokens"),
            (of_type("token_type", r#""DPoP""#), failed, "a token that is bound to a key"),
            (of_type("token_type", r#""N_A""#), failed, "not an access token (RFC 8693 section 2.2.1)"),
            (of_type("token_type", "[]"), failed, "a type that is not a text"),
            (of_type("issued_token_type", r#""urn:ietf:params:oauth:token-type:id_token""#), failed, "an ID token"),
            (of_type("issued_token_type", r#""urn:ietf:params:oauth:token-type:refresh_token""#), failed, "another"),
            (of_type("issued_token_type", "7"), failed, "an issued type that is not a text"),
            (answer(200, r#"{"access_token":"a\r\nx: y"}"#), failed, "a token that would split the header"),
            (answer(200, r#"{"access_token":"a b"}"#), failed, "a token with a space"),
            (answer(200, r#"{"access_token":"é"}"#), failed, "a token with other characters"),
            (answer(200, &format!(r#"{{"access_token":"{}"}}"#, "a".repeat(16_385))), failed, "a huge token"),
            (answer(STORED, "{}"), failed, "a stored one that is none"),
            (Err(TransportError::TooLarge), failed, "a huge answer"),
            (Err(TransportError::Timeout), (504, "idp_timeout", Some("5")), "too slow"),
            (Err(TransportError::Unreachable("x".into())), (503, "idp_unavailable", Some("5")), "away"),
        ];
        for (outcome, expected, message) in &table {
            let problem = parse_upstream_token(outcome, NOW).map(|_| ()).unwrap_err();
            let headers = problem.headers();
            let retry_after = headers.iter().find(|(name, _)| name == "retry-after").map(|(_, value)| &**value);
            assert_eq!((problem.status(), problem.code(), retry_after), *expected, "{message}");
            assert_eq!(problem.challenge(None, crate::token::Scheme::Bearer, None), None, "{message}: no challenge");
        }
        let access = r#""urn:ietf:params:oauth:token-type:access_token""#;
        for (name, kind) in [("issued_token_type", access), ("token_type", r#""bearer""#), ("token_type", "null")] {
            assert!(parse_upstream_token(&of_type(name, kind), NOW).is_ok(), "{kind}");
        }
    }
}
