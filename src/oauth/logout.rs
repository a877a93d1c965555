//! Logout: at the provider, of a refresh token (RFC 7009), and by the provider (OpenID Connect Back-Channel Logout 1.0).

use serde_json::Value;

use super::{Form, id_token_expectations, is_own_id_token};
use crate::config::{Authorizer, Endpoints, Provider};
use crate::encoding::FormText;
use crate::http::request::{query_parameter, with_query};
use crate::token::{Expectations, Expiry, Kind, VerifiedClaims, claimed_text};

/// A logout token is taken for this long after it was issued: time enough for a provider that tries again.
const LOGOUT_TOKEN_MAX_AGE_SECS: i64 = 5 * 60;

/// The longest address of a logout that has an ID token: servers should accept this much (RFC 9110 section 4.1), and many accept no
/// more.
const LOGOUT_URL_MAX_BYTES: usize = 8_000;

/// The longest `jti` that is remembered, in bytes.
const JTI_MAX_BYTES: usize = 256;

/// The event that makes a token a logout token (Back-Channel Logout section 2.4).
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Returns the address of the provider's logout, which leads on to `return_to`; `return_to` itself if the provider has none.
///
/// By the session's ID token an OpenID provider knows whom to log out, and need not ask (RP-Initiated Logout 1.0 section 2); it
/// sends the client's `state` along to `return_to`. Auth0's own logout has no such parameters. An ID token of another provider or
/// client, as the config had at the login, is not sent.
pub fn logout_url(
    provider: &Provider,
    endpoints: &Endpoints,
    return_to: String,
    id_token: Option<&str>,
    state: Option<&str>,
    now: i64,
) -> String {
    let Some((url, return_to_parameter)) = &endpoints.logout else { return return_to };
    let mut query = FormText::default();
    query.append_pair("client_id", &provider.client.id).append_pair(return_to_parameter, &return_to);
    if provider.endpoints.is_some() {
        return with_query(url, &query.finish());
    }
    let id_token = id_token.filter(|token| is_own_id_token(provider, token, now));
    // Entra ID asks for its own claim of an account, and not for the ID token.
    if let Some(hint) = id_token.and_then(|token| claimed_text(token, "login_hint")) {
        query.append_pair("logout_hint", &hint);
    }
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    let mut address = with_query(url, &query.finish());
    // All its characters may stand in a query as they are.
    let hint = id_token.map(|token| ["&id_token_hint=", token].concat());
    if let Some(hint) = hint.filter(|hint| address.len() + hint.len() <= LOGOUT_URL_MAX_BYTES) {
        address.push_str(&hint);
    }
    address
}

