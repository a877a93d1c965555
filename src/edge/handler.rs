//! The way of a request: config, route, preflight, authentication, integration, answer.
//!
//! This module decides only the order; what each step says is its own.

use std::rc::Rc;

use web_sys::Response;

use crate::config::{Integration, Networks};
use crate::cors::answered_preflight;
use crate::edge::auth::authenticate::authenticate;
use crate::edge::gateway::{Gateway, loader};
use crate::edge::integrations::{self, McpCall};
use crate::edge::request::answer::{Answer, finish};
use crate::edge::request::context::RequestContext;
use crate::edge::request::fault;
use crate::edge::request::rules::{check_anonymous_rate, check_body, check_rate};
use crate::edge::runtime::timing::now_ms;
use crate::edge::session::login_redirect::or_login;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;

/// Answers a request.
pub async fn handle(cx: &Rc<RequestContext>) -> Response {
    match loader::current(&**cx).await {
        Ok(gateway) => {
            let outcome = answer(&gateway, cx).await;
            finish(cx, Some(&gateway), outcome)
        }
        Err(_) => finish(cx, None, Err(not_configured(cx))),
    }
}

/// Answers a request whose first instance panicked.
pub async fn handle_panicked(cx: &Rc<RequestContext>) -> Response {
    let gateway = loader::current(&**cx).await.ok();
    finish(cx, gateway.as_deref(), Err(Problem::Internal("it panicked".to_owned())))
}

/// Returns the failure of a gateway without a config, with its reasons if it runs on a developer's machine and is called there.
/// What is deployed never prints them, whatever host it is called by.
fn not_configured(cx: &RequestContext) -> Problem {
    let reasons = if cx.url().is_loopback() { loader::printable_reasons() } else { None };
    reasons.map_or(Problem::ConfigInvalid, Problem::ConfigInvalidHere)
}

async fn answer(gateway: &Rc<Gateway>, cx: &Rc<RequestContext>) -> Result<Answer, Problem> {
    let config = &gateway.config;
    check_address(cx, config.networks.as_ref())?;
    let found = gateway.known_routes.borrow_mut().find(&config.routes, cx.method(), cx.url());
    if let Some(headers) = answered_preflight(config, &**cx, &found) {
        return Ok(Answer::Preflight(headers));
    }
    let matched = Problem::or_route(found, cx.method())?;
    cx.path_index.set(Some(matched.index));
    let _ = cx.route.set((matched.rule, [matched.host, matched.pattern].concat()));
    let Some(path) = config.paths.get(matched.index) else { return Err(Problem::RouteNotFound) };
    // What is passed on, or shown to others, has all headers in one crossing.
    if !matches!(path.integration, Integration::Fixed(_)) {
        cx.headers();
    }
    check_address(cx, path.rules.networks.as_ref())?;
    check_rate(cx, path, None).await?;
    let claims = match &path.access {
        Some(access) => {
            let begun = gateway.begin_measuring();
            let claims = authenticate(gateway, cx, access).await;
            cx.auth_ms.set(begun.map(|begun| now_ms() - begun));
            match claims {
                Ok(claims) => claims,
                // A login does not help on the path of another authorizer.
                Err(problem) if config.logs_in_elsewhere(access) => return Err(problem),
                Err(problem) => return or_login(gateway, cx, access, problem),
            }
        }
        None => None,
    };
    match &claims {
        Some(claims) => check_rate(cx, path, Some(claims)).await?,
        None => check_anonymous_rate(cx, path).await?,
    }
    fault::inject(cx);
    check_body(cx, path)?;
    let call = match (&path.mcp, &claims) {
        (None, _) => None,
        (Some(mcp), Some(claims)) => Some(McpCall { gateway, cx, path, mcp, claims }),
        (Some(_), None) => return Err(Problem::TokenMissing),
    };
    if let Some(call) = &call
        && let Some(work) = call.admit()?
    {
        work.await?;
    }
    let answer = integrations::run(gateway, cx, path, &matched, claims.clone()).await?;
    if let Some(call) = &call
        && let Some(work) = call.answered(&answer)?
    {
        work.await?;
    }
    Ok(answer)
}

/// Checks that a request comes from an allowed address.
///
/// # Errors
/// [`Problem::IpDenied`].
fn check_address(cx: &RequestContext, networks: Option<&Networks>) -> Result<(), Problem> {
    let Some(networks) = networks else { return Ok(()) };
    if networks.admit(cx.header("cf-connecting-ip")) { Ok(()) } else { Err(Problem::IpDenied) }
}
