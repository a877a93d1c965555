//! The schema and the reference are what is committed, and the schema says of a config what the parser says of it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod agreement;
mod files;
mod mutations;
mod texts;
mod verdict;
