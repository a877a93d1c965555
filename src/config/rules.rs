//! What a path requires of a request besides its credentials: how often, how large, of what type; and whether answers are cached.

use std::fmt;

use super::headers::{PRIVATE, read_header_names};
use super::key::{Key, OneOf, declare};
use super::networks::{Networks, read_networks};
use super::path::keys as path_keys;
use super::reader::{Findings, ObjectReader, Place, advice, shown};
use super::section::section;
use crate::config::code::Code;
use crate::http::header::{is_credential, is_token};
use crate::http::media_type;

/// The longest time that an answer is cached, in seconds: a day.
pub(super) const CACHE_MAX_SECS: u32 = 24 * 60 * 60;

/// The periods of Cloudflare's rate limiting binding, in seconds.
pub(super) const PERIODS_SECS: [u32; 2] = [10, 60];

/// The longest period over which an object counts, in seconds: a day.
pub(super) const PERIOD_MAX_SECS: u32 = 24 * 60 * 60;

/// The largest number of requests that an object lets through in a period.
pub(super) const REQUESTS_MAX: u32 = 1_000_000;

/// The binding of the objects that count.
pub const OBJECTS: &str = "RATE_LIMITS";

/// The default period.
pub(crate) const PERIOD_DEFAULT_SECS: u32 = 60;

/// What a path requires of a request.
#[derive(Clone, Default)]
pub struct Rules {
    /// How often.
    pub rate_limit: Option<RateLimit>,
    /// How large its body may be, in bytes.
    pub max_body_bytes: Option<u64>,
    /// Lower-case media types that a body may have, `type/*` for all of a type; any if the list is empty.
    pub content_types: Vec<String>,
    /// How answers are cached.
    pub cache: Option<Cache>,
    /// Where it may come from.
    pub networks: Option<Networks>,
}

/// A limit on the number of requests.
#[derive(Clone)]
pub struct RateLimit {
    /// The binding that counts, or that of the objects.
    pub binding: String,
    /// How many requests an object lets through in a period; if Cloudflare's binding counts, it knows.
    pub max: Option<u32>,
    /// What is counted separately.
    pub key: RateKey,
    /// The period, in seconds.
    pub period_secs: u32,
}

/// What requests are counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateKey {
    /// The client's address.
    Ip,
    /// The user: `sub` of the token.
    Subject,
    /// The API key; of what is none, the user.
    ApiKey,
    /// The value of this header.
    Header(String),
}

/// How answers are cached.
#[derive(Clone)]
pub struct Cache {
    /// For how long, in seconds.
    pub ttl_secs: u32,
    /// Lower-case names of the request headers by which answers differ.
    pub vary: Vec<String>,
    /// Whether answers are cached for each user separately.
    pub per_user: bool,
}

/// Reads the rules of a path, which may call an upstream by `GET` or not.
pub(super) fn read_rules(
    object: &mut ObjectReader<'_, '_>,
    authenticated: bool,
    gets: bool,
    findings: &mut Findings<'_>,
) -> Rules {
    let max_body_bytes = object.limit(&path_keys::MAX_BODY_BYTES, findings);
    Rules {
        rate_limit: read_rate_limit(object, authenticated, findings),
        max_body_bytes: max_body_bytes.map(u64::from),
        content_types: read_content_types(object, findings),
        cache: read_cache(object, authenticated, gets, findings),
        networks: read_networks(object, &path_keys::IP, findings),
    }
}

