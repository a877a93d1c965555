//! What answers a path once the request has passed every check.

mod backchannel_logout;
mod callback;
mod login;
mod logout;
mod proxy;
mod refresh;
mod userinfo;

use std::rc::Rc;

use super::answer::Answer;
use super::exchange::Exchange;
use super::gateway::Gateway;
use crate::config::{Integration, Path};
use crate::problem::Problem;
use crate::request::RequestHead as _;
use crate::route::{Match, Method};
use crate::token::VerifiedClaims;

/// Answers a request by the path's integration.
///
/// # Errors
/// What a client is told instead.
pub async fn run(
    gateway: &Rc<Gateway>,
    exchange: &Rc<Exchange>,
    path: &Path,
    matched: &Match<'_, '_>,
    claims: Option<Rc<VerifiedClaims>>,
) -> Result<Answer, Problem> {
    let spends = match path.integration {
        Integration::Callback { .. } | Integration::Refresh | Integration::Logout | Integration::BackchannelLogout => {
            true
        }
        Integration::Fixed(_) | Integration::HttpProxy { .. } | Integration::Login(_) | Integration::Userinfo => false,
    };
    if spends && exchange.method() == Method::Head.as_str() {
        // A link preview must not use up a code, rotate a token or end a session (RFC 9110 section 9.2.1).
        return Ok(Answer::private_json(String::new()));
    }
    match &path.integration {
        Integration::Fixed(fixed) => {
            let headers = vec![("content-type", "application/json".into())];
            Ok(Answer::Made { status: 200, headers, body: Some(fixed.body.clone()) })
        }
        Integration::HttpProxy { server } => {
            let server = gateway.config.servers.get(*server).ok_or(Problem::ConfigInvalid)?;
            proxy::run(gateway, exchange, path, server, matched.forward_path(), claims.as_deref()).await
        }
        Integration::Login(login) => login::run(gateway, exchange, login).await,
        Integration::Callback { response, redirect_uri } => {
            callback::run(gateway, exchange, response, redirect_uri.as_deref()).await
        }
        Integration::Userinfo => userinfo::run(gateway, exchange).await,
        Integration::Refresh => refresh::run(gateway, exchange).await,
        Integration::Logout => logout::run(gateway, exchange).await,
        Integration::BackchannelLogout => backchannel_logout::run(gateway, exchange).await,
    }
}
