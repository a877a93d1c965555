//! Cross-site request forgery: a browser sends the cookie no matter which site caused the request, so the gateway must find that
//! out.
//!
//! `Sec-Fetch-Site` and `Origin` are set by the browser, and no page can write them (Fetch Metadata, Fetch section 3.1).

use crate::address::Address;
use crate::config::{AllowedOrigins, Cors};
use crate::http::request::RequestHead;

/// What a forged request would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// Read, which the same-origin policy keeps other sites from (RFC 9110 section 9.2.1).
    Safe,
    /// Change something.
    Unsafe,
    /// Open a WebSocket, which the same-origin policy does not cover: its origin must be known.
    WebSocket,
}

impl RequestKind {
    /// Returns the kind of a request that carries a cookie.
    pub fn of(request: &impl RequestHead) -> Self {
        let safe = matches!(request.method(), "GET" | "HEAD" | "OPTIONS");
        let upgrade = |header: &str| header.as_bytes().windows(9).any(|word| word.eq_ignore_ascii_case(b"websocket"));
        match safe {
            true if request.header("upgrade").is_some_and(upgrade) => Self::WebSocket,
            true => Self::Safe,
            false => Self::Unsafe,
        }
    }
}

/// Checks whether a request comes from the gateway's own pages, from the user directly, or from an origin that the config
/// allows by its whole name.
pub fn is_from_own_pages(request: &impl RequestHead, own: &Address, cors: Option<&Cors>, kind: RequestKind) -> bool {
    let by_site = || matches!(request.header("sec-fetch-site"), Some("same-origin" | "none"));
    let by_origin = || {
        let listed = |origin: &str| match cors.map(|cors| &cors.origins) {
            // A star lets pages read. Who may act in a user's name is written out.
            Some(AllowedOrigins::Listed(origins)) => origins.iter().any(|listed| listed.is(origin)),
            Some(AllowedOrigins::Any) | None => false,
        };
        request.header("origin").is_some_and(|origin| origin == own.origin() || listed(origin))
    };
    match kind {
        RequestKind::Safe => true,
        RequestKind::Unsafe => by_site() || by_origin(),
        RequestKind::WebSocket => by_origin(),
    }
}

/// Checks whether a request may end its session: one that changes something if it is from a page of ours, and a GET if it is a link
/// there that was followed.
pub fn may_log_out(request: &impl RequestHead, own: &Address, cors: Option<&Cors>) -> bool {
    match RequestKind::of(request) {
        RequestKind::Unsafe => is_from_own_pages(request, own, cors, RequestKind::Unsafe),
        RequestKind::Safe | RequestKind::WebSocket => is_followed_link(request),
    }
}

