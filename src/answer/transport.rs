//! What an answer of the gateway says of how it is to be taken, whatever it is.

use crate::address::Address;
use crate::http::header::{Header, push};

/// After one visit by https, browsers use only https for two years (RFC 6797).
const HSTS: &str = "max-age=63072000";

/// Adds the headers of each answer that the gateway makes to a request of `url`.
pub fn push_transport_headers(headers: &mut Vec<Header>, url: &Address) {
    push(headers, "x-content-type-options", "nosniff".into());
    if url.scheme() == "https" {
        push(headers, "strict-transport-security", HSTS.into());
    }
}
