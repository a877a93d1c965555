//! The part of an authorizer that logs people in: the client at the provider, and the provider's endpoints.

use std::rc::Rc;

use super::address::{WrittenUrl, read_https};
#[cfg(not(target_os = "unknown"))]
use super::authorizer::algorithm::algorithm_names;
use super::authorizer::algorithm::read_algorithm;
use super::client::{AuthMethod, CLIENT_ID, WrittenClient, read_client};
use super::code::Code;
use super::document::{self, Member, Node};
use super::reader::{Findings, Help, ObjectReader, Place, Written, advice, host_help, read_text};
use super::section::section;
use super::shared_secret::note_if_weak;
use crate::address::Address;
use crate::algorithm::Algorithm;

/// Scopes that a login requests if the config names none: those of the OpenID Connect profile.
const SCOPE_DEFAULT: &str = "openid profile email";

/// Parameters of an authorization request that the gateway sets, or that would change how the provider answers.
pub(super) const RESERVED_PARAMETERS: [&str; 17] = [
    "audience",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// Parameters of a login path that go to the provider, unless the config says otherwise; they choose how to ask, never what is
/// granted.
const CLIENT_PARAMETERS_DEFAULT: [&str; 8] =
    ["prompt", "login_hint", "screen_hint", "connection", "organization", "invitation", "ui_locales", "max_age"];

/// How long late duplicates of a refresh get the same answer, unless the config says otherwise.
pub(super) const ROTATION_GRACE_DEFAULT_SECS: u32 = 10;

/// A longer grace would keep tokens in memory for longer than any retry takes.
pub(super) const ROTATION_GRACE_MAX_SECS: u32 = 60;

/// The endpoints of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The authorization endpoint.
    pub authorization: String,
    /// The token endpoint.
    pub token: String,
    /// The userinfo endpoint; not every provider has one.
    pub userinfo: Option<String>,
    /// The revocation endpoint (RFC 7009); not every provider has one.
    pub revocation: Option<String>,
    /// The URL that logs a browser out of the provider, and the parameter for the URL that it goes to afterwards.
    pub logout: Option<(String, &'static str)>,
    /// The introspection endpoint (RFC 7662); not every provider has one.
    pub introspection: Option<String>,
    /// The method by which the token endpoint accepts a secret, Basic or post, if it does not accept both.
    pub token_auth: Option<AuthMethod>,
    /// The same for the revocation endpoint.
    pub revocation_auth: Option<AuthMethod>,
    /// The same for the introspection endpoint.
    pub introspection_auth: Option<AuthMethod>,
    /// The endpoint for pushed authorization requests (RFC 9126); not every provider has one.
    pub pushed: Option<String>,
    /// Whether the provider takes no authorization request that was not pushed.
    pub requires_pushed: bool,
    /// Whether the provider names its issuer in every authorization response (RFC 9207 section 3).
    pub names_itself: bool,
}

impl Endpoints {
    /// Returns the endpoints of an Auth0 tenant.
    pub fn of_auth0(origin: &str) -> Self {
        let at = |path: &str| format!("{origin}{path}");
        Self {
            authorization: at("/authorize"),
            token: at("/oauth/token"),
            userinfo: Some(at("/userinfo")),
            revocation: Some(at("/oauth/revoke")),
            logout: Some((at("/v2/logout"), "returnTo")),
            introspection: None,
            token_auth: Some(AuthMethod::Post),
            revocation_auth: None,
            introspection_auth: None,
            pushed: Some(at("/oauth/par")),
            requires_pushed: false,
            names_itself: false,
        }
    }
}

/// A client at an identity provider, as written.
#[derive(Clone)]
pub(crate) struct WrittenProvider<'n> {
    /// The client.
    pub client: WrittenClient<'n>,
    /// The secret that seals login state, if it is not the client secret.
    pub sealing_key: Option<Written<'n>>,
    /// The redirect URI.
    pub redirect_uri: Option<WrittenUrl<'n>>,
    /// The revocation endpoint, if the config has one; `Some(None)` if it is wrong, or not known here.
    pub revocation_endpoint: Option<Option<String>>,
    /// Scopes that a login requests, separated by spaces.
    pub scope: Option<Written<'n>>,
    /// The API for which access tokens are requested.
    pub audience: Option<Written<'n>>,
    /// The algorithm of ID tokens; `None` if the config has none, and `Some(None)` if it is wrong, or not known here.
    pub id_token_algorithm: Option<Option<Algorithm>>,
    /// The resources for which they are requested (RFC 8707).
    pub resources: Vec<Written<'n>>,
    /// Other parameters of each authorization request.
    pub login_parameters: Vec<(&'n str, Written<'n>)>,
    /// Parameters of a login path that a client may choose; `None` if one of them is wrong, or not known here.
    pub client_parameters: Option<Vec<String>>,
    /// Whether authorization requests are pushed, also if the provider does not require it.
    pub pushes_requests: bool,
    /// Whether the provider posts its authorization responses.
    pub posts_responses: bool,
    /// How long late duplicates of a refresh get the first answer; 0 disables that.
    pub rotation_grace_secs: u32,
    /// The provider's endpoints; `None` if its discovery document has them, or if they are not known here.
    pub endpoints: Option<Rc<Endpoints>>,
}

