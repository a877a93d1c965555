//! A config as the comparison sees it: its tree, and its objects in one spelling each.
//!
//! References stay as written, because no value is known here: another reference counts as another value.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::address::Address;
use crate::config::authorizer::discovery::usual_discovery_url;
use crate::config::authorizer::keys::{ALGORITHMS, AUDIENCE, JWKS_URI, auth0, jwt, oidc};
use crate::config::document::Node;
use crate::config::integration::keys::{ResponseKind, callback, http_proxy};
use crate::config::path::keys::INTEGRATION;
use crate::config::provider::{CALLBACK_URI, REDIRECT_URI, RESOURCE, SCOPE};
use crate::config::reader::Written;
use crate::config::service::WrittenCall;
use crate::config::{
    AuthorizerKind, ConfigTree, KeySource, Settings, WrittenAuthorizer, WrittenPath, WrittenResponse, WrittenService,
    WrittenVariable, module_name, root,
};
use crate::review::outline::{Outline, OutlinedRoute};

/// What an object says, by its keys.
pub(super) type Object = Map<String, Value>;

static NOTHING: LazyLock<Object> = LazyLock::new(Object::new);

/// A config, and what it says.
pub(super) struct Config<'t> {
    /// As it is written.
    pub tree: &'t ConfigTree<'t>,
    /// Its routes.
    pub outline: Outline,
    /// The object at the top.
    pub top: Object,
    /// The authorizers by name.
    pub authorizers: BTreeMap<&'t str, Object>,
    /// The URLs of upstreams.
    pub servers: Targets<'t>,
    /// The modules.
    pub modules: Targets<'t>,
    /// The bindings of other Workers.
    pub workers: Targets<'t>,
    /// The entries of `paths`, in the order of the file.
    pub paths: Vec<Object>,
}

impl<'t> Config<'t> {
    /// Reads what a config says.
    pub fn of(tree: &'t ConfigTree<'t>) -> Self {
        let outline = Outline::of_tree(tree);
        let constants = by_name(&tree.variables);
        let mut paths: Vec<_> = tree.paths.iter().map(|path| path_object(tree, path, &constants)).collect();
        for route in &outline.routes {
            let (Some(index), Some(upstream)) = (route.index, &route.upstream) else { continue };
            let integration = paths.get_mut(index).and_then(|path| path.get_mut(INTEGRATION.name));
            if let Some(Value::Object(integration)) = integration {
                integration.insert(http_proxy::STRIP_PREFIX.name.to_owned(), upstream.prefix.as_str().into());
            }
        }
        for (path, said) in tree.paths.iter().zip(&mut paths) {
            let integration = said.get_mut(INTEGRATION.name).and_then(Value::as_object_mut);
            let Some((integration, target)) = integration.zip(effective_target(tree, path)) else { continue };
            for (key, written) in target {
                let value = written.and_then(|written| as_written(&written)).map(Value::from);
                integration.extend(value.map(|value| (key.to_owned(), value)));
            }
        }
        let integrations = || tree.paths.iter().filter_map(WrittenPath::integration);
        let servers = tree.servers.iter().map(|server| {
            let urls = server.urls.iter().filter_map(as_written);
            let urls = urls.map(|url| normalised(url).trim_end_matches('/').to_owned());
            (server.alias, urls.collect(), server.strict_paths)
        });
        let to_servers = integrations().filter_map(|integration| match integration.settings {
            Settings::HttpProxy { server, .. } => server,
            _ => None,
        });
        let to_modules = integrations().filter_map(|integration| match integration.settings {
            Settings::Service(alias) => alias,
            _ => None,
        });
        let services = |services: &'t [WrittenService<'t>], name: fn(&str) -> &str| {
            services.iter().map(move |service| {
                let target = as_written(&service.target).map(|target| name(target).to_owned());
                (Some(service.alias), target.into_iter().collect(), service.strict_paths)
            })
        };
        let to_workers = tree.paths.iter().flat_map(WrittenPath::calls).filter_map(|call| call.binding);
        // A type from a binding may call anything.
        let may_use_all = tree.paths.iter().any(|path| path.answer.is_none());
        Self {
            tree,
            outline,
            top: object(&tree.node),
            authorizers: tree.authorizers.iter().map(|one| (one.name, authorizer_object(one))).collect(),
            servers: Targets::of(servers, to_servers, may_use_all),
            modules: Targets::of(services(&tree.modules, file_name), to_modules, may_use_all),
            workers: Targets::of(services(&tree.workers, |binding| binding), to_workers, may_use_all),
            paths,
        }
    }

    /// Returns a route with its entry in `paths`.
    pub fn side<'c>(&'c self, route: &'c OutlinedRoute) -> Side<'c> {
        let entry = route.index.and_then(|index| Some((self.tree.paths.get(index)?, self.paths.get(index)?)));
        let (path, said) = entry.unzip();
        Side { config: self, route, path, said: said.unwrap_or(&NOTHING) }
    }

    /// Returns where the requests of a path go.
    pub fn target<'c>(&'c self, path: &'c WrittenPath<'_>) -> Option<Target<'c>> {
        match &path.integration()?.settings {
            Settings::HttpProxy { server, .. } => self.servers.target(*server),
            Settings::Service(alias) => self.modules.target(*alias),
            Settings::ServiceBinding(call) => self.worker(Some(call)),
            _ => None,
        }
    }

    /// Returns the Worker that has a function.
    pub fn worker<'c>(&'c self, call: Option<&'c WrittenCall<'_>>) -> Option<Target<'c>> {
        self.workers.target(call?.binding)
    }
}

