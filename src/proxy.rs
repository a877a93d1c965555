//! Forwarding (RFC 9110 section 7.6): which upstream gets a request and how often, which headers do not pass, and what the cache
//! may answer.
//!
//! [`crate::http::header`] lists the hop-by-hop headers; [`crate::mapping`] makes the values that a path sets.

mod attempts;
mod cache;
mod client_headers;
mod cookies;
mod forwarding;
mod outages;
mod shares;

pub use attempts::{Attempts, Outcome};
pub use cache::{CacheQuery, Outgoing};
#[cfg(not(target_os = "unknown"))]
pub use client_headers::never_passes;
pub use client_headers::{ClientHeaderNames, ClientHeaders, DROPPED_REQUEST_HEADERS};
pub use cookies::{forwarded_cookies, is_own_cookie};
pub use forwarding::{PassedOn, holds_api_key};
pub use outages::Outages;
pub use shares::ranked;

use crate::config::Target;
use crate::problem::CODE_HEADER;

/// Headers of an upstream's answer that concern only its connection; the runtime handles the framing headers itself.
const DROPPED_RESPONSE_HEADERS: [&str; 7] =
    ["connection", "keep-alive", "proxy-authenticate", "proxy-connection", "trailer", "upgrade", CODE_HEADER];

/// Headers by which an upstream would overrule the gateway's CORS rule.
const CORS_RESPONSE_HEADERS: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// Headers of an upstream's answer that hold addresses; `proxy.js` says where in their values.
pub const ADDRESS_HEADERS: [&str; 4] = ["location", "content-location", "link", "refresh"];

/// Headers of an upstream's answer that decide what becomes of it.
const DECIDING_RESPONSE_HEADERS: [&str; 3] = ["cache-control", "server-timing", "set-cookie"];

/// Checks whether no upstream's answer brings a header to a client, under the gateway's CORS rule if there is one.
pub fn is_dropped_of_response(name: &str, under_cors: bool) -> bool {
    DROPPED_RESPONSE_HEADERS.contains(&name) || under_cors && CORS_RESPONSE_HEADERS.contains(&name)
}

/// Returns the names of the headers of an upstream's answer that have to be known, with commas between them.
pub fn noted_response_headers() -> String {
    let noted = [&DROPPED_RESPONSE_HEADERS[..], &CORS_RESPONSE_HEADERS, &ADDRESS_HEADERS, &DECIDING_RESPONSE_HEADERS];
    noted.concat().join(",")
}

/// Returns the URL of a request at an upstream: its base path, the forwarded path as it was matched, the query.
pub fn upstream_url(target: &Target, forwarded_path: &str, query: Option<&str>) -> String {
    let Target { origin, base_path, .. } = target;
    let (mark, query) = query.map_or(("", ""), |query| ("?", query));
    [origin, base_path, forwarded_path, mark, query].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_of_an_answer_that_is_dropped_moved_or_decides_is_noted() {
        let noted = noted_response_headers();
        let names: Vec<_> = noted.split(',').collect();
        for name in ["connection", "upgrade", "access-control-allow-origin", "location", "refresh", "set-cookie"] {
            assert!(names.contains(&name), "{name}: {noted}");
        }
        assert_eq!(names.iter().filter(|name| is_dropped_of_response(name, true)).count(), 13, "{noted}");
    }

    #[test]
    fn paths_are_joined_without_a_second_reading() {
        let target =
            |base_path: &str| Target { origin: "https://api.example".into(), base_path: base_path.into(), weight: 0 };
        let table = [
            ("", "/a", None, "https://api.example/a"),
            ("/v1", "/", None, "https://api.example/v1/"),
            ("/v1", "/a%2Fb/", Some("x=%20&y"), "https://api.example/v1/a%2Fb/?x=%20&y"),
            ("", "//evil.example/a", None, "https://api.example//evil.example/a"),
            ("", "/@evil.example", Some(""), "https://api.example/@evil.example?"),
        ];
        for (base, path, query, expected) in table {
            assert_eq!(upstream_url(&target(base), path, query), expected);
        }
    }
}
