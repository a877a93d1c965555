//! What a client is told of each failure: status, code, words, challenge. Fixed text, and one match of all.

use super::{Problem, RetryAfter};

/// The fixed part of an answer.
pub(super) struct Presentation<'p> {
    pub status: u16,
    pub code: &'static str,
    pub title: &'static str,
    pub detail: &'p str,
    pub challenge: Option<Challenge<'p>>,
    pub retry_after: Option<RetryAfter>,
}

/// A challenge (RFC 6750 section 3).
pub(super) enum Challenge<'p> {
    Bare,
    InvalidToken(&'static str),
    InsufficientScope(&'p str),
}

impl<'p> Presentation<'p> {
    /// Never inlined: what each failure would do by itself weighs more than its call.
    #[inline(never)]
    fn new(status: u16, code: &'static str, title: &'static str, detail: &'p str) -> Self {
        Self { status, code, title, detail, challenge: None, retry_after: None }
    }

    fn of_config(detail: &'p str) -> Self {
        Self::new(503, "config_invalid", "Gateway not configured", detail)
    }

    fn challenging(self, challenge: Challenge<'p>) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    fn retried(self, after: RetryAfter) -> Self {
        Self { retry_after: Some(after), ..self }
    }
}

impl Problem {
    pub(super) fn presentation(&self) -> Presentation<'_> {
        let present = Presentation::new;
        match self {
            Self::ConfigInvalid => Presentation::of_config("The gateway's configuration is not in force. Its log names each reason."),
            Self::ConfigInvalidHere(reasons) => Presentation::of_config(reasons),
            Self::Internal(_) => present(
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
                "This path takes no body of this type.",
            ),
            Self::IpDenied => present(403, "ip_denied", "Address denied", "This path takes no requests from this address."),
            Self::RateLimited(seconds) => {
                present(429, "rate_limited", "Too many requests", "Send fewer requests, the next after Retry-After.")
                    .retried(RetryAfter::from_secs(*seconds))
            }
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
            Self::InsufficientScope { scope, .. } => {
                present(403, "insufficient_scope", "Insufficient scope", "The token is valid, and not enough for this path.")
                    .challenging(Challenge::InsufficientScope(scope))
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
            Self::Busy => {
                present(503, "busy", "Busy", "The gateway holds too many bodies. Send the request again after Retry-After.")
                    .retried(RetryAfter::default())
            }
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
                "The code is not valid here, or no longer: it was used before or is too old. Begin the login again.",
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
                "The refresh token is not valid here, or no longer. Log in again.",
            )
            .challenging(Challenge::InvalidToken("the refresh token is not valid any more")),
            Self::InteractionRequired(_) => present(
                401,
                "interaction_required",
                "Interaction required",
                "The identity provider has to ask the user. Log in again.",
            )
            .challenging(Challenge::InvalidToken("the user has to log in again")),
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
            Self::AccessTokenUnfit(_) => present(
                502,
                "idp_error",
                "Identity provider error",
                "The identity provider's access token is not valid here. The gateway's operator should look at the log.",
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
            Self::ServiceFailed(_) => present(
                502,
                "service_failed",
                "Service failed",
                "A service that this path needs failed. The log has the details under this request id.",
            ),
            Self::EmailOrPhoneMissing => {
                present(400, "missing_email_or_phone", "Missing email or phone", "Send email or phone as JSON.")
            }
            Self::EmailMissing => present(400, "missing_email", "Missing email", "Send email as JSON."),
            Self::OtpOrContactMissing => present(
                400,
                "missing_token_or_contact",
                "Missing token, email, or phone",
                "Send token, and email or phone, as JSON.",
            ),
            Self::OtpRejected(_) => {
                present(400, "otp_rejected", "One-time password not sent", "No one-time password can be sent there.")
            }
            Self::OtpInvalid(_) => present(
                401,
                "otp_invalid",
                "One-time password invalid",
                "The one-time password is wrong, was used or has expired. Ask for another.",
            )
            .challenging(Challenge::Bare),
        }
    }
}
