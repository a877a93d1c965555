//! The address of a request on its way to an upstream: what of it goes on, and what the config adds.

use bargate::address::Address;
use bargate::config::{Integration, Target};
use bargate::encoding::decode_percent_into;
use bargate::http::request::{RequestHead, query_parameter};
use bargate::mapping::{mapped_headers, mapped_query};
use bargate::proxy::upstream_url;
use bargate::route::Found;
use bargate::token::VerifiedClaims;
use serde_json::{Map, Value};

use super::example::{ORIGIN, with_config};
use super::text::{assert_value, fields, text};

struct Head<'u> {
    url: &'u Address,
    pattern: &'u str,
    source: &'u str,
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        "GET"
    }
    fn path(&self) -> &str {
        self.url.path()
    }
    fn query(&self) -> Option<&str> {
        self.url.query()
    }
    fn pattern(&self) -> &str {
        self.pattern
    }
    fn header(&self, name: &str) -> Option<&str> {
        (name == "x-source").then_some(self.source)
    }
}

/// What a client writes behind the origin, the subject of its token and a header, on a line each.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [written, subject, source] = fields(text);
    let Some(url) = Address::parse(&[ORIGIN, "/", written].concat()) else { return };
    if url.origin() != ORIGIN {
        return;
    }
    with_config(|config| {
        let Found::Route(found) = config.routes.find("GET", url.host_and_port(), url.path()) else { return };
        let path = &config.paths[found.index];
        let head = Head { url: &url, pattern: found.pattern, source };
        let mut claims = Map::new();
        claims.insert("sub".to_owned(), subject.into());
        let claims = VerifiedClaims::assumed(claims);
        let query = mapped_query(&path.mapping, &head, Some(&claims));
        let Integration::HttpProxy { server, .. } = &path.integration else { return };
        assert_forwarded(&server.targets.first, found.forward_path(""), &url, query.as_deref());
        if path.mapping.query.is_empty() {
            return assert_eq!(query.as_deref(), url.query());
        }
        assert_query(query.as_deref(), &url, found.pattern, subject);
        for (name, value) in mapped_headers(&path.mapping, &head, Some(&claims)) {
            let Some(value) = value else { continue };
            assert_value(name, &value);
            assert_eq!(value.trim_matches(' '), value, "{name}");
            let said = match name {
                "x-claim" => Some(subject.to_owned()),
                "x-query" => query_parameter(url.query(), "q"),
                "x-header" => Some(source.to_owned()),
                _ => None,
            };
            let mut decoded = Vec::new();
            decode_percent_into(value.as_bytes(), &mut decoded).expect("each percent sign is that of an escape");
            assert!(said.is_none_or(|said| said.as_bytes() == decoded), "{name} says what was said: {value}");
        }
    });
}

/// The upstream reads the path that was matched, behind its own.
fn assert_forwarded(target: &Target, path: &str, url: &Address, query: Option<&str>) {
    assert_eq!(path, url.path());
    let forwarded = upstream_url(target, path, query);
    let read = url::Url::parse(&forwarded).expect("an address");
    assert_eq!(read.origin().ascii_serialization(), target.origin);
    assert_eq!(read.path(), [&target.base_path, path].concat());
    assert_eq!((read.query(), read.fragment()), (query, None));
    assert_eq!(read.as_str(), forwarded, "the parser of the upstream changes nothing");
}

/// A parameter that the config sets has the value that the config says, and no other; the client's others stay as they are.
fn assert_query(query: Option<&str>, url: &Address, pattern: &str, subject: &str) {
    let parse =
        |text: &str| -> Vec<(String, String)> { url::form_urlencoded::parse(text.as_bytes()).into_owned().collect() };
    let (sent, forwarded) = (parse(url.query().unwrap_or_default()), parse(query.unwrap_or_default()));
    let expected = [
        ("user", Some(subject.to_owned())),
        ("id", bargate::route::parameter(pattern, url.path(), "id")),
        ("copy", sent.iter().find(|(name, _)| name == "q").map(|(_, value)| value.clone())),
        ("fixed", Some("1".to_owned())),
    ];
    for (name, value) in &expected {
        let found: Vec<_> = forwarded.iter().filter(|(own, _)| own == name).map(|(_, value)| value).collect();
        assert_eq!(found, value.iter().collect::<Vec<_>>(), "{name}");
    }
    let is_mapped = |pair: &&(String, String)| expected.iter().any(|(name, _)| *name == pair.0);
    let others = |pairs: &[(String, String)]| -> Vec<Value> {
        pairs
            .iter()
            .filter(|pair| !is_mapped(pair))
            .map(|(name, value)| Value::from(vec![name.as_str(), value]))
            .collect()
    };
    assert_eq!(others(&forwarded), others(&sent));
}
