//! The keys of a config, each declared once: the reader takes name, range and default from the declaration, and so do the JSON
//! Schema, the reference page and the review of a change.
//!
//! `section!` declares the keys of one object. Their words, and everything else for people, exist only on the host.

use super::form::Form;

/// A key that an object may have.
pub struct Key<S> {
    /// The key.
    pub name: &'static str,
    /// Whether the object needs it.
    pub is_required: bool,
    /// What its value may be.
    pub shape: S,
}

/// A string.
#[derive(Clone, Copy)]
pub struct Text(pub Form);

/// A list of strings.
#[derive(Clone, Copy)]
pub struct Texts(#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "for people alone"))] pub Form);

/// A boolean; absent, it means false.
#[derive(Clone, Copy)]
pub struct Boolean;

/// A whole number within a range, and what its absence means.
#[derive(Clone, Copy)]
pub struct Integer {
    /// The smallest.
    pub min: u32,
    /// The largest.
    pub max: u32,
    /// What an absent one means.
    pub default: u32,
}

/// A whole number within a range, whose absence means no number.
#[derive(Clone, Copy)]
pub struct Limit {
    /// The smallest.
    pub min: u32,
    /// The largest.
    pub max: u32,
}

/// One of a few numbers.
#[derive(Clone, Copy)]
pub struct OneOf {
    /// The numbers.
    pub choices: &'static [u32],
    /// What an absent one means.
    pub default: u32,
}

/// One of a few strings, each with a meaning.
#[derive(Clone, Copy)]
pub struct Choice<T: 'static>(pub &'static [(&'static str, T)]);

/// A value that its section reads: an object, a list of objects, any JSON.
#[derive(Clone, Copy)]
pub struct Value;

impl<S: Copy> Key<S> {
    /// Makes it one that the object needs.
    pub const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }
}

/// What the declarations of `section!` are written in.
pub mod declare {
    use std::ops::RangeInclusive;

    pub use super::Form::*;
    use super::{Boolean, Choice, Form, Integer, Key, Limit, OneOf, Text, Texts, Value};

    const fn key<S>(name: &'static str, shape: S) -> Key<S> {
        Key { name, is_required: false, shape }
    }

    /// Declares a string.
    pub const fn text(name: &'static str, form: Form) -> Key<Text> {
        key(name, Text(form))
    }

    /// Declares a list of strings.
    pub const fn texts(name: &'static str, form: Form) -> Key<Texts> {
        key(name, Texts(form))
    }

    /// Declares a boolean.
    pub const fn boolean(name: &'static str) -> Key<Boolean> {
        key(name, Boolean)
    }

    /// Declares a whole number with a default.
    pub const fn integer(name: &'static str, range: RangeInclusive<u32>, default: u32) -> Key<Integer> {
        key(name, Integer { min: *range.start(), max: *range.end(), default })
    }

    /// Declares a whole number without a default.
    pub const fn limit(name: &'static str, range: RangeInclusive<u32>) -> Key<Limit> {
        key(name, Limit { min: *range.start(), max: *range.end() })
    }

    /// Declares one of a few numbers.
    pub const fn one_of(name: &'static str, choices: &'static [u32], default: u32) -> Key<OneOf> {
        key(name, OneOf { choices, default })
    }

    /// Declares one of a few strings.
    pub const fn choice<T>(name: &'static str, choices: &'static [(&'static str, T)]) -> Key<Choice<T>> {
        key(name, Choice(choices))
    }

    /// Declares a value that a section reads.
    pub const fn value(name: &'static str) -> Key<Value> {
        key(name, Value)
    }
}

/// The codes of warnings that are not reported for the object that has it, as several may.
pub const ALLOW: Key<Texts> = declare::texts("allow", Form::Any);
