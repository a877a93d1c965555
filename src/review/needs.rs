//! What a config needs of its deployment: variables, secrets, and bindings of other kinds, each with its place.

use std::collections::HashSet;

use crate::config::authorizer::keys::{JWKS, api_key, jwt, supabase};
use crate::config::document::{Node, Value};
use crate::config::dpop::DPOP;
use crate::config::path::keys;
use crate::config::reader::{Findings, Place, Written};
use crate::config::rules::{OBJECTS, rate_limit};
use crate::config::{
    AuthorizerKind, ConfigTree, IntegrationKind, ReferenceKind, Settings, WrittenAuthorizer, WrittenConfig,
    WrittenPath, WrittenService, root, walk_references,
};

/// Something that a config needs of its deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub kind: NeedKind,
    /// The binding's name; of a module, the file's, such as `services/pricing.js`.
    pub name: String,
    /// Where the document requires it.
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

/// What a config can require of a deployment.
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

/// Returns what a config needs; nothing if the text is not JSON.
pub fn needs(source: &str) -> Vec<Need> {
    let Ok(config) = WrittenConfig::parse(source) else { return Vec::new() };
    let Some(tree) = config.tree() else { return Vec::new() };
    let findings = Findings::new(config.source);
    let mut needs = Needs { tree: &tree, findings, found: Vec::new(), known: HashSet::new() };
    needs.add_references();
    needs.add_stores();
    for path in &tree.paths {
        needs.add_rate_limit(path.node);
        needs.add_services(path);
    }
    if let Some(server) = tree.node.at(&root::AUTHORIZATION_SERVER) {
        needs.add_rate_limit(server);
    }
    needs.add_text(NeedKind::Analytics, tree.analytics.0);
    needs.found
}

struct Needs<'t> {
    tree: &'t ConfigTree<'t>,
    findings: Findings<'t>,
    found: Vec<Need>,
    known: HashSet<(NeedKind, String)>,
}

impl<'t> Needs<'t> {
    fn add(&mut self, kind: NeedKind, name: &str, offset: usize, required: bool) {
        let tree = self.tree;
        tree.place_of(offset, &mut |place| self.add_at(kind, name, offset, place, required));
    }

    fn add_at(&mut self, kind: NeedKind, name: &str, offset: usize, place: &Place<'_>, required: bool) {
        if self.known.insert((kind, name.to_owned())) {
            let (line, column) = self.findings.locate(offset);
            let (name, path) = (name.to_owned(), place.to_string());
            self.found.push(Need { kind, name, path, offset, line, column, required });
        }
    }

    /// Adds the binding that a text names, unless the name itself comes from a binding.
    fn add_text(&mut self, kind: NeedKind, written: Option<Written<'_>>) {
        if let Some((offset, name)) = written.and_then(|written| Some((written.offset, written.in_file()?))) {
            self.add(kind, name, offset, true);
        }
    }

    fn add_references(&mut self) {
        let tree = self.tree;
        walk_references(&tree.node, &mut |reference, offset, place| {
            let kind = match reference.kind {
                ReferenceKind::Env => NeedKind::Variable,
                ReferenceKind::Secret => NeedKind::Secret,
            };
            self.add_at(kind, &reference.name, offset, place, true);
        });
    }

