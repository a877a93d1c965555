//! The gateway's own tokens for upstreams: from the isolate, from KV, or from the provider, once for all requests that need one.
//!
//! Which tokens are used again, and until when, is decided in [`crate::oauth`].

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::{TokenEndpoint, UpstreamGrant, UpstreamToken};
use crate::edge::gateway::Gateway;
use crate::edge::gateway::application::signed;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::bindings::STORE_TIMEOUT_MS;
use crate::edge::runtime::boxed::{Boxed, boxed};
use crate::edge::runtime::http_client::{ANSWER_MAX_BYTES, answer_of};
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::kv::KvNamespace;
use crate::edge::runtime::single_flight::SingleFlightRules;
use crate::edge::runtime::timing::now_secs;
use crate::http::request::RequestHead as _;
use crate::oauth::{TransportError, parse_upstream_token, upstream_token_form};
use crate::problem::{Problem, RetryAfter};
use crate::token::{Credentials, bearer};

#[wasm_bindgen(module = "/src/edge/auth/upstream_tokens.js")]
extern "C" {
    /// Promises what KV has under a key, if it opens, or else the provider's answer to a form.
    #[expect(clippy::too_many_arguments, reason = "each await in Rust is code")]
    fn issue(
        kv: Option<&KvNamespace>,
        key: &str,
        secret: &str,
        store_ms: u32,
        url: &str,
        form: &str,
        authorization: Option<&str>,
        ms: u32,
        max: usize,
    ) -> Promise;

    /// Stores a token in KV.
    fn store(kv: &KvNamespace, key: &str, secret: &str, text: &str, secs: u32) -> Promise;
}

/// The KV binding that shares tokens between isolates, sealed; without it each isolate requests its own.
const KV_BINDING: &str = "UPSTREAM_TOKENS";

/// KV stores nothing for a shorter time.
const KV_LIFETIME_MIN_SECS: u32 = 60;

/// Late requests get a failure of the provider again, for this long: it is not asked by each of them.
const FAILURE_REPLAY_MS: f64 = 1_000.0;

/// The token of one request to an upstream.
pub struct OwnToken<'r> {
    gateway: &'r Gateway,
    cx: &'r RequestContext,
    wanted: &'r Rc<UpstreamToken>,
    /// The caller's token, if that is exchanged.
    subject: Option<String>,
    /// What tells the token from others, with the caller's.
    key: String,
    /// The token, once one was issued.
    pub text: Rc<str>,
}

impl<'r> OwnToken<'r> {
    /// Begins without a token.
    ///
    /// # Errors
    /// If the request has none that could be exchanged.
    pub fn of(gateway: &'r Gateway, cx: &'r RequestContext, wanted: &'r Rc<UpstreamToken>) -> Result<Self, Problem> {
        let (mut subject, mut key) = (None, wanted.name.clone());
        if wanted.grant == UpstreamGrant::TokenExchange {
            let caller = callers_token(cx).ok_or(Problem::TokenMissing)?;
            key = [&*key, "\n", &caller].concat();
            subject = Some(caller);
        }
        Ok(Self { gateway, cx, wanted, subject, key, text: "".into() })
    }

    /// Drops the token, because the upstream refused it; returns whether another may be had.
    pub fn refuse(&self) -> bool {
        self.gateway.upstream_tokens.borrow_mut().refuse(&self.key, &self.text, now_secs())
    }

    /// Gets the token that is in use; returns whether it is another one than before. Waits for nothing if the isolate has one.
    ///
    /// # Errors
    /// [`Problem::UpstreamTokenRefused`] and [`Problem::UpstreamTokenUnavailable`].
    pub fn issue(&mut self) -> Boxed<'_, Result<bool, Problem>> {
        boxed(async {
            let known = self.gateway.upstream_tokens.borrow_mut().get(&self.key, now_secs());
            let text = match known {
                Some(text) => text,
                None => self.request().await?,
            };
            Ok(std::mem::replace(&mut self.text, text) != self.text)
        })
    }

    async fn request(&self) -> Result<Rc<str>, Problem> {
        let Self { gateway, cx, wanted, subject, key, .. } = self;
        let (url, only) = match &wanted.endpoint {
            TokenEndpoint::Known(url, only) => (url.clone(), *only),
            TokenEndpoint::Discovered(authorizer) => {
                let endpoints = gateway.verifier(authorizer).keys.endpoints(*cx).await.map_err(|problem| {
                    let reason = problem.reason().unwrap_or_default().into_owned();
                    Problem::UpstreamTokenUnavailable(reason, RetryAfter::default())
                })?;
                (endpoints.token.clone(), endpoints.token_auth)
            }
        };
        let form = upstream_token_form(wanted, only, subject.as_deref());
        let kv = KvNamespace::bound(cx.env(), KV_BINDING).filter(|_| wanted.sealing_secret().is_some());
        // What the upstream refused may be in KV still.
        let to_read = kv.clone().filter(|_| !gateway.upstream_tokens.borrow_mut().is_refused(key));
        let rules = SingleFlightRules::of_call(wanted.timeout_ms + STORE_TIMEOUT_MS, FAILURE_REPLAY_MS);
        // Only the request that does the work stores the token.
        let is_first = Rc::new(Cell::new(false));
        let (first, client, name) = (Rc::clone(&is_first), Rc::clone(wanted), key.clone());
        let work = Box::pin(async move {
            first.set(true);
            let outcome = match signed(&client.client, &client.issuer, form).await {
                Ok(form) => {
                    let secret = client.sealing_secret().map_or("", |secret| secret.expose());
                    let (authorization, ms) = (form.authorization.as_deref(), client.timeout_ms);
                    let (kv, max) = (to_read.as_ref(), ANSWER_MAX_BYTES);
                    let issued = issue(kv, &name, secret, STORE_TIMEOUT_MS, &url, &form.body, authorization, ms, max);
                    answer_of(issued).await
                }
                Err(error) => Err(error),
            };
            let has_failed = parse_upstream_token(&outcome, now_secs()).is_err();
            (Rc::new(outcome), has_failed)
        });
        let flight = gateway.token_requests.share(*cx, key.clone(), rules, |(_, has_failed)| *has_failed, work).await;
        let outcome = flight.map_or_else(|| Rc::new(Err(TransportError::Timeout)), |(outcome, _)| outcome);
        let now = now_secs();
        let token = parse_upstream_token(&outcome, now)?;
        let lifetime_secs = u32::try_from(token.until - now).unwrap_or_default();
        if let (Some(kv), Some(secret)) = (kv, wanted.sealing_secret())
            && is_first.get()
            && lifetime_secs >= KV_LIFETIME_MIN_SECS
        {
            cx.keep_alive(&store(&kv, key, secret.expose(), &token.to_stored(), lifetime_secs));
        }
        let text = Rc::clone(&token.text);
        gateway.upstream_tokens.borrow_mut().insert(key, token);
        Ok(text)
    }
}

/// Returns the access token that a request came with, or that of its session.
fn callers_token(cx: &RequestContext) -> Option<String> {
    if let Some(session) = &*cx.session_token.borrow() {
        return Some(session.token.to_string());
    }
    match bearer(cx.header("authorization").as_deref()) {
        Credentials::Bearer(token) => Some(token.to_owned()),
        Credentials::Malformed | Credentials::Absent => None,
    }
}
