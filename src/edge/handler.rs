//! The way of a request: config, route, preflight, authentication, integration, answer.
//!
//! This module decides only the order; what each step says is its own.

use std::rc::Rc;

use web_sys::Response;

use crate::config::{Cors, Networks};
use crate::cors::{Preflight, preflight_headers};
use crate::edge::auth::authenticate::authenticate;
use crate::edge::gateway::{self, Gateway};
use crate::edge::integrations;
use crate::edge::request::answer::{Answer, finish};
use crate::edge::request::exchange::Exchange;
use crate::edge::request::fault;
use crate::edge::request::rules::{check_anonymous_rate, check_body, check_rate};
use crate::edge::runtime::timing::now_ms;
use crate::edge::session;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::route::{Allow, Found, Match, Method, MethodRule};

/// Methods that even an `ANY` path does not take: they would show a client what the gateway tells upstreams (RFC 9110 sections
/// 9.3.6 and 9.3.8), and the Fetch standard forbids them.
const REFUSED_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// Answers a request.
pub async fn handle(exchange: &Rc<Exchange>) -> Response {
    match gateway::current(&**exchange).await {
        Ok(gateway) => {
            let outcome = answer(&gateway, exchange).await;
            finish(exchange, Some(&gateway), outcome)
        }
        Err(_) => finish(exchange, None, Err(gateway::not_configured(exchange))),
    }
}

/// Answers a request whose first instance panicked.
pub async fn handle_panicked(exchange: &Rc<Exchange>) -> Response {
    let gateway = gateway::current(&**exchange).await.ok();
    finish(exchange, gateway.as_deref(), Err(Problem::Internal))
}

async fn answer(gateway: &Rc<Gateway>, exchange: &Rc<Exchange>) -> Result<Answer, Problem> {
    fault::inject(exchange).await;
    let config = &gateway.config;
    check_address(exchange, config.networks.as_ref())?;
    let found = config.routes.find(exchange.method(), exchange.path());
    if let Some(answer) = config.cors.as_ref().and_then(|rule| answer_preflight(gateway, rule, exchange, &found)) {
        return Ok(answer);
    }
    let matched = match found {
        // Only `ANY` takes a method of these, and it takes all the others.
        Found::Route(_) if REFUSED_METHODS.contains(&exchange.method()) => {
            return Err(Problem::MethodNotAllowed(every_method()));
        }
        Found::Route(matched) => matched,
        Found::MethodNotAllowed(allow) => return Err(Problem::MethodNotAllowed(allow)),
        Found::NotFound => return Err(Problem::RouteNotFound),
        Found::Ambiguous(reason) => return Err(Problem::PathAmbiguous(reason)),
    };
    exchange.path_index.set(Some(matched.index));
    let Some(path) = config.paths.get(matched.index) else { return Err(Problem::RouteNotFound) };
    check_address(exchange, path.rules.networks.as_ref())?;
    check_rate(exchange, path, None).await?;
    let claims = match &path.access {
        Some(access) => {
            let begun = now_ms();
            let claims = authenticate(gateway, exchange, access).await;
            exchange.auth_ms.set(Some(now_ms() - begun));
            match claims {
                Ok(claims) => claims,
                // No login helps on the path of another authorizer.
                Err(problem) if gateway.login.is_some_and(|login| login != access.authorizer) => return Err(problem),
                Err(problem) => return session::or_login(gateway, exchange, problem),
            }
        }
        None => None,
    };
    match &claims {
        Some(claims) => check_rate(exchange, path, Some(claims)).await?,
        None => check_anonymous_rate(exchange, path).await?,
    }
    check_body(exchange, path)?;
    integrations::run(gateway, exchange, path, &matched, claims).await
}

/// Checks that a request comes from where it may.
///
/// # Errors
/// [`Problem::IpDenied`].
fn check_address(exchange: &Exchange, networks: Option<&Networks>) -> Result<(), Problem> {
    let Some(networks) = networks else { return Ok(()) };
    if networks.admit(exchange.header("cf-connecting-ip").as_deref()) { Ok(()) } else { Err(Problem::IpDenied) }
}

/// Answers a CORS preflight of a path that has no `OPTIONS` of its own; `None` where the request is something else.
fn answer_preflight(gateway: &Gateway, rule: &Cors, exchange: &Exchange, found: &Found<'_, '_>) -> Option<Answer> {
    if exchange.method() != Method::Options.as_str() {
        return None;
    }
    let allow = match found {
        Found::MethodNotAllowed(allow) => *allow,
        Found::Route(Match { index, .. }) => {
            let any = gateway.config.paths.get(*index).is_some_and(|path| path.method == MethodRule::Any);
            any.then(every_method)?
        }
        Found::NotFound | Found::Ambiguous(_) => return None,
    };
    let origin = exchange.header("origin")?;
    let method = exchange.header("access-control-request-method")?;
    let headers = exchange.header("access-control-request-headers");
    let preflight = Preflight { origin: &origin, method: &method, headers: headers.as_deref() };
    let headers = preflight_headers(rule, &preflight, &allow.to_string());
    Some(Answer::Preflight(headers))
}

/// Gives what an `ANY` path takes.
fn every_method() -> Allow {
    let mut allow = Allow::default();
    allow.insert(MethodRule::Any);
    allow
}
