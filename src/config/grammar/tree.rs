//! JSON whose objects keep the order in which they were made, and its text.
//!
//! A generated file is to read the same wherever it is made, and `serde_json` keeps an order only with a feature that any other
//! crate may turn on.

use crate::config::document::{Node, Value, parse_document};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// Null, a boolean, a number or a string.
    Scalar(serde_json::Value),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// Makes an object of keys and values, each of which is anything that a [`Json`] can be made from.
macro_rules! object {
    ($($key:literal: $value:expr),* $(,)?) => {
        $crate::config::grammar::Json::Object(vec![
            $(($key.to_owned(), $crate::config::grammar::Json::from($value))),*
        ])
    };
}

/// Makes an array of values.
macro_rules! list {
    ($($value:expr),* $(,)?) => {
        $crate::config::grammar::Json::List(vec![$($crate::config::grammar::Json::from($value)),*])
    };
}

pub(crate) use {list, object};

/// The null.
pub const NULL: Json = Json::Scalar(serde_json::Value::Null);

impl Json {
    /// Parses a text of this program; null if it is not JSON, which the tests of the schema would show.
    pub fn parse(text: &str) -> Self {
        parse_document(text).map_or(NULL, |node| Self::of_node(&node))
    }

    fn of_node(node: &Node<'_>) -> Self {
        match &node.value {
            Value::Array(items) => Self::List(items.iter().map(Self::of_node).collect()),
            Value::Object(members) => {
                Self::Object(members.iter().map(|m| (m.key.to_string(), Self::of_node(&m.node))).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Self::Scalar(node.to_json()),
        }
    }

    /// Returns it as `serde_json` has it.
    pub fn to_value(&self) -> serde_json::Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::List(items) => items.iter().map(Self::to_value).collect(),
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
        self.write(&mut text, 0, 0, width);
        text
    }

    /// Writes it at an indentation, with `taken` more columns in use.
    fn write(&self, text: &mut String, indent: usize, taken: usize, width: usize) {
        let line = self.one_line();
        let parts: Vec<(String, &Self)> = match self {
            Self::List(items) => items.iter().map(|item| (String::new(), item)).collect(),
            Self::Object(members) => members.iter().map(|(key, value)| (format!("{}: ", quoted(key)), value)).collect(),
            Self::Scalar(_) => Vec::new(),
        };
        if parts.is_empty() || indent + taken + line.chars().count() < width {
            text.push_str(&line);
            return;
        }
        let is_list = matches!(self, Self::List(_));
        text.push(if is_list { '[' } else { '{' });
        for (index, (key, value)) in parts.iter().enumerate() {
            text.push_str(if index > 0 { ",\n" } else { "\n" });
            text.push_str(&" ".repeat(indent + 2));
            text.push_str(key);
            value.write(text, indent + 2, key.chars().count(), width);
        }
        text.push('\n');
        text.push_str(&" ".repeat(indent));
        text.push(if is_list { ']' } else { '}' });
    }

    /// Returns its text on one line.
    pub fn one_line(&self) -> String {
        match self {
            Self::Scalar(value) => value.to_string(),
            Self::List(items) => {
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

fn quoted(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Scalar(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Scalar(text.into())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Scalar(value.into())
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Self::Scalar(number.into())
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Json> + Copy> From<&[T]> for Json {
    fn from(items: &[T]) -> Self {
        Self::List(items.iter().map(|item| (*item).into()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_the_order_of_keys_and_breaks_only_what_is_too_wide() {
        let json = Json::parse(r#"{"b": [1, {"d": null}], "a": {}, "c": ["long enough", "to be broken"]}"#);
        assert_eq!(
            json.to_text(30),
            "{\n  \"b\": [1, { \"d\": null }],\n  \"a\": {},\n  \"c\": [\n    \"long enough\",\n    \"to be broken\"\n  ]\n}"
        );
        assert_eq!(Json::parse(&json.to_text(10)), json);
        assert_eq!(object! { "a": list![1_u32, true, NULL] }, Json::parse(r#"{"a": [1, true, null]}"#));
    }
}
