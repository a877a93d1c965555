//! The `authorization` of a server: the token that the gateway requests for it, in place of the caller's.

use std::rc::Rc;

use super::address::read_https;
use super::authorizer::Authorizer;
use super::authorizer::keys::AUDIENCE;
#[cfg(not(target_arch = "wasm32"))]
use super::client::{
    self, CLIENT_SECRET, PRIVATE_KEY, RAW_CLIENT_SECRET, TOKEN_ENDPOINT_AUTH_METHOD, auth_conditions, public_client,
};
use super::client::{AuthMethod, CLIENT_ID, Client, WrittenClient, note_without_client, read_client};
use super::code::Code;
use super::document::Node;
#[cfg(not(target_arch = "wasm32"))]
use super::grammar::{Entry, Json, absent, having, list, object, present, refused, wherever, with};
use super::provider::{RESOURCE, SCOPE, read_resources};
use super::reader::{Findings, ObjectReader, Place, Written, advice};
use super::section::section;
use super::shared_secret::SECRET_MIN_BYTES;
use crate::secret::Secret;

/// How the gateway gets the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamGrant {
    /// Its client requests one of its own (RFC 6749 section 4.4).
    ClientCredentials,
    /// It exchanges the caller's access token (RFC 8693).
    TokenExchange,
}