/// Returns which session at the provider a front-channel logout ends (Front-Channel Logout 1.0 section 2), if it is one of the
/// authorizer's.
///
/// Both parameters may be left out there. But any site can have a browser load an address, and does not know a `sid`.
pub fn frontchannel_sid(query: Option<&str>, authorizer: &Authorizer) -> Option<String> {
    let sid = query_parameter(query, "sid").filter(|sid| !sid.is_empty());
    let issuer = query_parameter(query, "iss");
    sid.filter(|_| issuer.is_some_and(|issuer| authorizer.accepts_issuer(&issuer)))
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
    let issued_at = claims.date("iat").ok_or("iat is missing")?;
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use std::rc::Rc;

    use super::*;
    use crate::oauth::login::tests::provider;

    const RETURN_TO: &str = "https://app.example/bye";

    /// An ID token for the client of the tests, with `claims` behind those that it needs.
    fn id_token(claims: &str, padding: usize) -> String {
        let needed = r#""aud":"client","sub":"u","exp":1600,"iat":1000"#;
        let payload = URL_SAFE_NO_PAD.encode(format!("{{{needed}{claims}}}"));
        ["h.", &payload, ".", &"s".repeat(padding)].concat()
    }

    #[test]
    fn an_openid_provider_is_told_whom_to_log_out_as_far_as_an_address_can_be_that_long() {
        let endpoints = Endpoints {
            logout: Some(("https://idp.example/logout?a=1".into(), "post_logout_redirect_uri")),
            ..Endpoints::of_auth0("https://idp.example")
        };
        let asked = "https://idp.example/logout?a=1&client_id=client\
                     &post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye";
        let own = r#","iss":"https://idp.example/""#;
        let hinting = |hint: &str| format!(r#"{own},"login_hint":"{hint}""#);
        let (short, hinting_token) = (id_token(own, 1), id_token(&hinting("O.C a"), 1));
        let room = LOGOUT_URL_MAX_BYTES - asked.len() - "&id_token_hint=".len();
        let longest = id_token(own, room - short.len() + 1);
        let too_long = id_token(&hinting("u"), LOGOUT_URL_MAX_BYTES);
        let of_another = id_token(r#","iss":"https://before.example/","login_hint":"u""#, 1);
        let for_another = id_token(&format!(r#"{own},"azp":"before""#), 1);
        assert_eq!(longest.len(), room);
        let table = [
            (None, None, String::new(), "no ID token was kept"),
            (Some(&short), None, format!("&id_token_hint={short}"), "one"),
            (None, Some("a b"), "&state=a+b".into(), "a state of the client"),
            (Some(&short), Some("x"), format!("&state=x&id_token_hint={short}"), "both"),
            (
                Some(&hinting_token),
                None,
                format!("&logout_hint=O.C+a&id_token_hint={hinting_token}"),
                "one that has a hint",
            ),
            (Some(&longest), None, format!("&id_token_hint={longest}"), "the longest"),
            (Some(&longest), Some("x"), "&state=x".into(), "one that is too long beside a state"),
            (Some(&too_long), None, "&logout_hint=u".into(), "one that is too long, whose hint is not"),
            (Some(&of_another), Some("x"), "&state=x".into(), "one of the provider before"),
            (Some(&for_another), None, String::new(), "one for the client before"),
        ];
        for (id_token, state, expected, message) in table {
            let id_token = id_token.map(String::as_str);
            // Long after it has expired.
            let url = logout_url(&provider(&[]), &endpoints, RETURN_TO.into(), id_token, state, 9_000);
            assert_eq!(url, format!("{asked}{expected}"), "{message}");
        }
    }

    #[test]
    fn a_front_channel_logout_names_its_issuer_and_a_session() {
        let authorizer = provider(&[]).authorizer;
        let table = [
            (Some("iss=https%3A%2F%2Fidp.example%2F&sid=a%2Bb"), Some("a+b"), "both"),
            (Some("sid=s&iss=https://idp.example/&x=1"), Some("s"), "in another order, and something else"),
            (Some("iss=https://idp.example&sid=s"), None, "an issuer without its slash"),
            (Some("iss=https://evil.example/&sid=s"), None, "another issuer"),
            (Some("iss=https://evil.example/&iss=https://idp.example/&sid=s"), None, "two, of which the first counts"),
            (Some("sid=s"), None, "no issuer"),
            (Some("iss=https://idp.example/"), None, "no session"),
            (Some("iss=https://idp.example/&sid="), None, "an empty one"),
            (None, None, "nothing"),
        ];
        for (query, expected, message) in table {
            assert_eq!(frontchannel_sid(query, &authorizer).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn auth0_and_a_provider_without_a_logout_are_told_nothing() {
        let auth0 = Rc::new(Endpoints::of_auth0("https://idp.example"));
        let without = Endpoints { logout: None, ..Endpoints::of_auth0("https://idp.example") };
        let hinting = id_token(r#","iss":"https://idp.example/","login_hint":"u""#, 1);
        let url = |provider: &Provider, endpoints| {
            logout_url(provider, endpoints, RETURN_TO.into(), Some(&hinting), Some("x"), 1_000)
        };
        let at_auth0 = Provider { endpoints: Some(Rc::clone(&auth0)), ..provider(&[]) };
        assert_eq!(
            url(&at_auth0, &auth0),
            "https://idp.example/v2/logout?client_id=client&returnTo=https%3A%2F%2Fapp.example%2Fbye"
        );
        assert_eq!(url(&provider(&[]), &without), RETURN_TO, "straight back");
    }

    #[test]
    fn a_refresh_token_is_revoked_as_what_it_is() {
        let form = revocation_form(&provider(&[]), &Endpoints::of_auth0("https://idp.example"));
        assert_eq!(form.body, "token_type_hint=refresh_token&client_id=client");
    }
}
