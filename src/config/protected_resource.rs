//! The `protected_resource` section: what OAuth clients are told of this gateway (RFC 9728).

use serde_json::{Map, Value as Json};

use super::address::{Scheme, read_url};
use super::authorizer::ReadAuthorizer;
#[cfg(not(target_arch = "wasm32"))]
use super::document::Node;
use super::document::Value;
use super::integration::Integration;
use super::key::{Key, Text, section};
use super::path::{Path, ReadPath};
use super::reader::{Findings, ObjectReader, index_names, note_type};
use super::root;
use crate::address::Address;
use crate::route::{Guard, Method, MethodRule, Pattern, RouteSpec};

/// Where the metadata of a resource is that has no path (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The metadata of the gateway as a protected resource.
#[derive(Clone)]
pub struct ProtectedResource {
    /// The resource's identifier; the origin that the client called where there is none.
    pub resource: Option<String>,
    /// The path of the metadata.
    pub path: String,
    /// The other members of the metadata.
    pub metadata: Map<String, Json>,
}

impl ProtectedResource {
    /// Gives the address of the metadata for a client that called `origin`.
    pub fn metadata_url(&self, origin: &str) -> String {
        format!("{origin}{}", self.path)
    }

    /// Gives the metadata for a client that called `origin`.
    pub fn to_json(&self, origin: &str) -> String {
        let mut metadata = self.metadata.clone();
        metadata.insert("resource".to_owned(), self.resource.as_deref().unwrap_or(origin).into());
        Json::Object(metadata).to_string()
    }
}

/// Reads the section and adds the path that answers with the metadata; `None` where the file does not ask for it.
pub(super) fn read_protected_resource(
    root: &mut ObjectReader<'_>,
    authorizers: &[ReadAuthorizer],
    paths: &mut Vec<ReadPath>,
    findings: &mut Findings<'_>,
) -> Option<ProtectedResource> {
    let node = root.node(&root::PROTECTED_RESOURCE)?;
    let place = root::PROTECTED_RESOURCE.at(root.place());
    let mut metadata = Map::new();
    let (resource, written) = match &node.value {
        Value::Bool(false) => return None,
        Value::Bool(true) => (None, None),
        Value::Object(_) => {
            let mut object = ObjectReader::open(node, &place, findings)?;
            let written = object.text(&RESOURCE, findings).and_then(|written| written.value());
            let mut url = |key: &Key<Text>, findings: &mut Findings<'_>| {
                let written = object.text(key, findings)?;
                read_url(&written, Scheme::Https, &key.at(&place), findings)
            };
            let resource = url(&RESOURCE, findings);
            if let Some(documentation) = url(&DOCUMENTATION, findings) {
                metadata.insert("resource_documentation".to_owned(), documentation.as_str().into());
            }
            if let Some(name) = object.text(&NAME, findings).and_then(|written| written.value()) {
                metadata.insert("resource_name".to_owned(), name.into());
            }
            object.finish(findings);
            (resource, written)
        }
        Value::Null | Value::Number(_) | Value::Text(_) | Value::Array(_) => {
            note_type(node, &place, "true, false or an object", findings);
            return None;
        }
    };

    // What has no value is left out (RFC 9728 section 3.2).
    let mut list = |name: &str, values: Vec<&str>| {
        if !values.is_empty() {
            metadata.insert(name.to_owned(), values.into());
        }
    };
    let issuers = authorizers.iter().filter_map(|read| Some(read.authorizer.as_ref()?.issuer.as_str()));
    list("authorization_servers", issuers.filter(|issuer| issuer.starts_with("http")).collect());
    let access = paths.iter().filter_map(|read| read.path.as_ref()?.access.as_ref());
    let scopes = access.flat_map(|access| access.scopes.iter().chain(&access.any_scopes)).map(String::as_str);
    let first = index_names(scopes.clone());
    let scopes = scopes.enumerate().filter(|(index, scope)| first.get(scope) == Some(index));
    list("scopes_supported", scopes.map(|(_, scope)| scope).collect());
    list("bearer_methods_supported", vec!["header"]);

    let path = metadata_path(resource.as_ref());
    // Byte for byte what clients know it by (RFC 9728 section 3.3).
    let resource = resource.and(written).map(str::to_owned);
    let described = ProtectedResource { resource, path, metadata };
    let pattern = match Pattern::parse(&described.path) {
        Ok(pattern) => pattern,
        Err(error) => {
            findings.note(node.offset, &place, "invalid_path", error.to_string(), None);
            return None;
        }
    };
    let method = MethodRule::Exact(Method::Get);
    let route = RouteSpec { method, pattern, encoded_slashes: false, guard: Guard::default() };
    paths.push(ReadPath {
        index: None,
        offset: node.offset,
        shown: Some(format!("{} {}", route.method, route.pattern.as_str())),
        path: Some(Path::open(&route, Integration::ProtectedResource(described.clone()))),
        route: Some(route),
    });
    Some(described)
}

/// Gives the path of the metadata of a resource (RFC 9728 section 3.1).
fn metadata_path(resource: Option<&Address>) -> String {
    let below = resource.map(Address::path).unwrap_or_default();
    format!("{WELL_KNOWN}{}", below.trim_end_matches('/'))
}

/// Gives the path that the section adds to a config as it is written; `None` where it adds none, or one that is not known here.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn protected_resource_path(root: &Node<'_>) -> Option<String> {
    let node = root.get("protected_resource").filter(|node| !matches!(node.value, Value::Bool(false)))?;
    match node.get("resource") {
        None => Some(metadata_path(None)),
        Some(resource) => Some(metadata_path(Some(&Address::parse(resource.as_text()?)?))),
    }
}

section! {
    Section::new(
        "protected_resource",
        "protected_resource",
        "What OAuth clients are told of this gateway (RFC 9728): issuers, the scopes that paths name, and what stands \
         here. `true` asks for it without any of these keys.\n\n`GET /.well-known/oauth-protected-resource` answers \
         with it; where `resource` has a path, that stands behind the address. Every `Bearer` challenge names that \
         address as `resource_metadata`.",
    )
        .example(
            r#"{
                    "authorizer": {
                        "type": "oidc",
                        "issuer": "https://id.example.com",
                        "client_id": "orders",
                        "audience": "https://api.example.com"
                    },
                    "protected_resource": {
                        "resource": "https://api.example.com",
                        "name": "Orders API",
                        "documentation": "https://developers.example.com"
                    },
                    "paths": [
                        { "method": "GET", "path": "/orders", "auth": { "scopes": ["read:orders"] }, "response": [] }
                    ]
                }"#,
        );

    RESOURCE: Text = text("resource", HttpsUrl), Different("has clients ask for tokens for another resource"),
        "The identifier of the API, an https URL.",
        default_words("the origin that was called"), example("https://api.example.com");
    NAME: Text = text("name", Any), Harmless("it is a name for people"),
        "A name for people.",
        example("Orders API");
    DOCUMENTATION: Text = text("documentation", HttpsUrl), Location("leads developers to another site"),
        "The address of a page for developers.",
        example("https://developers.example.com");
}
