//! What a config may say, what is told of one that says something else, and what never leaves it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod bindings;
mod diagnostics;
mod guards;
mod hostile;
mod loading;
mod prepared;
mod token_rules;
mod upgrades;
