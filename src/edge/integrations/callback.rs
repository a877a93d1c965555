//! `auth0_callback`: the browser back from the provider, with a code or an error.

use crate::config::{Auth0, CallbackResponse, Integration};
use crate::edge::answer::Answer;
use crate::edge::authenticate::{VerifyError, authorizer, verify};
use crate::edge::exchange::Exchange;
use crate::edge::gateway::Gateway;
use crate::edge::integrations::login::{binding, crypto_failed, redirect_uri, sealing_key};
use crate::edge::key_ring::KeyRing;
use crate::edge::provider::Call;
use crate::edge::timing::now_secs;
use crate::edge::webcrypto::random_bytes;
use crate::oauth::{
    Exchange as Grant, LoginState, TokenAnswer, code_form, judge_authorization_error, judge_tokens, random_text,
    state_context, web_message_page,
};
use crate::problem::Problem;
use crate::request::{RequestHead as _, query_parameter};
use crate::token::{Expectations, Expiry, TokenError};

/// Exchanges the code and hands over the tokens.
///
/// # Errors
/// What a client is told; in a web message it is told in the message.
pub async fn run(
    gateway: &Gateway,
    exchange: &Exchange,
    response: &CallbackResponse,
    own_redirect_uri: Option<&str>,
) -> Result<Answer, Problem> {
    let outcome = exchange_code(gateway, exchange, own_redirect_uri).await;
    match response {
        CallbackResponse::Json => outcome.map(Answer::private_json),
        CallbackResponse::WebMessage { target_origin } => {
            let message = outcome.unwrap_or_else(|problem| exchange.told.get_or_init(|| problem).body(&exchange.id));
            web_message(&message, target_origin)
        }
    }
}

async fn exchange_code(
    gateway: &Gateway,
    exchange: &Exchange,
    own_redirect_uri: Option<&str>,
) -> Result<String, Problem> {
    let (auth0, keys) = authorizer(gateway)?;
    let redirect_uri = redirect_uri(auth0, own_redirect_uri)?;
    let parameter = |name: &str| query_parameter(exchange.query(), name);
    let state = match has_login(gateway) {
        true => Some(open_state(gateway, exchange, auth0, parameter("state"), redirect_uri).await?),
        false => None,
    };
    if let Some(error) = parameter("error") {
        // Without a state to go by, anybody could have written the description, and it stays out of the log.
        let description = parameter("error_description").filter(|_| state.is_some());
        return Err(judge_authorization_error(&error, description.as_deref()));
    }
    let code = parameter("code").filter(|code| !code.is_empty()).ok_or(Problem::CodeMissing)?;
    // A code is good once, so it is not spent before there are keys to check what comes back.
    keys.current(exchange, auth0).await?;
    let form = code_form(auth0, &code, redirect_uri, state.as_ref().map(|state| state.verifier.as_str()));
    let url = auth0.endpoint("/oauth/token");
    let call = Call { url: &url, form: Some(&form), bearer: None, timeout_ms: auth0.timeout_ms };
    let tokens = judge_tokens(Grant::Code, &call.send().await?)?;
    verify_id_token(exchange, auth0, keys, &tokens, state.as_ref()).await?;
    Ok(tokens.to_json(state.as_ref().and_then(|state| state.return_to.as_deref())))
}

/// Tells whether logins begin at this gateway, so that every callback must carry its state.
fn has_login(gateway: &Gateway) -> bool {
    gateway.config.paths.iter().any(|path| matches!(path.integration, Integration::Login(_)))
}

async fn open_state(
    gateway: &Gateway,
    exchange: &Exchange,
    auth0: &Auth0,
    sealed: Option<String>,
    redirect_uri: &str,
) -> Result<LoginState, Problem> {
    let sealed = sealed.ok_or(Problem::StateInvalid("no state parameter"))?;
    let binding = binding(exchange).ok_or(Problem::StateInvalid("this browser has no login cookie"))?;
    let key = sealing_key(gateway, auth0).await?;
    let opened = key.open(&sealed, &state_context(&binding, redirect_uri)).await;
    let bytes = opened.ok_or(Problem::StateInvalid("altered, or of another browser or callback"))?;
    LoginState::from_bytes(&bytes, now_secs())
}

/// Verifies the ID token (OpenID Connect Core section 3.1.3.7); a login that asked for `openid` must bring one.
async fn verify_id_token(
    exchange: &Exchange,
    auth0: &Auth0,
    keys: &KeyRing,
    tokens: &TokenAnswer,
    state: Option<&LoginState>,
) -> Result<(), Problem> {
    let Some(id_token) = tokens.id_token() else {
        let asked = auth0.scope.split(' ').any(|scope| scope == "openid");
        return if asked { Err(Problem::IdpError("no ID token came with the tokens", Some(200))) } else { Ok(()) };
    };
    let expectations =
        Expectations { issuer: &auth0.issuer, audience: &auth0.client_id, clock_skew_secs: auth0.clock_skew_secs };
    let (claims, _) =
        verify(exchange, auth0, keys, id_token.expose(), &expectations, Expiry::Enforced).await.map_err(|failure| {
            match failure {
                VerifyError::Token(error) => Problem::IdTokenInvalid(error),
                VerifyError::Keys(problem) => problem,
            }
        })?;
    claims
        .check_authorized_party(&auth0.client_id)
        .map_err(|error| Problem::IdTokenInvalid(TokenError::Claim(error)))?;
    match state {
        Some(state) if claims.text("nonce") != Some(&state.nonce) => Err(Problem::NonceMismatch),
        _ => Ok(()),
    }
}

fn web_message(message: &str, target_origin: &str) -> Result<Answer, Problem> {
    let nonce = random_text(&random_bytes::<16>().map_err(|error| crypto_failed(&error))?);
    let (page, policy) = web_message_page(message, target_origin, &nonce);
    let headers = vec![
        ("content-type", "text/html; charset=utf-8".into()),
        ("cache-control", "no-store".into()),
        ("content-security-policy", policy.into()),
        ("referrer-policy", "no-referrer".into()),
    ];
    Ok(Answer::Made { status: 200, headers, body: Some(page) })
}
