//! What a provider answers: tokens, errors, profiles, and what it says of a token.

use bargate::oauth::{
    Grant, Outcome, ProviderResponse, Userinfo, introspection_body, is_rotated, outcome_from_json, outcome_to_json,
    parse_authorization_error, parse_introspection, parse_pushed_response, parse_token_response, parse_upstream_token,
    parse_userinfo, validate_profile, validate_renewal,
};
use bargate::problem::Problem;
use bargate::token::{Authentication, Scheme, check_introspected};
use serde_json::{Map, Value};

use super::example::{AUDIENCE, ISSUER, with_config};
use super::text::{NOW, assert_hidden, assert_value, fields, members, text};

/// How far the clocks of the example may differ.
const SKEW_SECS: i64 = 30;

/// Reads a status on the first line, a `Retry-After` on the second, and a body from there on.
fn response(text: &str) -> ProviderResponse {
    let [status, retry_after, body] = fields(text);
    let retry_after = (!retry_after.is_empty()).then(|| retry_after.to_owned());
    ProviderResponse { status: status.parse().unwrap_or(200), retry_after, body: body.to_owned() }
}

/// Asserts that what a client and the log get of a failure is well-formed, and has no token of the body.
fn assert_problem(problem: &Problem, body: &str) {
    let shown = problem.reason().unwrap_or_default();
    let answer = problem.body("request", None, None);
    for name in ["access_token", "refresh_token", "id_token", "token", "code"] {
        let secret = members(body).and_then(|members| members.get(name).and_then(Value::as_str).map(str::to_owned));
        assert_hidden(&shown, &secret.clone().unwrap_or_default());
        assert_hidden(&answer, &secret.unwrap_or_default());
    }
    assert!(shown.chars().all(|c| !c.is_control()), "a line of the log: {shown:?}");
    for (name, value) in problem.headers() {
        assert_value(&name, &value);
        assert!(name != "retry-after" || value.parse::<u32>().is_ok_and(|secs| secs <= 3_600), "{value}");
    }
    assert!((400..600).contains(&problem.status()));
    assert!(members(&answer).is_some());
}

/// Tokens are taken from a success alone; a failure costs a login only if the provider says that the grant is gone.
pub fn check_token_response(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let response = response(text);
    let read = members(&response.body).unwrap_or_default();
    for grant in [Grant::Code, Grant::Refresh] {
        match parse_token_response(grant, &response) {
            Ok(tokens) => {
                assert!(matches!(response.status, 200 | 201));
                assert_eq!(read["access_token"], tokens.access_token());
                assert!(!tokens.access_token().is_empty());
                assert!(tokens.expires_in().is_none_or(|secs| secs > 0));
                assert!(
                    tokens
                        .until(NOW)
                        .is_none_or(|until| tokens.expires_in().is_none_or(|secs| until <= NOW.saturating_add(secs)))
                );
                let again = ProviderResponse { body: tokens.to_json(None), status: 200, retry_after: None };
                let again = parse_token_response(grant, &again).expect("what is answered are tokens");
                assert_eq!(again.to_json(None), tokens.to_json(None));
                assert_eq!(again.access_token(), tokens.access_token());
                assert_eq!(again.refresh_token(), tokens.refresh_token());
                assert_eq!(members(&tokens.to_json(Some("/a"))).expect("an object")["return_to"], "/a");
            }
            Err(problem) => {
                assert_problem(&problem, &response.body);
                let is_gone = matches!(problem, Problem::RefreshTokenInvalid(_) | Problem::CodeInvalid(_));
                assert_eq!(is_gone, says_gone(&response), "{problem:?}");
            }
        }
    }
    let outcome: Outcome = Ok(response);
    let again = outcome_to_json(&outcome);
    let again = outcome_from_json(again.as_object().expect("an object")).expect("what is stored can be read");
    assert_eq!(outcome_to_json(&again), outcome_to_json(&outcome));
    assert_eq!(
        validate_renewal(&again).is_ok(),
        parse_token_response(Grant::Refresh, again.as_ref().expect("a response")).is_ok()
    );
    assert!(!is_rotated(&outcome, "sent") || read["refresh_token"] != "sent");
    check_upstream_token(&outcome, &read);
}

/// Checks whether a response refuses the grant, and says so in JSON that names nothing twice.
fn says_gone(response: &ProviderResponse) -> bool {
    let read = bargate::json::parse_object(response.body.as_bytes()).unwrap_or_default();
    let text = |name: &str| read.get(name).and_then(Value::as_str);
    let error = text("error").or_else(|| text("error_code"));
    matches!(response.status, 400 | 401 | 403) && error == Some("invalid_grant")
}

