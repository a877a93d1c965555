//! The gateway: its config, the authorizers at work, and what is remembered between requests.

pub mod issuer;
pub mod key_ring;
pub mod loader;
pub mod state;

pub use state::Gateway;
