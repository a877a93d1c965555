//! The gateway: its config, the authorizers at work, and what is remembered between requests.

pub mod access_tokens;
pub mod api_keys;
pub mod application;
pub mod jwks_cache;
pub mod loader;
pub mod provider_failures;
pub mod state;
pub mod verifier;

pub use state::Gateway;
