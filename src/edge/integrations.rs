//! What answers a path once the request has passed every check.

mod authorization_server;
mod backchannel_logout;
mod cache;
mod callback;
mod frontchannel_logout;
mod health;
pub(super) mod login;
mod logout;
mod mcp;
mod proxy;
mod refresh;
mod revocation;
mod service;
mod sessions;
mod supabase;
mod userinfo;

use std::rc::Rc;

use crate::answer::redirect_location;
use crate::config::{Integration, Path, Redirect};
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::boxed::{Boxed, boxed};
use crate::edge::session::access::use_token_for;
use crate::edge::session::login_redirect::or_login;
use crate::edge::session::watch;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::route::{Match, Method};
use crate::token::VerifiedClaims;
pub use mcp::McpCall;
use proxy::Forwarded;
use service::ServiceCall;

/// Answers a request by the path's integration, once what comes before it lets that happen.
///
/// # Errors
/// The answer to the client instead.
pub async fn run(
    gateway: &Rc<Gateway>,
    cx: &Rc<RequestContext>,
    path: &Path,
    matched: &Match<'_, '_>,
    claims: Option<Rc<VerifiedClaims>>,
) -> Result<Answer, Problem> {
    if path.integration.spends() && cx.method() == Method::Head.as_str() {
        return Ok(Answer::private_json(String::new()));
    }
    let service = ServiceCall { gateway, cx, path, matched, claims: claims.as_deref() };
    if let Some(rpc) = &path.pre_process
        && let Some(answer) = service.ask_first(rpc).await?
    {
        return Ok(answer);
    }
    let work: Boxed<'_, _> = match &path.integration {
        Integration::Fixed(fixed) => return Ok(Answer::Fixed(Rc::clone(fixed))),
        Integration::Redirect(redirect) => return redirected(redirect, matched),
        Integration::ProtectedResource(resource, _) => {
            let headers = vec![("content-type".into(), "application/json".into())];
            return Ok(Answer::Made { status: 200, headers, body: Some(resource.to_json(&cx.origin())), policy: None });
        }
        Integration::AuthorizationServer(server, endpoint) => {
            Box::pin(authorization_server::run(gateway, cx, server, *endpoint))
        }
        Integration::HttpProxy { server, prefix, close_at_expiry, target } => Box::pin(async {
            if let Some(target) = target.as_deref()
                && let Some(access) = &path.access
                && let Err(problem) = boxed(use_token_for(gateway, cx, target)).await
            {
                return or_login(gateway, cx, access, problem);
            }
            let prefix = prefix.as_deref().or(matched.literal_prefix()).unwrap_or_default();
            let forwarded = Forwarded { path: matched.forward_path(prefix), prefix };
            let raw = *close_at_expiry && claims.is_some();
            proxy::run(gateway, cx, path, server, forwarded, claims.as_deref(), raw).await
        }),
        Integration::ServiceBinding { binding, function } => Box::pin(service.binding(binding, function.as_deref())),
        Integration::Service(name) => Box::pin(service.module(name)),
        Integration::Login { login, redirect_uri, return_to_origins } => {
            Box::pin(login::run(gateway, cx, login, redirect_uri, return_to_origins))
        }
        Integration::Callback { provider, login, redirect_uri, response, post_process } => Box::pin(async move {
            let application = gateway.application(provider);
            let login = callback::log_in(gateway, cx, application, login.as_deref(), redirect_uri);
            let login = boxed(login).await;
            let login = match (login, post_process) {
                (Ok(login), Some(rpc)) => {
                    let notified = ServiceCall { claims: login.id_claims.as_ref(), ..service }.notify(rpc).await;
                    notified.inspect_err(|_| login.discard(cx)).map(|()| login)
                }
                (login, _) => login,
            };
            callback::answer(gateway, cx, response, login).await
        }),
        Integration::Userinfo { provider, source } => {
            Box::pin(userinfo::run(gateway, cx, gateway.application(provider), *source, claims.as_deref()))
        }
        Integration::Refresh { provider, targets } => {
            Box::pin(refresh::run(gateway, cx, gateway.application(provider), targets, claims.is_some()))
        }
        Integration::Revocation(provider) => Box::pin(revocation::run(gateway, cx, gateway.application(provider))),
        Integration::Logout(session) => Box::pin(logout::run(gateway, cx, session)),
        Integration::BackchannelLogout(provider) => {
            Box::pin(backchannel_logout::run(cx, gateway.application(provider)))
        }
        Integration::FrontchannelLogout(session) => Box::pin(frontchannel_logout::run(gateway, cx, session)),
        Integration::Sessions(session) => Box::pin(sessions::run(gateway, cx, session, matched, claims.as_deref())),
        Integration::Supabase(supabase) => Box::pin(supabase::run(cx, supabase)),
        Integration::Health { checks_objects } => Box::pin(health::run(gateway, cx, *checks_objects)),
    };
    let closes = path.mcp.is_some() || matches!(path.integration, Integration::HttpProxy { close_at_expiry: true, .. });
    match (work.await?, claims.as_deref().filter(|_| closes)) {
        (Answer::Relayed(response), Some(claims)) => {
            watch::close_at_expiry(gateway, cx, path, &response, claims).map(Answer::Relayed)
        }
        (answer, _) => Ok(answer),
    }
}

/// Returns the redirect for a path.
///
/// # Errors
/// Those of [`redirect_location`].
fn redirected(redirect: &Redirect, matched: &Match<'_, '_>) -> Result<Answer, Problem> {
    let headers = vec![("location".into(), redirect_location(redirect, matched)?.into())];
    Ok(Answer::Made { status: redirect.status, headers, body: None, policy: None })
}
