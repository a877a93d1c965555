//! API keys: what an authorizer of type `api_key` knows of them. Of each it has the SHA-256 and a record, in the config or in KV.
//!
//! A record in KV is read by the same code as one in the config. The form of a key itself is in [`crate::token`].

pub(crate) mod keys;

use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::authorizer::keys::{KEY_HEADER_DEFAULT, api_key as authorizer};
use super::claims::{CLAIMS, read_claims};
use super::code::Code;
use super::document::parse_document;
use super::headers::checked_name;
use super::host_only::HostOnly;
use super::key::{Key, Limit, declare};
use super::networks::{Networks, read_networks};
use super::reader::{Findings, ObjectReader, Place, Written, advice, read_array};
use super::scopes::{NOT_A_SCOPE, read_names};
use crate::http::header::COMMON_HEADERS;
use keys as record;

/// Whether this runs for people: what is wrong with a prefix, a header or a digest opens nothing, and only they are told.
const ON_HOST: bool = cfg!(not(target_os = "unknown"));

/// Headers that keys cannot come in, because they say something else, besides those that most requests have.
const TAKEN_HEADERS: [&str; 13] = [
    "cf-connecting-ip",
    "dpop",
    "forwarded",
    "last-event-id",
    "mcp-session-id",
    "traceparent",
    "x-access-token",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-refresh-token",
    "x-request-id",
];

/// A record in KV is not larger than this, in bytes: each isolate keeps what it has read.
const RECORD_MAX_BYTES: usize = 16 * 1024;

/// A prefix is not longer than this, in bytes.
const PREFIX_MAX_BYTES: usize = 32;

/// A SHA-256 in base64url has so many characters.
const DIGEST_CHARS: usize = 43;

/// The version of a record in KV. A later one may have members by which a key opens less, so it opens nothing here.
const VERSION: Key<Limit> = declare::limit("version", 1..=1).required();

/// The claims of a key that the gateway sets itself, or that speak of a token or a login.
pub(crate) const RESERVED_CLAIMS: [&str; 12] =
    ["acr", "aud", "auth_time", "cnf", "exp", "iat", "iss", "jti", "nbf", "scope", "scp", "sub"];

/// How the keys of an authorizer are recognised, and where their records are.
pub struct ApiKeys {
    /// What they begin with, before an underscore.
    pub prefix: String,
    /// The header that they come in, besides `Authorization`, as it is written.
    pub header: String,
    /// Its name in lower case.
    pub header_name: String,
    /// The KV namespace with the records of those that are not in the config.
    pub kv: Option<String>,
    /// For how long an isolate uses a record of KV, in seconds.
    pub cache_secs: i64,
    /// The records of the config, by the SHA-256 of the key in base64url.
    pub listed: Vec<(String, Rc<KeyRecord>)>,
}

/// What a key opens.
#[derive(Debug)]
pub struct KeyRecord {
    /// Its claims: `sub` is the owner.
    pub claims: Map<String, Json>,
    /// The last second at which it is accepted, since 1970.
    pub not_after: Option<i64>,
    /// Where it may be used.
    pub networks: Option<Networks>,
    /// What its owner uses it for.
    pub name: HostOnly<Option<String>>,
}

