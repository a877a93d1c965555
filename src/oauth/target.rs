//! Whether an access token is the one that was requested for an upstream.
//!
//! Auth0 answers a request for an audience that the client has no policy for with a token for that of the login, and says nothing. An
//! opaque token cannot be checked: its upstream has to refuse it.

use super::TokenResponse;
use crate::config::TokenTarget;
use crate::problem::{Problem, ProviderError};
use crate::token::{TOKEN_MAX_BYTES, check_audience, claimed, lists};

/// Why there is no token for an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The reason for the log.
    pub reason: String,
    /// The scopes that were requested and not given, separated by spaces; empty if it is not for their lack.
    pub missing: String,
}

impl Unfit {
    /// Returns that of a target whose setting has to be looked at, for a reason that the log shows.
    fn of(target: &TokenTarget<'_>, reason: &str, missing: String) -> Self {
        let setting = if missing.is_empty() { target.parameter } else { "scope" };
        let advice = "\" of the server, the path or its apis, and what the provider lets this client request, at Auth0 \
                      by its refresh_token.policies)";
        Self { reason: [reason, " (see \"", setting, advice].concat(), missing }
    }

    /// Returns that of a target whose request the provider refused.
    pub fn refused(target: &TokenTarget<'_>, error: &ProviderError) -> Self {
        Self::of(target, &error.to_string(), String::new())
    }
}

impl From<Unfit> for Problem {
    fn from(Unfit { reason, missing }: Unfit) -> Self {
        if missing.is_empty() { Self::TokenUnavailable(reason) } else { Self::ScopeNotGiven(missing) }
    }
}

/// Returns why the provider gives no token for a target, if it is the target that it refuses.
pub fn refusal(target: &str, problem: &Problem) -> Option<Unfit> {
    match problem {
        // Anything else may be of a firewall, or of the client, and may be gone the next time.
        Problem::IdpRejected(error)
            if !matches!(&*error.error, "invalid_target" | "invalid_scope" | "unauthorized_client") =>
        {
            None
        }
        Problem::IdpRejected(error) | Problem::LoginDenied(error) | Problem::InteractionRequired(error) => {
            TokenTarget::parse(target).map(|target| Unfit::refused(&target, error))
        }
        _ => None,
    }
}

