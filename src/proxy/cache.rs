//! The gateway's cache: which requests ask it, by what its entries are named, and what their headers tell.
//!
//! What may be kept at all is [`crate::http::caching`]'s to say.

use std::borrow::Cow;

use serde_json::Value;

use crate::config::{Cache, Path};
use crate::http::caching::{age_secs, directive_secs, has_directive, kept_secs};
use crate::http::header_list::HeaderList;

/// Where a stored answer has the `Cache-Control` that came with it.
const SAID: &str = "x-bargate-cache-control";

/// Where it has since when it is fresh, in seconds since 1970.
const SINCE: &str = "x-bargate-since";

/// Words in names of headers that say who asks: what such a request is answered may be for nobody else.
const CREDENTIAL_WORDS: [&str; 14] = [
    "key",
    "token",
    "auth",
    "secret",
    "session",
    "passw",
    "credential",
    "signature",
    "jwt",
    "assertion",
    "cert",
    "principal",
    "oidc",
    USER,
];

const USER: &str = "user";

/// Checks whether a header of this lower-case name may say who asks.
fn is_credential(name: &str) -> bool {
    let name = name.as_bytes();
    CREDENTIAL_WORDS.iter().any(|word| {
        let at = name.windows(word.len()).enumerate().filter(|(_, part)| *part == word.as_bytes());
        let mut around = at.filter_map(|(at, _)| Some((name.get(..at)?, name.get(at + word.len()..)?)));
        // `Sec-Fetch-User` and `User-Agent` say nothing of the sender.
        around
            .any(|(before, behind)| *word != USER || !before.ends_with(b"sec-fetch-") && !behind.starts_with(b"-agent"))
    })
}

/// A request as an upstream is sent it.
pub struct Outgoing<'r> {
    /// Its method.
    pub method: &'r str,
    /// The address of the first upstream.
    pub url: &'r str,
    /// Its headers.
    pub headers: &'r HeaderList,
    /// Whether it has a body.
    pub has_body: bool,
}

/// What a request asks of the cache.
pub struct CacheOrder<'c> {
    /// What names its entry: everything by which answers differ, as JSON.
    pub name: String,
    /// Whether the upstream is asked, whatever is kept.
    pub anew: bool,
    rule: &'c Cache,
    varies: Vec<&'c str>,
}

/// An answer that goes to the client and into the cache.
pub struct CachedAnswer {
    /// The headers that the client gets.
    pub headers: HeaderList,
    /// What is changed of the upstream's headers in the copy, as [`HeaderList::changes`] has it.
    pub copy: String,
    /// How long the body is, if that is known of what the client gets.
    pub length: Option<u64>,
}

impl<'c> CacheOrder<'c> {
    /// Returns what a request on a path asks of the cache; `None` if it goes past it.
    ///
    /// `user` has issuer and subject of its token. `counted` is the header by which the path counts clients, if the request has it.
    pub fn of(path: &'c Path, request: &Outgoing<'_>, user: (&str, &str), counted: Option<&str>) -> Option<Self> {
        let rule = path.rules.cache.as_ref()?;
        let headers = request.headers;
        // What the gateway says of a request is part of what is answered.
        let mapped = path.mapping.headers.iter().map(|(name, _)| name.as_str());
        let varies: Vec<_> = rule.vary.iter().map(String::as_str).chain(mapped).collect();
        let is_known = |name: &str| is_credential(name) && !varies.contains(&name);
        // Of users whom their tokens do not name, none can be told from another; and by what clients are counted, they may be answered.
        let is_apart = if rule.per_user {
            !user.1.is_empty()
        } else {
            counted.is_none_or(|name| rule.vary.iter().any(|known| known == name)) && !headers.names().any(is_known)
        };
        let is_plain = request.method == "GET"
            && !request.has_body
            && !headers.names().any(|name| matches!(name, "range" | "upgrade"));
        let wanted = headers.get("cache-control").or_else(|| headers.get("pragma")).unwrap_or_default();
        if !is_apart || !is_plain || has_directive(&wanted, &["no-store"]) {
            return None;
        }
        let anew = has_directive(&wanted, &["no-cache"]) || directive_secs(&wanted, "max-age") == Some(0);
        let (issuer, subject) = if rule.per_user { user } else { ("", "") };
        let parts = [path.pattern.as_str(), request.url, issuer, subject].map(Value::from);
        let values = varies.iter().map(|name| headers.get(name).as_deref().map_or(Value::Null, Value::from));
        let name = Value::Array(parts.into_iter().chain(values).collect()).to_string();
        Some(Self { name, anew, rule, varies })
    }

    /// Tells a client in the headers of a kept answer how old it is, and that it was kept.
    pub fn hit(&self, headers: &mut HeaderList, now_ms: i64) {
        let said = headers.get(SAID).map(Cow::into_owned);
        let since = headers.get(SINCE).and_then(|since| since.parse().ok()).unwrap_or(now_ms);
        let age = now_ms.saturating_sub(since).max(0) / 1000;
        self.tell(headers, said, "bargate; hit");
        headers.set("age".into(), age.to_string().into());
    }

