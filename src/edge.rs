//! The edge: everything that knows the Workers runtime. `wasm32` only.
//!
//! A request comes in through [`fetch`], which is not async: the handler's future is polled once on the spot, and what is
//! finished then is answered without a promise. Only what waits for I/O becomes one.

mod answer;
mod authenticate;
mod bindings;
mod exchange;
mod fault;
mod flight;
mod gateway;
mod handler;
mod host;
mod integrations;
mod key_ring;
mod kv;
mod log;
mod panic;
mod provider;
mod sealing;
mod timing;
mod webcrypto;

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use exchange::Exchange;

/// Answers a request: with a `Response`, or with a promise of one where the answer waits for I/O.
#[wasm_bindgen]
pub fn fetch(request: web_sys::Request, env: Env, context: worker::worker_sys::Context) -> JsValue {
    panic::install_hook();
    let exchange = Rc::new(Exchange::begin(request, env, context));
    settle(async move { handler::handle(&exchange).await })
}

/// Answers a request during which the gateway panicked; `src/edge/worker.mjs` calls it on a fresh instance.
#[wasm_bindgen]
pub fn answer_panic(request: web_sys::Request, env: Env, context: worker::worker_sys::Context) -> JsValue {
    panic::install_hook();
    let exchange = Rc::new(Exchange::begin(request, env, context));
    settle(async move { handler::handle_panicked(&exchange).await })
}

fn settle(answer: impl Future<Output = web_sys::Response> + 'static) -> JsValue {
    let mut answer: Pin<Box<dyn Future<Output = web_sys::Response>>> = Box::pin(answer);
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => response.into(),
        Poll::Pending => panic::guarded_promise(answer).into(),
    }
}
