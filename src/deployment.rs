//! What a deployment declares: the bindings of wrangler's configuration and the variables of files such as `.dev.vars`, held
//! against what a config needs.
//!
//! Values are parsed so that they can be checked as the gateway would; none is ever shown. It does **not** read files: texts are
//! passed in. It is compiled for the host only.

mod declared;
mod diagnostics;
mod env_files;
mod hidden;
mod lacks;
mod refused;
mod unused;
mod wrangler;

use crate::config::Code;
use std::path::Path;

use crate::config::{Binding, Bindings, Diagnostic, Reference, ReferenceKind, Severity};
use crate::review::{Need, NeedKind, allowed, needs};
use crate::text_file::TextFile;
use diagnostics::{diagnostic, way_to_allow};

pub use env_files::{EnvFiles, Variables, usual_names};
pub use wrangler::Wrangler;

/// Where a deployment's variables have to be.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum VariablesIn {
    /// In the files that are named.
    Declared,
    /// Under [vars], unless there are none, or a deployment keeps those of the dashboard (keep_vars).
    DeclaredIfAny,
    /// Anywhere, such as in the dashboard: of those that no file has there is a warning.
    Elsewhere,
}

/// What was declared, in files that were read.
pub struct Deployment {
    /// The files of variables.
    pub env: EnvFiles,
    /// Wrangler's configuration.
    pub wrangler: Option<Wrangler>,
    /// Where variables have to be.
    pub variables: VariablesIn,
}

impl Bindings for Deployment {
    fn look_up(&self, reference: &Reference) -> Binding {
        let name = reference.name.as_str();
        // As `wrangler dev` does it: files of variables take precedence over [vars], and bindings of other kinds over both.
        let is_read = self.wrangler.as_ref().is_none_or(|wrangler| wrangler.ignores(name).is_none());
        if let Some(value) = self.env.value(name).filter(|_| is_read) {
            return Binding::Value(value.to_owned());
        }
        let Some(wrangler) = &self.wrangler else {
            return if self.env.is_empty() { Binding::Unknown } else { Binding::Missing };
        };
        if let Some(declared) = wrangler.section.at("vars").and_then(|vars| vars.get(name)) {
            let value = declared.value.to_variable().map(Binding::Value);
            return value.unwrap_or_else(|| Binding::NoText(declared.value.type_name()));
        }
        // A secret set with `wrangler secret put` is in no file.
        let may_be_put = self.env.is_empty() && wrangler.section.at("secrets.required").is_none();
        if wrangler.has_unseen(name) || (reference.kind == ReferenceKind::Secret && may_be_put) {
            return Binding::Unknown;
        }
        let elsewhere = reference.kind == ReferenceKind::Env && self.has_variables_elsewhere();
        if elsewhere { Binding::Unknown } else { Binding::Missing }
    }
}

impl Deployment {
    fn has_variables_elsewhere(&self) -> bool {
        let of_wrangler = |wrangler: &Wrangler| {
            wrangler.keeps_variables || wrangler.section.get("vars").is_none_or(|vars| vars.members().is_empty())
        };
        match self.variables {
            VariablesIn::Declared => false,
            VariablesIn::DeclaredIfAny => self.wrangler.as_ref().is_none_or(of_wrangler),
            VariablesIn::Elsewhere => true,
        }
    }

    /// Returns the names of the files, those first whose values take precedence.
    pub fn file_names(&self) -> Vec<String> {
        let env_files = self.env.files().iter().rev().map(|env_file| &env_file.file);
        env_files.chain(self.wrangler.iter().map(|wrangler| &wrangler.file)).map(|file| file.name.clone()).collect()
    }

    /// Reports the variables and secrets of a config without a value in these files, which need not be all there are.
    pub fn without_value(&self, config: &TextFile) -> Vec<Diagnostic> {
        let code = Code::ValueMissing;
        if self.file_names().is_empty() || allowed(&config.text).contains(&code) {
            return Vec::new();
        }
        let files = self.file_names().join(" or ");
        let is_missing = |need: &&Need| {
            let kind = match need.kind {
                NeedKind::Variable if self.may_leave_variables_to_others() => return false,
                NeedKind::Variable => ReferenceKind::Env,
                NeedKind::Secret => ReferenceKind::Secret,
                _ => return false,
            };
            match self.look_up(&Reference { kind, name: need.name.clone() }) {
                Binding::Value(value) => value.is_empty(),
                Binding::Unknown => false,
                _ => true,
            }
        };
        let needs = needs(&config.text);
        let missing = needs.iter().filter(is_missing).map(|need| {
            let message = format!("the {} {} has no value in {files}", need.kind.as_str(), need.name);
            let help = match need.kind {
                NeedKind::Secret => {
                    format!("set it in .dev.vars for local runs, and with `npx wrangler secret put {}`", need.name)
                }
                _ => "set it in .dev.vars for local runs, and under [vars] in wrangler.toml".to_owned(),
            };
            let help = format!("{help}; {}", way_to_allow(code));
            diagnostic(need, code, message, help)
        });
        missing.collect()
    }

