//! `http_proxy`: the request to the upstream, and its answer back, both streaming.

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, Response};

use crate::config::{Cache, Path, RateKey, Server};
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::request::forwarding::Forwarding;
use crate::edge::runtime::http_client::failure_reason;
use crate::edge::runtime::timing::now_ms;
use crate::http::request::RequestHead as _;
use crate::mapping::mapped_query;
use crate::problem::Problem;
use crate::proxy::upstream_url;
use crate::token::VerifiedClaims;

#[wasm_bindgen(module = "/src/edge/integrations/proxy.js")]
extern "C" {
    /// Sends a request to the first of `urls` that can be reached, whose answer must begin within `ms`, or the promise is
    /// rejected with the text `timeout`; a redirect is an answer like any other. `outside` are lines by which addresses in the
    /// answer are told as clients reach them: the gateway's origin, the prefix that is taken off the path, and each of the
    /// upstream's. A `raw` body stays as it is encoded even if JavaScript passes it on.
    #[wasm_bindgen(catch)]
    fn send(request: &Request, urls: &str, ms: u32, retries: u32, outside: &str, raw: bool)
    -> Result<Promise, JsValue>;
}

#[wasm_bindgen(module = "/src/edge/integrations/cache.js")]
extern "C" {
    /// Sends a request that the cache does not answer. `cache` are lines: the gateway's origin, how long an answer is kept in
    /// seconds, whether it is one user's, the headers by which answers differ, and what names it.
    #[wasm_bindgen(catch)]
    fn send_cached(
        request: &Request,
        urls: &str,
        ms: u32,
        retries: u32,
        outside: &str,
        cache: &str,
    ) -> Result<Promise, JsValue>;
}

/// The most of a body that a function may read before others do, in bytes; `service.js` has it too.
const SHOWN_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What the cache says of an answer for which no upstream was asked.
const HIT: &str = "bargate; hit";

/// What of the request's path is forwarded.
#[derive(Clone, Copy)]
pub struct Forwarded<'p> {
    /// The path that the upstream is asked for, behind its base path.
    pub path: &'p str,
    /// What was taken off before it.
    pub prefix: &'p str,
}

/// Forwards the request.
///
/// # Errors
/// 502 where the upstream cannot be reached, 504 where it does not begin to answer in time.
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
    let url = |target| upstream_url(target, forwarded.path, query.as_deref());
    let first = &url(&server.targets.first);
    let urls: Vec<_> = server.targets.iter().map(url).collect();
    let subject = claims.and_then(|claims| claims.text("sub")).filter(|subject| !subject.is_empty());
    // By what a rate limit counts clients, they may be answered, too.
    let counted = match path.rules.rate_limit.as_ref().map(|limit| &limit.key) {
        Some(RateKey::Header(name)) => cx.header(name).map(|_| name),
        _ => None,
    };
    // Of users whom their tokens do not name, none can be told from another.
    let apart = |cache: &&Cache| {
        if cache.per_user { subject.is_some() } else { counted.is_none_or(|name| cache.vary.contains(name)) }
    };
    let cache = path.rules.cache.as_ref().filter(apart).map(|cache| {
        let issuer = claims.and_then(|claims| claims.text("iss")).unwrap_or_default();
        let user = if cache.per_user { [issuer, subject.unwrap_or_default()].join("\n") } else { String::new() };
        let personal = if cache.per_user { "1" } else { "" };
        let ttl = cache.ttl_secs.to_string();
        let mut vary = cache.vary.join(",");
        // What the gateway says of a request is part of what is answered.
        for (name, _) in &path.mapping.headers {
            vary.push(',');
            vary.push_str(name);
        }
        [cx.origin().as_str(), &ttl, personal, &vary, path.pattern.as_str(), first, &user].join("\n")
    });
    let failed = |error: JsValue| failure(&error, path);
    let prefix = forwarded.prefix;
    let forwarding = Forwarding::of(gateway, cx, path, claims, prefix);
    let request = forwarding.request(cx, first).map_err(failed)?;
    let begun = now_ms();
    let outside = [cx.origin().as_str(), prefix, &server.addresses].join("\n");
    let (urls, ms, retries) = (urls.join("\n"), server.timeout_ms, server.retries);
    let sent = match cache.as_deref() {
        Some(cache) => send_cached(&request, &urls, ms, retries, &outside, cache),
        None => send(&request, &urls, ms, retries, &outside, raw),
    };
    let response = JsFuture::from(sent.map_err(failed)?).await;
    let took = now_ms() - begun;
    let response: Response = response.inspect_err(|_| cx.upstream_ms.set(Some(took))).map_err(failed)?.unchecked_into();
    let hit = cache.is_some() && response.headers().get("cache-status").ok().flatten().is_some_and(|s| s == HIT);
    if !hit {
        cx.upstream_ms.set(Some(took));
    }
    Ok(Answer::Relayed(response))
}

/// Says why there is no answer.
pub fn failure(error: &JsValue, path: &Path) -> Problem {
    match error.as_string().as_deref() {
        Some("timeout") => Problem::UpstreamTimeout,
        Some("too large") => Problem::BodyTooLarge(path.rules.max_body_bytes.unwrap_or_default()),
        Some("too large to hold") => Problem::BodyTooLarge(SHOWN_MAX_BYTES),
        Some("busy") => Problem::Busy,
        _ => Problem::UpstreamUnreachable(failure_reason(error)),
    }
}
