//! What commands that write a config have in common: JSON in the order in which it is written, the words for providers, and the
//! config that most begin with.
//!
//! It takes the names of keys from where they are declared, and writes no file. It is compiled for the host only.

mod provider;
mod starting_point;

pub use crate::config::grammar::Json;
pub use provider::Provider;
pub use starting_point::{Asked, Mode, mistake, starting_point};
