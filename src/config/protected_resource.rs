//! The `protected_resource` section: the gateway's metadata for OAuth clients (RFC 9728).

use crate::config::code::Code;
use serde_json::{Map, Value as Json};

use super::address::{Scheme, read_url};
use super::document::{Node, Value};
use super::host_only::HostOnly;
use super::key::{Key, Text};
use super::reader::{Findings, Help, ObjectReader, Written, note_type};
use super::root;
use super::section::section;
use crate::address::Address;
use crate::json::ToText as _;
use crate::route::Pattern;

/// The path of the metadata of a resource without a path (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The metadata of the gateway as a protected resource.
pub struct ProtectedResource {
    /// The resource's identifier; the origin that the client called if there is none.
    pub resource: Option<String>,
    /// The path of the metadata.
    pub path: String,
    /// The other members of the metadata.
    pub metadata: Map<String, Json>,
}

impl ProtectedResource {
    /// Returns the address of the metadata for a client that called `origin`.
    pub fn metadata_url(&self, origin: &str) -> String {
        format!("{origin}{}", self.path)
    }

    /// Returns the metadata for a client that called `origin`.
    pub fn to_json(&self, origin: &str) -> String {
        let mut metadata = self.metadata.clone();
        metadata.insert("resource".to_owned(), self.resource.as_deref().unwrap_or(origin).into());
        Json::Object(metadata).to_text()
    }
}

/// The section as it is written.
#[derive(Clone)]
#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct WrittenResource<'n> {
    /// The resource's identifier, if it has one and that is known here.
    pub resource: Option<String>,
    /// The path of the metadata.
    pub pattern: Pattern,
    /// The members of the metadata that the section has.
    pub metadata: Map<String, Json>,
    /// Byte offset of the section.
    pub offset: usize,
    /// Whether the identifier is known here, and with it the path.
    pub is_known: HostOnly<bool>,
    /// The section.
    pub node: HostOnly<&'n Node<'n>>,
}

/// Reads the section; `None` if the file does not have it.
pub(super) fn read_protected_resource<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenResource<'n>> {
    let node = root.node(&root::PROTECTED_RESOURCE)?;
    let place = root::PROTECTED_RESOURCE.at(root.place());
    let mut metadata = Map::new();
    let (written, url) = match &node.value {
        Value::Bool(false) => return None,
        Value::Bool(true) => (None, None),
        Value::Object(_) => {
            let mut object = ObjectReader::open(node, &place, findings)?;
            let written = object.text(&RESOURCE, findings);
            let url = |written: Option<Written<'_>>, key: &Key<Text>, findings: &mut Findings<'_>| {
                read_url(&written?, Scheme::Https, &key.at(&place), findings)
            };
            let resource = url(written, &RESOURCE, findings);
            if let Some(documentation) = url(object.text(&DOCUMENTATION, findings), &DOCUMENTATION, findings) {
                metadata.insert("resource_documentation".to_owned(), documentation.as_str().into());
            }
            if let Some(name) = object.text(&NAME, findings).and_then(|written| written.value()) {
                metadata.insert("resource_name".to_owned(), name.into());
            }
            object.finish(findings);
            (written, resource)
        }
        Value::Null | Value::Number(_) | Value::Text(_) | Value::Array(_) => {
            note_type(node, &place, "true, false or an object", findings);
            return None;
        }
    };
    let below = url.as_ref().map(Address::path).unwrap_or_default();
    let pattern = match Pattern::parse(&[WELL_KNOWN, below.trim_end_matches('/')].concat()) {
        Ok(pattern) => pattern,
        Err(error) => {
            findings.note(node.offset, &place, Code::InvalidPath, format_args!("{error}"), Help::default());
            return None;
        }
    };
    let is_known = HostOnly::of(|| url.is_some() || written.is_none());
    // Byte for byte what clients know it by (RFC 9728 section 3.3).
    let resource = url.and(written).and_then(|written| written.to_text());
    let (offset, node) = (node.offset, HostOnly::of(|| node));
    Some(WrittenResource { resource, pattern, metadata, offset, is_known, node })
}

section! {
    Section::new(
        "protected_resource",
        "protected_resource",
        "The gateway's metadata for OAuth clients (RFC 9728): issuers, the scopes that paths name, and these keys. \
         `true` publishes it without any of these keys.\n\n`GET /.well-known/oauth-protected-resource` answers with \
         it. If `resource` has a path, it is appended to the address. Every `Bearer` challenge names that \
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

    RESOURCE: Text = text("resource", HttpsUrl), Different("tells clients to request tokens for another resource"),
        "The identifier of the API, an https URL.",
        default_words("the origin that was called"), example("https://api.example.com");
    NAME: Text = text("name", Any), Harmless("it is a name for people"),
        "A name for people.",
        example("Orders API");
    DOCUMENTATION: Text = text("documentation", HttpsUrl), Location("leads developers to another site"),
        "The address of a page for developers.",
        example("https://developers.example.com");
}
