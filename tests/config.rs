//! What a config may say, what is told of one that says something else, and what never leaves it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "config/bindings.rs"]
mod bindings;
#[path = "config/diagnostics.rs"]
mod diagnostics;
#[path = "config/guards.rs"]
mod guards;
#[path = "config/hostile.rs"]
mod hostile;
#[path = "config/loading.rs"]
mod loading;
#[path = "config/token_rules.rs"]
mod token_rules;
