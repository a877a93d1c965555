//! The way of a request: config, route, preflight, authentication, integration, answer.
//!
//! This module decides only the order; what each step says is its own.

use std::rc::Rc;

use web_sys::Response;

use crate::config::{Config, Cors, Integration, Networks};
use crate::cors::{Preflight, preflight_headers};
use crate::edge::auth::authenticate::authenticate;
use crate::edge::gateway::{Gateway, loader};
use crate::edge::integrations;
use crate::edge::request::answer::{Answer, finish};
use crate::edge::request::context::RequestContext;
use crate::edge::request::fault;
use crate::edge::request::rules::{check_anonymous_rate, check_body, check_rate};
use crate::edge::runtime::timing::now_ms;
use crate::edge::session::login_redirect::or_login;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::route::{Allow, Found, Match, Method, MethodRule};

/// Methods that even an `ANY` path does not accept: they would show a client what the gateway sends to upstreams (RFC 9110 sections
/// 9.3.6 and 9.3.8), and the Fetch standard forbids them.
const REFUSED_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

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
    let found = config.routes.find(cx.method(), cx.host(), cx.path());
    if let Some(answer) = answer_preflight(config, cx, &found) {
        return Ok(answer);
    }
    let matched = match found {
        // Only `ANY` takes a method of these, and it takes all the others.
        Found::Route(_) if REFUSED_METHODS.contains(&cx.method()) => {
            return Err(Problem::MethodNotAllowed(every_method()));
        }
        Found::Route(matched) => matched,
        Found::MethodNotAllowed(allow) => return Err(Problem::MethodNotAllowed(allow)),
        Found::NotFound => return Err(Problem::RouteNotFound),
        Found::Ambiguous(reason) => return Err(Problem::PathAmbiguous(reason)),
    };
    cx.path_index.set(Some(matched.index));
    let _ = cx.route.set((matched.rule, [matched.host, matched.pattern].concat()));
    let Some(path) = config.paths.get(matched.index) else { return Err(Problem::RouteNotFound) };
    // What is passed on, or shown to others, has all headers in one crossing, and none of them before.
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
    integrations::run(gateway, cx, path, &matched, claims).await
}

/// Checks that a request comes from an allowed address.
///
/// # Errors
/// [`Problem::IpDenied`].
fn check_address(cx: &RequestContext, networks: Option<&Networks>) -> Result<(), Problem> {
    let Some(networks) = networks else { return Ok(()) };
    if networks.admit(cx.header("cf-connecting-ip")) { Ok(()) } else { Err(Problem::IpDenied) }
}

/// Answers a CORS preflight of a path that has no own `OPTIONS` entry; `None` if the request is something else.
fn answer_preflight(config: &Config, cx: &RequestContext, found: &Found<'_, '_>) -> Option<Answer> {
    if cx.method() != Method::Options.as_str() {
        return None;
    }
    let allow = match found {
        Found::MethodNotAllowed(allow) => *allow,
        Found::Route(Match { rule, .. }) => (*rule == MethodRule::Any).then(every_method)?,
        Found::NotFound | Found::Ambiguous(_) => return None,
    };
    let origin = cx.header("origin")?;
    let method = cx.header("access-control-request-method")?;
    let headers = cx.header("access-control-request-headers");
    let preflight = Preflight { origin, method, headers };
    let (allow, of_all) = (allow.to_string(), config.cors.as_ref());
    if !config.has_cors_of_paths {
        return Some(Answer::Preflight(preflight_headers(of_all?, &preflight, &allow)));
    }
    let rule_of = |method: &str| match config.routes.find(method, cx.host(), cx.path()) {
        Found::Route(meant) => config.paths.get(meant.index).map(|path| path.cors.as_ref().or(of_all)),
        _ => None,
    };
    let rule = rule_of(method).unwrap_or(of_all)?;
    let mut headers = preflight_headers(rule, &preflight, &allow);
    // Of what is granted here a browser would ask no more, and it remembers origin and headers for other methods, too.
    let is_other = |of_method: Option<&Cors>| {
        of_method.is_none_or(|other| (&other.origins, &other.headers) != (&rule.origins, &rule.headers))
    };
    let differs = allow.split(',').any(|other| rule_of(other.trim_start()).is_some_and(is_other));
    for (name, granted) in &mut headers {
        if name == "access-control-allow-methods" {
            *granted = method.to_owned().into();
        } else if differs && name == "access-control-max-age" {
            *granted = "0".into();
        }
    }
    Some(Answer::Preflight(headers))
}

/// Returns what an `ANY` path takes.
fn every_method() -> Allow {
    let mut allow = Allow::default();
    allow.insert(MethodRule::Any);
    allow
}
