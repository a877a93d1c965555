//! Answers: what the gateway decided, made into a `Response` with the headers that every answer gets.

use std::borrow::Cow;

use web_sys::Response;

use super::exchange::Exchange;
use super::gateway::Gateway;
use super::host::{header_lines, relay, respond};
use super::log;
use crate::cors;
use crate::problem::{Header, Problem};
use crate::proxy::DROPPED_RESPONSE_HEADERS;
use crate::request::RequestHead as _;
use crate::route::{Method, MethodRule};

/// What a request is answered with, before the headers that every answer gets.
pub enum Answer {
    /// One that the gateway makes.
    Made {
        /// Its status.
        status: u16,
        /// Its headers, by lower-case name.
        headers: Vec<Header>,
        /// Its body.
        body: Option<String>,
    },
    /// A preflight's: its headers say all that other origins are told.
    Preflight(Vec<Header>),
    /// An upstream's, passed on.
    Relayed(Response),
}

impl Answer {
    /// Makes an answer of JSON that no cache may keep.
    pub fn private_json(body: String) -> Self {
        let headers = vec![("content-type", "application/json".into()), ("cache-control", "no-store".into())];
        Self::Made { status: 200, headers, body: Some(body) }
    }

    /// Makes a redirect that no cache may keep.
    pub fn redirect(status: u16, location: String) -> Self {
        let headers = vec![
            ("location", location.into()),
            ("cache-control", "no-store".into()),
            ("referrer-policy", "no-referrer".into()),
        ];
        Self::Made { status, headers, body: None }
    }

    fn problem(problem: &Problem, request_id: &str) -> Self {
        Self::Made { status: problem.status(), headers: problem.headers(), body: Some(problem.body(request_id)) }
    }
}

/// Makes the response, and writes the log line.
pub fn finish(exchange: &Exchange, gateway: Option<&Gateway>, outcome: Result<Answer, Problem>) -> Response {
    let (answer, problem) = match outcome {
        Ok(answer) => (answer, None),
        Err(problem) => (Answer::problem(&problem, &exchange.id), Some(problem)),
    };
    let rule = gateway.and_then(|gateway| gateway.config.cors.as_ref());
    // A preflight's answer has said all there is to say, whether it was the gateway's or that of a path's own OPTIONS.
    let own_preflight = matches!(answer, Answer::Relayed(_)) && is_own_preflight(exchange, gateway);
    let readable = rule.filter(|_| !own_preflight && !matches!(answer, Answer::Preflight(_)));
    let origin = readable.and_then(|_| exchange.header("origin"));
    let mut shared = readable.map(|rule| cors::answer_headers(rule, origin.as_deref())).unwrap_or_default();
    shared.push(("x-request-id", exchange.id.clone().into()));
    let vary = rule.and_then(cors::vary);

    let response = match answer {
        Answer::Made { status, mut headers, body } => {
            headers.append(&mut shared);
            if let Some(cookie) = exchange.set_cookie.get() {
                headers.push(("set-cookie", cookie.clone().into()));
            }
            headers.push(("x-content-type-options", "nosniff".into()));
            if let Some(vary) = vary.filter(|_| !headers.iter().any(|(name, _)| *name == "vary")) {
                headers.push(("vary", vary.into()));
            }
            respond(status, &header_lines(headers), body.as_deref())
        }
        Answer::Preflight(mut headers) => {
            headers.append(&mut shared);
            respond(204, &header_lines(headers), None)
        }
        Answer::Relayed(upstream) => {
            let dropped = match gateway {
                Some(gateway) if !own_preflight => Cow::Borrowed(gateway.dropped_response_headers.as_str()),
                _ => Cow::Owned(DROPPED_RESPONSE_HEADERS.join("\n")),
            };
            let personal = exchange.session_token.borrow().is_some();
            let own = gateway.map(|gateway| gateway.own_cookies.as_str()).unwrap_or_default();
            let relayed = relay(&upstream, &dropped, own, &header_lines(shared), vary, personal);
            if relayed.is_err() {
                let reason = format!("its status {} cannot be passed on", upstream.status());
                return finish(exchange, gateway, Err(Problem::UpstreamUnreachable(reason)));
            }
            relayed
        }
    };
    let response =
        response.or_else(|_| respond(Problem::Internal.status(), "", None)).unwrap_or_else(|_| Response::error());
    log::request(exchange, gateway, response.status(), problem.as_ref().or(exchange.told.get()));
    response
}

/// Tells whether this is a preflight that the config leaves to a path of its own.
fn is_own_preflight(exchange: &Exchange, gateway: Option<&Gateway>) -> bool {
    let path = gateway.zip(exchange.path_index.get()).and_then(|(gateway, index)| gateway.config.paths.get(index));
    path.is_some_and(|path| path.method == MethodRule::Exact(Method::Options))
        && exchange.header("access-control-request-method").is_some()
}
