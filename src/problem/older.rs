//! The codes that SAG (serverless-api-gateway) had for failures, for clients that go by them.

use super::failure::Problem;
use crate::config::{Authorizer, Integration, Path, SupabaseStep};
use crate::token::{ClaimError, TokenError};

const AUTH_ERROR: &str = "AUTH_ERROR";

impl Problem {
    /// Returns the code that SAG had for this failure at `path`, whose tokens `authorizer` issues; `None` for a failure that it did
    /// not tell apart.
    pub fn older_code(&self, path: Option<&Path>, authorizer: Option<&Authorizer>) -> Option<&'static str> {
        let of_supabase = authorizer.is_some_and(|authorizer| authorizer.is_supabase);
        let otp = match path.map(|path| &path.integration) {
            Some(Integration::Supabase(supabase)) => Some(match supabase.step {
                SupabaseStep::Send => "SUPABASE_OTP_SEND_FAILED",
                SupabaseStep::SendEmail => "SUPABASE_OTP_ALT_FAILED",
                SupabaseStep::Verify => "SUPABASE_OTP_VERIFY_FAILED",
            }),
            _ => None,
        };
        let code = match self {
            Self::TokenMissing | Self::CredentialsMalformed => AUTH_ERROR,
            Self::TokenExpired(_) if of_supabase => "JWT_EXPIRED",
            Self::TokenInvalid(error) if of_supabase => match **error {
                TokenError::Claim(ClaimError::NotYetValid { claim: "nbf", .. }) => "JWT_NOT_ACTIVE",
                _ => "JWT_INVALID",
            },
            Self::TokenExpired(error) | Self::TokenInvalid(error) | Self::IdTokenInvalid(error) => code_of_jose(error),
            Self::OtpRejected(_) | Self::OtpInvalid(_) => return otp,
            Self::IdpUnavailable(_) | Self::IdpTimeout => otp.unwrap_or("AUTH0_NETWORK_ERROR"),
            Self::IdpError(_, None | Some(..400)) => otp.unwrap_or("AUTH0_ERROR"),
            // By an answer, and not by an address that led back from the provider: to that SAG paid no attention.
            Self::LoginDenied(error) if error.status.is_none() => return None,
            Self::AccessTokenRejected
            | Self::CodeInvalid(_)
            | Self::RefreshTokenInvalid(_)
            | Self::LoginDenied(_)
            | Self::InteractionRequired(_)
            | Self::IdpRejected(_)
            | Self::IdpRateLimited(_)
            | Self::IdpError(..) => otp.unwrap_or("AUTH0_UPSTREAM_ERROR"),
            _ => return None,
        };
        Some(code)
    }
}

/// Returns the code of the error of `jose`, by which SAG checked tokens; it passed on those of some classes only.
fn code_of_jose(error: &TokenError) -> &'static str {
    match error {
        TokenError::Claim(ClaimError::Expired { .. }) => "ERR_JWT_EXPIRED",
        TokenError::Claim(_) | TokenError::OtherKind => "ERR_JWT_CLAIM_VALIDATION_FAILED",
        TokenError::MalformedClaims | TokenError::ContentType => "ERR_JWT_INVALID",
        TokenError::TooLong { .. }
        | TokenError::NotThreeParts
        | TokenError::NotBase64Url
        | TokenError::MalformedHeader => "ERR_JWS_INVALID",
        TokenError::NoKey { kid: Some(_) } | TokenError::KeyLeftOut { .. } => "ERR_JWKS_NO_MATCHING_KEY",
        TokenError::NoKey { kid: None } => "ERR_JWKS_MULTIPLE_MATCHING_KEYS",
        // SAG asked no provider about a token, and for no proof, and had no API keys.
        TokenError::Inactive | TokenError::WithoutProof | TokenError::ApiKey(_) => AUTH_ERROR,
        #[cfg(not(target_os = "unknown"))]
        TokenError::Proof(_) => AUTH_ERROR,
        TokenError::BadSignature => "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        TokenError::AlgorithmNotAllowed { .. } | TokenError::CriticalExtension => AUTH_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{UnknownBindings, load};
    use crate::problem::{ProviderError, RetryAfter};

    const SOURCE: &str = r#"{
        "authorizer": { "type": "supabase", "issuer": "https://p.supabase.co/auth/v1", "jwt_secret": "a secret of thirty-two bytes ok!" },
        "paths": [
            { "method": "GET", "path": "/notes", "auth": true, "response": {} },
            { "method": "POST", "path": "/send", "integration": { "type": "supabase_passwordless_auth", "url": "https://p.supabase.co", "key": "k" } },
            { "method": "POST", "path": "/alt", "integration": { "type": "supabase_passwordless_auth_alt", "url": "https://p.supabase.co", "key": "k" } },
            { "method": "POST", "path": "/verify", "integration": { "type": "supabase_passwordless_verify", "url": "https://p.supabase.co", "key": "k" } }
        ]
    }"#;

    #[test]
    fn tokens_of_supabase_and_its_steps_of_a_login_have_codes_of_their_own() {
        let config = load(SOURCE, &UnknownBindings).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let not_yet = |claim| TokenError::Claim(ClaimError::NotYetValid { claim, at: 1, now: 0 });
        let expired = TokenError::Claim(ClaimError::Expired { at: 0, now: 1 });
        let refused = Box::<ProviderError>::default;
        let answered = || Box::new(ProviderError { status: Some(403), ..ProviderError::default() });
        let table = [
            (0, Problem::from(expired), "JWT_EXPIRED"),
            (0, Problem::from(not_yet("nbf")), "JWT_NOT_ACTIVE"),
            (0, Problem::from(not_yet("iat")), "JWT_INVALID"),
            (0, Problem::from(TokenError::BadSignature), "JWT_INVALID"),
            (0, Problem::TokenMissing, "AUTH_ERROR"),
            (0, Problem::LoginDenied(answered()), "AUTH0_UPSTREAM_ERROR"),
            (1, Problem::OtpRejected(refused()), "SUPABASE_OTP_SEND_FAILED"),
            (1, Problem::IdpRateLimited(RetryAfter::default()), "SUPABASE_OTP_SEND_FAILED"),
            (2, Problem::IdpTimeout, "SUPABASE_OTP_ALT_FAILED"),
            (3, Problem::OtpInvalid(refused()), "SUPABASE_OTP_VERIFY_FAILED"),
            (3, Problem::IdpError("no JSON", None), "SUPABASE_OTP_VERIFY_FAILED"),
        ];
        for (index, problem, expected) in table {
            let path = config.paths.get(index);
            let authorizer = path.and_then(|path| Some(&*path.access.as_ref()?.authorizer));
            assert_eq!(problem.older_code(path, authorizer), Some(expected), "{index}: {problem:?}");
        }
        assert_eq!(Problem::EmailMissing.older_code(config.paths.get(1), None), None, "the same in both");
        assert_eq!(Problem::LoginDenied(refused()).older_code(None, None), None, "of a login that came back");
    }
}
