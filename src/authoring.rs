//! What commands that write a config have in common: JSON in the order in which it is written, and the words for providers.
//!
//! It does **not** know what a config may have, and writes no file. It is compiled for the host only.

mod ordered_json;
mod provider;

pub use ordered_json::Json;
pub use provider::Provider;
