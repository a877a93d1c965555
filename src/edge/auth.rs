//! From credentials to claims, and from grants to tokens.

pub mod authenticate;
pub mod grants;
pub mod provider;
pub mod rotation;
