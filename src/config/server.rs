//! The `servers` section: the upstreams by name.

use crate::config::code::Code;
use std::rc::Rc;

use super::address::{Scheme, read_url};
use super::document::{Node, Origin, Value};
use super::host_only::HostOnly;
use super::reader::{Findings, ObjectReader, Place, Written, advice, index_names, read_array, read_text};
use super::root;
use super::section::section;
use super::token_target::{Holder, WrittenTarget, read_token_target};
use super::upstream_token::{UpstreamToken, WrittenGrant, read_upstream_token};
use crate::http::header::is_token;
use crate::split::without_last;

/// How long an upstream may take to begin its answer, by default.
pub(super) const TIMEOUT_DEFAULT_MS: u32 = 30_000;

/// The longest time that an upstream may be given.
pub(super) const TIMEOUT_MAX_MS: u32 = 600_000;

/// How often a request may be sent again.
pub(super) const RETRIES_MAX: u32 = 5;

/// The largest weight of an address.
pub(super) const WEIGHT_MAX: u32 = 1_000;

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
    /// The token that it gets in place of the caller's.
    pub token: Option<Rc<UpstreamToken>>,
    /// The header that tells callers without a user apart, if it is sent.
    pub sticky_header: Option<String>,
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

    /// Checks whether each caller has its address among them.
    pub fn are_weighted(&self) -> bool {
        self.first.weight > 0
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
    /// Its share of the callers, in proportion to those of the others; 0 if none of them has one.
    pub weight: u32,
}

/// An entry of the section.
#[derive(Clone)]
#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct WrittenServer<'n> {
    /// Its place in the section.
    pub index: usize,
    /// The name by which integrations call it.
    pub alias: Option<Written<'n>>,
    /// The upstream; `None` if a part of it is wrong or not known here.
    pub server: Option<Rc<Server>>,
    /// How the gateway gets the token that it sends there, if it does.
    pub grant: HostOnly<Option<WrittenGrant<'n>>>,
    /// Whether it reads each path as it is written, so that none can be read as another.
    pub strict_paths: bool,
    /// What the access tokens that it gets are requested for.
    pub token_target: WrittenTarget<'n>,
    /// Its addresses that get requests.
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
    let (urls, are_weighted) = read_urls(&mut object, findings);
    let timeout_ms = object.integer(&TIMEOUT_MS, findings);
    let retries = object.integer(&RETRIES, findings);
    let sticky_header = read_sticky_header(&mut object, are_weighted, findings);
    let strict_paths = object.boolean(&target::STRICT_PATHS, findings);
    let mut token_target = read_token_target(&mut object, Holder::Session, findings);
    let (grant, token) = match object.node(&AUTHORIZATION) {
        None => (HostOnly::default(), Some(None)),
        Some(node) => {
            #[cfg(not(target_os = "unknown"))]
            if let Some((key, written)) = token_target.first() {
                let message = format_args!("\"{key}\" has no effect beside \"{}\"", AUTHORIZATION.name);
                let help = advice("write it there, if the gateway's own token is for that");
                findings.note(written.offset, &Place::Key(place, key), Code::UnusedKey, message, help);
            }
            token_target = WrittenTarget::default();
            let (grant, token) = read_upstream_token(node, &AUTHORIZATION.at(place), findings);
            (grant, token.map(|token| Some(Rc::new(token))))
        }
    };
    object.finish(findings);

    let (urls, targets): (Vec<_>, Vec<_>) = urls.into_iter().unzip();
    let targets = targets.into_iter().collect::<Option<Vec<_>>>().and_then(Targets::of);
    let server = targets.zip(token).map(|(targets, token)| {
        let addresses: Vec<_> = targets.iter().map(|target| [&*target.origin, &target.base_path].concat()).collect();
        Rc::new(Server { targets, addresses: addresses.join("\n"), timeout_ms, retries, sticky_header, token })
    });
    let urls = HostOnly::of(|| urls);
    Some(WrittenServer { index, alias, server, grant, strict_paths, token_target, urls, allow })
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

