//! The gateway's own tokens for upstreams: from the isolate, from KV, or from the provider, once for all requests that need one.
//!
//! Which tokens are used again, and until when, is decided in [`crate::oauth`] and [`crate::session`].

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Request, Response};

use crate::config::{Path, UpstreamGrant, UpstreamToken};
use crate::edge::gateway::application::signed;
use crate::edge::gateway::{Gateway, provider_failures};
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::bindings::STORE_TIMEOUT_MS;
use crate::edge::runtime::boxed::{Boxed, boxed};
use crate::edge::runtime::http_client::{ANSWER_MAX_BYTES, answer_of, failure_reason};
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::kv::KvNamespace;
use crate::edge::runtime::single_flight::SingleFlightRules;
use crate::edge::runtime::timing::{now_ms, now_secs};
use crate::oauth::{STORED, parse_upstream_token, upstream_token_form};
use crate::problem::Problem;
use crate::token::{Credentials, credentials};

#[wasm_bindgen(module = "/src/edge/auth/upstream_tokens.js")]
extern "C" {
    /// Promises what KV has under a name, if it opens, or else the provider's answer to a form.
    fn issue(
        kv: Option<&KvNamespace>,
        name: &str,
        secret: &str,
        store_ms: u32,
        url: &str,
        form: &str,
        authorization: Option<&str>,
        ms: u32,
        max: usize,
    ) -> Promise;

    /// Stores a token in KV.
    fn store(kv: &KvNamespace, name: &str, secret: &str, token: &str, secs: u32) -> Promise;
}

/// The KV binding that shares tokens between isolates, sealed; without it each isolate requests its own.
const KV_BINDING: &str = "UPSTREAM_TOKENS";

/// KV stores nothing for a shorter time.
const KV_LIFETIME_MIN_SECS: u32 = 60;

/// How long one token request may take.
const TIMEOUT_MS: u32 = 10_000;

/// Late requests get a failure of the provider again, for this long: it is not asked by each of them.
const FAILURE_REPLAY_MS: f64 = 1_000.0;

/// The header that the token is in.
const HEADER: &str = "authorization";

/// The status by which an upstream refuses a token (RFC 6750 section 3.1).
const UNAUTHORIZED: u16 = 401;

/// The gateway's own token of one request to an upstream.
pub struct OwnToken<'r> {
    gateway: &'r Gateway,
    cx: &'r RequestContext,
    wanted: &'r Rc<UpstreamToken>,
    /// The caller's token, if that is exchanged.
    subject: Option<String>,
    /// What tells the token from others, one part a line.
    name: String,
    /// The token in use; empty before the first.
    text: Rc<str>,
    has_retried: bool,
}

impl<'r> OwnToken<'r> {
    /// Begins for a request as it would go to the upstream without this token.
    ///
    /// # Errors
    /// If it has no token that could be exchanged.
    pub fn of(
        gateway: &'r Gateway,
        cx: &'r RequestContext,
        wanted: &'r Rc<UpstreamToken>,
        request: &Request,
    ) -> Result<Self, Problem> {
        let sent = request.headers().get(HEADER).ok().flatten();
        // A bound token that this path takes has been proven; another is none.
        let takes_proofs = cx.matched_path(&gateway.config).is_some_and(Path::takes_proofs);
        let subject = match (wanted.grant, credentials(sent.as_deref(), takes_proofs)) {
            (UpstreamGrant::ClientCredentials, _) => None,
            (UpstreamGrant::TokenExchange, Credentials::Bearer(token) | Credentials::Dpop(token)) => {
                Some(token.to_owned())
            }
            (UpstreamGrant::TokenExchange, _) => return Err(Problem::TokenMissing),
        };
        let of_caller = subject.as_deref().unwrap_or_default();
        let name = [&*wanted.endpoint, &wanted.client.id, &wanted.form, of_caller].join("\n");
        Ok(Self { gateway, cx, wanted, subject, name, text: "".into(), has_retried: false })
    }

    /// Puts the token on the request, in place of the caller's. Waits for nothing if the isolate has it.
    ///
    /// # Errors
    /// The provider's failure, or that it refuses the gateway.
    pub fn put_on<'s>(&'s mut self, request: &'s Request) -> Boxed<'s, Result<(), Problem>> {
        boxed(async move {
            let known = self.gateway.own_tokens.borrow_mut().get(&self.name, now_ms());
            self.text = match known {
                Some(text) => text,
                None => self.request().await?,
            };
            let failed = |error: JsValue| Problem::UpstreamUnreachable(failure_reason(&error));
            request.headers().set(HEADER, &["Bearer ", &*self.text].concat()).map_err(failed)
        })
    }

    /// Drops the token if the upstream refused it; returns whether the request may be sent with another, once.
    pub fn drop_if_refused(&mut self, sent: &Result<JsValue, JsValue>) -> bool {
        sent.as_ref().is_ok_and(|response| response.unchecked_ref::<Response>().status() == UNAUTHORIZED)
            && !std::mem::replace(&mut self.has_retried, true)
            && self.gateway.own_tokens.borrow_mut().refuse(&self.name, &self.text, now_ms())
    }

    async fn request(&self) -> Result<Rc<str>, Problem> {
        let Self { gateway, cx, wanted, subject, name, .. } = self;
        let is_refused = gateway.own_tokens.borrow_mut().is_refused(name, now_ms());
        let secret = wanted.sealing_secret().map(|secret| secret.expose().as_str());
        let kv = secret.and_then(|_| KvNamespace::bound(cx.env(), KV_BINDING));
        // What the upstream refused may be in KV still.
        let to_read = kv.clone().filter(|_| !is_refused);
        let form = upstream_token_form(wanted, subject.as_deref());
        let (wanted, named) = (Rc::clone(wanted), name.clone());
        let work = Box::pin(async move {
            let outcome = match signed(&wanted.client, &wanted.issuer, form).await {
                Ok(form) => {
                    let secret = wanted.sealing_secret().map_or("", |secret| secret.expose());
                    let (authorization, max) = (form.authorization.as_deref(), ANSWER_MAX_BYTES);
                    answer_of(issue(
                        to_read.as_ref(),
                        &named,
                        secret,
                        STORE_TIMEOUT_MS,
                        &wanted.endpoint,
                        &form.body,
                        authorization,
                        TIMEOUT_MS,
                        max,
                    ))
                    .await
                }
                Err(error) => Err(error),
            };
            let has_failed = parse_upstream_token(&outcome, now_secs()).is_err();
            (outcome, has_failed)
        });
        let rules = SingleFlightRules::of_call(TIMEOUT_MS + STORE_TIMEOUT_MS, FAILURE_REPLAY_MS);
        let outcome = gateway.token_requests.share(*cx, name.clone(), rules, work).await;
        let now = now_secs();
        let (token, secs) = parse_upstream_token(&outcome, now).inspect_err(provider_failures::note)?;
        let token = Rc::from(token);
        let mut known = gateway.own_tokens.borrow_mut();
        // Only the first of those who waited stores it.
        if known.get(name, now_ms()).is_none() {
            known.insert(name, Rc::clone(&token), now + i64::from(secs));
            if let (Some(kv), Some(secret), Ok(answer)) = (kv, secret, &*outcome)
                && answer.status != STORED
                && secs >= KV_LIFETIME_MIN_SECS
            {
                cx.keep_alive(&store(&kv, name, secret, &token, secs));
            }
        }
        Ok(token)
    }
}
