//! Panics on request, for the tests that show that none has a lasting effect.
//!
//! Only under a binding that is a JavaScript function does a request get one. No deployment has such a binding: variables and
//! secrets are text or JSON, and every other binding is an object. A test's own entry module puts it into `env`.

use crate::edge::request::context::RequestContext;
use crate::edge::runtime::bindings::raw;
use crate::edge::runtime::invocation::Invocation as _;
use crate::http::request::RequestHead as _;

/// Panics if a test asks for it.
pub fn inject(cx: &RequestContext) {
    let is_asked_for = cx.header("x-fault").is_some() && raw(cx.env(), "FAULT").is_function();
    assert!(!is_asked_for, "a panic that a test asked for");
}
