//! What a deployment declares and nothing uses, secrets in clear text, and what wrangler refuses or ignores.

use super::declared::Declared;
use super::diagnostics::{locate, unlocated};
use super::env_files::{EnvFile, EnvFiles};
use super::refused::LISTS;
use super::wrangler::Wrangler;
use crate::config::Code;
use crate::config::Diagnostic;
use crate::review::{Need, NeedKind};

/// Names that the gateway itself looks for, whatever its config says.
const OWN_NAMES: [&str; 9] = [
    "BARGATE_CONFIG_JSON",
    "SAG_API_CONFIG_JSON",
    "LOG_LEVEL",
    "CONFIG",
    "JWKS",
    "UPSTREAM_TOKENS",
    "REFRESH_EXCHANGES",
    "SESSIONS",
    "LOGOUT_INDEX",
];

/// The compatibility flags that keep variables and secrets from whatever is not handed them.
const FLAGS: [&str; 2] = ["nodejs_compat_do_not_populate_process_env", "disallow_importable_env"];

impl Wrangler {
    /// Warns if modules can read secrets that nobody passes to them.
    fn importable(&self, needs: &[Need]) -> Option<Diagnostic> {
        let has_modules = needs.iter().any(|need| need.kind == NeedKind::Module);
        let (flags, offset) = &self.flags;
        let is_set = |flag: &&&str| flags.iter().any(|set| set == **flag);
        let missing = FLAGS.iter().find(|flag| !is_set(flag)).filter(|_| has_modules)?;
        let message = format!("modules and what they import can read every secret without the flag {missing}");
        let help = format!("add it to \"compatibility_flags\" of {}", self.label);
        Some(unlocated(Code::SecretImportable, "compatibility_flags".to_owned(), *offset, message, help))
    }

    /// Reports what wrangler refuses, what is declared and not used, and secrets that are in clear text or can be
    /// imported.
    pub(super) fn review(&self, needs: &[Need]) -> Vec<Diagnostic> {
        let vars = self.section.get("vars").map(Declared::members).unwrap_or_default();
        let mut diagnostics = Vec::from_iter(self.importable(needs));
        let is_secret = |name: &str| needs.iter().any(|need| need.kind == NeedKind::Secret && need.name == name);
        for member in vars.iter().filter(|member| is_secret(&member.key)) {
            let name = &member.key;
            let help = format!("remove it here, and run `npx wrangler secret put {name}`");
            let message = format!("the secret {name} is in a file");
            let path = format!("vars.{name}");
            diagnostics.push(unlocated(Code::SecretInVars, path, member.key_offset, message, help));
        }
        let in_lists = LISTS.iter().flat_map(|(list, keys)| {
            let key = keys.first().copied().unwrap_or_default();
            let entries = self.entries(list).iter();
            // Of unsafe bindings only rate limits are looked at.
            let entries = entries.filter(|entry| *list != "unsafe.bindings" || entry.text("type") == Some("ratelimit"));
            entries.filter_map(move |entry| entry.get(key))
        });
        let in_lists = in_lists.filter_map(|name| Some((name.as_text()?, name.span.start)));
        let declared = vars.iter().map(|member| (member.key.as_str(), member.key_offset)).chain(in_lists);
        let unused = declared.filter(|(name, _)| !is_used(name, needs));
        diagnostics.extend(unused.map(|(name, offset)| unused_binding(name, offset)));
        locate(&mut diagnostics, &self.file);
        diagnostics.extend(self.refused.iter().cloned());
        diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
        diagnostics
    }
}

impl EnvFiles {
    /// Says what of a file of variables nothing uses, and what of it wrangler does not read.
    pub(super) fn review(&self, env_file: &EnvFile, wrangler: Option<&Wrangler>, needs: &[Need]) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for (name, offset) in &env_file.names {
            if !is_used(name, needs) && !self.refers_to(name) {
                diagnostics.push(unused_binding(name, *offset));
            } else if let Some(why) = wrangler.and_then(|wrangler| wrangler.ignores(name)) {
                let message = format!("`wrangler dev` does not read {name} here: {why}");
                let help = "remove it here".to_owned();
                diagnostics.push(unlocated(Code::IgnoredVariable, String::new(), *offset, message, help));
            }
        }
        for offset in &env_file.unread {
            let message = "this is not NAME=value, and wrangler ignores it".to_owned();
            let help = "correct it, or begin the line with #".to_owned();
            diagnostics.push(unlocated(Code::IgnoredLine, String::new(), *offset, message, help));
        }
        diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
        locate(&mut diagnostics, &env_file.file);
        diagnostics
    }
}

