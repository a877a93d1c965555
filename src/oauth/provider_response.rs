//! What the provider's responses mean to a client: the table of refresh outcomes in docs/refresh.md, and its kin for login.
//!
//! A transient failure never costs a login: only `invalid_grant` says that a token is gone.

use std::fmt;

use serde_json::{Map, Value};

use crate::config::Authorizer;
use crate::json::{self, ToText as _};
use crate::problem::{Problem, ProviderError, RetryAfter};
use crate::secret::Secret;
use crate::token::{claimed_date, claimed_text};

/// Longest text of the provider that goes to the log, in characters.
const LOGGED_MAX_CHARS: usize = 200;

/// Text with a run of this many characters that tokens have is taken for one; words are shorter.
const TOKEN_LIKE_MIN_CHARS: usize = 24;

/// Longest name of an error that goes to the log, in bytes; registered ones have at most half of that.
const ERROR_MAX_BYTES: usize = 64;

/// What Keycloak says of a login that took longer than it waits, as the description of an error that says something else.
const AUTHENTICATION_EXPIRED: &str = "authentication_expired";

/// A response of the provider.
pub struct ProviderResponse {
    /// Its status.
    pub status: u16,
    /// Its `Retry-After`.
    pub retry_after: Option<String>,
    /// Its body.
    pub body: String,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// It took longer than allowed.
    Timeout,
    /// It could not be reached, or the connection broke.
    Unreachable(String),
    /// It sent more than is read.
    TooLarge,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("it took too long"),
            Self::Unreachable(reason) => f.write_str(reason),
            Self::TooLarge => f.write_str("the answer is larger than what is read"),
        }
    }
}

impl From<TransportError> for Problem {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Timeout => Self::IdpTimeout,
            TransportError::Unreachable(reason) => Self::IdpUnavailable(reason),
            TransportError::TooLarge => Self::IdpError("the answer is larger than what is read", None),
        }
    }
}

/// The grant that a token response is for (RFC 6749 sections 4.1.3 and 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// A code for tokens.
    Code,
    /// A refresh token for tokens.
    Refresh,
}

/// Tokens from the provider.
#[derive(Clone)]
pub struct TokenResponse {
    members: Map<String, Value>,
    id_token: Option<Secret<String>>,
}

impl TokenResponse {
    /// Returns the access token.
    pub fn access_token(&self) -> &str {
        json::text(&self.members, "access_token").unwrap_or_default()
    }

    /// Returns the refresh token, if there is one; an empty one counts as none.
    pub fn refresh_token(&self) -> Option<&str> {
        json::text(&self.members, "refresh_token").filter(|token| !token.is_empty())
    }

    /// Returns for how many seconds the access token is valid, if the token response says so (RFC 6749 section 5.1).
    pub fn expires_in(&self) -> Option<i64> {
        self.members.get("expires_in").and_then(Value::as_i64).filter(|seconds| *seconds > 0)
    }

    /// Returns until when the access token that arrived at `now` is valid: as long as the token response says, and no longer than the
    /// token itself does.
    pub fn until(&self, now: i64) -> Option<i64> {
        let by_answer = self.expires_in().map(|seconds| now.saturating_add(seconds));
        let by_token = claimed_date(self.access_token(), "exp");
        by_answer.into_iter().chain(by_token).min()
    }

    /// Checks whether it is an access token that was issued (RFC 8693 section 2.2.1), as far as the token response says.
    pub fn is_access_token(&self) -> bool {
        self.members
            .get("issued_token_type")
            .is_none_or(|kind| *kind == "urn:ietf:params:oauth:token-type:access_token")
    }

    /// Returns the scope that the token response says it gives, if it does (RFC 6749 section 5.1).
    pub fn scope(&self) -> Option<&Value> {
        self.members.get("scope").filter(|scope| !scope.is_null())
    }

    /// Returns the ID token, if there is one.
    pub fn id_token(&self) -> Option<&Secret<String>> {
        self.id_token.as_ref()
    }