/// Reads the keys of an authorizer; `None` if one of them is wrong, or not known here.
pub(super) fn read_api_keys(
    object: &mut ObjectReader<'_, '_>,
    name: &str,
    findings: &mut Findings<'_>,
) -> Option<ApiKeys> {
    let place = object.place();
    let prefix = object.text(&authorizer::PREFIX, findings);
    let prefix = prefix.and_then(|written| {
        let text = written.value()?;
        if ON_HOST && !is_prefix(text) {
            let help = advice("write small letters, digits and single underscores between them, as in acme_live");
            let wrong = "is not a prefix of keys";
            findings.refuse(&written, &authorizer::PREFIX.at(place), Code::InvalidName, wrong, help);
        }
        Some(text)
    });
    let header = match object.text(&authorizer::HEADER, findings) {
        None => Some(KEY_HEADER_DEFAULT),
        Some(written) => written.value().inspect(|text| {
            if !ON_HOST {
                return;
            }
            let place = authorizer::HEADER.at(place);
            let is_taken = COMMON_HEADERS.iter().chain(&TAKEN_HEADERS).any(|taken| text.eq_ignore_ascii_case(taken));
            if is_taken {
                let help = advice("name another; a key is always taken as Authorization: Bearer, too");
                findings.refuse(&written, &place, Code::InvalidName, "has another meaning", help);
            } else {
                checked_name(text, written.offset, &place, findings);
            }
        }),
    };
    let kv = object.text(&authorizer::KV, findings);
    let cache_secs = object.integer(&authorizer::CACHE_SECONDS, findings);
    let listed = object.node(&authorizer::KEYS);
    if kv.is_none() && listed.is_none() {
        let message = format_args!("one of \"kv\" and \"keys\" is needed");
        let help = advice("name the KV namespace with the records, or list them; `bargate key new` makes one");
        findings.note(object.offset(), place, Code::MissingKey, message, help.about([authorizer::KV.name]));
    }
    let list = authorizer::KEYS.at(place);
    let (mut read, mut is_complete) = (Vec::new(), true);
    for (index, item) in listed.map(|node| read_array(node, &list, findings)).unwrap_or_default().iter().enumerate() {
        if findings.is_full() {
            break;
        }
        let place = Place::Index(&list, index);
        let Some(mut object) = ObjectReader::open(item, &place, findings) else { continue };
        let digest = object.text(&record::SHA256, findings).and_then(|written| read_digest(written, &place, findings));
        let record = read_record(object, name, findings);
        match digest.zip(record) {
            Some((digest, record)) => {
                if ON_HOST && read.iter().any(|(known, _)| *known == digest) {
                    let help = advice("keep one of the two");
                    let message = format_args!("another entry has this \"sha256\"");
                    findings.note(item.offset, &place, Code::DuplicateKey, message, help);
                }
                read.push((digest, Rc::new(record)));
            }
            None => is_complete = false,
        }
    }
    let kv = kv.map_or(Some(None), |kv| kv.to_text().map(Some));
    let (prefix, header) = prefix.zip(header)?;
    let kv = kv.filter(|_| is_complete)?;
    Some(ApiKeys {
        prefix: prefix.to_owned(),
        header: header.to_owned(),
        header_name: header.to_ascii_lowercase(),
        kv,
        cache_secs: cache_secs.into(),
        listed: read,
    })
}

/// Reads the record of a key in KV, of an authorizer.
///
/// # Errors
/// Why it is not one, in words for the log.
pub fn parse_key_record(text: &str, authorizer: &str) -> Result<KeyRecord, String> {
    if text.len() > RECORD_MAX_BYTES {
        return Err("it is too large".to_owned());
    }
    let root = parse_document(text).map_err(|_| "it is not JSON".to_owned())?;
    let mut findings = Findings::new(text);
    let record = ObjectReader::open(&root, &Place::Root, &mut findings).and_then(|mut object| {
        object.limit(&VERSION, &mut findings);
        read_record(object, authorizer, &mut findings)
    });
    let wrong = findings.into_diagnostics().into_iter().next();
    match (record, wrong) {
        (Some(record), None) => Ok(record),
        (_, wrong) => Err(wrong.map_or_else(String::new, |wrong| [wrong.path, wrong.message].join(": "))),
    }
}

/// Reads what a key opens.
fn read_record(mut object: ObjectReader<'_, '_>, authorizer: &str, findings: &mut Findings<'_>) -> Option<KeyRecord> {
    let place = object.place();
    let owner = object.text(&record::OWNER, findings);
    let name = object.text(&record::NAME, findings);
    let scopes = read_names(&mut object, &record::SCOPES, NOT_A_SCOPE, findings);
    let given = object.node(&CLAIMS);
    let claims_read = read_claims(&mut object, findings);
    let not_after = object.text(&record::NOT_AFTER, findings);
    let networks = read_networks(&mut object, &record::IP, findings);
    let mut claims = Map::new();
    for (name, value) in claims_read {
        if RESERVED_CLAIMS.contains(&&*name) {
            let offset = given.map_or(0, |node| node.offset);
            let message = format_args!("\"{name}\" cannot be a claim of a key");
            let help =
                advice("write the owner, the scopes and the end of a key as \"owner\", \"scopes\" and \"not_after\"");
            findings.note(offset, &CLAIMS.at(place), Code::InvalidName, message, help);
        }
        claims.insert(name, value);
    }
    object.finish(findings);
    // A name of its own, so that no owner is taken for a user of an issuer.
    claims.insert("iss".to_owned(), ["urn:bargate:api_key:", authorizer].concat().into());
    claims.insert("sub".to_owned(), owner?.value()?.into());
    if !scopes.is_empty() {
        claims.insert("scope".to_owned(), scopes.join(" ").into());
    }
    let not_after = match not_after {
        None => None,
        Some(written) => {
            let secs = seconds_of_date(written.value()?);
            if secs.is_none() {
                let help = advice("write it as 2027-01-31T00:00:00Z");
                let wrong = "is not a date of RFC 3339 in UTC";
                findings.refuse(&written, &record::NOT_AFTER.at(place), Code::WrongType, wrong, help);
            }
            Some(secs?)
        }
    };
    let name = HostOnly::of(|| name.and_then(Written::to_text));
    Some(KeyRecord { claims, not_after, networks, name })
}

