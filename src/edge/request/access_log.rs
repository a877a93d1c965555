//! The access log: one line a request, and a data point if the config names a dataset.

use std::cell::Cell;

use serde_json::{Map, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Response;

use crate::edge::gateway::Gateway;
use crate::edge::request::context::RequestContext;
use crate::edge::request::otlp;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::timing::now_ms;
use crate::edge::runtime::{bindings, log};
use crate::http::request::RequestHead as _;
use crate::json::ToText as _;
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/request/access_log.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn write_point(dataset: &JsValue, route: &str, method: &str, code: &str, numbers: &[f64]) -> Result<(), JsValue>;
}

/// Logs an answer, and writes it to the dataset if the config names one.
pub fn record(cx: &RequestContext, gateway: Option<&Gateway>, response: &Response, problem: Option<&Problem>) {
    if let Some(otlp) = gateway.and_then(|gateway| gateway.config.otlp.as_ref()) {
        otlp::record(cx, otlp, response.status(), problem);
    }
    let dataset = gateway.and_then(|gateway| gateway.config.analytics.as_deref());
    if dataset.is_none() && !log::is_written(log::ERROR) {
        return;
    }
    let status = response.status();
    let route = cx.route.get().map(|(_, pattern)| pattern.as_str());
    let total_ms = || now_ms() - cx.started_ms;
    if let Some(binding) = dataset {
        let dataset = bindings::raw(cx.env(), binding);
        let part = |ms: &Cell<Option<f64>>| ms.get().unwrap_or_default();
        let numbers = [f64::from(status), total_ms(), part(&cx.auth_ms), part(&cx.upstream_ms)];
        let code = problem.map_or("", Problem::code);
        if write_point(&dataset, route.unwrap_or_default(), cx.method(), code, &numbers).is_err() {
            log::warn("analytics_unavailable", "the dataset accepts no data points");
        }
    }
    // A request that is redirected because of a failure has still failed.
    let led = status == 303 && problem.is_some_and(|problem| problem.status() >= 500);
    let level = if status >= 500 || led { log::ERROR } else { log::INFO };
    if !log::is_written(level) {
        return;
    }
    let mut line = Map::new();
    line.insert("level".into(), if level == log::ERROR { "error" } else { "info" }.into());
    line.insert("request_id".into(), cx.id().into());
    line.insert("method".into(), cx.method().into());
    line.insert("route".into(), route.map_or(Value::Null, Value::from));
    line.insert("status".into(), status.into());
    if let Some(problem) = problem {
        line.insert("code".into(), problem.code().into());
        if let Some(reason) = problem.reason() {
            line.insert("reason".into(), reason.into());
        }
    }
    if let Some(digest) = cx.api_key.get() {
        line.insert("api_key".into(), digest.as_str().into());
    }
    if let Some(trace) = cx.begun_trace() {
        line.insert("trace_id".into(), trace.id().into());
    }
    line.insert("duration_ms".into(), total_ms().into());
    log::write("log", &Value::Object(line).to_text());
}
