//! Every failure, with its reason for the log.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use crate::http::header::seconds;
use crate::route::{Allow, Ambiguity};
use crate::token::{ClaimError, ProofError, TokenError};

/// `Retry-After` in seconds, if the provider named no time of its own.
const RETRY_AFTER_DEFAULT_SECS: u32 = 5;

/// A failure that is reported to the client. What is long is in a box: a failure is moved from one function to the next.
#[derive(Debug)]
pub enum Problem {
    /// No config is active.
    ConfigInvalid,
    /// The same, with its reasons, for a gateway that runs on the client's own machine.
    ConfigInvalidHere(String),
    /// The gateway itself failed.
    Internal(String),
    /// No path of the config matches.
    RouteNotFound,
    /// A path matches, but not with this method.
    MethodNotAllowed(Allow),
    /// The path can be read in more than one way.
    PathAmbiguous(Ambiguity),
    /// A body is larger than this limit, in bytes.
    BodyTooLarge(u64),
    /// A body does not match its type.
    BodyMalformed(&'static str),
    /// A body's type is not accepted.
    UnsupportedMediaType,
    /// The path accepts no requests from this address.
    IpDenied,
    /// Too many requests of this kind came.
    RateLimited {
        /// After how many seconds the next may come.
        wait_secs: u32,
        /// How many may come within how many seconds, if the gateway knows.
        policy: Option<(u32, u32)>,
    },
    /// A token is needed and none was sent.
    TokenMissing,
    /// The token has expired.
    TokenExpired(Rc<TokenError>),
    /// The token is not valid.
    TokenInvalid(Rc<TokenError>),
    /// The `Authorization` header has a scheme for tokens and no token.
    CredentialsMalformed,
    /// The proof of possession beside the token is not valid.
    ProofInvalid(Box<ProofError>),
    /// The proof of possession has no nonce of the gateway's, or none that is recent.
    ProofNonceNeeded,
    /// A proof of possession came with a request for tokens, which the gateway makes for its own client.
    ProofUnsupported,
    /// The token is valid, but does not meet a requirement of the path: which one, for the log, and the scopes of the path's resource that
    /// the token has besides those that the path names, with spaces between them.
    InsufficientScope(Box<[String; 2]>),
    /// The user was not authenticated as strongly or as recently as the path requires, for this reason.
    InsufficientAuthentication(String),
    /// The provider gave a token for a target without these scopes, which are separated by spaces.
    ScopeNotGiven(String),
    /// The provider gives no token for a target, for this reason.
    TokenUnavailable(String),
    /// The session has ended, or never existed.
    SessionExpired(Cow<'static, str>),
    /// The gateway did not set this session cookie.
    SessionInvalid(&'static str),
    /// A session that was to be ended is not among the user's.
    SessionNotFound,
    /// A session of an MCP server is not the caller's, for this reason.
    McpSessionNotFound(&'static str),
    /// A page of this origin may not call the path.
    OriginDenied,
    /// A request with the session's cookie may have been made by another site.
    CsrfRejected,
    /// The gateway's store cannot be reached.
    StoreUnavailable(String),
    /// A logout token is not valid.
    LogoutTokenInvalid(Rc<TokenError>),
    /// A valid token is not a logout token, or was used before.
    LogoutTokenRefused(&'static str),
    /// `return_to` leads to a place that is not on the list.
    ReturnToRejected,
    /// The user or the provider denied the login, when it was made or at a renewal.
    LoginDenied(Box<ProviderError>),
    /// The provider would have to ask the user, and `prompt=none` forbids it.
    LoginRequired(Box<ProviderError>),
    /// The provider did not authenticate the user as the login asked for, for this reason.
    AuthenticationUnmet(String),
    /// The callback was called without a code.
    CodeMissing,
    /// The provider does not accept the code.
    CodeInvalid(Box<ProviderError>),
    /// The login state does not belong to this browser, or was altered, or is missing.
    StateInvalid(Cow<'static, str>),
    /// The login took too long.
    StateExpired,
    /// The ID token does not belong to this login.
    IdTokenInvalid(Rc<TokenError>),
    /// The ID token is for another login (`nonce`).
    NonceMismatch,
    /// A request for the profile had no access token.
    AccessTokenMissing,
    /// The provider does not accept the access token.
    AccessTokenRejected,
    /// The provider gives no profile for a session, though that is valid.
    ProfileUnavailable(Box<ProviderError>),
    /// A signed profile is not valid.
    ProfileInvalid(Rc<TokenError>),
    /// A request for a refresh had no refresh token.
    RefreshTokenMissing,
    /// The provider does not accept the refresh token.
    RefreshTokenInvalid(Box<ProviderError>),
    /// The refresh token was used for another target, and has a successor.
    RefreshTokenUsed,
    /// A refresh named a target that the config does not list.
    TargetInvalid,
    /// The request of a client that the provider does not know is refused, for a reason that the log shows.
    ClientRefused(Box<ProviderError>),
    /// The provider issues no tokens until it has asked the user.
    InteractionRequired(Box<ProviderError>),
    /// The authorizer does not accept the provider's access token, for this reason.
    AccessTokenUnfit(String),
    /// The provider refuses the gateway itself.
    IdpRejected(Box<ProviderError>),
    /// The provider asks for fewer calls.
    IdpRateLimited(RetryAfter),
    /// The provider failed, or its answer could not be understood.
    IdpError(&'static str, Option<u16>),
    /// The provider could not be reached.
    IdpUnavailable(String),
    /// The provider took too long.
    IdpTimeout,
    /// The upstream took too long to begin its answer.
    UpstreamTimeout,
    /// The upstream could not be reached.
    UpstreamUnreachable(String),
    /// A service failed, or its result is not an answer.
    ServiceFailed(String),
    /// The bodies in memory for functions take all the room.
    Busy,
    /// A request for a one-time password did not say where to send it.
    EmailOrPhoneMissing,
    /// A request for a one-time password had no email address, in a step that accepts nothing else.
    EmailMissing,
    /// A one-time password came without its text, or without its recipient.
    OtpOrContactMissing,
    /// The provider sends no one-time password to this address.
    OtpRejected(Box<ProviderError>),
    /// The provider does not accept the one-time password.
    OtpInvalid(Box<ProviderError>),
}

/// An error that the provider named (RFC 6749 sections 4.1.2.1 and 5.2), only for the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderError {
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Its `error`, shortened.
    pub error: String,
    /// Its `error_description`, shortened.
    pub description: String,
}

impl ProviderError {
    /// Returns the error of a request that the gateway refused without asking the provider.
    pub fn of_gateway(reason: &str) -> Box<Self> {
        Box::new(Self { status: None, error: "refused here".to_owned(), description: reason.to_owned() })
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

    /// Makes it of a number of seconds.
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
    /// Returns the answer for an access token that is not valid.
    fn from(error: TokenError) -> Self {
        Rc::new(error).into()
    }
}

impl From<Rc<TokenError>> for Problem {
    /// Returns the answer for an access token that is not valid.
    fn from(error: Rc<TokenError>) -> Self {
        match &*error {
            TokenError::Claim(ClaimError::Expired { .. }) => Self::TokenExpired(error),
            #[cfg(not(target_os = "unknown"))]
            TokenError::Proof(error) => error.clone().into(),
            _ => Self::TokenInvalid(error),
        }
    }
}

impl From<Box<ProofError>> for Problem {
    fn from(error: Box<ProofError>) -> Self {
        match *error {
            ProofError::Nonce => Self::ProofNonceNeeded,
            _ => Self::ProofInvalid(error),
        }
    }
}

impl Problem {
    /// Returns the reason for the log, beside the code.
    pub fn reason(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::PathAmbiguous(reason) => Some(reason.to_string().into()),
            Self::TokenExpired(error)
            | Self::TokenInvalid(error)
            | Self::IdTokenInvalid(error)
            | Self::LogoutTokenInvalid(error) => Some(error.to_string().into()),
            Self::ProofInvalid(error) => Some(error.to_string().into()),
            Self::ProfileInvalid(error) => Some(format!("the signed profile: {error}").into()),
            Self::SessionExpired(reason) | Self::StateInvalid(reason) => Some(reason.clone()),
            Self::LoginDenied(error)
            | Self::LoginRequired(error)
            | Self::CodeInvalid(error)
            | Self::RefreshTokenInvalid(error)
            | Self::InteractionRequired(error)
            | Self::IdpRejected(error)
            | Self::ClientRefused(error)
            | Self::ProfileUnavailable(error)
            | Self::OtpRejected(error)
            | Self::OtpInvalid(error) => Some(error.to_string().into()),
            Self::NonceMismatch => Some("nonce is not that of this login".into()),
            Self::BodyMalformed(reason)
            | Self::SessionInvalid(reason)
            | Self::LogoutTokenRefused(reason)
            | Self::McpSessionNotFound(reason) => Some((*reason).into()),
            Self::IdpError(reason, None) => Some((*reason).into()),
            Self::IdpError(reason, Some(status)) => Some(format!("{status}: {reason}").into()),
            Self::IdpUnavailable(reason)
            | Self::UpstreamUnreachable(reason)
            | Self::StoreUnavailable(reason)
            | Self::AccessTokenUnfit(reason)
            | Self::ServiceFailed(reason)
            | Self::InsufficientAuthentication(reason)
            | Self::AuthenticationUnmet(reason)
            | Self::TokenUnavailable(reason)
            | Self::Internal(reason) => Some(reason.clone().into()),
            Self::InsufficientScope(said) => said.first().map(|reason| reason.clone().into()),
            Self::ScopeNotGiven(missing) => Some(["the provider did not give ", missing].concat().into()),
            Self::CredentialsMalformed => Some("the Authorization header has no token".into()),
            Self::BodyTooLarge(limit) => Some(format!("more than {limit} bytes").into()),
            Self::ConfigInvalid
            | Self::ConfigInvalidHere(_)
            | Self::RouteNotFound
            | Self::MethodNotAllowed(_)
            | Self::UnsupportedMediaType
            | Self::IpDenied
            | Self::RateLimited { .. }
            | Self::EmailOrPhoneMissing
            | Self::EmailMissing
            | Self::OtpOrContactMissing
            | Self::TokenMissing
            | Self::ProofNonceNeeded
            | Self::ProofUnsupported
            | Self::CsrfRejected
            | Self::SessionNotFound
            | Self::OriginDenied
            | Self::ReturnToRejected
            | Self::CodeMissing
            | Self::StateExpired
            | Self::AccessTokenMissing
            | Self::AccessTokenRejected
            | Self::RefreshTokenMissing
            | Self::RefreshTokenUsed
            | Self::TargetInvalid
            | Self::IdpRateLimited(_)
            | Self::IdpTimeout
            | Self::UpstreamTimeout
            | Self::Busy => None,
        }
    }
}