/// Returns why a token response is not what was requested, if so.
pub fn unfit(target: &TokenTarget<'_>, answer: &TokenResponse) -> Option<Unfit> {
    let token = answer.access_token();
    if token.len() > TOKEN_MAX_BYTES {
        return Some(Unfit::of(target, "the token is larger than what is kept", String::new()));
    }
    let claims = claimed(token);
    if let Some(error) = claims.as_ref().and_then(|claims| check_audience(claims, target.audience, true).err()) {
        return Some(Unfit::of(target, &error.to_string(), String::new()));
    }
    // Without a word about the scope, it is the one that was requested (RFC 6749 section 5.1).
    let given = answer.scope().or_else(|| {
        let claims = claims.as_ref()?;
        claims.get("scope").or_else(|| claims.get("scp"))
    })?;
    let missing = target.scope.split(' ').filter(|scope| !scope.is_empty() && !lists(given, scope));
    let missing = missing.collect::<Vec<_>>().join(" ");
    (!missing.is_empty()).then(|| Unfit::of(target, &["the provider did not give ", &missing].concat(), missing))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth::{Grant, ProviderResponse, parse_token_response};

    #[test]
    fn a_token_is_the_one_that_was_requested_or_says_why_not() {
        let target = TokenTarget { parameter: "audience", value: "b", scope: "r w", audience: "b" };
        let any = TokenTarget { scope: "", ..target };
        let resource = TokenTarget { parameter: "resource", value: "urn:b", ..any };
        let jwt = |claims: Value| format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let [other, none] = [jwt(json!({"aud": "a"})), jwt(json!({"sub": "u"}))];
        let of_both = || jwt(json!({"aud": ["a", "b"], "scope": "r w x"}));
        let table = [
            (target, json!({"access_token": of_both()}), Ok(()), "for both, with the scopes in the token"),
            (any, json!({"access_token": jwt(json!({"aud": "b"}))}), Ok(()), "for it, when no scope is named"),
            (target, json!({"access_token": jwt(json!({"aud": "b"}))}), Ok(()), "no word about the scope"),
            (target, json!({"access_token": jwt(json!({"aud": "b", "scp": ["r", "w"]}))}), Ok(()), "scopes as a list"),
            (any, json!({"access_token": other}), Err("audience"), "for another"),
            (any, json!({"access_token": none}), Err("audience"), "for nobody"),
            (any, json!({"access_token": jwt(json!({"aud": 7}))}), Err("audience"), "a number"),
            (any, json!({"access_token": jwt(json!({"aud": "b b"}))}), Err("audience"), "a longer name"),
            (any, json!({"access_token": jwt(json!({"aud": []}))}), Err("audience"), "an empty list"),
            (resource, json!({"access_token": other}), Err("resource"), "for another than the resource"),
            (any, json!({"access_token": "opaque"}), Ok(()), "one that says nothing"),
            (any, json!({"access_token": "a".repeat(TOKEN_MAX_BYTES)}), Ok(()), "the longest"),
            (any, json!({"access_token": "a".repeat(TOKEN_MAX_BYTES + 1)}), Err("audience"), "a byte more"),
            (target, json!({"access_token": "opaque", "scope": "w r x"}), Ok(()), "more scopes than requested"),
            (target, json!({"access_token": "opaque", "scope": "r"}), Err("scope w"), "a scope fewer"),
            (
                target,
                json!({"access_token": of_both(), "scope": "rw"}),
                Err("scope r w"),
                "the answer's word counts first",
            ),
            (target, json!({"access_token": "opaque", "scope": ""}), Err("scope r w"), "no scope at all"),
            (target, json!({"access_token": jwt(json!({"aud": "b", "scope": "r"}))}), Err("scope w"), "by the token"),
        ];
        for (target, body, expected, message) in table {
            let answer = ProviderResponse { status: 200, retry_after: None, body: body.to_string() };
            let found = unfit(&target, &parse_token_response(Grant::Refresh, &answer).ok().unwrap());
            let (setting, missing) = expected.err().unwrap_or_default().split_once(' ').unzip();
            let setting = setting.or(expected.err());
            assert_eq!(
                found.as_ref().map(|found| found.missing.as_str()),
                setting.map(|_| missing.unwrap_or_default()),
                "{message}"
            );
            if let (Some(setting), Some(found)) = (setting, found) {
                assert!(
                    found.reason.contains(&format!("(see \"{setting}\" of the server,")),
                    "{message}: {}",
                    found.reason
                );
            }
        }
    }

    #[test]
    fn only_a_refusal_of_the_target_or_of_its_user_is_one() {
        let of = |error: &str| {
            Box::new(ProviderError { status: Some(400), error: error.into(), description: String::new() })
        };
        let table = [
            (Problem::IdpRejected(of("invalid_target")), true, "the target"),
            (Problem::IdpRejected(of("invalid_scope")), true, "its scopes"),
            (Problem::LoginDenied(of("access_denied")), true, "this user"),
            (Problem::IdpRejected(of("unauthorized_client")), true, "this client"),
            (Problem::IdpRejected(of("invalid_client")), false, "whoever the client is"),
            (Problem::IdpRejected(of("")), false, "a firewall"),
            (Problem::InteractionRequired(of("consent_required")), true, "until the user consents"),
            (Problem::RefreshTokenInvalid(of("invalid_grant")), false, "the grant"),
            (Problem::IdpTimeout, false, "nobody"),
        ];
        for (problem, is_refusal, message) in table {
            assert_eq!(refusal("audience\nb\n\nb", &problem).is_some(), is_refusal, "{message}");
        }
    }
}
