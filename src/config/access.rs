//! The `auth` of a path: which authorizer's tokens open it, and what they must hold besides.

use serde_json::Value as Json;

use super::diagnostic::{listed, nearest};
use super::document::{Node, Value};
use super::key::{Key, Texts, section};
use super::path::{self, Context};
use super::reader::{Findings, ObjectReader, Place, Written, note_type, read_text, shown, told, words};

/// What opens a path.
#[derive(Clone, Default)]
pub struct Access {
    /// Index in [`super::Config::authorizers`].
    pub authorizer: usize,
    /// Scopes, each of which the token must have.
    pub scopes: Vec<String>,
    /// Scopes, one of which the token must have; none where the list is empty.
    pub any_scopes: Vec<String>,
    /// Permissions, each of which the token must have.
    pub permissions: Vec<String>,
    /// Claims by name or path, and the value that each must have or contain; of an array, one of its values.
    pub claims: Vec<(String, Json)>,
    /// Whether a request without any credential may pass, too.
    pub optional: bool,
}

/// Reads `auth`; `None` where the path is open.
pub(super) fn read_access(
    object: &mut ObjectReader<'_>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> Option<Access> {
    let node = object.node(&path::keys::AUTH)?;
    let place = path::keys::AUTH.at(object.place());
    let first = |findings: &mut Findings<'_>| {
        if context.authorizers.is_empty() {
            let help = told(|| "add an \"authorizer\", or remove \"auth\"".to_owned());
            let message = "the path needs a token and nothing says which are valid".to_owned();
            findings.note(node.offset, &place, "authorizer_missing", message, help);
        }
        Access::default()
    };
    match &node.value {
        Value::Bool(false) => None,
        Value::Bool(true) => Some(first(findings)),
        Value::Text(_) => {
            let written = read_text(node, &place, findings)?;
            Some(Access { authorizer: find_authorizer(&written, &place, context, findings), ..Access::default() })
        }
        Value::Object(_) => {
            let mut rules = ObjectReader::open(node, &place, findings)?;
            let mut access = match rules.text(&AUTHORIZER, findings) {
                None => first(findings),
                Some(written) => {
                    let place = AUTHORIZER.at(&place);
                    let authorizer = find_authorizer(&written, &place, context, findings);
                    Access { authorizer, ..Access::default() }
                }
            };
            access.scopes = read_names(&mut rules, &SCOPES, findings);
            access.any_scopes = read_names(&mut rules, &ANY_SCOPES, findings);
            access.permissions = read_names(&mut rules, &PERMISSIONS, findings);
            access.claims = read_claims(&mut rules, findings);
            access.optional = rules.boolean(&OPTIONAL, findings);
            rules.finish_beside_names(words("a claim and its value stand in \"claims\""), findings);
            Some(access)
        }
        Value::Null | Value::Number(_) | Value::Array(_) => {
            note_type(node, &place, "true, false, the name of an authorizer or an object", findings);
            // Whatever was meant, the path is not open.
            Some(Access::default())
        }
    }
}

fn find_authorizer(
    written: &Written<'_>,
    place: &Place<'_>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> usize {
    let Some(name) = written.value() else { return 0 };
    if let Some(index) = context.authorizer_names.get(name) {
        return *index;
    }
    let names = context.authorizers.iter().map(|read| read.name.as_str());
    let help = told(|| match nearest(name, names.clone()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if ["true", "false"].contains(&name) => {
            format!("write {name} without quotes, or one of: {}", listed(names))
        }
        None => format!("one of: {}", listed(names)),
    });
    let message = format!("no authorizer is called \"{}\"", shown(written));
    findings.note(written.offset, place, "unknown_authorizer", message, help);
    0
}

/// Reads scopes or permissions; each is what a scope may be (RFC 6749 section 3.3), for it stands in challenges.
fn read_names(object: &mut ObjectReader<'_>, key: &Key<Texts>, findings: &mut Findings<'_>) -> Vec<String> {
    let place = key.at(object.place());
    let is_scope =
        |text: &str| !text.is_empty() && text.bytes().all(|b| matches!(b, b'!'..=b'~') && b != b'"' && b != b'\\');
    let written = object.texts(key, findings);
    let mut names = Vec::with_capacity(written.len());
    for (index, written) in written.iter().enumerate() {
        match written.value() {
            Some(name) if is_scope(name) => names.push(name.to_owned()),
            Some(_) => {
                let message = format!("\"{}\" is no name of a scope", shown(written));
                let help = told(|| "write one name a string, without spaces".to_owned());
                findings.note(written.offset, &Place::Index(&place, index), "invalid_name", message, help);
            }
            None => {}
        }
    }
    names
}

fn read_claims(object: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Vec<(String, Json)> {
    let place = CLAIMS.at(object.place());
    let Some(claims) = object.node(&CLAIMS).and_then(|node| ObjectReader::open(node, &place, findings)) else {
        return Vec::new();
    };
    let mut read = Vec::new();
    for member in claims.free_members() {
        let place = Place::Key(&place, &member.key);
        match &member.node.value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    note_unless_scalar(item, &Place::Index(&place, index), "a text, a number, true or false", findings);
                }
            }
            _ => {
                let expected = "a text, a number, true, false, or a list of them";
                note_unless_scalar(&member.node, &place, expected, findings);
            }
        }
        read.push((member.key.to_string(), member.node.to_json()));
    }
    read
}

fn note_unless_scalar(node: &Node<'_>, place: &Place<'_>, expected: &str, findings: &mut Findings<'_>) {
    match &node.value {
        Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
        Value::Null | Value::Object(_) | Value::Array(_) => note_type(node, place, expected, findings),
    }
}

section! {
    Section::new(
        "access",
        "auth",
        "What a path's token must hold besides being valid.\n\n`true` in place of the object asks for a valid token of \
         the first authorizer, a string for one of the authorizer of that name, and `false` for none. A token that is \
         valid and not enough gets 403 `insufficient_scope`.",
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
        "The token must have one of these.",
        example(list!["admin"]);
    PERMISSIONS: Texts = texts("permissions", Scope), Elsewhere,
        "The token must have all of these, in the list `permissions`.",
        example(list!["read:orders"]);
    CLAIMS: Value = value("claims"), Elsewhere,
        "Claims and their values: the claim equals the value, or is a list that contains it; of several values, one is \
         enough. Dots in a name lead into objects; of names that fit the longest is meant.",
        shape(claim_values()), example(object! { "org_id": list!["org_1", "org_2"] });
    OPTIONAL: Boolean = boolean("optional"), Elsewhere,
        "Lets a request without any credential go on without claims, and one whose session has ended or cannot be \
         used; a bad token is refused as ever.",
        example(true);
}

#[cfg(not(target_arch = "wasm32"))]
fn claim_values() -> super::grammar::Shape {
    use super::{form::Form, grammar::Shape};
    let scalar = || vec![Shape::Text(Form::Any), Shape::Number, Shape::Boolean];
    let mut values = scalar();
    values.push(Shape::list(Shape::Either(scalar())));
    Shape::map(Shape::Either(values))
}