    /// Adds the stores of sessions, of proofs, of key sets and of the gateway's own tokens.
    fn add_stores(&mut self) {
        let tree = self.tree;
        for class in tree.session.iter().flat_map(|_| ["SESSIONS", "REFRESH_EXCHANGES"]) {
            let offset = tree.session.as_ref().map_or(0, |session| session.offset);
            self.add(NeedKind::DurableObject, class, offset, true);
        }
        // Whichever comes first is reported, so those that cannot do without come first.
        let mut refreshes: Vec<_> = tree.paths.iter().filter_map(refresh).collect();
        refreshes.sort_by_key(|(_, required)| !required);
        for (path, required) in refreshes {
            self.add(NeedKind::DurableObject, "REFRESH_EXCHANGES", path.offset, required);
        }
        if let Some(server) = &tree.authorization_server {
            self.add(NeedKind::DurableObject, "REFRESH_EXCHANGES", server.node.offset, false);
        }
        for path in &tree.paths {
            if let Some(IntegrationKind::BackchannelLogout | IntegrationKind::Sessions) = path.kind() {
                self.add(NeedKind::DurableObject, "LOGOUT_INDEX", path.offset, true);
            }
        }
        let of_authorizers = tree.authorizers.iter().filter_map(|authorizer| authorizer.node.at(&DPOP));
        let of_paths = tree.paths.iter().filter_map(|path| path.access.as_ref()?.node.at(&DPOP));
        if let Some(dpop) = of_authorizers.chain(of_paths).next() {
            self.add(NeedKind::DurableObject, "DPOP_PROOFS", dpop.offset, false);
        }
        let fetches_keys = |authorizer: &&WrittenAuthorizer<'_>| {
            authorizer.kind != Some(AuthorizerKind::ApiKey)
                && [jwt::SECRET, supabase::SECRET, JWKS].iter().all(|key| authorizer.node.at(key).is_none())
        };
        for authorizer in tree.authorizers.iter().filter(|one| one.kind == Some(AuthorizerKind::ApiKey)) {
            self.add_text(NeedKind::Kv, authorizer.node.at(&api_key::KV).and_then(Node::written));
        }
        if let Some(authorizer) = tree.authorizers.iter().find(fetches_keys) {
            self.add(NeedKind::Kv, "JWKS", authorizer.node.offset, false);
        }
        if let Some((grant, _)) = tree.servers.iter().find_map(|server| *server.grant) {
            self.add(NeedKind::Kv, "UPSTREAM_TOKENS", grant.offset, false);
        }
    }

    fn add_rate_limit(&mut self, node: &Node<'_>) {
        let Some(limit) = node.at(&keys::RATE_LIMIT) else { return };
        if let Some(max) = limit.at(&rate_limit::LIMIT) {
            self.add(NeedKind::DurableObject, OBJECTS, max.offset, true);
            return;
        }
        let period = match limit.at(&rate_limit::PERIOD_SECONDS).map(|node| &node.value) {
            Some(Value::Number(number)) => number.as_u64().unwrap_or_default(),
            _ => rate_limit::PERIOD_SECONDS.shape.default.into(),
        };
        self.add_text(NeedKind::RateLimit(period), limit.at(&rate_limit::BINDING).and_then(Node::written));
    }

    /// Adds the modules and the other Workers that a path calls.
    fn add_services(&mut self, path: &WrittenPath<'_>) {
        let tree = self.tree;
        let find = |services: &'t [WrittenService<'t>], alias: Option<Written<'_>>| {
            let (alias, name) = (alias?, alias?.text.as_written()?);
            let service = services.iter().find(|service| service.alias.text.as_written() == Some(name))?;
            Some((alias.offset, service))
        };
        for call in path.calls() {
            if let Some((offset, worker)) = find(&tree.workers, call.binding)
                && let Some(binding) = worker.target.text.as_written()
            {
                self.add(NeedKind::Service, binding, offset, true);
            }
        }
        if let Some(Settings::Service(alias)) = path.integration().map(|integration| &integration.settings)
            && let Some((offset, module)) = find(&tree.modules, *alias)
            && let Some(name) = module.leads_to
        {
            self.add(NeedKind::Module, &format!("{name}.js"), offset, true);
        }
    }
}

/// Returns a path if it takes refresh tokens, and whether each must be used in one place.
fn refresh<'p, 't>(path: &'p WrittenPath<'t>) -> Option<(&'p WrittenPath<'t>, bool)> {
    match &path.integration()?.settings {
        Settings::Refresh { apis, .. } => Some((path, !apis.is_empty())),
        _ if path.kind() == Some(IntegrationKind::Revocation) => Some((path, true)),
        _ => None,
    }
}

impl NeedKind {
    /// Returns its name in a sentence.
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
