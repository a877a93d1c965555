//! Wrangler's configuration, as far as a deployment is read from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::declared::{Declared, Value, parse_jsonc, parse_toml};
use super::diagnostics::locate;
use super::hidden::hidden;
use super::refused::{LISTS, refusals};
use crate::config::{Diagnostic, LineIndex};
use crate::text_file::TextFile;

/// Wrangler's configuration for one environment.
pub struct Wrangler {
    /// The file, with its text without the values of variables.
    pub(super) file: TextFile,
    /// Where its modules are.
    pub(super) folder: PathBuf,
    /// What it declares for the environment.
    pub(super) section: Declared,
    /// What to call the section by, such as `wrangler.toml (env.staging)`.
    pub(super) label: String,
    /// Its compatibility flags, which an environment without any inherits, and their place in the file, in bytes.
    pub(super) flags: (Vec<String>, usize),
    /// The classes of Durable Objects that its migrations or its `exports` make, which an environment without any inherits; `None` if it
    /// says nothing of them.
    pub(super) classes: Option<BTreeSet<String>>,
    /// What wrangler refuses of the top of the file and of the section.
    pub(super) refused: Vec<Diagnostic>,
    /// The environments of the file.
    pub environments: Vec<String>,
    /// Whether a deployment leaves variables in place that the file does not have.
    pub(super) keeps_variables: bool,
}

impl Wrangler {
    /// Parses a file for one environment; its name says in which format it is.
    ///
    /// # Errors
    /// A text that wrangler cannot read, or that has not this environment.
    pub fn parse(mut file: TextFile, environment: Option<&str>) -> Result<Self, String> {
        let name = file.name.clone();
        let path = Path::new(&name);
        let fail = |reason: String| format!("{name}: {reason}");
        let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
        let lines = LineIndex::new(text);
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        let root = if is_toml { parse_toml(text) } else { parse_jsonc(text) };
        let root = root.map_err(|unreadable| {
            let (line, column) = lines.locate(unreadable.offset);
            fail(format!("line {line}, column {column}: {}", unreadable.reason))
        })?;
        if !matches!(root.value, Value::Table(_)) {
            return Err(fail(format!("expected an object, found {}", root.value.type_name())));
        }
        let without_values = without_values(text, &root);
        let flags_of = |section: &Declared| -> Option<(Vec<String>, usize)> {
            let member = section.member("compatibility_flags")?;
            let flags = member.declared.items().iter().filter_map(Declared::as_text);
            Some((flags.map(str::to_owned).collect(), member.key_offset))
        };
        let mut refused = refusals(&root, "");
        let mut flags = flags_of(&root).unwrap_or_default();
        let mut classes = classes_of(&root);
        let keeps_variables = root.get("keep_vars").is_some_and(|keeps| keeps.value == Value::Bool(true));
        let environments = root.get("env").map(Declared::members).unwrap_or_default();
        let environments: Vec<_> = environments.iter().map(|member| member.key.clone()).collect();
        // Without any, wrangler uses the top for every named environment.
        let environment = environment.filter(|_| !environments.is_empty());
        let section = match environment {
            None => root,
            // Bindings and variables are not inherited by environments.
            Some(name) => {
                let Some(own) = root.get("env").and_then(|environments| environments.get(name)).cloned() else {
                    let known = environments.join(", ");
                    return Err(fail(format!("has no environment \"{name}\"; there is {known}")));
                };
                refused.extend(refusals(&own, &format!("env.{name}.")));
                flags = flags_of(&own).unwrap_or(flags);
                classes = classes_of(&own).or(classes);
                own
            }
        };
        locate(&mut refused, &file);
        file.text = without_values;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let label = match environment {
            None => file.name.clone(),
            Some(name) => format!("{} (env.{name})", file.name),
        };
        Ok(Self { file, folder, section, label, flags, classes, refused, environments, keeps_variables })
    }

    /// Checks whether it says which secrets there are.
    pub fn declares_secrets(&self) -> bool {
        self.section.get("secrets").is_some()
    }

    /// Checks whether a name has a value that no file shows: that of a secret that must be there, or of one in a Secrets Store.
    pub(super) fn has_unseen(&self, name: &str) -> bool {
        self.requires(name) || self.names("secrets_store_secrets", "binding").contains(name)
    }

    fn requires(&self, name: &str) -> bool {
        let required = self.section.at("secrets.required").map(Declared::items).unwrap_or_default();
        required.iter().any(|one| one.as_text() == Some(name))
    }

    /// Says why `wrangler dev` does not take a name from a file of variables; `None` if it does.
    pub(super) fn ignores(&self, name: &str) -> Option<String> {
        let mut lists = LISTS.iter().filter_map(|(list, keys)| Some((list, keys.first()?)));
        if let Some((list, _)) = lists.find(|(list, key)| self.names(list, key).contains(name)) {
            return Some(format!("it is one of \"{list}\" in {}", self.label));
        }
        let is_variable = self.section.at("vars").is_some_and(|vars| vars.get(name).is_some());
        let is_listed = self.section.get("secrets").is_none() || self.requires(name) || is_variable;
        (!is_listed).then(|| format!("it is neither in \"vars\" nor in \"secrets.required\" of {}", self.label))
    }

