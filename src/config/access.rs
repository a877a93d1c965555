//! The `auth` of a path: which authorizer's tokens open it, and what these must have.

use crate::config::code::Code;
use crate::http::header::seconds;
use std::rc::Rc;

use serde_json::Value as Json;

use super::authorizer::Authorizer;
use super::claims::read_claims;
#[cfg(not(target_os = "unknown"))]
use super::claims::{CLAIMS, CLAIMS_WORDS, claim_values};
use super::document::{Node, Value};
#[cfg(not(target_os = "unknown"))]
use super::dpop;
use super::dpop::{DPOP, Dpop, read_dpop};
use super::host_only::HostOnly;
use super::path::keys as path_keys;
use super::reader::{Findings, ObjectReader, Place, Written, advice, host_text, note_type, read_text};
use super::scopes::{NOT_A_SCOPE, read_names};
use super::section::section;

/// The way back from a login takes time as well: with less, a user could be too late at each arrival.
const MAX_AGE_MIN_SECS: u32 = 60;

/// A year: whoever takes older authentications takes all.
const MAX_AGE_MAX_SECS: u32 = 365 * 24 * 60 * 60;

/// What a path requires.
#[derive(Clone)]
pub struct Access {
    /// Whose tokens; of several authorizers the first.
    pub authorizer: Rc<Authorizer>,
    /// All of them, whose tokens or API keys open it, if there are several.
    pub several: Vec<Rc<Authorizer>>,
    /// What they must have.
    pub requirements: Requirements,
    /// How tokens are taken that are bound to a key; without it, none is.
    pub dpop: Option<Rc<Dpop>>,
}

impl Access {
    /// Returns each authorizer, in the order of the config.
    pub fn authorizers(&self) -> &[Rc<Authorizer>] {
        if self.several.is_empty() { std::slice::from_ref(&self.authorizer) } else { &self.several }
    }
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
    /// How the user must have been authenticated, if that matters.
    pub authentication: Option<RequiredAuthentication>,
    /// Whether a request without any credential may pass.
    pub optional: bool,
}

/// How a user must have been authenticated, in the words of challenges and authorization requests (RFC 9470 section 3). At least one of
/// the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredAuthentication {
    /// Values of `acr` with spaces between them, of which it must be one.
    pub acr_values: Option<String>,
    /// How long ago it may have been, in seconds.
    pub max_age: Option<String>,
}

impl RequiredAuthentication {
    /// Returns how long ago it may have been, in seconds.
    pub fn max_age_secs(&self) -> Option<u32> {
        seconds(self.max_age.as_deref()?)
    }

    /// Checks whether anything is required.
    pub fn asks_anything(&self) -> bool {
        self.acr_values.is_some() || self.max_age.is_some()
    }
}

/// An `auth` that requires a token.
#[derive(Clone)]
#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct WrittenAccess<'n> {
    /// Whose tokens.
    pub authorizers: NamedAuthorizers<'n>,
    /// What they must have.
    pub requirements: Requirements,
    /// How tokens are taken that are bound to a key, if it is not as the authorizer says.
    pub dpop: Option<Rc<Dpop>>,
    /// Byte offset of the value.
    pub offset: usize,
    /// The value.
    pub node: HostOnly<&'n Node<'n>>,
}

/// The authorizers that an `auth` names.
#[derive(Clone)]
pub(crate) enum NamedAuthorizers<'n> {
    /// No name, which means the first.
    First,
    /// Those of these names, which are in an object or by themselves, and in a list or not.
    Named { names: Vec<Written<'n>>, in_object: bool, in_list: bool },
    /// Unknown, because the value is wrong.
    Unreadable,
}

impl<'n> NamedAuthorizers<'n> {
    /// Returns the names.
    #[cfg(not(target_os = "unknown"))]
    pub fn names(&self) -> &[Written<'n>] {
        match self {
            Self::Named { names, .. } => names,
            Self::First | Self::Unreadable => &[],
        }
    }

    /// Reads a name, or a list of them.
    fn read(node: &'n Node<'n>, place: &Place<'_>, in_object: bool, findings: &mut Findings<'_>) -> Self {
        let Value::Array(items) = &node.value else {
            let name = read_text(node, place, findings);
            return name.map_or(Self::Unreadable, |name| Self::Named { names: vec![name], in_object, in_list: false });
        };
        let mut names = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            names.extend(read_text(item, &Place::Index(place, index), findings));
        }
        if items.is_empty() {
            let help = advice("name at least one, or write true for the first");
            findings.note(node.offset, place, Code::EmptyList, format_args!("no authorizer is named"), help);
        }
        // Whatever was meant, the path is not open.
        if names.is_empty() { Self::Unreadable } else { Self::Named { names, in_object, in_list: true } }
    }
}

