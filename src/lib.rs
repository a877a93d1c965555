//! Bargate: an auth-aware API gateway for Cloudflare Workers.
//!
//! The crate has a core and an edge. The core decides: it turns values into values, has no clock, does no I/O and
//! compiles on any host. The edge performs: it is compiled only for `wasm32`, and is the only place that knows the
//! Workers runtime.
//!
//! ```text
//! edge -> objects -> session -> oauth -> answer -> proxy -> mapping -> cors -> problem -> token -> config -> jwks -> http -> route
//!      -> recent -> places -> algorithm -> address -> excerpt -> secret -> json
//! ```
//!
//! The command line has its own rooms, only on the host, which the edge never names: `deployment -> review -> import -> walk ->
//! explain -> authoring` come before `objects`, and `text_file` and `printable` after `address`.
//!
//! Nothing points back, which `tests/rooms` tests.

#![cfg_attr(not(target_os = "unknown"), forbid(unsafe_code))]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::todo)
)]

pub mod address;
pub mod algorithm;
pub mod answer;
#[cfg(not(target_os = "unknown"))]
pub mod authoring;
pub mod config;
pub mod cors;
#[cfg(not(target_os = "unknown"))]
pub mod deployment;
pub mod encoding;
pub mod excerpt;
#[cfg(not(target_os = "unknown"))]
pub mod explain;
pub mod http;
#[cfg(not(target_os = "unknown"))]
pub mod import;
pub mod json;
pub mod jwks;
pub mod mapping;
pub mod oauth;
pub mod objects;
pub mod places;
#[cfg(not(target_os = "unknown"))]
pub mod printable;
pub mod problem;
pub mod proxy;
pub mod recent;
#[cfg(not(target_os = "unknown"))]
pub mod review;
pub mod route;
pub mod secret;
pub mod session;
mod split;
#[cfg(not(target_os = "unknown"))]
pub mod text_file;
pub mod token;
#[cfg(not(target_os = "unknown"))]
pub mod walk;

#[cfg(target_os = "unknown")]
mod edge;
