//! What the commands that write a config share: JSON in a fixed order, the words for providers, the
//! config to start from, and API keys with their records.
//!
//! It does **not** write files. It is compiled for the host only.

mod api_key;
mod provider;
mod starting_point;

pub use crate::config::grammar::Json;
pub use api_key::{FreshKey, KeyAuthorizer, StoredKey, Wishes, delete_command, digest_of, read_namespace};
pub use provider::Provider;
pub use starting_point::{Asked, Documentation, Meaning, Mode, StartingPoint, Variable};
