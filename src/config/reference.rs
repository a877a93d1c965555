//! `$env.NAME` and `$secret.NAME`: strings of the config that refer to a binding of the Worker.
//!
//! A reference is a string value that consists only of the reference. This module asks for each value once by name; where the
//! values come from is up to the caller.

use crate::config::code::Code;
use std::borrow::Cow;

use super::document::{Node, Origin, Text, Value};
use super::host_only::HostOnly;
use super::reader::{Findings, Place, host_help};

/// A binding that a config refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Whether the config calls it a variable or a secret.
    pub kind: ReferenceKind,
    /// Name of the binding.
    pub name: String,
}

/// Which of the two forms a reference has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// `$env.NAME`
    Env,
    /// `$secret.NAME`, also written `$secrets.NAME`
    Secret,
}

/// Answers a config's references.
pub trait Bindings {
    /// Returns the value behind `reference`.
    fn look_up(&self, reference: &Reference) -> Binding;
}

/// The value of a binding, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// It has this value.
    Value(String),
    /// It is missing, empty, or not a text.
    Missing,
    /// It has this value, which is not a text. Only a file shows that; in the Worker this is [`Binding::Missing`].
    #[cfg(not(target_os = "unknown"))]
    NoText(&'static str),
    /// Its value is unknown here, as when a file is checked before it is deployed.
    Unknown,
}

/// The bindings of a check outside the Worker: every reference has some unknown value.
pub struct UnknownBindings;

impl Bindings for UnknownBindings {
    fn look_up(&self, _: &Reference) -> Binding {
        Binding::Unknown
    }
}

impl Reference {
    /// Parses a whole string value; `None` if it is not a reference.
    ///
    /// # Errors
    /// The name, if no binding can have it.
    pub fn parse(text: &str) -> Option<Result<Self, String>> {
        let (kind, name) = split_kind(text.strip_prefix('$')?)?;
        let well_formed = begins_name(name) && name.chars().all(is_of_name);
        Some(if well_formed { Ok(Self { kind, name: name.to_owned() }) } else { Err(name.to_owned()) })
    }

    fn origin(&self) -> Origin {
        match self.kind {
            ReferenceKind::Env => Origin::Env,
            ReferenceKind::Secret => Origin::Secret,
        }
    }
}

/// Prints it as a config writes it.
#[cfg(not(target_os = "unknown"))]
impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            ReferenceKind::Env => write!(f, "$env.{}", self.name),
            ReferenceKind::Secret => write!(f, "$secret.{}", self.name),
        }
    }
}

/// Parses the text after a `$`: returns the form of the reference, and the text after the point.
fn split_kind(behind: &str) -> Option<(ReferenceKind, &str)> {
    let (kind, rest) = behind.split_once('.')?;
    match kind {
        "env" => Some((ReferenceKind::Env, rest)),
        "secret" | "secrets" => Some((ReferenceKind::Secret, rest)),
        _ => None,
    }
}

fn begins_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns the part of a text from its first reference on, without the `$`: in `Bearer $secret.KEY`, `secret.KEY`.
pub(crate) fn reference_within(text: &str) -> Option<&str> {
    text.split('$').skip(1).find(|behind| split_kind(behind).is_some_and(|(_, rest)| begins_name(rest)))
}

/// Checks whether a text is a reference, or contains one.
pub fn holds_reference(text: &str) -> bool {
    Reference::parse(text).is_some() || reference_within(text).is_some()
}

/// The keys of objects with free keys; `schema` compares them with the declarations, which this module cannot name.
pub(super) const FREE: [&str; 7] =
    ["authorizers", "claims", "headers", "login_parameters", "query", "set", "variables"];

/// The keys of answers' bodies, for which the same holds.
pub(super) const BODIES: [&str; 2] = ["body", "response"];

/// The kind of an object's keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Known keys, and those with the prefix `x-`, which are the user's and are not read.
    Known,
    /// Free keys, whatever their prefix.
    Free,
    /// Keys of an answer's body, which may have any text.
    Body,
}

impl Keys {
    /// Returns the kind of the keys in the value of `key`; `None` if that value is the user's own.
    fn below(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Known, key) if FREE.contains(&key) => Some(Self::Free),
            (Self::Known, key) if BODIES.contains(&key) => Some(Self::Body),
            (Self::Free, _) => Some(Self::Known),
            (Self::Known, key) if key.starts_with("x-") => None,
            (keys, _) => Some(keys),
        }
    }
}

/// Returns every reference in the tree, each once.
pub fn collect_references(node: &Node<'_>) -> Vec<Reference> {
    let mut found = Vec::new();
    walk_references(node, &mut |reference, _, _| {
        if let Err(place) = found.binary_search(&reference) {
            found.insert(place, reference);
        }
    });
    found
}

/// Passes on every reference in the tree with its offset and its config path.
pub(crate) fn walk_references(root: &Node<'_>, see: &mut dyn FnMut(Reference, usize, &Place<'_>)) {
    walk(root, Keys::Known, &Place::Root, see);
}