    /// Tells a client in the headers of an upstream's answer that it was not kept.
    pub fn miss(&self, headers: &mut HeaderList) {
        let said = headers.get("cache-control").map(Cow::into_owned);
        self.tell(headers, said, "bargate; fwd=miss");
    }

    fn tell(&self, headers: &mut HeaderList, said: Option<String>, status: &'static str) {
        for name in [SAID, SINCE, "cf-cache-status", "cache-control"] {
            headers.remove(name);
        }
        let private = || self.rule.per_user.then(|| "private".to_owned());
        if let Some(said) = said.or_else(private) {
            headers.set("cache-control".into(), said.into());
        }
        headers.set("cache-status".into(), status.into());
    }

    /// Returns what goes to the client and into the cache of an upstream's answer; `None` if it may not be kept.
    pub fn keep(&self, status: u16, headers: &HeaderList, now_ms: i64) -> Option<CachedAnswer> {
        let now_secs = now_ms / 1000;
        let secs = kept_secs(status, headers, &self.varies, self.rule.ttl_secs.into(), now_secs);
        if secs == 0 {
            return None;
        }
        let is_coded = headers.values("content-encoding").next().is_some();
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).filter(|_| !is_coded);
        let mut own = headers.clone();
        if is_coded {
            // Who reads a body has it decoded. The first client gets what the next will, and what tells of the coded bytes goes.
            for name in ["content-encoding", "content-length", "content-digest", "repr-digest"] {
                own.remove(name);
            }
            if let Some(tag) = headers.get("etag").filter(|tag| tag.starts_with('"')) {
                own.set("etag".into(), format!("W/{tag}").into());
            }
        }
        let mut copy = own.clone();
        if let Some(said) = headers.get("cache-control") {
            copy.set(SAID.into(), said.into_owned().into());
        }
        let since = now_ms - age_secs(headers, now_secs).cast_signed().saturating_mul(1000);
        copy.set(SINCE.into(), since.to_string().into());
        copy.remove("age");
        copy.set("cache-control".into(), format!("max-age={secs}").into());
        Some(CachedAnswer { headers: own, copy: copy.changes().to_owned(), length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HeaderRules, Integration, Mapping, Rules, Source};
    use crate::route::{MethodRule, Pattern};

    fn path(per_user: bool) -> Path {
        Path {
            method: MethodRule::Any,
            pattern: Pattern::parse("/kept/{.+}").expect("a test's own pattern"),
            encoded_slashes: false,
            access: None,
            integration: Integration::Health,
            mapping: Mapping {
                headers: vec![("x-user-tier".into(), Source::Text("gold".into()))],
                ..Mapping::default()
            },
            pre_process: None,
            rules: Rules {
                cache: Some(Cache { ttl_secs: 300, vary: vec!["accept".into(), "x-api-key".into()], per_user }),
                ..Rules::default()
            },
            response_headers: HeaderRules::default(),
        }
    }

    fn list(headers: &[(&str, &str)]) -> HeaderList {
        HeaderList::parse(headers.iter().flat_map(|(name, value)| [*name, *value]))
    }

    const USER: (&str, &str) = ("https://issuer.example/", "a");

    /// What a GET on a path with these headers asks of the cache: the name of its entry, and whether anew.
    fn asked(path: &Path, headers: &[(&str, &str)]) -> Option<(String, bool)> {
        let headers = &list(headers);
        let request = Outgoing { method: "GET", url: "https://api.example/x", headers, has_body: false };
        CacheOrder::of(path, &request, USER, None).map(|order| (order.name, order.anew))
    }

    #[test]
    fn a_request_that_says_who_asks_goes_past_the_cache() {
        let path = path(false);
        for name in [
            "api-key",
            "apikey",
            "x-apikey",
            "ocp-apim-subscription-key",
            "x-functions-key",
            "x-goog-api-key",
            "x-auth-token",
            "x-auth-key",
            "x-amz-security-token",
            "private-token",
            "x-vault-token",
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
            assert_eq!(asked(&path, &[(name, "x")]), None, "{name}");
        }
        for name in ["user-agent", "sec-fetch-user", "accept", "x-request-id", "x-requested-with", "priority", "cookie"]
        {
            assert!(asked(&path, &[(name, "x")]).is_some(), "{name}");
        }
        assert!(asked(&path, &[("x-api-key", "x")]).is_some(), "but for what the path varies by");
        assert!(asked(&path, &[("x-user-tier", "gold")]).is_some(), "and what the gateway itself says");
        assert!(asked(&super::tests::path(true), &[("x-auth-key", "x")]).is_some(), "and if each user has an own");
    }

    #[test]
    fn a_request_decides_for_itself() {
        let path = path(false);
        let table: [(&[(&str, &str)], Option<bool>); 9] = [
            (&[], Some(false)),
            (&[("cache-control", "no-cache")], Some(true)),
            (&[("cache-control", "max-age=0")], Some(true)),
            (&[("cache-control", "max-age=60")], Some(false)),
            (&[("pragma", "no-cache")], Some(true)),
            (&[("pragma", "no-cache"), ("cache-control", "max-age=60")], Some(false)),
            (&[("cache-control", "no-store")], None),
            (&[("range", "bytes=0-3")], None),
            (&[("upgrade", "websocket")], None),
        ];
        for (headers, anew) in table {
            assert_eq!(asked(&path, headers).map(|(_, anew)| anew), anew, "{headers:?}");
        }
        let none = &HeaderList::default();
        for (method, has_body) in [("HEAD", false), ("POST", false), ("GET", true)] {
            let request = Outgoing { method, url: "https://api.example/x", headers: none, has_body };
            assert!(CacheOrder::of(&path, &request, USER, None).is_none(), "{method}, with a body: {has_body}");
        }
        let get = Outgoing { method: "GET", url: "https://api.example/x", headers: none, has_body: false };
        let order =
            |per_user, user, counted| CacheOrder::of(&super::tests::path(per_user), &get, user, counted).is_some();
        assert!(!order(false, USER, Some("x-client")), "a header by which clients are counted tells them apart");
        assert!(order(false, USER, Some("x-api-key")), "unless the path varies by it");
        assert!(!order(true, ("https://issuer.example/", ""), None), "users without a name are all one");
    }

    #[test]
    fn an_entry_is_named_by_all_by_which_answers_differ() {
        let (all, own) = (path(false), path(true));
        let name = |path: &Path, headers: &[(&str, &str)]| asked(path, headers).expect("an order").0;
        assert_eq!(
            name(&all, &[("accept", "a\"b"), ("x-user-tier", "gold")]),
            r#"["/kept/{.+}","https://api.example/x","","","a\"b",null,"gold"]"#
        );
        assert_eq!(
            name(&own, &[("x-api-key", "k")]),
            r#"["/kept/{.+}","https://api.example/x","https://issuer.example/","a",null,"k",null]"#
        );
    }

    const NOW_MS: i64 = 1_790_856_000_500;

    fn told(answer: fn(&CacheOrder<'_>, &mut HeaderList), per_user: bool, headers: &[(&str, &str)]) -> String {
        let (path, none) = (path(per_user), HeaderList::default());
        let get = Outgoing { method: "GET", url: "https://api.example/x", headers: &none, has_body: false };
        let mut headers = list(headers);
        answer(&CacheOrder::of(&path, &get, USER, None).expect("an order"), &mut headers);
        let values =
            ["cache-control", "cache-status", "age"].map(|name| headers.get(name).unwrap_or_default().into_owned());
        assert!(!headers.names().any(|name| name.starts_with("x-bargate-") || name.starts_with("cf-")));
        values.join(" | ")
    }

    #[test]
    fn a_client_is_told_whether_an_answer_was_kept_and_how_old_it_is() {
        let hit = |order: &CacheOrder<'_>, headers: &mut HeaderList| order.hit(headers, NOW_MS);
        let miss = |order: &CacheOrder<'_>, headers: &mut HeaderList| order.miss(headers);
        let stored =
            [("cache-control", "max-age=60"), (SAID, "public"), (SINCE, "1790855990000"), ("cf-cache-status", "HIT")];
        assert_eq!(told(hit, false, &stored), "public | bargate; hit | 10");
        assert_eq!(told(hit, false, &stored[..1]), " | bargate; hit | 0");
        assert_eq!(told(hit, true, &stored[..1]), "private | bargate; hit | 0");
        assert_eq!(told(miss, false, &[("cache-control", "max-age=60")]), "max-age=60 | bargate; fwd=miss | ");
        assert_eq!(told(miss, true, &[(SAID, "public")]), "private | bargate; fwd=miss | ");
    }

    #[test]
    fn a_copy_says_what_came_and_since_when_it_is_fresh() {
        let (path, none) = (path(false), HeaderList::default());
        let get = Outgoing { method: "GET", url: "https://api.example/x", headers: &none, has_body: false };
        let order = CacheOrder::of(&path, &get, USER, None).expect("an order");
        let plain = list(&[("cache-control", "max-age=60"), ("age", "20"), ("content-length", "7"), ("etag", "\"e\"")]);
        let kept = order.keep(200, &plain, NOW_MS).expect("a copy");
        assert_eq!((kept.length, kept.headers.changes()), (Some(7), ""));
        assert_eq!(
            kept.copy,
            "x-bargate-cache-control\nmax-age=60\nx-bargate-since\n1790855980500\n-age\n\ncache-control\nmax-age=40\n"
        );
        let coded = list(&[("content-encoding", "gzip"), ("content-length", "7"), ("etag", "\"e\"")]);
        let kept = order.keep(200, &coded, NOW_MS).expect("a copy");
        let changes = "-content-encoding\n\n-content-length\n\netag\nW/\"e\"\n";
        assert_eq!((kept.length, kept.headers.changes()), (None, changes));
        assert_eq!(kept.copy, format!("{changes}x-bargate-since\n1790856000500\ncache-control\nmax-age=300\n"));
        assert!(order.keep(200, &list(&[("cache-control", "private")]), NOW_MS).is_none());
    }
}
