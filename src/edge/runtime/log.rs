//! The log: one JSON line a request, and one for each thing an operator must know besides; and the dataset of answers.
//!
//! A line never holds a token, a secret, a header's value or a query.

use std::cell::Cell;

use serde_json::{Map, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use crate::edge::gateway::Gateway;
use crate::edge::request::exchange::Exchange;
use crate::edge::runtime::bindings;
use crate::edge::runtime::invocation::Invocation as _;
use crate::edge::runtime::timing::now_ms;
use crate::http::request::RequestHead as _;
use crate::json;
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/host.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn write_point(dataset: &JsValue, route: &str, method: &str, code: &str, numbers: &[f64]) -> Result<(), JsValue>;
}

/// Variable that says which lines are written: those of its level and of each behind it.
const LEVEL_VARIABLE: &str = "LOG_LEVEL";

const LEVELS: [&str; 5] = ["debug", "info", "warn", "error", "off"];
const INFO: usize = 1;
const WARN: usize = 2;
const ERROR: usize = 3;

thread_local! {
    static LEVEL: Cell<usize> = const { Cell::new(INFO) };
}

/// Takes the level over from its variable.
pub fn set_level(env: &Env) {
    let written = bindings::raw(env, LEVEL_VARIABLE).as_string().unwrap_or_default().to_ascii_lowercase();
    let level = LEVELS.iter().position(|level| *level == written);
    LEVEL.set(level.unwrap_or(INFO));
    if level.is_none() && !written.is_empty() {
        warn("log_level_unknown", "LOG_LEVEL is none of debug, info, warn, error and off: taken for info");
    }
}

fn is_written(level: usize) -> bool {
    level >= LEVEL.get()
}

/// Logs what keeps the gateway from its work.
pub fn error(code: &str, message: &str) {
    line(ERROR, code, message);
}

/// Logs what an operator should look at.
pub fn warn(code: &str, message: &str) {
    line(WARN, code, message);
}

fn line(level: usize, code: &str, message: &str) {
    if !is_written(level) {
        return;
    }
    let name = if level == ERROR { "error" } else { "warn" };
    let line = json::object(&mut [("level", name.into()), ("code", code.into()), ("message", message.into())]);
    if level == ERROR {
        worker::console_error!("{line}");
    } else {
        worker::console_warn!("{line}");
    }
}

/// Logs an answer, and writes it to the dataset where the config names one.
pub fn request(exchange: &Exchange, gateway: Option<&Gateway>, status: u16, problem: Option<&Problem>) {
    let route = gateway.and_then(|gateway| gateway.path_of(exchange)).map(|path| path.pattern.as_str());
    let total_ms = now_ms() - exchange.started_ms;
    if let Some(binding) = gateway.and_then(|gateway| gateway.config.analytics.as_deref()) {
        let dataset = bindings::raw(exchange.env(), binding);
        let part = |ms: &Cell<Option<f64>>| ms.get().unwrap_or_default();
        let numbers = [f64::from(status), total_ms, part(&exchange.auth_ms), part(&exchange.upstream_ms)];
        let code = problem.map_or("", Problem::code);
        if write_point(&dataset, route.unwrap_or_default(), exchange.method(), code, &numbers).is_err() {
            warn("analytics_unavailable", "the dataset takes no data points");
        }
    }
    // What somebody is led away from has failed all the same.
    let led = status == 303 && problem.is_some_and(|problem| problem.status() >= 500);
    let level = if status >= 500 || led { ERROR } else { INFO };
    if !is_written(level) {
        return;
    }
    let mut line = Map::new();
    line.insert("level".into(), if level == ERROR { "error" } else { "info" }.into());
    line.insert("request_id".into(), exchange.id.as_str().into());
    line.insert("method".into(), exchange.method().into());
    line.insert("route".into(), route.map_or(Value::Null, Value::from));
    line.insert("status".into(), status.into());
    if let Some(problem) = problem {
        line.insert("code".into(), problem.code().into());
        if let Some(reason) = problem.reason() {
            line.insert("reason".into(), reason.into());
        }
    }
    if let Some(trace) = exchange.trace.get() {
        line.insert("trace_id".into(), trace.id().into());
    }
    line.insert("duration_ms".into(), total_ms.into());
    worker::console_log!("{}", Value::Object(line));
}
