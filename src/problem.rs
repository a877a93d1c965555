//! Every failure, and the answer it gets: status, code, headers, body (RFC 9457).
//!
//! A variant carries what the log should know. What the client is told is fixed text: nothing of a request, the provider
//! or a secret is in it.

use std::borrow::Cow;
use std::fmt;

use serde_json::json;

use crate::route::{Allow, Ambiguity};
use crate::token::TokenError;

/// A client is told to try again after this long where the provider named no time of its own.
const RETRY_AFTER_DEFAULT_SECS: u32 = 5;

/// A header to set, by lower-case name.
pub type Header = (&'static str, Cow<'static, str>);

/// A failure that a client is told of.
#[derive(Debug, Clone)]
pub enum Problem {
    /// No config is in force.
    ConfigInvalid,
    /// The gateway itself failed.
    Internal,
    /// No path of the config matches.
    RouteNotFound,
    /// A path matches, and not with this method.
    MethodNotAllowed(Allow),
    /// The path can be read in more than one way.
    PathAmbiguous(Ambiguity),
    /// A body is larger than what is read, in bytes.
    BodyTooLarge(usize),
    /// A body is not what its type says.
    BodyMalformed(&'static str),
    /// A body is of a type that is not read.
    UnsupportedMediaType,
    /// A token is needed and none was sent.
    TokenMissing,
    /// The token has expired.
    TokenExpired(TokenError),
    /// The token is not to be believed.
    TokenInvalid(TokenError),
    /// The `Authorization` header holds the bearer scheme and no token.
    CredentialsMalformed,
    /// The session has ended, or never was.
    SessionExpired(Cow<'static, str>),
    /// The session's cookie is none that the gateway has set.
    SessionInvalid(&'static str),
    /// A request with the session's cookie may have been made by another site.
    CsrfRejected,
    /// What the gateway keeps cannot be reached.
    StoreUnavailable(String),
    /// A logout token is not to be believed.
    LogoutTokenInvalid(TokenError),
    /// A token is to be believed and no logout token, or was one before.
    LogoutTokenRefused(&'static str),
    /// `return_to` leads to a place that is not on the list.
    ReturnToRejected,
    /// The provider refused the login.
    LoginDenied(ProviderError),
    /// The provider would have to ask the user, and was told not to.
    LoginRequired(ProviderError),
    /// The callback was called without a code.
    CodeMissing,
    /// The provider does not take the code.
    CodeInvalid(ProviderError),
    /// The login state does not belong to this browser, or was altered, or is missing.
    StateInvalid(&'static str),
    /// The login took too long.
    StateExpired,
    /// The ID token does not belong to this login.
    IdTokenInvalid(TokenError),
    /// The ID token is for another login (`nonce`).
    NonceMismatch,
    /// The profile was asked for without an access token.
    AccessTokenMissing,
    /// The provider does not take the access token.
    AccessTokenRejected,
    /// The refresh was asked for without a refresh token.
    RefreshTokenMissing,
    /// The provider does not take the refresh token.
    RefreshTokenInvalid(ProviderError),
    /// The provider refuses the gateway itself.
    IdpRejected(ProviderError),
    /// The provider asks for fewer calls.
    IdpRateLimited(RetryAfter),
    /// The provider failed, or answered what could not be understood.
    IdpError(&'static str, Option<u16>),
    /// The provider could not be reached.
    IdpUnavailable(String),
    /// The provider took too long.
    IdpTimeout,
    /// The upstream took too long to begin its answer.
    UpstreamTimeout,
    /// The upstream could not be reached.
    UpstreamUnreachable(String),
}

/// An error that the provider named (RFC 6749 sections 4.1.2.1 and 5.2), for the log alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderError {
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// Its `error`, shortened.
    pub error: String,
    /// Its `error_description`, shortened.
    pub description: String,
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{status} {}: {}", self.error, self.description),
            None => write!(f, "{}: {}", self.error, self.description),
        }
    }
}

/// How long to wait, in seconds (RFC 9110 section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(u32);

impl RetryAfter {
    /// The longest wait that is passed on, in seconds.
    const MAX_SECS: u32 = 3600;

    /// Reads a `Retry-After` in seconds; anything else becomes the default.
    pub fn parse(header: Option<&str>) -> Self {
        let value = header.unwrap_or_default().trim();
        let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        // A number that is too large to be read is still a number.
        let seconds = is_number.then(|| value.parse().unwrap_or(Self::MAX_SECS));
        Self(seconds.unwrap_or(RETRY_AFTER_DEFAULT_SECS).min(Self::MAX_SECS))
    }
}

impl Default for RetryAfter {
    fn default() -> Self {
        Self(RETRY_AFTER_DEFAULT_SECS)
    }
}

/// The fixed part of an answer.
struct Presentation {
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
    challenge: Option<Challenge>,
    retry_after: Option<RetryAfter>,
}

/// A challenge (RFC 6750 section 3).
enum Challenge {
    Bare,
    InvalidToken(&'static str),
}

impl Presentation {
    fn new(status: u16, code: &'static str, title: &'static str, detail: &'static str) -> Self {
        Self { status, code, title, detail, challenge: None, retry_after: None }
    }

    fn challenging(self, challenge: Challenge) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    fn retried(self, after: RetryAfter) -> Self {
        Self { retry_after: Some(after), ..self }
    }
}

impl Problem {
    /// Gives the status of the answer.
    pub fn status(&self) -> u16 {
        self.presentation().status
    }

    /// Gives the stable name of the failure.
    pub fn code(&self) -> &'static str {
        self.presentation().code
    }

    /// Gives the headers that this failure adds to the answer.
    pub fn headers(&self) -> Vec<Header> {
        let mut headers =
            vec![("content-type", "application/problem+json".into()), ("cache-control", "no-store".into())];
        let Presentation { challenge, retry_after, .. } = self.presentation();
        match challenge {
            None => {}
            Some(Challenge::Bare) => headers.push(("www-authenticate", "Bearer".into())),
            Some(Challenge::InvalidToken(description)) => {
                let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{description}\"");
                headers.push(("www-authenticate", challenge.into()));
            }
        }
        if let Self::MethodNotAllowed(allow) = self {
            headers.push(("allow", allow.to_string().into()));
        }
        if let Some(RetryAfter(seconds)) = retry_after {
            headers.push(("retry-after", seconds.to_string().into()));
        }
        headers
    }

    /// Gives the body.
    pub fn body(&self, request_id: &str) -> String {
        let Presentation { status, code, title, detail, .. } = self.presentation();
        json!({
            "type": format!("urn:bargate:problem:{code}"),
            "title": title,
            "status": status,
            "detail": detail,
            "code": code,
            "request_id": request_id,
            "error": title,
        })
        .to_string()
    }

    /// Gives what the log should know besides the code.
    pub fn reason(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::PathAmbiguous(reason) => Some(reason.to_string().into()),
            Self::TokenExpired(error)
            | Self::TokenInvalid(error)
            | Self::IdTokenInvalid(error)
            | Self::LogoutTokenInvalid(error) => Some(error.to_string().into()),
            Self::SessionExpired(reason) => Some(reason.clone()),
            Self::LoginDenied(error)
            | Self::LoginRequired(error)
            | Self::CodeInvalid(error)
            | Self::RefreshTokenInvalid(error)
            | Self::IdpRejected(error) => Some(error.to_string().into()),
            Self::NonceMismatch => Some("nonce is not that of this login".into()),
            Self::StateInvalid(reason)
            | Self::BodyMalformed(reason)
            | Self::SessionInvalid(reason)
            | Self::LogoutTokenRefused(reason) => Some((*reason).into()),
            Self::IdpError(reason, None) => Some((*reason).into()),
            Self::IdpError(reason, Some(status)) => Some(format!("{status}: {reason}").into()),
            Self::IdpUnavailable(reason) | Self::UpstreamUnreachable(reason) | Self::StoreUnavailable(reason) => {
                Some(reason.clone().into())
            }
            Self::CredentialsMalformed => Some("the Authorization header holds no bearer token".into()),
            Self::BodyTooLarge(limit) => Some(format!("more than {limit} bytes").into()),
            Self::ConfigInvalid
            | Self::Internal
            | Self::RouteNotFound
            | Self::MethodNotAllowed(_)
            | Self::UnsupportedMediaType
            | Self::TokenMissing
            | Self::CsrfRejected
            | Self::ReturnToRejected
            | Self::CodeMissing
            | Self::StateExpired
            | Self::AccessTokenMissing
            | Self::AccessTokenRejected
            | Self::RefreshTokenMissing
            | Self::IdpRateLimited(_)
            | Self::IdpTimeout
            | Self::UpstreamTimeout => None,
        }
    }

    fn presentation(&self) -> Presentation {
        let present = Presentation::new;
        match self {
            Self::ConfigInvalid => present(
                503,
                "config_invalid",
                "Gateway not configured",
                "The gateway's configuration is not in force. Its log names each reason.",
            ),
            Self::Internal => present(
                500,
                "internal_error",
                "Internal error",
                "The gateway failed while it handled this request. The log has the details under this request id.",
            ),
            Self::RouteNotFound => {
                present(404, "route_not_found", "Not found", "No path of the gateway matches this request.")
            }
            Self::MethodNotAllowed(_) => present(
                405,
                "method_not_allowed",
                "Method not allowed",
                "The path exists, but not with this method. See the Allow header.",
            ),
            Self::PathAmbiguous(_) => present(
                400,
                "path_ambiguous",
                "Ambiguous path",
                "The path can be read in more than one way. Send it without encoded slashes or dots, and without doubled slashes.",
            ),
            Self::BodyTooLarge(_) => {
                present(413, "body_too_large", "Body too large", "The request's body is larger than this path reads.")
            }
            Self::BodyMalformed(_) => present(
                400,
                "body_malformed",
                "Malformed body",
                "The request's body is not what its Content-Type says.",
            ),
            Self::UnsupportedMediaType => present(
                415,
                "unsupported_media_type",
                "Unsupported media type",
                "Send application/json or application/x-www-form-urlencoded.",
            ),
            Self::TokenMissing => {
                present(401, "token_missing", "Token missing", "Send an access token as Authorization: Bearer <token>.")
                    .challenging(Challenge::Bare)
            }
            Self::TokenExpired(_) => {
                present(401, "token_expired", "Token expired", "Refresh the access token and send the request again.")
                    .challenging(Challenge::InvalidToken("the token has expired"))
            }
            Self::TokenInvalid(_) | Self::CredentialsMalformed => {
                present(401, "token_invalid", "Token invalid", "The access token is not valid here. Log in again.")
                    .challenging(Challenge::InvalidToken("the token is not valid here"))
            }
            Self::SessionExpired(_) => present(401, "session_expired", "Session expired", "The session has ended. Log in again.")
                .challenging(Challenge::InvalidToken("the session has ended")),
            Self::SessionInvalid(_) => {
                present(401, "session_invalid", "Session invalid", "The session's cookie is not valid here. Log in again.")
                    .challenging(Challenge::InvalidToken("the session is not valid here"))
            }
            Self::CsrfRejected => present(
                403,
                "csrf_rejected",
                "Cross-site request rejected",
                "A request with the session's cookie must come from the gateway's own pages or an allowed origin.",
            )
            .challenging(Challenge::Bare),
            Self::StoreUnavailable(_) => present(
                503,
                "store_unavailable",
                "Store unavailable",
                "The gateway's store could not be reached. Keep the session and the tokens, and try again after Retry-After.",
            )
            .retried(RetryAfter::default()),
            Self::LogoutTokenInvalid(_) | Self::LogoutTokenRefused(_) => present(
                400,
                "logout_token_invalid",
                "Logout token invalid",
                "The logout token is not one that the identity provider issued for this application, or was used before.",
            ),
            Self::ReturnToRejected => present(
                400,
                "return_to_rejected",
                "Return address rejected",
                "return_to must be a path of this origin or lead to an origin on the list.",
            ),
            Self::LoginDenied(_) => {
                present(403, "login_denied", "Login denied", "The identity provider did not let this login through.")
                    .challenging(Challenge::Bare)
            }
            Self::LoginRequired(_) => present(
                401,
                "login_required",
                "Login required",
                "The identity provider would have to ask the user. Begin a login without prompt=none.",
            )
            .challenging(Challenge::Bare),
            Self::CodeMissing => present(
                400,
                "code_missing",
                "Code missing",
                "The callback needs the code that the identity provider gave.",
            ),
            Self::CodeInvalid(_) => present(
                400,
                "code_invalid",
                "Code invalid",
                "The identity provider does not take this code: it was used before or is too old. Begin the login again.",
            ),
            Self::StateInvalid(_) => present(
                400,
                "state_invalid",
                "Login state invalid",
                "This login was not begun in this browser, or its state was altered. Begin the login again.",
            ),
            Self::StateExpired => {
                present(400, "state_expired", "Login state expired", "The login took too long. Begin it again.")
            }
            Self::IdTokenInvalid(_) | Self::NonceMismatch => present(
                400,
                "id_token_invalid",
                "ID token invalid",
                "The identity provider's ID token does not belong to this login. Begin the login again.",
            ),
            Self::AccessTokenMissing => present(
                401,
                "missing_access_token",
                "Missing access token",
                "Send the access token as X-Access-Token or as Authorization: Bearer <token>.",
            )
            .challenging(Challenge::Bare),
            Self::AccessTokenRejected => present(
                401,
                "token_invalid",
                "Token invalid",
                "The identity provider does not take this access token. Refresh it or log in again.",
            )
            .challenging(Challenge::InvalidToken("the token is not valid here")),
            Self::RefreshTokenMissing => present(
                400,
                "missing_refresh_token",
                "Missing refresh token",
                "Send the refresh token as X-Refresh-Token, or as refresh_token in a JSON or form body.",
            ),
            Self::RefreshTokenInvalid(_) => present(
                401,
                "refresh_token_invalid",
                "Refresh token invalid",
                "The identity provider does not take this refresh token any more. Log in again.",
            )
            .challenging(Challenge::InvalidToken("the refresh token is not valid any more")),
            Self::IdpRejected(_) => present(
                502,
                "idp_rejected",
                "Identity provider rejected the gateway",
                "The identity provider refused the gateway's own request. Its operator should look at the log.",
            ),
            Self::IdpRateLimited(retry_after) => present(
                429,
                "idp_rate_limited",
                "Identity provider rate limit",
                "The identity provider asks for fewer requests. Keep the tokens and try again after Retry-After.",
            )
            .retried(*retry_after),
            Self::IdpError(..) => present(
                502,
                "idp_error",
                "Identity provider error",
                "The identity provider failed. Keep the tokens and try again.",
            ),
            Self::IdpUnavailable(_) => present(
                503,
                "idp_unavailable",
                "Identity provider unavailable",
                "The identity provider could not be reached. Tokens and session stay good: try again after Retry-After.",
            )
            .retried(RetryAfter::default()),
            Self::IdpTimeout => present(
                504,
                "idp_timeout",
                "Identity provider time-out",
                "The identity provider took too long. Keep the tokens and try again after Retry-After.",
            )
            .retried(RetryAfter::default()),
            Self::UpstreamTimeout => present(
                504,
                "upstream_timeout",
                "Upstream time-out",
                "The service behind this path took too long to answer.",
            ),
            Self::UpstreamUnreachable(_) => present(
                502,
                "upstream_unreachable",
                "Upstream unreachable",
                "The service behind this path could not be reached.",
            ),
        }
    }
}
