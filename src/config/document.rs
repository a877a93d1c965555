//! JSON text to a tree in which every value knows its place in the text.
//!
//! The parser of all JSON takes it apart; the tree is here, for the sake of the places. On the host, `serde_json` says what is wrong
//! with a text. This module knows nothing of what a gateway config contains.

use std::borrow::Cow;

use super::host_only::HostOnly;
use crate::json::Parser;

/// Deeper nesting is refused, so that a hostile file cannot exhaust the stack.
pub const NESTING_MAX: usize = 64;

/// What is said of a text in the Worker, where the words of `serde_json` would be a kibibyte.
const NOT_JSON: &str = "this is not JSON";

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
    /// A string, or the value of a reference.
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
    /// Whether the text is in the file or came from a binding.
    pub origin: Origin,
    /// The text in the file, if it differs from this one: a reference.
    pub written: HostOnly<Option<Cow<'s, str>>>,
}

impl<'s> Text<'s> {
    /// Makes it of a text as it is in the file.
    pub fn of_file(text: Cow<'s, str>) -> Self {
        Self { value: Some(text), origin: Origin::File, written: HostOnly::default() }
    }

    /// Returns the text as it is in the file.
    pub fn as_written(&self) -> Option<&str> {
        #[cfg(not(target_os = "unknown"))]
        if let Some(written) = &*self.written {
            return Some(written);
        }
        self.value.as_deref()
    }
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
    /// Returns JSON's name for the type.
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

/// A look at a tree as it is written.
#[cfg(not(target_os = "unknown"))]
impl<'s> Node<'s> {
    /// Returns the value of a key of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let member = self.members().iter().find(|member| member.key == key);
        member.map(|member| &member.node)
    }

    /// Returns the members of an object; none of anything else.
    pub fn members(&self) -> &[Member<'s>] {
        match &self.value {
            Value::Object(members) => members,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Array(_) => &[],
        }
    }

    /// Returns the items of an array; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Array(items) => items,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Object(_) => &[],
        }
    }

    /// Returns the text of a string as it is written.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => text.as_written(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

impl<'s> Node<'s> {
    /// Returns the value as `serde_json` has it; a reference without a value becomes `null`.
    pub fn to_json(&self) -> serde_json::Value {
        self.as_json(|text| text.value.as_deref())
    }

    /// Returns the value as `serde_json` has it, with the references that are written.
    #[cfg(not(target_os = "unknown"))]
    pub fn as_written(&self) -> serde_json::Value {
        self.as_json(Text::as_written)
    }

    fn as_json(&self, text_of: for<'t> fn(&'t Text<'s>) -> Option<&'t str>) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(value) => serde_json::Value::Number(value.clone()),
            Value::Text(text) => text_of(text).map_or(serde_json::Value::Null, Into::into),
            Value::Array(items) => items.iter().map(|item| item.as_json(text_of)).collect(),
            Value::Object(members) => {
                let mut object = serde_json::Map::new();
                for member in members {
                    object.insert(member.key.to_string(), member.node.as_json(text_of));
                }
                serde_json::Value::Object(object)
            }
        }
    }
}

/// Parses a text into a tree.
///
/// # Errors
/// The first place where the text is not JSON (RFC 8259), or is nested deeper than [`NESTING_MAX`].
pub fn parse_document(source: &str) -> Result<Node<'_>, SyntaxError> {
    let document = walk(source);
    #[cfg(not(target_os = "unknown"))]
    let document = document.map_err(|error| in_better_words(error, source));
    document
}

fn walk(source: &str) -> Result<Node<'_>, SyntaxError> {
    let mut walker = Walker { parser: Parser::new(source), is_too_deep: false };
    match walker.node(0) {
        Some(root) if walker.parser.peek().is_none() => Ok(root),
        _ => Err(walker.error()),
    }
}

/// Takes values with their places.
struct Walker<'s> {
    parser: Parser<'s>,
    is_too_deep: bool,
}

