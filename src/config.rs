//! Text to a validated [`Config`].
//!
//! Reading has three steps: text to tree (`document`), references to values (`reference`), tree to types (one file a
//! section). Every mistake is reported at once, each with its place. This module does no I/O and knows no request.

pub(crate) mod access;
mod address;
pub(crate) mod api_key;
pub(crate) mod authorization_server;
pub(crate) mod authorizer;
pub(crate) mod claims;
pub(crate) mod client;
pub(crate) mod code;
pub(crate) mod compiled;
pub(crate) mod cors;
mod diagnostic;
pub(crate) mod document;
pub(crate) mod dpop;
pub(crate) mod fixed;
mod form;
#[cfg(not(target_os = "unknown"))]
pub(crate) mod grammar;
pub(crate) mod headers;
mod host_only;
pub(crate) mod integration;
mod introspection;
pub(crate) mod key;
mod login;
pub(crate) mod mapping;
pub(crate) mod mcp;
pub(crate) mod networks;
mod older;
mod otlp;
pub(crate) mod path;
mod place;
pub(crate) mod prepared;
pub(crate) mod protected_resource;
pub(crate) mod provider;
pub(crate) mod reader;
mod reference;
mod resolve;
#[cfg(not(target_os = "unknown"))]
mod right_form;
pub(crate) mod root;
pub(crate) mod rules;
#[cfg(not(target_os = "unknown"))]
pub mod schema;
mod scopes;
pub(crate) mod section;
pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod session;
mod shared_secret;
mod token_target;
pub(crate) mod tree;
pub(crate) mod upstream_token;

pub use access::{Access, RequiredAuthentication, Requirements};
pub use api_key::{ApiKeys, KeyRecord, is_digest, is_prefix, key_prefix, parse_key_record, seconds_of_date};
pub use authorization_server::{AuthorizationServer, Endpoint};
#[cfg(not(target_os = "unknown"))]
pub use authorizer::TokenRules;
pub use authorizer::{Authorizer, CLOCK_SKEW_DEFAULT_SECS, KeySource, Tenant};
pub use client::{AuthMethod, Client};
pub use code::{Code, Severity};
pub use compiled::Config;
pub use cors::{AllowedOrigins, Cors, ListedOrigin};
pub use diagnostic::Diagnostic;
#[cfg(not(target_os = "unknown"))]
pub use diagnostic::LineIndex;
pub use dpop::Dpop;
pub use fixed::{Fixed, LocationPart, Redirect};
pub use headers::{HeaderRules, HeaderTexts};
pub use integration::{CallbackResponse, Integration, ProfileSource, Supabase, SupabaseStep};
pub use introspection::{Asked, Introspection};
pub use login::{Login, Provider};
pub use mapping::{Mapping, Source};
pub use mcp::Mcp;
pub use networks::Networks;
pub use otlp::Otlp;
pub use path::Path;
pub use prepared::Prepared;
pub use protected_resource::ProtectedResource;
pub use provider::Endpoints;
pub use reference::{Binding, Bindings, Reference, ReferenceKind, UnknownBindings, holds_reference};
pub use rules::{Cache, RateKey, RateLimit, Rules};
pub use server::{Server, Target, Targets};
pub use service::Rpc;
pub use session::{BINDING_COOKIE, ClaimsFrom, LIFETIME_MAX_SECS, Session, SessionRules};
pub use token_target::TokenTarget;
pub use upstream_token::{UpstreamGrant, UpstreamToken};

use crate::route::PreparedRoutes;
use document::{Node, parse_document};
use reader::{Findings, Help, Place, advice};
use reference::{collect_references, resolve_references};
use resolve::resolve;
use tree::read_tree;
#[cfg(not(target_os = "unknown"))]
pub(crate) use {
    access::NamedAuthorizers, access::WrittenAccess, address::WrittenUrl, authorizer::ONLY_AUTHORIZER,
    authorizer::WrittenAuthorizer, authorizer::keys::Kind as AuthorizerKind, diagnostic::nearest,
    integration::Settings, integration::WrittenAnswer, integration::WrittenIntegration, integration::WrittenResponse,
    integration::keys::Kind as IntegrationKind, mapping::WrittenVariable, networks::Network, path::WrittenPath,
    provider::WrittenProvider, reference::walk_references, resolve::ResourceOwners, server::WrittenServer,
    service::WrittenService, service::module_name, session::WrittenSession, shared_secret::SECRET_MIN_BYTES,
    token_target::WrittenTarget, tree::ConfigTree,
};

/// Reads a config and resolves its references.
///
/// # Errors
/// Every mistake in the file, in its order.
pub fn load(source: &str, bindings: &dyn Bindings) -> Result<Config, Vec<Diagnostic>> {
    load_with(source, None, bindings)
}

/// Reads a config, with its routes if it is one that was [`Prepared`], and resolves its references.
///
/// # Errors
/// Every mistake in the text, in its order; none if the routes are not those of the config.
pub fn load_with(
    source: &str,
    prepared: Option<PreparedRoutes<&str>>,
    bindings: &dyn Bindings,
) -> Result<Config, Vec<Diagnostic>> {
    let source = without_mark(source);
    let mut root = parse_text(source)?;
    let mut findings = Findings::new(source);
    resolve_references(&mut root, &Place::Root, bindings, &mut findings);
    let config = read_tree(&root, &mut findings).and_then(|tree| resolve(tree, prepared, &mut findings));
    match config {
        Some(config) if findings.is_empty() => Ok(config),
        _ => Err(findings.into_diagnostics()),
    }
}