fn read_digest(written: Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let text = written.value()?;
    if ON_HOST && !is_digest(text) {
        let help =
            advice("write what `bargate key new` prints: the SHA-256 of the key in base64url, and never the key");
        // What is here by mistake may be the key itself.
        let message = format_args!("this is not a SHA-256 in base64url");
        findings.note(written.offset, &record::SHA256.at(place), Code::InvalidName, message, help);
    }
    Some(text.to_owned())
}

/// Checks whether a text is a SHA-256 in base64url without padding: of 256 bits, the last character has four.
pub fn is_digest(text: &str) -> bool {
    text.len() == DIGEST_CHARS
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && text.bytes().next_back().is_some_and(|b| b"AEIMQUYcgkosw048".contains(&b))
}

/// Checks whether a text can be the prefix of keys: words of small letters and digits, with one underscore between two.
pub fn is_prefix(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= PREFIX_MAX_BYTES
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.split('_').all(is_word)
}

/// Returns what stands before the last underscore of a text: of an API key, its prefix.
pub fn key_prefix(text: &str) -> Option<&str> {
    text.get(..text.bytes().rposition(|b| b == b'_')?)
}

/// Returns the seconds since 1970 of a date of RFC 3339 in UTC. The parser of `chrono` is kilobytes.
pub fn seconds_of_date(text: &str) -> Option<i64> {
    const FORM: &[u8; 20] = b"0000-00-00T00:00:00Z";
    let mut numbers = [0_i64; 6];
    let (mut at, mut expected) = (numbers.iter_mut(), FORM.iter());
    let mut number = at.next()?;
    for byte in text.bytes() {
        match (*expected.next()?, byte) {
            (b'0', b'0'..=b'9') => *number = *number * 10 + i64::from(byte - b'0'),
            (b'Z', b'Z') => {}
            (sign, byte) if sign == byte && sign != b'0' => number = at.next()?,
            _ => return None,
        }
    }
    let [year, month, day, hour, minute, second] = numbers;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let is_date = (1..=12).contains(&month) && (1..=days).contains(&day);
    if expected.next().is_some() || !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years that begin in March end with the day that some of them lack.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (month * 153 + 2) / 5 + day;
    /// The days from the first of March of year 0 to that of 1970-01-01, less one.
    const EPOCH_DAYS: i64 = 719_469;
    Some((((days - EPOCH_DAYS) * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_what_others_read_in_it_and_nothing_else_is_one() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2027-01-31T23:59:59Z",
            "2024-02-29T12:00:00Z",
            "2000-02-29T00:00:00Z",
            "2000-03-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2100-03-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "9998-12-31T00:00:00Z",
            "1900-02-28T00:00:00Z",
        ] {
            let expected = text.parse::<jiff::Timestamp>().unwrap().as_second();
            assert_eq!(seconds_of_date(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "2027",
            "2027-01-31",
            "2027-01-31 00:00:00Z",
            "2027-01-31T00:00:00",
            "2027-01-31T00:00:00z",
            "2027-01-31T00:00:00+00:00",
            "2027-01-31T00:00:00.5Z",
            "2027-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2027-00-01T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-04-31T00:00:00Z",
            "2027-01-00T00:00:00Z",
            "2027-01-31T24:00:00Z",
            "2027-01-31T00:60:00Z",
            "2027-01-31T00:00:60Z",
            " 2027-01-31T00:00:00Z",
            "2027-01-31T00:00:00Z ",
            "+027-01-31T00:00:00Z",
            "2027-1-31T00:00:00ZZ",
            "２027-01-31T00:00:00Z",
            "2027-01-31T00:00:00ZZ",
            "0000000000000000000Z",
        ] {
            assert_eq!(seconds_of_date(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_record_is_none_whatever_it_is() {
        let valid = r#"{"version":1,"owner":"acme"}"#;
        assert!(parse_key_record(valid, "a").is_ok());
        let table = [
            ("", "it is not JSON"),
            ("null", ": expected an object, found null"),
            ("[]", ": expected an object, found an array"),
            (r#"{"owner":"acme"}"#, ": the key \"version\" is missing"),
            (r#"{"version":2,"owner":"acme"}"#, "version: expected a whole number from 1 to 1, found 2"),
            (r#"{"version":"1","owner":"acme"}"#, "version: expected a whole number from 1 to 1, found a string"),
            (r#"{"version":1}"#, ": the key \"owner\" is missing"),
            (r#"{"version":1,"owner":""}"#, "owner: the value is empty"),
            (r#"{"version":1,"owner":["acme"]}"#, "owner: expected a string, found an array"),
            (r#"{"version":1,"owner":"acme","owner":"root"}"#, ": the key \"owner\" is a duplicate; first at 1:14"),
            (r#"{"version":1,"owner":"acme","scopes":"a"}"#, "scopes: expected an array, found a string"),
            (r#"{"version":1,"owner":"acme","scopes":["a b"]}"#, "scopes[0]: \"a b\" is not a scope"),
            (r#"{"version":1,"owner":"acme","claims":{"sub":"root"}}"#, "claims: \"sub\" cannot be a claim of a key"),
            (r#"{"version":1,"owner":"acme","not_after":null}"#, "not_after: expected a string, found null"),
            (
                r#"{"version":1,"owner":"acme","not_after":"soon"}"#,
                "not_after: \"soon\" is not a date of RFC 3339 in UTC",
            ),
            (r#"{"version":1,"owner":"acme","ip":null}"#, "ip: expected an object, found null"),
            (r#"{"version":1,"owner":"acme","ip":{"allow":[""]}}"#, "ip.allow[0]: \"\" is not an address or network"),
            (r#"{"version":1,"owner":"acme","sha256":"x"}"#, ": unknown key \"sha256\""),
        ];
        for (text, expected) in table {
            assert_eq!(parse_key_record(text, "a").err().as_deref(), Some(expected), "{text}");
        }
        let large = [r#"{"version":1,"owner":""#, &"a".repeat(RECORD_MAX_BYTES), r#""}"#].concat();
        assert_eq!(parse_key_record(&large, "a").err().as_deref(), Some("it is too large"));
        for claim in RESERVED_CLAIMS {
            let text = format!(r#"{{"version":1,"owner":"acme","claims":{{"{claim}":"x"}}}}"#);
            assert!(parse_key_record(&text, "a").is_err(), "{claim}");
        }
        let nobody = parse_key_record(r#"{"version":1,"owner":"acme","ip":{"allow":[]}}"#, "a").unwrap();
        assert!(nobody.networks.is_some_and(|networks| !networks.admit(Some("192.0.2.1"))), "an empty list");
    }

    #[test]
    fn a_prefix_is_words_of_small_letters_and_digits() {
        for text in ["acme", "acme_live", "a1_b2_c3", &"a".repeat(32)] {
            assert!(is_prefix(text), "{text}");
        }
        for text in ["", "_", "1a", "acme_", "_acme", "a__b", "Acme", "acme-live", "acme live", "äcme", &"a".repeat(33)]
        {
            assert!(!is_prefix(text), "{text}");
        }
    }

    #[test]
    fn what_stands_before_the_last_underscore_is_a_prefix() {
        let table =
            [("acme_live_x", Some("acme_live")), ("a_", Some("a")), ("_x", Some("")), ("x", None), ("é_ü", Some("é"))];
        for (text, expected) in table {
            assert_eq!(key_prefix(text), expected, "{text}");
        }
    }
}
