//! The `protected_resource` sections: the metadata for OAuth clients (RFC 9728), of the gateway and of what stands at its paths.

use serde_json::{Map, Value as Json};

use super::address::{Scheme, read_url};
use super::code::Code;
use super::document::{Node, Origin, Value};
use super::host_only::HostOnly;
use super::key::{Key, Text};
use super::path::keys as path_keys;
use super::reader::{Findings, Help, ObjectReader, Place, Written, advice, is_on};
use super::root;
use super::scopes::{NOT_A_SCOPE, read_names};
use super::section::section;
use crate::address::Address;
use crate::json::ToText as _;
use crate::route::{Host, Pattern};
use crate::split::without_last;

/// The path of the metadata of a resource without a path (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The scopes in the metadata.
pub(super) const SCOPES_SUPPORTED: &str = "scopes_supported";

/// The metadata of a protected resource.
pub struct ProtectedResource {
    /// The resource's identifier; if there is none, its path at the origin that the client called.
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

    /// Returns the origin of its own pages, for a client that called `origin`. Only a resource that says what it is cannot be called by a name
    /// that somebody has bound to its address.
    pub fn origin(&self, origin: &str) -> String {
        let own = self.resource.as_deref().and_then(Address::parse);
        own.map_or_else(|| origin.to_owned(), |url| url.origin())
    }

    /// Returns its identifier for a client that called `origin`.
    pub fn identifier(&self, origin: &str) -> String {
        self.resource.clone().unwrap_or_else(|| [origin, path_of_resource(&self.path)].concat())
    }

    /// Returns the scopes that clients may request.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.metadata.get(SCOPES_SUPPORTED).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
    }

    /// Returns the metadata for a client that called `origin`.
    pub fn to_json(&self, origin: &str) -> String {
        let mut metadata = self.metadata.clone();
        metadata.insert("resource".to_owned(), self.identifier(origin).into());
        Json::Object(metadata).to_text()
    }
}

/// Returns the path of the resource whose metadata is at this path, without a slash at its end.
fn path_of_resource(metadata: &str) -> &str {
    metadata.strip_prefix(WELL_KNOWN).unwrap_or_default()
}

/// A section as it is written.
#[derive(Clone)]
#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct WrittenResource<'n> {
    /// The resource's identifier, if it has one.
    pub resource: Option<String>,
    /// The names under which it is published.
    pub host: Host,
    /// The path of the metadata.
    pub pattern: Pattern,
    /// The scopes that it names, if it does not leave them to the paths.
    pub scopes: Option<Vec<String>>,
    /// The members of the metadata that the section has.
    pub metadata: Map<String, Json>,
    /// Whether messages may show its identifier, because no binding has it.
    pub is_in_file: bool,
    /// Byte offset of the section.
    pub offset: usize,
    /// The section.
    pub node: HostOnly<&'n Node<'n>>,
}

impl WrittenResource<'_> {
    /// Returns the path of the resource in its canonical spelling, without a slash at its end.
    pub fn path(&self) -> &str {
        path_of_resource(self.pattern.as_str())
    }
}

/// Reads the section at the top; `None` if the file does not have it, or if the path of the metadata is not known here.
pub(super) fn read_protected_resource<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenResource<'n>> {
    let node = root.node(&root::PROTECTED_RESOURCE)?;
    read_section(node, &root::PROTECTED_RESOURCE.at(root.place()), None, findings)
}

/// Reads the section of a path, which is the resource itself or within it.
pub(super) fn read_resource_of_path<'n>(
    entry: &mut ObjectReader<'n, '_>,
    host: Option<&Host>,
    pattern: Option<&Pattern>,
    authenticated: bool,
    findings: &mut Findings<'_>,
) -> Option<WrittenResource<'n>> {
    let node = entry.node(&path_keys::PROTECTED_RESOURCE)?;
    let place = path_keys::PROTECTED_RESOURCE.at(entry.place());
    let read = read_section(node, &place, pattern, findings);
    if !authenticated && !matches!(node.value, Value::Bool(false)) {
        let message = format_args!("a protected resource needs \"auth\"");
        let help = advice("add \"auth\" to this path, or remove \"protected_resource\"").about([path_keys::AUTH.name]);
        findings.note(node.offset, &place, Code::MissingKey, message, help);
    }
    // Without them, the place of the resource is not known.
    let (mut read, host) = pattern.and(read).zip(host)?;
    read.host = host.clone();
    Some(read)
}

