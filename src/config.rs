//! Text to a validated [`Config`].
//!
//! Reading has three steps: text to tree (`document`), references to values (`reference`), tree to types (one file a
//! section). Every mistake is told at once, each with its place. This module does no I/O and knows no request.

mod access;
mod address;
#[cfg(test)]
mod asked;
mod authorizer;
mod code;
mod cors;
mod diagnostic;
pub(crate) mod document;
mod fixed;
mod guard;
mod headers;
mod integration;
mod mapping;
mod networks;
mod older;
mod path;
mod protected_resource;
mod provider;
pub(crate) mod reader;
mod reference;
mod rules;
#[cfg(not(target_arch = "wasm32"))]
pub mod schema;
mod server;
mod service;
mod session;

use std::fmt;

pub use access::Access;
pub use authorizer::{Authorizer, CLOCK_SKEW_DEFAULT_SECS, KeySource, TokenRules};
pub use code::Code;
pub use cors::{AllowedOrigins, Cors, ListedOrigin};
#[cfg(not(target_arch = "wasm32"))]
pub use diagnostic::LineIndex;
pub use diagnostic::{Diagnostic, Severity};
pub use fixed::{Fixed, LocationPart, Redirect};
pub use headers::{HeaderRules, HeaderTexts};
pub use integration::{CallbackResponse, Integration, Login, Supabase, SupabaseStep};
pub use mapping::{Mapping, Source};
pub use networks::Networks;
pub use path::Path;
pub use protected_resource::ProtectedResource;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use protected_resource::protected_resource_path;
pub use provider::{Endpoints, Provider};
pub use reference::{Binding, Bindings, Reference, ReferenceKind, UnknownBindings, holds_reference};
pub use rules::{Cache, RateKey, RateLimit, Rules};
pub use server::{Server, Target};
pub use service::Rpc;
pub use session::{BINDING_COOKIE, Session};

use crate::http::header::COMMON_HEADERS;
use crate::route::RouteTable;
use document::parse_document;
use path::ReadPath;
use reader::{Findings, ObjectReader, Place, index_names, told};
use reference::{collect_references, resolve_references};
use service::Services;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use {
    authorizer::{ONLY_AUTHORIZER, SECRET_MIN_BYTES},
    diagnostic::nearest,
    networks::Network,
    reference::walk_references,
    rules::PERIOD_DEFAULT_SECS as RATE_PERIOD_DEFAULT_SECS,
    service::module_name,
};

/// A gateway config in which everything is known, checked and compiled.
///
/// Any text of it may be the value of a secret, so neither it nor its parts show one in `Debug`.
pub struct Config {
    /// The upstreams, in the order of the file.
    pub servers: Vec<Server>,
    /// The rule for other origins; without one no CORS header is sent.
    pub cors: Option<Cors>,
    /// Whose tokens are believed, in the order of the file.
    pub authorizers: Vec<Authorizer>,
    /// How logins are held for browsers; without it every client holds its tokens itself.
    pub session: Option<Session>,
    /// What OAuth clients are told of the gateway, where they are.
    pub protected_resource: Option<ProtectedResource>,
    /// Where requests may come from; anywhere without it.
    pub networks: Option<Networks>,
    /// Headers that every answer gets.
    pub headers: HeaderTexts,
    /// Whether answers say how long their parts took.
    pub server_timing: bool,
    /// The path that a navigation is led to where it meets a problem; without one it gets a page of the gateway's.
    pub problem_page: Option<String>,
    /// Whether failures are called by the codes of SAG where that had any.
    pub older_codes: bool,
    /// The binding of the Analytics Engine dataset that each answer is written to.
    pub analytics: Option<String>,
    /// The paths, in the order of the file; behind them those that come from other sections.
    pub paths: Vec<Path>,
    /// Finds the index in `paths` for a request.
    pub routes: RouteTable,
    /// Lower-case names of the headers that a mapping of any path sets, in any order: no client may send them to an upstream.
    pub asserted_headers: Vec<String>,
}

