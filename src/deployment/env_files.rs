//! Files of variables for local runs, read as the pinned wrangler reads them: `.dev.vars` unchanged, `.env` with its references
//! expanded. `tests/fixtures/env_files.json` tests that this module and wrangler read the same values.
//!
//! No value is ever printed: what is shown of a file has none.

mod expand;
mod parse;
mod variables;

use std::collections::HashSet;
use std::path::Path;

use super::hidden::hidden;
use crate::text_file::TextFile;

pub use variables::Variables;

/// Files of variables, and what they say together.
#[derive(Default)]
pub struct EnvFiles {
    files: Vec<EnvFile>,
    values: Variables,
    /// The names that a value refers to.
    referred: HashSet<String>,
    /// The process's own variables, if wrangler takes them for secrets too.
    process: Variables,
}

/// One file of variables.
pub struct EnvFile {
    /// Its name, and its text without any value.
    pub file: TextFile,
    /// Its names, each at its last place.
    pub names: Vec<(String, usize)>,
    /// Where lines begin that are not `NAME=value`, which wrangler ignores.
    pub unread: Vec<usize>,
}

/// Returns the names of the files that `wrangler dev` reads of those that are there, the one with the last word at the end; an
/// environment may have its own.
pub fn usual_names(environment: Option<&str>, is_there: &dyn Fn(&str) -> bool) -> Vec<String> {
    let there = |name: String| Some(name).filter(|name| is_there(name));
    let own = |base: &str| environment.and_then(|name| there(format!("{base}.{name}")));
    if let Some(only) = own(".dev.vars").or_else(|| there(".dev.vars".to_owned())) {
        return vec![only];
    }
    let of_environment = environment.map(|name| [format!(".env.{name}"), format!(".env.{name}.local")]);
    let names = [".env", ".env.local"].map(str::to_owned).into_iter().chain(of_environment.into_iter().flatten());
    names.filter_map(there).collect()
}

impl EnvFiles {
    /// Parses files, of which later ones take precedence. `process` are the process's own variables, if wrangler reads them: they
    /// take precedence over those of `.env`.
    ///
    /// # Errors
    /// A file whose references lead nowhere.
    pub fn parse(files: Vec<TextFile>, process: Variables) -> Result<Self, String> {
        let mut read = Vec::new();
        for TextFile { name, text } in files {
            let parsed = parse::parse(&text);
            read.push((is_plain(&name), EnvFile::of(name, &parsed), parsed.variables()));
        }
        let written = read.iter().filter(|(plain, ..)| !plain).flat_map(|(_, _, variables)| variables.iter());
        let written: Variables = written.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let expand::Expanded { values: expanded, referred } = expand::expand(&written, &process).map_err(|name| {
            let mut files = read.iter().rev().map(|(_, file, _)| file);
            let holder = files.find(|file| file.names.iter().any(|(own, _)| *own == name));
            let file = holder.map(|holder| holder.file.name.as_str()).unwrap_or_default();
            format!("{file}: the references in {name} never end")
        })?;
        let mut values = Variables::default();
        for (plain, _, variables) in &read {
            for (name, value) in variables.iter() {
                let value = if *plain { Some(value) } else { expanded.get(name) };
                values.set(name, value.unwrap_or_default().to_owned());
            }
        }
        // If `.dev.vars` is read, nothing else is.
        let process = if read.iter().any(|(plain, ..)| *plain) { Variables::default() } else { process };
        Ok(Self { files: read.into_iter().map(|(_, file, _)| file).collect(), values, referred, process })
    }

    /// Checks whether no file is read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the files in the order in which they were named.
    pub fn files(&self) -> &[EnvFile] {
        &self.files
    }

    /// Checks whether a value refers to a name.
    pub fn refers_to(&self, name: &str) -> bool {
        self.referred.contains(name)
    }

    /// Returns the value of a name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).or_else(|| self.process.get(name))
    }
}

/// Checks whether wrangler takes the values of a file unchanged; it expands those of any other.
fn is_plain(name: &str) -> bool {
    let name = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
    name == ".dev.vars" || name.starts_with(".dev.vars.")
}

impl EnvFile {
    fn of(name: String, parsed: &parse::Parsed) -> Self {
        let mut shown = String::with_capacity(parsed.text.len());
        let mut names: Vec<(String, usize)> = Vec::new();
        let mut unread = Vec::new();
        for piece in &parsed.pieces {
            match &piece.variable {
                Some((name, _)) => {
                    names.retain(|(other, _)| other != name);
                    names.push((name.clone(), piece.start));
                }
                None => unread.push(piece.start),
            }
            shown.push_str(parsed.text.get(shown.len()..piece.hidden.start).unwrap_or_default());
            shown.extend(parsed.text.get(piece.hidden.clone()).unwrap_or_default().chars().map(hidden));
        }
        shown.push_str(parsed.text.get(shown.len()..).unwrap_or_default());
        Self { file: TextFile { name, text: shown }, names, unread }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_that_wrangler_reads() {
        let table: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/env_files.json")).unwrap();
        for case in table.as_array().unwrap() {
            let message = case["case"].as_str().unwrap();
            let files = case["files"].as_object().unwrap();
            let process: Variables = case["process"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect();
            let names = usual_names(case["environment"].as_str(), &|name| files.contains_key(name));
            let texts = names.into_iter().map(|name| (files[&name].as_str().unwrap().to_owned(), name));
            let files = texts.map(|(text, name)| TextFile { name, text }).collect();
            let read = EnvFiles::parse(files, process).unwrap();
            let expected = case["values"].as_object().unwrap();
            for (name, value) in expected {
                assert_eq!(read.value(name), value.as_str(), "{message}: {name}");
            }
            for (name, _) in read.values.iter() {
                assert!(expected.contains_key(name) || case["process"].is_object(), "{message}: {name} is there");
            }
        }
    }

    #[test]
    fn what_is_shown_holds_no_value_and_keeps_its_lines() {
        let table = [
            ("A=secret\nB='two\nlines' # of it\nC=\n", "A=******\nB='***\n*****'********\nC=\n"),
            ("the secret\n# a comment\nA = \u{e9}y\n", "**********\n# a comment\nA =****\n"),
            ("\u{feff}A=1\r\nB=2", "A=*\nB=*"),
        ];
        for (text, shown) in table {
            let file = EnvFile::of("x".to_owned(), &parse::parse(text));
            assert_eq!(file.file.text, shown, "{text:?}");
        }
        let file = EnvFile::of("x".to_owned(), &parse::parse("A='1\n2'\nno variable\nB=3\nA=4\n"));
        let at = |offset: usize| file.file.text.get(offset..).unwrap().lines().next().unwrap();
        let names: Vec<_> = file.names.iter().map(|(name, offset)| (name.as_str(), at(*offset))).collect();
        assert_eq!(names, [("B", "B=*"), ("A", "A=*")]);
        assert_eq!(file.unread.iter().map(|offset| at(*offset)).collect::<Vec<_>>(), ["***********"]);
    }

    #[test]
    fn a_file_with_a_name_of_its_own_is_expanded_and_the_later_file_has_the_last_word() {
        let files = [("a.vars", "A=1\nB=$A\n"), ("x/.dev.vars", "B=$A\nC=$A\n"), ("z.vars", "C=${A}z\n")];
        let files = files.map(|(name, text)| TextFile { name: name.to_owned(), text: text.to_owned() });
        let read = EnvFiles::parse(files.into(), Variables::default()).unwrap();
        assert_eq!(["A", "B", "C"].map(|name| read.value(name)), [Some("1"), Some("$A"), Some("1z")]);
    }
}
