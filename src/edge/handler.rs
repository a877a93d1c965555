//! The way of a request: config, route, preflight, authentication, integration, answer.
//!
//! This module decides only the order; what each step says is its own.

use std::rc::Rc;

use web_sys::Response;

use super::answer::{Answer, finish};
use super::authenticate::authenticate;
use super::exchange::Exchange;
use super::fault;
use super::gateway::{self, Gateway};
use super::integrations;
use super::session;
use crate::config::Cors;
use crate::cors::{Preflight, preflight_headers};
use crate::problem::Problem;
use crate::request::RequestHead as _;
use crate::route::{Allow, Found, Match, Method, MethodRule};

/// Methods that even an `ANY` path does not take: they would show a client what the gateway tells upstreams (RFC 9110 sections
/// 9.3.6 and 9.3.8), and the Fetch standard forbids them.
const REFUSED_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// Answers a request.
pub async fn handle(exchange: &Rc<Exchange>) -> Response {
    match gateway::current(&exchange.env, &|work| exchange.keep_alive(work)).await {
        Ok(gateway) => {
            let outcome = answer(&gateway, exchange).await;
            finish(exchange, Some(&gateway), outcome)
        }
        Err(problem) => finish(exchange, None, Err(problem)),
    }
}

/// Answers a request whose first instance panicked.
pub async fn handle_panicked(exchange: &Rc<Exchange>) -> Response {
    let gateway = gateway::current(&exchange.env, &|work| exchange.keep_alive(work)).await.ok();
    finish(exchange, gateway.as_deref(), Err(Problem::Internal))
}

async fn answer(gateway: &Rc<Gateway>, exchange: &Rc<Exchange>) -> Result<Answer, Problem> {
    fault::inject(exchange).await;
    let config = &gateway.config;
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
    let claims = match path.auth {
        true => match authenticate(gateway, exchange).await {
            Ok(claims) => Some(claims),
            Err(problem) => return session::or_login(gateway, exchange, problem),
        },
        false => None,
    };
    integrations::run(gateway, exchange, path, &matched, claims).await
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
