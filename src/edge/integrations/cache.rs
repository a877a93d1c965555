//! Reads from the Cache API and writes to it. What it may answer is decided in [`crate::proxy`], what is stored in
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

    /// Looks for the answer that is stored under a name and the values of the headers by which answers vary, unless `anew` is set.
    /// Without one, returns the key under which an answer may be stored.
    fn look_up(request: &Request, origin: &str, name: &str, vary: &str, anew: bool, private: bool) -> Promise;

    /// Returns an upstream's answer as the client gets it. Stores a copy for so many seconds, unless they are 0.
    #[wasm_bindgen(catch)]
    fn pass_on(response: &Response, key: &str, secs: u32, age_secs: u32, private: bool) -> Result<Response, JsValue>;
}

/// The cache's part in a request.
pub struct CacheUse<'p> {
    cache: &'p Cache,
    query: CacheQuery,
}

/// The result of a look-up.
pub enum Found {
    /// An answer.
    Answer(Response),
    /// No answer, but the key under which one may be stored.
    Key(String),
}

impl Found {
    /// Parses the result of a look-up.
    pub fn parse(found: JsValue) -> Self {
        found.as_string().map_or_else(|| Self::Answer(found.unchecked_into()), Self::Key)
    }
}

impl<'p> CacheUse<'p> {
    /// Returns the cache's part in a request to `url`; `None` if it has none.
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
            Some(RateKey::Header(name)) => cx.header(name).and(Some(name.as_str())),
            _ => None,
        };
        let query = CacheQuery::of(
            path,
            cache,
            &Outgoing {
                method: cx.method(),
                pattern: cx.route.get().map(|(_, pattern)| pattern.as_str()).unwrap_or_default(),
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

    /// Looks for an answer; [`Found::parse`] reads the result.
    pub fn look_up(&self, cx: &RequestContext, request: &Request) -> Promise {
        let CacheQuery { name, vary, anew } = &self.query;
        look_up(request, &cx.origin(), name, vary, *anew, self.cache.per_user)
    }

    /// Returns an upstream's answer as the client gets it, and stores a copy if that is allowed.
    ///
    /// # Errors
    /// The exception.
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
