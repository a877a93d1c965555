//! JSON text to a tree in which every value knows where it stands in the text.
//!
//! `serde_json` does the parsing, one level at a time over `RawValue`, whose text is a slice of the source: that is where
//! the places come from. This module knows nothing of what a gateway config holds.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::StrictValue;

/// Nesting past this is refused: each level reads its text again, so the bound keeps a hostile file cheap.
pub const NESTING_MAX: usize = 64;

/// A value and where its text begins, in bytes from the start of the source.
#[derive(Clone)]
pub struct Node<'s> {
    /// Byte offset of the value's first character.
    pub offset: usize,
    /// The value.
    pub value: Value<'s>,
}

/// A JSON value whose objects keep order and duplicates.
#[derive(Clone)]
pub enum Value<'s> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A string, or what a reference stood for.
    Text(Text<'s>),
    /// An array.
    Array(Vec<Node<'s>>),
    /// An object.
    Object(Vec<Member<'s>>),
}

/// One key of an object with its value.
#[derive(Clone)]
pub struct Member<'s> {
    /// The key, unescaped.
    pub key: Cow<'s, str>,
    /// Byte offset of the key's opening quote.
    pub key_offset: usize,
    /// The value.
    pub node: Node<'s>,
}

/// A string of the document and where it came from.
#[derive(Clone)]
pub struct Text<'s> {
    /// The text; `None` while a reference has no value, as when a file is checked away from its bindings.
    pub value: Option<Cow<'s, str>>,
    /// Whether the text stands in the file or came from a binding.
    pub origin: Origin,
}

/// Where a text came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The file itself.
    File,
    /// A variable, by `$env.NAME`.
    Env,
    /// A secret, by `$secret.NAME`.
    Secret,
}

/// Why a text is not a JSON document.
#[derive(Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Byte offset of the place.
    pub offset: usize,
    /// What was found or expected.
    pub message: String,
}

impl Value<'_> {
    /// Names the type as JSON does.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }
}

impl Node<'_> {
    /// Gives the value as `serde_json` has it; a reference without a value becomes `null`.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(value) => serde_json::Value::Number(value.clone()),
            Value::Text(text) => text.value.as_deref().map_or(serde_json::Value::Null, Into::into),
            Value::Array(items) => items.iter().map(Node::to_json).collect(),
            Value::Object(members) => {
                let mut object = serde_json::Map::new();
                for member in members {
                    object.insert(member.key.to_string(), member.node.to_json());
                }
                serde_json::Value::Object(object)
            }
        }
    }
}

/// Parses a text into a tree.
///
/// # Errors
/// The first place where the text is no JSON (RFC 8259), or is nested deeper than [`NESTING_MAX`].
pub fn parse_document(source: &str) -> Result<Node<'_>, SyntaxError> {
    let root: &RawValue = serde_json::from_slice(source.as_bytes()).map_err(|error| SyntaxError {
        offset: offset_of(source, error.line(), error.column()),
        message: bare_message(&error),
    })?;
    Parser { source }.node(root.get(), 0)
}

struct Parser<'s> {
    source: &'s str,
}

