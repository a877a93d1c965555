//! What a path asks of a request besides its credentials: how often, how large, of what type; and whether answers are kept.

use super::cors::is_token;
use super::headers::read_header_names;
use super::networks::{Networks, read_networks};
use super::reader::{Findings, ObjectReader, Place, choose_number, note_if_empty, shown, told};

/// The longest that an answer is kept, in seconds: a day.
pub(super) const CACHE_MAX_SECS: u64 = 24 * 60 * 60;

/// The periods of Cloudflare's rate limiting binding, in seconds.
pub(super) const PERIODS_SECS: [u64; 2] = [10, 60];

/// The most that the size of a body may be limited to, in bytes; no platform takes as much.
pub(super) const BODY_MAX_BYTES: u64 = u32::MAX as u64;

/// That of a limit that names none.
pub(crate) const PERIOD_DEFAULT_SECS: u64 = 60;

/// What is wrong where answers for all are made of what one client says of itself.
pub(super) const PRIVATE: &str = "answers by credential are private";

/// What a path asks of a request.
#[derive(Clone, Default)]
pub struct Rules {
    /// How often.
    pub rate_limit: Option<RateLimit>,
    /// How large its body may be, in bytes.
    pub max_body_bytes: Option<u64>,
    /// Lower-case media types that a body may have, `type/*` for all of a type; any where the list is empty.
    pub content_types: Vec<String>,
    /// How long answers are kept.
    pub cache: Option<Cache>,
    /// Where it may come from.
    pub networks: Option<Networks>,
}

/// A limit on the number of requests.
#[derive(Clone)]
pub struct RateLimit {
    /// The binding that counts.
    pub binding: String,
    /// What is counted apart.
    pub key: RateKey,
    /// The period of the binding, in seconds.
    pub period_secs: u32,
}

/// What requests are counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateKey {
    /// The client's address.
    Ip,
    /// The user: `sub` of the token.
    Subject,
    /// The value of this header.
    Header(String),
}

/// How answers are kept.
#[derive(Clone)]
pub struct Cache {
    /// For how long, in seconds.
    pub ttl_secs: u32,
    /// Lower-case names of the request headers by which answers differ.
    pub vary: Vec<String>,
    /// Whether each user has answers of their own.
    pub per_user: bool,
}

/// Reads the rules of a path, which may ask an upstream by `GET` or not.
pub(super) fn read_rules(
    object: &mut ObjectReader<'_, '_>,
    authenticated: bool,
    gets: bool,
    findings: &mut Findings<'_>,
) -> Rules {
    let max_body_bytes = object.integer("max_body_bytes", 0..=BODY_MAX_BYTES, u64::MAX, findings);
    Rules {
        rate_limit: read_rate_limit(object, authenticated, findings),
        max_body_bytes: Some(max_body_bytes).filter(|bytes| *bytes != u64::MAX),
        content_types: read_content_types(object, findings),
        cache: read_cache(object, authenticated, gets, findings),
        networks: read_networks(object, findings),
    }
}

fn read_rate_limit(
    object: &mut ObjectReader<'_, '_>,
    authenticated: bool,
    findings: &mut Findings<'_>,
) -> Option<RateLimit> {
    let node = object.node("rate_limit")?;
    let place = Place::Key(object.place(), "rate_limit");
    let mut reader = ObjectReader::open(node, &place, findings)?;
    let binding = reader.required_text("binding", findings);
    note_if_empty(binding.as_ref(), &Place::Key(&place, "binding"), findings);
    let period_secs = choose_number(&mut reader, "period_seconds", &PERIODS_SECS, PERIOD_DEFAULT_SECS, findings);
    let key = reader.required_text("key", findings);
    let key = key.and_then(|written| {
        let text = written.value()?;
        let (code, message, help) = match text {
            "ip" => return Some(RateKey::Ip),
            "sub" if authenticated => return Some(RateKey::Subject),
            "sub" => {
                let message = "this path verifies no token to take a user from".to_owned();
                ("claim_without_auth", message, "add \"auth\" to this path, or count by \"ip\"")
            }
            text => match text.strip_prefix("header:").filter(|name| is_token(name)) {
                Some(name) => return Some(RateKey::Header(name.to_ascii_lowercase())),
                None => {
                    let message = format!("\"{}\" is not known here", shown(&written));
                    ("unknown_value", message, "one of: ip, sub, header:NAME")
                }
            },
        };
        findings.note(written.offset, &Place::Key(&place, "key"), code, message, told(|| help.to_owned()));
        None
    });
    reader.finish(findings);
    let binding = binding?.value()?.to_owned();
    Some(RateLimit { binding, key: key?, period_secs: u32::try_from(period_secs).unwrap_or(60) })
}

fn read_content_types(object: &mut ObjectReader<'_, '_>, findings: &mut Findings<'_>) -> Vec<String> {
    let place = Place::Key(object.place(), "content_types");
    let mut types = Vec::new();
    for (index, written) in object.texts("content_types", findings).iter().enumerate() {
        let Some(text) = written.value() else { continue };
        match text.split_once('/') {
            Some((kind, subtype)) if is_token(kind) && is_token(subtype) => types.push(text.to_ascii_lowercase()),
            _ => {
                let message = format!("\"{}\" is no media type", shown(written));
                let help = told(|| "write it as application/json, or image/* for all of a type".to_owned());
                findings.note(written.offset, &Place::Index(&place, index), "invalid_name", message, help);
            }
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
    let node = object.node("cache")?;
    let place = Place::Key(object.place(), "cache");
    if !gets {
        let message = "only answers of http_proxy to GET are kept".to_owned();
        findings.note(node.offset, &place, "unused_key", message, told(|| "remove \"cache\"".to_owned()));
    }
    let mut reader = ObjectReader::open(node, &place, findings)?;
    reader.required("ttl_seconds", findings);
    let ttl_secs = reader.integer("ttl_seconds", 1..=CACHE_MAX_SECS, 1, findings);
    let vary = read_header_names(&mut reader, "vary", findings);
    let per_user = reader.boolean("per_user", false, findings);
    if let Some(index) = vary.iter().position(|name| is_credential(name)) {
        let list = Place::Key(&place, "vary");
        let offset = reader.node("vary").map_or(node.offset, |node| node.offset);
        let help = told(|| "keep them apart by user, with \"per_user\": true".to_owned());
        findings.note(offset, &Place::Index(&list, index), "private_cache", PRIVATE.to_owned(), help);
    }
    if authenticated != per_user {
        let (code, message, help) = match authenticated {
            true => (
                "private_cache",
                "answers to one user would be given to the next",
                "add \"per_user\": true, or remove \"cache\"",
            ),
            false => (
                "claim_without_auth",
                "this path verifies no token to tell users apart by",
                "add \"auth\", or remove \"per_user\"",
            ),
        };
        findings.note(node.offset, &place, code, message.to_owned(), told(|| help.to_owned()));
    }
    reader.finish(findings);
    Some(Cache { ttl_secs: u32::try_from(ttl_secs).unwrap_or(1), vary, per_user })
}

/// Tells whether a header says who sends a request.
pub(super) fn is_credential(header: &str) -> bool {
    header.eq_ignore_ascii_case("authorization") || header.eq_ignore_ascii_case("cookie")
}
