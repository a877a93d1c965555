//! The schema and the reference are what is committed, and the schema says of a config what the parser says of it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "schema/agreement.rs"]
mod agreement;
#[path = "schema/files.rs"]
mod files;
#[path = "schema/mutations.rs"]
mod mutations;
#[path = "schema/texts.rs"]
mod texts;
#[path = "schema/verdict.rs"]
mod verdict;
