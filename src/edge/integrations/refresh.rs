//! `auth0_refresh`: a refresh token for new tokens, once for all who ask at once.

use std::rc::Rc;

use serde_json::json;

use crate::config::Auth0;
use crate::edge::answer::Answer;
use crate::edge::authenticate::{access_token_expectations, authorizer, verify};
use crate::edge::exchange::Exchange;
use crate::edge::flight::FlightRules;
use crate::edge::gateway::Gateway;
use crate::edge::provider::{Call, read_stream};
use crate::edge::timing::{LOST_AFTER_SECS, now_secs};
use crate::oauth::{
    Exchange as Grant, REFRESH_BODY_MAX_BYTES, RefreshBody, TokenAnswer, TransportError, expires_in, judge_tokens,
    read_refresh_body, refresh_form, refresh_token_name,
};
use crate::problem::Problem;
use crate::request::RequestHead as _;
use crate::secret::Secret;
use crate::token::{Credentials, Expiry, bearer};

/// Exchanges the refresh token, unless the access token beside it still holds.
///
/// # Errors
/// What a client is told, by the table of refresh outcomes in the README.
pub async fn run(gateway: &Gateway, exchange: &Exchange) -> Result<Answer, Problem> {
    let (auth0, _) = authorizer(gateway)?;
    let refresh_token = find_refresh_token(exchange).await?.ok_or(Problem::RefreshTokenMissing)?;
    if let Some(seconds) = still_valid(gateway, exchange).await? {
        let body = json!({
            "code": "token_still_valid",
            "message": "The access token is still valid; nothing was exchanged.",
            "expires_in": seconds,
        });
        return Ok(Answer::private_json(body.to_string()));
    }

    let rules = FlightRules {
        replay_ms: f64::from(auth0.rotation_grace_secs) * 1000.0,
        lost_after_ms: f64::from(auth0.timeout_ms) + LOST_AFTER_SECS as f64 * 1000.0,
    };
    let name = refresh_token_name(&refresh_token);
    let work = exchange_refresh_token(auth0.clone(), refresh_token);
    let shared = gateway.refreshes.share(exchange, name, rules, Result::is_ok, work).await;
    let tokens = shared.unwrap_or(Err(Problem::IdpTimeout))?;
    Ok(Answer::private_json(tokens.to_json(None)))
}

async fn exchange_refresh_token(auth0: Auth0, refresh_token: Secret<String>) -> Result<Rc<TokenAnswer>, Problem> {
    let form = refresh_form(&auth0, &refresh_token);
    let url = auth0.endpoint("/oauth/token");
    let call = Call { url: &url, form: Some(&form), bearer: None, timeout_ms: auth0.timeout_ms };
    judge_tokens(Grant::Refresh, &call.send().await?).map(Rc::new)
}

/// Gives the refresh token of `X-Refresh-Token`, or else of the body.
async fn find_refresh_token(exchange: &Exchange) -> Result<Option<Secret<String>>, Problem> {
    let header = exchange.header("x-refresh-token").map(|token| token.trim().to_owned());
    if let Some(token) = header.filter(|token| !token.is_empty()) {
        return Ok(Some(Secret::new(token)));
    }
    let Some(body) = exchange.request.body() else { return Ok(None) };
    let bytes = read_stream(&body, REFRESH_BODY_MAX_BYTES).await.map_err(|error| match error {
        TransportError::TooLarge => Problem::BodyTooLarge(REFRESH_BODY_MAX_BYTES),
        TransportError::Unreachable(_) | TransportError::Timeout => Problem::BodyMalformed("the body broke off"),
    })?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let kind = RefreshBody::from_content_type(&exchange.header("content-type").unwrap_or_default())?;
    let text = String::from_utf8(bytes).map_err(|_| Problem::BodyMalformed("not UTF-8"))?;
    read_refresh_body(kind, &text)
}

/// Gives for how many seconds the access token in `Authorization` still holds; `None` where it has expired or is absent.
///
/// # Errors
/// 401 where it is not genuine.
async fn still_valid(gateway: &Gateway, exchange: &Exchange) -> Result<Option<i64>, Problem> {
    let (auth0, keys) = authorizer(gateway)?;
    let header = exchange.header("authorization");
    let token = match bearer(header.as_deref()) {
        Credentials::Absent => return Ok(None),
        Credentials::Malformed => return Err(Problem::CredentialsMalformed),
        Credentials::Bearer(token) => token,
    };
    let expectations = access_token_expectations(auth0);
    let (claims, _) = verify(exchange, auth0, keys, token, &expectations, Expiry::Ignored)
        .await
        .map_err(|failure| failure.into_problem())?;
    Ok(expires_in(claims.expires_at(), now_secs()))
}
