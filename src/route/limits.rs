//! How large a pattern may be.

/// The most segments a pattern has, its wildcard included.
///
/// It bounds how deep a search goes and how deep its recursion is, whatever a request sends; the longest paths of public APIs
/// have about twenty.
pub const MAX_SEGMENTS: usize = 32;

/// The longest a pattern is, in bytes of its normal form.
///
/// Longer URLs are not portable between clients (about 2,000 characters), and a segment of a request that is longer than
/// every literal need not be looked up.
pub const MAX_PATTERN_BYTES: usize = 2048;