/// Parses a text without a mark, with what configs of the older gateway leave unsaid.
fn parse_text(source: &str) -> Result<Node<'_>, Vec<Diagnostic>> {
    match parse_document(source) {
        Ok(mut root) => {
            older::fill_in(&mut root);
            Ok(root)
        }
        Err(error) => {
            let mut findings = Findings::new(source);
            let words = syntax_words(source, error.offset);
            let message = words.map_or(&*error.message, |(message, _)| message);
            let help = words.map_or_else(Help::default, |(_, help)| advice(help));
            findings.note(error.offset, &Place::Root, Code::InvalidJson, format_args!("{message}"), help);
            Err(findings.into_diagnostics())
        }
    }
}

/// Reads a config away from its bindings and tells its mistakes, without warnings; a reference is taken to have a fitting value.
pub fn check(source: &str) -> Vec<Diagnostic> {
    load(source, &UnknownBindings).err().unwrap_or_default()
}

/// Returns the bindings that a config refers to; none if the text is not JSON.
pub fn references(source: &str) -> Vec<Reference> {
    parse_text(without_mark(source)).map(|root| collect_references(&root)).unwrap_or_default()
}

/// Returns every reference of a config with its config path, in the order of the file; none if the text is not JSON.
#[cfg(not(target_os = "unknown"))]
pub fn placed_references(source: &str) -> Vec<(Reference, String)> {
    let mut found = Vec::new();
    if let Ok(root) = parse_text(without_mark(source)) {
        walk_references(&root, &mut |reference, _, place| found.push((reference, place.to_string())));
    }
    found
}

/// Returns the rules for each authorizer's tokens, in the order of the file; some references may have no value.
///
/// # Errors
/// Every mistake in the file, as [`load`] tells them.
#[cfg(not(target_os = "unknown"))]
pub fn token_rules(source: &str, bindings: &dyn Bindings) -> Result<Vec<TokenRules>, Vec<Diagnostic>> {
    if let Err(mistakes) = load(source, bindings)
        && !mistakes.is_empty()
    {
        return Err(mistakes);
    }
    let config = WrittenConfig::parse_with(source, bindings)?;
    let authorizers = config.tree().map(|tree| tree.authorizers).unwrap_or_default();
    Ok(authorizers.iter().map(WrittenAuthorizer::token_rules).collect())
}

/// Drops the byte order mark that some editors put before a text.
fn without_mark(source: &str) -> &str {
    source.strip_prefix('\u{feff}').unwrap_or(source)
}

/// A config as it is written, for tools that read it without its gateway.
#[cfg(not(target_os = "unknown"))]
pub(crate) struct WrittenConfig<'s> {
    /// The text, without a mark.
    pub source: &'s str,
    root: Node<'s>,
    /// The mistakes of its references.
    findings: Findings<'s>,
}

#[cfg(not(target_os = "unknown"))]
impl<'s> WrittenConfig<'s> {
    /// Parses a text whose references have no values.
    ///
    /// # Errors
    /// Why it is not JSON.
    pub fn parse(source: &'s str) -> Result<Self, Vec<Diagnostic>> {
        Self::parse_with(source, &UnknownBindings)
    }

    /// Parses a text, with the values that its references have.
    ///
    /// # Errors
    /// Why it is not JSON.
    pub fn parse_with(source: &'s str, bindings: &dyn Bindings) -> Result<Self, Vec<Diagnostic>> {
        let source = without_mark(source);
        let mut root = parse_text(source)?;
        let mut findings = Findings::new(source);
        resolve_references(&mut root, &Place::Root, bindings, &mut findings);
        Ok(Self { source, root, findings })
    }

    /// Returns its members; `None` if it is not an object.
    pub fn tree(&self) -> Option<ConfigTree<'_>> {
        read_tree(&self.root, &mut Findings::new(self.source))
    }

    /// Returns what it says, and every mistake, as [`load`] reports it.
    pub fn read(&self) -> (Option<ConfigTree<'_>>, Vec<Diagnostic>) {
        let mut findings = self.findings.clone();
        let tree = read_tree(&self.root, &mut findings);
        if let Some(tree) = &tree {
            resolve(tree.clone(), None, &mut findings);
        }
        (tree, findings.into_diagnostics())
    }
}

/// Says what people bring from JavaScript and JSON has not, and what to do about it.
fn syntax_words(source: &str, offset: usize) -> Option<(&'static str, &'static str)> {
    if cfg!(target_os = "unknown") {
        return None;
    }
    let near = source.get(offset..).unwrap_or_default();
    let before = source.get(..offset).unwrap_or_default().trim_end();
    if near.starts_with(['/', '#']) || before.ends_with('/') {
        return Some(("JSON has no comments", "remove it; put notes under keys that begin with \"x-\""));
    }
    if near.starts_with('\'') {
        return Some(("JSON has no single quotes", "use double quotes"));
    }
    if near.starts_with(|c: char| c.is_ascii_alphabetic()) && before.ends_with(['{', ',']) {
        return Some(("a key without quotes", "put the key in double quotes"));
    }
    if before.ends_with(',') && near.starts_with(['}', ']']) {
        return Some(("JSON has no trailing commas", "remove the comma before the closing bracket"));
    }
    let is_empty = source.trim().is_empty();
    is_empty.then_some(("the file is empty", "begin with `bargate init`, or with {\"paths\": []}"))
}

/// Returns the routes of a config as the gateway compiles them, each with the index of its path; without those of other sections.
#[cfg(not(target_os = "unknown"))]
pub(crate) fn routes_as_compiled(tree: &ConfigTree<'_>) -> Vec<(usize, crate::route::RouteSpec)> {
    resolve::routes(tree.clone())
}
