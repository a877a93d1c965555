//! Which warnings a config silences, and the collection of the others.

use crate::config::reader::{Findings, Written, host_help};
use crate::config::{Code, ConfigTree, Diagnostic, WrittenConfig, nearest};

/// Returns the codes that a config allows in the whole file; none if it is not JSON.
pub fn allowed(source: &str) -> Vec<Code> {
    let config = WrittenConfig::parse(source).ok();
    let tree = config.as_ref().and_then(WrittenConfig::tree);
    tree.map(|tree| Code::WARNINGS.iter().copied().filter(|code| allows(&tree.allow, *code)).collect())
        .unwrap_or_default()
}

fn names() -> impl Iterator<Item = &'static str> + Clone {
    Code::WARNINGS.iter().map(|code| code.as_str())
}

fn allows(allowed: &[Written<'_>], code: Code) -> bool {
    allowed.iter().any(|allowed| allowed.text.as_written() == Some(code.as_str()))
}

/// Gathers the warnings of a config, less those that it allows.
pub(super) struct Warnings<'t> {
    /// The config.
    pub tree: &'t ConfigTree<'t>,
    findings: Findings<'t>,
}

impl<'t> Warnings<'t> {
    /// Begins with the codes of `allow` that no warning has: they would keep nothing quiet.
    pub fn of(source: &'t str, tree: &'t ConfigTree<'t>) -> Self {
        let mut warnings = Self { tree, findings: Findings::new(source) };
        warnings.check(&tree.allow);
        tree.paths.iter().for_each(|path| warnings.check(&path.allow));
        tree.servers.iter().for_each(|server| warnings.check(&server.allow));
        tree.authorizers.iter().for_each(|authorizer| warnings.check(&authorizer.allow));
        warnings
    }

    fn check(&mut self, allow: &[Written<'_>]) {
        for allowed in allow {
            let Some(code) = allowed.text.as_written() else { continue };
            if self.findings.is_full() || names().any(|known| known == code) {
                continue;
            }
            let help = match nearest(code, names()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("one of: {}", names().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("no warning has the code \"{code}\"");
            self.note(Code::UnknownValue, allowed.offset, message, help);
        }
    }

    /// Warns about the text at a byte offset, unless the config or the part of it that has this `allow` allows that.
    pub fn warn(&mut self, code: Code, allow: &[Written<'_>], offset: usize, message: String, help: &str) {
        if !self.findings.is_full() && !allows(&self.tree.allow, code) && !allows(allow, code) {
            let help = format!("{help}; if this is intended, add \"allow\": [\"{code}\"]");
            self.note(code, offset, message, help);
        }
    }

    fn note(&mut self, code: Code, offset: usize, message: String, help: String) {
        self.tree.place_of(offset, &mut |place| {
            self.findings.note(offset, place, code, format_args!("{message}"), host_help(|| help.clone()));
        });
    }

    /// Returns all of them in the order of the file.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.findings.into_diagnostics()
    }
}
