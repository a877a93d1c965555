//! Introspection (RFC 7662): the question about an access token, and what the answer, signed or not (RFC 9701), means to a client.

use serde_json::{Map, Value};

use super::provider_response::{Outcome, provider_error};
use super::{Form, userinfo_expectations};
use crate::algorithm::Algorithm;
use crate::config::{Endpoints, Introspection, Provider};
use crate::problem::{Problem, RetryAfter};
use crate::token::{Expectations, Kind, TokenError, VerifiedClaims};

/// Returns the form that asks about an access token (section 2.1).
pub fn introspection_form(
    provider: &Provider,
    endpoints: &Endpoints,
    introspection: &Introspection,
    token: &str,
) -> Form {
    let fields = [("token", token), ("token_type_hint", "access_token")];
    let signed_answer = introspection.signed_by.is_some();
    Form { signed_answer, ..Form::for_introspection(provider, endpoints, &fields) }
}

/// Returns the body of the answer about a token.
///
/// # Errors
/// What a client is told if nobody can say: that is never the token's fault.
pub fn introspection_body(outcome: &Outcome) -> Result<&str, Problem> {
    let response = outcome.as_ref().map_err(|error| unavailable(&error.to_string()))?;
    match response.status {
        200 => Ok(response.body.trim()),
        429 => Err(Problem::IdpRateLimited(RetryAfter::parse(response.retry_after.as_deref()))),
        400..=499 => {
            let mut error = provider_error(response);
            error.description += " (introspection; see token_endpoint_auth_method and client_secret)";
            Err(Problem::IdpRejected(error))
        }
        status => Err(unavailable(&["status ", &status.to_string()].concat())),
    }
}

/// Returns the rules for a signed answer, which are those for a profile but for its algorithm (RFC 9701 section 5).
pub fn introspection_expectations<'e>(provider: &'e Provider, algorithm: &'e Algorithm) -> Expectations<'e> {
    let (algorithms, kind) = (std::slice::from_ref(algorithm), Kind::Introspection);
    Expectations { algorithms, kind, ..userinfo_expectations(provider) }
}

/// Returns what a signed answer says (RFC 9701 section 5).
pub fn signed_introspection(answer: &VerifiedClaims) -> Option<Map<String, Value>> {
    answer.get("token_introspection").and_then(Value::as_object).cloned()
}

/// Returns the problem that an answer is not signed as it has to be.
pub fn unsigned_introspection(error: &TokenError) -> Problem {
    unavailable(&["the answer is not what introspection_signed_response_alg asks for: ", &error.to_string()].concat())
}

/// Returns what is said of a token (section 2.2); `None` if the token is not active.
///
/// # Errors
/// The same if the answer does not say.
pub fn parse_introspection(members: Option<Map<String, Value>>) -> Result<Option<Map<String, Value>>, Problem> {
    match members.as_ref().and_then(|members| members.get("active")) {
        Some(Value::Bool(true)) => Ok(members),
        Some(Value::Bool(false)) => Ok(None),
        _ => Err(unavailable("the answer is malformed")),
    }
}

