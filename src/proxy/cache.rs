//! The gateway's cache: which requests it may answer, and the keys of its entries.
//!
//! [`crate::http::caching`] decides which answers may be stored, and for how long.

use crate::config::{Cache, Path};
use crate::http::caching::CacheControl;
use crate::http::header::is_listed;

/// Words in the names of headers that may identify the requester: the answer to such a request may be only for that requester.
const CREDENTIAL_WORDS: &str =
    "key token auth secret session passw credential signature jwt assertion cert principal oidc";

/// A request as an upstream gets it.
pub struct Outgoing<'r> {
    /// Its method.
    pub method: &'r str,
    /// The pattern of the route that took it.
    pub pattern: &'r str,
    /// The URL at the first upstream.
    pub url: &'r str,
    /// The names of its headers in lower case, with commas between them.
    pub names: &'r str,
    /// Its `Cache-Control`, or else its `Pragma`.
    pub cache_control: Option<String>,
    /// Whether it has a body.
    pub has_body: bool,
    /// Issuer and subject of its token; empty if there is none.
    pub user: [&'r str; 2],
    /// The header by which its path's rate limit counts clients, if the client sent it.
    pub counted: Option<&'r str>,
}

/// A cache look-up.
#[derive(Debug, PartialEq, Eq)]
pub struct CacheQuery {
    /// The parts of the key, besides the values of the headers by which answers vary; one per line.
    pub name: String,
    /// The lower-case names of these headers, with commas between them.
    pub vary: String,
    /// Whether the request goes to the upstream, whatever is stored.
    pub anew: bool,
}

impl CacheQuery {
    /// Returns the look-up for a request on a path; `None` if it does not use the cache.
    pub fn of(path: &Path, cache: &Cache, request: &Outgoing<'_>) -> Option<Self> {
        let mut vary = cache.vary.join(",");
        // Values that the gateway adds to a request may change the answer.
        for (name, _) in &path.mapping.headers {
            vary.push(',');
            vary.push_str(name);
        }
        let names = |wanted: &dyn Fn(&str) -> bool| request.names.split(',').any(wanted);
        let [issuer, subject] = if cache.per_user { request.user } else { [""; 2] };
        let is_apart = if cache.per_user {
            // Users whose tokens have no subject cannot be told apart.
            !subject.is_empty()
        } else {
            // An upstream may answer by the header that a rate limit counts by.
            !names(&|name| says_who_asks(name) && !is_listed(&vary, name))
                && request.counted.is_none_or(|name| cache.vary.iter().any(|known| known == name))
        };
        let is_plain =
            request.method == "GET" && !request.has_body && !names(&|name| matches!(name, "range" | "upgrade"));
        let said = CacheControl::parse(std::slice::from_ref(&request.cache_control));
        if !is_apart || !is_plain || said.no_store {
            return None;
        }
        let name = [request.pattern, request.url, issuer, subject].join("\n");
        Some(Self { name, vary, anew: said.no_cache || said.max_age == Some(0) })
    }
}

