//! The names that a route answers under: a host of the gateway's, all that have one label more, or every name.
//!
//! It does **not** know where the host of a request comes from.

use crate::split::without_last;

/// The names that a route answers under, in lower case and without a dot at the end; empty for every name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(String);

impl Host {
    /// Parses a name as in addresses, such as `api.example.com`, or one whose first label is a star; `None` if it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = without_dot(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        text.strip_prefix("*.").unwrap_or(&text).split('.').all(is_label).then_some(Self(text))
    }

    /// Returns the text; an empty one for every name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks whether it has all names of another.
    #[cfg(not(target_os = "unknown"))]
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.0.is_empty() || self == other || starred(&other.0).is_some_and(|starred| starred == self.0)
    }

    /// Returns the hosts that have all of its names, the narrowest first.
    #[must_use]
    pub fn with_wider(&self) -> [Self; 3] {
        [self.clone(), Self(starred(&self.0).unwrap_or_default()), Self::default()]
    }

    /// Returns a name that it has, and of all others only those that have all of its names; an empty text for every name.
    #[cfg(not(target_os = "unknown"))]
    #[must_use]
    pub fn example(&self) -> String {
        self.0.replace('*', "~")
    }
}

/// Returns the name in the host of a request, which may have a port and dots at its end.
pub(super) fn name(host: &str) -> &str {
    without_last(host.split(':').next().unwrap_or_default(), b'.')
}

/// Returns a name with a star as its first label, if it has several.
pub(super) fn starred(name: &str) -> Option<String> {
    Some(["*.", name.split_once('.')?.1].concat())
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_has_a_star_as_its_first_label() {
        let table = [
            ("api.example.com", Some("api.example.com")),
            ("API.Example.com.", Some("api.example.com")),
            ("*.example.com", Some("*.example.com")),
            ("*.localhost", Some("*.localhost")),
            ("localhost", Some("localhost")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("a_b.example", Some("a_b.example")),
            ("", None),
            (".", None),
            ("*", None),
            ("*.", None),
            ("a..example", None),
            (".example.com", None),
            ("example.com..", None),
            ("*.*.example.com", None),
            ("api.*.com", None),
            ("a*.example.com", None),
            ("api.example.com:8443", None),
            ("https://api.example.com", None),
            ("api.example.com/", None),
            ("user@api.example.com", None),
            ("b\u{fc}cher.example", None),
            ("[::1]", None),
            ("a b.example", None),
            ("a.example\n", None),
        ];
        for (text, expected) in table {
            assert_eq!(Host::parse(text).as_ref().map(Host::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn a_host_contains_what_has_no_other_names() {
        let host = |text: &str| Host::parse(text).unwrap_or_default();
        let table = [
            ("", "", true),
            ("", "a.example", true),
            ("", "*.example", true),
            ("*.example", "a.example", true),
            ("*.example", "*.example", true),
            ("*.example", "a.b.example", false),
            ("*.example", "*.b.example", false),
            ("*.example", "example", false),
            ("*.example", "", false),
            ("a.example", "a.example", true),
            ("a.example", "b.example", false),
            ("a.example", "*.example", false),
            ("a.example", "", false),
        ];
        for (one, other, expected) in table {
            assert_eq!(host(one).contains(&host(other)), expected, "{one:?} {other:?}");
        }
        assert_eq!(host("*.example").example(), "~.example");
    }
}
