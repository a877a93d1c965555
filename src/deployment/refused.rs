//! What wrangler refuses of a configuration that it can read, in the sections that a check looks into.

use std::collections::HashMap;

use super::declared::{Declared, Value};
use super::diagnostics::unlocated;
use crate::config::{Code, Diagnostic};

/// The lists of bindings, each with the keys that its entries must have as strings; the first has the binding's name.
pub const LISTS: [(&str, &[&str]); 7] = [
    ("durable_objects.bindings", &["name", "class_name"]),
    ("kv_namespaces", &["binding"]),
    ("services", &["binding", "service"]),
    ("analytics_engine_datasets", &["binding"]),
    ("secrets_store_secrets", &["binding", "store_id", "secret_name"]),
    ("ratelimits", &["name", "namespace_id"]),
    ("unsafe.bindings", &["name", "type"]),
];

/// The periods that a rate limit may have, in seconds.
const PERIODS_SECS: [f64; 2] = [10.0, 60.0];

/// Returns what wrangler refuses in a section: the top of the file, or one of its environments, whose places begin with `outer`.
pub fn refusals(section: &Declared, outer: &str) -> Vec<Diagnostic> {
    let mut found = Found { outer, refusals: Vec::new(), names: HashMap::new() };
    found.look_at_name_and_date(section);
    found.look_at_variables(section);
    for (list, keys) in LISTS {
        found.look_at_list(section, list, keys);
    }
    found.look_at_texts(section, "secrets.required", true);
    found.look_at_texts(section, "compatibility_flags", false);
    found.refusals
}

struct Found<'o> {
    outer: &'o str,
    refusals: Vec<Diagnostic>,
    /// The first list with each name of a binding.
    names: HashMap<String, &'static str>,
}

impl Found<'_> {
    fn refuse(&mut self, declared: &Declared, path: String, message: String, help: impl Into<String>) {
        self.refuse_at(declared.span.start, &path, message, help.into());
    }

    fn refuse_at(&mut self, offset: usize, path: &str, message: String, help: String) {
        let path = format!("{}{path}", self.outer);
        self.refusals.push(unlocated(Code::WranglerRefuses, path, offset, message, help));
    }

    fn expect(&mut self, declared: &Declared, path: String, expected: &str) {
        let message = format!("expected {expected}, found {}", declared.value.type_name());
        self.refuse(declared, path, message, "wrangler takes nothing else here");
    }

    fn look_at_name_and_date(&mut self, section: &Declared) {
        for key in ["name", "compatibility_date"] {
            let Some(declared) = section.get(key) else { continue };
            let Some(text) = declared.as_text() else {
                self.expect(declared, key.to_owned(), "a string");
                continue;
            };
            let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
            if key == "name" && (text.starts_with('-') || !text.chars().all(of_name)) {
                let message = "a Worker's name has lower-case letters, digits, \"-\" and \"_\"".to_owned();
                self.refuse(declared, key.to_owned(), message, "write it in these, not beginning with \"-\"");
            }
            if key != "name" && text.contains(['\u{2013}', '\u{2014}']) {
                let message = "a date needs hyphens, not dashes".to_owned();
                self.refuse(declared, key.to_owned(), message, "write it as \"2026-01-31\"");
            }
        }
    }

    fn look_at_variables(&mut self, section: &Declared) {
        let Some(vars) = section.get("vars") else { return };
        if !matches!(vars.value, Value::Table(_) | Value::List(_)) {
            return self.expect(vars, "vars".to_owned(), "an object");
        }
        for member in vars.members() {
            self.name(&member.key, "vars", member.key_offset);
            if member.declared.value == Value::Date {
                let message = format!("the variable {} is a TOML date, which wrangler refuses", member.key);
                self.refuse(&member.declared, format!("vars.{}", member.key), message, "put it in quotes");
            }
        }
    }

    fn look_at_list(&mut self, section: &Declared, list: &'static str, keys: &[&str]) {
        let Some(declared) = section.at(list) else {
            // `durable_objects = [..]` has no key within which the list could be.
            if let Some((outer, _)) = list.split_once('.')
                && let Some(outer_declared) = section.get(outer)
                && !matches!(outer_declared.value, Value::Table(_))
            {
                self.expect(outer_declared, outer.to_owned(), "an object");
            }
            return;
        };
        if !matches!(declared.value, Value::List(_)) {
            return self.expect(declared, list.to_owned(), "a list");
        }
        for (index, entry) in declared.items().iter().enumerate() {
            let path = format!("{list}[{index}]");
            if !matches!(entry.value, Value::Table(_) | Value::List(_)) {
                self.expect(entry, path, "an object");
                continue;
            }
            for key in keys {
                match entry.get(key) {
                    None => {
                        let message = format!("\"{key}\" is missing");
                        self.refuse(entry, path.clone(), message, format!("add \"{key}\", a string"));
                    }
                    Some(value) if value.as_text().is_none() => self.expect(value, format!("{path}.{key}"), "a string"),
                    Some(_) => {}
                }
            }
            if let Some(name) = keys.first().and_then(|key| entry.get(key))
                && let Some(text) = name.as_text()
            {
                self.name(text, list, name.span.start);
            }
            if list == "ratelimits" {
                self.look_at_rate(entry, &path);
            }
        }
    }

    fn look_at_rate(&mut self, entry: &Declared, path: &str) {
        let Some(simple) = entry.get("simple").filter(|simple| matches!(simple.value, Value::Table(_))) else {
            let message = "\"simple\" is missing".to_owned();
            return self.refuse(entry, path.to_owned(), message, "add \"simple\" with \"limit\" and \"period\"");
        };
        for key in ["limit", "period"] {
            match simple.get(key) {
                None => {
                    let message = format!("\"{key}\" is missing");
                    self.refuse(simple, format!("{path}.simple"), message, format!("add \"{key}\", a number"));
                }
                Some(declared) => match declared.value {
                    Value::Number(number) if key == "limit" || PERIODS_SECS.contains(&number) => {}
                    Value::Number(_) => {
                        let message = "a period is 10 or 60 seconds".to_owned();
                        self.refuse(declared, format!("{path}.simple.period"), message, "write 10 or 60");
                    }
                    _ => self.expect(declared, format!("{path}.simple.{key}"), "a number"),
                },
            }
        }
    }

    fn look_at_texts(&mut self, section: &Declared, list: &'static str, are_names: bool) {
        let Some(declared) = section.at(list) else { return };
        if !matches!(declared.value, Value::List(_)) {
            return self.expect(declared, list.to_owned(), "a list");
        }
        for (index, item) in declared.items().iter().enumerate() {
            match item.as_text() {
                Some(name) if are_names => self.name(name, list, item.span.start),
                Some(_) => {}
                None => self.expect(item, format!("{list}[{index}]"), "a string"),
            }
        }
    }

    /// Records the name of a binding, which may occur once.
    fn name(&mut self, name: &str, list: &'static str, offset: usize) {
        match self.names.get(name) {
            None => {
                self.names.insert(name.to_owned(), list);
            }
            Some(first) => {
                let places =
                    if *first == list { format!("twice in {list}") } else { format!("in {first} and in {list}") };
                let message = format!("the binding {name} is declared {places}");
                let help = "give one of the two another name, or remove it".to_owned();
                self.refuse_at(offset, list, message, help);
            }
        }
    }
}
