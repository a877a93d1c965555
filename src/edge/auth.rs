//! From credentials to claims, and from grants to tokens.

pub mod authenticate;
mod dpop;
pub mod grants;
pub mod rotation;
pub mod token_requests;
pub mod upstream_tokens;