/// Checks whether a header of this lower-case name may identify the requester.
fn says_who_asks(name: &str) -> bool {
    (0..name.len()).any(|at| {
        let rest = name.get(at..).unwrap_or_default();
        CREDENTIAL_WORDS.split(' ').any(|word| rest.starts_with(word))
            // `User-Agent` and `Sec-Fetch-User` do not identify the requester.
            || rest.starts_with("user") && !rest.starts_with("user-agent") && name != "sec-fetch-user"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HeaderRules, Integration, Mapping, Rules, Source};

    fn path(cache: &Cache) -> Path {
        Path {
            access: None,
            protected_resource: None,
            mcp: None,
            integration: Integration::Health { checks_objects: false },
            mapping: Mapping {
                headers: vec![("x-user-tier".into(), Source::Text("gold".into()))],
                ..Mapping::default()
            },
            pre_process: None,
            rules: Rules { cache: Some(cache.clone()), ..Rules::default() },
            cors: None,
            response_headers: HeaderRules::default(),
        }
    }

    fn query(per_user: bool, request: &Outgoing<'_>) -> Option<CacheQuery> {
        let cache = Cache { ttl_secs: 300, vary: vec!["accept".into(), "x-api-key".into()], per_user };
        CacheQuery::of(&path(&cache), &cache, request)
    }

    /// A request that the cache may answer.
    fn get() -> Outgoing<'static> {
        Outgoing {
            method: "GET",
            pattern: "/kept/{.+}",
            url: "https://api.example/x",
            names: "accept",
            cache_control: None,
            has_body: false,
            user: ["https://issuer.example/", "a"],
            counted: None,
        }
    }

    #[test]
    fn a_request_that_says_who_asks_goes_past_the_cache() {
        for name in [
            "api-key",
            "apikey",
            "x-apikey",
            "ocp-apim-subscription-key",
            "x-functions-key",
            "x-goog-api-key",
            "x-rapidapi-key",
            "x-auth-token",
            "x-auth-key",
            "x-amz-security-token",
            "private-token",
            "x-vault-token",
            "x-shopify-access-token",
            "x-session-id",
            "x-user-id",
            "user",
            "x-client-secret",
            "x-signature",
            "signature",
            "x-jwt-payload",
            "authorization",
            "cf-access-jwt-assertion",
            "x-oidc-name",
            "x-principal",
            "x-certificate",
            "x-password",
            "x-credentials",
        ] {
            let names = &format!("accept,{name},priority");
            assert_eq!(query(false, &Outgoing { names, ..get() }), None, "{name}");
            assert!(
                query(true, &Outgoing { names, ..get() }).is_some(),
                "{name}, if each user has answers of their own"
            );
        }
        for names in
            ["", "accept", "user-agent", "sec-fetch-user", "x-request-id", "x-requested-with", "priority,cookie"]
        {
            assert!(query(false, &Outgoing { names, ..get() }).is_some(), "{names}");
        }
        for (names, message) in [("x-api-key", "the path varies by it"), ("x-user-tier", "the gateway itself says it")]
        {
            assert!(query(false, &Outgoing { names, ..get() }).is_some(), "{message}");
        }
    }

    #[test]
    fn a_request_decides_for_itself() {
        let table = [
            (None, Some(false)),
            (Some("no-cache"), Some(true)),
            (Some("max-age=0"), Some(true)),
            (Some("MAX-AGE=\"0\""), Some(true)),
            (Some("max-age=60"), Some(false)),
            (Some("max-stale"), Some(false)),
            (Some("no-store"), None),
            (Some("no-cache, no-store"), None),
        ];
        for (cache_control, expected) in table {
            let request = Outgoing { cache_control: cache_control.map(str::to_owned), ..get() };
            assert_eq!(query(false, &request).map(|query| query.anew), expected, "{cache_control:?}");
        }
    }

    #[test]
    fn only_a_plain_get_of_somebody_who_is_told_apart_asks_the_cache() {
        let table = [
            ("HEAD", false, Outgoing { method: "HEAD", ..get() }),
            ("POST", false, Outgoing { method: "POST", ..get() }),
            ("a body", false, Outgoing { has_body: true, ..get() }),
            ("a range", false, Outgoing { names: "accept,range", ..get() }),
            ("a handshake", false, Outgoing { names: "upgrade", ..get() }),
            ("a client who is counted by a header", false, Outgoing { counted: Some("x-client"), ..get() }),
            ("a user whom the token does not name", true, Outgoing { user: ["https://issuer.example/", ""], ..get() }),
        ];
        for (message, per_user, request) in &table {
            assert_eq!(query(*per_user, request), None, "{message}");
        }
        let counted = Outgoing { counted: Some("accept"), ..get() };
        assert!(query(false, &counted).is_some(), "one who is counted by what the path varies by");
        assert!(query(true, &counted).is_some(), "one who has answers of their own");
    }

    #[test]
    fn answers_are_told_apart_by_path_address_user_and_what_they_vary_by() {
        let vary = "accept,x-api-key,x-user-tier";
        let shared = query(false, &get()).unwrap();
        assert_eq!((&*shared.name, &*shared.vary), ("/kept/{.+}\nhttps://api.example/x\n\n", vary));
        let own = query(true, &get()).unwrap();
        assert_eq!(own.name, "/kept/{.+}\nhttps://api.example/x\nhttps://issuer.example/\na");
    }
}
