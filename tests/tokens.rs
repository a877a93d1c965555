//! Which tokens are believed: the whole decision as the edge runs it, with `ring` in the place of WebCrypto.
//!
//! Every token here is explained as well, as `bargate token explain` does it: both must come to the same verdict.
//!
//! Each table has one valid baseline and one mutation a row. Private keys are made for the run and never written down.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "tokens/cache.rs"]
mod cache;
#[allow(dead_code, reason = "a part of the command line, which uses all of it")]
#[path = "../src/bin/bargate/token/checks.rs"]
mod checks;
#[path = "tokens/claims.rs"]
mod claims;
#[path = "tokens/explained.rs"]
mod explained;
#[path = "tokens/form.rs"]
mod form;
#[path = "tokens/host_verifier.rs"]
mod host_verifier;
#[path = "../src/bin/bargate/token/key_checks.rs"]
mod key_checks;
#[path = "tokens/logout.rs"]
mod logout;
#[path = "tokens/properties.rs"]
mod properties;
#[path = "../src/bin/bargate/token/signature.rs"]
mod signature;
#[allow(dead_code, reason = "a part of the command line, which uses all of it")]
#[path = "../src/bin/bargate/token/time.rs"]
mod time;
#[path = "tokens/vectors.rs"]
mod vectors;
