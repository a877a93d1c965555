//! What a config's file says: each section typed, each value with its place, before a name is looked up in another section.
//!
//! The tree is there in spite of mistakes, which the reader reports. What is wrong, and what is not known here because its
//! reference has no value, is `None` in it.

use super::access::NamedAuthorizers;
use super::authorization_server::{WrittenAuthorizationServer, read_authorization_server};
use super::authorizer::{WrittenAuthorizer, read_authorizers};
use super::cors::{Cors, read_cors};
use super::document::Node;
#[cfg(not(target_os = "unknown"))]
use super::document::Value;
use super::headers::{HeaderTexts, read_header_texts};
use super::host_only::HostOnly;
use super::mapping::{WrittenVariable, read_variables};
use super::networks::{Networks, read_networks};
use super::otlp::{Otlp, read_otlp};
use super::path::{WrittenPath, read_paths};
use super::protected_resource::{WrittenResource, read_protected_resource};
use super::reader::{Findings, ObjectReader, Place, Written};
use super::root;
use super::server::{WrittenServer, read_servers};
use super::service::{WrittenService, read_modules, read_workers};
use super::session::{WrittenSession, read_session};

/// A config as it is written.
#[derive(Clone)]
#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct ConfigTree<'n> {
    /// The upstreams.
    pub servers: Vec<WrittenServer<'n>>,
    /// The modules beside the gateway.
    pub modules: Vec<WrittenService<'n>>,
    /// The other Workers.
    pub workers: Vec<WrittenService<'n>>,
    /// The rule for other origins.
    pub cors: Option<Cors>,
    /// Whose tokens are accepted.
    pub authorizers: Vec<WrittenAuthorizer<'n>>,
    /// The constants for all paths.
    pub variables: Vec<WrittenVariable<'n>>,
    /// How sessions are kept for browsers.
    pub session: Option<WrittenSession<'n>>,
    /// The paths.
    pub paths: Vec<WrittenPath<'n>>,
    /// The gateway's own metadata for OAuth clients.
    pub protected_resource: Option<WrittenResource<'n>>,
    /// The gateway as the authorization server of clients that the provider does not know.
    pub authorization_server: Option<WrittenAuthorizationServer<'n>>,
    /// Where requests may come from.
    pub networks: Option<Networks>,
    /// Headers that every answer gets.
    pub headers: HeaderTexts,
    /// Whether answers say how long their parts took.
    pub server_timing: bool,
    /// The binding of the dataset that each answer is written to, and whether events are, too.
    pub analytics: (Option<Written<'n>>, bool),
    /// Where spans and measurements are sent.
    pub otlp: Option<Otlp>,
    /// Whether failures have the codes of SAG, if it had any.
    pub older_codes: bool,
    /// The path that a navigation is led to when it meets a problem.
    pub problem_page: Option<Written<'n>>,
    /// The codes of warnings that are not reported.
    pub allow: HostOnly<Vec<Written<'n>>>,
    /// The config.
    pub node: HostOnly<&'n Node<'n>>,
}

/// Reads a config whose references are resolved; `None` if it is not an object.
pub(super) fn read_tree<'n>(node: &'n Node<'n>, findings: &mut Findings<'_>) -> Option<ConfigTree<'n>> {
    let place = Place::Root;
    let mut root = ObjectReader::open(node, &place, findings)?;
    for about in [&root::SCHEMA, &root::TITLE, &root::DESCRIPTION] {
        root.text(about, findings);
    }
    let tree = ConfigTree {
        allow: root.allowed_warnings(findings),
        servers: read_servers(&mut root, findings),
        modules: read_modules(&mut root, findings),
        workers: read_workers(&mut root, findings),
        cors: read_cors(&mut root, &root::CORS, findings),
        authorizers: read_authorizers(&mut root, findings),
        variables: read_variables(&mut root, &root::VARIABLES, findings),
        session: read_session(&mut root, findings),
        paths: read_paths(&mut root, findings),
        protected_resource: read_protected_resource(&mut root, findings),
        authorization_server: read_authorization_server(&mut root, findings),
        networks: read_networks(&mut root, &root::IP, findings),
        headers: read_header_texts(&mut root, &root::HEADERS, findings),
        server_timing: root.boolean(&root::SERVER_TIMING, findings),
        analytics: read_analytics(&mut root, findings),
        otlp: read_otlp(&mut root, findings),
        older_codes: root.boolean(&root::OLDER_CODES, findings),
        problem_page: root.text(&root::PROBLEM_PAGE, findings),
        node: HostOnly::of(|| node),
    };
    root.finish(findings);
    Some(tree)
}

/// Reads the binding in `analytics`, and whether events are written to it.
fn read_analytics<'n>(root: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> (Option<Written<'n>>, bool) {
    let Some(node) = root.node(&root::ANALYTICS) else { return (None, false) };
    let place = root::ANALYTICS.at(root.place());
    let Some(mut object) = ObjectReader::open(node, &place, findings) else { return (None, false) };
    let binding = object.text(&root::analytics::BINDING, findings);
    let counts_events = object.boolean(&root::analytics::EVENTS, findings);
    object.finish(findings);
    (binding, counts_events)
}

impl ConfigTree<'_> {
    /// Checks whether the authorizer of a name opens a path, as far as that is known here.
    pub fn may_open(&self, authorizer: &str, path: &WrittenPath<'_>) -> bool {
        match path.access.as_ref().map(|access| &access.authorizers) {
            Some(NamedAuthorizers::First) => self.authorizers.first().is_some_and(|first| first.name == authorizer),
            Some(NamedAuthorizers::Named { names, .. }) => {
                names.iter().any(|name| name.value().is_none_or(|name| name == authorizer))
            }
            Some(NamedAuthorizers::Unreadable) | None => false,
        }
    }
}

#[cfg(not(target_os = "unknown"))]
impl<'n> ConfigTree<'n> {
    /// Yields the metadata for OAuth clients: the gateway's own, and that of resources at paths, each with its path.
    pub fn protected_resources(&self) -> impl Iterator<Item = (Option<&WrittenPath<'n>>, &WrittenResource<'n>)> {
        let of_paths = self.paths.iter().filter_map(|path| Some((Some(path), path.protected_resource.as_ref()?)));
        self.protected_resource.iter().map(|own| (None, own)).chain(of_paths)
    }

    /// Passes to `see` the place of the value at a byte offset; for a key, the place of its value.
    pub fn place_of(&self, offset: usize, see: &mut dyn FnMut(&Place<'_>)) {
        descend(&self.node, offset, &Place::Root, see);
    }
}

#[cfg(not(target_os = "unknown"))]
fn descend(node: &Node<'_>, offset: usize, place: &Place<'_>, see: &mut dyn FnMut(&Place<'_>)) {
    match &node.value {
        Value::Object(members) if offset > node.offset => {
            // Not all of them need be in the order of the file: defaults that were added come last.
            let before = members.iter().filter(|member| member.key_offset <= offset);
            match before.max_by_key(|member| member.key_offset) {
                Some(member) => descend(&member.node, offset, &Place::Key(place, &member.key), see),
                None => see(place),
            }
        }
        Value::Array(items) if offset > node.offset => {
            let after = items.partition_point(|item| item.offset <= offset);
            match after.checked_sub(1).and_then(|index| Some((index, items.get(index)?))) {
                Some((index, item)) => descend(item, offset, &Place::Index(place, index), see),
                None => see(place),
            }
        }
        _ => see(place),
    }
}
