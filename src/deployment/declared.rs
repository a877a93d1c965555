//! Wrangler's configuration as a tree in which every key and value knows its place: TOML, or JSON with comments.
//!
//! A text that wrangler cannot read is refused here too, if its parsers and ours differ. What the keys mean is not known here.

use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest integer that JavaScript represents exactly; wrangler refuses TOML with a larger one.
const INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// Where its text is, in bytes; for a TOML table, its heading.
    pub span: Range<usize>,
    /// The value.
    pub value: Value,
}

/// A value of either format.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A date or a time of TOML.
    Date,
    List(Vec<Declared>),
    Table(Vec<Member>),
}

/// A key of a table with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub key: String,
    /// Byte offset of the key at its first place.
    pub key_offset: usize,
    pub declared: Declared,
}

/// Why a text is not wrangler's configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Byte offset of the place.
    pub offset: usize,
    /// What is wrong there; nothing of the text, because it may have a secret.
    pub reason: String,
}

impl Declared {
    /// Returns the member of a table.
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.key == key)
    }

    /// Returns the value at a key of a table.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.member(key).map(|member| &member.declared)
    }

    /// Returns the value at a path of keys, with a dot between two.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |declared, key| declared.get(key))
    }

    /// Returns the members of a table; none of anything else.
    pub fn members(&self) -> &[Member] {
        match &self.value {
            Value::Table(members) => members,
            _ => &[],
        }
    }

    /// Returns the items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Returns a text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the text at a key of a table.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }
}

impl Value {
    /// Names the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Date => "a TOML date",
            Self::List(_) => "a list",
            Self::Table(_) => "an object",
        }
    }

    /// Returns what the gateway reads of a variable: a string as it is, a number or boolean as JavaScript writes it.
    pub fn to_variable(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e21 => Some(format!("{number:.0}")),
            Self::Number(number) => Some(number.to_string()),
            Self::Null | Self::Date | Self::List(_) | Self::Table(_) => None,
        }
    }
}

/// Parses TOML.
///
/// # Errors
/// The first place that wrangler cannot read.
pub fn parse_toml(source: &str) -> Result<Declared, Unreadable> {
    let table = DeTable::parse(source).map_err(|error| Unreadable {
        offset: error.span().map_or(0, |span| span.start),
        reason: error.message().replace('\n', ", "),
    })?;
    Ok(Declared { span: 0..0, value: of_table(table.get_ref())? })
}

fn of_table(table: &DeTable<'_>) -> Result<Value, Unreadable> {
    let members = table.iter().map(|(key, value)| {
        Ok(Member { key: key.get_ref().to_string(), key_offset: key.span().start, declared: of_toml(value)? })
    });
    members.collect::<Result<_, _>>().map(Value::Table)
}

fn of_toml(value: &Spanned<DeValue<'_>>) -> Result<Declared, Unreadable> {
    let span = value.span();
    let unreadable = |reason: &str| Unreadable { offset: span.start, reason: reason.to_owned() };
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => {
            let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|number| number as f64);
            let number = number.filter(|number| number.abs() <= INTEGER_MAX);
            Value::Number(number.ok_or_else(|| unreadable("an integer that is too large for JavaScript"))?)
        }
        DeValue::Float(float) => Value::Number(float.as_str().parse().map_err(|_| unreadable("an invalid number"))?),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(items) => Value::List(items.iter().map(of_toml).collect::<Result<_, _>>()?),
        DeValue::Table(table) => of_table(table)?,
    };
    Ok(Declared { span, value })
}

/// Parses JSON with comments and commas behind the last item, as wrangler takes it in `wrangler.json`, too.
///
/// # Errors
/// The first place that wrangler cannot read.
pub fn parse_jsonc(source: &str) -> Result<Declared, Unreadable> {
    if let Some(unreadable) = unknown_to_json(source) {
        return Err(unreadable);
    }
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(source, &CollectOptions::default(), &options).map_err(|error| {
        // An escape that is wrong names the character; it may be a secret's.
        let reason = match error.kind() {
            jsonc_parser::errors::ParseErrorKind::String(_) => "a string with an invalid escape".to_owned(),
            kind => kind.to_string().to_ascii_lowercase(),
        };
        Unreadable { offset: error.range().start, reason }
    })?;
    let root = parsed.value.ok_or_else(|| Unreadable { offset: 0, reason: "it is empty".to_owned() })?;
    Ok(of_json(&root))
}

/// Finds what JSON with comments does not allow and the parser accepts: single quotes, white space of other kinds, and
/// strings that continue on another line or have control characters.
fn unknown_to_json(source: &str) -> Option<Unreadable> {
    let mut rest = source.char_indices().peekable();
    while let Some((offset, c)) = rest.next() {
        let unreadable = |reason: &str| Some(Unreadable { offset, reason: reason.to_owned() });
        match (c, rest.peek().map(|(_, next)| *next)) {
            ('"', _) => loop {
                match rest.next() {
                    Some((_, '"')) => break,
                    Some((_, '\\')) => drop(rest.next()),
                    Some((_, '\n' | '\r')) => return unreadable("a string that does not end in its line"),
                    Some((_, c)) if c < ' ' => return unreadable("a string with a control character"),
                    Some(_) => {}
                    None => return unreadable("a string that does not end"),
                }
            },
            ('/', Some('/')) => while rest.next_if(|(_, c)| !['\n', '\r'].contains(c)).is_some() {},
            ('/', Some('*')) => {
                rest.next();
                let mut before = ' ';
                // The parser reports one that does not end.
                for (_, c) in rest.by_ref() {
                    if before == '*' && c == '/' {
                        break;
                    }
                    before = c;
                }
            }
            ('\'', _) => return unreadable("a single quote: keys and strings need double quotes"),
            (' ' | '\t' | '\r' | '\n', _) => {}
            (c, _) if c.is_whitespace() || c.is_control() => return unreadable("white space that JSON does not have"),
            _ => {}
        }
    }
    None
}

fn of_json(value: &ast::Value<'_>) -> Declared {
    let (range, value) = match value {
        ast::Value::NullKeyword(node) => (node.range, Value::Null),
        ast::Value::BooleanLit(node) => (node.range, Value::Bool(node.value)),
        ast::Value::NumberLit(node) => (node.range, Value::Number(node.value.parse().unwrap_or(f64::NAN))),
        ast::Value::StringLit(node) => (node.range, Value::Text(node.value.to_string())),
        ast::Value::Array(node) => (node.range, Value::List(node.elements.iter().map(of_json).collect())),
        ast::Value::Object(node) => {
            // Of a duplicate key, the last one counts.
            let last: HashMap<&str, usize> =
                node.properties.iter().enumerate().map(|(index, property)| (property.name.as_str(), index)).collect();
            let counts =
                |(index, property): &(usize, &ast::ObjectProp<'_>)| last.get(property.name.as_str()) == Some(index);
            let members = node.properties.iter().enumerate().filter(counts).map(|(_, property)| Member {
                key: property.name.as_str().to_owned(),
                key_offset: property.range.start,
                declared: of_json(&property.value),
            });
            (node.range, Value::Table(members.collect()))
        }
    };
    Declared { span: range.start..range.end, value }
}