/// Checks whether a GET is that of a page of ours, and meant: a link or a picture on any site makes one, and so does a browser that
/// fetches ahead what the user has not requested yet.
fn is_followed_link(request: &impl RequestHead) -> bool {
    let says = |name: &str, wanted: &[&str]| request.header(name).is_none_or(|value| wanted.contains(&value));
    request.header("sec-fetch-site").is_some_and(|site| site == "same-origin")
        && says("sec-fetch-dest", &["document", "empty"])
        && request.header("sec-purpose").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ListedOrigin;
    use crate::http::request::Head;

    const OWN: &str = "https://gw.example";

    fn own() -> Address {
        Address::from_normalised(format!("{OWN}/somewhere"))
    }

    fn cors(origins: AllowedOrigins) -> Cors {
        let (methods, headers, expose_headers) = (None, None, String::new());
        Cors { origins, methods, headers, names_headers: false, expose_headers, credentials: false, max_age_secs: 0 }
    }

    #[test]
    fn each_method_has_its_risk() {
        let table = [
            ("GET", None, RequestKind::Safe),
            ("HEAD", None, RequestKind::Safe),
            ("OPTIONS", None, RequestKind::Safe),
            ("POST", None, RequestKind::Unsafe),
            ("DELETE", None, RequestKind::Unsafe),
            ("PROPFIND", None, RequestKind::Unsafe),
            ("GET", Some("websocket"), RequestKind::WebSocket),
            ("GET", Some("WebSocket"), RequestKind::WebSocket),
            ("GET", Some("h2c, websocket"), RequestKind::WebSocket),
            ("GET", Some("h2c"), RequestKind::Safe),
        ];
        for (method, upgrade, expected) in table {
            let head = Head(method, upgrade.map(|value| ("upgrade", value)).into_iter().collect());
            assert_eq!(RequestKind::of(&head), expected, "{method} {upgrade:?}");
        }
    }

    #[test]
    fn a_change_is_taken_from_own_pages_and_listed_origins_alone() {
        let listed = ["https://app.example", "https://*.evil.example", "https://*.example"].map(ListedOrigin::of);
        let listed = cors(AllowedOrigins::Listed(listed.to_vec()));
        let any = cors(AllowedOrigins::Any);
        for site in
            [None, Some("same-origin"), Some("none"), Some("same-site"), Some("cross-site"), Some("Same-Origin")]
        {
            let evil = [
                Some("https://evil.example"),
                Some("https://a.evil.example"),
                Some("https://*.evil.example"),
                Some("null"),
            ];
            for origin in [None, Some(OWN), Some("https://app.example")].into_iter().chain(evil) {
                for (list, rule) in [("listed", Some(&listed)), ("any", Some(&any)), ("none", None)] {
                    let headers = site.map(|site| ("sec-fetch-site", site)).into_iter();
                    let head = Head("POST", headers.chain(origin.map(|origin| ("origin", origin))).collect());
                    let by_site = matches!(site, Some("same-origin" | "none"));
                    let by_origin = origin == Some(OWN) || (origin == Some("https://app.example") && list == "listed");
                    let given = |kind| is_from_own_pages(&head, &own(), rule, kind);
                    let row = format!("{site:?} {origin:?} {list}");
                    assert_eq!(given(RequestKind::Unsafe), by_site || by_origin, "{row}");
                    assert_eq!(given(RequestKind::WebSocket), by_origin, "{row} WebSocket");
                    assert!(given(RequestKind::Safe), "{row} safe");
                }
            }
        }
    }

    #[test]
    fn a_session_is_ended_by_a_page_of_ours_and_by_no_other_and_not_ahead_of_the_user() {
        let site = |site: &'static str| ("sec-fetch-site", site);
        let table: [(_, &[_], _, _); 13] = [
            ("GET", &[site("same-origin"), ("sec-fetch-dest", "document")], true, "a link on a page of ours"),
            ("GET", &[site("same-origin"), ("sec-fetch-dest", "empty")], true, "a fetch of a page of ours"),
            ("GET", &[site("same-origin")], true, "a browser that does not say what it is for"),
            ("GET", &[site("same-origin"), ("sec-fetch-dest", "image")], false, "a picture"),
            ("GET", &[site("same-origin"), ("sec-purpose", "prefetch")], false, "a page that is fetched ahead"),
            ("GET", &[site("cross-site"), ("sec-fetch-dest", "document")], false, "a link on another site"),
            ("GET", &[site("same-site"), ("sec-fetch-dest", "document")], false, "a link on a sister"),
            ("GET", &[site("none"), ("sec-fetch-dest", "document")], false, "an address that somebody sent"),
            ("GET", &[("sec-fetch-dest", "document")], false, "a browser that does not say from where"),
            ("POST", &[site("same-origin")], true, "a form of ours"),
            ("POST", &[("origin", OWN)], true, "the same of an old browser"),
            ("POST", &[site("cross-site"), ("origin", "https://evil.example")], false, "another site's form"),
            ("POST", &[], false, "nobody's"),
        ];
        for (method, headers, expected, message) in table {
            assert_eq!(may_log_out(&Head(method, headers.to_vec()), &own(), None), expected, "{message}");
        }
    }
}
