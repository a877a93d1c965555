//! JSON from outside, which is read strictly: against `serde_json`, which takes the last of several members with one name.

use std::fmt;

use bargate::config::{Code, check as check_config};
use bargate::json::{ToText as _, parse_object};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The texts that both readers take are the same but for objects that name a member twice, and mean the same.
pub fn check(bytes: &[u8]) {
    let strict = parse_object(bytes);
    let lax = serde_json::from_slice::<Value>(bytes).ok();
    match (&strict, &lax) {
        (Some(strict), Some(Value::Object(lax))) => {
            assert_eq!(strict, lax);
            assert_eq!(written(bytes), kept(&Value::Object(strict.clone())), "nothing is named twice");
            let value = Value::Object(strict.clone());
            let text = value.to_text();
            // A float may be written in several ways.
            assert_eq!(serde_json::from_str::<Value>(&text).ok().as_ref(), Some(&value), "both read what is written");
            assert_eq!(parse_object(text.as_bytes()).as_ref(), Some(strict), "what is written is read as it was");
        }
        (None, Some(lax @ Value::Object(_))) => {
            assert_ne!(written(bytes), kept(lax), "something is named twice");
        }
        (strict, lax) => assert!(strict.is_none(), "only one reads an object: {lax:?}"),
    }
    if let (Ok(text), true) = (std::str::from_utf8(bytes), bytes.len() < 1_000) {
        let told = check_config(text);
        let is_json = told.iter().all(|one| one.code != Code::InvalidJson);
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lax = serde_json::from_str::<Value>(text);
        // A config is nested less deep than the other reader goes.
        let is_deep = text.matches(['[', '{']).count() > 60;
        assert!(is_json == lax.is_ok() || is_deep && !is_json, "a config is JSON to both readers: {told:?}");
    }
}

/// Counts the members in a value.
fn kept(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(kept).sum(),
        Value::Object(members) => members.values().map(|member| 1 + kept(member)).sum(),
        _ => 0,
    }
}

/// Counts the members in a text, each of those with one name.
fn written(bytes: &[u8]) -> usize {
    serde_json::from_slice::<Members>(bytes).expect("it is JSON").0
}

/// How many members a value has, those within its members included.
struct Members(usize);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counting;
        impl<'de> Visitor<'de> for Counting {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Members, E> {
                Ok(Members(0))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Members, E> {
                Ok(Members(0))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Members, E> {
                Ok(Members(0))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Members, E> {
                Ok(Members(0))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Members, E> {
                Ok(Members(0))
            }
            fn visit_str<E>(self, _: &str) -> Result<Members, E> {
                Ok(Members(0))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Members, A::Error> {
                let mut count = 0;
                while let Some(Members(within)) = items.next_element()? {
                    count += within;
                }
                Ok(Members(count))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members, A::Error> {
                let mut count = 0;
                while members.next_key::<String>()?.is_some() {
                    count += 1 + members.next_value::<Members>()?.0;
                }
                Ok(Members(count))
            }
        }
        deserializer.deserialize_any(Counting)
    }
}
