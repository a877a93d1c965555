//! What a config needs and wrangler's configuration does not declare.

use crate::config::Code;
use std::path::Path;

use super::diagnostics::diagnostic;
use super::wrangler::Wrangler;
use crate::config::Diagnostic;
use crate::review::{Need, NeedKind};

/// The classes of Durable Objects, by the binding that the gateway looks for.
const CLASSES: [(&str, &str); 5] = [
    ("REFRESH_EXCHANGES", "RefreshExchange"),
    ("SESSIONS", "Session"),
    ("LOGOUT_INDEX", "LogoutIndex"),
    ("RATE_LIMITS", "RateLimit"),
    ("DPOP_PROOFS", "DpopProofs"),
];

/// What the file of a module of `services/` ends in: what the build takes.
const MODULE_ENDINGS: [&str; 4] = [".js", ".mjs", ".ts", ".mts"];

impl Wrangler {
    /// Reports a need that is not met; those for variables and secrets are reported when references are resolved.
    pub(super) fn lacks(&self, need: &Need, is_file: &dyn Fn(&Path) -> bool) -> Option<Diagnostic> {
        let list = match need.kind {
            NeedKind::Variable | NeedKind::Secret => return None,
            NeedKind::DurableObject => return self.lacks_object(need),
            NeedKind::RateLimit(period) => return self.lacks_rate_limit(need, period),
            NeedKind::Module => return self.lacks_module(need, is_file),
            NeedKind::Kv => "kv_namespaces",
            NeedKind::Service => "services",
            NeedKind::Analytics => "analytics_engine_datasets",
        };
        let is_declared = self.names(list, "binding").contains(need.name.as_str());
        (!is_declared).then(|| self.undeclared(need, &format!("add it to \"{list}\" there")))
    }

    fn lacks_module(&self, need: &Need, is_file: &dyn Fn(&Path) -> bool) -> Option<Diagnostic> {
        let is_file = |name: &str| is_file(&self.folder.join(name));
        // The name is that of a JavaScript file, with its ending behind whatever the config says.
        let said = need.name.strip_suffix(".js").unwrap_or(&need.name);
        let is_there = MODULE_ENDINGS
            .iter()
            .any(|ending| is_file(&format!("{said}{ending}")) || (said.ends_with(ending) && is_file(said)));
        let message = format!("the module {} does not exist", self.folder.join(&need.name).display());
        let help = "write it, or correct \"entrypoint\" in \"services\"".to_owned();
        (!is_there).then(|| diagnostic(need, Code::MissingModule, message, help))
    }

    fn lacks_rate_limit(&self, need: &Need, period: u64) -> Option<Diagnostic> {
        let name = need.name.as_str();
        let Some(declared) = self.rate_limits().get(name).copied() else {
            return Some(self.undeclared(need, "add it to \"ratelimits\" there"));
        };
        let declared = declared.filter(|declared| *declared != period)?;
        let message = format!("the rate limit {name} has a period of {declared} s, but the config has {period} s");
        let help = format!("write \"period_seconds\": {declared}, or change {}", self.label);
        Some(diagnostic(need, Code::BindingMismatch, message, help))
    }

    fn lacks_object(&self, need: &Need) -> Option<Diagnostic> {
        let name = need.name.as_str();
        let (_, class) = CLASSES.into_iter().find(|(binding, _)| *binding == name)?;
        let mut bound = self.entries("durable_objects.bindings").iter();
        let bound = bound.find(|entry| entry.text("name") == Some(name));
        let Some(bound) = bound else {
            let help = format!("add it to \"durable_objects.bindings\" there, with the class_name \"{class}\"");
            return Some(self.undeclared(need, &help));
        };
        let of_another = bound.get("script_name").is_some();
        let bound = bound.text("class_name").unwrap_or_default();
        if bound != class {
            let message = format!("the Durable Object {name} has the class \"{bound}\", but must have \"{class}\"");
            let help = format!("correct its class_name in {}", self.label);
            return Some(diagnostic(need, Code::BindingMismatch, message, help));
        }
        let is_made = self.classes.as_ref().is_none_or(|classes| classes.contains(class));
        (!is_made && !of_another).then(|| {
            let message =
                format!("no migration in {} makes the class {class} of the Durable Object {name}", self.label);
            let help = format!(
                "add one to \"migrations\" there, with a tag of its own and \"new_sqlite_classes\": [\"{class}\"]"
            );
            diagnostic(need, Code::MissingBinding, message, help)
        })
    }

    fn undeclared(&self, need: &Need, help: &str) -> Diagnostic {
        let message = format!("the {} {} is not declared in {}", need.kind.as_str(), need.name, self.label);
        let code = if need.required { Code::MissingBinding } else { Code::OptionalBindingMissing };
        diagnostic(need, code, message, help.to_owned())
    }
}