impl<'s> Walker<'s> {
    fn node(&mut self, depth: usize) -> Option<Node<'s>> {
        let first = self.parser.peek()?;
        let offset = self.parser.at();
        self.is_too_deep = depth > NESTING_MAX;
        if self.is_too_deep {
            return None;
        }
        let value = match first {
            b'{' => {
                let mut members = Vec::new();
                self.parser.take(b'{')?;
                while self.parser.goes_on(b'}', members.is_empty())? {
                    self.parser.peek();
                    let key_offset = self.parser.at();
                    let key = self.parser.string()?;
                    self.parser.take(b':')?;
                    members.push(Member { key, key_offset, node: self.node(depth + 1)? });
                }
                Value::Object(members)
            }
            b'[' => {
                let mut items = Vec::new();
                self.parser.take(b'[')?;
                while self.parser.goes_on(b']', items.is_empty())? {
                    items.push(self.node(depth + 1)?);
                }
                Value::Array(items)
            }
            b'"' => Value::Text(Text::of_file(self.parser.string()?)),
            _ => match self.parser.scalar()? {
                serde_json::Value::Bool(value) => Value::Bool(value),
                serde_json::Value::Number(value) => Value::Number(value),
                _ => Value::Null,
            },
        };
        Some(Node { offset, value })
    }

    /// Says where a text is not JSON, and no more.
    fn error(&self) -> SyntaxError {
        let message =
            if self.is_too_deep { format!("nested more than {NESTING_MAX} levels deep") } else { NOT_JSON.to_owned() };
        SyntaxError { offset: self.parser.at(), message }
    }
}

/// Returns the error with what `serde_json` says of the text. It says more about braces if it need not read numbers and texts.
#[cfg(not(target_os = "unknown"))]
fn in_better_words(own: SyntaxError, source: &str) -> SyntaxError {
    let skimmed = serde_json::from_str::<serde::de::IgnoredAny>(source).err();
    match skimmed.or_else(|| serde_json::from_str::<serde_json::Value>(source).err()) {
        Some(error) if own.message == NOT_JSON => SyntaxError { message: bare_message(&error), ..own },
        _ => own,
    }
}

/// Returns the message without the place that `serde_json` writes behind it.
#[cfg(not(target_os = "unknown"))]
fn bare_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
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
            ("\"\\ud800\"", 7, "a lone surrogate, reported where its pair should begin"),
            ("\"🎉\n\"", 5, "a line end in a string, behind a character of four bytes"),
            ("\"xyz\\🎉\"", 5, "a backslash before a character of four bytes"),
            ("\"\\u12🎉4\"", 5, "one among the digits of an escape"),
            ("[1, 1e999]", 9, "a number without room"),
        ];
        for (source, offset, message) in table {
            let error = parse_document(source).map(|_| ()).unwrap_err();
            assert_eq!(error.offset, offset, "{message}: {}", error.message);
            assert!(!error.message.contains(" line "), "{message}: {}", error.message);
        }
    }

    /// The Worker has only the walk to tell what is JSON.
    #[test]
    fn the_walk_takes_what_serde_json_takes() {
        let source =
            "{ \"a\\n\" : [1, -0.5e+2 ,{\"b\":\"\\u00e9é\"}],\r\n\t\"c\":[] , \"d\":{},\"a\":[null,true,false] }\n";
        let pieces = [
            "", "\"", "\\", "[", "]", "{", "}", ",", ":", "1", "-", "e", ".", "0", "t", "\n", "\u{0}", "\u{a0}", "//",
            "é",
        ];
        let ends: Vec<_> = source.char_indices().map(|(at, _)| at).chain([source.len()]).collect();
        let mut refused = 0;
        for (index, &at) in ends.iter().enumerate() {
            for piece in pieces {
                for after in [at, ends.get(index + 1).copied().unwrap_or(at), source.len()] {
                    let text = [&source[..at], piece, &source[after..]].concat();
                    let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                    assert_eq!(walk(&text).is_ok(), is_json, "{text:?}");
                    refused += u32::from(!is_json);
                }
            }
        }
        assert!(refused > 1_000, "{refused}");
    }

    #[test]
    fn the_walk_names_the_place_at_which_a_text_stops_being_json() {
        let table = [
            ("", 0, "no text"),
            ("{\"a\": }", 6, "no value"),
            ("{\n  // note\n}", 4, "a comment"),
            ("[1,]", 3, "a trailing comma"),
            ("{\"a\":1,}", 7, "one behind a member"),
            ("{\"a\" 1}", 5, "no colon"),
            ("[1 2]", 3, "no comma"),
            ("{\"a\":1} x", 8, "text behind the document"),
            ("[\"a", 3, "a string without an end"),
            ("[\"a\\", 4, "a string that ends in an escape"),
        ];
        for (source, offset, message) in table {
            assert_eq!(walk(source).map(|_| ()).unwrap_err().offset, offset, "{message}");
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
