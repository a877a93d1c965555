//! What answers a path: the `integration` of an entry, or its `response`.

pub(crate) mod keys;

use crate::config::code::Code;
use std::rc::Rc;

use super::address::{Scheme, WrittenUrl, read_origin, read_origins, read_url};
use super::authorization_server::{AuthorizationServer, Endpoint};
use super::document::Node;
use super::fixed::{Fixed, Redirect, read_redirect, read_response, read_static};
use super::host_only::HostOnly;
use super::key::{Key, Text};
use super::login::{Login, Provider};
use super::path::keys as path_keys;
use super::protected_resource::ProtectedResource;
use super::reader::{Findings, Help, ObjectReader, Place, Written, advice, read_array};
use super::server::Server;
use super::service::{Rpc, WrittenCall, read_rpc, read_worker};
use super::session::Session;
use super::token_target::{Holder, WrittenTarget, read_token_target};
use crate::route::{Host, Pattern};
use crate::secret::Secret;
use crate::split::without_last;
use keys::{Kind, ResponseKind};
pub use keys::{ProfileSource, SupabaseStep};

/// What answers a path.
pub enum Integration {
    /// An upstream.
    HttpProxy {
        /// The upstream.
        server: Rc<Server>,
        /// What is taken off the beginning of the path: whole segments of the pattern, all literal, without a slash at the end; without
        /// it, what is before a wildcard.
        prefix: Option<String>,
        /// Whether a WebSocket is closed once its token has expired or its session has ended.
        close_at_expiry: bool,
        /// The text of what the token of a session is requested for, if it is another than that of logins.
        target: Option<String>,
    },
    /// Another Worker, by its binding.
    ServiceBinding {
        /// The binding.
        binding: String,
        /// The function that is called; without one the request is passed on as it is to an upstream.
        function: Option<String>,
    },
    /// A JavaScript module beside the gateway, by its name.
    Service(String),
    /// A fixed answer of the config.
    Fixed(Rc<Fixed>),
    /// A redirect of the config.
    Redirect(Redirect),
    /// A redirect to the provider's login.
    Login {
        /// The login.
        login: Rc<Login>,
        /// The callback's address, as the provider knows it.
        redirect_uri: String,
        /// Origins besides the gateway's own that `return_to` may lead to.
        return_to_origins: Vec<String>,
    },
    /// The browser coming back from the provider.
    Callback {
        /// The provider.
        provider: Rc<Provider>,
        /// The login whose state it must bring; `None` if logins begin elsewhere.
        login: Option<Rc<Login>>,
        /// The address of this path, as the provider knows it.
        redirect_uri: String,
        /// How the tokens are answered.
        response: CallbackResponse,
        /// What is called once the tokens have come, and before they are answered.
        post_process: Option<Rpc>,
    },
    /// The profile of the access token's owner.
    Userinfo {
        /// The provider.
        provider: Rc<Provider>,
        /// Where the profile of a session's user is from.
        source: ProfileSource,
    },
    /// A token request with a refresh token.
    Refresh {
        /// The provider.
        provider: Rc<Provider>,
        /// The texts of what clients may request tokens for, besides that of logins.
        targets: Vec<String>,
    },
    /// The end of a client's refresh token (RFC 7009).
    Revocation(Rc<Provider>),
    /// The end of a session, here and at the provider.
    Logout(Rc<Session>),
    /// The provider ending sessions (OpenID Connect Back-Channel Logout 1.0).
    BackchannelLogout(Rc<Provider>),
    /// A page of the provider ending the browser's session (OpenID Connect Front-Channel Logout 1.0).
    FrontchannelLogout(Rc<Session>),
    /// What is known of a user's sessions, and their end.
    Sessions(Rc<Session>),
    /// A step of a login by one-time password at Supabase.
    Supabase(Supabase),
    /// The metadata for OAuth clients (RFC 9728), and the names that it is published under.
    ProtectedResource(Rc<ProtectedResource>, Host),
    /// An endpoint of the gateway as an authorization server.
    AuthorizationServer(Rc<AuthorizationServer>, Endpoint),
    /// The state of config and keys.
    Health {
        /// Whether Durable Objects are asked, too.
        checks_objects: bool,
    },
}

