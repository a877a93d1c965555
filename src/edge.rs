//! The edge: everything that knows the Workers runtime. `wasm32` only.
//!
//! A request comes in through [`fetch`], which is not async: the handler's future is polled once on the spot, and what is
//! finished then is answered without a promise. Only what waits for I/O becomes one. A Durable Object comes in through
//! [`answer_object`].

mod auth;
mod gateway;
mod handler;
mod integrations;
mod objects;
mod request;
mod runtime;
mod session;

use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use request::context::RequestContext;
use runtime::panic;
use runtime::stored_object::StoredObject;
use runtime::work::settle;

/// Answers a request: with a `Response`, or with a promise of one if the answer waits for I/O.
#[wasm_bindgen]
pub fn fetch(request: web_sys::Request, env: Env, context: worker::worker_sys::Context) -> JsValue {
    panic::install_hook();
    let cx = Rc::new(RequestContext::begin(request, env, context));
    settle(Box::pin(async move {
        let response = handler::handle(&cx).await;
        Ok(request::answer::behind_body(&cx.request(), &response))
    }))
}

/// Answers a request during which the gateway panicked; `src/edge/library.mjs` calls it on a fresh instance.
#[wasm_bindgen]
pub fn answer_panic(request: web_sys::Request, env: Env, context: worker::worker_sys::Context) -> JsValue {
    panic::install_hook();
    let cx = Rc::new(RequestContext::begin(request, env, context));
    settle(Box::pin(async move { Ok(handler::handle_panicked(&cx).await.into()) }))
}

/// Answers a message to a Durable Object of the class `kind`, or its alarm if there is no message: with text, or with a promise of it.
#[wasm_bindgen]
pub fn answer_object(object: StoredObject, kind: &str, message: Option<String>) -> JsValue {
    panic::install_hook();
    settle(objects::answer(object, kind, message))
}
