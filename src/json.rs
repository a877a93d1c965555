//! JSON from outside, in which no object may name a key twice.
//!
//! RFC 7519 section 4 lets a parser refuse duplicate claims or take the last one. Two parsers that choose differently see
//! two different tokens, so ours refuses, here and wherever else a document decides something.
//!
//! Everything is read into one type, `serde_json`'s, by a parser of our own, and written by a writer of our own: those of `serde_json`
//! weigh 5.8 KiB more in the Worker, compressed, most of it for floats and for errors that nobody is told. Tests compare the two.

mod number;
mod parser;

use serde_json::{Map, Value};

pub use number::number_text;
pub use parser::Parser;

/// The largest number up to which a float can represent every whole number.
pub const FLOAT_EXACT_MAX: f64 = 9_007_199_254_740_991.0;

/// Parses a value; `None` if the text is not JSON, or has an object with a duplicate key.
pub fn parse(text: &[u8]) -> Option<Value> {
    let mut parser = Parser::new(std::str::from_utf8(text).ok()?);
    let value = parser.value(0)?;
    parser.peek().is_none().then_some(value)
}

/// Parses an object; `None` if the text is not one, or has a key twice.
pub fn parse_object(text: &[u8]) -> Option<Map<String, Value>> {
    match parse(text) {
        Some(Value::Object(members)) => Some(members),
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

/// Writes a value as text.
pub trait ToText {
    /// Returns the value as JSON.
    fn to_text(&self) -> String;
}

impl ToText for Value {
    fn to_text(&self) -> String {
        let mut text = String::new();
        write(self, &mut text);
        text
    }
}

fn write(value: &Value, into: &mut String) {
    match value {
        Value::Null => into.push_str("null"),
        Value::Bool(value) => into.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => into.push_str(&number_text(number)),
        Value::String(text) => write_string(text, into),
        Value::Array(items) => {
            into.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                write(item, into);
            }
            into.push(']');
        }
        Value::Object(members) => {
            into.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                write_string(name, into);
                into.push(':');
                write(value, into);
            }
            into.push('}');
        }
    }
}

/// Writes a string; of what need not be escaped, nothing is.
fn write_string(text: &str, into: &mut String) {
    into.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => '"',
            b'\\' => '\\',
            8 => 'b',
            b'\t' => 't',
            b'\n' => 'n',
            12 => 'f',
            b'\r' => 'r',
            ..b' ' => 'u',
            _ => continue,
        };
        into.push_str(text.get(start..at).unwrap_or_default());
        start = at + 1;
        into.push('\\');
        into.push(escape);
        if escape == 'u' {
            into.push_str(if byte < 16 { "000" } else { "001" });
            into.push(char::from_digit(u32::from(byte % 16), 16).unwrap_or_default());
        }
    }
    into.push_str(text.get(start..).unwrap_or_default());
    into.push('"');
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
