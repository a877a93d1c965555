//! Every failure, with what the log should know of it.

use std::borrow::Cow;
use std::fmt;

use crate::http::header::seconds;
use crate::route::{Allow, Ambiguity};
use crate::token::{ClaimError, TokenError};

/// A client is told to try again after this long where the provider named no time of its own.
const RETRY_AFTER_DEFAULT_SECS: u32 = 5;

/// A failure that a client is told of.
#[derive(Debug)]
pub enum Problem {
    /// No config is active.
    ConfigInvalid,
    /// The same, with its reasons for whoever runs the gateway on this very machine.
    ConfigInvalidHere(String),
    /// The gateway itself failed.
    Internal(String),
    /// No path of the config matches.
    RouteNotFound,
    /// A path matches, and not with this method.
    MethodNotAllowed(Allow),
    /// The path can be read in more than one way.
    PathAmbiguous(Ambiguity),
    /// A body is larger than what is read, in bytes.
    BodyTooLarge(u64),
    /// A body is not what its type says.
    BodyMalformed(&'static str),
    /// A body is of a type that is not taken.
    UnsupportedMediaType,
    /// The path takes no requests from this address.
    IpDenied,
    /// Too many requests of this kind came within the period, in seconds.
    RateLimited(u32),
    /// A token is needed and none was sent.
    TokenMissing,
    /// The token has expired.
    TokenExpired(TokenError),
    /// The token is not to be believed.
    TokenInvalid(TokenError),
    /// The `Authorization` header holds the bearer scheme and no token.
    CredentialsMalformed,
    /// The token is good, and not enough for the path.
    InsufficientScope {
        /// The scopes that the path needs, with spaces between them.
        scope: String,
        /// What was not met.
        reason: String,
    },
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
    StateInvalid(Cow<'static, str>),
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
    /// The provider gives no tokens until it has asked the user.
    InteractionRequired(ProviderError),
    /// The provider's access token is not one that the authorizer takes: why not.
    AccessTokenUnfit(String),
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
    /// A service failed, or answered what is no answer.
    ServiceFailed(String),
    /// The bodies that are held for functions take all the room there is.
    Busy,
    /// A one-time password was asked for without saying where to.
    EmailOrPhoneMissing,
    /// A one-time password was asked for without an email address, in a step that takes nothing else.
    EmailMissing,
    /// A one-time password came without its text, or without whom it was sent to.
    OtpOrContactMissing,
    /// The provider sends no one-time password there.
    OtpRejected(ProviderError),
    /// The provider does not take the one-time password.
    OtpInvalid(ProviderError),
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

impl ProviderError {
    /// Returns what stands for the provider's error where the gateway refused without asking.
    pub fn of_gateway(reason: &str) -> Self {
        Self { status: None, error: "refused here".to_owned(), description: reason.to_owned() }
    }
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
pub struct RetryAfter(pub(super) u32);

impl RetryAfter {
    /// The longest wait that is passed on, in seconds.
    const MAX_SECS: u32 = 3600;

    /// Takes a number of seconds.
    pub fn from_secs(seconds: u32) -> Self {
        Self(seconds)
    }

    /// Reads a `Retry-After` in seconds; anything else becomes the default.
    pub fn parse(header: Option<&str>) -> Self {
        let secs = seconds(header.unwrap_or_default().trim());
        Self(secs.unwrap_or(RETRY_AFTER_DEFAULT_SECS).min(Self::MAX_SECS))
    }
}

impl Default for RetryAfter {
    fn default() -> Self {
        Self(RETRY_AFTER_DEFAULT_SECS)
    }
}

impl From<TokenError> for Problem {
    /// Returns the answer for an access token that is not believed.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Claim(ClaimError::Expired { .. }) => Self::TokenExpired(error),
            error => Self::TokenInvalid(error),
        }
    }
}

impl Problem {
    /// Returns what the log should know besides the code.
    pub fn reason(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::PathAmbiguous(reason) => Some(reason.to_string().into()),
            Self::TokenExpired(error)
            | Self::TokenInvalid(error)
            | Self::IdTokenInvalid(error)
            | Self::LogoutTokenInvalid(error) => Some(error.to_string().into()),
            Self::SessionExpired(reason) | Self::StateInvalid(reason) => Some(reason.clone()),
            Self::InsufficientScope { reason, .. } => Some(reason.clone().into()),
            Self::LoginDenied(error)
            | Self::LoginRequired(error)
            | Self::CodeInvalid(error)
            | Self::RefreshTokenInvalid(error)
            | Self::InteractionRequired(error)
            | Self::IdpRejected(error)
            | Self::OtpRejected(error)
            | Self::OtpInvalid(error) => Some(error.to_string().into()),
            Self::NonceMismatch => Some("nonce is not that of this login".into()),
            Self::BodyMalformed(reason) | Self::SessionInvalid(reason) | Self::LogoutTokenRefused(reason) => {
                Some((*reason).into())
            }
            Self::IdpError(reason, None) => Some((*reason).into()),
            Self::IdpError(reason, Some(status)) => Some(format!("{status}: {reason}").into()),
            Self::IdpUnavailable(reason)
            | Self::UpstreamUnreachable(reason)
            | Self::StoreUnavailable(reason)
            | Self::AccessTokenUnfit(reason)
            | Self::ServiceFailed(reason)
            | Self::Internal(reason) => Some(reason.clone().into()),
            Self::CredentialsMalformed => Some("the Authorization header holds no bearer token".into()),
            Self::BodyTooLarge(limit) => Some(format!("more than {limit} bytes").into()),
            Self::ConfigInvalid
            | Self::ConfigInvalidHere(_)
            | Self::RouteNotFound
            | Self::MethodNotAllowed(_)
            | Self::UnsupportedMediaType
            | Self::IpDenied
            | Self::RateLimited(_)
            | Self::EmailOrPhoneMissing
            | Self::EmailMissing
            | Self::OtpOrContactMissing
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
            | Self::UpstreamTimeout
            | Self::Busy => None,
        }
    }
}