fn unavailable(reason: &str) -> Problem {
    Problem::IdpUnavailable(["introspection: ", reason].concat())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Asked;
    use crate::encoding::base64url;
    use crate::json;
    use crate::oauth::login::tests::provider;
    use crate::oauth::{ProviderResponse, TransportError};

    fn parsed(outcome: &Outcome) -> Result<Option<Map<String, Value>>, Problem> {
        parse_introspection(json::parse_object(introspection_body(outcome)?.as_bytes()))
    }

    #[test]
    fn what_nobody_can_say_is_never_the_fault_of_the_token() {
        let answer =
            |status, body: &str| Ok(ProviderResponse { status, retry_after: Some("7".into()), body: body.into() });
        let table: [(Outcome, (u16, &str), &str); 18] = [
            (answer(200, ""), (503, "idp_unavailable"), "nothing"),
            (answer(200, "<html>"), (503, "idp_unavailable"), "no JSON"),
            (answer(200, "[]"), (503, "idp_unavailable"), "no object"),
            (answer(200, "{}"), (503, "idp_unavailable"), "nothing about the token"),
            (answer(200, r#"{"active":"true"}"#), (503, "idp_unavailable"), "a text"),
            (answer(200, r#"{"active":1}"#), (503, "idp_unavailable"), "a number"),
            (answer(200, r#"{"active":null}"#), (503, "idp_unavailable"), "null"),
            (answer(200, r#"{"active":false,"active":true}"#), (503, "idp_unavailable"), "both"),
            (answer(302, ""), (503, "idp_unavailable"), "a redirect"),
            (answer(204, ""), (503, "idp_unavailable"), "no content"),
            (answer(500, r#"{"active":false}"#), (503, "idp_unavailable"), "a failure, whatever it says"),
            (answer(401, r#"{"error":"invalid_client"}"#), (502, "idp_rejected"), "the gateway itself is refused"),
            (answer(400, r#"{"error":"invalid_grant"}"#), (502, "idp_rejected"), "an error of another endpoint"),
            (answer(404, ""), (502, "idp_rejected"), "no such endpoint"),
            (answer(429, ""), (429, "idp_rate_limited"), "too many calls"),
            (Err(TransportError::Timeout), (503, "idp_unavailable"), "too slow"),
            (Err(TransportError::TooLarge), (503, "idp_unavailable"), "too large"),
            (Err(TransportError::Unreachable("x".into())), (503, "idp_unavailable"), "away"),
        ];
        let reason = |error| parsed(&Err(error)).unwrap_err().reason().unwrap().into_owned();
        for (error, expected) in [
            (TransportError::Timeout, "took too long"),
            (TransportError::TooLarge, "larger than what is read"),
            (TransportError::Unreachable("refused".into()), "refused"),
        ] {
            assert!(reason(error).contains(expected), "the log says why: {expected}");
        }
        for (outcome, expected, message) in table {
            let problem = parsed(&outcome).unwrap_err();
            assert_eq!((problem.status(), problem.code()), expected, "{message}");
            let waits = problem.headers().iter().any(|(name, _)| name == "retry-after");
            assert_eq!(waits, problem.status() != 502, "{message}");
        }
    }

    #[test]
    fn a_token_is_active_or_not() {
        let answer = |body: &str| Ok(ProviderResponse { status: 200, retry_after: None, body: body.into() });
        assert_eq!(parsed(&answer(r#"{"active":false,"sub":"u"}"#)).unwrap(), None);
        let members = parsed(&answer(r#"{"active":true,"sub":"u"}"#)).unwrap().unwrap();
        assert_eq!(json::text(&members, "sub"), Some("u"));
    }

    #[test]
    fn the_provider_is_asked_as_the_client_and_for_the_answer_that_the_config_wants() {
        let endpoints = Endpoints::of_auth0("https://idp.example");
        for (signed_by, signed_answer) in [(None, false), (Some(Algorithm::Es256), true)] {
            let introspection =
                Introspection { asked: Asked::All, endpoint: None, without_token_type: false, signed_by };
            let form = introspection_form(&provider(&[]), &endpoints, &introspection, "a+b");
            assert_eq!(form.body, "token=a%2Bb&token_type_hint=access_token&client_id=client", "{signed_by:?}");
            assert_eq!(form.signed_answer, signed_answer, "{signed_by:?}");
        }
    }

    #[test]
    fn a_signed_answer_is_one_of_its_kind_for_this_client_by_the_algorithm_of_the_config() {
        let provider = provider(&[]);
        let rules = introspection_expectations(&provider, &Algorithm::Es256);
        assert_eq!((rules.algorithms, rules.kind), (&[Algorithm::Es256][..], Kind::Introspection));
        assert_eq!((rules.issuer, rules.audience), ("https://idp.example/", "client"));
        let answer = |said: serde_json::Value| {
            let claims =
                json!({"iss": rules.issuer, "aud": rules.audience, "iat": 1, "exp": 9, "token_introspection": said});
            let token = ["h.", &base64url(claims.to_string().as_bytes()), ".s"].concat();
            signed_introspection(&VerifiedClaims::of_session(&token, &rules, 9, 1).unwrap())
        };
        let said = json!({"active": true, "sub": "u"});
        assert_eq!(answer(said.clone()).map(Value::Object), Some(said), "what it says of the token");
        assert_eq!(answer(json!("active")), None, "no object");
    }
}
