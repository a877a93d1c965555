//! `auth0_login`: the redirect to the provider.

use std::rc::Rc;

use crate::config::{Auth0, Login};
use crate::edge::answer::Answer;
use crate::edge::authenticate::authorizer;
use crate::edge::exchange::Exchange;
use crate::edge::gateway::Gateway;
use crate::edge::log;
use crate::edge::sealing::SealingKey;
use crate::edge::timing::now_secs;
use crate::edge::webcrypto::{CryptoError, random_bytes};
use crate::oauth::{
    LOGIN_STATE_MAX_SECS, LoginRandom, LoginState, authorize_url, binding_cookie_name, random_text, state_context,
    validate_return_to,
};
use crate::problem::Problem;
use crate::request::{RequestHead as _, cookie, query_parameter};

/// Length of the binding cookie's value: 16 random bytes as base64url.
const BINDING_CHARS: usize = 22;

/// Redirects to the provider's login.
///
/// # Errors
/// [`Problem::ReturnToRejected`]; [`Problem::Internal`] where WebCrypto fails.
pub async fn run(gateway: &Gateway, exchange: &Exchange, login: &Login) -> Result<Answer, Problem> {
    let (auth0, _) = authorizer(gateway)?;
    let redirect_uri = redirect_uri(auth0, login.redirect_uri.as_deref())?;
    let return_to = match query_parameter(exchange.query(), "return_to") {
        Some(written) => Some(validate_return_to(&written, &exchange.origin(), &login.return_to_origins)?),
        None => None,
    };

    let random = LoginRandom {
        verifier: random_bytes().map_err(|error| crypto_failed(&error))?,
        nonce: random_bytes().map_err(|error| crypto_failed(&error))?,
    };
    // A cookie that is there already serves every tab; its life begins anew.
    let binding = match binding(exchange) {
        Some(binding) => binding,
        None => random_text(&random_bytes::<16>().map_err(|error| crypto_failed(&error))?),
    };
    let state = LoginState::begin(&random, return_to, now_secs());
    let key = sealing_key(gateway, auth0).await?;
    let sealed = key
        .seal(&state.to_bytes(), &state_context(&binding, redirect_uri))
        .await
        .map_err(|error| crypto_failed(&error))?;

    let plain = exchange.is_plain_loopback();
    let (name, secure) = (binding_cookie_name(plain), if plain { "" } else { "; Secure" });
    let set_cookie =
        format!("{name}={binding}; Path=/; HttpOnly; SameSite=Lax; Max-Age={LOGIN_STATE_MAX_SECS}{secure}");
    let location = authorize_url(auth0, &state, &sealed, redirect_uri, exchange.query());
    let headers = vec![
        ("location", location.into()),
        ("set-cookie", set_cookie.into()),
        ("cache-control", "no-store".into()),
        ("referrer-policy", "no-referrer".into()),
    ];
    Ok(Answer::Made { status: 302, headers, body: None })
}

/// Gives the value of this browser's binding cookie, where it has one that we could have set.
pub fn binding(exchange: &Exchange) -> Option<String> {
    let header = exchange.header("cookie")?;
    let value = cookie(&header, binding_cookie_name(exchange.is_plain_loopback()))?;
    let ours =
        value.len() == BINDING_CHARS && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    ours.then(|| value.to_owned())
}

/// Gives the key that seals login state, derived once.
///
/// # Errors
/// [`Problem::ConfigInvalid`] where the authorizer has no secret to derive it from.
pub async fn sealing_key(gateway: &Gateway, auth0: &Auth0) -> Result<Rc<SealingKey>, Problem> {
    if let Some(key) = gateway.sealing_key.get() {
        return Ok(Rc::clone(key));
    }
    let secret = auth0.sealing_key.as_ref().or(auth0.client_secret.as_ref()).ok_or(Problem::ConfigInvalid)?;
    let key = Rc::new(SealingKey::derive(secret).await.map_err(|error| crypto_failed(&error))?);
    Ok(Rc::clone(gateway.sealing_key.get_or_init(|| key)))
}

/// Gives the callback's address: the path's own, or else the authorizer's.
///
/// # Errors
/// [`Problem::ConfigInvalid`] where neither has one.
pub fn redirect_uri<'c>(auth0: &'c Auth0, own: Option<&'c str>) -> Result<&'c str, Problem> {
    own.or(auth0.redirect_uri.as_deref()).ok_or(Problem::ConfigInvalid)
}

/// Logs what WebCrypto said, and gives the answer.
pub fn crypto_failed(error: &CryptoError) -> Problem {
    log::error("internal_error", &format!("WebCrypto: {}", error.0));
    Problem::Internal
}
