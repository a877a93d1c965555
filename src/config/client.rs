//! A client at an identity provider, and how it authenticates there (RFC 7591 section 2).

use std::rc::Rc;

use super::code::Code;
use super::document::Value;
#[cfg(not(target_os = "unknown"))]
use super::grammar::{Entry, Json, absent, having, list, object, refused, wherever, with};
use super::reader::{Findings, ObjectReader, Place, Written, host_help, shown};
use super::section::section;
use crate::jwks::SigningKey;
use crate::secret::Secret;

/// How the client authenticates at the provider's endpoints (RFC 7591 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// Its secret is in the header `Authorization`.
    Basic,
    /// Its secret is in the form.
    Post,
    /// It signs an assertion with its private key (RFC 7523).
    PrivateKeyJwt,
    /// It is a public client, which sends only its `client_id`.
    None,
}

impl AuthMethod {
    /// Every method by its registered name.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("client_secret_basic", Self::Basic),
        ("client_secret_post", Self::Post),
        ("private_key_jwt", Self::PrivateKeyJwt),
        ("none", Self::None),
    ];
}

/// A client at an identity provider.
#[derive(Clone)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// The client secret; without one, token requests rely only on PKCE.
    pub secret: Option<Secret<String>>,
    /// The method of client authentication, if the config has one.
    pub auth_method: Option<AuthMethod>,
    /// Whether Basic has the client id and the secret unencoded.
    pub raw_secret: bool,
    /// The key that signs assertions; only a client with `private_key_jwt` has one.
    pub private_key: Option<Rc<SigningKey>>,
}

/// A client at an identity provider, as written.
#[derive(Clone)]
pub(crate) struct WrittenClient<'n> {
    /// The client id.
    pub id: Option<Written<'n>>,
    /// The client secret.
    pub secret: Option<Written<'n>>,
    /// The method of client authentication; `None` if the config has none, and `Some(None)` if it is wrong, or not known here.
    pub auth_method: Option<Option<AuthMethod>>,
    /// Whether Basic has the client id and the secret unencoded.
    pub raw_secret: bool,
    /// The key that signs assertions; `None` if the config has none, and `Some(None)` if it is wrong, or not known here.
    pub private_key: Option<Option<Rc<SigningKey>>>,
}

impl WrittenClient<'_> {
    /// Returns the client; `None` if a part of it is wrong, or not known here.
    pub fn client(&self) -> Option<Client> {
        let id = self.id?.value()?;
        // One that is written has to be known.
        let secret = self.secret.map_or(Some(None), |secret| secret.value().map(Some))?;
        let auth_method = self.auth_method.map_or(Some(None), |method| method.map(Some))?;
        let private_key = self.private_key.as_ref().map_or(Some(None), |key| key.as_ref().map(Some))?;
        Some(Client {
            id: id.to_owned(),
            secret: secret.map(|secret| Secret::new(secret.to_owned())),
            auth_method,
            raw_secret: self.raw_secret,
            private_key: private_key.cloned(),
        })
    }

    /// Checks whether it has nothing that proves who it is.
    pub fn is_public(&self) -> bool {
        self.secret.is_none() && self.private_key.is_none() || self.auth_method == Some(Some(AuthMethod::None))
    }

    /// Checks whether it signs assertions.
    pub fn signs(&self) -> bool {
        self.auth_method == Some(Some(AuthMethod::PrivateKeyJwt))
    }
}

/// Reads a client.
pub(super) fn read_client<'n>(object: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> WrittenClient<'n> {
    let id = object.text(&CLIENT_ID, findings);
    let secret = object.text(&CLIENT_SECRET, findings);
    let private_key = object.text(&PRIVATE_KEY, findings);
    let auth_method = read_auth_method(object, secret.is_some(), private_key.as_ref(), findings);
    let raw_secret = object.boolean(&RAW_CLIENT_SECRET, findings);
    let place = object.place();
    let private_key = private_key.map(|written| read_private_key(&written, &PRIVATE_KEY.at(place), findings));
    WrittenClient { id, secret, auth_method, raw_secret, private_key }
}

/// Returns the keys of a client that has to be there.
#[cfg(not(target_os = "unknown"))]
pub(super) fn entries_with_id() -> Vec<Entry> {
    entries().into_iter().map(|entry| if entry.name == CLIENT_ID.name { entry.required() } else { entry }).collect()
}

/// Returns the schemas that require what the method needs, and refuse a key that it does not use.
#[cfg(not(target_os = "unknown"))]
pub(super) fn auth_conditions() -> [Json; 4] {
    let names = |is_meant: &dyn Fn(AuthMethod) -> bool| -> Vec<_> {
        AuthMethod::NAMES.iter().filter(|(_, method)| is_meant(*method)).map(|(name, _)| *name).collect()
    };
    let refuse = |methods: &[AuthMethod], message: &str| {
        let methods = object! { "enum": names(&|method| methods.contains(&method)) };
        with(&TOKEN_ENDPOINT_AUTH_METHOD, refused(methods, message))
    };
    let other_than = |own| with(&TOKEN_ENDPOINT_AUTH_METHOD, object! { "enum": names(&|method| method != own) });
    [
        wherever(
            "a secret that is sent is there",
            with(&CLIENT_SECRET, false.into()),
            refuse(&[AuthMethod::Basic, AuthMethod::Post], "Add the client_secret, or write none for a public client."),
        ),
        wherever(
            "a key that signs is there",
            with(&PRIVATE_KEY, false.into()),
            refuse(&[AuthMethod::PrivateKeyJwt], "Add the private_key."),
        ),
        wherever(
            "a key that is there signs",
            other_than(AuthMethod::PrivateKeyJwt),
            with(&PRIVATE_KEY, absent("It has no effect without \"token_endpoint_auth_method\": \"private_key_jwt\".")),
        ),
        wherever(
            "only Basic encodes secrets",
            other_than(AuthMethod::Basic),
            with(
                &RAW_CLIENT_SECRET,
                refused(
                    object! { "const": true },
                    "It has no effect without \"token_endpoint_auth_method\": \"client_secret_basic\".",
                ),
            ),
        ),
    ]
}