    /// Checks whether the ID token names another issuer, or the access token if its claims count: nobody here can say whose users these
    /// tokens are of. It is a fault of the provider, and the refresh token beside them is of whoever was asked.
    pub fn is_of_other_issuer(&self, authorizer: &Authorizer, access_counts: bool) -> bool {
        let is_other = |token: &str| claimed_text(token, "iss").is_some_and(|iss| !authorizer.accepts_issuer(&iss));
        self.id_token().is_some_and(|token| is_other(token.expose())) || access_counts && is_other(self.access_token())
    }

    /// Checks whether these are tokens of the user that earlier ones were of (OpenID Connect Core section 12.2): whom the access
    /// token named before, and whose ID token named whom, as far as that is known.
    pub fn is_for(&self, access_subject: Option<&str>, id: Option<(&Authorizer, &str)>) -> bool {
        let access = claimed_text(self.access_token(), "sub");
        let same_access = access_subject.zip(access.as_deref()).is_none_or(|(before, now)| before == now);
        let same_id = id.zip(self.id_token()).is_none_or(|((authorizer, subject), token)| {
            let claim = |name: &str| claimed_text(token.expose(), name);
            claim("iss").is_some_and(|issuer| authorizer.accepts_issuer(&issuer))
                && claim("sub").as_deref() == Some(subject)
        });
        same_access && same_id
    }

    /// Returns the token response as JSON, with `return_to` beside the tokens if the login had one. Tokens that are empty
    /// are left out: a client would replace its own with them.
    pub fn to_json(&self, return_to: Option<&str>) -> String {
        let mut members = Map::new();
        for (name, value) in &self.members {
            let is_empty = value.is_null() || value.as_str() == Some("");
            if !is_empty || !matches!(name.as_str(), "refresh_token" | "id_token") {
                members.insert(name.clone(), value.clone());
            }
        }
        if let Some(return_to) = return_to {
            members.insert("return_to".to_owned(), return_to.into());
        }
        Value::Object(members).to_text()
    }
}

/// Parses a token response.
///
/// # Errors
/// What the client is told, according to that table.
pub fn parse_token_response(grant: Grant, response: &ProviderResponse) -> Result<TokenResponse, Problem> {
    // Some answer with "Created".
    if matches!(response.status, 200 | 201) {
        return read_tokens(grant, &response.body);
    }
    let error = provider_error(response);
    let is_refused = matches!(response.status, 400 | 401 | 403);
    let invalid_grant = is_refused && error.error == "invalid_grant";
    match grant {
        Grant::Refresh if invalid_grant => Err(Problem::RefreshTokenInvalid(error)),
        Grant::Code if invalid_grant => Err(Problem::CodeInvalid(error)),
        _ if is_refused && (needs_user(&error.error) || has_expired(&error.error, &error.description)) => {
            Err(Problem::InteractionRequired(error))
        }
        // Auth0 runs Actions at each renewal.
        _ if is_refused && denies_user(&error.error) => Err(Problem::LoginDenied(error)),
        _ => Err(refused(response, "the token endpoint did not answer with tokens")),
    }
}

/// Returns the problem of a request in which the client authenticated, and which was not answered as it should be; `failed` says
/// how, if the provider is to blame.
pub(super) fn refused(response: &ProviderResponse, failed: &'static str) -> Problem {
    match response.status {
        429 => Problem::IdpRateLimited(RetryAfter::parse(response.retry_after.as_deref())),
        400..=499 => {
            let mut error = provider_error(response);
            if matches!(response.status, 400 | 401 | 403) && error.error == "invalid_client" {
                error.description += " (see token_endpoint_auth_method and client_secret)";
            }
            Problem::IdpRejected(error)
        }
        status => Problem::IdpError(failed, Some(status)),
    }
}

/// What came of a call to the provider.
pub type Outcome = Result<ProviderResponse, TransportError>;

/// Checks whether an error says that the user has to do something: all that are registered for that end so (OpenID Connect Core
/// section 3.1.2.6), and so do those that providers add, such as `mfa_required`.
fn needs_user(error: &str) -> bool {
    error.as_bytes().ends_with(b"_required")
}

/// Checks whether an error says that the user, or the provider about the user, denied the login; Auth0 has two names for it.
fn denies_user(error: &str) -> bool {
    matches!(error, "access_denied" | "unauthorized")
}