fn walk(node: &Node<'_>, keys: Keys, place: &Place<'_>, see: &mut dyn FnMut(Reference, usize, &Place<'_>)) {
    match &node.value {
        Value::Text(text) => {
            if let Some(Ok(reference)) = text.as_written().and_then(Reference::parse) {
                see(reference, node.offset, place);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, keys, &Place::Index(place, index), see);
            }
        }
        Value::Object(members) => {
            for member in members {
                if let Some(keys) = keys.below(&member.key) {
                    walk(&member.node, keys, &Place::Key(place, &member.key), see);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces each reference with the value of its binding, and records each that has none.
pub fn resolve_references(
    node: &mut Node<'_>,
    place: &Place<'_>,
    bindings: &dyn Bindings,
    findings: &mut Findings<'_>,
) {
    resolve(node, place, Keys::Known, bindings, findings);
}

fn resolve(node: &mut Node<'_>, place: &Place<'_>, keys: Keys, bindings: &dyn Bindings, findings: &mut Findings<'_>) {
    match &mut node.value {
        Value::Text(text) => {
            let Some(written) = text.value.as_deref() else { return };
            let Some(reference) = Reference::parse(written) else {
                if keys == Keys::Body {
                    return;
                }
                // These texts are for people.
                let may_speak_of_any = matches!(place, Place::Key(Place::Root, "title" | "description"));
                let (wrong, help) = if let Some((known, name)) = misspelt(written) {
                    ("refers to no binding", host_help(|| format!("did you mean \"${known}.{name}\"?")))
                } else if let Some(behind) = reference_within(written).filter(|_| !may_speak_of_any) {
                    let help = host_help(|| {
                        let mut words = behind.split(|c| !is_of_name(c));
                        let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                        format!("put all of the text into the binding, and write only \"${kind}.{name}\"")
                    });
                    ("contains a reference, which must be the whole text", help)
                } else {
                    return;
                };
                let message = format_args!("\"{written}\" {wrong}");
                findings.note(node.offset, place, Code::MalformedReference, message, help);
                replace(text, None);
                return;
            };
            let value = match reference {
                Err(_) => {
                    note_malformed(written, node.offset, place, findings);
                    None
                }
                Ok(reference) => {
                    text.origin = reference.origin();
                    match bindings.look_up(&reference) {
                        Binding::Value(value) if !value.is_empty() => Some(Cow::Owned(value)),
                        Binding::Unknown => None,
                        Binding::Value(_) | Binding::Missing => {
                            note_missing(&reference, node.offset, place, findings);
                            None
                        }
                        #[cfg(not(target_os = "unknown"))]
                        Binding::NoText(kind) => {
                            let name = &reference.name;
                            let message =
                                format_args!("{name} is {kind}, and the gateway takes a string, a number or a boolean");
                            let help = host_help(|| format!("write {name} as one string"));
                            findings.note(node.offset, place, Code::MissingBinding, message, help);
                            None
                        }
                    }
                }
            };
            replace(text, value);
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                resolve(item, &Place::Index(place, index), keys, bindings, findings);
            }
        }
        Value::Object(members) => {
            for member in members {
                if let Some(keys) = keys.below(&member.key) {
                    resolve(&mut member.node, &Place::Key(place, &member.key), keys, bindings, findings);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces a reference with its value.
fn replace<'s>(text: &mut Text<'s>, value: Option<Cow<'s, str>>) {
    let written = std::mem::replace(&mut text.value, value);
    text.written = HostOnly::of(|| written.map(in_one_spelling));
}

/// Returns a reference in the current spelling.
fn in_one_spelling(written: Cow<'_, str>) -> Cow<'_, str> {
    match written.strip_prefix("$secrets.") {
        Some(name) => Cow::Owned(format!("$secret.{name}")),
        None => written,
    }
}

/// Returns the word and the name that a text with one typing error meant, such as `$secert.NAME`.
fn misspelt(text: &str) -> Option<(&'static str, &str)> {
    let (kind, name) = text.strip_prefix('$')?.split_once('.')?;
    let kind = kind.to_ascii_lowercase();
    let known = ["env", "secret", "secrets"].into_iter().find(|known| is_a_letter_off(&kind, known))?;
    Some((known, name))
}

/// Checks whether two words differ by one letter: another, an additional or a missing one, or two that are swapped. The Worker does
/// not need the table that `strsim` makes for any distance.
fn is_a_letter_off(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.chars(), other.chars());
    loop {
        let (from_one, from_other) = (one.as_str(), other.as_str());
        let (letter, counterpart) = (one.next(), other.next());
        if letter != counterpart {
            let behind = (one.as_str(), other.as_str());
            return behind.0 == behind.1
                || from_one == behind.1
                || behind.0 == from_other
                || one.next() == counterpart && other.next() == letter && one.as_str() == other.as_str();
        }
        if letter.is_none() {
            return true;
        }
    }
}

fn note_missing(reference: &Reference, offset: usize, place: &Place<'_>, findings: &mut Findings<'_>) {
    let name = &reference.name;
    let kind = match reference.kind {
        ReferenceKind::Env => "variable",
        ReferenceKind::Secret => "secret",
    };
    let help = host_help(|| match reference.kind {
        ReferenceKind::Env => format!("set {name} under [vars] in wrangler.toml, or in .dev.vars for local runs"),
        ReferenceKind::Secret => format!("run `npx wrangler secret put {name}`, or set it in .dev.vars for local runs"),
    });
    findings.note(offset, place, Code::MissingBinding, format_args!("the {kind} {name} is missing or empty"), help);
}

fn note_malformed(written: &str, offset: usize, place: &Place<'_>, findings: &mut Findings<'_>) {
    let message = format_args!("\"{written}\" refers to no binding");
    let help = host_help(|| {
        "the name has letters, digits and underscores and begins with no digit; nothing may follow it".to_owned()
    });
    findings.note(offset, place, Code::MalformedReference, message, help);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::parse_document;

    struct Fixed;
    impl Bindings for Fixed {
        fn look_up(&self, reference: &Reference) -> Binding {
            match reference.name.as_str() {
                "HOST" => Binding::Value("tenant.example".into()),
                "EMPTY" => Binding::Value(String::new()),
                _ => Binding::Missing,
            }
        }
    }

    fn resolve(source: &str) -> (serde_json::Value, Vec<String>) {
        let mut node = parse_document(source).unwrap();
        let mut findings = Findings::new(source);
        resolve_references(&mut node, &Place::Root, &Fixed, &mut findings);
        (node.to_json(), findings.into_diagnostics().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_whole_string_is_replaced_and_nothing_less() {
        let (json, mistakes) = resolve(r#"["$env.HOST", "$secrets.HOST", "$5.00", "x $env", "$request.jwt.sub"]"#);
        assert_eq!(
            json,
            serde_json::json!(["tenant.example", "tenant.example", "$5.00", "x $env", "$request.jwt.sub"])
        );
        assert_eq!(mistakes, [""; 0]);
    }

    #[test]
    fn a_word_is_a_letter_off_another_within_a_distance_of_one() {
        let words = [
            "", "e", "en", "ev", "env", "evn", "nev", "enf", "envs", "eenv", "vne", "énv", "secret", "secert",
            "secrets",
        ];
        for one in words {
            for other in words {
                let expected = strsim::osa_distance(one, other) <= 1;
                assert_eq!(is_a_letter_off(one, other), expected, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn a_reference_within_a_text_is_a_mistake_that_says_what_to_write() {
        for (text, name) in [
            ("Bearer $secret.KEY", "$secret.KEY"),
            ("https://$env.HOST/a", "$env.HOST"),
            ("$5 and $secrets.KEY.", "$secrets.KEY"),
            ("$request.header.x-$env.HOST", "$env.HOST"),
        ] {
            let (json, mistakes) = resolve(&format!(r#"{{"set": {{"a": "{text}"}}}}"#));
            assert!(json["set"]["a"].is_null(), "{text}: nothing of it is used");
            let [mistake] = mistakes.as_slice() else { panic!("{text}: {mistakes:?}") };
            assert!(mistake.contains("error[malformed_reference]: set.a: "), "{mistake}");
            assert!(mistake.ends_with(&format!("and write only \"{name}\")")), "{mistake}");
        }
        for text in ["$env", "$env.", "US$ env.HOST", "a $environment.HOST", "a $env. HOST", "a $env.5"] {
            let (_, mistakes) = resolve(&format!(r#"["x{text}"]"#));
            assert_eq!(mistakes, [""; 0], "{text}");
        }
    }

    #[test]
    fn what_people_read_may_hold_any_text() {
        for text in ["Bearer $secret.KEY", "write $env.NAME here"] {
            let body = format!(
                r#"{{"title": "{text}", "description": "{text}", "body": ["{text}"], "response": {{"a": "{text}"}}}}"#
            );
            assert_eq!(resolve(&body).1, [""; 0], "{text}");
        }
    }

    #[test]
    fn each_name_without_a_value_is_told_with_its_place() {
        let (_, mistakes) = resolve(r#"{"a": "$env.NONE", "b": ["$secret.EMPTY"], "c": "$env.a-b", "d": "$env."}"#);
        let beginnings = [
            "1:7: error[missing_binding]: a: the variable NONE is missing or empty (help: set NONE under [vars]",
            "1:26: error[missing_binding]: b[0]: the secret EMPTY is missing or empty (help: run `npx wrangler secret put EMPTY`",
            "1:49: error[malformed_reference]: c: \"$env.a-b\" refers to no binding",
            "1:66: error[malformed_reference]: d: \"$env.\" refers to no binding",
        ];
        assert_eq!(mistakes.len(), beginnings.len());
        for (mistake, beginning) in mistakes.iter().zip(beginnings) {
            assert!(mistake.starts_with(beginning), "{mistake}");
        }
    }
}
