//! The `servers` section: the upstreams by name.

use crate::config::code::Code;
use std::rc::Rc;

use super::address::{Scheme, read_url};
use super::document::{Node, Origin};
use super::host_only::HostOnly;
use super::reader::{Findings, Help, ObjectReader, Place, Written, advice, index_names, read_array};
use super::root;
use super::section::section;
use super::token_target::{WrittenTarget, read_token_target};

/// How long an upstream may take to begin its answer, by default.
pub(super) const TIMEOUT_DEFAULT_MS: u32 = 30_000;

/// The longest time that an upstream may be given.
pub(super) const TIMEOUT_MAX_MS: u32 = 600_000;

/// How often a request may be sent again.
pub(super) const RETRIES_MAX: u32 = 5;

/// An upstream.
pub struct Server {
    /// Its addresses.
    pub targets: Targets,
    /// The same, one a line.
    pub addresses: String,
    /// How long it may take to begin its answer.
    pub timeout_ms: u32,
    /// How often a request that may be repeated is sent again.
    pub retries: u32,
}

/// The addresses of an upstream, of which there is at least one.
pub struct Targets {
    /// The one that is called first.
    pub first: Target,
    /// The others, each of which is called if those before it cannot be reached.
    pub others: Vec<Target>,
}

impl Targets {
    fn of(targets: Vec<Target>) -> Option<Self> {
        let mut targets = targets.into_iter();
        Some(Self { first: targets.next()?, others: targets.collect() })
    }

    /// Returns all of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Target> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// An address of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Scheme, host and port, without a slash at the end.
    pub origin: String,
    /// The base path before each forwarded path: empty, or `/` and more, without a slash at the end.
    pub base_path: String,
}

/// An entry of the section.
#[derive(Clone)]
#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct WrittenServer<'n> {
    /// Its place in the section.
    pub index: usize,
    /// The name by which integrations call it.
    pub alias: Option<Written<'n>>,
    /// The upstream; `None` if an address is wrong or not known here.
    pub server: Option<Rc<Server>>,
    /// Whether it reads each path as it is written, so that none can be read as another.
    pub strict_paths: bool,
    /// What the access tokens that it gets are requested for.
    pub token_target: WrittenTarget<'n>,
    /// Its addresses.
    pub urls: HostOnly<Vec<Written<'n>>>,
    /// The codes of warnings that are not reported for it.
    pub allow: HostOnly<Vec<Written<'n>>>,
}

impl WrittenServer<'_> {
    /// Returns the alias; an empty text if there is none, or it is not known here.
    pub fn name(&self) -> &str {
        self.alias.and_then(|alias| alias.value()).unwrap_or_default()
    }
}

/// Reads the section; returns no entries if the file has none.
pub(super) fn read_servers<'n>(root: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> Vec<WrittenServer<'n>> {
    let place = root::SERVERS.at(root.place());
    let items = root.node(&root::SERVERS).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let mut servers: Vec<WrittenServer<'n>> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        servers.extend(read_server(item, index, &Place::Index(&place, index), findings));
    }
    note_second_servers(&servers, &place, findings);
    servers
}

fn read_server<'n>(
    node: &'n Node<'n>,
    index: usize,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenServer<'n>> {
    let mut object = ObjectReader::open(node, place, findings)?;
    let alias = object.text(&ALIAS, findings);
    let allow = object.allowed_warnings(findings);
    let urls = read_urls(&mut object, findings);
    let timeout_ms = object.integer(&TIMEOUT_MS, findings);
    let retries = object.integer(&RETRIES, findings);
    let strict_paths = object.boolean(&target::STRICT_PATHS, findings);
    let token_target = read_token_target(&mut object, false, findings);
    object.finish(findings);

    let (urls, targets): (Vec<_>, Vec<_>) = urls.into_iter().unzip();
    let server = targets.into_iter().collect::<Option<Vec<_>>>().and_then(Targets::of).map(|targets| {
        let addresses: Vec<_> = targets.iter().map(|target| [&*target.origin, &target.base_path].concat()).collect();
        Rc::new(Server { targets, addresses: addresses.join("\n"), timeout_ms, retries })
    });
    let urls = HostOnly::of(|| urls);
    Some(WrittenServer { index, alias, server, strict_paths, token_target, urls, allow })
}