impl Integration {
    /// Checks whether a session's token for its upstream was requested for that.
    pub fn has_token_target(&self) -> bool {
        matches!(self, Self::HttpProxy { target: Some(_), .. })
    }

    /// Checks whether it uses up a code, rotates a token or ends a session, which a link preview must not do: by `HEAD` it does nothing
    /// (RFC 9110 section 9.2.1).
    pub fn spends(&self) -> bool {
        matches!(
            self,
            Self::Callback { .. }
                | Self::Refresh { .. }
                | Self::Revocation(_)
                | Self::Logout(_)
                | Self::BackchannelLogout(_)
                | Self::FrontchannelLogout(_)
        )
    }
}

/// A step of a login by one-time password, and the project that it is at.
#[derive(Clone)]
pub struct Supabase {
    /// Which step.
    pub step: SupabaseStep,
    /// Address of the project, without a slash at its end.
    pub url: String,
    /// The project's key for servers.
    pub key: Secret<String>,
}

/// How a callback hands over the tokens.
pub enum CallbackResponse {
    /// As JSON.
    Json,
    /// As a page that posts them to the window that opened it, if that window is of this origin.
    WebMessage {
        /// The one origin that may receive them.
        target_origin: String,
    },
    /// As a session's cookie, with a redirect.
    Session(Rc<Session>),
}

/// What answers a path, as it is written.
#[derive(Clone)]
pub(crate) enum WrittenAnswer<'n> {
    /// A `response`.
    Response(Fixed),
    /// An `integration`.
    Integration(WrittenIntegration<'n>),
}

/// An `integration`, as it is written.
#[derive(Clone)]
pub(crate) struct WrittenIntegration<'n> {
    /// Its type as it is written.
    pub name: Written<'n>,
    /// Its type.
    pub kind: Kind,
    /// Its settings.
    pub settings: Settings<'n>,
    /// The object.
    pub node: &'n Node<'n>,
}

