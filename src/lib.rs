//! Bargate: an auth-aware API gateway for Cloudflare Workers.
//!
//! The crate has a core and an edge. The core decides: it turns values into values, has no clock, does no I/O and
//! compiles on any host. The edge performs: it is compiled for `wasm32` alone and is the one place that knows the
//! Workers runtime.
//!
//! ```text
//! edge -> session -> mapping, cors, proxy, oauth, problem, token -> config -> jwks, route -> algorithm, address, secret, json -> http
//! ```
//!
//! `review`, on the host alone, is for the command line and looks at configs as they are written; it stands beside `session`.
//!
//! Nothing points back: a core module never names `edge`, and `config` names no module but those to its right.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::todo)
)]

pub mod address;
pub mod algorithm;
pub mod config;
pub mod cors;
pub mod http;
pub mod json;
pub mod jwks;
pub mod mapping;
pub mod oauth;
pub mod problem;
pub mod proxy;
pub mod recent;
#[cfg(not(target_arch = "wasm32"))]
pub mod review;
pub mod route;
pub mod secret;
pub mod session;
pub mod token;

#[cfg(target_arch = "wasm32")]
mod edge;
