//! JSON from outside, in which no object may name a key twice.
//!
//! RFC 7519 section 4 lets a parser refuse duplicate claims or take the last one. Two parsers that choose differently see
//! two different tokens, so ours refuses, here and wherever else a document decides something.
//!
//! Everything is read into one type, only by `deserialize_any`, because each byte of the Worker counts. Each type that derives
//! `Deserialize` brings a kilobyte or more, and the first that can be of the wrong type brings the words for saying so, with
//! them the formatting of floats, which is ten.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The largest number up to which a float can represent every whole number.
pub const FLOAT_EXACT_MAX: f64 = 9_007_199_254_740_991.0;

/// Parses an object; `None` if the text is not one, or has a key twice.
pub fn parse_object(text: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(text) {
        Ok(StrictValue(Some(Value::Object(members)))) => Some(members),
        _ => None,
    }
}

/// Returns the string at `key`; `None` if it is absent or something else.
pub fn text<'m>(members: &'m Map<String, Value>, key: &str) -> Option<&'m str> {
    members.get(key)?.as_str()
}

/// Returns an object of these members, whose values it takes; at each place this weighs less than `json!`.
pub fn object(members: &mut [(&str, Value)]) -> Value {
    let mut object = Map::new();
    insert(&mut object, members);
    Value::Object(object)
}

/// Returns an object with a text more, if there is one.
pub fn with_text(mut object: Value, key: &str, text: Option<&str>) -> Value {
    if let (Some(members), Some(text)) = (object.as_object_mut(), text) {
        insert(members, &mut [(key, text.into())]);
    }
    object
}

/// Adds members to an object, whose values it takes.
pub fn insert(object: &mut Map<String, Value>, members: &mut [(&str, Value)]) {
    for (name, value) in members {
        object.insert((*name).to_owned(), value.take());
    }
}

/// Writes a value as text. Its `Display` would be in the Worker twice, for `{:#}` as well, and with it what a formatter can do
/// wrong.
pub trait ToText {
    /// Returns the value as JSON.
    fn to_text(&self) -> String;
}

impl ToText for Value {
    fn to_text(&self) -> String {
        // Every value can be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A JSON value; `None` if one of its objects has a duplicate key.
///
/// That is not our own error of `serde`: one would bring the search for a text in a text, a kibibyte more, because `serde_json`
/// looks for a place in its words.
pub struct StrictValue(pub Option<Value>);

impl<'de> Deserialize<'de> for StrictValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = StrictValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(StrictValue(Some(Value::Null)))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(StrictValue(Some(value.into())))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(StrictValue(Some(value.into())))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(StrictValue(Some(value.into())))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(StrictValue(Number::from_f64(value).map(Value::Number)))
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(StrictValue(Some(value.into())))
            }
            fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
                Ok(StrictValue(Some(value.into())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let (mut items, mut is_strict) = (Vec::new(), true);
                while let Some(StrictValue(item)) = seq.next_element()? {
                    is_strict &= item.is_some();
                    items.extend(item);
                }
                Ok(StrictValue(is_strict.then_some(Value::Array(items))))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut members, mut is_strict) = (Map::new(), true);
                while let Some(key) = map.next_key::<String>()? {
                    let StrictValue(value) = map.next_value()?;
                    is_strict &= value.is_some_and(|value| members.insert(key, value).is_none());
                }
                Ok(StrictValue(is_strict.then_some(Value::Object(members))))
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_is_refused_at_every_depth() {
        for source in [r#"{"a":1,"a":1}"#, r#"{"x":{"a":1,"a":2}}"#, r#"{"x":[{"a":1,"\u0061":2}]}"#] {
            assert!(parse_object(source.as_bytes()).is_none(), "{source}");
        }
    }

    #[test]
    fn values_of_every_type_are_kept() {
        let source = r#"{"a":null,"b":true,"c":-1,"d":18446744073709551615,"e":1.5,"f":"\n","g":[{"h":{}}]}"#;
        let members = parse_object(source.as_bytes()).unwrap();
        assert_eq!(Value::Object(members), serde_json::from_str::<Value>(source).unwrap());
    }
}