/// The settings of an integration.
#[derive(Clone)]
pub(crate) enum Settings<'n> {
    /// An upstream: its alias, and the rest as [`Integration::HttpProxy`] has it.
    HttpProxy {
        server: Option<Written<'n>>,
        prefix: Option<String>,
        close_at_expiry: bool,
        /// As it is here; the server may have more.
        target: WrittenTarget<'n>,
    },
    /// Another Worker.
    ServiceBinding(WrittenCall<'n>),
    /// A module: its alias.
    Service(Option<Written<'n>>),
    /// A fixed answer of the config.
    Fixed(Fixed),
    /// A redirect of the config; `None` if it is wrong, or not known here.
    Redirect(Option<Redirect>),
    /// A redirect to the provider's login.
    Login { redirect_uri: Option<WrittenUrl<'n>>, return_to_origins: Vec<String> },
    /// The browser coming back from the provider; the response is `None` if it is wrong, or not known here.
    Callback {
        redirect_uri: Option<WrittenUrl<'n>>,
        response: Option<WrittenResponse<'n>>,
        post_process: Option<WrittenCall<'n>>,
    },
    /// The profile; where it is from, if that is said, and `None` inside if that is wrong, or not known here.
    Userinfo(Option<(Written<'n>, Option<ProfileSource>)>),
    /// A token request.
    Refresh {
        /// The texts of what clients may request tokens for; `None` if a part of it is wrong, or not known here.
        targets: Option<Vec<String>>,
        /// The same as it is written.
        #[cfg_attr(target_os = "unknown", expect(dead_code, reason = "for people alone"))]
        apis: HostOnly<Vec<WrittenTarget<'n>>>,
    },
    /// A step of a login by one-time password; `None` if the project is wrong, or not known here.
    Supabase(Option<Supabase>),
    /// The state of the gateway; whether objects are asked, too.
    Health(bool),
    /// None: the type says all.
    None,
}

/// How a callback hands over the tokens, as it is written.
#[derive(Clone)]
pub(crate) enum WrittenResponse<'n> {
    /// Not said: in a session if the config has any, else as JSON.
    Unsaid,
    /// As JSON.
    Json,
    /// As a page that posts them to a window of this origin.
    WebMessage(String),
    /// In a session.
    Session(Written<'n>),
}

/// Reads `integration` or `response`, of which a path has one; `None` if it is not known which.
pub(super) fn read_answer<'n>(
    object: &mut ObjectReader<'n, '_>,
    pattern: Option<&Pattern>,
    authenticated: bool,
    findings: &mut Findings<'_>,
) -> Option<WrittenAnswer<'n>> {
    let place = object.place();
    let response = object.node(&path_keys::RESPONSE);
    match (object.node(&path_keys::INTEGRATION), response) {
        (Some(node), None) => {
            let place = path_keys::INTEGRATION.at(place);
            let mut object = ObjectReader::open(node, &place, findings)?;
            let integration = read_integration(&mut object, pattern, authenticated, findings)?;
            object.finish(findings);
            Some(WrittenAnswer::Integration(integration))
        }
        (None, Some(body)) => {
            Some(WrittenAnswer::Response(read_response(body, &path_keys::RESPONSE.at(place), findings)))
        }
        (Some(_), Some(body)) => {
            let message = format_args!("the path has both an integration and a response");
            findings.note(body.offset, &path_keys::RESPONSE.at(place), Code::TwoAnswers, message, advice("remove one"));
            None
        }
        (None, None) => {
            let message = format_args!("the path has neither an integration nor a response");
            findings.note(object.offset(), place, Code::NoAnswer, message, advice("add one of the two"));
            None
        }
    }
}

/// Reads an integration; `None` if its type is not known, for then its keys are not either.
fn read_integration<'n>(
    object: &mut ObjectReader<'n, '_>,
    pattern: Option<&Pattern>,
    authenticated: bool,
    findings: &mut Findings<'_>,
) -> Option<WrittenIntegration<'n>> {
    let place = object.place();
    let (name, kind) = object.choice(&keys::TYPE, findings)?;
    let kind = kind?;
    let settings = match kind {
        Kind::HttpProxy => {
            let close_at_expiry = object.boolean(&keys::http_proxy::CLOSE_AT_EXPIRY, findings);
            if close_at_expiry && !authenticated {
                let message = format_args!("this path verifies no token that could expire");
                let help = advice("add \"auth\": true to this path");
                let place = keys::http_proxy::CLOSE_AT_EXPIRY.at(place);
                findings.note(object.offset(), &place, Code::ClaimWithoutAuth, message, help);
            }
            let prefix = read_strip_prefix(object, pattern, findings);
            let server = object.text(&keys::http_proxy::SERVER, findings);
            let target = read_token_target(object, Holder::Session, findings);
            if let Some((key, written)) = target.first().filter(|_| !authenticated) {
                let message = format_args!("this path verifies no token, and sends none of a session");
                let help = advice("add \"auth\": true to this path");
                findings.note(written.offset, &Place::Key(place, key), Code::ClaimWithoutAuth, message, help);
            }
            Settings::HttpProxy { server, prefix, close_at_expiry, target }
        }
        Kind::ServiceBinding => Settings::ServiceBinding(read_worker(object, findings)),
        Kind::Service => Settings::Service(object.text(&keys::service::BINDING, findings)),
        Kind::Static => Settings::Fixed(read_static(object, findings)),
        Kind::Redirect => Settings::Redirect(read_redirect(object, pattern, findings)),
        Kind::Login => Settings::Login {
            redirect_uri: read_redirect_uri(object, &keys::login::REDIRECT_URI, findings),
            return_to_origins: read_origins(object, &keys::login::RETURN_TO, findings),
        },
        Kind::Callback => Settings::Callback {
            redirect_uri: read_redirect_uri(object, &keys::callback::REDIRECT_URI, findings),
            post_process: read_rpc(object, &keys::callback::POST_PROCESS, findings),
            response: read_callback_response(object, findings),
        },
        Kind::Userinfo => Settings::Userinfo(object.choice(&keys::userinfo::SOURCE, findings)),
        Kind::Refresh => read_apis(object, findings),
        Kind::Health => Settings::Health(object.boolean(&keys::health::CHECK_OBJECTS, findings)),
        Kind::Revocation | Kind::Logout | Kind::BackchannelLogout | Kind::FrontchannelLogout | Kind::Sessions => {
            Settings::None
        }
        Kind::Supabase(step) => Settings::Supabase(read_supabase(object, step, findings)),
    };
    Some(WrittenIntegration { name, kind, settings, node: object.itself() })
}

