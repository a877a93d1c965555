//! HTTP's own words: what its standards say of requests, header fields, cookies and media types, whatever a gateway makes of it.
//!
//! It names no other module of the core. Which headers pass is [`crate::proxy`]'s to say, what a cookie means its owner's.

pub mod caching;
pub mod cookie;
pub mod header;
pub mod header_lines;
pub mod media_type;
pub mod request;
pub mod trace;