/// Reads a section; `None` if nothing is to be published. It is that of the path with this pattern, if there is one.
fn read_section<'n>(
    node: &'n Node<'n>,
    place: &Place<'_>,
    pattern: Option<&Pattern>,
    findings: &mut Findings<'_>,
) -> Option<WrittenResource<'n>> {
    let (mut written, mut url, mut scopes, mut metadata) = (None, None, None, Map::new());
    if !is_on(node, place, findings) {
        return None;
    }
    if let Value::Object(_) = &node.value {
        let mut object = ObjectReader::open(node, place, findings)?;
        let read_url = |written: Option<Written<'_>>, key: &Key<Text>, findings: &mut Findings<'_>| {
            read_url(&written?, Scheme::Https, &key.at(place), findings)
        };
        written = object.text(&RESOURCE, findings);
        url = read_url(written, &RESOURCE, findings);
        scopes = object.node(&SCOPES).map(|_| read_names(&mut object, &SCOPES, NOT_A_SCOPE, findings));
        if let Some(documentation) = read_url(object.text(&DOCUMENTATION, findings), &DOCUMENTATION, findings) {
            metadata.insert("resource_documentation".to_owned(), documentation.into_text().into());
        }
        if let Some(name) = object.text(&NAME, findings).and_then(|written| written.value()) {
            metadata.insert("resource_name".to_owned(), name.into());
        }
        object.finish(findings);
    }
    let path = match (written, pattern.map_or(Some(""), Pattern::literal)) {
        (Some(_), _) => url.as_ref()?.path(),
        (None, Some(own)) => own,
        (None, None) => {
            let message = format_args!("a path with parameters needs a \"resource\" that contains it");
            let help = advice("write the URL up to the first parameter as \"resource\"").about([RESOURCE.name]);
            findings.note(node.offset, place, Code::MissingKey, message, help);
            return None;
        }
    };
    let metadata_path = match Pattern::parse(&[WELL_KNOWN, without_last(path, b'/')].concat()) {
        Ok(pattern) => pattern,
        Err(error) => {
            findings.note(node.offset, place, Code::InvalidPath, format_args!("{error}"), Help::default());
            return None;
        }
    };
    if let (Some(written), Some(pattern)) = (written, pattern)
        && !pattern.begins_with(path_of_resource(metadata_path.as_str()))
    {
        // No client may use it then (RFC 9728 section 3.3).
        let help = advice("write a URL whose path is this one or above it, or leave it out");
        findings.refuse(&written, &RESOURCE.at(place), Code::InvalidUrl, "does not contain this path", help);
    }
    let is_in_file = written.is_none_or(|written| written.text.origin == Origin::File);
    // Byte for byte what clients know it by (RFC 9728 section 3.3).
    let resource = written.and_then(|written| written.to_text());
    let (offset, node) = (node.offset, HostOnly::of(|| node));
    let host = Host::default();
    Some(WrittenResource { resource, host, pattern: metadata_path, scopes, metadata, is_in_file, offset, node })
}

section! {
    Section::new(
        "protected_resource",
        "protected_resource",
        "Metadata for OAuth clients (RFC 9728): issuers, scopes, and these keys. `true` publishes it without any of \
         these keys.\n\n`GET /.well-known/oauth-protected-resource` answers with it. If the resource has a path, it is \
         appended to the address. `Bearer` challenges name that address as `resource_metadata`.\n\nAt the top, it is \
         the gateway's. At a path, it is that of the resource there, to which the paths below belong, too: its issuers \
         are those of their authorizers. Two of the same path are an error.",
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
        default_words("the origin that was called, at a path with that path"), example("https://api.example.com");
    SCOPES: Texts = texts("scopes", Scope), Different("tells clients to request other scopes"),
        "The scopes that clients may request.",
        default_words("those that its paths name in `auth`"), example(list!["read:orders"]);
    NAME: Text = text("name", Any), Harmless("it is a name for people"),
        "A name for people.",
        example("Orders API");
    DOCUMENTATION: Text = text("documentation", HttpsUrl), Location("leads developers to another site"),
        "The address of a page for developers.",
        example("https://developers.example.com");
}
