//! The `authorization` of a server: the token that the gateway requests for it, in place of the caller's.

use super::address::read_https;
use super::client::{CLIENT_ID, Client, read_client};
#[cfg(not(target_os = "unknown"))]
use super::client::{
    CLIENT_SECRET, PRIVATE_KEY, RAW_CLIENT_SECRET, TOKEN_ENDPOINT_AUTH_METHOD, WrittenClient, auth_conditions,
    public_client,
};
#[cfg(not(target_os = "unknown"))]
use super::code::Code;
use super::document::Node;
#[cfg(not(target_os = "unknown"))]
use super::grammar::{Json, absent, having, list, object, present, refused, wherever, with};
use super::host_only::HostOnly;
use super::reader::{Findings, ObjectReader, Place, Written};
#[cfg(not(target_os = "unknown"))]
use super::reader::{advice, shown};
use super::section::section;
use super::shared_secret::SECRET_MIN_BYTES;
#[cfg(not(target_os = "unknown"))]
use super::token_target::WrittenTarget;
use super::token_target::{AUDIENCE, Holder, RESOURCE, SCOPE, read_token_target};
use crate::encoding::FormText;
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

    /// Returns the form of a token request, less what the token is for, the client and the caller's token.
    const fn form(self) -> &'static str {
        match self {
            Self::ClientCredentials => "grant_type=client_credentials",
            Self::TokenExchange => {
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
                 &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token\
                 &requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
            }
        }
    }
}

/// The token that the gateway requests for an upstream.
pub struct UpstreamToken {
    /// How it gets the token.
    pub grant: UpstreamGrant,
    /// The client that requests it.
    pub client: Client,
    /// Where it requests it.
    pub endpoint: String,
    /// Who the client's assertions are for.
    pub issuer: String,
    /// The form of the request, less the client and the caller's token.
    pub form: String,
}

impl UpstreamToken {
    /// Returns the secret that seals copies of the token, if nobody can guess it.
    pub fn sealing_secret(&self) -> Option<&Secret<String>> {
        let key = self.client.private_key.as_ref().map(|key| &key.jwk);
        key.or(self.client.secret.as_ref()).filter(|secret| secret.expose().len() >= SECRET_MIN_BYTES)
    }
}

/// How the gateway gets a token: as it is written, and if it is known here.
pub(crate) type WrittenGrant<'n> = (Written<'n>, Option<UpstreamGrant>);

/// Reads the `authorization` of a server: how the gateway gets the token, for people, and the token; `None` if a part of it is wrong, or
/// not known here.
pub(super) fn read_upstream_token<'n>(
    node: &'n Node<'n>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> (HostOnly<Option<WrittenGrant<'n>>>, Option<UpstreamToken>) {
    let Some(mut object) = ObjectReader::open(node, place, findings) else { return (HostOnly::default(), None) };
    let grant = object.choice(&GRANT, findings);
    let endpoint = object.text(&TOKEN_ENDPOINT, findings);
    let issuer = object.text(&ISSUER, findings);
    object.required(&CLIENT_ID, findings);
    let client = read_client(&mut object, findings);
    let target = read_token_target(&mut object, Holder::Gateway, findings);
    object.finish(findings);
    #[cfg(not(target_os = "unknown"))]
    note_useless(grant, issuer, &client, &target, place, findings);
    let endpoint = endpoint.and_then(|written| read_https(&written, &TOKEN_ENDPOINT.at(place), findings));
    let token = || {
        let (grant, endpoint) = (grant?.1?, endpoint?);
        let mut form = FormText::of(grant.form().to_owned());
        for (name, written) in
            [(AUDIENCE.name, target.audience), (RESOURCE.name, target.resource), (SCOPE.name, target.scope)]
        {
            if let Some(written) = written {
                form.append_pair(name, written.value()?);
            }
        }
        let issuer = issuer.map_or(Some(&*endpoint), |issuer| issuer.value())?.to_owned();
        Some(UpstreamToken { grant, client: client.client()?, issuer, endpoint, form: form.finish() })
    };
    (HostOnly::of(|| grant), token())
}