/// A route of one of the configs.
#[derive(Clone, Copy)]
pub(super) struct Side<'c> {
    /// Its config.
    pub config: &'c Config<'c>,
    /// The route.
    pub route: &'c OutlinedRoute,
    /// Its entry; `None` if it comes from another section.
    pub path: Option<&'c WrittenPath<'c>>,
    /// What its entry says.
    pub said: &'c Object,
}

impl<'c> Side<'c> {
    /// Returns what its integration says.
    pub fn integration(&self) -> &'c Object {
        members(self.said.get(INTEGRATION.name))
    }

    /// Returns the name of its integration; of several names, the one in the reference.
    pub fn kind(&self) -> &'c str {
        let integration = self.path.and_then(WrittenPath::integration);
        integration.map_or(self.route.integration.as_str(), |integration| integration.kind.name())
    }
}

/// An alias, and what it leads to.
pub(super) type Target<'c> = (&'c str, BTreeSet<String>);

/// Where requests go, by the alias that paths have for it.
#[derive(Default)]
pub(super) struct Targets<'t> {
    /// Targets by alias; of a duplicate alias, the first.
    pub by_alias: BTreeMap<&'t str, BTreeSet<String>>,
    /// The aliases that a path goes to.
    pub used: BTreeSet<&'t str>,
    /// Targets with `strict_paths`, which take each path as written.
    pub strict: BTreeSet<String>,
}

impl<'t> Targets<'t> {
    fn of(
        entries: impl Iterator<Item = (Option<Written<'t>>, BTreeSet<String>, bool)>,
        used: impl Iterator<Item = Written<'t>>,
        may_use_all: bool,
    ) -> Self {
        let mut targets = Self { used: used.filter_map(|alias| as_written(&alias)).collect(), ..Self::default() };
        for (alias, leads_to, is_strict) in entries {
            if is_strict {
                targets.strict.extend(leads_to.iter().cloned());
            }
            if let Some(alias) = alias.and_then(|alias| as_written(&alias)) {
                targets.by_alias.entry(alias).or_insert(leads_to);
            }
        }
        if may_use_all {
            targets.used.extend(targets.by_alias.keys());
        }
        targets
    }

    /// Returns what an alias leads to; one that is not known, to itself.
    pub fn leads_to(&self, alias: &str) -> BTreeSet<String> {
        self.by_alias.get(alias).cloned().unwrap_or_else(|| BTreeSet::from([alias.to_owned()]))
    }

    /// Returns all that a path goes to.
    pub fn all_used(&self) -> BTreeSet<String> {
        self.used.iter().flat_map(|alias| self.leads_to(alias)).collect()
    }

    fn target<'c>(&self, alias: Option<Written<'c>>) -> Option<Target<'c>> {
        let alias = as_written(&alias?)?;
        Some((alias, self.leads_to(alias)))
    }
}

/// Returns the text of a value as it is written.
pub(super) fn as_written<'n>(written: &Written<'n>) -> Option<&'n str> {
    written.text.as_written()
}

/// Returns the members of an object; none of anything else.
pub(super) fn members(value: Option<&Value>) -> &Object {
    value.and_then(Value::as_object).unwrap_or(&NOTHING)
}

