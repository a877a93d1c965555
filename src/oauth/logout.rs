//! Logout: at the provider, of a refresh token (RFC 7009), and by the provider (OpenID Connect Back-Channel Logout 1.0).

use form_urlencoded::Serializer;
use serde_json::Value;

use super::{Form, id_token_expectations};
use crate::config::{Endpoints, Provider};
use crate::http::request::with_query;
use crate::token::{Expectations, Expiry, Kind, VerifiedClaims};

/// A logout token is taken for this long after it was issued: time enough for a provider that tries again.
const LOGOUT_TOKEN_MAX_AGE_SECS: i64 = 5 * 60;

/// The longest `jti` that is remembered, in bytes.
const JTI_MAX_BYTES: usize = 256;

/// The event that makes a token a logout token (Back-Channel Logout section 2.4).
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Returns the address of the provider's logout, which leads on to `return_to`; `return_to` itself if the provider has none.
pub fn logout_url(provider: &Provider, endpoints: &Endpoints, return_to: String) -> String {
    let Some((url, return_to_parameter)) = &endpoints.logout else { return return_to };
    let mut query = Serializer::new(String::new());
    query.append_pair("client_id", &provider.client_id).append_pair(return_to_parameter, &return_to);
    with_query(url, &query.finish())
}

/// Returns the form that revokes a refresh token (RFC 7009 section 2.1), to which `token` is still to be added.
pub fn revocation_form(provider: &Provider, endpoints: &Endpoints) -> Form {
    Form::for_revocation(provider, endpoints, &[("token_type_hint", "refresh_token")])
}

/// Returns the rules for a logout token, which is signed as ID tokens are (section 2.6). One without `exp` is accepted, since drafts of the specification have no `exp`:
/// [`validate_logout_token`] goes by its age.
pub fn logout_token_expectations(provider: &Provider) -> Expectations<'_> {
    Expectations { kind: Kind::Logout, expiry: Expiry::Optional, ..id_token_expectations(provider) }
}

/// What a logout token requests.
#[derive(Debug, PartialEq, Eq)]
pub struct LogoutRequest<'t> {
    /// The claim that names the sessions: `sid`, or else `sub`.
    pub claim: &'static str,
    /// Its value.
    pub value: &'t str,
    /// The token's id.
    pub jti: &'t str,
    /// How long the token must be remembered, in seconds since 1970.
    pub valid_until: i64,
}

/// Checks the claims of a verified token at `now` (seconds since 1970) by the rules for logout tokens (section 2.6).
///
/// # Errors
/// The first rule that it breaks, in words.
pub fn validate_logout_token(
    claims: &VerifiedClaims,
    clock_skew_secs: i64,
    now: i64,
) -> Result<LogoutRequest<'_>, &'static str> {
    let is_logout = match claims.get("events") {
        Some(Value::Object(events)) => events.get(LOGOUT_EVENT).is_some_and(Value::is_object),
        _ => false,
    };
    if !is_logout {
        return Err("events does not say that this is a logout");
    }
    if claims.get("nonce").is_some() {
        return Err("it has a nonce, as ID tokens have");
    }
    let issued_at = claims.issued_at().ok_or("iat is missing")?;
    let valid_until = issued_at.saturating_add(LOGOUT_TOKEN_MAX_AGE_SECS + clock_skew_secs);
    if now >= valid_until {
        return Err("it was issued too long ago");
    }
    let jti = claims.text("jti").filter(|jti| (1..=JTI_MAX_BYTES).contains(&jti.len()));
    let jti = jti.ok_or("jti is missing or too long")?;
    for claim in ["sid", "sub"] {
        match claims.get(claim) {
            None => {}
            Some(Value::String(value)) if !value.is_empty() => {
                return Ok(LogoutRequest { claim, value, jti, valid_until });
            }
            Some(_) => return Err("sid or sub is no text"),
        }
    }
    Err("it has neither sid nor sub")
}
