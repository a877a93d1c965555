//! The log: one JSON line a request, and one for each thing an operator must know besides.
//!
//! A line never holds a token, a secret, a header's value or a query.

use serde_json::{Map, Value, json};

use super::exchange::Exchange;
use super::gateway::Gateway;
use super::timing::now_ms;
use crate::problem::Problem;
use crate::request::RequestHead as _;

/// Logs what keeps the gateway from its work.
pub fn error(code: &str, message: &str) {
    worker::console_error!("{}", json!({"level": "error", "code": code, "message": message}));
}

/// Logs what an operator should look at.
pub fn warn(code: &str, message: &str) {
    worker::console_warn!("{}", json!({"level": "warn", "code": code, "message": message}));
}

/// Logs an answer.
pub fn request(exchange: &Exchange, gateway: Option<&Gateway>, status: u16, problem: Option<&Problem>) {
    let mut line = Map::new();
    let level = if status >= 500 { "error" } else { "info" };
    line.insert("level".into(), level.into());
    line.insert("request_id".into(), exchange.id.as_str().into());
    line.insert("method".into(), exchange.method().into());
    let path = gateway.zip(exchange.path_index.get()).and_then(|(gateway, index)| gateway.config.paths.get(index));
    line.insert("route".into(), path.map_or(Value::Null, |path| path.pattern.as_str().into()));
    line.insert("status".into(), status.into());
    if let Some(problem) = problem {
        line.insert("code".into(), problem.code().into());
        if let Some(reason) = problem.reason() {
            line.insert("reason".into(), reason.into());
        }
    }
    line.insert("duration_ms".into(), (now_ms() - exchange.started_ms).into());
    worker::console_log!("{}", Value::Object(line));
}