impl WrittenProvider<'_> {
    /// Returns the parameters of every authorization request; `None` if one of them is not known here.
    pub fn parameters(&self) -> Option<Vec<(String, String)>> {
        let scope = self.scope.map_or_else(|| Some(SCOPE_DEFAULT.to_owned()), Written::to_text)?;
        let mut parameters = vec![(SCOPE.name.to_owned(), scope)];
        let mut add = |name: &str, written: &Written<'_>| {
            parameters.push((name.to_owned(), written.to_text()?));
            Some(())
        };
        if let Some(audience) = &self.audience {
            add("audience", audience)?;
        }
        for resource in &self.resources {
            add(RESOURCE.name, resource)?;
        }
        for (name, written) in &self.login_parameters {
            add(name, written)?;
        }
        Some(parameters)
    }
}

/// Reads the client of an authorizer whose provider has `endpoints`. One that is not needed may be absent, with its keys.
pub(super) fn read_provider<'n>(
    object: &mut ObjectReader<'n, '_>,
    audience: Option<Written<'n>>,
    endpoints: Option<Rc<Endpoints>>,
    is_needed: bool,
    findings: &mut Findings<'_>,
) -> Option<WrittenProvider<'n>> {
    let place = object.place();
    let keys_before = object.known_keys();
    if is_needed {
        object.required(&CLIENT_ID, findings);
    }
    let client = read_client(object, findings);
    let sealing_key = object.text(&SEALING_KEY, findings);
    let scope = object.text(&SCOPE, findings);
    // Everyone who opens the login path gets a text that it sealed.
    if let Some(written) = &sealing_key {
        note_if_weak(written, "make one with `openssl rand -base64 48`", &SEALING_KEY.at(place), findings);
    }
    // SAG's other name for it, which is checked only if it is used.
    let [named, older] = [&REDIRECT_URI, &CALLBACK_URI].map(|key| Some((key, object.text(key, findings)?)));
    let redirect_uri = named.or(older).map(|(key, written)| WrittenUrl::read(written, &key.at(place), findings));
    let revocation_endpoint = object
        .text(&REVOCATION_ENDPOINT, findings)
        .map(|written| read_https(&written, &REVOCATION_ENDPOINT.at(place), findings));
    let resources = read_resources(object, findings);
    let login_parameters = read_login_parameters(object, findings);
    let pushes_requests = object.boolean(&PUSHED_AUTHORIZATION_REQUESTS, findings);
    let posts_responses = object.choice(&RESPONSE_MODE, findings).and_then(|(_, posts)| posts).unwrap_or_default();
    if let Some(uri) = redirect_uri.as_ref().filter(|_| posts_responses) {
        uri.refuse_posts(&REDIRECT_URI.at(place), findings);
    }
    let client_parameters = read_client_parameters(object, &login_parameters, findings);
    let rotation_grace_secs = object.integer(&ROTATION_GRACE_SECONDS, findings);
    let id_token_algorithm = object.text(&ID_TOKEN_SIGNED_RESPONSE_ALG, findings).map(|written| {
        let place = ID_TOKEN_SIGNED_RESPONSE_ALG.at(place);
        read_algorithm(&written, false, &place, findings)
    });
    if !is_needed && object.node(&CLIENT_ID).is_none() {
        if let Some(Member { key, key_offset, .. }) = object.first_present_since(keys_before) {
            let message = format_args!("\"{key}\" has no effect without a \"client_id\"");
            let help = advice("add the \"client_id\", or remove the key if nobody logs in there");
            findings.note(*key_offset, &Place::Key(place, key), Code::MissingKey, message, help);
        }
        return None;
    }
    Some(WrittenProvider {
        client,
        sealing_key,
        redirect_uri,
        revocation_endpoint,
        scope,
        audience,
        resources,
        login_parameters,
        client_parameters,
        pushes_requests,
        posts_responses,
        rotation_grace_secs,
        id_token_algorithm,
        endpoints,
    })
}

