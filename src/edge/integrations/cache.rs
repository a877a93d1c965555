//! The way into the Cache API and out of it. What it may answer is decided in [`crate::proxy`], what is kept in
//! [`crate::http::caching`].

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Request, Response};

use crate::config::{Cache, Path, RateKey};
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::crossings::http_date;
use crate::edge::runtime::timing::now_ms;
use crate::http::caching::Received;
use crate::http::request::RequestHead as _;
use crate::proxy::{CacheQuery, Outgoing};
use crate::token::VerifiedClaims;

#[wasm_bindgen(module = "/src/edge/integrations/cache.js")]
extern "C" {
    /// Returns the names of a request's headers, with commas between them.
    fn names_of(request: &Request) -> String;

    /// Looks for the answer that is kept by a name and the values of the headers by which answers differ, unless it is asked for anew.
    /// Returns the key by which one may be kept if there is none.
    fn look_up(request: &Request, origin: &str, name: &str, vary: &str, anew: bool, private: bool) -> Promise;

    /// Returns an upstream's answer as the client gets it, of which a copy is kept for so many seconds; none is if they are 0.
    #[wasm_bindgen(catch)]
    fn pass_on(response: &Response, key: &str, secs: u32, age_secs: u32, private: bool) -> Result<Response, JsValue>;
}

/// What the cache has to do with a request.
pub struct CacheUse<'p> {
    cache: &'p Cache,
    query: CacheQuery,
}

/// What the cache has for a request.
pub enum Found {
    /// An answer.
    Answer(Response),
    /// The key by which one may be kept.
    Key(String),
}

impl Found {
    /// Reads what a look-up gave.
    pub fn parse(found: JsValue) -> Self {
        found.as_string().map_or_else(|| Self::Answer(found.unchecked_into()), Self::Key)
    }
}

impl<'p> CacheUse<'p> {
    /// Returns what the cache has to do with a request that goes to `url`; `None` if it has no part in it.
    pub fn of(
        cx: &RequestContext,
        path: &'p Path,
        request: &Request,
        url: &str,
        claims: Option<&VerifiedClaims>,
    ) -> Option<Self> {
        let cache = path.rules.cache.as_ref()?;
        let headers = request.headers();
        let header = |name: &str| headers.get(name).ok().flatten();
        let counted = match path.rules.rate_limit.as_ref().map(|limit| &limit.key) {
            Some(RateKey::Header(name)) => cx.header(name).map(|_| &**name),
            _ => None,
        };
        let query = CacheQuery::of(
            path,
            cache,
            &Outgoing {
                method: cx.method(),
                url,
                names: &names_of(request),
                cache_control: header("cache-control").or_else(|| header("pragma")),
                has_body: request.body().is_some(),
                user: ["iss", "sub"].map(|name| claims.and_then(|claims| claims.text(name)).unwrap_or_default()),
                counted,
            },
        )?;
        Some(Self { cache, query })
    }

    /// Looks for an answer; [`Found::parse`] reads what comes of that.
    pub fn look_up(&self, cx: &RequestContext, request: &Request) -> Promise {
        let CacheQuery { name, vary, anew } = &self.query;
        look_up(request, &cx.origin(), name, vary, *anew, self.cache.per_user)
    }

    /// Returns an upstream's answer as the client gets it, and keeps a copy if that may be.
    ///
    /// # Errors
    /// What was thrown.
    pub fn pass_on(&self, response: &Response, key: &str) -> Result<Response, JsValue> {
        let headers = response.headers();
        let header = |name: &str| headers.get(name).ok().flatten();
        let date = |name| header(name).map(|date| http_date(&date));
        let received = Received {
            status: response.status(),
            header: &header,
            dated_ms: date("date"),
            expires_ms: date("expires"),
            now_ms: now_ms(),
        };
        let kept = received.freshness(&self.query.vary, self.cache.ttl_secs).unwrap_or_default();
        pass_on(response, key, kept.secs, kept.age_secs, self.cache.per_user)
    }
}