/// Reports each server whose alias another has before it.
fn note_second_servers(servers: &[WrittenServer<'_>], section: &Place<'_>, findings: &mut Findings<'_>) {
    let names = index_names(servers.iter().map(WrittenServer::name));
    for (at, server) in servers.iter().enumerate() {
        let Some(alias) = server.alias else { continue };
        let first = names.get(server.name()).filter(|first| *first != at).and_then(|first| servers.get(first)?.alias);
        if let Some(first) = first.filter(|_| !findings.is_full()) {
            let (line, column) = findings.locate(first.offset);
            let shown = if alias.text.origin == Origin::File { server.name() } else { "[variable]" };
            let message = format_args!("another server is called \"{shown}\"; the first at {line}:{column}");
            let help = advice("give one of them another alias");
            let place = Place::Index(section, server.index);
            findings.note(alias.offset, &ALIAS.at(&place), Code::DuplicateAlias, message, help);
        }
    }
}

/// Reads `url`, or the list `urls`: each text, and the address that it is.
fn read_urls<'n>(object: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> Vec<(Written<'n>, Option<Target>)> {
    let place = object.place();
    if object.node(&URLS).is_none() {
        object.required(&URL, findings);
        let url = object.text(&URL, findings).into_iter();
        return url.map(|url| (url, read_target(&url, &URL.at(place), findings))).collect();
    }
    if let Some(node) = object.node(&URL) {
        let message = format_args!("the server has a url and urls");
        let help = advice("put all of them into \"urls\"");
        findings.note(node.offset, &URL.at(place), Code::UnusedKey, message, help);
    }
    let place = URLS.at(place);
    let urls = object.texts(&URLS, findings);
    if let Some(node) = object.node(&URLS).filter(|_| urls.is_empty()) {
        findings.note(node.offset, &place, Code::EmptyList, format_args!("the server has no address"), Help::default());
    }
    let urls = urls.into_iter().enumerate();
    urls.map(|(index, url)| (url, read_target(&url, &Place::Index(&place, index), findings))).collect()
}

fn read_target(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Target> {
    let url = read_url(written, Scheme::HttpAllowed, place, findings)?;
    if url.query().is_some() {
        let message = format_args!("a server's URL has no query");
        let help = advice("put it in a path's mapping.query");
        findings.note(written.offset, place, Code::InvalidUrl, message, help);
    }
    Some(Target { origin: url.origin(), base_path: url.path().trim_end_matches('/').to_owned() })
}

section! {
    Section::new(
        "server",
        "servers",
        "An upstream: an API behind the gateway. It has either `url`, or several `urls`: if one cannot be reached, the \
         next is called.",
    )
        .condition(object! {
            "if": present(&URLS),
            "then": with(&URL, absent("The server has urls, too: put all of them there.")),
            "else": having(&URL, object! { "type": "string" }),
        })
        .condition(super::token_target::scope_condition())
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
        "The name by which integrations refer to it. No two servers have the same.",
        example("api");
    URL: Text = text("url", ServerUrl), Elsewhere,
        "Its address: http or https, with an optional base path before each forwarded path. No query, \
         fragment or credentials.",
        default_words("required without `urls`"), example("https://api.example.com/v1");
    URLS: Texts = texts("urls", ServerUrl), Elsewhere,
        "Several such addresses instead of `url`. If one cannot be reached, the next is called.",
        shape(Shape::List(Box::new(Shape::Text(Form::ServerUrl)), 1)),
        example(list!["https://a.example.com", "https://b.example.com"]);
    TIMEOUT_MS: Integer = integer("timeout_ms", 1..=TIMEOUT_MAX_MS, TIMEOUT_DEFAULT_MS),
        Harmless("it limits how long the gateway waits for a response"),
        "How many milliseconds the upstream may take to begin its answer. Sending the request counts, its body included; the answer's body may take longer.",
        example(5_000_u32);
    RETRIES: Integer = integer("retries", 0..=RETRIES_MAX, 0), Harmless("the gateway retries only requests that change nothing"),
        "How often a request is sent again if no address can be reached, or the answer is 502, 503 or 504. Only \
         requests without a body by `GET`, `HEAD`, `OPTIONS`, `PUT` or `DELETE` are.",
        example(2_u32);
    ..target::entries();
    ..super::token_target::entries_of_server();
    ..[allow("this server")];
}

/// The key of whatever takes requests: an upstream, a module, another Worker.
pub(crate) mod target {
    use super::section;

    section! {
        entries;

        STRICT_PATHS: Boolean = boolean("strict_paths"), Elsewhere,
            "Whether it reads each path as it is written: distinguishes letter case and a last slash, decodes once, \
             cuts and trims nothing. Otherwise the gateway refuses requests whose path might be read as that of a \
             stricter route.",
            example(true);
    }
}