/// Reads how often requests may come.
pub(super) fn read_rate_limit(
    object: &mut ObjectReader<'_, '_>,
    authenticated: bool,
    findings: &mut Findings<'_>,
) -> Option<RateLimit> {
    let node = object.node(&path_keys::RATE_LIMIT)?;
    let place = path_keys::RATE_LIMIT.at(object.place());
    let mut reader = ObjectReader::open(node, &place, findings)?;
    let max = reader.limit(&rate_limit::LIMIT, findings);
    let is_counted_by_object = reader.node(&rate_limit::LIMIT).is_some();
    if !is_counted_by_object {
        reader.required(&rate_limit::BINDING, findings);
    }
    let binding = reader.text(&rate_limit::BINDING, findings);
    if let Some(binding) = binding.filter(|_| is_counted_by_object) {
        let message = format_args!("with a limit, an object of the gateway's own counts");
        let help = advice("remove \"binding\"; or remove \"limit\", and set the number at the binding");
        findings.note(binding.offset, &rate_limit::BINDING.at(&place), Code::UnusedKey, message, help);
    }
    let period_secs = match is_counted_by_object {
        true => reader.integer(&rate_limit::PERIOD_SECONDS, findings),
        false => reader.one_of(&PERIOD_OF_BINDING, findings),
    };
    let key = reader.text(&rate_limit::KEY, findings);
    let key = key.and_then(|written| {
        let text = written.value()?;
        let mut refuse = |code, message: fmt::Arguments<'_>, help: &str| {
            findings.note(written.offset, &rate_limit::KEY.at(&place), code, message, advice(help));
            None
        };
        match text {
            "ip" => Some(RateKey::Ip),
            "sub" if authenticated => Some(RateKey::Subject),
            "api_key" if authenticated => Some(RateKey::ApiKey),
            "sub" | "api_key" => {
                let message = format_args!("this path verifies no token to take a user from");
                refuse(Code::ClaimWithoutAuth, message, "add \"auth\" to this path, or count by \"ip\"")
            }
            text => match text.strip_prefix("header:").filter(|name| is_token(name)) {
                Some(name) => Some(RateKey::Header(name.to_ascii_lowercase())),
                None => {
                    let message = format_args!("\"{}\" is not known here", shown(&written));
                    refuse(Code::UnknownValue, message, "one of: ip, sub, api_key, header:NAME")
                }
            },
        }
    });
    reader.finish(findings);
    let binding = if is_counted_by_object { OBJECTS } else { binding?.value()? }.to_owned();
    Some(RateLimit { binding, max, key: key?, period_secs })
}

fn read_content_types(object: &mut ObjectReader<'_, '_>, findings: &mut Findings<'_>) -> Vec<String> {
    let place = path_keys::CONTENT_TYPES.at(object.place());
    let mut types = Vec::new();
    for (index, written) in object.texts(&path_keys::CONTENT_TYPES, findings).iter().enumerate() {
        let Some(text) = written.value() else { continue };
        if media_type::is_range(text) {
            types.push(text.to_ascii_lowercase());
        } else {
            let wrong = "is not a media type";
            let help = advice("write it as application/json, or image/* for all of a type");
            findings.refuse(written, &Place::Index(&place, index), Code::InvalidName, wrong, help);
        }
    }
    types
}

fn read_cache(
    object: &mut ObjectReader<'_, '_>,
    authenticated: bool,
    gets: bool,
    findings: &mut Findings<'_>,
) -> Option<Cache> {
    let node = object.node(&path_keys::CACHE)?;
    let place = path_keys::CACHE.at(object.place());
    if !gets {
        let message = format_args!("only GET answers of http_proxy are cached");
        findings.note(node.offset, &place, Code::UnusedKey, message, advice("remove \"cache\""));
    }
    let mut reader = ObjectReader::open(node, &place, findings)?;
    let ttl_secs = reader.limit(&cache::TTL_SECONDS, findings).unwrap_or_default();
    let vary = read_header_names(&mut reader, &cache::VARY, findings);
    let per_user = reader.boolean(&cache::PER_USER, findings);
    if let Some(index) = vary.iter().position(|name| is_credential(name)) {
        let list = cache::VARY.at(&place);
        let offset = reader.node(&cache::VARY).map_or(node.offset, |node| node.offset);
        let help = advice("cache them by user, with \"per_user\": true");
        findings.note(offset, &Place::Index(&list, index), Code::PrivateCache, format_args!("{PRIVATE}"), help);
    }
    if authenticated != per_user {
        let (code, message, help) = match authenticated {
            true => (
                Code::PrivateCache,
                "one user would get another's answers",
                "add \"per_user\": true, or remove \"cache\"",
            ),
            false => (
                Code::ClaimWithoutAuth,
                "this path verifies no token to tell users apart",
                "add \"auth\", or remove \"per_user\"",
            ),
        };
        findings.note(node.offset, &place, code, format_args!("{message}"), advice(help));
    }
    reader.finish(findings);
    Some(Cache { ttl_secs, vary, per_user })
}

/// `period_seconds`, if a binding counts.
const PERIOD_OF_BINDING: Key<OneOf> =
    declare::one_of(rate_limit::PERIOD_SECONDS.name, &PERIODS_SECS, PERIOD_DEFAULT_SECS);

/// The keys of `rate_limit`.
pub(crate) mod rate_limit {
    use super::*;

