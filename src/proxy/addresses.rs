//! Addresses in upstreams' answers, as the gateway's clients reach them.

use std::borrow::Cow;

use crate::address::Address;
use crate::config::Target;
use crate::http::header_list::HeaderList;

/// How a server's addresses look from outside.
pub struct Outside<'o> {
    /// The gateway's own origin.
    pub origin: &'o str,
    /// What the gateway takes off the beginning of paths; empty, or `/` and more without a slash at the end.
    pub prefix: &'o str,
    /// The server's addresses.
    pub targets: &'o [Target],
}

/// A base that no address has, by which a path is told from an address.
const NOWHERE: &str = "http://none.invalid";

impl Outside<'_> {
    /// Has the addresses of the upstream's own that an answer's headers hold lead through the gateway.
    pub fn lead(&self, headers: &mut HeaderList) {
        let places: [(&'static str, fn(&Self, &str) -> String); 4] = [
            ("location", Self::whole),
            ("content-location", Self::whole),
            ("link", Self::links),
            ("refresh", Self::refresh),
        ];
        for (name, led) in places {
            let Some(value) = headers.get(name).map(Cow::into_owned) else { continue };
            let led = led(self, &value);
            if led != value {
                headers.set(name.into(), led.into());
            }
        }
    }

    fn whole(&self, value: &str) -> String {
        self.through(value).unwrap_or_else(|| value.to_owned())
    }

    /// Leads the targets of a `Link` (RFC 8288 section 3).
    fn links(&self, value: &str) -> String {
        let mut parts = value.split('<');
        let mut led = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (target, rest) = part.split_at_checked(part.find('>').unwrap_or(part.len())).unwrap_or((part, ""));
            led.push('<');
            led.push_str(&self.whole(target));
            led.push_str(rest);
        }
        led
    }

    /// Leads the address of a `Refresh`, which stands behind `url=`, in quotes or not (HTML section 4.2.5.3).
    fn refresh(&self, value: &str) -> String {
        let split = value.split_once('=').filter(|(before, _)| {
            let before = before.trim_ascii_end();
            before.get(before.len().saturating_sub(3)..).is_some_and(|word| word.eq_ignore_ascii_case("url"))
        });
        let Some((_, behind)) = split else { return value.to_owned() };
        let behind = behind.trim_ascii_start();
        let address = behind.strip_prefix(['"', '\'']).unwrap_or(behind);
        let before = value.get(..value.len() - address.len()).unwrap_or_default();
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'');
        let end = address.find(ends).unwrap_or(address.len());
        let (address, rest) = address.split_at_checked(end).unwrap_or((address, ""));
        [before, &self.whole(address), rest].concat()
    }

    /// Returns an upstream's address as the gateway's clients reach it; `None` if it stays as it is.
    ///
    /// Below a server's base path it is the rest of it, behind the prefix. One that has the prefix comes of heeding
    /// `X-Forwarded-Prefix`; if it could be either, the longer is meant.
    fn through(&self, text: &str) -> Option<String> {
        let Self { origin, prefix, targets } = self;
        let address = Address::parse_against(text, NOWHERE)?;
        let is_path = address.origin() == NOWHERE && text.starts_with(['/', '\\']);
        let (host, path) = (address.host_and_port(), address.path());
        let is_below =
            |base: &str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_own = |target: &&Target| is_path || target.origin.rsplit('/').next() == Some(host);
        let mut own = targets.iter().filter(is_own).peekable();
        own.peek()?;
        let bases = own.map(|target| target.base_path.as_str()).filter(|base| is_below(base));
        let base = bases.max_by_key(|base| base.len());
        let rest = if prefix.len() > base.map_or(0, str::len) && is_below(prefix) {
            if is_path {
                return None;
            }
            path.to_owned()
        } else {
            let base = base.filter(|base| !is_path || prefix != base)?;
            let led = [prefix, path.get(base.len()..)?].concat();
            if led.is_empty() { "/".to_owned() } else { led }
        };
        // Of two slashes the second would begin a host.
        let origin = if is_path && !rest.starts_with("//") { "" } else { origin };
        Some([origin, &rest, address.beyond_authority().get(path.len()..)?].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: &str = "https://gateway.example";

    fn targets(urls: &[&str]) -> Vec<Target> {
        let target = |url: &&str| {
            let address = Address::parse(url).expect("a test's own address");
            Target { origin: address.origin(), base_path: address.path().trim_end_matches('/').to_owned() }
        };
        urls.iter().map(target).collect()
    }

    /// What a client gets of a header of an upstream's answer.
    fn led(prefix: &str, urls: &[&str], name: &'static str, value: &str) -> String {
        let mut headers = HeaderList::parse([name, value].into_iter());
        Outside { origin: GATEWAY, prefix, targets: &targets(urls) }.lead(&mut headers);
        headers.get(name).map(Cow::into_owned).unwrap_or_default()
    }

    const ROOT: &[&str] = &["http://api.example"];
    const BASED: &[&str] = &["http://api.example/v2"];
    const SEVERAL: &[&str] = &["http://dead.example/one", "http://api.example/two", "https://name.example/three"];

    #[test]
    fn an_address_of_the_upstream_leads_through_the_gateway() {
        let table: &[(&str, &str, &[&str], &str, &str)] = &[
            (
                "whole",
                "/api",
                ROOT,
                "http://api.example/login?a=1&b=%20#c",
                "https://gateway.example/api/login?a=1&b=%20#c",
            ),
            ("without a scheme", "/api", ROOT, "//api.example/login", "https://gateway.example/api/login"),
            ("in the other scheme", "/api", ROOT, "https://api.example/login", "https://gateway.example/api/login"),
            ("its root", "/api", ROOT, "http://api.example", "https://gateway.example/api/"),
            (
                "with credentials, which stay here",
                "/api",
                ROOT,
                "http://user:pass@api.example/x",
                "https://gateway.example/api/x",
            ),
            ("a path", "/api", ROOT, "/login?next=/x", "/api/login?next=/x"),
            ("a path that begins like the prefix", "/api", ROOT, "/apiary", "/api/apiary"),
            ("below its base path", "/orders", BASED, "http://api.example/v2/8", "https://gateway.example/orders/8"),
            ("a path below its base path", "/orders", BASED, "/v2/8", "/orders/8"),
            ("its base path itself", "/orders", BASED, "/v2", "/orders"),
            ("without a prefix", "", BASED, "/v2/users/7/y", "/users/7/y"),
            ("the base path, without a prefix", "", BASED, "http://api.example/v2", "https://gateway.example/"),
            ("if the base path is part of the prefix", "/v2/deep", BASED, "/v2/y", "/v2/deep/y"),
            (
                "of whichever of the server answers",
                "/both",
                SEVERAL,
                "http://api.example/two/y",
                "https://gateway.example/both/y",
            ),
            ("of one that does not", "/both", SEVERAL, "http://dead.example/one/y", "https://gateway.example/both/y"),
            (
                "by its name, with its own port",
                "/both",
                SEVERAL,
                "https://NAME.example:443/three/y",
                "https://gateway.example/both/y",
            ),
            ("a path of whichever", "/both", SEVERAL, "/three/y", "/both/y"),
            (
                "whole, of one that heeds X-Forwarded-Prefix",
                "/orders",
                BASED,
                "http://api.example/orders/8",
                "https://gateway.example/orders/8",
            ),
            (
                "never to another host by two slashes",
                "",
                BASED,
                "/v2//evil.example/x",
                "https://gateway.example//evil.example/x",
            ),
            ("nor by a backslash", "", BASED, "/v2/\\evil.example/x", "https://gateway.example//evil.example/x"),
            (
                "nor by both, whole",
                "",
                BASED,
                "http://api.example/v2//evil.example/x",
                "https://gateway.example//evil.example/x",
            ),
        ];
        for (message, prefix, urls, location, expected) in table {
            for name in ["location", "content-location"] {
                assert_eq!(led(prefix, urls, name, location), *expected, "{message}");
            }
        }
    }

    #[test]
    fn any_other_passes_as_it_came() {
        let table: &[(&str, &str, &[&str], &str)] = &[
            ("another site", "/api", ROOT, "https://login.example/x?back=http://api.example/"),
            ("another port of the host", "/api", ROOT, "http://api.example:1/x"),
            ("another host that begins like it", "/api", ROOT, "http://api.example.org/x"),
            ("its host as a user", "/api", ROOT, "http://api.example@evil.example/x"),
            ("the gateway itself", "/api", ROOT, "https://gateway.example/login"),
            ("a path relative to the request", "/api", ROOT, "../y?z"),
            ("a query alone", "/api", ROOT, "?page=2"),
            ("what is outside of the base path", "/orders", BASED, "http://api.example/v20/x"),
            ("a path outside of the base path", "/orders", BASED, "/login"),
            ("a path of an upstream that heeds X-Forwarded-Prefix", "/api", ROOT, "/api/login"),
            ("the same, with a base path", "/orders", BASED, "/orders/8"),
            ("the same, below a base path that is part of the prefix", "/v2/deep", BASED, "/v2/deep/y"),
            ("a path, if none is taken off and none added", "", ROOT, "/a/../b"),
            ("another scheme", "/api", ROOT, "mailto:a@api.example"),
            ("what is no address", "/api", ROOT, "http://["),
            ("nothing", "/api", ROOT, ""),
        ];
        for (message, prefix, urls, location) in table {
            assert_eq!(led(prefix, urls, "location", location), *location, "{message}");
        }
    }

    #[test]
    fn addresses_lead_through_the_gateway_in_link_and_refresh_too() {
        let table = [
            (
                "link",
                "</v2/a>; rel=\"next\", <https://other.example/v2/>",
                "</orders/a>; rel=\"next\", <https://other.example/v2/>",
            ),
            ("link", "<http://api.example/v2/?page=2>, </v2/b", "<https://gateway.example/orders/?page=2>, </orders/b"),
            ("link", "/v2/a", "/v2/a"),
            ("refresh", "5; url=http://api.example/v2/later", "5; url=https://gateway.example/orders/later"),
            ("refresh", "0;URL = '/v2/a'", "0;URL = '/orders/a'"),
            ("refresh", "0;url=\"/v2/a\" ", "0;url=\"/orders/a\" "),
            ("refresh", "5", "5"),
            ("refresh", "0; curl/v2=/v2/a", "0; curl/v2=/v2/a"),
            ("etag", "/v2/a", "/v2/a"),
        ];
        for (name, value, expected) in table {
            assert_eq!(led("/orders", BASED, name, value), expected, "{name}: {value}");
        }
    }
}