    /// Checks whether variables that these files do not have may be in an environment, or in the dashboard.
    fn may_leave_variables_to_others(&self) -> bool {
        let has = |wrangler: &Wrangler, key: &str| wrangler.section.get(key).is_some();
        let may = |wrangler: &Wrangler| has(wrangler, "env") || !has(wrangler, "vars");
        self.env.is_empty() && self.wrangler.as_ref().is_some_and(may)
    }

    /// Adds what the deployment lacks to the diagnostics of a config, and returns those of the deployment's own files.
    ///
    /// `is_file` says whether a module is there.
    pub fn review(
        &self,
        config: &TextFile,
        diagnostics: &mut Vec<Diagnostic>,
        is_file: &dyn Fn(&Path) -> bool,
    ) -> Vec<(&TextFile, Vec<Diagnostic>)> {
        if self.env.is_empty() && self.wrangler.is_none() {
            return Vec::new();
        }
        let needs = needs(&config.text);
        let allowed = allowed(&config.text);
        // What a config with mistakes would use is not known.
        let has_mistakes =
            diagnostics.iter().any(|one| one.code.severity() == Severity::Error && one.code != Code::MissingBinding);
        let is_quiet = |code| allowed.contains(&code) || has_mistakes && code == Code::UnusedBinding;
        let is_reported = |one: &Diagnostic| one.code.severity() == Severity::Error || !is_quiet(one.code);
        let mut files: Vec<(&TextFile, Vec<Diagnostic>)> = Vec::new();
        if let Some(wrangler) = &self.wrangler {
            diagnostics.extend(needs.iter().filter_map(|need| wrangler.lacks(need, is_file)).filter(is_reported));
            files.push((&wrangler.file, wrangler.review(&needs)));
        }
        diagnostics.extend(self.undeclared_variables(&needs).filter(is_reported));
        diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
        files.extend(
            self.env
                .files()
                .iter()
                .map(|env_file| (&env_file.file, self.env.review(env_file, self.wrangler.as_ref(), &needs))),
        );
        for (_, diagnostics) in &mut files {
            diagnostics.retain(is_reported);
        }
        files
    }

    /// Reports the variables that no file has, if they may be elsewhere.
    fn undeclared_variables(&self, needs: &[Need]) -> Option<Diagnostic> {
        let has_value = |name: &str| {
            let reference = Reference { kind: ReferenceKind::Env, name: name.to_owned() };
            self.look_up(&reference) != Binding::Unknown
                || self.wrangler.as_ref().is_some_and(|wrangler| wrangler.has_unseen(name))
        };
        let is_undeclared = |need: &&Need| need.kind == NeedKind::Variable && !has_value(&need.name);
        let undeclared: Vec<_> =
            needs.iter().filter(|_| self.has_variables_elsewhere()).filter(is_undeclared).collect();
        let first = undeclared.first()?;
        let names: Vec<_> = undeclared.iter().map(|need| need.name.as_str()).collect();
        let code = Code::UndeclaredVariable;
        let message = format!("no file has {}; unless set elsewhere, every request gets 503", names.join(", "));
        let help = format!("set what is missing under [vars] in wrangler.toml; {}", way_to_allow(code));
        Some(diagnostic(first, code, message, help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_what_the_gateway_reads_of_them() {
        let text =
            "[vars]\nA = \"a\"\nB = true\nC = 1_000\nD = 1.50\nE = 2.0\nF = { a = 1 }\nG = [1]\nH = 2025-12-19\n";
        let file = TextFile { name: "wrangler.toml".to_owned(), text: text.to_owned() };
        let deployment = Deployment {
            env: EnvFiles::default(),
            wrangler: Some(Wrangler::parse(file, None).unwrap()),
            variables: VariablesIn::Declared,
        };
        let value = |text: &str| Binding::Value(text.to_owned());
        let table = [
            ("A", value("a")),
            ("B", value("true")),
            ("C", value("1000")),
            ("D", value("1.5")),
            ("E", value("2")),
            ("F", Binding::NoText("an object")),
            ("G", Binding::NoText("a list")),
            ("H", Binding::NoText("a TOML date")),
            ("I", Binding::Missing),
        ];
        for (name, expected) in table {
            let reference = Reference { kind: ReferenceKind::Env, name: name.to_owned() };
            assert_eq!(deployment.look_up(&reference), expected, "{name}");
        }
        let config = r#"{ "servers": [{ "alias": "api", "url": "$env.F" }], "paths": [] }"#;
        let diagnostics = crate::review::review_with(config, &deployment);
        let of_variable = diagnostics.iter().find(|one| one.code == Code::MissingBinding).unwrap();
        assert_eq!(of_variable.message, "F is an object, and the gateway takes a string, a number or a boolean");
    }
}