/// A token for an upstream fits into a header, and is used for a while that ends before it does.
fn check_upstream_token(outcome: &Outcome, read: &Map<String, Value>) {
    match parse_upstream_token(outcome, NOW) {
        Ok((token, secs)) => {
            assert_eq!(read["access_token"], token);
            assert!(token.bytes().all(|b| b.is_ascii_graphic()));
            assert!((1..=86_400).contains(&secs));
            assert!(
                read.get("expires_in")
                    .and_then(Value::as_i64)
                    .is_none_or(|given| given <= 0 || i64::from(secs) <= given)
            );
        }
        Err(problem) => assert_problem(&problem, &outcome.as_ref().expect("a response").body),
    }
}

/// What the provider says of a failed login, in a redirect that anybody can make up.
pub fn check_error(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [error, description] = fields(text);
    assert_problem(&parse_authorization_error(error, Some(description)), "");
    let problem = parse_authorization_error(error, None);
    assert_problem(&problem, "");
    let shown = parse_authorization_error(error, Some(description)).reason().unwrap_or_default().into_owned();
    for word in description.split_whitespace() {
        assert_hidden(&shown, word);
    }
    let response = response(text);
    match parse_pushed_response(&response) {
        Ok(query) => {
            let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            assert_eq!(pairs.len(), 1);
            let uri = members(&response.body).expect("an object")["request_uri"].clone();
            assert_eq!((pairs[0].0.as_str(), Value::from(pairs[0].1.as_str())), ("request_uri", uri));
        }
        Err(problem) => assert_problem(&problem, &response.body),
    }
}

/// A profile is an object of JSON, or a token; one that is taken says whose it is, and is of the user who asks.
pub fn check_userinfo(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let response = response(text);
    for of_session in [false, true] {
        match parse_userinfo(&response, of_session) {
            Ok(Userinfo::Claims(claims)) => {
                assert_eq!(members(&response.body), Some(claims.clone()));
                let Ok(profile) = validate_profile(claims.clone(), Some("user"), None) else { continue };
                assert_eq!(profile, claims);
                assert_eq!(claims["sub"], "user");
            }
            Ok(Userinfo::Signed(token)) => {
                assert_eq!(token.matches('.').count(), 2);
                assert!(token.bytes().all(|b| b.is_ascii_graphic()) && response.body.trim() == token);
            }
            Err(problem) => {
                assert_problem(&problem, &response.body);
                assert!(!of_session || problem.status() != 401, "a session is as good as before");
            }
        }
    }
}

/// A token that its issuer knows is one for us, valid, and of a type that anybody who has it may use.
pub fn check_introspection(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let outcome: Outcome = Ok(response(text));
    let body = match introspection_body(&outcome) {
        Ok(body) => body,
        Err(problem) => {
            assert_problem(&problem, &outcome.as_ref().expect("a response").body);
            return;
        }
    };
    let active = members(body).and_then(|members| members.get("active").cloned());
    let answer = match parse_introspection(bargate::json::parse_object(body.as_bytes())) {
        Ok(Some(answer)) => answer,
        Ok(None) => return assert_eq!(active, Some(Value::Bool(false))),
        Err(problem) => return assert_problem(&problem, body),
    };
    assert_eq!(active, Some(Value::Bool(true)));
    for without_type in [false, true] {
        let verified = with_config(|config| {
            check_introspected(&answer, &config.authorizers[0], Scheme::Bearer, without_type, NOW)
        });
        let Ok(claims) = verified else { continue };
        assert_eq!(claims.text("iss"), Some(ISSUER));
        let said =
            |name: &str| answer.get(name).filter(|value| !value.is_null() && **value != Value::Array(Vec::new()));
        let names_audience = |value: &Value| *value == AUDIENCE;
        let audience = said("aud").or_else(|| said("client_id")).expect("an audience");
        assert!(names_audience(audience) || audience.as_array().expect("a list").iter().any(names_audience));
        assert!(said("exp").is_none_or(|at| at.as_f64().expect("a number") > (NOW - SKEW_SECS) as f64));
        assert!(said("cnf").is_none());
        let kind = said("token_type").and_then(Value::as_str);
        assert!(kind.map_or(without_type, |kind| kind.eq_ignore_ascii_case("bearer")));
        let _ = Authentication::of(&claims);
    }
}