/// Reads `auth`; `None` if the path is open.
pub(super) fn read_access<'n>(
    object: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenAccess<'n>> {
    let node = object.node(&path_keys::AUTH)?;
    let place = path_keys::AUTH.at(object.place());
    let (mut requirements, mut dpop) = (Requirements::default(), None);
    let authorizers = match &node.value {
        Value::Bool(false) => return None,
        Value::Bool(true) => NamedAuthorizers::First,
        Value::Text(_) | Value::Array(_) => NamedAuthorizers::read(node, &place, false, findings),
        Value::Object(_) => {
            let mut rules = ObjectReader::open(node, &place, findings)?;
            let named = rules.node(&AUTHORIZER);
            let named = named.map(|node| NamedAuthorizers::read(node, &AUTHORIZER.at(&place), true, findings));
            requirements.scopes = read_names(&mut rules, &SCOPES, NOT_A_SCOPE, findings);
            requirements.any_scopes = read_names(&mut rules, &ANY_SCOPES, NOT_A_SCOPE, findings);
            requirements.permissions = read_names(&mut rules, &PERMISSIONS, NOT_A_SCOPE, findings);
            requirements.claims = read_claims(&mut rules, findings);
            requirements.authentication = read_authentication(&mut rules, findings);
            requirements.optional = rules.boolean(&OPTIONAL, findings);
            dpop = read_dpop(&mut rules, &DPOP, findings);
            rules.finish_beside_names(host_text("put a claim and its value into \"claims\""), findings);
            named.unwrap_or(NamedAuthorizers::First)
        }
        Value::Null | Value::Number(_) => {
            note_type(node, &place, "true, false, the name of an authorizer, a list of names or an object", findings);
            NamedAuthorizers::Unreadable
        }
    };
    Some(WrittenAccess { authorizers, requirements, dpop, offset: node.offset, node: HostOnly::of(|| node) })
}

/// Reads how a user must have been authenticated.
fn read_authentication(
    object: &mut ObjectReader<'_, '_>,
    findings: &mut Findings<'_>,
) -> Option<RequiredAuthentication> {
    let written = read_names(object, &ACR_VALUES, "is not a value of acr", findings);
    let max_age = object.limit(&MAX_AGE_SECONDS, findings).map(|secs| secs.to_string());
    let node = object.node(&ACR_VALUES);
    if let Some(Node { value: Value::Array(items), offset }) = node
        && items.is_empty()
    {
        let help = advice("remove the key if every authentication is strong enough");
        let place = ACR_VALUES.at(object.place());
        findings.note(*offset, &place, Code::EmptyList, format_args!("no authentication is strong enough"), help);
    }
    let required = RequiredAuthentication { acr_values: node.map(|_| written.join(" ")), max_age };
    required.asks_anything().then_some(required)
}

section! {
    Section::new(
        "access",
        "auth",
        "What a path requires of a valid token.\n\nInstead of the object, `true` requires a valid token of the first \
         authorizer, a string one of the authorizer of that name, a list one of any of those, and `false` none. A token that is valid but not \
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

    AUTHORIZER: Value = value("authorizer"), Elsewhere,
        "The name of the authorizer, of those in `authorizers`, or a list of names: then a token or an API key of any of them \
         is enough, and something must tell whose it is.",
        shape(Shape::Either(vec![Shape::Text(Form::Any), Shape::List(Box::new(Shape::Text(Form::Any)), 1)])),
        default_words("the first"), example("partners"), example(list!["people", "partners"]);
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
    ACR_VALUES: Texts = texts("acr_values", Scope), Elsewhere,
        "How strongly the user must have been authenticated: `acr` must be one of these. It counts for a bearer token what \
         the token says, and for a session what the ID token of its login says.",
        shape(Shape::List(Box::new(Shape::Text(Form::Scope)), 1)), example(list!["urn:example:mfa"]);
    MAX_AGE_SECONDS: Limit = limit("max_age_seconds", MAX_AGE_MIN_SECS..=MAX_AGE_MAX_SECS), Elsewhere,
        "For how many seconds after the user was authenticated requests are taken, by `auth_time` in the same place.",
        example(300_u32);
    OPTIONAL: Boolean = boolean("optional"), Elsewhere,
        "Lets a request without any credential continue without claims, and one whose session has ended or cannot be \
         used. An invalid token is still refused.",
        example(true);
    DPOP, Elsewhere,
        "How tokens are taken that are bound to a key: `accept`, `require`, or an object. See [dpop](#dpop).",
        shape(dpop::shape()), default_words("as the authorizer says"), example("require");
}