impl Config {
    /// Gives the address at which people begin a login, where there is one.
    pub fn login_path(&self) -> Option<&str> {
        let of_session = self.session.as_ref().map(|session| session.login_path.as_str());
        of_session.or_else(|| self.paths.iter().find_map(Path::begins_login))
    }

    /// Tells whether the provider can end sessions here, so that they must be found by user.
    pub fn has_backchannel_logout(&self) -> bool {
        self.paths.iter().any(|path| matches!(path.integration, Integration::BackchannelLogout))
    }

    /// Tells whether a client may hold a refresh token of the application: where logins end in sessions alone, none does.
    pub fn gives_refresh_tokens(&self) -> bool {
        let gives = |path: &Path| match &path.integration {
            Integration::Callback { response, .. } => *response != CallbackResponse::Session,
            _ => false,
        };
        self.session.is_none() || self.paths.iter().any(gives)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (servers, paths) = (self.servers.len(), self.paths.len());
        f.debug_struct("Config").field("servers", &servers).field("paths", &paths).finish_non_exhaustive()
    }
}

/// Reads a config and resolves its references.
///
/// # Errors
/// Every mistake in the file, in its order.
pub fn load(source: &str, bindings: &dyn Bindings) -> Result<Config, Vec<Diagnostic>> {
    let source = without_mark(source);
    load_tree(source, parse_tree(source)?, bindings)
}

/// Gives the tree of a text without a mark, with what configs of the older gateway leave unsaid.
fn parse_tree(source: &str) -> Result<document::Node<'_>, Vec<Diagnostic>> {
    match parse_document(source) {
        Ok(mut root) => {
            older::fill_in(&mut root);
            Ok(root)
        }
        Err(error) => {
            let mut findings = Findings::new(source);
            let words = syntax_words(source, error.offset);
            let message = words.map_or(error.message, |(message, _)| message.to_owned());
            let help = words.map(|(_, help)| help.to_owned());
            findings.note(error.offset, &Place::Root, Code::InvalidJson, message, help);
            Err(findings.into_diagnostics())
        }
    }
}

fn load_tree(source: &str, mut root: document::Node<'_>, bindings: &dyn Bindings) -> Result<Config, Vec<Diagnostic>> {
    let mut findings = Findings::new(source);
    let place = Place::Root;
    resolve_references(&mut root, &place, bindings, &mut findings);
    let config = ObjectReader::open(&root, &place, &mut findings).and_then(|object| read_root(object, &mut findings));
    match config {
        Some(config) if findings.is_empty() => Ok(config),
        _ => Err(findings.into_diagnostics()),
    }
}

/// Reads a config away from its bindings and tells its mistakes, without warnings; a reference is taken to have a fitting value.
pub fn check(source: &str) -> Vec<Diagnostic> {
    load(source, &UnknownBindings).err().unwrap_or_default()
}

/// Gives the bindings that a config refers to; none where the text is no JSON.
pub fn references(source: &str) -> Vec<Reference> {
    parse_tree(without_mark(source)).map(|root| collect_references(&root)).unwrap_or_default()
}

/// Gives the rules for each authorizer's tokens, in the order of the file, where some references may have no value.
///
/// # Errors
/// Every mistake in the file, as [`load`] tells them.
pub fn token_rules(source: &str, bindings: &dyn Bindings) -> Result<Vec<TokenRules>, Vec<Diagnostic>> {
    if let Err(mistakes) = load(source, bindings)
        && !mistakes.is_empty()
    {
        return Err(mistakes);
    }
    let source = without_mark(source);
    let mut findings = Findings::new(source);
    let Ok(mut root) = parse_document(source) else { return Ok(Vec::new()) };
    resolve_references(&mut root, &Place::Root, bindings, &mut findings);
    let root = ObjectReader::open(&root, &Place::Root, &mut findings);
    let read = root.map(|mut root| authorizer::read_authorizers(&mut root, &mut findings)).unwrap_or_default();
    Ok(read.into_iter().filter_map(|read| read.rules).collect())
}

