//! `auth0_backchannel_logout`: the provider ending sessions (OpenID Connect Back-Channel Logout 1.0).

use serde_json::Value;

use crate::edge::auth::provider::read_body;
use crate::edge::gateway::Gateway;
use crate::edge::gateway::issuer::VerifyError;
use crate::edge::objects::{Class, is_replayed, spend};
use crate::edge::request::answer::Answer;
use crate::edge::request::exchange::Exchange;
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto::digest;
use crate::http::request::query_parameter;
use crate::oauth::{BodyKind, judge_logout_token};
use crate::problem::Problem;
use crate::session::index_subject;
use crate::token::Kind;

/// Ends the sessions that a logout token names.
///
/// # Errors
/// 400 where the token is none or was used before; 503 where a session could not be ended, so that the provider tries again.
pub async fn run(gateway: &Gateway, exchange: &Exchange) -> Result<Answer, Problem> {
    let issuer = gateway.login_issuer()?;
    let body = read_body(exchange).await?;
    let token = match BodyKind::of(exchange)? {
        BodyKind::Form => query_parameter(body.as_deref(), "logout_token"),
        BodyKind::Json => return Err(Problem::UnsupportedMediaType),
    };
    let token = token.ok_or(Problem::LogoutTokenRefused("there is none"))?;
    let claims = issuer.verify_for_client(exchange, &token, Kind::Logout).await.map_err(|failure| match failure {
        VerifyError::Token(error) => Problem::LogoutTokenInvalid(error),
        VerifyError::Keys(problem) => problem,
    })?;
    let logout = judge_logout_token(&claims, issuer.authorizer.clock_skew_secs, now_secs())
        .map_err(Problem::LogoutTokenRefused)?;

    let index = digest(&index_subject(logout.claim, &issuer.authorizer.issuer, logout.value)).await?;
    let message = spend(logout.jti, logout.good_until)?;
    let answer = Class::LogoutIndex.ask(exchange, &index, &message, issuer.authorizer.timeout_ms).await?;
    if is_replayed(&answer) {
        return Err(Problem::LogoutTokenRefused("it was used before"));
    }
    if answer.get("failed").and_then(Value::as_bool) != Some(false) {
        return Err(Problem::StoreUnavailable("a session could not be ended".to_owned()));
    }
    Ok(Answer::private_json("{}".to_owned()))
}