    section! {
        Section::new(
            "rate_limit",
            "rate_limit",
            "How often requests may come. One too many gets 429 `rate_limited`, with the seconds to wait in \
             `Retry-After`.\n\nEither Cloudflare counts by location: then the number is set at the `binding`, under `[[ratelimits]]` \
             in `wrangler.toml`. Or an object of the gateway's own counts exactly: then the number is the `limit`. Each path \
             counts separately. With `sub` and `api_key`, a request without a user counts by its \
             address. IPv6 addresses count by their first 64 bits.",
        )
            .condition(object! {
                "if": present(&LIMIT),
                "then": with(&BINDING, absent("With a limit, an object of the gateway's own counts: remove binding.")),
                "else": object! {
                    "allOf": list![
                        having(&BINDING, object! { "type": "string" }),
                        with(&PERIOD_SECONDS, object! { "enum": PERIODS_SECS.to_vec() }),
                    ],
                },
            })
            .example(
                r#"{
                        "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                        "paths": [
                            {
                                "method": "POST",
                                "path": "/login",
                                "integration": { "type": "http_proxy", "server": "api" },
                                "rate_limit": { "binding": "LIMIT", "key": "ip", "period_seconds": 10 }
                            }
                        ]
                    }"#,
            );

        BINDING: Text = text("binding", NotEmpty), Different("counts with another limit"),
            "The name of the rate limiting binding in `wrangler.toml`.",
            default_words("required without `limit`"), example("LIMIT");
        LIMIT: Limit = limit("limit", 1..=REQUESTS_MAX), Larger("lets more requests through"),
            "How many requests may come within any `period_seconds`, counted exactly. Needs the Durable Object \
             `RATE_LIMITS`, which each request asks.",
            example(100_u32);
        KEY: Text = text("key", RateKey).required(), Different("counts by another key"),
            "What is counted separately: `ip`, the client's address; `sub`, the user (needs `auth`); `api_key`, the API key, and of \
             other credentials the user (needs `auth`); or `header:NAME`, the value of a header.",
            example("ip"), example("sub"), example("api_key"), example("header:x-tenant");
        PERIOD_SECONDS: Integer = integer("period_seconds", 1..=PERIOD_MAX_SECS, PERIOD_DEFAULT_SECS),
            Different("counts over another period"),
            "The period, in seconds. With a `binding`, that of the binding, 10 or 60.",
            example(10_u32);
    }
}

/// The keys of `cache`.
pub(crate) mod cache {
    use super::*;
    #[cfg(not(target_os = "unknown"))]
    use crate::config::headers::CREDENTIAL_HEADER;

    section! {
        Section::new(
            "cache",
            "cache",
            "Caches answers to `GET` of an `http_proxy` path: of status 200, without `Set-Cookie`, up to 4 MiB, as \
             long as their `Cache-Control`, `Expires` and `Vary` allow.\n\nA path with `auth` needs `\"per_user\": \
             true`: answers are then cached for each user separately. Without it, the upstream gets neither `Cookie` \
             nor `Authorization`, neither can be mapped, and a request with another header that identifies its sender, \
             such as `X-Api-Key`, bypasses the cache. Mapped values are part of the cache key.",
        )
            .condition(with(&VARY, object! {
                "items": refused(
                    object! { "type": "string", "pattern": CREDENTIAL_HEADER },
                    "Answers to credentials are private: cache them by user, with \"per_user\": true.",
                )
            }))
            .example(
                r#"{
                        "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                        "paths": [
                            {
                                "method": "GET",
                                "path": "/catalogue",
                                "integration": { "type": "http_proxy", "server": "api" },
                                "cache": { "ttl_seconds": 60, "vary": ["accept-language"] }
                            }
                        ]
                    }"#,
            );

        TTL_SECONDS: Limit = limit("ttl_seconds", 1..=CACHE_MAX_SECS).required(),
            Harmless("it limits how long, and every rule is checked before the cache"),
            "For how many seconds an answer is cached at most.",
            example(60_u32);
        VARY: Texts = texts("vary", HeaderName), Narrower("gives the same answer whatever the header"),
            "Request headers by which answers differ, except `Authorization` and `Cookie`.",
            example(list!["accept-language"]);
        PER_USER: Boolean = boolean("per_user"), Off("gives the same answer to every user"),
            "Whether answers are cached for each user separately. Required with `auth`, and only possible with it.",
            example(true);
    }
}
