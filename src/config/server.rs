//! The `servers` section: the upstreams by name.

use super::address::{Scheme, read_url};
use super::code::Code;
use super::document::Origin;
use super::reader::{Findings, NameIndex, ObjectReader, Place, Written, index_names, note_if_empty, read_array, told};

/// How long an upstream may take to begin its answer unless the config says otherwise.
pub(super) const TIMEOUT_DEFAULT_MS: u64 = 30_000;

/// The longest that an upstream may be given.
pub(super) const TIMEOUT_MAX_MS: u64 = 600_000;

/// The most times that a request is made again.
pub(super) const RETRIES_MAX: u64 = 5;

/// An upstream, at one address or several.
#[derive(Clone)]
pub struct Server {
    /// The name by which integrations call it.
    pub alias: String,
    /// Its addresses; a later one stands in for those before it that cannot be reached.
    pub targets: Vec<Target>,
    /// The same, one a line.
    pub addresses: String,
    /// How long it may take to begin its answer.
    pub timeout_ms: u32,
    /// How often a request that may be repeated is made again.
    pub retries: u32,
    /// Whether it takes each path as it is written, so that none can stand for another.
    pub strict_paths: bool,
}

/// An address of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Scheme, host and port, without a slash at the end.
    pub origin: String,
    /// What stands before each forwarded path; empty, or `/` and more without a slash at the end.
    pub base_path: String,
}

/// A server, and what messages need of its alias.
pub(super) struct ReadServer {
    pub server: Server,
    /// Its place in the section.
    index: usize,
    alias_offset: usize,
    /// Whether the alias is known here, which one from a binding need not be.
    pub alias_known: bool,
    /// Whether the alias stands in the file, so that messages may show it.
    pub alias_in_file: bool,
}

/// Reads the section; none where the file has none.
pub(super) fn read_servers(root: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Vec<ReadServer> {
    let place = Place::Key(root.place(), "servers");
    let items = root.node("servers").map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let mut servers: Vec<ReadServer> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        let place = Place::Index(&place, index);
        let Some(mut object) = ObjectReader::open(item, &place, findings) else { continue };
        let alias = object.required_text("alias", findings);
        note_if_empty(alias.as_ref(), &Place::Key(&place, "alias"), findings);
        object.allowed_warnings(findings);
        let targets = read_targets(&mut object, findings);
        let timeout_ms = object.integer("timeout_ms", 1..=TIMEOUT_MAX_MS, TIMEOUT_DEFAULT_MS, findings);
        let retries = object.integer("retries", 0..=RETRIES_MAX, 0, findings);
        let strict_paths = object.boolean("strict_paths", false, findings);
        object.finish(findings);

        let Some(alias) = alias else { continue };
        let alias_known = alias.value().is_some();
        let name = alias.value().unwrap_or_default();
        // A URL that is wrong or unknown leaves an entry all the same, so that the paths that name it are not blamed.
        let addresses: Vec<_> = targets.iter().map(|target| [&*target.origin, &target.base_path].concat()).collect();
        let server = Server {
            alias: name.to_owned(),
            targets,
            addresses: addresses.join("\n"),
            timeout_ms: u32::try_from(timeout_ms).unwrap_or(u32::MAX),
            retries: u32::try_from(retries).unwrap_or(0),
            strict_paths,
        };
        let alias_in_file = alias.text.origin == Origin::File;
        servers.push(ReadServer { server, index, alias_offset: alias.offset, alias_known, alias_in_file });
    }
    note_second_servers(&servers, &place, findings);
    servers
}

/// Notes each server whose alias another has before it.
fn note_second_servers(servers: &[ReadServer], section: &Place<'_>, findings: &mut Findings<'_>) {
    let names = index_servers(servers);
    for (at, read) in servers.iter().enumerate() {
        let first = names.get(read.server.alias.as_str()).filter(|first| **first != at);
        if let Some(first) = first.and_then(|first| servers.get(*first)).filter(|_| !findings.is_full()) {
            let (line, column) = findings.locate(first.alias_offset);
            let alias = if read.alias_in_file { read.server.alias.as_str() } else { "[variable]" };
            let message = format!("a second server is called \"{alias}\"; the first at {line}:{column}");
            let help = told(|| "give one of them another alias".to_owned());
            let place = Place::Index(section, read.index);
            findings.note(read.alias_offset, &Place::Key(&place, "alias"), Code::DuplicateAlias, message, help);
        }
    }
}

/// Gives the place of each server whose alias is known here.
pub(super) fn index_servers(servers: &[ReadServer]) -> NameIndex<'_> {
    index_names(servers.iter().map(|read| if read.alias_known { read.server.alias.as_str() } else { "" }))
}

/// Reads `url`, or the list `urls`.
fn read_targets(object: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Vec<Target> {
    let place = object.place();
    if object.node("urls").is_none() {
        let url = object.required_text("url", findings);
        return url
            .and_then(|written| read_target(&written, &Place::Key(place, "url"), findings))
            .into_iter()
            .collect();
    }
    if let Some(node) = object.node("url") {
        let message = "the server has a url and urls".to_owned();
        let help = told(|| "put all of them into \"urls\"".to_owned());
        findings.note(node.offset, &Place::Key(place, "url"), Code::UnusedKey, message, help);
    }
    let place = Place::Key(place, "urls");
    let urls = object.texts("urls", findings);
    if let Some(node) = object.node("urls").filter(|_| urls.is_empty()) {
        findings.note(node.offset, &place, Code::EmptyList, "the server has no address".to_owned(), None);
    }
    let urls = urls.iter().enumerate();
    urls.filter_map(|(index, written)| read_target(written, &Place::Index(&place, index), findings)).collect()
}

fn read_target(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Target> {
    let url = read_url(written, Scheme::HttpAllowed, place, findings)?;
    if url.query().is_some() {
        let message = "a server's URL has no query".to_owned();
        let help = told(|| "put it in a path's mapping.query".to_owned());
        findings.note(written.offset, place, Code::InvalidUrl, message, help);
    }
    Some(Target { origin: url.origin(), base_path: url.path().trim_end_matches('/').to_owned() })
}