/// Drops the byte order mark that some editors put before a text.
fn without_mark(source: &str) -> &str {
    source.strip_prefix('\u{feff}').unwrap_or(source)
}

/// Gives the text of a config and its tree, with what configs of the older gateway leave unsaid; `None` where it is no JSON.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn parse(source: &str) -> Option<(&str, document::Node<'_>)> {
    let source = without_mark(source);
    Some((source, parse_tree(source).ok()?))
}

/// Gives the mistakes of a config as [`load`] tells them, and its tree as it is written; the text is parsed once.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn mistakes_and_tree<'s>(
    source: &'s str,
    bindings: &dyn Bindings,
) -> (Vec<Diagnostic>, Option<(&'s str, document::Node<'s>)>) {
    let source = without_mark(source);
    match parse_tree(source) {
        Ok(root) => {
            let mistakes = load_tree(source, root.clone(), bindings).err().unwrap_or_default();
            (mistakes, Some((source, root)))
        }
        Err(mistakes) => (mistakes, None),
    }
}

/// Says what people bring from JavaScript and JSON has not, and what to do about it.
fn syntax_words(source: &str, offset: usize) -> Option<(&'static str, &'static str)> {
    if cfg!(target_arch = "wasm32") {
        return None;
    }
    let near = source.get(offset..).unwrap_or_default();
    let before = source.get(..offset).unwrap_or_default().trim_end();
    if near.starts_with(['/', '#']) || before.ends_with('/') {
        return Some(("a comment, which JSON has not", "remove it; a key that begins with \"x-\" can hold a note"));
    }
    if near.starts_with('\'') {
        return Some(("a single quote, which JSON has not", "JSON has double quotes alone"));
    }
    if near.starts_with(|c: char| c.is_ascii_alphabetic()) && before.ends_with(['{', ',']) {
        return Some(("a key without quotes", "put the key in double quotes"));
    }
    if before.ends_with(',') && near.starts_with(['}', ']']) {
        return Some(("a trailing comma, which JSON has not", "remove the comma before the closing bracket"));
    }
    let is_empty = source.trim().is_empty();
    is_empty.then_some(("the file is empty", "begin with `bargate init`, or with {\"paths\": []}"))
}

/// Gives the routes of a config's tree as the gateway compiles them, each with the index of its path; without those of other
/// sections.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn routes_as_compiled(root: &document::Node<'_>) -> Vec<(usize, crate::route::RouteSpec)> {
    let mut findings = Findings::new("");
    let mut root = root.clone();
    resolve_references(&mut root, &Place::Root, &UnknownBindings, &mut findings);
    let Some(mut root) = ObjectReader::open(&root, &Place::Root, &mut findings) else { return Vec::new() };
    let paths = read_routing(&mut root, &mut findings).paths;
    paths.into_iter().filter_map(|read| Some((read.index?, read.route?))).collect()
}

/// The sections that say what is routed, and by which rules.
struct Routing {
    servers: Vec<server::ReadServer>,
    cors: Option<Cors>,
    authorizers: Vec<authorizer::ReadAuthorizer>,
    paths: Vec<ReadPath>,
}

