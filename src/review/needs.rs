//! What a config needs of its deployment: variables, secrets, and bindings of other kinds, each with its place.

use std::collections::{HashMap, HashSet};

use super::outline::authorizers;
use super::route_kind::RouteKind;
use super::sections::items;
use crate::config::document::{Node, Value};
use crate::config::reader::{Findings, Place};
use crate::config::{Reference, ReferenceKind, parse, walk_references};

/// Something that a config needs of its deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub kind: NeedKind,
    /// The binding's name; of a module, the file's, such as `services/pricing.js`.
    pub name: String,
    /// Where in the document it is asked for.
    pub path: String,
    /// Byte offset in the file, a byte order mark not counted.
    pub offset: usize,
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line in characters, from 1.
    pub column: usize,
    /// Whether the gateway refuses the config without it; else it can do without, at a price.
    pub required: bool,
}

/// What a deployment can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NeedKind {
    /// `$env.NAME`
    Variable,
    /// `$secret.NAME`
    Secret,
    /// A KV namespace.
    Kv,
    /// A class of Durable Objects.
    DurableObject,
    /// Another Worker.
    Service,
    /// A rate limit, whose period in seconds must be this.
    RateLimit(u64),
    /// A dataset of Analytics Engine.
    Analytics,
    /// A JavaScript module beside the gateway.
    Module,
}

/// Tells what a config needs; nothing of a text that is no JSON.
pub fn needs(source: &str) -> Vec<Need> {
    let Some((source, root)) = parse(source) else { return Vec::new() };
    let mut needs = Needs { findings: Findings::new(source), found: Vec::new(), known: HashSet::new() };
    needs.add_references(&root);
    needs.add_stores(&root);
    needs.add_of_paths(&root);
    if let Some(node) = root.get("analytics") {
        let place = Place::Key(&Place::Root, "analytics");
        needs.add_text(NeedKind::Analytics, node.get("binding"), &Place::Key(&place, "binding"));
    }
    needs.found
}

struct Needs<'s> {
    findings: Findings<'s>,
    found: Vec<Need>,
    known: HashSet<(NeedKind, String)>,
}

impl Needs<'_> {
    fn add(&mut self, kind: NeedKind, name: &str, offset: usize, place: &Place<'_>, required: bool) {
        if self.known.insert((kind, name.to_owned())) {
            let (line, column) = self.findings.locate(offset);
            let (name, path) = (name.to_owned(), place.to_string());
            self.found.push(Need { kind, name, path, offset, line, column, required });
        }
    }

    /// Adds the binding that a text names, unless the name itself comes from a binding.
    fn add_text(&mut self, kind: NeedKind, node: Option<&Node<'_>>, place: &Place<'_>) {
        if let Some(node) = node
            && let Some(name) = node.as_text().filter(|name| Reference::parse(name).is_none())
        {
            self.add(kind, name, node.offset, place, true);
        }
    }

    fn add_references(&mut self, root: &Node<'_>) {
        walk_references(root, &mut |reference, offset, place| {
            let kind = match reference.kind {
                ReferenceKind::Env => NeedKind::Variable,
                ReferenceKind::Secret => NeedKind::Secret,
            };
            self.add(kind, &reference.name, offset, place, true);
        });
    }

    /// Adds the stores of sessions and of key sets.
    fn add_stores(&mut self, root: &Node<'_>) {
        let section = Place::Key(&Place::Root, "paths");
        if let Some(session) = root.get("session") {
            let place = Place::Key(&Place::Root, "session");
            for class in ["SESSIONS", "REFRESH_EXCHANGES"] {
                self.add(NeedKind::DurableObject, class, session.offset, &place, true);
            }
        }
        for (index, path) in items(root, "paths").iter().enumerate() {
            let place = Place::Index(&section, index);
            match RouteKind::of(path) {
                Some(RouteKind::Refresh) => {
                    self.add(NeedKind::DurableObject, "REFRESH_EXCHANGES", path.offset, &place, false);
                }
                Some(RouteKind::BackchannelLogout) => {
                    self.add(NeedKind::DurableObject, "LOGOUT_INDEX", path.offset, &place, true);
                }
                _ => {}
            }
        }
        let fetches_keys = |node: &Node<'_>| ["secret", "jwt_secret", "jwks"].iter().all(|key| node.get(key).is_none());
        if let Some((name, node)) = authorizers(root).into_iter().find(|(_, node)| fetches_keys(node)) {
            let section = Place::Key(&Place::Root, "authorizers");
            let sole = root.get("authorizer").is_some();
            let place = if sole { Place::Key(&Place::Root, "authorizer") } else { Place::Key(&section, &name) };
            self.add(NeedKind::Kv, "JWKS", node.offset, &place, false);
        }
    }

    fn add_of_paths(&mut self, root: &Node<'_>) {
        let section = Place::Key(&Place::Root, "paths");
        let targets = |section: &str, key: &str| -> HashMap<String, String> {
            let entries = items(root, section).iter();
            entries.filter_map(|entry| Some((entry.text("alias")?.to_owned(), entry.text(key)?.to_owned()))).collect()
        };
        let modules = targets("services", "entrypoint");
        let mut workers = targets("servicesBindings", "binding");
        workers.extend(targets("serviceBindings", "binding"));
        for (index, path) in items(root, "paths").iter().enumerate() {
            let place = Place::Index(&section, index);
            if let Some(limit) = path.get("rate_limit") {
                let period = match limit.get("period_seconds").map(|node| &node.value) {
                    Some(Value::Number(number)) => number.as_u64().unwrap_or_default(),
                    _ => crate::config::RATE_PERIOD_DEFAULT_SECS.into(),
                };
                let place = Place::Key(&place, "rate_limit");
                self.add_text(NeedKind::RateLimit(period), limit.get("binding"), &Place::Key(&place, "binding"));
            }
            let integration = path.get("integration");
            let integration_place = Place::Key(&place, "integration");
            let pre_process = path.get("pre_process").map(|node| (node, Place::Key(&place, "pre_process")));
            let post_process = integration.and_then(|node| node.get("post_process"));
            let post_process = post_process.map(|node| (node, Place::Key(&integration_place, "post_process")));
            let bound = integration.filter(|node| node.text("type") == Some("service_binding"));
            let bound = bound.map(|node| (node, integration_place));
            for (node, place) in [pre_process, post_process, bound].into_iter().flatten() {
                if let Some(alias) = node.get("binding")
                    && let Some(binding) = alias.as_text().and_then(|alias| workers.get(alias))
                {
                    self.add(NeedKind::Service, binding, alias.offset, &Place::Key(&place, "binding"), true);
                }
            }
            if let Some(alias) =
                integration.filter(|node| node.text("type") == Some("service")).and_then(|node| node.get("binding"))
                && let Some(entrypoint) = alias.as_text().and_then(|alias| modules.get(alias))
            {
                let name = format!("{}.js", crate::config::module_name(entrypoint));
                self.add(NeedKind::Module, &name, alias.offset, &Place::Key(&integration_place, "binding"), true);
            }
        }
    }
}

impl NeedKind {
    /// Names it in a sentence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Secret => "secret",
            Self::Kv => "KV namespace",
            Self::DurableObject => "Durable Object",
            Self::Service => "service binding",
            Self::RateLimit(_) => "rate limit",
            Self::Analytics => "Analytics Engine dataset",
            Self::Module => "module",
        }
    }
}