/// Addresses that get requests: each text, and the address that it is.
type WrittenTargets<'n> = Vec<(Written<'n>, Option<Target>)>;

/// Reads `url`, or the list `urls`; returns the addresses, and whether they have weights.
fn read_urls<'n>(object: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> (WrittenTargets<'n>, bool) {
    let (place, mut urls, mut drained) = (object.place(), Vec::new(), 0);
    let Some(node) = object.node(&URLS) else {
        object.required(&URL, findings);
        let url = object.text(&URL, findings);
        urls.extend(url.map(|url| (url, read_target(&url, 0, &URL.at(place), findings))));
        return (urls, false);
    };
    if let Some(node) = object.node(&URL) {
        let message = format_args!("the server has a url and urls");
        let help = advice("put all of them into \"urls\"");
        findings.note(node.offset, &URL.at(place), Code::UnusedKey, message, help);
    }
    let place = URLS.at(place);
    let items = read_array(node, &place, findings);
    // Of an address without a weight beside others nobody knows how much it gets.
    let are_weighted = items.iter().any(|item| matches!(item.value, Value::Object(_)));
    for (index, item) in items.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        let place = Place::Index(&place, index);
        if !are_weighted {
            let url = read_text(item, &place, findings);
            urls.extend(url.map(|url| (url, read_target(&url, 0, &place, findings))));
        } else if let Some((url, weight)) = read_weighted(item, &place, findings) {
            let target = read_target(&url, weight, &weighted_url::URL.at(&place), findings);
            #[cfg(not(target_os = "unknown"))]
            note_repeated(&url, target.as_ref(), &urls, &place, findings);
            if weight > 0 {
                urls.push((url, target));
            } else {
                drained += 1;
            }
        }
    }
    if drained == items.len() {
        let message = format_args!("the server has no address that gets requests");
        let help = advice("give an address a weight above 0, or add one");
        findings.note(node.offset, &place, Code::EmptyList, message, help);
    }
    (urls, are_weighted)
}

fn read_weighted<'n>(node: &'n Node<'n>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<(Written<'n>, u32)> {
    let mut object = ObjectReader::open(node, place, findings)?;
    let url = object.text(&weighted_url::URL, findings);
    let weight = object.limit(&weighted_url::WEIGHT, findings);
    object.finish(findings);
    url.zip(weight)
}

/// Reports an address that another entry has: the two would draw the same callers.
#[cfg(not(target_os = "unknown"))]
fn note_repeated(
    url: &Written<'_>,
    target: Option<&Target>,
    before: &WrittenTargets<'_>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) {
    let is_same = |own: &Target, other: &Target| (&own.origin, &own.base_path) == (&other.origin, &other.base_path);
    let mut others = before.iter().filter_map(|(_, other)| other.as_ref());
    if target.is_some_and(|own| others.any(|other| is_same(own, other))) {
        let message = format_args!("the address is in the list already");
        findings.note(url.offset, place, Code::DuplicateAlias, message, advice("add its weight to that of the other"));
    }
}

fn read_sticky_header(
    object: &mut ObjectReader<'_, '_>,
    are_weighted: bool,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let written = object.text(&STICKY_HEADER, findings)?;
    let name = written.value()?;
    let (code, wrong, help) = if !are_weighted {
        (Code::UnusedKey, "has no effect without weights", "give each of \"urls\" a weight, or remove it")
    } else if !is_token(name) {
        (Code::InvalidName, "is not a header name", "write the name of one header, as in x-device")
    } else {
        return Some(name.to_ascii_lowercase());
    };
    findings.refuse(&written, &STICKY_HEADER.at(object.place()), code, wrong, advice(help));
    None
}