/// Checks whether an error says that the user has to begin again.
fn has_expired(error: &str, description: &str) -> bool {
    [error, description].contains(&AUTHENTICATION_EXPIRED)
}

/// Reads what came of the renewal of a session's tokens.
///
/// # Errors
/// The answer to a client that knows of no refresh token: that the session has ended, that the user has to log in again, or that
/// the provider is away.
pub fn validate_renewal(outcome: &Outcome) -> Result<TokenResponse, Problem> {
    let parsed = match outcome {
        Ok(response) => parse_token_response(Grant::Refresh, response),
        Err(error) => Err(error.clone().into()),
    };
    parsed.map_err(|problem| match problem {
        Problem::RefreshTokenInvalid(error) => Problem::SessionExpired(error.to_string().into()),
        Problem::IdpTimeout => Problem::IdpUnavailable("it took too long".to_owned()),
        Problem::IdpError(..) => Problem::IdpUnavailable(problem.reason().unwrap_or_default().into_owned()),
        other => other,
    })
}

pub(super) fn read_tokens(grant: Grant, body: &str) -> Result<TokenResponse, Problem> {
    let malformed = || Problem::IdpError("the token answer is malformed", Some(200));
    let members = json::parse_object(body.as_bytes()).ok_or_else(malformed)?;
    let has_access_token = json::text(&members, "access_token").is_some_and(|token| !token.is_empty());
    if !has_access_token {
        return Err(malformed());
    }
    if !is_bearer(&members) {
        return Err(Problem::IdpError("token_type is not Bearer", Some(200)));
    }
    let id_token = match members.get("id_token") {
        None | Some(Value::Null) => None,
        // A login that brings an empty one is refused.
        Some(Value::String(token)) if token.is_empty() && grant == Grant::Refresh => None,
        Some(Value::String(token)) => Some(Secret::new(token.clone())),
        Some(_) => return Err(malformed()),
    };
    Ok(TokenResponse { members, id_token })
}

/// Checks whether a token may be used as a bearer token (RFC 6749 section 7.1): of its type it is said so, or nothing.
pub(super) fn is_bearer(members: &Map<String, Value>) -> bool {
    match members.get("token_type") {
        None | Some(Value::Null) => true,
        Some(kind) => kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")),
    }
}

/// Returns the answer to a client whose browser comes back with an `error` (RFC 6749 section 4.1.2.1, OpenID Connect Core
/// section 3.1.2.6).
pub fn parse_authorization_error(error: &str, description: Option<&str>) -> Problem {
    let description = description.unwrap_or_default();
    let detail = ProviderError { status: None, error: error_name(error), description: logged(description) }.into();
    match error {
        _ if has_expired(error, description) => Problem::StateExpired,
        _ if needs_user(error) => Problem::LoginRequired(detail),
        _ if denies_user(error) => Problem::LoginDenied(detail),
        // OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
        "unmet_authentication_requirements" => Problem::AuthenticationUnmet(detail.to_string()),
        "server_error" => Problem::IdpError("the provider failed during login", None),
        "temporarily_unavailable" => Problem::IdpUnavailable("the provider says so".to_owned()),
        _ => Problem::IdpRejected(detail),
    }
}

pub(super) fn provider_error(response: &ProviderResponse) -> Box<ProviderError> {
    let members = json::parse_object(response.body.as_bytes()).unwrap_or_default();
    let text = |name: &str| json::text(&members, name);
    Box::new(ProviderError {
        status: Some(response.status),
        // Supabase's name for it; what it says besides may repeat a one-time password.
        error: text("error").or_else(|| text("error_code")).map(error_name).unwrap_or_default(),
        description: text("error_description").map(logged).unwrap_or_default(),
    })
}

/// Returns the name of an error as the registered ones are written, and of no other kind.
fn error_name(error: &str) -> String {
    let well_formed = error.len() <= ERROR_MAX_BYTES && error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if well_formed { error.to_owned() } else { "an unregistered error".to_owned() }
}

