//! `http_proxy`: forwards the request to the upstream and returns its answer; both stream.

use std::cell::RefCell;

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Request, Response};

use crate::config::{Path, Server, Target};
use crate::edge::auth::upstream_tokens::OwnToken;
use crate::edge::gateway::Gateway;
use crate::edge::integrations::cache::{CacheUse, Found};
use crate::edge::request::answer::{Answer, said};
use crate::edge::request::context::{Call, RequestContext};
use crate::edge::request::forwarding::Forwarding;
use crate::edge::request::rules::address;
use crate::edge::runtime::events;
use crate::edge::runtime::http_client::failure_reason;
use crate::edge::runtime::timing::now_ms;
use crate::edge::runtime::work::Awaited;
use crate::http::request::RequestHead as _;
use crate::mapping::mapped_query;
use crate::problem::Problem;
use crate::proxy::{ADDRESS_HEADERS, Attempts, Outages, Outcome, ranked, upstream_url};
use crate::token::VerifiedClaims;

#[wasm_bindgen(module = "/src/edge/integrations/proxy.js")]
extern "C" {
    /// Sends a request, to `url` if it is given. If its answer does not begin within `ms`, the promise rejects with the text
    /// `timeout`, and the call ends. A redirect is an answer like any other. A `raw` body stays encoded even if JavaScript passes it on.
    fn send(request: &Request, url: Option<&str>, has_body: bool, ms: u32, raw: bool) -> Promise;

    /// Returns an answer whose addresses of the upstream's own lead through the gateway. `outside` are lines: the gateway's origin, the
    /// prefix that the path loses, and each of the upstream's origins.
    #[wasm_bindgen(catch)]
    fn led_through(response: &Response, outside: &str) -> Result<Response, JsValue>;

    /// Releases an answer that is not passed on, and waits for a random time of at most `ms`.
    fn pause(ms: u32, response: Option<&Response>) -> Promise;
}

/// The largest part of a body that a function may read before others do, in bytes; `service.js` has it too.
const SHOWN_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The rejection of a call that took too long.
const TIMED_OUT: &str = "timeout";

thread_local! {
    static OUTAGES: RefCell<Outages> = const { RefCell::new(Outages::none()) };
}

/// The parts of the request's path.
#[derive(Clone, Copy)]
pub struct Forwarded<'p> {
    /// The path for the upstream, without its base path.
    pub path: &'p str,
    /// The prefix that was removed.
    pub prefix: &'p str,
}

/// Forwards the request.
///
/// # Errors
/// 502 if the upstream cannot be reached, 504 if it does not begin to answer in time.
pub async fn run(
    gateway: &Gateway,
    cx: &RequestContext,
    path: &Path,
    server: &Server,
    forwarded: Forwarded<'_>,
    claims: Option<&VerifiedClaims>,
    raw: bool,
) -> Result<Answer, Problem> {
    let query = mapped_query(&path.mapping, cx, claims);
    let url = |target: &Target| upstream_url(target, forwarded.path, query.as_deref());
    let targets = match server {
        // With a token of the gateway's own, an empty body may be sent again.
        Server { retries: 0, token: None, targets, .. } if targets.others.is_empty() => Vec::new(),
        Server { targets, .. } if targets.are_weighted() => ranked(targets, &caller(cx, server, claims)),
        Server { targets, .. } => targets.iter().collect(),
    };
    let mut called = *targets.first().unwrap_or(&&server.targets.first);
    let first = url(called);
    let failed = |error: JsValue| failure(&error, path);
    let prefix = forwarded.prefix;
    let forwarding = Forwarding::of(gateway, cx, path, claims, prefix);
    // With no others to call, it has no token of the gateway's own either.
    let is_plain = targets.is_empty() && !raw && path.rules.cache.is_none();
    let call = if is_plain { forwarding.send(cx, &first).map_err(failed)? } else { None };
    let (sent, cache) = match call {
        Some(call) => {
            // A call that is too late ends with its request. What has a body, or may be sent again, is not to go on behind the answer that
            // it was too late for: like all that is not plain, it is sent with an AbortController, which takes more.
            let begun = gateway.begin_measuring();
            let sent = Awaited::within(server.timeout_ms, call).await;
            note_call(gateway, cx, called, begun, &sent);
            (sent, None)
        }
        None => {
            let request = forwarding.request(cx, &first).map_err(failed)?;
            let cache = match CacheUse::of(cx, path, &request, &first, claims) {
                Some(cache) => match Found::parse(Awaited::from(cache.look_up(cx, &request)).await.map_err(failed)?) {
                    Found::Answer(answer) => return Ok(Answer::Relayed(answer)),
                    Found::Key(key) => Some((cache, key)),
                },
                None => None,
            };
            let raw = raw && cache.is_none();
            let mut own = match &server.token {
                Some(wanted) => Some(OwnToken::of(gateway, cx, wanted, &request)?),
                None => None,
            };
            let sent = loop {
                if let Some(own) = &mut own {
                    own.put_on(&request).await?;
                }
                let begun = gateway.begin_measuring();
                let sent = ask(cx, &request, server, &targets, url, raw, &mut called).await;
                note_call(gateway, cx, called, begun, &sent);
                if !own.as_mut().is_some_and(|own| own.drop_if_refused(&sent)) || has_body(&request) {
                    break sent;
                }
                drop(pause(0, sent.ok().as_ref().map(|response| response.unchecked_ref())));
            };
            (sent, cache)
        }
    };
    let mut response: Response = sent.map_err(failed)?.unchecked_into();
    let said = said(&response);
    if said.pairs().any(|(name, _)| ADDRESS_HEADERS.contains(&name)) {
        let outside = [cx.origin().as_str(), prefix, &server.addresses].join("\n");
        response = led_through(&response, &outside).map_err(failed)?;
    }
    let response = match cache {
        Some((cache, key)) => cache.pass_on(&response, &key).map_err(failed)?,
        None => {
            cx.said.set(Some(said));
            response
        }
    };
    Ok(Answer::Relayed(response))
}

