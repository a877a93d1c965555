//! Absolute addresses as the URL standard writes them, read by their text.
//!
//! The parser is the one that acts on the address: in the Worker the runtime's own `URL`, so that no address can mean one thing
//! to a check and another to the call that follows; on the host, for the command line and tests, the crate `url`. The two differ in
//! what `tests/addresses.rs` names, and in nothing else that fuzzing has found: `^` in a path is `%5E` only in the runtime; a host that IDNA
//! forbids is refused only by the crate, and one of a later Unicode only by the runtime; a segment like `c:` before a `..` stays only in the
//! crate (servo/rust-url#1130), which also takes a backslash behind the port of a scheme other than http and https.
//!
//! So nothing may be decided by comparing the results of the two. The path of a request is matched in a
//! spelling that has the circumflex one way ([`crate::route`]); all else compares addresses that one parser read. A config whose
//! host has a label that IDNA forbids is a mistake to `bargate check`, and so to a build; the Worker would take it, and call that host. What
//! only the crate takes is a mistake to the Worker, which says so and serves nothing by it.

use crate::split::split_last;

/// An absolute URL, normalised (WHATWG URL section 4.5).
///
/// Where its parts are is found once: to look for them at each question was 1 µs of a fixed answer's 110, in a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    /// Where the scheme ends, before its colon.
    scheme_end: usize,
    /// Whether a user name or a password stands before the host.
    has_credentials: bool,
    /// Where the host begins.
    host: usize,
    /// Where the host ends, with its port.
    host_end: usize,
    /// Where the path begins.
    path: usize,
    /// Where the path ends.
    path_end: usize,
}

impl Address {
    /// Parses an absolute URL of any scheme.
    pub fn parse(text: &str) -> Option<Self> {
        normalised(text).map(Self::from_normalised)
    }

    /// Takes an address that the runtime has normalised.
    pub fn from_normalised(text: String) -> Self {
        let end_of = |from: usize, ends: &[u8]| {
            let rest = text.as_bytes().get(from..).unwrap_or_default();
            from + rest.iter().position(|byte| ends.contains(byte)).unwrap_or(rest.len())
        };
        let behind = |from: usize, prefix: &str| {
            text.get(from..).filter(|rest| rest.starts_with(prefix)).map_or(from, |_| from + prefix.len())
        };
        let scheme_end = end_of(0, b":");
        let rest = behind(scheme_end, ":");
        let authority = behind(rest, "//");
        let host_end = if authority == rest { rest } else { end_of(authority, b"/?#") };
        let credentials = text.get(authority..host_end).and_then(|authority| split_last(authority, b'@'));
        let path = match behind(rest, "/.") {
            // A path that begins with two slashes, and has no host before it, is written so that they name none (section 4.5).
            path if authority == rest && behind(path, "//") != path => path,
            _ => host_end,
        };
        Self {
            scheme_end,
            has_credentials: credentials.is_some(),
            host: authority + credentials.map_or(0, |(before, _)| before.len() + 1),
            host_end,
            path,
            path_end: end_of(path, b"?#"),
            text,
        }
    }

    /// Returns it whole.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns it whole, as a text of its own.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Returns the scheme, without the colon.
    pub fn scheme(&self) -> &str {
        self.part(0, self.scheme_end)
    }

    /// Checks whether the scheme is `http` or `https`.
    pub fn is_http(&self) -> bool {
        matches!(self.scheme(), "http" | "https")
    }

    /// Checks whether it carries a user name or a password.
    pub fn has_credentials(&self) -> bool {
        self.has_credentials
    }

    /// Returns the host, with the port if it is not the scheme's own.
    pub fn host_and_port(&self) -> &str {
        self.part(self.host, self.host_end)
    }

    /// Returns the origin as browsers serialise it: `null` if the scheme has none.
    pub fn origin(&self) -> String {
        if self.is_http() { format!("{}://{}", self.scheme(), self.host_and_port()) } else { "null".to_owned() }
    }