/// Cuts a text from outside to the excerpt for a log line, without what could be a token or a code.
fn logged(text: &str) -> String {
    let is_token_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '+' | '/' | '=');
    let mut words = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let longest = word.split(|c| !is_token_char(c)).map(str::len).max().unwrap_or_default();
        words.push(if longest >= TOKEN_LIKE_MIN_CHARS { "[redacted]" } else { word });
    }
    words.join(" ").chars().take(LOGGED_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;
    use crate::oauth::login::tests::provider;

    fn answer(status: u16, body: &str) -> ProviderResponse {
        ProviderResponse { status, retry_after: Some("7".into()), body: body.into() }
    }

    #[test]
    fn each_answer_of_the_token_endpoint_means_what_the_contract_says() {
        let invalid_grant = r#"{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}"#;
        let table = [
            (400, invalid_grant, "refresh_token_invalid", 401, "the grant is gone"),
            (401, invalid_grant, "refresh_token_invalid", 401, "said with 401"),
            (403, invalid_grant, "refresh_token_invalid", 401, "said with 403, as Auth0 does"),
            (403, r#"{"error":"mfa_required"}"#, "interaction_required", 401, "a second factor, as Auth0 asks for it"),
            (400, r#"{"error":"interaction_required"}"#, "interaction_required", 401, "as Entra says it"),
            (400, r#"{"error":"login_required"}"#, "interaction_required", 401, "a login"),
            (401, r#"{"error":"consent_required"}"#, "interaction_required", 401, "consent"),
            (400, r#"{"error":"account_selection_required"}"#, "interaction_required", 401, "the choice of an account"),
            (400, r#"{"error":"authentication_expired"}"#, "interaction_required", 401, "a login that is too old"),
            (
                400,
                r#"{"error":"temporarily_unavailable","error_description":"authentication_expired"}"#,
                "interaction_required",
                401,
                "the same, as Keycloak says it",
            ),
            (403, r#"{"error":"access_denied"}"#, "login_denied", 403, "an Action that denies"),
            (401, r#"{"error":"unauthorized"}"#, "login_denied", 403, "a user who is blocked"),
            (404, r#"{"error":"access_denied"}"#, "idp_rejected", 502, "a denial with a status that does not fit"),
            (500, r#"{"error":"access_denied"}"#, "idp_error", 502, "a failure that denies"),
            (500, r#"{"error":"login_required"}"#, "idp_error", 502, "a failure, whatever it says"),
            (404, r#"{"error":"login_required"}"#, "idp_rejected", 502, "with a status that does not fit"),
            (400, r#"{"error":"required"}"#, "idp_rejected", 502, "another error that ends alike"),
            (400, r#"{"error":"invalid_client"}"#, "idp_rejected", 502, "another error"),
            (400, "<html>", "idp_rejected", 502, "no JSON"),
            (401, r#"{"error":["invalid_grant"]}"#, "idp_rejected", 502, "an error of the wrong type"),
            (404, invalid_grant, "idp_rejected", 502, "invalid_grant with a status that does not fit"),
            (429, "", "idp_rate_limited", 429, "too many calls"),
            (500, invalid_grant, "idp_error", 502, "a failure never costs a login"),
            (503, "", "idp_error", 502, "a failure"),
            (302, "", "idp_error", 502, "a redirect"),
            (204, "", "idp_error", 502, "nothing"),
            (200, "", "idp_error", 502, "an empty body"),
            (200, "[]", "idp_error", 502, "no object"),
            (200, "{}", "idp_error", 502, "no access token"),
            (200, r#"{"access_token":""}"#, "idp_error", 502, "an empty access token"),
            (200, r#"{"access_token":1}"#, "idp_error", 502, "a number"),
            (200, r#"{"access_token":"a","id_token":7}"#, "idp_error", 502, "an ID token of the wrong type"),
            (200, r#"{"access_token":"a","token_type":"DPoP"}"#, "idp_error", 502, "a token that is bound to a key"),
            (200, r#"{"access_token":"a","token_type":"N_A"}"#, "idp_error", 502, "a token that is none of access"),
            (200, r#"{"access_token":"a","token_type":""}"#, "idp_error", 502, "an empty type"),
            (200, r#"{"access_token":"a","token_type":["Bearer"]}"#, "idp_error", 502, "a type that is no text"),
        ];
        for (status, body, code, answered, message) in table {
            let problem = parse_token_response(Grant::Refresh, &answer(status, body)).err().unwrap();
            assert_eq!((problem.code(), problem.status()), (code, answered), "{message}");
        }
        let code = |body| parse_token_response(Grant::Code, &answer(400, body)).err().unwrap().code();
        assert_eq!(code(invalid_grant), "code_invalid", "a code that was used before");
        assert_eq!(code(r#"{"error":"mfa_required"}"#), "interaction_required", "a login that is not complete");
    }

    #[test]
    fn the_log_names_the_keys_to_set_if_the_client_is_refused() {
        let reason =
            |body| parse_token_response(Grant::Code, &answer(401, body)).err().unwrap().reason().unwrap().into_owned();
        let named = "401 invalid_client: no (see token_endpoint_auth_method and client_secret)";
        assert_eq!(reason(r#"{"error":"invalid_client","error_description":"no"}"#), named);
        assert_eq!(reason(r#"{"error":"invalid_scope","error_description":"no"}"#), "401 invalid_scope: no");
    }

    #[test]
    fn tokens_are_taken_from_a_201_too() {
        let tokens = parse_token_response(Grant::Code, &answer(201, r#"{"access_token":"a"}"#)).ok().unwrap();
        assert_eq!(tokens.access_token(), "a");
    }

    #[test]
    fn a_session_is_told_that_it_ended_that_the_user_is_needed_or_that_the_provider_is_away() {
        let table = [
            (Ok(answer(400, r#"{"error":"invalid_grant"}"#)), "session_expired"),
            (Ok(answer(403, r#"{"error":"mfa_required"}"#)), "interaction_required"),
            (Ok(answer(400, r#"{"error":"invalid_client"}"#)), "idp_rejected"),
            (Ok(answer(429, "")), "idp_rate_limited"),
            (Ok(answer(500, "")), "idp_unavailable"),
            (Ok(answer(200, "rubbish")), "idp_unavailable"),
            (Err(TransportError::Timeout), "idp_unavailable"),
            (Err(TransportError::TooLarge), "idp_unavailable"),
            (Err(TransportError::Unreachable("x".into())), "idp_unavailable"),
        ];
        for (outcome, code) in table {
            assert_eq!(validate_renewal(&outcome).err().unwrap().code(), code);
        }
    }

    #[test]
    fn tokens_are_passed_on_whole() {
        let body =
            r#"{"access_token":"a","refresh_token":"r2","id_token":"i","expires_in":60,"scope":"openid","x":[1]}"#;
        let tokens = parse_token_response(Grant::Refresh, &answer(200, body)).ok().unwrap();
        let given: Value = serde_json::from_str(&tokens.to_json(None)).unwrap();
        assert_eq!(given, serde_json::from_str::<Value>(body).unwrap());
        let given: Value = serde_json::from_str(&tokens.to_json(Some("/home"))).unwrap();
        assert_eq!(given["return_to"], "/home");
    }

    #[test]
    fn a_token_that_is_empty_was_not_given() {
        let given = json!({"access_token": "a", "refresh_token": "r", "id_token": "i"});
        for empty in [json!(""), Value::Null] {
            let body = json!({"access_token": "a", "refresh_token": empty, "id_token": empty}).to_string();
            let tokens = parse_token_response(Grant::Refresh, &answer(200, &body)).ok().unwrap();
            assert_eq!((tokens.refresh_token(), tokens.id_token().is_some()), (None, false), "{body}");
            assert_eq!(tokens.to_json(None), r#"{"access_token":"a"}"#, "nor is it passed on: {body}");
        }
        let given = parse_token_response(Grant::Refresh, &answer(200, &given.to_string())).ok().unwrap();
        assert_eq!((given.refresh_token(), given.id_token().is_some()), (Some("r"), true), "what is there is taken");
        let login = r#"{"access_token":"a","refresh_token":"","id_token":""}"#;
        let login = parse_token_response(Grant::Code, &answer(200, login)).ok().unwrap();
        assert_eq!(login.refresh_token(), None, "of a login");
        assert!(login.id_token().is_some(), "which must not come with an ID token that says nothing");
    }

    #[test]
    fn a_token_is_taken_as_a_bearer_token_in_any_case_of_its_type_and_where_nothing_is_said() {
        for kind in [r#","token_type":"Bearer""#, r#","token_type":"bEARER""#, r#","token_type":null"#, ""] {
            let body = format!(r#"{{"access_token":"a"{kind}}}"#);
            assert!(parse_token_response(Grant::Code, &answer(200, &body)).is_ok(), "{kind}");
        }
    }

    #[test]
    fn tokens_are_for_the_user_of_those_before() {
        let authorizer = &provider(&[]).authorizer;
        let issuer = &authorizer.issuer;
        let token = |claims: Value| format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mine = || token(json!({"iss": issuer, "sub": "u"}));
        let table = [
            (mine(), Some(mine()), true, "the same user"),
            (mine(), None, true, "no ID token"),
            ("opaque".into(), Some(mine()), true, "an access token that says nothing"),
            (token(json!({"iss": issuer, "sub": "v"})), Some(mine()), false, "an access token of another user"),
            (mine(), Some(token(json!({"iss": issuer, "sub": "v"}))), false, "an ID token of another user"),
            (mine(), Some(token(json!({"iss": "j", "sub": "u"}))), false, "an ID token of another issuer"),
            (mine(), Some(token(json!({"iss": issuer}))), false, "an ID token that says not whose it is"),
            (mine(), Some("rubbish".into()), false, "an ID token that is none"),
        ];
        for (access, id, same, message) in table {
            let body = json!({"access_token": access, "id_token": id}).to_string();
            let tokens = parse_token_response(Grant::Refresh, &answer(200, &body)).ok().unwrap();
            assert_eq!(tokens.is_for(Some("u"), Some((authorizer, "u"))), same, "{message}");
            assert!(tokens.is_for(None, None), "{message}, where nothing is known");
        }
    }

    #[test]
    fn a_rate_limit_passes_the_wait_on() {
        let problem = parse_token_response(Grant::Refresh, &answer(429, "")).err().unwrap();
        assert!(problem.headers().contains(&("retry-after".into(), "7".into())));
    }

    #[test]
    fn an_error_of_the_login_is_told_apart() {
        let table = [
            ("access_denied", "login_denied"),
            ("unauthorized", "login_denied"),
            ("login_required", "login_required"),
            ("consent_required", "login_required"),
            ("mfa_required", "login_required"),
            ("authentication_expired", "state_expired"),
            ("unmet_authentication_requirements", "unmet_authentication_requirements"),
            ("server_error", "idp_error"),
            ("temporarily_unavailable", "idp_unavailable"),
            ("invalid_scope", "idp_rejected"),
            ("<script>", "idp_rejected"),
        ];
        for (error, code) in table {
            assert_eq!(parse_authorization_error(error, Some("x")).code(), code, "{error}");
        }
        let slow = parse_authorization_error("temporarily_unavailable", Some("authentication_expired"));
        assert_eq!(slow.code(), "state_expired", "as Keycloak says that it took too long");
    }

    #[test]
    fn text_of_the_provider_is_cut_and_has_no_line_break_and_no_token() {
        let problem = parse_authorization_error(
            "access_denied",
            Some(&format!("a\r\nb {}{}", "v1.M0ABCDEFGHIJKLMNOPQRSTUVWXYZ ", "x ".repeat(1000))),
        );
        let reason = problem.reason().unwrap();
        assert!(reason.starts_with("access_denied: a b [redacted] x x") && reason.len() < 300, "{reason}");
    }

    #[test]
    fn only_the_name_of_an_error_as_registered_ones_are_written_is_repeated() {
        let longest = "a".repeat(ERROR_MAX_BYTES);
        let table = [
            ("invalid_client", "invalid_client", "a registered one"),
            (&longest, &longest, "the longest"),
            (&["a", &*longest].concat(), "an unregistered error", "a letter more"),
            ("Invalid_Client", "an unregistered error", "other letters"),
            ("a b", "an unregistered error", "two words"),
            ("eyJhbGciOiJub25lIn0.e30.", "an unregistered error", "a token"),
        ];
        for (written, expected, message) in table {
            let body = json!({ "error": written }).to_string();
            assert_eq!(provider_error(&answer(400, &body)).error, expected, "{message}");
        }
    }
}
