//! The request as others get it: upstreams, other Workers, modules.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Request;

use crate::config::Path;
use crate::edge::gateway::Gateway;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::webcrypto::random_bytes;
use crate::http::header::Header;
use crate::http::header_lines::HeaderChanges;
use crate::http::request::RequestHead as _;
use crate::http::trace::Trace;
use crate::mapping::{mapped_headers, mapped_query};
use crate::proxy::forwarded_cookies;
use crate::token::VerifiedClaims;

#[wasm_bindgen(module = "/src/edge/request/forwarding.js")]
extern "C" {
    /// Makes the request for an upstream, whose body streams through. Without the headers in `drop`, without those
    /// that its `Connection` names, in whatever spelling an upstream may fold: to CGI and its heirs `X_User.Id` and `X-User-Id`
    /// are one variable. `drop` has the names for every request, in which a `*` stands for any characters, a blank line, and those
    /// of this one. A body that does not say how long it is breaks off behind `max` bytes.
    #[wasm_bindgen(catch)]
    fn forward(request: &Request, url: &str, drop: &str, set: &str, max: Option<f64>) -> Result<Request, JsValue>;
}

/// What becomes of a request's headers on the way: names to drop, and changes behind that.
pub struct ForwardedHeaders {
    /// Lower-case names, one a line: those of every request, a blank line, and those of this one besides.
    pub drop: String,
    /// What is set.
    pub set: HeaderChanges,
}

impl ForwardedHeaders {
    /// Returns those of a request on a path, off whose beginning `prefix` is taken.
    pub fn of(
        gateway: &Gateway,
        cx: &RequestContext,
        path: &Path,
        claims: Option<&VerifiedClaims>,
        prefix: &str,
    ) -> Self {
        let mut drop = format!("{}\n\n", gateway.dropped_request_headers);
        let mut also = |name: &str| {
            drop.push_str(name);
            drop.push('\n');
        };
        path.mapping.remove.iter().for_each(|name| also(name));
        // Nor does the client's own pass if the source of the path's has no value.
        path.mapping.headers.iter().for_each(|(name, _)| also(name));
        // A cached answer for everyone must not depend on the requester.
        let anonymous = path.rules.cache.as_ref().is_some_and(|cache| !cache.per_user);
        let removed = &path.mapping.remove;
        let no_cookies = anonymous || removed.iter().any(|name| name == "cookie");
        if anonymous {
            also("authorization");
        }
        let url = cx.url();
        let mut set: Vec<Header> = vec![
            ("x-request-id".into(), cx.id.clone().into()),
            ("x-forwarded-proto".into(), url.scheme().to_owned().into()),
            ("x-forwarded-host".into(), url.host_and_port().to_owned().into()),
        ];
        if !prefix.is_empty() {
            set.push(("x-forwarded-prefix".into(), prefix.to_owned().into()));
        }
        if let Some(address) = cx.header("cf-connecting-ip") {
            set.push(("x-forwarded-for".into(), address.into()));
        }
        let trace =
            cx.trace.get_or_init(|| Trace::of(cx.header("traceparent").as_deref(), &random_bytes().unwrap_or([1; 24])));
        set.push(("traceparent".into(), trace.traceparent.clone().into()));
        if !trace.continued {
            also("tracestate");
        }
        if no_cookies {
            also("cookie");
        } else if let Some(cookies) = cx.header("cookie") {
            let of_session = gateway.config.session.as_ref().map(|session| session.rules.cookie.as_str());
            match forwarded_cookies(&cookies, of_session) {
                Some(kept) if kept == cookies => {}
                Some(kept) => set.push(("cookie".into(), kept.into())),
                None => also("cookie"),
            }
        }
        if let Some(session) = &*cx.session_token.borrow() {
            set.push(("authorization".into(), format!("Bearer {}", session.token).into()));
        }
        // What the config removes is not sent, no matter who set it.
        set.retain(|(name, _)| !removed.iter().any(|removed| removed == name));
        let mut changes = HeaderChanges::default();
        set.iter().for_each(|(name, value)| changes.set(name, value));
        for (name, value) in mapped_headers(&path.mapping, cx, claims) {
            if let Some(value) = value {
                changes.set(name, &value);
            }
        }
        Self { drop, set: changes }
    }

    /// Makes the request for `url`.
    ///
    /// # Errors
    /// What was thrown.
    pub fn request(&self, cx: &RequestContext, path: &Path, url: &str) -> Result<Request, JsValue> {
        #[expect(clippy::cast_precision_loss, reason = "a limit of bytes is far below 2^53")]
        let max = path.rules.max_body_bytes.map(|max| max as f64);
        forward(&cx.request(), url, &self.drop, self.set.as_str(), max)
    }
}

/// Returns the address that the client called, with the path's mapped query.
pub fn own_url(cx: &RequestContext, path: &Path, claims: Option<&VerifiedClaims>) -> String {
    let url = format!("{}{}", cx.origin(), cx.path());
    match mapped_query(&path.mapping, cx, claims) {
        Some(query) => format!("{url}?{query}"),
        None => url,
    }
}
