//! The `servers` section: the upstreams by name.

use super::address::{Scheme, read_url};
use super::document::Origin;
use super::key::section;
use super::reader::{Findings, NameIndex, ObjectReader, Place, Written, index_names, read_array, told};
use super::root;

/// How long an upstream may take to begin its answer unless the config says otherwise.
pub(super) const TIMEOUT_DEFAULT_MS: u32 = 30_000;

/// The longest that an upstream may be given.
pub(super) const TIMEOUT_MAX_MS: u32 = 600_000;

/// The most times that a request is made again.
pub(super) const RETRIES_MAX: u32 = 5;

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
    let place = root::SERVERS.at(root.place());
    let items = root.node(&root::SERVERS).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let mut servers: Vec<ReadServer> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        let place = Place::Index(&place, index);
        let Some(mut object) = ObjectReader::open(item, &place, findings) else { continue };
        let alias = object.text(&ALIAS, findings);
        object.allowed_warnings(findings);
        let targets = read_targets(&mut object, findings);
        let timeout_ms = object.integer(&TIMEOUT_MS, findings);
        let retries = object.integer(&RETRIES, findings);
        let strict_paths = object.boolean(&target::STRICT_PATHS, findings);
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
            timeout_ms,
            retries,
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
            findings.note(read.alias_offset, &ALIAS.at(&place), "duplicate_alias", message, help);
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
    if object.node(&URLS).is_none() {
        object.required(&URL, findings);
        let url = object.text(&URL, findings);
        return url.and_then(|written| read_target(&written, &URL.at(place), findings)).into_iter().collect();
    }
    if let Some(node) = object.node(&URL) {
        let message = "the server has a url and urls".to_owned();
        let help = told(|| "put all of them into \"urls\"".to_owned());
        findings.note(node.offset, &URL.at(place), "unused_key", message, help);
    }
    let place = URLS.at(place);
    let urls = object.texts(&URLS, findings);
    if let Some(node) = object.node(&URLS).filter(|_| urls.is_empty()) {
        findings.note(node.offset, &place, "empty_list", "the server has no address".to_owned(), None);
    }
    let urls = urls.iter().enumerate();
    urls.filter_map(|(index, written)| read_target(written, &Place::Index(&place, index), findings)).collect()
}

fn read_target(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Target> {
    let url = read_url(written, Scheme::HttpAllowed, place, findings)?;
    if url.query().is_some() {
        let message = "a server's URL has no query".to_owned();
        let help = told(|| "put it in a path's mapping.query".to_owned());
        findings.note(written.offset, place, "invalid_url", message, help);
    }
    Some(Target { origin: url.origin(), base_path: url.path().trim_end_matches('/').to_owned() })
}

section! {
    Section::new(
        "server",
        "servers",
        "An upstream: an API behind the gateway. It has either `url`, or several `urls` of which a later one stands in \
         for those before it that cannot be reached.",
    )
        .condition(object! {
            "if": object! { "required": list!["urls"] },
            "then": object! { "properties": object! { "url": absent("The server has urls, too: put all of them there.") } },
            "else": object! { "required": list!["url"], "properties": object! { "url": object! { "type": "string" } } },
        })
        .example(
            r#"{
                    "servers": [
                        { "alias": "api", "url": "$env.API_URL", "timeout_ms": 5000 },
                        { "alias": "search", "urls": ["https://a.example.com", "https://b.example.com"], "retries": 2 }
                    ],
                    "paths": [
                        { "method": "GET", "path": "/search", "integration": { "type": "http_proxy", "server": "search" } },
                        { "method": "ANY", "path": "/api/{.+}", "integration": { "type": "http_proxy", "server": "api" } }
                    ]
                }"#,
        );

    ALIAS: Text = text("alias", NotEmpty).required(), Elsewhere,
        "The name by which integrations call it. No two servers have the same.",
        example("api");
    URL: Text = text("url", ServerUrl), Elsewhere,
        "Its address: http or https, with an optional base path that stands before each forwarded path. No query, \
         fragment or credentials.",
        default_words("required without `urls`"), example("https://api.example.com/v1");
    URLS: Texts = texts("urls", ServerUrl), Elsewhere,
        "Several such addresses in place of `url`. If one cannot be reached, the next is asked.",
        shape(Shape::List(Box::new(Shape::Text(Form::ServerUrl)), 1)),
        example(list!["https://a.example.com", "https://b.example.com"]);
    TIMEOUT_MS: Integer = integer("timeout_ms", 1..=TIMEOUT_MAX_MS, TIMEOUT_DEFAULT_MS),
        Harmless("it says how long an answer is waited for"),
        "How many milliseconds the upstream may take to begin its answer; a body may take longer.",
        example(5_000_u32);
    RETRIES: Integer = integer("retries", 0..=RETRIES_MAX, 0), Harmless("only what changes nothing is sent again"),
        "How often a request is sent again where no address can be reached, or the answer is 502, 503 or 504. Only \
         requests without a body by `GET`, `HEAD`, `OPTIONS`, `PUT` or `DELETE` are.",
        example(2_u32);
    ..target::entries();
    ..[allow("this server")];
}

/// The key of whatever takes requests: an upstream, a module, another Worker.
pub(super) mod target {
    use super::section;

    section! {
        entries;

        STRICT_PATHS: Boolean = boolean("strict_paths"), Elsewhere,
            "Whether it takes each path as it is written: tells letter case and a last slash apart, decodes once, cuts and trims \
             nothing. Otherwise requests whose path it might take for that of a stricter route are refused.",
            example(true);
    }
}
