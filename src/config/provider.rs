//! The part of an authorizer that logs people in: the client at the provider, and the provider's endpoints.

use std::rc::Rc;

use super::address::WrittenUrl;
use super::code::Code;
use super::document::Member;
use super::reader::{Findings, ObjectReader, Place, Written, read_text, told};
use super::section::section;
use super::shared_secret::note_if_weak;

/// Scopes that a login requests if the config names none: those of the OpenID Connect profile.
const SCOPE_DEFAULT: &str = "openid profile email";

/// Parameters of an authorization request that the gateway sets, or that would change how the provider answers.
pub(super) const RESERVED_PARAMETERS: [&str; 13] = [
    "audience",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

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
    /// Whether the client sends its secret in a header (`client_secret_basic`) and not in the form.
    pub basic: bool,
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
            basic: false,
            names_itself: false,
        }
    }
}

/// A client at an identity provider, as written.
#[derive(Clone)]
pub(crate) struct WrittenProvider<'n> {
    /// The client id.
    pub client_id: Option<Written<'n>>,
    /// The client secret.
    pub client_secret: Option<Written<'n>>,
    /// The secret that seals login state, if it is not the client secret.
    pub sealing_key: Option<Written<'n>>,
    /// The redirect URI.
    pub redirect_uri: Option<WrittenUrl<'n>>,
    /// Scopes that a login requests, separated by spaces.
    pub scope: Option<Written<'n>>,
    /// The API for which access tokens are requested.
    pub audience: Option<Written<'n>>,
    /// Other parameters of each authorization request.
    pub login_parameters: Vec<(&'n str, Written<'n>)>,
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
        let audience = self.audience.map(|audience| ("audience", audience));
        for (name, written) in audience.into_iter().chain(self.login_parameters.iter().copied()) {
            parameters.push((name.to_owned(), written.to_text()?));
        }
        Some(parameters)
    }
}

/// Reads the client of an authorizer whose provider has `endpoints`.
pub(super) fn read_provider<'n>(
    object: &mut ObjectReader<'n, '_>,
    audience: Option<Written<'n>>,
    endpoints: Option<Rc<Endpoints>>,
    findings: &mut Findings<'_>,
) -> WrittenProvider<'n> {
    let place = object.place();
    let client_id = object.text(&CLIENT_ID, findings);
    let client_secret = object.text(&CLIENT_SECRET, findings);
    let sealing_key = object.text(&SEALING_KEY, findings);
    let scope = object.text(&SCOPE, findings);
    // Everyone who opens the login path gets a text that it sealed.
    if let Some(written) = &sealing_key {
        note_if_weak(written, "make one with `openssl rand -base64 48`", &SEALING_KEY.at(place), findings);
    }
    // SAG's other name for it, which is checked only if it is used.
    let [named, older] = [&REDIRECT_URI, &CALLBACK_URI].map(|key| Some((key, object.text(key, findings)?)));
    let redirect_uri = named.or(older).map(|(key, written)| WrittenUrl::read(written, &key.at(place), findings));
    let login_parameters = read_login_parameters(object, findings);
    let rotation_grace_secs = object.integer(&ROTATION_GRACE_SECONDS, findings);
    WrittenProvider {
        client_id,
        client_secret,
        sealing_key,
        redirect_uri,
        scope,
        audience,
        login_parameters,
        rotation_grace_secs,
        endpoints,
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
        // RFC 6749 section 8.2.
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        };
        // Names are told apart by case (RFC 6749 section 1.9), but not by every provider.
        let is_reserved = RESERVED_PARAMETERS.iter().any(|name| name.eq_ignore_ascii_case(key));
        if is_reserved || !is_name(key) {
            let help = told(|| match &*key.to_ascii_lowercase() {
                "audience" | "client_id" | "client_secret" | "redirect_uri" | "scope" => {
                    format!("write it as \"{}\" of the authorizer", key.to_ascii_lowercase())
                }
                name if is_name(name) => "remove it: it is the gateway's own".to_owned(),
                _ => "a name has letters, digits, \"-\", \".\" and \"_\" alone".to_owned(),
            });
            let message = format_args!("\"{key}\" is not a parameter that a config can set");
            findings.note(*key_offset, &place, Code::InvalidName, message, help);
        }
        parameters.extend(read_text(node, &place, findings).map(|written| (&**key, written)));
    }
    parameters
}

section! {
    entries;

    CLIENT_ID: Text = text("client_id", NotEmpty).required(), Different("logs people in to another client"),
        "The application at the provider.",
        example("$env.CLIENT_ID");
    CLIENT_SECRET: Text = text("client_secret", NotEmpty), Hidden("shows another secret of the application"),
        "The application's secret. Keep it out of the file, by reference. Without one a login relies on PKCE alone.",
        example("$secret.CLIENT_SECRET");
    REDIRECT_URI: Text = text("redirect_uri", RedirectUri), Different("sends authorization codes to another address"),
        "The callback's public address, as the provider knows it, or a native application's. Login and callback paths \
         need it here or of their own.",
        example("https://gateway.example.com/callback");
    CALLBACK_URI: Text = text("callback_uri", Any), Elsewhere,
        "An older name of `redirect_uri`; beside that it has no effect.",
        deprecated("Write `redirect_uri`."), example("https://gateway.example.com/callback");
    SCOPE: Text = text("scope", Any), Wider("requests tokens with the scope"),
        "The scopes asked for at login, separated by spaces. `offline_access` brings a refresh token.",
        default(SCOPE_DEFAULT), example("openid profile email offline_access");
    LOGIN_PARAMETERS: Value = value("login_parameters"), Parameters,
        "Parameters of each login at the provider, which no client can change. Those that the gateway sets by itself \
         are errors here.",
        shape(Shape::Map(Some(Form::Parameter), Box::new(Shape::Text(Form::Any)))),
        example(object! { "prompt": "consent", "access_type": "offline" });
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