/// Returns the schema of an object whose client has nothing that proves who it is.
#[cfg(not(target_os = "unknown"))]
pub(super) fn public_client() -> Json {
    let method = TOKEN_ENDPOINT_AUTH_METHOD.name_of(AuthMethod::None);
    object! {
        "anyOf": list![
            object! { "properties": object! { [CLIENT_SECRET]: false, [PRIVATE_KEY]: false } },
            having(&TOKEN_ENDPOINT_AUTH_METHOD, object! { "const": method }),
        ]
    }
}

/// Reads the method of client authentication, and reports a method without what it needs, and a key that the method does not use.
fn read_auth_method(
    object: &mut ObjectReader<'_, '_>,
    has_secret: bool,
    private_key: Option<&Written<'_>>,
    findings: &mut Findings<'_>,
) -> Option<Option<AuthMethod>> {
    let chosen = object.choice(&TOKEN_ENDPOINT_AUTH_METHOD, findings);
    let method = chosen.map(|(_, method)| method);
    if let Some((written, Some(method))) = chosen {
        let needed = match method {
            AuthMethod::Basic | AuthMethod::Post if !has_secret => Some(CLIENT_SECRET.name),
            AuthMethod::PrivateKeyJwt if private_key.is_none() => Some(PRIVATE_KEY.name),
            _ => None,
        };
        if let Some(needed) = needed {
            let message = format_args!("\"{}\" needs a \"{needed}\"", shown(&written));
            let help = host_help(|| format!("add \"{needed}\", or write \"none\" for a public client"));
            let place = TOKEN_ENDPOINT_AUTH_METHOD.at(object.place());
            findings.note(written.offset, &place, Code::MissingKey, message, help.about([needed]));
        }
    }
    let raw = object.node(&RAW_CLIENT_SECRET).filter(|node| matches!(node.value, Value::Bool(true)));
    for (key, offset, of) in [
        (PRIVATE_KEY.name, private_key.map(|key| key.offset), AuthMethod::PrivateKeyJwt),
        (RAW_CLIENT_SECRET.name, raw.map(|node| node.offset), AuthMethod::Basic),
    ] {
        // A method that is not known here may be this one.
        let is_used = method.is_some_and(|method| method.is_none_or(|method| method == of));
        let Some(offset) = offset.filter(|_| !is_used) else { continue };
        let name = AuthMethod::NAMES.iter().find(|(_, method)| *method == of).map_or("", |(name, _)| name);
        let message = format_args!("\"{key}\" has no effect without \"token_endpoint_auth_method\": \"{name}\"");
        let help = host_help(|| format!("write that, or remove \"{key}\""));
        findings.note(offset, &Place::Key(object.place(), key), Code::UnusedKey, message, help);
    }
    method
}

/// Reads the key that signs assertions.
fn read_private_key(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Rc<SigningKey>> {
    let key = SigningKey::parse(written.value()?);
    if let Err(reason) = &key {
        let message = format_args!("the private key cannot be used: {reason}");
        let help = host_help(|| {
            "write the key as a JWK in one string: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519".to_owned()
        });
        findings.note(written.offset, place, Code::InvalidJwks, message, help);
    }
    key.ok().map(Rc::new)
}

section! {
    entries;

    CLIENT_ID: Text = text("client_id", NotEmpty), Different("logs people in to another client"),
        "The application at the provider.",
        example("$env.CLIENT_ID");
    CLIENT_SECRET: Text = text("client_secret", NotEmpty), Hidden("shows another secret of the application"),
        "The application's secret. Keep it out of the file, by reference. Without one a login relies on PKCE alone.",
        example("$secret.CLIENT_SECRET");
    TOKEN_ENDPOINT_AUTH_METHOD: Choice<AuthMethod> = choice("token_endpoint_auth_method", &AuthMethod::NAMES),
        Different("authenticates the client in another way"),
        "How the client authenticates at the provider, as it is registered there. `client_secret_basic` sends its \
         secret in the header `Authorization`, `client_secret_post` in the form, `private_key_jwt` an assertion that it \
         signs with its `private_key` (RFC 7523), and `none` nothing. A revocation endpoint that takes a secret in only \
         one of the two ways gets it in that.",
        default_words("`none` without a `client_secret`; `client_secret_post` for `auth0`, and if discovery lists methods without `client_secret_basic`; otherwise `client_secret_basic`"),
        example("client_secret_post");
    RAW_CLIENT_SECRET: Boolean = boolean("raw_client_secret"),
        Different("encodes the secret of the client differently"),
        "Whether `client_secret_basic` sends `client_id` and secret unencoded, for a provider that does not decode them \
         (RFC 6749 section 2.3.1), such as Glewlwyd and LemonLDAP::NG.",
        example(true);
    PRIVATE_KEY: Text = text("private_key", NotEmpty), Hidden("signs with another key of the client"),
        "What `private_key_jwt` signs with: a private key as the JSON of a JWK in one string, by reference. The assertion \
         names its `kid`, and is signed with its `alg`; without one, with `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA`.",
        example("$secret.PRIVATE_KEY");
}
