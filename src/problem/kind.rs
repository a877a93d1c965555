//! The answer to each failure: status, code, words, challenge. All text is fixed, and one match covers all failures.

use super::challenge::Challenge;
use super::failure::Problem;

/// The fixed part of an answer.
#[derive(Debug)]
pub struct ProblemKind {
    /// Its status.
    pub status: u16,
    /// Its stable name.
    pub code: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// The explanation for the client's author, unless the problem has its own.
    pub detail: &'static str,
    /// What `WWW-Authenticate` says besides the scopes and the metadata.
    pub challenge: Option<Challenge>,
    /// Whether `Retry-After` says when to try again.
    pub retry: bool,
    /// When it happens, for the reference.
    #[cfg(not(target_os = "unknown"))]
    pub when: &'static str,
    /// What to do about it, for the reference; empty if there is nothing to do.
    #[cfg(not(target_os = "unknown"))]
    pub remedy: &'static str,
}

/// What a declaration leaves out.
const UNSAID: ProblemKind = ProblemKind {
    status: 0,
    code: "",
    title: "",
    detail: "",
    challenge: None,
    retry: false,
    #[cfg(not(target_os = "unknown"))]
    when: "",
    #[cfg(not(target_os = "unknown"))]
    remedy: "",
};

/// Declares the kinds in the order of the reference.
macro_rules! kinds {
    ($($name:ident = $status:literal, $code:literal, $title:literal,
        detail $detail:literal, $(challenge $challenge:expr,)? $(retry $retry:literal,)?
        when $when:literal $(, remedy $remedy:literal)?;)+) => {
        $(const $name: ProblemKind = ProblemKind {
            status: $status,
            code: $code,
            title: $title,
            detail: $detail,
            $(challenge: $challenge,)?
            $(retry: $retry,)?
            #[cfg(not(target_os = "unknown"))]
            when: $when,
            $(#[cfg(not(target_os = "unknown"))]
            remedy: $remedy,)?
            ..UNSAID
        };)+

        #[cfg(not(target_os = "unknown"))]
        impl ProblemKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$($name,)+];
        }
    };
}

