//! `auth0_userinfo`: the profile of the access token's owner.

use std::rc::Rc;

use crate::edge::answer::Answer;
use crate::edge::exchange::Exchange;
use crate::edge::gateway::Gateway;
use crate::edge::provider::Call;
use crate::edge::session;
use crate::oauth::judge_profile;
use crate::problem::Problem;
use crate::request::RequestHead as _;
use crate::token::{Credentials, bare_token, bearer};

/// Asks the provider for the profile, with the token of `X-Access-Token`, else the bearer token, else that of the session.
///
/// # Errors
/// What a client is told.
pub async fn run(gateway: &Gateway, exchange: &Exchange) -> Result<Answer, Problem> {
    let issuer = gateway.login_issuer()?;
    let own_header = exchange.header("x-access-token");
    let authorization = exchange.header("authorization");
    let credentials = match bare_token(own_header.as_deref()) {
        Credentials::Absent => bearer(authorization.as_deref()),
        given => given,
    };
    let token = match credentials {
        Credentials::Bearer(token) => Rc::from(token),
        Credentials::Malformed => return Err(Problem::CredentialsMalformed),
        Credentials::Absent => session::token(gateway, exchange).await?.ok_or(Problem::AccessTokenMissing)?.token,
    };
    let endpoints = issuer.endpoints(exchange).await?;
    let url = endpoints.userinfo.as_deref().ok_or(Problem::IdpError("it has no userinfo endpoint", None))?;
    let (authorization, timeout_ms) = (format!("Bearer {token}"), issuer.authorizer.timeout_ms);
    let call = Call { url, form: None, authorization: Some(&authorization), timeout_ms };
    judge_profile(&call.send().await?).map(Answer::private_json)
}
