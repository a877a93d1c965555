//! `http_proxy`: the request to the upstream, and its answer back, both streaming.

use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Request;

use crate::config::{Path, Server};
use crate::edge::answer::Answer;
use crate::edge::exchange::Exchange;
use crate::edge::gateway::Gateway;
use crate::edge::host;
use crate::edge::provider::failure_reason;
use crate::mapping::{mapped_headers, mapped_query};
use crate::problem::Problem;
use crate::proxy::{connection_options, forwarded_cookies, upstream_url};
use crate::request::RequestHead as _;
use crate::token::VerifiedClaims;

/// Forwards the request.
///
/// # Errors
/// 502 where the upstream cannot be reached, 504 where it does not begin to answer in time.
pub async fn run(
    gateway: &Gateway,
    exchange: &Exchange,
    path: &Path,
    server: &Server,
    forwarded_path: &str,
    claims: Option<&VerifiedClaims>,
) -> Result<Answer, Problem> {
    let query = mapped_query(&path.mapping, exchange, claims);
    let url = upstream_url(server, forwarded_path, query.as_deref());
    let request = forwarded_request(gateway, exchange, path, &url, claims).map_err(|error| failed(&error))?;
    let sent = host::send(&request, server.timeout_ms).map_err(|error| failed(&error))?;
    let response = JsFuture::from(sent).await.map_err(|error| failed(&error))?;
    Ok(Answer::Relayed(response.unchecked_into()))
}

fn forwarded_request(
    gateway: &Gateway,
    exchange: &Exchange,
    path: &Path,
    url: &str,
    claims: Option<&VerifiedClaims>,
) -> Result<Request, JsValue> {
    let mut drop = gateway.dropped_request_headers.clone();
    for name in connection_options(exchange.header("connection").as_deref()) {
        drop.push('\n');
        drop.push_str(&name.replace('_', "-"));
    }
    let mut set = vec![("x-request-id".to_owned(), exchange.id.clone())];
    let url_called = exchange.url();
    set.push(("x-forwarded-proto".to_owned(), url_called.scheme().to_owned()));
    set.push(("x-forwarded-host".to_owned(), url_called.host_and_port().to_owned()));
    if let Some(address) = exchange.header("cf-connecting-ip") {
        set.push(("x-forwarded-for".to_owned(), address));
    }
    if let Some(cookies) = exchange.header("cookie") {
        let of_session = gateway.config.session.as_ref().map(|session| session.cookie.as_str());
        match forwarded_cookies(&cookies, of_session) {
            Some(kept) if kept == cookies => {}
            Some(kept) => set.push(("cookie".to_owned(), kept)),
            None => drop.push_str("\ncookie"),
        }
    }
    if let Some(session) = &*exchange.session_token.borrow() {
        set.push(("authorization".to_owned(), format!("Bearer {}", session.token)));
    }
    for (name, value) in mapped_headers(&path.mapping, exchange, claims) {
        if let Some(value) = value {
            set.push((name.to_owned(), value));
        }
    }

    host::forward(&exchange.request, url, &drop, &host::header_lines(set))
}

fn failed(error: &JsValue) -> Problem {
    match error.as_string().as_deref() {
        Some("timeout") => Problem::UpstreamTimeout,
        _ => Problem::UpstreamUnreachable(failure_reason(error)),
    }
}