fn read_target(written: &Written<'_>, weight: u32, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Target> {
    let url = read_url(written, Scheme::HttpAllowed, place, findings)?;
    if url.query().is_some() {
        let message = format_args!("a server's URL has no query");
        let help = advice("put it in a path's mapping.query");
        findings.note(written.offset, place, Code::InvalidUrl, message, help);
    }
    Some(Target { origin: url.origin(), base_path: without_last(url.path(), b'/').to_owned(), weight })
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
        .condition(object! {
            "if": having(&URLS, object! { "contains": object! { "type": "object" } }),
            "else": with(&STICKY_HEADER, absent("Only addresses with weights tell callers apart.")),
        })
        .condition(wherever(
            "the token is the gateway's own or a session's",
            present(&AUTHORIZATION),
            super::token_target::without_target("It has no effect beside \"authorization\": write it there."),
        ))
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
    URLS: Value = value("urls"), Elsewhere,
        "Several such addresses instead of `url`. If one cannot be reached, the next is called. With weights, each gets \
         its share of the callers, see [urls](#urls).",
        shape(Shape::Either(vec![
            Shape::List(Box::new(Shape::Text(Form::ServerUrl)), 1),
            Shape::List(Box::new(Shape::Section("weighted_url")), 1),
        ])),
        example(list!["https://a.example.com", "https://b.example.com"]);
    STICKY_HEADER: Text = text("sticky_header", Token), Harmless("every address is named, whoever is sent to it"),
        "The header that tells callers apart who show no token or session with a `sub`. Only with weights.",
        default_words("the client's address"), example("x-device");
    TIMEOUT_MS: Integer = integer("timeout_ms", 1..=TIMEOUT_MAX_MS, TIMEOUT_DEFAULT_MS),
        Harmless("it limits how long the gateway waits for a response"),
        "How many milliseconds the upstream may take to begin its answer. Sending the request counts, its body included; the answer's body may take longer.",
        example(5_000_u32);
    RETRIES: Integer = integer("retries", 0..=RETRIES_MAX, 0), Harmless("the gateway retries only requests that change nothing"),
        "How often a request is sent again if no address can be reached, or the answer is 502, 503 or 504. Only \
         requests without a body by `GET`, `HEAD`, `OPTIONS`, `PUT` or `DELETE` are.",
        example(2_u32);
    AUTHORIZATION: Value = value("authorization"), Elsewhere,
        "The token that the gateway requests for the upstream, which then does not get the client's. See \
         [authorization](#authorization).",
        shape(Shape::Section("authorization")),
        example(object! {
            "grant": "client_credentials",
            "token_endpoint": "https://id.example.com/oauth/token",
            "client_id": "$env.BILLING_CLIENT_ID",
            "client_secret": "$secret.BILLING_CLIENT_SECRET",
            "audience": "https://billing.example.com",
        });
    ..target::entries();
    ..super::token_target::entries_of_server();
    ..[allow("this server")];
}

/// The keys of an address with a weight.
pub(crate) mod weighted_url {
    use super::*;

    section! {
        Section::new(
            "weighted_url",
            "urls",
            "An address that gets a share of the callers. A caller stays at its address as long as the weights stay; if one \
             grows, callers only move to it, if it shrinks, only away from it. If the address cannot be reached, its callers go to \
             the others. If one address has a weight, all need one.",
        )
            .example(
                r#"{
                        "servers": [
                            {
                                "alias": "api",
                                "urls": [
                                    { "url": "https://api.example.com", "weight": 95 },
                                    { "url": "https://canary.example.com", "weight": 5 }
                                ]
                            }
                        ],
                        "paths": [
                            { "method": "ANY", "path": "/api/{.+}", "integration": { "type": "http_proxy", "server": "api" } }
                        ]
                    }"#,
            );

        URL: Text = text("url", ServerUrl).required(), Elsewhere,
            "The address, as `url` of a server.",
            example("https://canary.example.com");
        WEIGHT: Limit = limit("weight", 0..=WEIGHT_MAX).required(), Elsewhere,
            "Its share, in proportion to the weights of the others. With 0 it gets no requests at all.",
            example(5_u32);
    }
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
