//! `service_binding` and `service`: other Workers, JavaScript beside the gateway, and functions called on the way.

use js_sys::{Array, Promise};
use serde_json::{Map, Value};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Request, Response};

use crate::config::{Path, Rpc};
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::request::forwarding::{Forwarding, own_url};
use crate::edge::runtime::bindings;
use crate::edge::runtime::http_client::failure_reason;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::timing::now_ms;
use crate::edge::runtime::work::Awaited;
use crate::json::{self, ToText as _};
use crate::problem::Problem;
use crate::route::Match;
use crate::token::VerifiedClaims;

#[wasm_bindgen(module = "/src/edge/runtime/fetch.js")]
extern "C" {
    fn fetch_bound(binding: &JsValue, request: &Request, ms: u32) -> Promise;
}

#[wasm_bindgen(module = "/src/edge/integrations/service.js")]
extern "C" {
    fn serve(name: &str, request: &Request, env: &JsValue, ctx: &JsValue, context: &str, ms: u32) -> Promise;

    fn call_function(binding: &JsValue, name: &str, request: &Request, context: &str, ms: u32) -> Promise;

    fn invoke_function(binding: &JsValue, name: &str, request: &Request, context: &str, ms: u32) -> Promise;

    fn ask_first(
        binding: &JsValue,
        name: &str,
        request: &Request,
        lines: &str,
        context: &str,
        ms: u32,
        max: Option<f64>,
    ) -> Promise;
}

/// How long a service may take to begin its answer, in milliseconds.
const TIMEOUT_MS: u32 = 30_000;

/// A request on its way to a service.
pub struct ServiceCall<'c> {
    /// The gateway.
    pub gateway: &'c Gateway,
    /// The request.
    pub cx: &'c RequestContext,
    /// The path that took it.
    pub path: &'c Path,
    /// How it matched.
    pub matched: &'c Match<'c, 'c>,
    /// The claims of its token, or for a callback those of the login.
    pub claims: Option<&'c VerifiedClaims>,
}

impl ServiceCall<'_> {
    /// Passes the request to a Worker, or has one of its functions answer it.
    ///
    /// # Errors
    /// 502 if it fails, 504 if it takes too long.
    pub async fn binding(&self, binding: &str, function: Option<&str>) -> Result<Answer, Problem> {
        let worker = self.bound(binding);
        let request = self.forwarded()?;
        self.answer(match function.filter(|name| *name != "fetch") {
            None => fetch_bound(&worker, &request, TIMEOUT_MS),
            Some(name) => call_function(&worker, name, &request, &self.context(), TIMEOUT_MS),
        })
        .await
    }

    /// Has a module beside the gateway answer the request.
    ///
    /// # Errors
    /// 502 if it fails, 504 if it takes too long.
    pub async fn module(&self, name: &str) -> Result<Answer, Problem> {
        let Self { cx, .. } = self;
        let request = self.forwarded()?;
        self.answer(serve(name, &request, cx.env().as_ref(), cx.context(), &self.context(), TIMEOUT_MS)).await
    }

    /// Asks a function whether the request may continue; returns its answer if it may not.
    ///
    /// # Errors
    /// 502 if it fails or says neither, 504 if it takes too long.
    pub async fn ask_first(&self, rpc: &Rpc) -> Result<Option<Answer>, Problem> {
        let Self { gateway, cx, path, claims, .. } = self;
        let forwarding = Forwarding::of(gateway, cx, path, *claims, "");
        let (lines, worker) = (forwarding.lines(&own_url(cx, path, *claims)), self.bound(&rpc.binding));
        let (request, context, max) = (cx.request(), self.context(), forwarding.max);
        let asked = ask_first(&worker, &rpc.function, &request, &lines, &context, TIMEOUT_MS, max);
        let outcome: Array = Awaited::from(asked).await.map_err(|error| self.failed(&error))?.unchecked_into();
        cx.replace_request(outcome.get(1).unchecked_into());
        let answer = outcome.get(0);
        Ok(if answer.is_undefined() { None } else { Some(Answer::Relayed(answer.unchecked_into())) })
    }

    /// Tells a function about a login; its answer is ignored.
    ///
    /// # Errors
    /// 502 if it fails, 504 if it takes too long.
    pub async fn notify(&self, rpc: &Rpc) -> Result<(), Problem> {
        let (worker, request) = (self.bound(&rpc.binding), self.forwarded()?);
        let promise = invoke_function(&worker, &rpc.function, &request, &self.context(), TIMEOUT_MS);
        Awaited::from(promise).await.map(|_| ()).map_err(|error| self.failed(&error))
    }

    fn bound(&self, binding: &str) -> JsValue {
        bindings::raw(self.cx.env(), binding)
    }

    fn forwarded(&self) -> Result<Request, Problem> {
        let Self { gateway, cx, path, claims, .. } = self;
        let forwarding = Forwarding::of(gateway, cx, path, *claims, "");
        forwarding.request(cx, &own_url(cx, path, *claims)).map_err(|error| self.failed(&error))
    }

    async fn answer(&self, promise: Promise) -> Result<Answer, Problem> {
        let begun = self.gateway.begin_measuring();
        let answer = Awaited::from(promise).await;
        self.cx.upstream_ms.set(begun.map(|begun| now_ms() - begun));
        let answer: Response = answer.map_err(|error| self.failed(&error))?.unchecked_into();
        Ok(Answer::Relayed(answer))
    }

    fn failed(&self, error: &JsValue) -> Problem {
        match super::proxy::failure(error, self.path) {
            Problem::UpstreamUnreachable(_) => Problem::ServiceFailed(failure_reason(error)),
            problem => problem,
        }
    }

    /// Returns the context of a function or module, as JSON; `requestUrl` and `jwtPayload` are SAG's names.
    fn context(&self) -> String {
        let Self { cx, matched, claims, .. } = self;
        let mut params: Map<String, Value> = Map::new();
        for (name, value) in matched.params() {
            params.insert(name.to_owned(), value.into());
        }
        if matched.pattern.ends_with("{.+}") {
            params.insert(".+".to_owned(), matched.rest().into());
        }
        let claims = Value::from(claims.map(VerifiedClaims::to_json));
        let (method, pattern) = (matched.rule.as_str(), matched.pattern);
        json::object(&mut [
            ("route", json::object(&mut [("method", method.into()), ("path", pattern.into())])),
            ("params", Value::Object(params)),
            ("claims", claims.clone()),
            ("request_id", cx.id().into()),
            ("requestUrl", cx.url().as_str().into()),
            ("jwtPayload", claims),
        ])
        .to_text()
    }
}
