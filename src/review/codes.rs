//! The codes of warnings, and which of them a config keeps quiet.

use crate::config::reader::{Findings, Written};
use crate::config::{ConfigTree, Diagnostic, Severity, WrittenConfig, nearest};

/// Every code of a warning, and what it says.
pub const WARNINGS: [(&str, &str); 34] = [
    (
        "audience_missing",
        "paths need tokens of an Auth0 authorizer without an `audience`, for which Auth0 issues none that can be checked",
    ),
    ("auth_on_login", "a path of a login or of a refresh needs the token that it is there to get"),
    ("callback_missing", "no path makes a session of a login where the provider leads to"),
    ("cors_any_origin", "every site may read answers"),
    ("cors_star", "a star in an origin lets in whoever gets a name there, or lets its pages read as the user"),
    (
        "crossing_routes",
        "two paths match the same requests, neither within the other, and the one that takes them asks for less",
    ),
    ("header_as_note", "a key of the user's own has the name of a header, and is not sent"),
    ("ignored_line", "a line of a file of variables is no variable"),
    (
        "ignored_variable",
        "`wrangler dev` does not read a name in a file of variables, since `wrangler.toml` says otherwise",
    ),
    ("method_fallthrough", "a method of a path goes to a wildcard that asks for less"),
    ("offline_access_missing", "logins ask for no refresh token, and a path or a session needs one"),
    ("optional_binding_missing", "`wrangler.toml` lacks a binding that the gateway can do without, at a price"),
    ("plain_http_upstream", "an upstream is called without encryption"),
    ("refresh_by_get", "a refresh answers GET, which browsers, caches and link previews repeat"),
    ("resource_mismatch", "clients are told to ask for tokens for a `resource` that is no authorizer's `audience`"),
    ("secret_exposed", "a secret reaches an answer, or an upstream"),
    ("secret_importable", "modules of `services/` and what they import can read every secret without being handed it"),
    ("secret_in_vars", "a secret stands under `[vars]` of `wrangler.toml`"),
    ("short_client_secret", "login states are sealed with a secret that can be found by trying"),
    ("symmetric_algorithm", "tokens are signed with a secret that whoever checks them could sign with as well"),
    ("template_in_text", "a text holds what looks like a reference or a template, and is sent as it stands"),
    ("token_route_any_origin", "a path hands out tokens, and every site may read its answers"),
    ("tokens_beside_session", "a session keeps tokens from pages, and a path hands them out all the same"),
    ("unauthenticated_route", "a path is open below one that needs a token"),
    ("undeclared_variable", "no file has a variable that may be set elsewhere"),
    ("unlikely_issuer", "no token has such an issuer"),
    ("unreachable_route", "no request comes to a path"),
    ("unusable_method", "a step of a login has a method by which nobody comes to it"),
    ("unused_authorizer", "no path asks for tokens of an authorizer"),
    ("unused_binding", "nothing in the config uses what `wrangler.toml` or a file of variables declares"),
    ("unused_mapping", "a path maps headers or a query and calls nothing that would get them"),
    ("unused_server", "no path goes to a server or service"),
    ("unused_variable", "no mapping takes a variable"),
    ("value_missing", "a variable or a secret has no value in the files beside the config"),
];

/// The codes of those that a config alone never gets: they are about what its deployment declares.
pub const DEPLOYMENT_WARNINGS: [&str; 8] = [
    "ignored_line",
    "ignored_variable",
    "optional_binding_missing",
    "secret_importable",
    "secret_in_vars",
    "undeclared_variable",
    "unused_binding",
    "value_missing",
];

/// Returns the codes that a config allows in the whole file; none if it is no JSON.
pub fn allowed(source: &str) -> Vec<&'static str> {
    let config = WrittenConfig::parse(source).ok();
    let tree = config.as_ref().and_then(WrittenConfig::tree);
    tree.map(|tree| codes().filter(|code| allows(&tree.allow, code)).collect()).unwrap_or_default()
}

fn codes() -> impl Iterator<Item = &'static str> + Clone {
    WARNINGS.iter().map(|(code, _)| *code)
}

fn allows(allowed: &[Written<'_>], code: &str) -> bool {
    allowed.iter().any(|allowed| allowed.text.as_written() == Some(code))
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
            if self.findings.is_full() || codes().any(|known| known == code) {
                continue;
            }
            let help = match nearest(code, codes()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("one of: {}", codes().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("no warning has the code \"{code}\"");
            self.note(Severity::Error, "unknown_value", allowed.offset, message, help);
        }
    }

    /// Warns of what stands at a byte offset, unless the config or the part of it that has this `allow` allows that.
    pub fn warn(&mut self, code: &'static str, allow: &[Written<'_>], offset: usize, message: String, help: &str) {
        if !self.findings.is_full() && !allows(&self.tree.allow, code) && !allows(allow, code) {
            let help = format!("{help}; if it is meant, add \"allow\": [\"{code}\"]");
            self.note(Severity::Warning, code, offset, message, help);
        }
    }

    fn note(&mut self, severity: Severity, code: &'static str, offset: usize, message: String, help: String) {
        self.tree.place_of(offset, &mut |place| {
            self.findings.note_as(severity, offset, place, code, message.clone(), Some(help.clone()));
        });
    }

    /// Returns all of them in the order of the file.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.findings.into_diagnostics()
    }
}
