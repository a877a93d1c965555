//! Which route a request takes: patterns, their precedence, and the match.
//!
//! A route is a method, a path pattern and perhaps a host. [`RouteTable`] has all of them and answers, for the method, the host and the
//! path of a request, with one route, with the methods the path has, with "no such path", or with a refusal: a path that the gateway
//! and an upstream could read in two ways is never routed.
//!
//! This module does **not** know what a route does, does not normalise URLs (it is given the path as the WHATWG parser left
//! it), does not decode parameters, and answers no CORS preflight. It does no I/O and has no clock.

#[cfg(not(target_os = "unknown"))]
mod explanation;
mod guard;
mod host;
mod known;
mod limits;
mod loose;
mod method;
mod pattern;
mod pattern_error;
mod reading;
mod segment;
mod sorted;
mod table;

#[cfg(not(target_os = "unknown"))]
pub use explanation::{Passed, in_order_of_precedence};
pub use guard::Guard;
pub use host::Host;
pub use known::KnownRoutes;
pub use limits::{MAX_PATTERN_BYTES, MAX_SEGMENTS};
pub use method::{Allow, Method, MethodRule};
pub use pattern::{Pattern, parameter};
pub use pattern_error::PatternError;
pub use reading::Ambiguity;
pub use table::{Conflict, Found, Match, PreparedRoutes, RouteSpec, RouteTable};
