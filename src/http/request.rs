//! What the core sees of a request.
//!
//! Each crossing from JavaScript costs, so the edge takes headers over together: all of them, or the few that most answers depend on.

use crate::encoding::{form_pairs, form_value};

/// Returns the parts of a request that decisions read.
pub trait RequestHead {
    /// Returns the method as sent, such as `GET`.
    fn method(&self) -> &str;

    /// Returns the path, WHATWG-normalised and not decoded, beginning with `/`.
    fn path(&self) -> &str;

    /// Returns the query without its `?`, not decoded; `None` if the address has none.
    fn query(&self) -> Option<&str>;

    /// Returns the host that was called, with the port if it is not the scheme's own; an empty text if it is not known.
    fn host(&self) -> &str {
        ""
    }

    /// Returns the pattern of the path that takes the request, behind the host that the path has; an empty text if none does.
    fn pattern(&self) -> &str {
        ""
    }

    /// Returns the value of the header `name` (any case); several of one name come joined by `, `.
    fn header(&self, name: &str) -> Option<&str>;
}

/// The longest `X-Request-Id` that is taken over, in bytes.
const REQUEST_ID_MAX_BYTES: usize = 128;

/// Checks whether a client's `X-Request-Id` is taken over.
pub fn is_request_id(id: &str) -> bool {
    (1..=REQUEST_ID_MAX_BYTES).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Checks whether a person follows an address, so that the browser shows the answer as a page (Fetch section 2.2.5).
///
/// A browser of before Fetch Metadata, or one that came by plain http, is known by what it would like best, among much else: a
/// page. A proxy on Node's `fetch` says `cors` of all that passes it, and leaves the destination, which is a document for no
/// script.
pub fn is_navigation(request: &impl RequestHead) -> bool {
    match request.header("sec-fetch-mode") {
        Some(mode) => mode == "navigate" || request.header("sec-fetch-dest").is_some_and(|dest| dest == "document"),
        None => request.header("accept").is_some_and(|accept| accept.starts_with("text/html,")),
    }
}

/// Returns the decoded value of the first query parameter called `name`.
pub fn query_parameter(query: Option<&str>, name: &str) -> Option<String> {
    form_pairs(query?).find(|(key, _)| form_value(key) == name).map(|(_, value)| form_value(value))
}

/// Adds a query to an address that may have one (RFC 6749 section 3.1).
pub fn with_query(url: &str, query: &str) -> String {
    let joint = if url.as_bytes().contains(&b'?') { '&' } else { '?' };
    format!("{url}{joint}{query}")
}

/// A request of a test's own: its method and headers.
#[cfg(test)]
pub struct Head<'h>(pub &'h str, pub Vec<(&'h str, &'h str)>);

#[cfg(test)]
impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.0
    }
    fn path(&self) -> &str {
        "/"
    }
    fn query(&self) -> Option<&str> {
        None
    }
    fn header(&self, name: &str) -> Option<&str> {
        self.1.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_query_parameter_of_a_name_is_decoded() {
        let query = Some("a=1&return_to=%2Fhome%3Fx%3D1&return_to=%2Fother&b=+");
        assert_eq!(query_parameter(query, "return_to").as_deref(), Some("/home?x=1"));
        assert_eq!(query_parameter(query, "b").as_deref(), Some(" "));
        assert_eq!(query_parameter(query, "c"), None);
        assert_eq!(query_parameter(None, "a"), None);
    }

    #[test]
    fn a_navigation_is_known_by_its_mode_or_else_by_the_page_that_it_wants() {
        let page = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let table = [
            (Some("navigate"), Some(page), true, "a link"),
            (Some("navigate"), None, true, "one whose Accept says nothing"),
            (Some("cors"), Some(page), false, "a fetch that asks for a page"),
            (Some("no-cors"), Some(page), false, "an image"),
            (None, Some(page), true, "an old browser"),
            (None, Some("*/*"), false, "a program"),
            (None, Some("application/json, text/plain, */*"), false, "axios"),
            (None, Some("text/html;q=0.1, application/json"), false, "a program that takes either"),
            (None, Some("application/json, text/html"), false, "a program that would rather have JSON"),
            (None, None, false, "nothing said"),
        ];
        for (mode, dest, expected, message) in [
            ("cors", "document", true, "a link, through a proxy on Node's fetch"),
            ("cors", "empty", false, "a fetch"),
            ("no-cors", "image", false, "an image"),
            ("navigate", "iframe", true, "a frame"),
        ] {
            let headers = vec![("sec-fetch-mode", mode), ("sec-fetch-dest", dest), ("accept", page)];
            assert_eq!(is_navigation(&Head("GET", headers)), expected, "{message}");
        }
        for (mode, accept, expected, message) in table {
            let headers = [("sec-fetch-mode", mode), ("accept", accept)];
            let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            assert_eq!(is_navigation(&Head("GET", headers)), expected, "{message}");
        }
    }
}
