//! Which failure a request meets by what the config says of its path, before anybody is asked about it.

use super::failure::Problem;
use crate::config::Rules;
use crate::http::header::behind_comma;
use crate::http::media_type::{essence, is_within};
use crate::http::request::RequestHead;
use crate::route::{Allow, Found, Match};

/// Methods that even an `ANY` path does not accept: they would show a client what the gateway sends to upstreams (RFC 9110 sections
/// 9.3.6 and 9.3.8), and the Fetch standard forbids them.
const REFUSED_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

impl Problem {
    /// Returns the route that takes a request of a method.
    ///
    /// # Errors
    /// Why none does.
    pub fn or_route<'t, 'p>(found: Found<'t, 'p>, method: &str) -> Result<Match<'t, 'p>, Self> {
        match found {
            // Only `ANY` takes a method of these, and it takes all the others.
            Found::Route(_) if REFUSED_METHODS.contains(&method) => Err(Self::MethodNotAllowed(Allow::every())),
            Found::Route(matched) => Ok(matched),
            Found::MethodNotAllowed(allow) => Err(Self::MethodNotAllowed(allow)),
            Found::NotFound => Err(Self::RouteNotFound),
            Found::Ambiguous(reason) => Err(Self::PathAmbiguous(reason)),
        }
    }

    /// Checks what a request says of its body, if it has one.
    ///
    /// # Errors
    /// 413 if it is too large, 415 if it has another type.
    pub fn or_body(rules: &Rules, request: &impl RequestHead, has_body: impl Fn() -> bool) -> Result<(), Self> {
        let length = || request.header("content-length").and_then(|length| length.parse::<u64>().ok());
        if let Some(max) = rules.max_body_bytes
            && length().is_some_and(|length| length > max)
        {
            return Err(Self::BodyTooLarge(max));
        }
        let types = &rules.content_types;
        if types.is_empty() || length() == Some(0) || !has_body() {
            return Ok(());
        }
        let header = request.header("content-type").unwrap_or_default();
        let essence = essence(header);
        // Of two types, each reader takes another.
        let is_one = behind_comma(header).is_none();
        let is_accepted = is_one && types.iter().any(|range| is_within(&essence, range));
        if is_accepted { Ok(()) } else { Err(Self::UnsupportedMediaType) }
    }
}