impl<'s> Parser<'s> {
    fn node(&self, text: &'s str, depth: usize) -> Result<Node<'s>, SyntaxError> {
        let offset = text.as_ptr() as usize - self.source.as_ptr() as usize;
        if depth > NESTING_MAX {
            return Err(SyntaxError { offset, message: format!("nested more than {NESTING_MAX} levels deep") });
        }
        let value = match text.as_bytes().first() {
            Some(b'{') => self.object(text, offset, depth)?,
            Some(b'[') => {
                let items: Vec<&RawValue> = read(text, offset)?;
                let items = items.into_iter().map(|item| self.node(item.get(), depth + 1));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => {
                let BorrowedText(text) = read(text, offset)?;
                Value::Text(Text { value: Some(text), origin: Origin::File })
            }
            Some(b't' | b'f') => Value::Bool(text == "true"),
            Some(b'n') => Value::Null,
            _ => match read(text, offset)? {
                StrictValue(serde_json::Value::Number(number)) => Value::Number(number),
                StrictValue(_) => return Err(SyntaxError { offset, message: "expected value".to_owned() }),
            },
        };
        Ok(Node { offset, value })
    }

    fn object(&self, text: &'s str, offset: usize, depth: usize) -> Result<Value<'s>, SyntaxError> {
        let Pairs(pairs) = read(text, offset)?;
        let mut members = Vec::with_capacity(pairs.len());
        let mut end_of_last = offset + 1;
        for (key, raw) in pairs {
            let node = self.node(raw.get(), depth + 1)?;
            // Between the last value (or the brace) and this one stand only white space, a comma, the key and a colon, so
            // the first quote there opens the key.
            let between = self.source.get(end_of_last..node.offset).unwrap_or_default();
            let key_offset = end_of_last + between.find('"').unwrap_or(0);
            end_of_last = node.offset + raw.get().len();
            members.push(Member { key, key_offset, node });
        }
        Ok(Value::Object(members))
    }
}

fn read<'s, T: Deserialize<'s>>(text: &'s str, offset: usize) -> Result<T, SyntaxError> {
    serde_json::from_slice(text.as_bytes()).map_err(|error| SyntaxError {
        offset: offset + offset_of(text, error.line(), error.column()),
        message: bare_message(&error),
    })
}

/// Gives the byte offset of a place that `serde_json` names by line and column, both from 1, the column in bytes.
fn offset_of(source: &str, line: usize, column: usize) -> usize {
    let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(source.len())
}

/// Gives the message without the place that `serde_json` writes behind it.
fn bare_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// A string that borrows from the source where it holds no escape.
struct BorrowedText<'s>(Cow<'s, str>);

impl<'de> Deserialize<'de> for BorrowedText<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = BorrowedText<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(BorrowedText(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(BorrowedText(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// The members of an object in order, duplicates included.
struct Pairs<'s>(Vec<(Cow<'s, str>, &'s RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some((BorrowedText(key), raw)) = map.next_entry()? {
                    pairs.push((key, raw));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members<'n, 's>(node: &'n Node<'s>) -> &'n [Member<'s>] {
        match &node.value {
            Value::Object(members) => members,
            _ => panic!("an object was expected"),
        }
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let source = "\n{ \"a\" : [1, {\"b\\\"c\": \"x\"}],\n\t\"d\":null }";
        let root = parse_document(source).unwrap();
        let outer = members(&root);
        assert_eq!(root.offset, 1);
        assert_eq!(&source[outer[0].key_offset..][..3], "\"a\"");
        assert_eq!(&source[outer[1].key_offset..][..3], "\"d\"");
        let Value::Array(items) = &outer[0].node.value else { panic!("an array was expected") };
        let inner = members(&items[1]);
        assert_eq!(inner[0].key, "b\"c");
        assert_eq!(&source[inner[0].key_offset..][..6], "\"b\\\"c\"", "an escaped key is found all the same");
        assert_eq!(&source[inner[0].node.offset..][..3], "\"x\"");
    }

    #[test]
    fn duplicates_are_kept_for_the_reader_to_judge() {
        assert_eq!(members(&parse_document(r#"{"a":1,"a":2}"#).unwrap()).len(), 2);
    }

    #[test]
    fn what_is_no_json_is_refused_at_its_place() {
        let table = [
            ("", 0, "end of input"),
            ("{\"a\": }", 6, "no value"),
            ("{\n  // note\n}", 4, "a comment"),
            ("[1,]", 3, "a trailing comma"),
            ("{\"a\":1} x", 8, "text behind the document"),
            ("\"\\ud800\"", 0, "a lone surrogate"),
        ];
        for (source, offset, message) in table {
            let error = parse_document(source).map(|_| ()).unwrap_err();
            let near = error.offset.abs_diff(offset) <= 7;
            assert!(near, "{message}: found at {} and not near {offset}: {}", error.offset, error.message);
            assert!(!error.message.contains(" line "), "{message}: {}", error.message);
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_a_stack_overflow() {
        let source = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse_document(&source).is_err());
        let allowed = format!("{}{}", "[".repeat(NESTING_MAX), "]".repeat(NESTING_MAX));
        assert!(parse_document(&allowed).is_ok());
    }
}
