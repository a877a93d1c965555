//! What an upstream says of caching, and a client: an answer that may not be stored is not.

use bargate::http::caching::{CacheControl, Received};
use bargate::proxy::{CacheQuery, Outgoing};

use super::example::with_config;
use super::text::{fields, text};

const TTL_SECS: u32 = 60;

/// `Cache-Control`, `Vary`, `Age` and `Pragma` of an answer, and the names of the request's headers, on a line each.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [control, vary, age, pragma, names] = fields(text);
    let header = |name: &str| {
        let value = match name {
            "cache-control" => control,
            "vary" => vary,
            "age" => age,
            "pragma" => pragma,
            _ => "",
        };
        (!value.is_empty()).then(|| value.to_owned())
    };
    let received = |status| Received { status, header: &header, dated_ms: None, expires_ms: None, now_ms: 1e12 };
    assert_eq!(received(203).freshness("accept", TTL_SECS), None);
    if let Some(freshness) = received(200).freshness("accept", TTL_SECS) {
        assert!((1..=TTL_SECS).contains(&freshness.secs));
        for (name, value) in directives(if control.is_empty() { pragma } else { control }) {
            assert!(!["no-store", "no-cache", "private"].contains(&&*name), "{control}");
            let secs = value.parse::<u32>().unwrap_or(u32::MAX);
            let is_limit = name == "s-maxage" && value.bytes().all(|b| b.is_ascii_digit());
            assert!(!is_limit || freshness.secs <= secs, "{control}");
        }
        assert!(
            vary.split(',')
                .map(|name| name.trim_ascii().to_ascii_lowercase())
                .all(|name| { ["", "accept", "accept-encoding"].contains(&&*name) })
        );
        let is_number = age.bytes().all(|b| b.is_ascii_digit());
        assert!(!is_number || freshness.age_secs >= age.parse().unwrap_or_default());
    }
    let fields = [Some(control.to_owned())];
    let said = CacheControl::parse(&fields);
    for (name, _) in directives(control) {
        assert!(name != "no-store" || said.no_store);
        assert!(name != "private" || said.private);
        assert!(name != "no-cache" || said.no_cache);
    }
    check_request(control, names);
}

/// Returns the directives of a simple list, each with its value: what stands between commas, as far as nothing is quoted.
fn directives(list: &str) -> Vec<(String, String)> {
    if list.contains(['"', '=', ';']) && !list.bytes().all(|b| b.is_ascii_alphanumeric() || b", -=".contains(&b)) {
        return Vec::new();
    }
    let parts = list.split(',').map(|part| part.trim_matches([' ', '\t']).to_ascii_lowercase());
    let parts = parts.map(|part| {
        part.split_once('=').map_or((part.clone(), String::new()), |(name, value)| (name.to_owned(), value.to_owned()))
    });
    parts.collect()
}

/// No answer for everyone is stored of a request that says who asks.
fn check_request(control: &str, names: &str) {
    let names = names.to_ascii_lowercase();
    with_config(|config| {
        let path = &config.paths[1];
        let cache = path.rules.cache.as_ref().expect("the example has one");
        let request = Outgoing {
            method: "GET",
            pattern: "/cached/{rest+}",
            url: "https://upstream.example/cached/a",
            names: &names,
            cache_control: Some(control.to_owned()),
            has_body: false,
            user: ["", ""],
            counted: None,
        };
        let Some(query) = CacheQuery::of(path, cache, &request) else { return };
        assert!(names.split(',').all(|name| !["authorization", "x-api-key", "range", "upgrade"].contains(&name)));
        assert!(query.name.contains(request.url) && query.vary == "accept");
    });
}
