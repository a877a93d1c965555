//! Text to a validated [`Config`].
//!
//! Reading has three steps: text to tree (`document`), references to values (`reference`), tree to types (one file a
//! section). Every mistake is told at once, each with its place. This module does no I/O and knows no request.

mod address;
mod algorithm;
mod authorizer;
mod cors;
mod diagnostic;
mod document;
mod mapping;
mod path;
mod reader;
mod reference;
mod server;
mod session;

use std::fmt;

pub use algorithm::{Algorithm, KeyFamily};
pub use authorizer::Auth0;
pub(crate) use cors::is_token;
pub use cors::{AllowedOrigins, Cors};
pub use diagnostic::Diagnostic;
pub use mapping::{HOP_BY_HOP_HEADERS, Mapping, Source};
pub use path::{CallbackResponse, Fixed, Integration, Login, Path};
pub use reference::{Binding, Bindings, Reference, ReferenceKind, UnknownBindings};
pub use server::Server;
pub use session::{BINDING_COOKIE, COOKIE_PREFIX, Session};

use crate::route::RouteTable;
use document::parse_document;
use path::ReadPath;
use reader::{Findings, ObjectReader, Place};
use reference::{collect_references, resolve_references};

/// A gateway config in which everything is known, checked and compiled.
///
/// Any text of it may be the value of a secret, so neither it nor its parts show one in `Debug`.
pub struct Config {
    /// The upstreams, in the order of the file.
    pub servers: Vec<Server>,
    /// The rule for other origins; without one no CORS header is sent.
    pub cors: Option<Cors>,
    /// The identity provider.
    pub authorizer: Option<Auth0>,
    /// How logins are held for browsers; without it every client holds its tokens itself.
    pub session: Option<Session>,
    /// The paths, in the order of the file.
    pub paths: Vec<Path>,
    /// Finds the index in `paths` for a request.
    pub routes: RouteTable,
    /// Lower-case names of the headers that a mapping of any path sets: no client may send them to an upstream.
    pub asserted_headers: Vec<String>,
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
    let mut findings = Findings::new(source);
    let place = Place::Root;
    let mut root = match parse_document(source) {
        Ok(root) => root,
        Err(error) => {
            let help = syntax_help(source, error.offset);
            findings.note(error.offset, &place, "invalid_json", error.message, help);
            return Err(findings.into_diagnostics());
        }
    };
    resolve_references(&mut root, &place, bindings, &mut findings);
    let config = ObjectReader::open(&root, &place, &mut findings).and_then(|object| read_root(object, &mut findings));
    match config {
        Some(config) if findings.is_empty() => Ok(config),
        _ => Err(findings.into_diagnostics()),
    }
}

/// Reads a config away from its bindings and tells its mistakes; a reference is taken to have a fitting value.
pub fn check(source: &str) -> Vec<Diagnostic> {
    load(source, &UnknownBindings).err().unwrap_or_default()
}

/// Gives the bindings that a config refers to; none where the text is no JSON.
pub fn references(source: &str) -> Vec<Reference> {
    parse_document(without_mark(source)).map(|root| collect_references(&root)).unwrap_or_default()
}

/// Drops the byte order mark that some editors put before a text.
fn without_mark(source: &str) -> &str {
    source.strip_prefix('\u{feff}').unwrap_or(source)
}

/// Says what people bring from JavaScript and JSON has not.
fn syntax_help(source: &str, offset: usize) -> Option<String> {
    let near = source.get(offset..).unwrap_or_default();
    let before = source.get(..offset).unwrap_or_default().trim_end();
    if near.starts_with('/') || before.ends_with('/') {
        return Some("JSON has no comments; a key that begins with \"x-\" can hold a note".to_owned());
    }
    if near.starts_with('\'') {
        return Some("JSON has double quotes alone".to_owned());
    }
    if near.starts_with(|c: char| c.is_ascii_alphabetic()) && before.ends_with(['{', ',']) {
        return Some("put the key in double quotes".to_owned());
    }
    let closes = |text: &str| text.starts_with(['}', ']']);
    (before.ends_with(',') && closes(near)).then(|| "remove the comma before the closing bracket".to_owned())
}

/// Gives the config, or `None` where a part of it is wrong or not known here.
fn read_root(mut root: ObjectReader<'_>, findings: &mut Findings<'_>) -> Option<Config> {
    for about in ["$schema", "title", "description"] {
        root.text(about, findings);
    }
    let servers = server::read_servers(&mut root, findings);
    let cors = cors::read_cors(&mut root, findings);
    let authorizer = authorizer::read_authorizer(&mut root, findings);
    let variables = mapping::read_variables(&mut root, findings);
    let has_session = root.node("session").is_some();
    let context =
        path::Context { servers: &servers, authorizer: authorizer.as_ref(), variables: &variables, has_session };
    let paths = path::read_paths(&mut root, &context, findings);
    let session = session::read_session(&mut root, authorizer.as_ref(), &paths, findings);
    root.finish(findings);

    let routes = build_routes(&paths, findings);
    let paths: Vec<Path> = paths.into_iter().map(|read| read.path).collect::<Option<_>>()?;
    let mut asserted_headers: Vec<String> = Vec::new();
    for (name, _) in paths.iter().flat_map(|path| &path.mapping.headers) {
        if !asserted_headers.contains(name) {
            asserted_headers.push(name.clone());
        }
    }
    Some(Config {
        servers: servers.into_iter().map(|read| read.server).collect(),
        cors,
        authorizer: authorizer.and_then(|read| read.auth0),
        session,
        paths,
        routes,
        asserted_headers,
    })
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
            let help = "give them different methods or paths, or remove one".to_owned();
            let parent = Place::Key(&Place::Root, "paths");
            let place = Place::Index(&parent, second.index);
            findings.note(second.offset, &place, "route_conflict", message, Some(help));
        }
        RouteTable::default()
    })
}