/// Reads what access tokens are requested for: one resource, or a list of them.
fn read_resources<'n>(object: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> Vec<Written<'n>> {
    let place = RESOURCE.at(object.place());
    let mut read = Vec::new();
    let mut take = |node: &'n Node<'n>, place: &Place<'_>, findings: &mut Findings<'_>| {
        let Some(written) = read_text(node, place, findings) else { return };
        read.push(written);
        note_unlike_resource(&written, place, findings);
    };
    match object.node(&RESOURCE) {
        Some(Node { value: document::Value::Array(items), offset }) => {
            if items.is_empty() {
                let help = advice("remove the key to request tokens without a resource");
                findings.note(*offset, &place, Code::EmptyList, format_args!("no resource is named"), help);
            }
            for (index, item) in items.iter().enumerate() {
                take(item, &Place::Index(&place, index), findings);
            }
        }
        Some(node) => take(node, &place, findings),
        None => {}
    }
    read
}

/// Reports a text that is not a resource (RFC 8707 section 2).
pub(super) fn note_unlike_resource(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) {
    let is_resource =
        |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && b != b'#') && Address::parse(text).is_some();
    if written.value().is_some_and(|text| !is_resource(text)) {
        let wrong = "is not an absolute URI without a fragment";
        let help = advice("write it as the provider knows it, as in https://api.example.com or urn:example:api");
        findings.refuse(written, place, Code::InvalidUrl, wrong, help);
    }
}

/// Reads the parameters of each authorization request.
fn read_login_parameters<'n>(
    object: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Vec<(&'n str, Written<'n>)> {
    let place = LOGIN_PARAMETERS.at(object.place());
    let reader = object.node(&LOGIN_PARAMETERS).and_then(|node| ObjectReader::open(node, &place, findings));
    let mut parameters = Vec::new();
    for Member { key, key_offset, node } in reader.map(|reader| reader.free_members()).unwrap_or_default() {
        let place = Place::Key(&place, key);
        if let Some(help) = refused_parameter(key) {
            let message = format_args!("\"{key}\" is not a parameter that a config can set");
            findings.note(*key_offset, &place, Code::InvalidName, message, help);
        }
        parameters.extend(read_text(node, &place, findings).map(|written| (&**key, written)));
    }
    parameters
}

/// Returns the help for a name that no parameter of a login may have: it is the gateway's own, or not a name.
fn refused_parameter(key: &str) -> Option<Help> {
    // RFC 6749 section 8.2.
    let is_name = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    // Names are told apart by case (RFC 6749 section 1.9), but not by every provider.
    let is_reserved = RESERVED_PARAMETERS.iter().any(|name| name.eq_ignore_ascii_case(key));
    (is_reserved || !is_name).then(|| {
        host_help(|| match &*key.to_ascii_lowercase() {
            "audience" | "client_id" | "client_secret" | "redirect_uri" | "resource" | "response_mode" | "scope" => {
                format!("write it as \"{}\" of the authorizer", key.to_ascii_lowercase())
            }
            _ if is_name => "remove it: it is the gateway's own".to_owned(),
            _ => "a name has letters, digits, \"-\", \".\" and \"_\" alone".to_owned(),
        })
    })
}