    /// Returns scheme, host and port, whatever the scheme; `None` if there is no host.
    pub fn scheme_and_host(&self) -> Option<String> {
        let host = self.host_and_port();
        (!host.is_empty()).then(|| format!("{}://{host}", self.scheme()))
    }

    /// Returns the path, not decoded.
    pub fn path(&self) -> &str {
        self.part(self.path, self.path_end)
    }

    /// Returns the host, with the port, and the path behind it, of an address that has a host.
    pub fn host_and_path(&self) -> &str {
        self.part(self.host, self.path_end)
    }

    /// Returns the query without its `?`, not decoded; `None` if there is none.
    pub fn query(&self) -> Option<&str> {
        self.text.get(self.path_end..)?.strip_prefix('?')?.split('#').next()
    }

    /// Returns the text after the origin, fragment included.
    pub fn beyond_authority(&self) -> &str {
        self.part(self.path, self.text.len())
    }

    /// Checks whether it has a fragment.
    pub fn has_fragment(&self) -> bool {
        self.text.as_bytes().contains(&b'#')
    }

    /// Checks whether its host is this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        let with_port = self.host_and_port();
        let host = match split_last(with_port, b':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => with_port,
        };
        // The standard takes a host whose last part is a number for an IPv4 address, and writes it in four.
        // One that ends with an empty part is a name to it.
        let is_ipv4 = host.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !host.ends_with('.');
        host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || is_ipv4 && host.starts_with("127.")
    }

    fn part(&self, from: usize, to: usize) -> &str {
        self.text.get(from..to).unwrap_or_default()
    }
}

#[cfg(not(target_os = "unknown"))]
fn normalised(text: &str) -> Option<String> {
    url::Url::parse(text).ok().map(String::from)
}

#[cfg(target_os = "unknown")]
fn normalised(text: &str) -> Option<String> {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen(module = "/src/edge/runtime/crossings.js")]
    extern "C" {
        fn href(text: &str) -> Option<String>;
    }

    href(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_those_of_the_url_standard() {
        let addresses = [
            "https://app.example.com",
            "HTTPS://User:pw@App.Example.com:8443/a/../b?x=1?y#z?w",
            "http://127.1:8787",
            "http://[::1]:8787/a@b",
            "http://[::1]/",
            "https://gw.example?x=@y",
            "https://gw.example/#//a:b@c",
            "https://user@gw.example/?",
            "https://127.0.0.1.example/",
            "http://127.0.0.1./",
            "http://127..:8787/",
            "http://127.0.0.1../",
            "https://a.localhost/",
            "javascript:alert(1)",
            "mailto:a@b?subject=#x",
            "com.example.app:/callback",
            "com.example.app:/.//callback?x=1",
            "com.example.app:///.//callback",
        ];
        for text in addresses {
            let (url, address) = (url::Url::parse(text).unwrap(), Address::parse(text).unwrap());
            assert_eq!(address.as_str(), url.as_str(), "{text}");
            assert_eq!(address.scheme(), url.scheme(), "{text}");
            assert_eq!(address.path(), url.path(), "{text}");
            assert_eq!(address.query(), url.query(), "{text}");
            assert_eq!(address.has_fragment(), url.fragment().is_some(), "{text}");
            assert_eq!(address.origin(), url.origin().ascii_serialization(), "{text}");
            assert_eq!(address.has_credentials(), !url.username().is_empty() || url.password().is_some(), "{text}");
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            assert_eq!(address.host_and_port(), format!("{}{port}", url.host_str().unwrap_or_default()), "{text}");
            if url.has_host() {
                assert_eq!(address.host_and_path(), [address.host_and_port(), url.path()].concat(), "{text}");
            }
            let loopback = match url.host() {
                Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            };
            assert_eq!(address.is_loopback(), loopback, "{text}");
        }
        assert_eq!(Address::parse("/relative"), None);
        assert_eq!(Address::parse("http://"), None);
    }
}
