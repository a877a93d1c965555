//! The request as upstreams, other Workers and modules get it, and the call of an upstream that gets it once.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Request;

use crate::config::Path;
use crate::edge::gateway::Gateway;
use crate::edge::request::context::{McpHeader, RequestContext};
use crate::http::header_lines::HeaderChanges;
use crate::http::request::RequestHead as _;
use crate::mapping::mapped_query;
use crate::proxy::PassedOn;
use crate::token::VerifiedClaims;

#[wasm_bindgen(module = "/src/edge/request/forwarding.js")]
extern "C" {
    /// Makes the request for an upstream: its body streams through, and by lines of [`Forwarding::lines`] it has another URL and its
    /// headers are changed. The body breaks off after `max` bytes.
    #[wasm_bindgen(catch)]
    fn forward(request: &Request, lines: &str, max: Option<f64>) -> Result<Request, JsValue>;

    /// Sends a request for an upstream, changed by the same lines, unless it has a body. No `Request` is made for it: that was a twentieth
    /// of a proxied request, in a profile, half of it for copies of `cf`, which tells a Worker of its client.
    #[wasm_bindgen(catch)]
    fn send_plain(request: &Request, lines: &str) -> Result<Option<Promise>, JsValue>;
}

/// The changes to a request on its way.
pub struct Forwarding {
    changes: HeaderChanges,
    /// The most bytes that its body may have.
    pub max: Option<f64>,
    is_counted: bool,
}

impl Forwarding {
    /// Returns the changes to a request on a path, which loses `prefix` at its beginning.
    pub fn of(
        gateway: &Gateway,
        cx: &RequestContext,
        path: &Path,
        claims: Option<&VerifiedClaims>,
        prefix: &str,
    ) -> Self {
        let (sent, session_token, mcp_session) = (cx.headers(), cx.session_token.borrow(), cx.mcp_session.borrow());
        let request = PassedOn {
            request: cx,
            sent,
            url: cx.url(),
            id: cx.id(),
            trace: cx.trace(gateway.config.otlp.is_some()),
            path,
            prefix,
            names: &gateway.client_header_names,
            key_prefixes: &gateway.config.key_prefixes,
            session_cookie: gateway.config.session.as_ref().map(|session| session.rules.cookie.as_str()),
            session_token: session_token.as_ref().map(|session| &*session.token),
            claims,
            mcp_session: match &*mcp_session {
                McpHeader::Sent(name) => Some(name.as_str()),
                McpHeader::Absent | McpHeader::Given(_) => None,
            },
        };
        let changes = request.changes();
        #[expect(clippy::cast_precision_loss, reason = "a limit of bytes is far below 2^53")]
        let max = path.rules.max_body_bytes.map(|max| max as f64);
        // A body with a Content-Length was checked by it.
        Self { changes, max, is_counted: sent.get("content-length").is_none() }
    }

    /// Makes the request for `url`.
    ///
    /// # Errors
    /// The exception.
    pub fn request(&self, cx: &RequestContext, url: &str) -> Result<Request, JsValue> {
        forward(&cx.request(), &self.lines(url), self.max.filter(|_| self.is_counted))
    }

    /// Sends the request to `url`, once; `None` if it has a body, which is sent in other ways.
    ///
    /// # Errors
    /// The exception.
    pub fn send(&self, cx: &RequestContext, url: &str) -> Result<Option<Promise>, JsValue> {
        send_plain(&cx.request(), &self.lines(url))
    }

    /// Returns a URL and the changes to headers as lines of one text: each text that crosses costs a call of its own.
    pub fn lines(&self, url: &str) -> String {
        [url, self.changes.as_str()].join("\n")
    }
}

/// Returns the URL that the client called, with the path's mapped query.
pub fn own_url(cx: &RequestContext, path: &Path, claims: Option<&VerifiedClaims>) -> String {
    let url = format!("{}{}", cx.origin(), cx.path());
    match mapped_query(&path.mapping, cx, claims) {
        Some(query) => format!("{url}?{query}"),
        None => url,
    }
}
