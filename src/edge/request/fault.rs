//! Panics on request, for the tests that show that none has a lasting effect.
//!
//! Only under a binding that is a JavaScript function does a request get one. No deployment has such a binding: variables and
//! secrets are text or JSON, and every other binding is an object. A test's own entry module puts it into `env`.

use std::cell::OnceCell;

use crate::edge::request::context::RequestContext;
use crate::edge::runtime::bindings::raw;
use crate::edge::runtime::invocation::Invocation as _;
use crate::http::request::RequestHead as _;

/// Panics if a test asks for it.
pub fn inject(cx: &RequestContext) {
    thread_local! {
        static IS_TESTED: OnceCell<bool> = const { OnceCell::new() };
    }
    let is_tested = IS_TESTED.with(|tested| *tested.get_or_init(|| raw(cx.env(), "FAULT").is_function()));
    let is_asked_for = is_tested && cx.header("x-fault").is_some();
    assert!(!is_asked_for, "a panic that a test asked for");
}
