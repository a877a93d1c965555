//! Which tokens are believed: the whole decision as the edge runs it, with `ring` in the place of WebCrypto.
//!
//! Each table has one valid baseline and one mutation a row. Private keys are made for the run and never written down.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "tokens/cache.rs"]
mod cache;
#[path = "tokens/claims.rs"]
mod claims;
#[path = "tokens/form.rs"]
mod form;
#[path = "tokens/host_verifier.rs"]
mod host_verifier;
#[path = "tokens/logout.rs"]
mod logout;
#[path = "tokens/properties.rs"]
mod properties;
#[path = "tokens/vectors.rs"]
mod vectors;
