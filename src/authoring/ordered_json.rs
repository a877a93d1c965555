//! JSON whose objects keep the order of their keys: what a description is read into, and what a config is written from.
//!
//! Reading refuses a duplicate key. Writing breaks lines as the repository's own config does. What the keys mean is
//! not known here.

use std::collections::HashSet;
use std::fmt;

use crate::printable::printable;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Longest line that is written before a value is spread over several.
const LINE_MAX_CHARS: usize = 120;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; no key occurs twice.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Makes an object of `members`.
    pub fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.map(|(key, value)| (key.to_owned(), value)).into())
    }

    /// Makes an array of texts.
    pub fn texts<'t>(texts: impl IntoIterator<Item = &'t String>) -> Self {
        Self::Array(texts.into_iter().map(|text| text.as_str().into()).collect())
    }

    /// Returns the value at `key` of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// Returns the text at `key` of an object.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// Returns the members of an object; none of anything else.
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Array(_) => &[],
        }
    }

    /// Returns the items of an array; none of anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Object(_) => &[],
        }
    }

    /// Writes the value as a file, with a line break at its end.
    pub fn to_file_text(&self) -> String {
        let mut text = String::new();
        self.write_spread(0, &mut text);
        text.push('\n');
        text
    }

    /// Writes an object or array over several lines, and anything else in one.
    fn write_spread(&self, depth: usize, text: &mut String) {
        let count = self.items().len() + self.members().len();
        if count == 0 {
            return self.write_inline(text);
        }
        let is_object = matches!(self, Self::Object(_));
        let indent = "  ".repeat(depth + 1);
        text.push(if is_object { '{' } else { '[' });
        let keyed = self.members().iter().map(|(key, value)| (Some(key), value));
        for (index, (key, value)) in keyed.chain(self.items().iter().map(|item| (None, item))).enumerate() {
            text.push_str(if index == 0 { "\n" } else { ",\n" });
            text.push_str(&indent);
            let start = text.len();
            if let Some(key) = key {
                write_string(key, text);
                text.push_str(": ");
            }
            let value_start = text.len();
            value.write_inline(text);
            let line = text.get(start..).map_or(0, |line| line.chars().count()) + indent.len() + 1;
            if line > LINE_MAX_CHARS || value.wants_lines() {
                text.truncate(value_start);
                value.write_spread(depth + 1, text);
            }
        }
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
        text.push(if is_object { '}' } else { ']' });
    }

    /// Checks whether the value is a list of objects, which reads better with a line for each.
    fn wants_lines(&self) -> bool {
        self.items().iter().any(|item| !item.members().is_empty())
    }

    fn write_inline(&self, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => text.push_str(number),
            Self::Text(value) => write_string(value, text),
            Self::Array(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { ", " });
                    item.write_inline(text);
                }
                text.push(']');
            }
            Self::Object(members) if members.is_empty() => text.push_str("{}"),
            Self::Object(members) => {
                text.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    text.push_str(if index == 0 { " " } else { ", " });
                    write_string(key, text);
                    text.push_str(": ");
                    value.write_inline(text);
                }
                text.push_str(" }");
            }
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// Writes a string with every unprintable character escaped, some of which JSON would allow.
fn write_string(value: &str, text: &mut String) {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            other => escaped.push(other),
        }
    }
    text.push('"');
    text.push_str(&printable(&escaped));
    text.push('"');
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_none<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        Json::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        // With its fraction even if that is 0, as in the version 3.0.
        Ok(if value.is_finite() { Json::Number(format!("{value:?}")) } else { Json::Null })
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element()? {
            read.push(item);
        }
        Ok(Json::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut read: Vec<(String, Json)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("the key \"{}\" stands twice", key.escape_debug())));
            }
            let value = map.next_value()?;
            read.push((key, value));
        }
        Ok(Json::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read_in_its_order() {
        let source = r#"{"z": [1, -2.5, true, null], "a": {"é\"\\\n\u0007": "\u009b[31m"}, "m": {}, "e": []}"#;
        let read: Json = serde_json::from_str(source).unwrap();
        let written = read.to_file_text();
        assert_eq!(serde_json::from_str::<Json>(&written).unwrap(), read);
        let keys: Vec<_> = read.members().iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["z", "a", "m", "e"]);
        assert!(!written.contains(|c: char| c.is_control() && c != '\n'), "no control character stands in the file");
    }

    #[test]
    fn short_values_take_one_line_and_lists_of_objects_one_a_member() {
        let read: Json = serde_json::from_str(r#"{"s": [{"a": 1}, {"b": ["x", "y"]}], "o": {"k": {"v": 1}}}"#).unwrap();
        let expected = "{\n  \"s\": [\n    { \"a\": 1 },\n    { \"b\": [\"x\", \"y\"] }\n  ],\n  \"o\": { \"k\": { \"v\": 1 } }\n}\n";
        assert_eq!(read.to_file_text(), expected);
        let long = Json::object([(
            "o",
            Json::object([("a", "x".repeat(60).as_str().into()), ("b", "y".repeat(60).as_str().into())]),
        )]);
        assert_eq!(long.to_file_text().lines().count(), 6, "{}", long.to_file_text());
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        for source in [r#"{"a": 1, "a": 1}"#, r#"[{"x": {"a": 1, "\u0061": 2}}]"#] {
            let error = serde_json::from_str::<Json>(source).unwrap_err().to_string();
            assert!(error.contains("the key \"a\" stands twice"), "{source}: {error}");
        }
    }
}
