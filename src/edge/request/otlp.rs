//! Spans and measurements for an OpenTelemetry collector. `otlp.js` makes and sends them, behind the answer.
//!
//! None has a token, a cookie, a query or a claim.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::Otlp;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::log;
use crate::edge::runtime::timing::now_ms;
use crate::http::request::RequestHead as _;
use crate::problem::Problem;

#[wasm_bindgen(module = "/src/edge/request/otlp.js")]
extern "C" {
    /// Records a request, and sends what is recorded soon: to where `settings` say, as lines of [`Otlp`]. `texts` and `numbers` are in the
    /// order of `otlp.js`.
    #[wasm_bindgen(catch)]
    fn record_request(context: &JsValue, settings: &str, texts: &str, numbers: &[f64]) -> Result<(), JsValue>;
}

/// Records a request that was answered.
pub fn record(cx: &RequestContext, otlp: &Otlp, status: u16, problem: Option<&Problem>) {
    let trace = cx.trace(true);
    let came_with = if trace.continued { cx.header("traceparent").unwrap_or_default().trim() } else { "" };
    let route = cx.route.get().map_or("", |(_, pattern)| pattern.as_str());
    let call = cx.call.borrow();
    let call = call.as_ref();
    let texts = [
        cx.method(),
        route,
        &cx.origin(),
        cx.path(),
        problem.map_or("", Problem::code),
        &trace.traceparent,
        came_with,
        call.map_or("", |call| call.origin.as_str()),
    ];
    let warns = if log::is_written(log::WARN) { 1.0 } else { 0.0 };
    let [began_ms, took_ms] = call.map_or([0.0; 2], |call| [call.began_ms, call.took_ms]);
    let answered = f64::from(call.map_or(0, |call| call.status));
    let numbers = [f64::from(status), cx.started_ms, now_ms(), began_ms, took_ms, answered, warns];
    // What cannot be recorded is no fault of the request.
    let _ = record_request(cx.context(), otlp.0.expose(), &texts.join("\n"), &numbers);
}
