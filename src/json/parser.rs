//! Reads JSON (RFC 8259), of which nothing is taken that is not in the grammar.
//!
//! It does **not** say what is wrong with a text, only at which place it stops being JSON.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use super::number::float_of;

/// Objects and arrays may be nested so deep, as in `serde_json`: more could exhaust the stack.
const NESTING_MAX: usize = 127;

/// A text, and how much of it has been read.
pub struct Parser<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Parser<'s> {
    /// Begins to read a text.
    pub const fn new(source: &'s str) -> Self {
        Self { source, at: 0 }
    }

    /// Returns the place of the next byte; after a failure, where the text stops being JSON.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Returns the next byte that is not white space, and stays before it.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Takes this byte, behind white space; `None` if another is there.
    pub fn take(&mut self, byte: u8) -> Option<()> {
        self.peek();
        self.skip(byte).then_some(())
    }

    /// Takes the bracket that closes an object or array, or else the comma before its next item; returns whether there is one.
    pub fn goes_on(&mut self, closing: u8, is_first: bool) -> Option<bool> {
        self.peek();
        if self.skip(closing) {
            return Some(false);
        }
        if !is_first {
            self.take(b',')?;
        }
        Some(true)
    }

    /// Takes a value in which no object names a key twice. `depth` is how many objects and arrays it is in.
    pub fn value(&mut self, depth: usize) -> Option<Value> {
        let first = self.peek()?;
        if matches!(first, b'{' | b'[') {
            if depth == NESTING_MAX {
                return None;
            }
            self.at += 1;
        }
        Some(match first {
            b'{' => {
                let mut members = Map::new();
                while self.goes_on(b'}', members.is_empty())? {
                    let key = self.string()?.into_owned();
                    self.take(b':')?;
                    let value = self.value(depth + 1)?;
                    if members.insert(key, value).is_some() {
                        return None;
                    }
                }
                Value::Object(members)
            }
            b'[' => {
                let mut items = Vec::new();
                while self.goes_on(b']', items.is_empty())? {
                    items.push(self.value(depth + 1)?);
                }
                Value::Array(items)
            }
            b'"' => Value::String(self.string()?.into_owned()),
            _ => self.scalar()?,
        })
    }

    /// Takes a string, unescaped.
    pub fn string(&mut self) -> Option<Cow<'s, str>> {
        self.take(b'"')?;
        let (mut start, mut unescaped) = (self.at, None);
        loop {
            let byte = self.byte()?;
            match byte {
                b'"' | b'\\' => {
                    let plain = self.source.get(start..self.at)?;
                    self.at += 1;
                    if byte == b'"' && unescaped.is_none() {
                        return Some(Cow::Borrowed(plain));
                    }
                    let text = unescaped.get_or_insert_with(String::new);
                    text.push_str(plain);
                    if byte == b'"' {
                        return unescaped.map(Cow::Owned);
                    }
                    text.push(self.escape()?);
                    start = self.at;
                }
                // A control character, which no string may have.
                ..b' ' => return None,
                _ => self.at += 1,
            }
        }
    }

    /// Takes `null`, `true`, `false` or a number.
    pub fn scalar(&mut self) -> Option<Value> {
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.source.get(self.at..)?.starts_with(word) {
                self.at += word.len();
                return Some(value);
            }
        }
        self.number().map(Value::Number)
    }

    /// Takes a number: one that is whole and has room as such, or else the nearest float, if that is finite.
    fn number(&mut self) -> Option<Number> {
        let start = self.at;
        let is_negative = self.skip(b'-');
        let mut whole = Some(0);
        if !self.skip(b'0') {
            whole = self.digits()?;
        }
        if self.skip(b'.') {
            self.digits()?;
            whole = None;
        }
        if self.skip(b'e') || self.skip(b'E') {
            let _ = self.skip(b'+') || self.skip(b'-');
            self.digits()?;
            whole = None;
        }
        match whole {
            Some(number) if !is_negative => return Some(number.into()),
            // `-0` is a float: no whole number has its sign.
            Some(number @ 1..) if number <= i64::MIN.unsigned_abs() => {
                return Some((number as i64).wrapping_neg().into());
            }
            _ => {}
        }
        Number::from_f64(float_of(self.source.get(start..self.at)?))
    }

    /// Takes digits, of which there must be one; returns their number, if it has room.
    fn digits(&mut self) -> Option<Option<u64>> {
        let (start, mut number) = (self.at, Some(0_u64));
        while let Some(digit @ b'0'..=b'9') = self.byte() {
            let digit = u64::from(digit - b'0');
            number = number.filter(|number| *number <= (u64::MAX - digit) / 10).map(|number| number * 10 + digit);
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }

    /// Takes what is behind a backslash.
    fn escape(&mut self) -> Option<char> {
        if self.skip(b'u') {
            let mut code = self.code_unit()?;
            if code & 0xfc00 == 0xd800 {
                let is_pair = self.skip(b'\\') && self.skip(b'u');
                let second = self.code_unit().filter(|second| is_pair && second & 0xfc00 == 0xdc00)?;
                code = 0x1_0000 + ((code & 0x3ff) << 10) + (second & 0x3ff);
            }
            return char::from_u32(code);
        }
        let byte = self.byte()?;
        let escaped = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => return None,
        };
        self.at += 1;
        Some(escaped)
    }

    /// Takes four hexadecimal digits.
    fn code_unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + char::from(self.byte()?).to_digit(16)?;
            self.at += 1;
        }
        Some(unit)
    }

    fn byte(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    /// Takes the next byte if it is this one; returns whether it is.
    fn skip(&mut self, byte: u8) -> bool {
        let is_there = self.byte() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }
}