kinds! {
    TOKEN_MISSING = 401, "token_missing", "Token missing",
        detail "Send a credential of a kind that WWW-Authenticate names.",
        challenge Some(Challenge::Bare),
        when "a path with `auth` got no token, no API key and no session",
        remedy "Log in.";
    TOKEN_EXPIRED = 401, "token_expired", "Token expired",
        detail "Refresh the access token and send the request again.",
        challenge Some(Challenge::InvalidToken("the token has expired")),
        when "`exp` has passed",
        remedy "Refresh, then send the request again.";
    TOKEN_INVALID = 401, "token_invalid", "Token invalid",
        detail "The credential is not valid here. Get another.",
        challenge Some(Challenge::InvalidToken("the token is not valid here")),
        when "the token breaks any other rule, or the provider refused it at the profile",
        remedy "Log in.";
    PROOF_INVALID = 401, "invalid_dpop_proof", "DPoP proof invalid",
        detail "Make a DPoP proof for this request, and send it once.",
        challenge Some(Challenge::InvalidProof),
        when "the proof beside a token that is bound to a key breaks a rule, is missing, or was used before",
        remedy "Make a proof for each request; the log has the rule.";
    PROOF_NONCE_NEEDED = 401, "use_dpop_nonce", "DPoP nonce needed",
        detail "Make the proof again, with the nonce of DPoP-Nonce.",
        challenge Some(Challenge::UseNonce),
        when "the path has a `nonce_key`, and the proof has no nonce that was given lately",
        remedy "Send the request again with a proof that has it.";
    PROOF_UNSUPPORTED = 400, "dpop_unsupported", "DPoP unsupported",
        detail "Send the request without DPoP.",
        when "a `DPoP` header came to a refresh or a callback, where the gateway requests the tokens",
        remedy "See [bound tokens](tokens.md#tokens-that-are-bound-to-a-key).";
    INSUFFICIENT_SCOPE = 403, "insufficient_scope", "Insufficient scope",
        detail "The token is valid, but not sufficient for this path.",
        challenge Some(Challenge::InsufficientScope),
        when "the token is valid, but not sufficient for the path, or the provider gave one for the upstream, or for the API of a refresh, without a scope",
        remedy "Request the scopes in the challenge.";
    INSUFFICIENT_USER_AUTHENTICATION = 401, "insufficient_user_authentication", "Insufficient user authentication",
        detail "The user was not authenticated as strongly or as recently as this path requires. Log in as the challenge says.",
        challenge Some(Challenge::InsufficientUserAuthentication),
        when "the user was not authenticated as strongly or as recently as the path requires, or the token does not say",
        remedy "Log in with the `acr_values` and the `max_age` of the challenge, see [Step-up](login.md#step-up).";
    IP_DENIED = 403, "ip_denied", "Address denied",
        detail "This path accepts no requests from this address.",
        when "the client's address may not send requests to this path";
    RATE_LIMITED = 429, "rate_limited", "Too many requests",
        detail "Send fewer requests, and the next one after Retry-After.",
        retry true,
        when "the path's `rate_limit` was exceeded, or too many codes and refresh tokens of this client were refused",
        remedy "Wait.";
    BODY_MALFORMED = 400, "body_malformed", "Malformed body",
        detail "The request's body is not what its Content-Type says.",
        when "the body of a refresh or a back-channel logout does not match its type or is for another grant, or the body of a Supabase path is not JSON",
        remedy "Correct the request.";
    BODY_TOO_LARGE = 413, "body_too_large", "Body too large",
        detail "The request's body is larger than this path reads.",
        when "a body that the gateway reads has more than 17 KiB, or a body has more than the path's `max_body_bytes` or the 4 MiB that `pre_process` may read",
        remedy "Correct the request.";
    UNSUPPORTED_MEDIA_TYPE = 415, "unsupported_media_type", "Unsupported media type",
        detail "This path accepts no body of this type.",
        when "a body that the gateway reads has another type, or a body's type is not among the path's `content_types`",
        remedy "Send JSON or a form; to the logout, a form.";
    MISSING_ACCESS_TOKEN = 401, "missing_access_token", "Missing access token",
        detail "Send the access token as X-Access-Token or as Authorization: Bearer <token>.",
        challenge Some(Challenge::Bare),
        when "a request for the profile had no token and no session",
        remedy "Log in.";
    PROFILE_UNAVAILABLE = 502, "profile_unavailable", "Profile unavailable",
        detail "The identity provider gives no profile for this session, which is as valid as before. The gateway's operator should look at the log.",
        when "the provider refused the access token of a session at its userinfo endpoint, or the session has no ID token to take the profile from",
        remedy "Keep the session. The operator sets `source` of the [profile](login.md#profile) to `id_token`.";
    TOKEN_UNAVAILABLE = 502, "token_unavailable", "Token unavailable",
        detail "The identity provider gives no access token for the API behind this path, or that was asked for. The login is as valid as before; the gateway's operator should look at the log.",
        when "the provider refused a token for the `audience` or the `resource` of the path's server or of a refresh, or gave one for another",
        remedy "Keep the session, or the refresh token in the answer. The operator lets the client request the audience: see [Tokens for several APIs](sessions.md#tokens-for-several-apis).";
    MISSING_REFRESH_TOKEN = 400, "missing_refresh_token", "Missing refresh token",
        detail "Send the refresh token as X-Refresh-Token, or as refresh_token in a JSON or form body.",
        when "a request for a refresh had no refresh token and no session",
        remedy "Log in.";
    REFRESH_TOKEN_INVALID = 401, "refresh_token_invalid", "Refresh token invalid",
        detail "The refresh token is not valid here, or no longer. Log in again.",
        challenge Some(Challenge::InvalidToken("the refresh token is no longer valid")),
        when "the provider answered `invalid_grant` to a refresh, or the client sent a token that no client can have",
        remedy "Log in.";
    REFRESH_TOKEN_USED = 409, "refresh_token_used", "Refresh token used",
        detail "The refresh token was used for another audience. Its successor is refresh_token here: replace it, and send the request again.",
        when "a refresh for an [API of the list](refresh.md#tokens-for-several-apis) came late: the refresh token was just used for another, and `refresh_token` in the answer takes its place",
        remedy "Take the `refresh_token` of the answer, and send the refresh again.";
    TARGET_INVALID = 400, "invalid_target", "Target invalid",
        detail "This path gives no token for this audience, resource or scope.",
        when "a refresh named an `audience`, `resource` or `scope` that is not in `apis` of its path",
        remedy "Correct the request, or list the API.";
    CLIENT_REFUSED = 400, "client_refused", "Client refused",
        detail "The request of this client is not allowed or not complete. The gateway's operator finds the reason in the log.",
        when "a [client that the provider does not know](tokens.md#clients-that-the-provider-does-not-know) has another `client_id` or a redirect address that is not listed, or its request lacks a parameter or repeats it; to programs, `error` says it in the words of OAuth",
        remedy "Correct the client, or list its redirect address if you know whose it is.";
    INTERACTION_REQUIRED = 401, "interaction_required", "Interaction required",
        detail "The identity provider has to ask the user. Log in again.",
        challenge Some(Challenge::InvalidToken("the user has to log in again")),
        when "the provider issues no tokens until it has asked the user (`mfa_required` and the like)",
        remedy "Log in.";
    SESSION_EXPIRED = 401, "session_expired", "Session expired",
        detail "The session has ended. Log in again.",
        challenge Some(Challenge::InvalidToken("the session has ended")),
        when "the session has ended, is unknown, or has tokens of another issuer or audience than the config's; the cookie is removed",
        remedy "Log in.";
    SESSION_NOT_FOUND = 404, "session_not_found", "Session not found",
        detail "The user has no session of this id, or it has ended.",
        when "a session was to be ended that is not, or no longer, among the user's",
        remedy "Ask for the list again.";
    SESSION_INVALID = 401, "session_invalid", "Session invalid",
        detail "The session's cookie is not valid here. Log in again.",
        challenge Some(Challenge::InvalidToken("the session is not valid here")),
        when "the cookie is malformed or altered, and is removed; or the request has two session cookies, and neither is removed",
        remedy "Log in; if it happens again, remove the site's cookies.";
    CSRF_REJECTED = 403, "csrf_rejected", "Cross-site request rejected",
        detail "A request with the session's cookie must come from the gateway's own pages or an allowed origin.",
        challenge Some(Challenge::Bare),
        when "another site may have made the request with the session's cookie, or the logout",
        remedy "Send it from a page of the gateway or of a listed origin.";
    MCP_SESSION_NOT_FOUND = 404, "mcp_session_not_found", "MCP session not found",
        detail "The caller has no such session. Begin one without Mcp-Session-Id.",
        when "`Mcp-Session-Id` on a path with [`mcp`](configuration.md#mcp) is of another user or resource, altered, or not from this gateway",
        remedy "Send `initialize` without the header, as clients do by themselves.";
    ORIGIN_DENIED = 403, "origin_denied", "Origin denied",
        detail "This path accepts no pages of this origin.",
        when "`Origin` on a path with [`mcp`](configuration.md#mcp) is neither the gateway's own nor in `cors`",
        remedy "List the origin in `cors.allow_origins`.";
    RETURN_TO_REJECTED = 400, "return_to_rejected", "Return address rejected",
        detail "return_to must be a path of this origin or lead to a listed origin.",
        when "`return_to` of a login or logout is neither a path of the gateway nor at a listed origin",
        remedy "List the origin.";
    STATE_INVALID = 400, "state_invalid", "Login state invalid",
        detail "This login did not begin in this browser, or its state was altered. Begin the login again.",
        when "`state` is missing, altered, or from another browser or callback, or `iss` is another provider",
        remedy "Begin the login again.";
    STATE_EXPIRED = 400, "state_expired", "Login state expired",
        detail "The login took too long. Begin it again.",
        when "the login took more than an hour, or longer than the provider waits",
        remedy "Begin the login again.";
    CODE_MISSING = 400, "code_missing", "Code missing",
        detail "The callback needs the code that the identity provider gave.",
        when "the callback was called without `code`",
        remedy "Begin the login again.";
    CODE_INVALID = 400, "code_invalid", "Code invalid",
        detail "The code is not valid here, or no longer: it was used before or is too old. Begin the login again.",
        when "the provider answered `invalid_grant` to the code, or the code or its state was used before",
        remedy "Begin the login again.";
    ID_TOKEN_INVALID = 400, "id_token_invalid", "ID token invalid",
        detail "The identity provider's ID token does not belong to this login. Begin the login again.",
        when "the ID token breaks a rule, or is for another login",
        remedy "Begin the login again; the log has the rule.";
    LOGIN_REQUIRED = 401, "login_required", "Login required",
        detail "The identity provider would have to ask the user. Begin a login without prompt=none.",
        challenge Some(Challenge::Bare),
        when "the provider would have to ask the user, and `prompt=none` forbids it",
        remedy "Log in without `prompt=none`.";
    LOGIN_DENIED = 403, "login_denied", "Login denied",
        detail "The user or the identity provider denied this login.",
        challenge Some(Challenge::Bare),
        when "the user or the provider denied the login, when it was made or when its tokens were to be renewed",
        remedy "Tell the user.";
    UNMET_AUTHENTICATION_REQUIREMENTS = 403, "unmet_authentication_requirements", "Authentication requirements not met",
        detail "The identity provider did not authenticate the user as strongly or as recently as this login has to.",
        challenge Some(Challenge::Bare),
        when "the provider says that it cannot authenticate the user as a [step-up](login.md#step-up) asks for, or its ID token does not say that it did",
        remedy "Set up at the provider what `acr_values` names; the log has what was found.";
    LOGOUT_TOKEN_INVALID = 400, "logout_token_invalid", "Logout token invalid",
        detail "The identity provider did not issue this logout token for this application, or it was used before.",
        when "a back-channel logout token breaks a rule, or was used before",
        remedy "Read the log.";
    MISSING_EMAIL_OR_PHONE = 400, "missing_email_or_phone", "Missing email or phone",
        detail "Send email or phone as JSON.",
        when "the body of a Supabase path has neither `email` nor `phone`",
        remedy "Correct the request.";
    MISSING_EMAIL = 400, "missing_email", "Missing email",
        detail "Send email as JSON.",
        when "the body of a Supabase path has no `email`",
        remedy "Correct the request.";
    MISSING_TOKEN_OR_CONTACT = 400, "missing_token_or_contact", "Missing token, email, or phone",
        detail "Send token, and email or phone, as JSON.",
        when "the body of a Supabase path lacks `token`, or `email` and `phone`",
        remedy "Correct the request.";
    OTP_REJECTED = 400, "otp_rejected", "One-time password not sent",
        detail "No one-time password can be sent to this address.",
        when "Supabase sends no one-time password to this address",
        remedy "Check the address.";
    OTP_INVALID = 401, "otp_invalid", "One-time password invalid",
        detail "The one-time password is wrong, was used or has expired. Request another.",
        challenge Some(Challenge::Bare),
        when "Supabase refused the one-time password",
        remedy "Request another.";
    IDP_REJECTED = 502, "idp_rejected", "Identity provider rejected the gateway",
        detail "The identity provider refused the gateway's own request. Its operator should look at the log.",
        when "the provider refused the gateway's own request",
        remedy "Check client, secret, callback URL and scopes.";
    IDP_RATE_LIMITED = 429, "idp_rate_limited", "Identity provider rate limit",
        detail "The identity provider asks for fewer requests. Keep the tokens and try again after Retry-After.",
        retry true,
        when "the provider answered 429",
        remedy "Wait.";
    IDP_ERROR = 502, "idp_error", "Identity provider error",
        detail "The identity provider failed. Keep the tokens and try again.",
        when "the provider failed, its answer was not understood, or the gateway does not accept its access token",
        remedy "Try again; the log has the reason.";
    IDP_UNAVAILABLE = 503, "idp_unavailable", "Identity provider unavailable",
        detail "The identity provider could not be reached. Tokens and session stay valid: try again after Retry-After.",
        retry true,
        when "the provider could not be reached; for a session also if it failed, took too long, or signed with a key that is not in its JWKS",
        remedy "Try again.";
    IDP_TIMEOUT = 504, "idp_timeout", "Identity provider time-out",
        detail "The identity provider took too long. Keep the tokens and try again after Retry-After.",
        retry true,
        when "the provider took too long",
        remedy "Try again.";
    STORE_UNAVAILABLE = 503, "store_unavailable", "Store unavailable",
        detail "The gateway's store could not be reached. Keep the session and the tokens, and try again after Retry-After.",
        retry true,
        when "a Durable Object could not be reached, or the rate limiter failed",
        remedy "Try again.";
    BUSY = 503, "busy", "Busy",
        detail "The gateway has no memory for this body. Send the request again after Retry-After.",
        retry true,
        when "the gateway has no memory for the body while the path's `pre_process` reads it",
        remedy "Try again.";
    SERVICE_FAILED = 502, "service_failed", "Service failed",
        detail "A service that this path needs failed. The log has the details under this request id.",
        when "a service, `pre_process` or `post_process` threw, or its answer is not usable",
        remedy "Read the log by the request id.";
    UPSTREAM_UNREACHABLE = 502, "upstream_unreachable", "Upstream unreachable",
        detail "The service behind this path could not be reached.",
        when "the upstream could not be reached, broke off before its answer, or has a status that cannot be passed on",
        remedy "Check the upstream.";
    UPSTREAM_TIMEOUT = 504, "upstream_timeout", "Upstream time-out",
        detail "The service behind this path took too long to answer.",
        when "the upstream did not begin to answer in time",
        remedy "Check the upstream, or raise `timeout_ms`.";
    ROUTE_NOT_FOUND = 404, "route_not_found", "Not found",
        detail "No path of the gateway matches this request.",
        when "no path matches";
    METHOD_NOT_ALLOWED = 405, "method_not_allowed", "Method not allowed",
        detail "The path exists, but not with this method. See the Allow header.",
        when "the path exists with other methods, which `Allow` names";
    PATH_AMBIGUOUS = 400, "path_ambiguous", "Ambiguous path",
        detail "The path can be read in more than one way. Send it without encoded slashes or dots, and without double slashes.",
        when "the path can be read in more than one way, see [Path patterns](paths.md#path-patterns)",
        remedy "Correct the address.";
    CONFIG_INVALID = 503, "config_invalid", "Gateway not configured",
        detail "The gateway has no valid configuration. Its log names each reason.",
        when "there is no valid config",
        remedy "Read the log; under `wrangler dev`, `detail` has the reasons.";
    INTERNAL_ERROR = 500, "internal_error", "Internal error",
        detail "The gateway failed while it handled this request. The log has the details under this request id.",
        when "the gateway failed",
        remedy "Read the log by the request id.";
}