/// Notes what came of a call that began at a time, if that is measured.
fn note_call(
    gateway: &Gateway,
    cx: &RequestContext,
    called: &Target,
    begun: Option<f64>,
    sent: &Result<JsValue, JsValue>,
) {
    let Some(began_ms) = begun else { return };
    let took_ms = now_ms() - began_ms;
    cx.upstream_ms.set(Some(took_ms));
    if gateway.config.otlp.is_some() {
        let status = sent.as_ref().map_or(0, |answer| answer.unchecked_ref::<Response>().status());
        cx.call.replace(Some(Call { origin: called.origin.clone(), began_ms, took_ms, status }));
    }
}

/// Returns what tells a caller apart from others: the user, or else the header that the server names, or else the client's address.
fn caller(cx: &RequestContext, server: &Server, claims: Option<&VerifiedClaims>) -> String {
    let named = || cx.header(server.sticky_header.as_ref()?);
    let said = claims.and_then(|claims| claims.text("sub")).or_else(named);
    said.map(str::to_owned).or_else(|| address(cx)).unwrap_or_default()
}

/// Sends a request to one of several addresses of the server that can be reached, and retries it if that may help; or once, if there are
/// none. `called` is the last that was called.
async fn ask<'s>(
    cx: &RequestContext,
    request: &Request,
    server: &Server,
    targets: &'s [&'s Target],
    url: impl Fn(&Target) -> String,
    raw: bool,
    called: &mut &'s Target,
) -> Result<JsValue, JsValue> {
    let Server { timeout_ms, retries, .. } = server;
    let attempts = (!targets.is_empty()).then(|| {
        let has_body = has_body(request);
        let begin =
            |outages: &mut Outages| Attempts::begin(targets, *retries, cx.method(), has_body, outages, now_ms());
        OUTAGES.with_borrow_mut(begin)
    });
    let mut attempts = attempts.flatten();
    loop {
        if let Some(attempts) = &attempts {
            *called = attempts.target;
        }
        let url = attempts.as_ref().map(|_| url(called));
        let has_body = attempts.as_ref().is_none_or(|attempts| attempts.has_body);
        let sent = Awaited::from(send(request, url.as_deref(), has_body, *timeout_ms, raw)).await;
        let Some(attempts) = &mut attempts else { return sent };
        let response = sent.as_ref().ok().map(|response| response.unchecked_ref::<Response>());
        let outcome = match (&sent, response) {
            (_, Some(response)) => Outcome::Answered(response.status()),
            (Err(thrown), _) if thrown.as_string().as_deref() == Some(TIMED_OUT) => Outcome::TimedOut,
            _ => Outcome::Broken,
        };
        let next = OUTAGES.with_borrow_mut(|outages| attempts.next(outcome, outages, now_ms()));
        let Some(longest_ms) = next else { return sent };
        events::count("upstream_failed", &called.origin);
        if longest_ms > 0 {
            drop(Awaited::from(pause(longest_ms, response)).await);
        }
    }
}

/// Checks whether a request has a body, which cannot be sent twice.
fn has_body(request: &Request) -> bool {
    let length = request.headers().get("content-length").ok().flatten();
    request.body().is_some() && length.as_deref() != Some("0")
}

/// Returns why there is no answer.
pub fn failure(error: &JsValue, path: &Path) -> Problem {
    match error.as_string().as_deref() {
        Some(TIMED_OUT) => Problem::UpstreamTimeout,
        Some("too large") => Problem::BodyTooLarge(path.rules.max_body_bytes.unwrap_or_default()),
        Some("too large to hold") => Problem::BodyTooLarge(SHOWN_MAX_BYTES),
        Some("busy") => Problem::Busy,
        _ => Problem::UpstreamUnreachable(failure_reason(error)),
    }
}
