//! `auth0_login`: the redirect to the provider.

use crate::config::{BINDING_COOKIE, Endpoints, Login, Provider};
use crate::edge::gateway::application::Application;
use crate::edge::gateway::{Gateway, provider_failures};
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::sealing::seal;
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto::{digest, fresh_text, random_bytes};
use crate::http::cookie::{self, SameSite, Sent};
use crate::http::request::{RequestHead as _, query_parameter};
use crate::oauth::{
    Form, LOGIN_STATE_MAX_SECS, LoginRandom, LoginState, asked_authentication, authorization_request,
    authorization_url, parse_pushed_response, pushed_endpoint, state_context, validate_return_to,
};
use crate::problem::Problem;

/// Length of the binding cookie's value: 16 random bytes as base64url.
const BINDING_CHARS: usize = 22;

/// Names the purpose of the key that seals login state.
pub const STATE_KEY_PURPOSE: &str = "bargate sealing v1";

/// Redirects to the provider's login.
///
/// # Errors
/// [`Problem::ReturnToRejected`]; the provider's failure if its endpoints are not known, or if it does not take a pushed request;
/// [`Problem::Internal`] if WebCrypto fails.
pub async fn run(
    gateway: &Gateway,
    cx: &RequestContext,
    login: &Login,
    redirect_uri: &str,
    return_to_origins: &[String],
) -> Result<Answer, Problem> {
    let provider = &login.provider;
    let return_to = match query_parameter(cx.query(), "return_to") {
        Some(written) => {
            let of_session = gateway.config.session.as_ref().map(|session| session.rules.return_to_origins.as_slice());
            let origins = [return_to_origins, of_session.unwrap_or_default()].concat();
            Some(validate_return_to(&written, &cx.origin(), &origins)?)
        }
        None => None,
    };

    let random = LoginRandom { verifier: random_bytes()?, nonce: random_bytes()? };
    let binding = browser_binding(cx)?;
    let authentication = asked_authentication(&gateway.config, cx.query());
    let state = LoginState::begin(&random, return_to, authentication, now_secs());
    let (secret, context) = (login.sealing_secret.expose(), state_context(&binding, redirect_uri));
    let sealed = seal(secret.as_bytes(), STATE_KEY_PURPOSE, &context, &state.to_bytes()).await?;

    let challenge = digest(&state.verifier).await?;
    let application = gateway.application(provider);
    let endpoints = application.endpoints(cx).await?;
    let request = authorization_request(provider, &state, &sealed, &challenge, redirect_uri, cx.query());
    let location = location_at_provider(&application, &endpoints, request).await?;
    keep_binding(cx, provider, &binding);
    Ok(Answer::redirect(302, location))
}

/// Returns the address of the provider's login for an authorization request, which is pushed if that is to be.
///
/// # Errors
/// The provider's failure if it does not take a pushed request.
pub async fn location_at_provider(
    application: &Application,
    endpoints: &Endpoints,
    mut request: String,
) -> Result<String, Problem> {
    let provider = &application.provider;
    if let Some(endpoint) = pushed_endpoint(provider, endpoints)? {
        let form = Form::for_pushed(provider, endpoints, request);
        let pushed = application.send(endpoint, form).await.map_err(Problem::from);
        let pushed = pushed.and_then(|answer| parse_pushed_response(&answer));
        request = pushed.inspect_err(provider_failures::note)?;
    }
    Ok(authorization_url(provider, endpoints, request))
}

/// Returns the value of this browser's binding cookie. One that is there already serves every tab.
///
/// # Errors
/// If there is no randomness.
pub fn browser_binding(cx: &RequestContext) -> Result<String, Problem> {
    Ok(match binding(cx) {
        Some(value) => value,
        None => fresh_text()?,
    })
}

/// Sets the binding cookie for as long as a login may take: of one that is there, the lifetime begins again.
pub fn keep_binding(cx: &RequestContext, provider: &Provider, value: &str) {
    let same_site = if provider.posts_responses { SameSite::None } else { SameSite::Lax };
    let set_cookie = cookie::set(BINDING_COOKIE, value, LOGIN_STATE_MAX_SECS, same_site, cx.is_plain_loopback());
    // No other cookie was to be set on this path.
    let _ = cx.set_cookie.set(set_cookie);
}

/// Returns the value of this browser's binding cookie, if it has one that we could have set.
pub fn binding(cx: &RequestContext) -> Option<String> {
    let name = cookie::name_on(BINDING_COOKIE, cx.is_plain_loopback());
    let Sent::Once(value) = cookie::sent(cx, name) else { return None };
    let ours =
        value.len() == BINDING_CHARS && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    ours.then_some(value)
}