impl UpstreamGrant {
    /// Every choice by its name.
    pub const NAMES: [(&'static str, Self); 2] =
        [("client_credentials", Self::ClientCredentials), ("token_exchange", Self::TokenExchange)];
}

/// The token that the gateway requests for an upstream.
pub struct UpstreamToken {
    /// How it gets the token.
    pub grant: UpstreamGrant,
    /// The client that requests it.
    pub client: Client,
    /// Where it requests it.
    pub endpoint: TokenEndpoint,
    /// Who takes the client's assertions.
    pub issuer: String,
    /// How long one request may take.
    pub timeout_ms: u32,
    /// What the token is for: `audience`, `resource` and `scope`.
    pub parameters: Vec<(&'static str, String)>,
    /// What tells the token from others: all of the above but the secrets.
    pub name: String,
}

impl UpstreamToken {
    /// Returns the secret that seals copies of the token, if nobody can guess it.
    pub fn sealing_secret(&self) -> Option<&Secret<String>> {
        let key = self.client.private_key.as_ref().map(|key| &key.jwk);
        key.or(self.client.secret.as_ref()).filter(|secret| secret.expose().len() >= SECRET_MIN_BYTES)
    }
}

/// Where a token is requested.
pub enum TokenEndpoint {
    /// At this address, which may take a secret by only one method.
    Known(String, Option<AuthMethod>),
    /// Where the discovery document of an authorizer says.
    Discovered(Rc<Authorizer>),
}

/// The `authorization` of a server, as it is written.
#[derive(Clone)]
pub(crate) struct WrittenUpstreamToken<'n> {
    /// How the gateway gets the token, as it is written.
    pub written_grant: Written<'n>,
    /// The same, if it is known here.
    pub grant: Option<UpstreamGrant>,
    /// The client that requests it; without one, it is that of the authorizer.
    pub client: Option<WrittenClient<'n>>,
    /// The token endpoint; `None` if it is that of an authorizer, and `Some(None)` if it is wrong, or not known here.
    pub endpoint: Option<Option<String>>,
    /// The name of the authorizer, if the config has one.
    pub authorizer: Option<Written<'n>>,
    /// What the token is for; `None` if a part of it is not known here.
    pub parameters: Option<Vec<(&'static str, String)>>,
}

/// Reads the `authorization` of a server; `None` if it is wrong, or not known here.
pub(super) fn read_upstream_token<'n>(
    node: &'n Node<'n>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenUpstreamToken<'n>> {
    let mut object = ObjectReader::open(node, place, findings)?;
    let chosen = object.choice(&GRANT, findings);
    let authorizer = object.text(&AUTHORIZER, findings);
    let endpoint = object.text(&TOKEN_ENDPOINT, findings);
    let keys_before = object.known_keys();
    let client = read_client(&mut object, findings);
    let is_absent = if endpoint.is_some() {
        object.required(&CLIENT_ID, findings).is_none()
    } else {
        note_without_client(&object, keys_before, "remove the key to use the authorizer's client", findings)
    };
    let mut parameters = Vec::new();
    parameters.extend(object.text(&AUDIENCE, findings).map(|audience| (AUDIENCE.name, audience)));
    parameters.extend(read_resources(&mut object, findings).into_iter().map(|resource| (RESOURCE.name, resource)));
    parameters.extend(object.text(&SCOPE, findings).map(|scope| (SCOPE.name, scope)));
    object.finish(findings);

    if let Some(written) = authorizer.filter(|_| endpoint.is_some()) {
        let message = format_args!("\"{}\" has no effect beside a \"{}\"", AUTHORIZER.name, TOKEN_ENDPOINT.name);
        let help = advice("keep one of the two");
        findings.note(written.offset, &AUTHORIZER.at(place), Code::UnusedKey, message, help);
    }
    let endpoint = endpoint.map(|written| read_https(&written, &TOKEN_ENDPOINT.at(place), findings));
    let (written_grant, grant) = chosen?;
    if parameters.is_empty() && grant == Some(UpstreamGrant::TokenExchange) {
        let message = format_args!("nothing says what the caller's token is exchanged for");
        let help = advice("add the upstream's \"audience\" or \"resource\", or a \"scope\"");
        let help = help.about([AUDIENCE.name, RESOURCE.name, SCOPE.name]);
        findings.note(written_grant.offset, &GRANT.at(place), Code::MissingKey, message, help);
    }
    let client = (!is_absent).then_some(client);
    let parameters = parameters.into_iter().map(|(name, written)| Some((name, written.to_text()?))).collect();
    Some(WrittenUpstreamToken { written_grant, grant, client, endpoint, authorizer, parameters })
}

/// Returns the schemas that refuse what has no effect, and require what a grant needs.
#[cfg(not(target_arch = "wasm32"))]
fn conditions() -> [Json; 5] {
    let grant = |grant| having(&GRANT, object! { "const": GRANT.name_of(grant) });
    let useless = |entry: Entry| (entry.name.to_owned(), absent("It has no effect without a client_id."));
    let others = client::entries().into_iter().filter(|entry| entry.name != CLIENT_ID.name).map(useless);
    let needs_client = "It needs a client that authenticates: add the client_secret.";
    [
        wherever(
            "a token comes from an authorizer's provider or from an endpoint",
            present(&TOKEN_ENDPOINT),
            with(&AUTHORIZER, absent("There is a token_endpoint, too: keep one of the two.")),
        ),
        wherever("an endpoint has a client", present(&TOKEN_ENDPOINT), present(&CLIENT_ID)),
        wherever(
            "the keys of a client have one",
            with(&CLIENT_ID, false.into()),
            object! { "properties": Json::Object(others.collect()) },
        ),
        wherever(
            "a client that gets a token of its own authenticates",
            object! { "allOf": list![present(&CLIENT_ID), public_client()] },
            with(&GRANT, refused(object! { "const": GRANT.name_of(UpstreamGrant::ClientCredentials) }, needs_client)),
        ),
        wherever(
            "a token is exchanged for something",
            grant(UpstreamGrant::TokenExchange),
            object! { "anyOf": list![present(&AUDIENCE), present(&RESOURCE), present(&SCOPE)] },
        ),
    ]
}

section! {
    Section::new(
        "authorization",
        "authorization",
        "The token that the gateway requests for an upstream, and sends it as `Authorization: Bearer` in place of the \
         client's. The client's own `Authorization` does not reach the upstream, and no path may set the header.\n\nThe \
         token is requested at the provider of an authorizer, or at a `token_endpoint`. It is used until shortly before \
         it expires. See [tokens of the gateway's own](upstreams.md#tokens-of-the-gateways-own).",
    )
        .conditions(auth_conditions())
        .conditions(conditions())
        .example(
            r#"{
                    "authorizer": {
                        "type": "auth0",
                        "domain": "$env.AUTH0_DOMAIN",
                        "client_id": "$env.AUTH0_CLIENT_ID",
                        "audience": "https://api.example.com"
                    },
                    "servers": [
                        {
                            "alias": "billing",
                            "url": "https://billing.example.com",
                            "authorization": {
                                "grant": "client_credentials",
                                "client_id": "$env.BILLING_CLIENT_ID",
                                "client_secret": "$secret.BILLING_CLIENT_SECRET",
                                "audience": "https://billing.example.com"
                            }
                        }
                    ],
                    "paths": [
                        { "method": "GET", "path": "/invoices", "auth": true, "integration": { "type": "http_proxy", "server": "billing" } }
                    ]
                }"#,
        );

    GRANT: Choice<UpstreamGrant> = choice("grant", &UpstreamGrant::NAMES).required(),
        Different("calls the upstream with a token of another kind"),
        "How the gateway gets the token: by `client_credentials` one of its own (RFC 6749 section 4.4), by \
         `token_exchange` one for the caller's access token (RFC 8693), which each path then needs by `auth`.",
        example("client_credentials");
    AUTHORIZER: Text = text("authorizer", NotEmpty), Different("requests its tokens from another provider"),
        "The name of the authorizer whose provider issues the token, of type `auth0` or `oidc`.",
        default_words("the one that people log in at"), example("default");
    TOKEN_ENDPOINT: Text = text("token_endpoint", HttpsUrl), Different("sends its client's secret to another address"),
        "The token endpoint, if the token comes from elsewhere than an authorizer's provider. It needs a `client_id`.",
        default_words("the authorizer's"), example("https://id.example.com/oauth/token");
    CLIENT_ID, Different("requests its tokens as another client"),
        "The client that requests the token.",
        default_words("the authorizer's client"), example("$env.BILLING_CLIENT_ID");
    CLIENT_SECRET, Hidden("shows another secret of the client"),
        "The client's secret. Keep it out of the file, by reference.",
        example("$secret.BILLING_CLIENT_SECRET");
    TOKEN_ENDPOINT_AUTH_METHOD, Different("authenticates the client in another way"),
        "How the client authenticates, as it is registered: see the same key of an [authorizer](#authorizer).",
        default_words("as for an authorizer; at a `token_endpoint` `client_secret_basic`"), example("client_secret_post");
    RAW_CLIENT_SECRET, Different("encodes the secret of the client differently"),
        "Whether `client_secret_basic` sends `client_id` and secret unencoded.",
        example(true);
    PRIVATE_KEY, Hidden("signs with another key of the client"),
        "What `private_key_jwt` signs with: a private key as the JSON of a JWK in one string, by reference.",
        example("$secret.PRIVATE_KEY");
    AUDIENCE, Different("requests tokens for another audience"),
        "The API that the token is for, as Auth0 and token exchange name it.",
        example("https://billing.example.com");
    RESOURCE, Wider("requests tokens for the resource"),
        "The resource, or a list of resources, that the token is for (RFC 8707): absolute URIs without a fragment.",
        shape(Shape::Either(vec![Shape::Text(Form::Resource), Shape::List(Box::new(Shape::Text(Form::Resource)), 1)])),
        example("https://billing.example.com");
    SCOPE, Wider("requests tokens with the scope"),
        "The scopes of the token, separated by spaces.",
        default_words("what the provider gives the client"), example("read:invoices");
}