/// Reads what clients may request tokens for.
fn read_apis<'n>(object: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> Settings<'n> {
    let place = keys::refresh::APIS.at(object.place());
    let items = object.node(&keys::refresh::APIS).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let (mut targets, mut apis) = (Some(Vec::new()), Vec::new());
    for (index, item) in items.iter().enumerate() {
        let place = Place::Index(&place, index);
        let mut text = None;
        if let Some(mut object) = ObjectReader::open(item, &place, findings) {
            let target = read_token_target(&mut object, Holder::Client, findings);
            object.finish(findings);
            text = target.target().flatten();
            if cfg!(not(target_os = "unknown")) {
                apis.push(target);
            }
        }
        match (&mut targets, text) {
            (Some(targets), Some(text)) => targets.push(text),
            _ => targets = None,
        }
    }
    Settings::Refresh { targets, apis: HostOnly::of(|| apis) }
}

fn read_supabase(
    object: &mut ObjectReader<'_, '_>,
    step: SupabaseStep,
    findings: &mut Findings<'_>,
) -> Option<Supabase> {
    let place = object.place();
    object.required(&keys::supabase::URL, findings);
    let url = object.text(&keys::supabase::URL, findings);
    let url = url.and_then(|url| read_url(&url, Scheme::Https, &keys::supabase::URL.at(place), findings));
    if url.as_ref().is_some_and(|url| url.query().is_some()) {
        let message = format_args!("a project's URL has no query");
        findings.note(object.offset(), &keys::supabase::URL.at(place), Code::InvalidUrl, message, Help::default());
    }
    object.required(&keys::supabase::KEY, findings);
    let key = object.text(&keys::supabase::KEY, findings);
    let (url, key) = (url?, Secret::new(key?.to_text()?));
    Some(Supabase { step, url: [&*url.origin(), without_last(url.path(), b'/')].concat(), key })
}

/// Reads what is taken off the beginning of the path; `None` for what is taken off by default.
fn read_strip_prefix(
    object: &mut ObjectReader<'_, '_>,
    pattern: Option<&Pattern>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let written = object.text(&keys::http_proxy::STRIP_PREFIX, findings)?;
    let prefix = pattern?.prefix(written.value()?);
    if prefix.is_none() {
        let wrong = "is not a prefix of this path";
        let help = advice("write its first literal segments, as in \"/api\"; \"\" removes nothing");
        let place = keys::http_proxy::STRIP_PREFIX.at(object.place());
        findings.refuse(&written, &place, Code::InvalidPath, wrong, help);
    }
    prefix
}

fn read_redirect_uri<'n>(
    object: &mut ObjectReader<'n, '_>,
    key: &Key<Text>,
    findings: &mut Findings<'_>,
) -> Option<WrittenUrl<'n>> {
    let written = object.text(key, findings)?;
    Some(WrittenUrl::read(written, &key.at(object.place()), findings))
}

fn read_callback_response<'n>(
    object: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenResponse<'n>> {
    let place = object.place();
    let target = object.text(&keys::callback::TARGET_ORIGIN, findings);
    let response = match object.choice(&keys::callback::RESPONSE, findings) {
        None => WrittenResponse::Unsaid,
        Some((written, kind)) => match kind? {
            ResponseKind::Json => WrittenResponse::Json,
            ResponseKind::Session => WrittenResponse::Session(written),
            ResponseKind::WebMessage => {
                let Some(target) = target else {
                    let message = format_args!("a web message needs the one origin that may receive it");
                    let help = advice("add \"target_origin\", such as https://app.example.com");
                    findings.note(object.offset(), place, Code::MissingKey, message, help);
                    return None;
                };
                let origin = read_origin(&target, &keys::callback::TARGET_ORIGIN.at(place), findings);
                return origin.map(WrittenResponse::WebMessage);
            }
        },
    };
    if let Some(written) = target {
        let message = format_args!("\"target_origin\" has no effect without \"response\": \"web_message\"");
        let help = advice("add that, or remove \"target_origin\"");
        findings.note(written.offset, &keys::callback::TARGET_ORIGIN.at(place), Code::UnusedKey, message, help);
    }
    Some(response)
}