    pub(super) fn entries(&self, list: &str) -> &[Declared] {
        self.section.at(list).map(Declared::items).unwrap_or_default()
    }

    pub(super) fn names(&self, list: &str, key: &str) -> BTreeSet<&str> {
        self.entries(list).iter().filter_map(|entry| entry.text(key)).collect()
    }

    /// The rate limits, by name, with their periods in seconds.
    pub(super) fn rate_limits(&self) -> BTreeMap<&str, Option<u64>> {
        let limit = |entry: &'_ Declared| match entry.at("simple.period")?.value {
            Value::Number(number) => Some(number as u64),
            _ => None,
        };
        let unsafe_ones = self.entries("unsafe.bindings").iter();
        let unsafe_ones = unsafe_ones.filter(|entry| entry.text("type") == Some("ratelimit"));
        let all = self.entries("ratelimits").iter().chain(unsafe_ones);
        all.filter_map(|entry| Some((entry.text("name")?, limit(entry)))).collect()
    }
}

/// Returns the classes of Durable Objects that a section's migrations or `exports` make, if it has either.
fn classes_of(section: &Declared) -> Option<BTreeSet<String>> {
    let list = |declared: &'_ Declared, key| declared.get(key).map(Declared::items).unwrap_or_default().to_vec();
    let mut names = BTreeSet::new();
    let migrations = list(section, "migrations");
    for migration in &migrations {
        // Objects of `new_classes` have no `ctx.storage.kv`, by which the gateway's keep their state.
        let made = list(migration, "new_sqlite_classes");
        let moved = ["renamed_classes", "transferred_classes"].map(|key| list(migration, key)).concat();
        names.extend(made.iter().filter_map(Declared::as_text).map(str::to_owned));
        names.extend(moved.iter().filter_map(|class| class.text("to")).map(str::to_owned));
    }
    let exports = section.get("exports").map(Declared::members).unwrap_or_default();
    names.extend(exports.iter().map(|member| member.key.clone()));
    (!migrations.is_empty() || !exports.is_empty()).then_some(names)
}

/// Returns wrangler's configuration without the values of variables, which are not to be printed; every line stays where it is.
fn without_values(text: &str, root: &Declared) -> String {
    let environments = root.get("env").map(Declared::members).unwrap_or_default();
    let sections = std::iter::once(root).chain(environments.iter().map(|member| &member.declared));
    let mut spans = Vec::new();
    let mut rest: Vec<&Declared> = sections.filter_map(|section| section.get("vars")).collect();
    while let Some(declared) = rest.pop() {
        rest.extend(declared.items());
        rest.extend(declared.members().iter().map(|member| &member.declared));
        if matches!(declared.value, Value::Text(_) | Value::Number(_)) {
            spans.push(declared.span.clone());
        }
    }
    spans.sort_by_key(|span| span.start);
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for span in spans {
        shown.push_str(text.get(at..span.start).unwrap_or_default());
        shown.extend(text.get(span.clone()).unwrap_or_default().chars().map(hidden));
        at = span.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrangler(name: &str, text: &str, environment: Option<&str>) -> Result<Wrangler, String> {
        Wrangler::parse(TextFile { name: name.to_owned(), text: text.to_owned() }, environment)
    }

    #[test]
    fn what_wrangler_refuses_is_refused_with_its_place() {
        let rows: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/wrangler/files.json")).unwrap();
        let mut wrong = Vec::new();
        for row in rows.as_array().unwrap() {
            let text = |key: &str| row.get(key).and_then(serde_json::Value::as_str);
            let (about, name) = (text("about").unwrap(), text("file").unwrap());
            let refused = match wrangler(name, text("text").unwrap(), text("environment")) {
                Ok(wrangler) => wrangler.refused.first().map(|one| vec![one.line, one.column]),
                // A place if the file itself is to blame, and none if the environment is.
                Err(failure) => {
                    let numbers = failure.split("line ").nth(1).unwrap_or_default();
                    let numbers = numbers.split(':').next().unwrap_or_default().split(", column ");
                    Some(numbers.filter_map(|number| number.parse().ok()).collect())
                }
            };
            if serde_json::json!(refused) != *row.get("refused").unwrap() {
                wrong.push((about, refused));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn lines_are_shown_without_the_values_of_variables() {
        let table = [
            (
                "wrangler.toml",
                "name = \"shop\"\nvars = { A = \"s\u{e9}cret\", B = { C = [1] } }\n[env.a.vars]\nC = \"\"\"x\ny\"\"\"\n",
                "name = \"shop\"\nvars = { A = \"*******\", B = { C = [*] } }\n[env.a.vars]\nC = \"\"\"*\n*\"\"\"\n",
            ),
            ("wrangler.jsonc", "{ \"vars\": { \"A\": \"a\\\"b\" } }", "{ \"vars\": { \"A\": \"**\"*\" } }"),
        ];
        for (name, text, expected) in table {
            assert_eq!(wrangler(name, text, None).unwrap().file.text, expected, "{name}");
        }
    }
}