/// Reads which parameters a client may choose; `fixed` are those that it cannot.
fn read_client_parameters(
    object: &mut ObjectReader<'_, '_>,
    fixed: &[(&str, Written<'_>)],
    findings: &mut Findings<'_>,
) -> Option<Vec<String>> {
    if object.node(&CLIENT_LOGIN_PARAMETERS).is_none() {
        return Some(CLIENT_PARAMETERS_DEFAULT.map(str::to_owned).to_vec());
    }
    let place = CLIENT_LOGIN_PARAMETERS.at(object.place());
    let listed = object.texts(&CLIENT_LOGIN_PARAMETERS, findings);
    let (mut names, mut are_known) = (Vec::<String>::new(), true);
    for (index, written) in listed.iter().enumerate() {
        let place = Place::Index(&place, index);
        let Some(name) = written.value() else {
            are_known = false;
            continue;
        };
        let mut refuse = |code, wrong, help| findings.refuse(written, &place, code, wrong, help);
        if let Some(help) = refused_parameter(name) {
            refuse(Code::InvalidName, "is not a parameter that a client can choose", help);
        } else if fixed.iter().any(|(fixed, _)| fixed.eq_ignore_ascii_case(name)) {
            let help = advice("remove it here, or from \"login_parameters\"");
            refuse(Code::UnusedKey, "has its value from \"login_parameters\"", help);
        }
        // No request may have a parameter twice (RFC 6749 section 3.1).
        if !names.iter().any(|before| before.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    }
    are_known.then_some(names)
}

section! {
    entries;

    REDIRECT_URI: Text = text("redirect_uri", RedirectUri), Different("sends authorization codes to another address"),
        "The callback's public address, as the provider knows it, or a native application's. Login and callback paths \
         need it here or of their own.",
        example("https://gateway.example.com/callback");
    CALLBACK_URI: Text = text("callback_uri", Any), Elsewhere,
        "An older name of `redirect_uri`; beside that it has no effect.",
        deprecated("Write `redirect_uri`."), example("https://gateway.example.com/callback");
    REVOCATION_ENDPOINT: Text = text("revocation_endpoint", HttpsUrl),
        Different("sends refresh tokens that are to be revoked to another address"),
        "The revocation endpoint (RFC 7009), if the provider's discovery document has none.",
        default_words("the provider's"), example("https://id.example.com/revoke");
    ID_TOKEN_SIGNED_RESPONSE_ALG: Text = text("id_token_signed_response_alg", Any),
        Different("accepts ID tokens of another algorithm"),
        "The algorithm that the provider signs ID tokens and logout tokens with, if it is not among `algorithms`, which is then only \
         for access tokens.",
        shape(algorithm_names(false)), default_words("`algorithms`"), example("ES256");
    SCOPE: Text = text("scope", Any), Wider("requests tokens with the scope"),
        "The scopes asked for at login, separated by spaces. `offline_access` brings a refresh token.",
        default(SCOPE_DEFAULT), example("openid profile email offline_access");
    RESOURCE: Value = value("resource"), Wider("requests tokens for the resource"),
        "The resource, or a list of resources, that logins and refreshes request access tokens for (RFC 8707): absolute \
         URIs without a fragment. `audience` says what the tokens must be for.",
        shape(Shape::Either(vec![Shape::Text(Form::Resource), Shape::List(Box::new(Shape::Text(Form::Resource)), 1)])),
        example("https://api.example.com");
    LOGIN_PARAMETERS: Value = value("login_parameters"), Parameters,
        "Parameters of each login at the provider, which no client can change. Those that the gateway sets by itself \
         are errors here.",
        shape(Shape::Map(Some(Form::Parameter), Box::new(Shape::Text(Form::Any)))),
        example(object! { "prompt": "consent", "access_type": "offline" });
    CLIENT_LOGIN_PARAMETERS: Texts = texts("client_login_parameters", Parameter),
        Wider("lets clients choose the parameter"),
        "The parameters of a login path's query that are passed to the provider, by their names. One that \
         `login_parameters` sets is not passed, and neither is a value of more than 2,048 bytes.",
        default(CLIENT_PARAMETERS_DEFAULT.to_vec()), example(list!["login_hint", "ui_locales"]);
    PUSHED_AUTHORIZATION_REQUESTS: Boolean = boolean("pushed_authorization_requests"),
        Off("no longer pushes authorization requests"),
        "Whether the gateway pushes each login's request to the provider (RFC 9126), so that the browser carries only a \
         reference to it. It always does so if the provider's discovery document requires it.",
        example(true);
    RESPONSE_MODE: Choice<bool> = choice("response_mode", &[("query", false), ("form_post", true)]),
        Different("has codes sent to the callback in another way"),
        "How the provider returns the browser to the callback: `query` in the query of a `GET`, `form_post` in the body \
         of a `POST`, as Apple requires for the scopes `name` and `email`.",
        default("query"), example("form_post");
    ROTATION_GRACE_SECONDS: Integer =
        integer("rotation_grace_seconds", 0..=ROTATION_GRACE_MAX_SECS, ROTATION_GRACE_DEFAULT_SECS),
        Larger("answers a refresh token longer after its use"),
        "How many seconds a late duplicate of a refresh gets the first one's answer, at the refresh path; 0 turns that \
         off.",
        example(5_u32);
    SEALING_KEY: Text = text("sealing_key", SigningSecret), Hidden("seals logins with another key"),
        "What the login state is sealed with, of at least 32 bytes. A login path needs this or `client_secret`.",
        default_words("`client_secret`"), example("$secret.SEALING_KEY");
}