impl Problem {
    pub(super) fn kind(&self) -> &'static ProblemKind {
        match self {
            Self::ConfigInvalid | Self::ConfigInvalidHere(_) => &CONFIG_INVALID,
            Self::Internal(_) => &INTERNAL_ERROR,
            Self::RouteNotFound => &ROUTE_NOT_FOUND,
            Self::MethodNotAllowed(_) => &METHOD_NOT_ALLOWED,
            Self::PathAmbiguous(_) => &PATH_AMBIGUOUS,
            Self::BodyTooLarge(_) => &BODY_TOO_LARGE,
            Self::BodyMalformed(_) => &BODY_MALFORMED,
            Self::UnsupportedMediaType => &UNSUPPORTED_MEDIA_TYPE,
            Self::IpDenied => &IP_DENIED,
            Self::RateLimited { .. } => &RATE_LIMITED,
            Self::TokenMissing => &TOKEN_MISSING,
            Self::ProofInvalid(_) => &PROOF_INVALID,
            Self::ProofNonceNeeded => &PROOF_NONCE_NEEDED,
            Self::ProofUnsupported => &PROOF_UNSUPPORTED,
            Self::TokenExpired(_) => &TOKEN_EXPIRED,
            Self::TokenInvalid(_) | Self::CredentialsMalformed | Self::AccessTokenRejected => &TOKEN_INVALID,
            Self::InsufficientScope(_) | Self::ScopeNotGiven(_) => &INSUFFICIENT_SCOPE,
            Self::InsufficientAuthentication(_) => &INSUFFICIENT_USER_AUTHENTICATION,
            Self::TokenUnavailable(_) => &TOKEN_UNAVAILABLE,
            Self::SessionExpired(_) => &SESSION_EXPIRED,
            Self::SessionInvalid(_) => &SESSION_INVALID,
            Self::SessionNotFound => &SESSION_NOT_FOUND,
            Self::McpSessionNotFound(_) => &MCP_SESSION_NOT_FOUND,
            Self::OriginDenied => &ORIGIN_DENIED,
            Self::CsrfRejected => &CSRF_REJECTED,
            Self::StoreUnavailable(_) => &STORE_UNAVAILABLE,
            Self::Busy => &BUSY,
            Self::LogoutTokenInvalid(_) | Self::LogoutTokenRefused(_) => &LOGOUT_TOKEN_INVALID,
            Self::ReturnToRejected => &RETURN_TO_REJECTED,
            Self::LoginDenied(_) => &LOGIN_DENIED,
            Self::AuthenticationUnmet(_) => &UNMET_AUTHENTICATION_REQUIREMENTS,
            Self::LoginRequired(_) => &LOGIN_REQUIRED,
            Self::CodeMissing => &CODE_MISSING,
            Self::CodeInvalid(_) => &CODE_INVALID,
            Self::StateInvalid(_) => &STATE_INVALID,
            Self::StateExpired => &STATE_EXPIRED,
            Self::IdTokenInvalid(_) | Self::NonceMismatch => &ID_TOKEN_INVALID,
            Self::AccessTokenMissing => &MISSING_ACCESS_TOKEN,
            Self::ProfileUnavailable(_) => &PROFILE_UNAVAILABLE,
            Self::RefreshTokenMissing => &MISSING_REFRESH_TOKEN,
            Self::RefreshTokenInvalid(_) => &REFRESH_TOKEN_INVALID,
            Self::RefreshTokenUsed => &REFRESH_TOKEN_USED,
            Self::TargetInvalid => &TARGET_INVALID,
            Self::ClientRefused(_) => &CLIENT_REFUSED,
            Self::InteractionRequired(_) => &INTERACTION_REQUIRED,
            Self::IdpRejected(_) => &IDP_REJECTED,
            Self::IdpRateLimited(_) => &IDP_RATE_LIMITED,
            Self::IdpError(..) | Self::AccessTokenUnfit(_) | Self::ProfileInvalid(_) => &IDP_ERROR,
            Self::IdpUnavailable(_) => &IDP_UNAVAILABLE,
            Self::IdpTimeout => &IDP_TIMEOUT,
            Self::UpstreamTimeout => &UPSTREAM_TIMEOUT,
            Self::UpstreamUnreachable(_) => &UPSTREAM_UNREACHABLE,
            Self::ServiceFailed(_) => &SERVICE_FAILED,
            Self::EmailOrPhoneMissing => &MISSING_EMAIL_OR_PHONE,
            Self::EmailMissing => &MISSING_EMAIL,
            Self::OtpOrContactMissing => &MISSING_TOKEN_OR_CONTACT,
            Self::OtpRejected(_) => &OTP_REJECTED,
            Self::OtpInvalid(_) => &OTP_INVALID,
        }
    }

    /// Returns the explanation for the client's author.
    pub(super) fn detail(&self) -> &str {
        match self {
            Self::ConfigInvalidHere(reasons) => reasons,
            Self::AccessTokenRejected => {
                "The identity provider does not accept this access token. Refresh it or log in again."
            }
            Self::AccessTokenUnfit(_) => {
                "The identity provider's access token is not valid here. The gateway's operator should look at the log."
            }
            _ => self.kind().detail,
        }
    }
}
