//! What the commands that write a config share: JSON in a fixed order, the words for providers, and the
//! config to start from.
//!
//! It does **not** write files. It is compiled for the host only.

mod provider;
mod starting_point;

pub use crate::config::grammar::Json;
pub use provider::Provider;
pub use starting_point::{Asked, Documentation, Meaning, Mode, StartingPoint, Variable};