fn is_used(name: &str, needs: &[Need]) -> bool {
    OWN_NAMES.contains(&name) || needs.iter().any(|need| need.name == name)
}

fn unused_binding(name: &str, offset: usize) -> Diagnostic {
    let help = "remove it, unless your own modules use it".to_owned();
    unlocated(Code::UnusedBinding, String::new(), offset, format!("nothing in the config uses {name}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::needs;
    use crate::text_file::TextFile;

    /// Returns what `check` reports of a file beside a config that needs some things.
    fn reported(name: &str, text: &str, environment: Option<&str>) -> Vec<String> {
        let config = r#"{
            "servers": [{ "alias": "api", "url": "$env.API_URL" }],
            "authorizer": { "type": "jwt", "issuer": "i", "audience": "a", "secret": "$secret.KEY" },
            "services": [{ "alias": "prices", "entrypoint": "services/prices" }],
            "paths": [{ "method": "GET", "path": "/", "integration": { "type": "service", "binding": "prices" } }]
        }"#;
        let file = TextFile { name: name.to_owned(), text: text.to_owned() };
        let found = Wrangler::parse(file, environment).unwrap().review(&needs(config));
        let shown = |one: &Diagnostic| format!("{} {}:{}", one.code, one.line, one.column);
        found.iter().map(shown).filter(|shown| shown != "secret_importable 1:1").collect()
    }

    #[test]
    #[rustfmt::skip] // One row a line.
    fn names_are_found_where_they_are_declared() {
        type Row = (&'static str, &'static str, &'static str, Option<&'static str>, &'static [&'static str]);
        let table: [Row; 9] = [
            (
                "a value that is the name of an environment",
                "wrangler.jsonc",
                "{\n  \"vars\": { \"ENVIRONMENT\": \"production\", \"OLD\": \"1\" },\n  \"env\": {\n    \"production\": {\n      \"vars\": { \"OLD\": \"1\" }\n    }\n  }\n}",
                Some("production"),
                &["unused_binding 5:17"],
            ),
            (
                "an environment whose name begins as another's",
                "wrangler.toml",
                "[env.production.vars]\nOLD = \"1\"\n\n[env.prod.vars]\nOLD = \"1\"\n",
                Some("prod"),
                &["unused_binding 5:1"],
            ),
            ("an environment above its top", "wrangler.toml", "[env.prod.vars]\nOLD = \"1\"\n\n[vars]\nOLD = \"1\"\n", None, &["unused_binding 5:1"]),
            (
                "names in comments, behind values too",
                "wrangler.toml",
                "name = \"shop\" # OLD, KEY\n# OLD = \"0\"\n[vars]\nOLD = \"1\"\nKEY = \"2\"\n",
                None,
                &["unused_binding 4:1", "secret_in_vars 5:1"],
            ),
            ("a block of comments", "wrangler.jsonc", "{\n  /* \"KEY\": was\n     KEY */\n  \"vars\": {\n    \"KEY\": \"1\"\n  }\n}", None, &["secret_in_vars 5:5"]),
            (
                "a class of the same name among the migrations",
                "wrangler.toml",
                "[[migrations]]\ntag = \"v1\"\nnew_sqlite_classes = [\"Ledger\"]\n\n[[durable_objects.bindings]]\nname = \"Ledger\"\nclass_name = \"Ledger\"\n",
                None,
                &["unused_binding 6:8"],
            ),
            ("a value that holds the name of a secret", "wrangler.toml", "[vars]\nAPI_URL = \"https://a.example/?KEY\"\nKEY = \"1\"\n", None, &["secret_in_vars 3:1"]),
            (
                "tables in a line, and dotted keys",
                "wrangler.toml",
                "vars = { OLD = \"OLDER\", OLDER = \"OLD\" }\nenv.prod.vars.OLD = \"1\"\n",
                None,
                &["unused_binding 1:10", "unused_binding 1:25"],
            ),
            (
                "flags that are a value of something else",
                "wrangler.toml",
                "# compatibility_flags\n[vars]\nAPI_URL = \"compatibility_flags\"\n\n[env.prod]\ncompatibility_flags = []\n",
                Some("prod"),
                &["secret_importable 6:1"],
            ),
        ];
        for (message, name, text, environment, expected) in table {
            assert_eq!(reported(name, text, environment), expected, "{message}");
        }
    }
}