/// Returns the texts of a list, or a single text as a list.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    let items = match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Returns the config path of an authorizer.
pub(super) fn authorizer_place(tree: &ConfigTree<'_>, name: &str) -> String {
    match tree.node.at(&root::AUTHORIZER) {
        Some(_) => root::AUTHORIZER.name.to_owned(),
        None => format!("{}.{name}", root::AUTHORIZERS.name),
    }
}

fn object(node: &Node<'_>) -> Object {
    match node.as_written() {
        Value::Object(members) => members,
        _ => Object::new(),
    }
}

/// Returns an authorizer's keys, with the defaults of absent keys, and in one name and spelling each.
fn authorizer_object(authorizer: &WrittenAuthorizer<'_>) -> Object {
    let mut said = object(&authorizer.node);
    said.retain(|key, _| !key.starts_with("x-") && ![jwt::ALGORITHM.name, CALLBACK_URI.name].contains(&key.as_str()));
    let mut mean = |key: &str, value: Option<Value>| said.extend(value.map(|value| (key.to_owned(), value)));
    if authorizer.kind == Some(AuthorizerKind::Auth0) {
        mean(auth0::ISSUER.name, authorizer.issuer.as_deref().map(Into::into));
    }
    mean(AUDIENCE.name, authorizer.written_audience().and_then(|written| as_written(&written)).map(Into::into));
    if let Some(KeySource::KeySet(url)) = &authorizer.keys {
        mean(JWKS_URI.name, Some(url.as_str().into()));
    }
    let algorithms = authorizer.algorithms.as_ref();
    mean(ALGORITHMS.name, algorithms.map(|list| list.iter().map(|algorithm| algorithm.name()).collect()));
    if let Some(uri) = authorizer.provider.as_ref().and_then(|provider| provider.redirect_uri.as_ref()) {
        mean(REDIRECT_URI.name, uri.url.as_deref().or(as_written(&uri.written)).map(Into::into));
    }
    if let (Some(KeySource::Discovery(url)), Some(issuer)) = (&authorizer.keys, &authorizer.issuer)
        && *url == usual_discovery_url(issuer)
    {
        said.remove(oidc::DISCOVERY_URL.name);
    }
    said
}

/// Returns a path's keys, with the values of variables in their place.
fn path_object(tree: &ConfigTree<'_>, path: &WrittenPath<'_>, constants: &Variables<'_>) -> Object {
    let mut said = object(path.node);
    let own = by_name(&path.variables);
    for value in &path.mapping.values {
        let [section, list] = value.list.map(|key| key.name);
        let source = said.get_mut(section).and_then(|section| section.get_mut(list)?.get_mut(value.key));
        let named = |name: &str| own.get(name).or_else(|| constants.get(name));
        if let (Some(source), Some(variable)) = (source, value.variable().and_then(named)) {
            *source = variable.member.node.as_written();
        }
    }
    let settings = path.integration().map(|integration| &integration.settings);
    if let Some(Settings::Callback { response: Some(WrittenResponse::Unsaid), .. }) = settings
        && let Some(Value::Object(integration)) = said.get_mut(INTEGRATION.name)
    {
        let kind = if tree.session.is_some() { ResponseKind::Session } else { ResponseKind::Json };
        let key = &callback::RESPONSE;
        integration.insert(key.name.to_owned(), key.name_of(kind).into());
    }
    said
}

/// Constants by their names.
type Variables<'t> = HashMap<&'t str, &'t WrittenVariable<'t>>;

fn by_name<'t>(variables: &'t [WrittenVariable<'t>]) -> Variables<'t> {
    variables.iter().map(|variable| (variable.name, variable)).collect()
}

/// Returns by which keys a path names what the tokens for its upstream are requested for, with those of the server.
fn effective_target<'t>(
    tree: &'t ConfigTree<'t>,
    path: &'t WrittenPath<'t>,
) -> Option<[(&'static str, Option<Written<'t>>); 3]> {
    let Settings::HttpProxy { server, target, .. } = &path.integration()?.settings else { return None };
    let alias = as_written(&(*server)?)?;
    let server = tree.servers.iter().find(|one| one.alias.and_then(|alias| as_written(&alias)) == Some(alias))?;
    let target = target.or(server.token_target);
    Some([(AUDIENCE.name, target.audience), (RESOURCE.name, target.resource), (SCOPE.name, target.scope)])
}

/// Returns the name of a module without its file extension.
fn file_name(entrypoint: &str) -> &str {
    let name = module_name(entrypoint);
    [".mjs", ".ts", ".mts"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

fn normalised(url: &str) -> String {
    Address::parse(url).map_or_else(|| url.to_owned(), |address| address.as_str().to_owned())
}