fn read_routing(root: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Routing {
    let servers = server::read_servers(root, findings);
    let services = service::read_services(root, findings);
    let cors = cors::read_cors(root, findings);
    let authorizers = authorizer::read_authorizers(root, findings);
    let variables = mapping::read_variables(root, findings);
    let has_session = root.node("session").is_some();
    let context = path::Context {
        servers: &servers,
        server_names: &server::index_servers(&servers),
        services: &Services::of(&services),
        authorizers: &authorizers,
        authorizer_names: &index_names(authorizers.iter().map(|read| read.name.as_str())),
        provider: authorizers.iter().find_map(|read| read.provider),
        variables: reader::TextsByName::of(&variables),
        has_session,
    };
    let paths = path::read_paths(root, &context, findings);
    Routing { servers, cors, authorizers, paths }
}

/// Gives the config, or `None` where a part of it is wrong or not known here.
fn read_root(mut root: ObjectReader<'_>, findings: &mut Findings<'_>) -> Option<Config> {
    for about in ["$schema", "title", "description"] {
        root.text(about, findings);
    }
    root.allowed_warnings(findings);
    let Routing { servers, cors, authorizers, mut paths } = read_routing(&mut root, findings);
    let protected_resource = protected_resource::read_protected_resource(&mut root, &authorizers, &mut paths, findings);
    let session = session::read_session(&mut root, &authorizers, &paths, findings);
    let networks = networks::read_networks(&mut root, findings);
    let headers = headers::read_header_texts(&mut root, "headers", findings);
    let server_timing = root.boolean("server_timing", false, findings);
    let analytics = read_analytics(&mut root, findings);
    let older_codes = root.boolean("older_codes", false, findings);
    let problem_page = root.text("problem_page", findings);
    root.finish(findings);

    let routes = build_routes(&paths, findings);
    let paths: Vec<Path> = paths.into_iter().map(|read| read.path).collect::<Option<_>>()?;
    let problem_page = problem_page.and_then(|written| read_problem_page(&written, &paths, findings));
    let asserted = paths.iter().flat_map(|path| &path.mapping.headers).map(|(name, _)| name.as_str());
    // A path that sets one of these takes the client's there alone.
    let asserted = index_names(asserted.filter(|name| !COMMON_HEADERS.contains(name)));
    let asserted_headers = asserted.into_keys().map(str::to_owned).collect();
    Some(Config {
        servers: servers.into_iter().map(|read| read.server).collect(),
        cors,
        authorizers: authorizers.into_iter().map(|read| read.authorizer).collect::<Option<_>>()?,
        session,
        protected_resource,
        networks,
        headers,
        server_timing,
        problem_page,
        older_codes,
        analytics,
        paths,
        routes,
        asserted_headers,
    })
}

fn read_analytics(root: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let node = root.node("analytics")?;
    let place = Place::Key(root.place(), "analytics");
    let mut object = ObjectReader::open(node, &place, findings)?;
    let binding = object.required_text("binding", findings);
    reader::note_if_empty(binding.as_ref(), &Place::Key(&place, "binding"), findings);
    object.finish(findings);
    binding?.value().map(str::to_owned)
}

/// Reads the path that problems lead to. One that fails, or leads on, would lead people in a circle.
fn read_problem_page(written: &reader::Written<'_>, paths: &[Path], findings: &mut Findings<'_>) -> Option<String> {
    let text = written.value()?;
    let mut there = paths.iter().filter(|path| path.pattern.as_str() == text && path.takes_get()).peekable();
    if there.peek().is_none() || !there.all(Path::shows_something) || text.contains('{') {
        let message = format!("\"{}\" is no open path with GET that shows something", reader::shown(written));
        let help = "name one without \"auth\" that has a response or a page behind it, and no login or redirect";
        let place = Place::Key(&Place::Root, "problem_page");
        let help = told(|| path::spelling_help(text, help));
        findings.note(written.offset, &place, Code::InvalidProblemPage, message, help);
    }
    Some(text.to_owned())
}

/// Compiles the routes that could be read, and notes each that can never be told from another.
fn build_routes(paths: &[ReadPath], findings: &mut Findings<'_>) -> RouteTable {
    let (read, specs): (Vec<_>, Vec<_>) = paths.iter().filter_map(|read| Some((read, read.route.clone()?))).unzip();
    RouteTable::build(specs).unwrap_or_else(|conflicts| {
        for conflict in conflicts {
            let (Some(first), Some(second)) = (read.get(conflict.first), read.get(conflict.second)) else { continue };
            let (line, column) = findings.locate(first.offset);
            let route = first.shown.as_deref().unwrap_or("another");
            let message = format!("no request can tell this path from {route} at {line}:{column}");
            let help = told(|| "give them different methods or paths, or remove one".to_owned());
            let parent = Place::Key(&Place::Root, "paths");
            let place = second.index.map_or(Place::Root, |index| Place::Index(&parent, index));
            findings.note(second.offset, &place, Code::RouteConflict, message, help);
        }
        RouteTable::default()
    })
}