/// Reports what the provider would refuse, and what has no effect. The gateway can do without: nobody gets more by it.
#[cfg(not(target_os = "unknown"))]
fn note_useless(
    grant: Option<WrittenGrant<'_>>,
    issuer: Option<Written<'_>>,
    client: &WrittenClient<'_>,
    target: &WrittenTarget<'_>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) {
    let Some((written, grant)) = grant else { return };
    // Anybody could get the token as well (RFC 6749 section 4.4).
    if client.id.is_some() && client.is_public() {
        let message = format_args!("\"{}\" needs a client that authenticates", shown(&written));
        let help = advice("add \"client_secret\", or \"private_key\" with \"private_key_jwt\"");
        let help = help.about([CLIENT_SECRET.name, PRIVATE_KEY.name]);
        findings.note(written.offset, &GRANT.at(place), Code::MissingKey, message, help);
    }
    if target.first().is_none() && grant == Some(UpstreamGrant::TokenExchange) {
        let message = format_args!("nothing says what the caller's token is exchanged for");
        let help = advice("add the upstream's \"audience\" or \"resource\", or a \"scope\"");
        let help = help.about([AUDIENCE.name, RESOURCE.name, SCOPE.name]);
        findings.note(written.offset, &GRANT.at(place), Code::MissingKey, message, help);
    }
    if let Some(issuer) = issuer.filter(|_| client.private_key.is_none()) {
        let message = format_args!("\"{}\" has no effect without a \"private_key\"", ISSUER.name);
        let help = advice("remove it: only assertions say who they are for");
        findings.note(issuer.offset, &ISSUER.at(place), Code::UnusedKey, message, help);
    }
}

/// Returns the schemas that refuse what has no effect, and require what a grant needs.
#[cfg(not(target_os = "unknown"))]
fn conditions() -> [Json; 3] {
    let needs_client = "It needs a client that authenticates: add the client_secret.";
    let names = UpstreamGrant::NAMES.map(|(name, _)| name).to_vec();
    [
        wherever(
            "a client that gets a token authenticates",
            object! { "allOf": list![present(&CLIENT_ID), public_client()] },
            with(&GRANT, refused(object! { "enum": names }, needs_client)),
        ),
        wherever(
            "a token is exchanged for something",
            having(&GRANT, object! { "const": GRANT.name_of(UpstreamGrant::TokenExchange) }),
            object! { "anyOf": list![present(&AUDIENCE), present(&RESOURCE), present(&SCOPE)] },
        ),
        wherever(
            "only assertions say who they are for",
            with(&PRIVATE_KEY, false.into()),
            with(&ISSUER, absent("It has no effect without a \"private_key\".")),
        ),
    ]
}

section! {
    Section::new(
        "authorization",
        "authorization",
        "The token that the gateway requests for an upstream, and sends it as `Authorization: Bearer` in place of the \
         client's. The client's own `Authorization` does not reach the upstream, and no path may set the header.\n\nThe \
         token is used until shortly before it expires. See [tokens of the gateway's \
         own](upstreams.md#tokens-of-the-gateways-own).",
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
                                "token_endpoint": "https://id.example.com/oauth/token",
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
    TOKEN_ENDPOINT: Text = text("token_endpoint", HttpsUrl).required(), Different("sends its client's secret to another address"),
        "The provider's token endpoint, as its documentation or its discovery document names it.",
        example("https://id.example.com/oauth/token");
    CLIENT_ID, Different("requests its tokens as another client"),
        "The client that requests the token.",
        required(), example("$env.BILLING_CLIENT_ID");
    CLIENT_SECRET, Hidden("shows another secret of the client"),
        "The client's secret. Keep it out of the file, by reference.",
        example("$secret.BILLING_CLIENT_SECRET");
    TOKEN_ENDPOINT_AUTH_METHOD, Different("authenticates the client in another way"),
        "How the client authenticates, as it is registered: see the same key of an [authorizer](#authorizer).",
        default_words("`client_secret_basic`"), example("client_secret_post");
    RAW_CLIENT_SECRET, Different("encodes the secret of the client differently"),
        "Whether `client_secret_basic` sends `client_id` and secret unencoded.",
        example(true);
    PRIVATE_KEY, Hidden("signs with another key of the client"),
        "What `private_key_jwt` signs with: a private key as the JSON of a JWK in one string, by reference.",
        example("$secret.PRIVATE_KEY");
    ISSUER: Text = text("issuer", NotEmpty), Different("signs its client's assertions for another provider"),
        "Who the assertions of `private_key_jwt` are for (`aud`), if the provider takes only those for its issuer, as Auth0 does.",
        default_words("the `token_endpoint`"), example("https://id.example.com/");
    AUDIENCE, Different("requests tokens for another audience"),
        "The API that the token is for, as Auth0 and token exchange name it.",
        example("https://billing.example.com");
    RESOURCE, Different("requests tokens for another resource"),
        "The resource that the token is for (RFC 8707): an absolute URI without a fragment.",
        example("https://billing.example.com");
    SCOPE, Wider("requests tokens with the scope"),
        "The scopes of the token, separated by spaces.",
        default_words("what the provider gives the client"), example("read:invoices");
}
