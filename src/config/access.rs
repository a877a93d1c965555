//! The `auth` of a path: which authorizer's tokens open it, and what these must have.

use crate::config::code::Code;
use std::rc::Rc;

use serde_json::Value as Json;

use super::authorizer::Authorizer;
use super::claims::read_claims;
#[cfg(not(target_arch = "wasm32"))]
use super::claims::{CLAIMS, CLAIMS_WORDS, claim_values};
use super::document::{Node, Value};
use super::host_only::HostOnly;
use super::key::{Key, Texts};
use super::path::keys as path_keys;
use super::reader::{Findings, ObjectReader, Place, Written, advice, host_text, note_type, read_text};
use super::section::section;

/// What a path requires.
#[derive(Clone)]
pub struct Access {
    /// Whose tokens.
    pub authorizer: Rc<Authorizer>,
    /// What they must have.
    pub requirements: Requirements,
}

/// What a token must have to open a path.
#[derive(Clone, Default)]
pub struct Requirements {
    /// Scopes, each of which the token must have.
    pub scopes: Vec<String>,
    /// Scopes, one of which the token must have; none if the list is empty.
    pub any_scopes: Vec<String>,
    /// Permissions, each of which the token must have.
    pub permissions: Vec<String>,
    /// Claims by name or path, and the value that each must have or contain; of an array, one of its values.
    pub claims: Vec<(String, Json)>,
    /// Whether a request without any credential may pass.
    pub optional: bool,
}

/// An `auth` that requires a token.
#[derive(Clone)]
#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct WrittenAccess<'n> {
    /// Whose tokens.
    pub authorizer: NamedAuthorizer<'n>,
    /// What they must have.
    pub requirements: Requirements,
    /// Byte offset of the value.
    pub offset: usize,
    /// The value.
    pub node: HostOnly<&'n Node<'n>>,
}

/// The authorizer that an `auth` names.
#[derive(Clone, Copy)]
pub(crate) enum NamedAuthorizer<'n> {
    /// No name, which means the first.
    First,
    /// The one of this name, which is in an object or by itself.
    Named { name: Written<'n>, in_object: bool },
    /// Unknown, because the value is wrong.
    Unreadable,
}

/// Reads `auth`; `None` if the path is open.
pub(super) fn read_access<'n>(
    object: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenAccess<'n>> {
    let node = object.node(&path_keys::AUTH)?;
    let place = path_keys::AUTH.at(object.place());
    let mut requirements = Requirements::default();
    let authorizer = match &node.value {
        Value::Bool(false) => return None,
        Value::Bool(true) => NamedAuthorizer::First,
        Value::Text(_) => NamedAuthorizer::Named { name: read_text(node, &place, findings)?, in_object: false },
        Value::Object(_) => {
            let mut rules = ObjectReader::open(node, &place, findings)?;
            let name = rules.text(&AUTHORIZER, findings);
            requirements.scopes = read_names(&mut rules, &SCOPES, findings);
            requirements.any_scopes = read_names(&mut rules, &ANY_SCOPES, findings);
            requirements.permissions = read_names(&mut rules, &PERMISSIONS, findings);
            requirements.claims = read_claims(&mut rules, findings);
            requirements.optional = rules.boolean(&OPTIONAL, findings);
            rules.finish_beside_names(host_text("put a claim and its value into \"claims\""), findings);
            name.map_or(NamedAuthorizer::First, |name| NamedAuthorizer::Named { name, in_object: true })
        }
        Value::Null | Value::Number(_) | Value::Array(_) => {
            note_type(node, &place, "true, false, the name of an authorizer or an object", findings);
            // Whatever was meant, the path is not open.
            NamedAuthorizer::Unreadable
        }
    };
    Some(WrittenAccess { authorizer, requirements, offset: node.offset, node: HostOnly::of(|| node) })
}

/// Reads scopes or permissions; each is a scope by RFC 6749 section 3.3, because challenges name it.
pub(super) fn read_names(
    object: &mut ObjectReader<'_, '_>,
    key: &Key<Texts>,
    findings: &mut Findings<'_>,
) -> Vec<String> {
    let place = key.at(object.place());
    let written = object.texts(key, findings);
    let mut names = Vec::with_capacity(written.len());
    for (index, written) in written.iter().enumerate() {
        match written.value() {
            Some(name) if is_scope(name) => names.push(name.to_owned()),
            Some(_) => {
                let wrong = "is not a scope";
                let help = advice("write one name per string, without spaces");
                findings.refuse(written, &Place::Index(&place, index), Code::InvalidName, wrong, help);
            }
            None => {}
        }
    }
    names
}

/// Checks whether a text is one scope (RFC 6749 section 3.3).
pub(super) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, b'!'..=b'~') && b != b'"' && b != b'\\')
}

section! {
    Section::new(
        "access",
        "auth",
        "What a path requires of a valid token.\n\nInstead of the object, `true` requires a valid token of the first \
         authorizer, a string one of the authorizer of that name, and `false` none. A token that is valid but not \
         sufficient gets 403 `insufficient_scope`.",
    ).without_notes()
        .example(
            r#"{
                    "authorizers": {
                        "people": { "type": "oidc", "issuer": "https://id.example.com", "client_id": "$env.CLIENT_ID" },
                        "partners": { "type": "jwt", "issuer": "partners", "audience": "orders", "jwks_uri": "https://partners.example.com/jwks.json" }
                    },
                    "paths": [
                        { "method": "GET", "path": "/profile", "auth": true, "integration": { "type": "oidc_userinfo" } },
                        { "method": "GET", "path": "/stock", "auth": "partners", "response": { "stock": [] } },
                        {
                            "method": "GET",
                            "path": "/orders",
                            "auth": { "authorizer": "people", "scopes": ["read:orders"], "claims": { "org_id": ["org_1", "org_2"] } },
                            "response": { "orders": [] }
                        }
                    ]
                }"#,
        );

    AUTHORIZER: Text = text("authorizer", Any), Elsewhere,
        "The name of the authorizer, of those in `authorizers`.",
        default_words("the first"), example("partners");
    SCOPES: Texts = texts("scopes", Scope), Elsewhere,
        "The token must have all of these, in `scope` or `scp`.",
        example(list!["read:orders"]);
    ANY_SCOPES: Texts = texts("any_scopes", Scope), Elsewhere,
        "The token must have one of these, in `scope` or `scp`.",
        example(list!["admin"]);
    PERMISSIONS: Texts = texts("permissions", Scope), Elsewhere,
        "The token must have all of these, in the list `permissions`.",
        example(list!["read:orders"]);
    CLAIMS, Elsewhere,
        CLAIMS_WORDS,
        shape(claim_values()), example(object! { "org_id": list!["org_1", "org_2"] });
    OPTIONAL: Boolean = boolean("optional"), Elsewhere,
        "Lets a request without any credential continue without claims, and one whose session has ended or cannot be \
         used. An invalid token is still refused.",
        example(true);
}
