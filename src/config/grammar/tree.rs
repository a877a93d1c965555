//! JSON whose objects keep the order of their keys: what the schema, the reference and configs are written from, and what a
//! description is read into.
//!
//! `serde_json` keeps an order only with a feature that any other crate may turn on. Reading refuses a key that stands twice.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::printable::printable;

/// The most columns of a line of a config, if it can be broken.
const CONFIG_WIDTH: usize = 120;

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
    /// An object; no key stands twice.
    Object(Vec<(String, Json)>),
}

/// Makes an object of keys and values, each of which is anything that a [`Json`] can be made from.
macro_rules! object {
    ($($key:tt: $value:expr),* $(,)?) => {
        $crate::config::grammar::Json::Object(vec![
            $(($crate::config::grammar::member_name!($key), $crate::config::grammar::Json::from($value))),*
        ])
    };
}

/// The name of a member of [`object`].
macro_rules! member_name {
    ([$key:expr]) => {
        $key.name.to_owned()
    };
    ($name:literal) => {
        $name.to_owned()
    };
}

/// Makes an array of values.
macro_rules! list {
    ($($value:expr),* $(,)?) => {
        $crate::config::grammar::Json::Array(vec![$($crate::config::grammar::Json::from($value)),*])
    };
}

pub(crate) use {list, member_name, object};

impl Json {
    /// Parses a text of this program; null if it is not JSON, which the tests of the schema would show.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or(Self::Null)
    }

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

    /// Returns it as `serde_json` has it.
    pub fn to_value(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Number(number) => serde_json::from_str(number).unwrap_or_default(),
            Self::Text(text) => text.as_str().into(),
            Self::Array(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(members) => members.iter().map(|(key, value)| (key.clone(), value.to_value())).collect(),
        }
    }

    /// Adds a member to an object; nothing happens to anything else.
    pub fn set(&mut self, key: &str, value: impl Into<Self>) {
        if let Self::Object(members) = self {
            members.push((key.to_owned(), value.into()));
        }
    }

    /// Returns its text with an indentation of two spaces; what fits into `width` columns stays on one line.
    pub fn to_text(&self, width: usize) -> String {
        let mut text = String::new();
        Layout { width, objects_apart: false }.write(self, &mut text, 0, 0);
        text
    }

    /// Returns its text as the file of a config, with a line for each key at the top and for each object of a list.
    pub fn to_file_text(&self) -> String {
        let mut text = String::new();
        Layout { width: CONFIG_WIDTH, objects_apart: true }.spread(self, &mut text, 0);
        text.push('\n');
        text
    }

    /// Returns its text on one line.
    pub fn one_line(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.clone(),
            Self::Text(text) => quoted(text),
            Self::Array(items) => {
                let items: Vec<_> = items.iter().map(Self::one_line).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Object(members) if members.is_empty() => "{}".to_owned(),
            Self::Object(members) => {
                let members: Vec<_> =
                    members.iter().map(|(key, value)| format!("{}: {}", quoted(key), value.one_line())).collect();
                format!("{{ {} }}", members.join(", "))
            }
        }
    }
}

/// How a text is broken into lines.
struct Layout {
    /// How many columns a line may have.
    width: usize,
    /// Whether each object of a list has a line of its own.
    objects_apart: bool,
}

impl Layout {
    /// Writes a value at an indentation, where `taken` columns more are in use.
    fn write(&self, value: &Json, text: &mut String, indent: usize, taken: usize) {
        let line = value.one_line();
        let has_objects = value.items().iter().any(|item| !item.members().is_empty());
        if self.objects_apart && has_objects || indent + taken + line.chars().count() >= self.width {
            self.spread(value, text, indent);
        } else {
            text.push_str(&line);
        }
    }

    /// Writes an object or an array over several lines, and anything else on one.
    fn spread(&self, value: &Json, text: &mut String, indent: usize) {
        let members = value.members().iter().map(|(key, value)| (format!("{}: ", quoted(key)), value));
        let parts: Vec<_> = members.chain(value.items().iter().map(|item| (String::new(), item))).collect();
        if parts.is_empty() {
            return text.push_str(&value.one_line());
        }
        let is_object = matches!(value, Json::Object(_));
        text.push(if is_object { '{' } else { '[' });
        for (index, (key, value)) in parts.iter().enumerate() {
            text.push_str(if index > 0 { ",\n" } else { "\n" });
            text.push_str(&" ".repeat(indent + 2));
            text.push_str(key);
            self.write(value, text, indent + 2, key.chars().count());
        }
        text.push('\n');
        text.push_str(&" ".repeat(indent));
        text.push(if is_object { '}' } else { ']' });
    }
}

/// Returns a string with every unprintable character escaped; JSON would allow some of them.
fn quoted(value: &str) -> String {
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
    format!("\"{}\"", printable(&escaped))
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Self::Number(number.to_string())
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Json> + Copy> From<&[T]> for Json {
    fn from(items: &[T]) -> Self {
        Self::Array(items.iter().map(|item| (*item).into()).collect())
    }
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

    #[test]
    fn a_text_keeps_the_order_of_keys_and_breaks_only_what_is_too_wide() {
        let json = Json::parse(r#"{"b": [1, {"d": null}], "a": {}, "c": ["long enough", "to be broken"]}"#);
        assert_eq!(
            json.to_text(30),
            "{\n  \"b\": [1, { \"d\": null }],\n  \"a\": {},\n  \"c\": [\n    \"long enough\",\n    \"to be broken\"\n  ]\n}"
        );
        assert_eq!(Json::parse(&json.to_text(10)), json);
        assert_eq!(object! { "a": list![1_u32, true, Json::Null] }, Json::parse(r#"{"a": [1, true, null]}"#));
    }
}
