//! Which tokens are believed: the whole decision as the edge runs it, with `ring` in the place of WebCrypto.
//!
//! Every token here is explained as well, as `bargate token explain` does it: both must come to the same verdict.
//!
//! Each table has one valid baseline and one mutation a row. Private keys are made for the run and never written down.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod cache;
mod claims;
mod explained;
mod form;
mod host_verifier;
mod jwt_compact;
mod logout;
mod properties;
mod vectors;
