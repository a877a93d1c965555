//! What answers a path: the `integration` of an entry, or its `response`.

use super::address::{Scheme, read_origin, read_origins, read_url};
use super::code::Code;
use super::diagnostic::{listed, nearest};
use super::fixed::{Fixed, Redirect, read_redirect, read_response, read_static};
use super::path::Context;
use super::protected_resource::ProtectedResource;
use super::reader::{Findings, ObjectReader, Place, choose, note_if_empty, shown, told};
use super::service::Rpc;
use crate::route::Pattern;
use crate::secret::Secret;

/// What answers a path.
#[derive(Clone)]
pub enum Integration {
    /// An upstream.
    HttpProxy {
        /// Index in [`super::Config::servers`].
        server: usize,
        /// What is taken off the beginning of the path: whole segments of the pattern, all literal, without a slash at the end.
        prefix: String,
        /// Whether a WebSocket is closed once its token has expired or its session has ended.
        close_at_expiry: bool,
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
    /// An answer that stands in the config.
    Fixed(Fixed),
    /// A redirect that stands in the config.
    Redirect(Redirect),
    /// A redirect to the provider's login.
    Login(Login),
    /// The browser coming back from the provider.
    Callback {
        /// How the tokens are answered.
        response: CallbackResponse,
        /// The address of this path as the provider knows it, where it is not the authorizer's.
        redirect_uri: Option<String>,
        /// What is called once the tokens have come, and before they are answered.
        post_process: Option<Rpc>,
    },
    /// The profile of the access token's owner.
    Userinfo,
    /// The exchange of a refresh token.
    Refresh,
    /// The end of a session, here and at the provider.
    Logout,
    /// The provider ending sessions (OpenID Connect Back-Channel Logout 1.0).
    BackchannelLogout,
    /// A step of a login by one-time password at Supabase.
    Supabase(Supabase),
    /// What OAuth clients are told of the gateway (RFC 9728).
    ProtectedResource(ProtectedResource),
    /// The state of config and keys.
    Health,
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

/// A step of a login by one-time password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupabaseStep {
    /// Sends a password to an email address or a phone.
    Send,
    /// Sends a password to an email address.
    SendEmail,
    /// Gives tokens for a password.
    Verify,
}

/// The settings of a login path.
#[derive(Clone)]
pub struct Login {
    /// Origins besides the gateway's own that `return_to` may lead to.
    pub return_to_origins: Vec<String>,
    /// The callback's address, where it is not the authorizer's.
    pub redirect_uri: Option<String>,
}

/// How a callback hands over the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackResponse {
    /// As JSON.
    Json,
    /// As a page that posts them to the window that opened it, if that window is of this origin.
    WebMessage {
        /// The one origin that may receive them.
        target_origin: String,
    },
    /// As a session's cookie, with a redirect.
    Session,
}

/// Reads `integration` or `response`, of which a path has one.
pub(super) fn read_answer(
    object: &mut ObjectReader<'_>,
    context: &Context<'_>,
    pattern: Option<&Pattern>,
    authenticated: bool,
    findings: &mut Findings<'_>,
) -> Option<Integration> {
    let place = object.place();
    let response = object.node("response");
    match (object.node("integration"), response) {
        (Some(node), None) => {
            let place = Place::Key(place, "integration");
            let mut object = ObjectReader::open(node, &place, findings)?;
            let integration = read_integration(&mut object, context, pattern, authenticated, findings);
            // Where its type is not known, nor are its keys.
            if let Ok(integration) = integration {
                object.finish(findings);
                return integration;
            }
            None
        }
        (None, Some(body)) => Some(Integration::Fixed(read_response(body, &Place::Key(place, "response"), findings))),
        (Some(_), Some(body)) => {
            let message = "the path has an integration and a response, and can give one answer".to_owned();
            findings.note(
                body.offset,
                &Place::Key(place, "response"),
                Code::TwoAnswers,
                message,
                told(|| "remove one".to_owned()),
            );
            None
        }
        (None, None) => {
            let message = "the path has neither an integration nor a response".to_owned();
            findings.note(object.offset(), place, Code::NoAnswer, message, told(|| "add one of the two".to_owned()));
            None
        }
    }
}

/// A type of integration.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    HttpProxy,
    ServiceBinding,
    Service,
    Static,
    Redirect,
    Health,
    Login,
    Callback,
    Userinfo,
    Refresh,
    Logout,
    BackchannelLogout,
    Supabase(SupabaseStep),
}

impl Kind {
    /// Tells whether it is a step of a login at a provider.
    pub(super) fn needs_provider(self) -> bool {
        match self {
            Self::Login | Self::Callback | Self::Userinfo | Self::Refresh | Self::Logout | Self::BackchannelLogout => {
                true
            }
            Self::HttpProxy
            | Self::ServiceBinding
            | Self::Service
            | Self::Static
            | Self::Redirect
            | Self::Health
            | Self::Supabase(_) => false,
        }
    }
}

/// Every type by its name.
pub(super) const KINDS: [(&str, Kind); 23] = [
    ("http", Kind::HttpProxy),
    ("http_proxy", Kind::HttpProxy),
    ("service_binding", Kind::ServiceBinding),
    ("service", Kind::Service),
    ("static", Kind::Static),
    ("redirect", Kind::Redirect),
    ("health", Kind::Health),
    ("auth0_login", Kind::Login),
    ("auth0_callback_redirect", Kind::Login),
    ("auth0_callback", Kind::Callback),
    ("auth0_userinfo", Kind::Userinfo),
    ("auth0_refresh", Kind::Refresh),
    ("auth0_logout", Kind::Logout),
    ("auth0_backchannel_logout", Kind::BackchannelLogout),
    ("oidc_login", Kind::Login),
    ("oidc_callback", Kind::Callback),
    ("oidc_userinfo", Kind::Userinfo),
    ("oidc_refresh", Kind::Refresh),
    ("oidc_logout", Kind::Logout),
    ("oidc_backchannel_logout", Kind::BackchannelLogout),
    ("supabase_passwordless_auth", Kind::Supabase(SupabaseStep::Send)),
    ("supabase_passwordless_auth_alt", Kind::Supabase(SupabaseStep::SendEmail)),
    ("supabase_passwordless_verify", Kind::Supabase(SupabaseStep::Verify)),
];

/// Gives what could be read of the integration, or an error where its type is not known.
fn read_integration(
    object: &mut ObjectReader<'_>,
    context: &Context<'_>,
    pattern: Option<&Pattern>,
    authenticated: bool,
    findings: &mut Findings<'_>,
) -> Result<Option<Integration>, ()> {
    let place = object.place();
    let type_place = Place::Key(place, "type");
    let written = object.required_text("type", findings).ok_or(())?;
    let kind = choose(&written, &KINDS, &type_place, findings).ok_or(())?;
    let needs = |present: bool, code: Code, message: &str, help: &str, findings: &mut Findings<'_>| {
        if !present {
            findings.note(written.offset, &type_place, code, message.to_owned(), told(|| help.to_owned()));
        }
    };
    if kind.needs_provider() {
        let message = "no authorizer says which provider";
        let help = "add an \"authorizer\" of type auth0 or oidc";
        needs(context.provider.is_some(), Code::AuthorizerMissing, message, help, findings);
    }
    Ok(match kind {
        Kind::HttpProxy => {
            let close_at_expiry = object.boolean("close_at_expiry", false, findings);
            if close_at_expiry && !authenticated {
                let message = "this path verifies no token that could expire".to_owned();
                let help = told(|| "add \"auth\": true to this path".to_owned());
                let place = Place::Key(place, "close_at_expiry");
                findings.note(object.offset(), &place, Code::ClaimWithoutAuth, message, help);
            }
            let prefix = read_strip_prefix(object, pattern, findings);
            read_server(object, context, findings).map(|server| Integration::HttpProxy {
                server,
                prefix,
                close_at_expiry,
            })
        }
        Kind::ServiceBinding => context
            .services
            .read_binding(object, findings)
            .map(|(binding, function)| Integration::ServiceBinding { binding, function }),
        Kind::Service => context.services.read_module(object, findings).map(Integration::Service),
        Kind::Static => Some(Integration::Fixed(read_static(object, findings))),
        Kind::Redirect => read_redirect(object, pattern, findings).map(Integration::Redirect),
        Kind::Health => Some(Integration::Health),
        Kind::Login => {
            let redirect_uri = read_redirect_uri(object, context, findings);
            let sealed = context.provider.is_none_or(|provider| provider.sealing_secret);
            let help = "give the authorizer a \"client_secret\" or a \"sealing_key\"";
            needs(sealed, Code::MissingKey, "nothing to seal the login state with", help, findings);
            let return_to_origins = read_origins(object, "return_to", findings);
            Some(Integration::Login(Login { return_to_origins, redirect_uri }))
        }
        Kind::Callback => {
            let redirect_uri = read_redirect_uri(object, context, findings);
            let post_process = context.services.read_rpc(object, "post_process", findings);
            let response = read_callback_response(object, context.has_session, findings);
            response.map(|response| Integration::Callback { response, redirect_uri, post_process })
        }
        Kind::Userinfo => Some(Integration::Userinfo),
        Kind::Refresh => Some(Integration::Refresh),
        Kind::Logout | Kind::BackchannelLogout => {
            let message = "there are no sessions to end";
            needs(context.has_session, Code::SessionMissing, message, "add a \"session\" section", findings);
            Some(if matches!(kind, Kind::Logout) { Integration::Logout } else { Integration::BackchannelLogout })
        }
        Kind::Supabase(step) => {
            let url = object.required_text("url", findings);
            let url = url.and_then(|url| read_url(&url, Scheme::Https, &Place::Key(place, "url"), findings));
            if url.as_ref().is_some_and(|url| url.query().is_some()) {
                let message = "a project's URL has no query".to_owned();
                findings.note(object.offset(), &Place::Key(place, "url"), Code::InvalidUrl, message, None);
            }
            let key = object.required_text("key", findings);
            note_if_empty(key.as_ref(), &Place::Key(place, "key"), findings);
            let key = key.and_then(|key| key.value().map(|key| Secret::new(key.to_owned())));
            url.zip(key).map(|(url, key)| {
                let url = format!("{}{}", url.origin(), url.path().trim_end_matches('/'));
                Integration::Supabase(Supabase { step, url, key })
            })
        }
    })
}

fn read_server(object: &mut ObjectReader<'_>, context: &Context<'_>, findings: &mut Findings<'_>) -> Option<usize> {
    let written = object.required_text("server", findings)?;
    let alias = written.value()?;
    let found = context.server_names.get(alias).copied();
    // An alias that is not known here may be the one that is meant.
    let all_known = || context.servers.iter().all(|read| read.alias_known);
    if found.is_none() && !findings.is_full() && all_known() {
        let in_file = context.servers.iter().filter(|read| read.alias_in_file);
        let aliases = in_file.map(|read| read.server.alias.as_str());
        let help = told(|| match nearest(alias, aliases.clone()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if aliases.clone().next().is_none() => "add it to \"servers\"".to_owned(),
            None => format!("one of: {}", listed(aliases)),
        });
        let message = format!("no server is called \"{}\"", shown(&written));
        findings.note(written.offset, &Place::Key(object.place(), "server"), Code::UnknownServer, message, help);
    }
    found
}

/// Reads what is taken off the beginning of the path; by default the literal prefix of a wildcard.
fn read_strip_prefix(object: &mut ObjectReader<'_>, pattern: Option<&Pattern>, findings: &mut Findings<'_>) -> String {
    let by_default = || pattern.and_then(Pattern::literal_prefix).unwrap_or_default().to_owned();
    let Some(written) = object.text("strip_prefix", findings) else { return by_default() };
    let Some((text, pattern)) = written.value().zip(pattern) else { return by_default() };
    match pattern.prefix(text) {
        Some(prefix) => prefix,
        None => {
            let message = format!("\"{}\" is no beginning of this path", shown(&written));
            let help = told(|| {
                "write its first segments, none of them a parameter, as in \"/api\"; \"\" keeps all".to_owned()
            });
            findings.note(
                written.offset,
                &Place::Key(object.place(), "strip_prefix"),
                Code::InvalidPath,
                message,
                help,
            );
            String::new()
        }
    }
}

fn read_redirect_uri(
    object: &mut ObjectReader<'_>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let place = Place::Key(object.place(), "redirect_uri");
    let Some(written) = object.text("redirect_uri", findings) else {
        if context.provider.is_some_and(|provider| !provider.redirect_uri) {
            let message = "neither this integration nor the authorizer has a \"redirect_uri\"".to_owned();
            let help = told(|| "add the callback's address, as the provider knows it".to_owned());
            findings.note(object.offset(), object.place(), Code::MissingKey, message, help);
        }
        return None;
    };
    read_url(&written, Scheme::HttpsOrNative, &place, findings).map(|url| url.as_str().to_owned())
}

/// How a callback hands over the tokens, by name.
pub(super) const RESPONSE_KINDS: [(&str, ResponseKind); 3] =
    [("json", ResponseKind::Json), ("web_message", ResponseKind::WebMessage), ("session", ResponseKind::Session)];

/// A way of a callback to hand over the tokens.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum ResponseKind {
    Json,
    WebMessage,
    Session,
}

fn read_callback_response(
    object: &mut ObjectReader<'_>,
    has_session: bool,
    findings: &mut Findings<'_>,
) -> Option<CallbackResponse> {
    let place = object.place();
    let target = object.text("target_origin", findings);
    let kind = match object.text("response", findings) {
        None if has_session => ResponseKind::Session,
        None => ResponseKind::Json,
        Some(written) => {
            let place = Place::Key(place, "response");
            let kind = choose(&written, &RESPONSE_KINDS, &place, findings)?;
            if kind == ResponseKind::Session && !has_session {
                let message = "nothing says how sessions are to be held".to_owned();
                let help = told(|| "add a \"session\" section".to_owned());
                findings.note(written.offset, &place, Code::SessionMissing, message, help);
            }
            kind
        }
    };
    let target_place = Place::Key(place, "target_origin");
    match (kind, target) {
        (ResponseKind::Json, None) => Some(CallbackResponse::Json),
        (ResponseKind::Session, None) => Some(CallbackResponse::Session),
        (ResponseKind::WebMessage, Some(written)) => {
            let target_origin = read_origin(&written, &target_place, findings).unwrap_or_default();
            Some(CallbackResponse::WebMessage { target_origin })
        }
        (ResponseKind::WebMessage, None) => {
            let message = "a web message needs the one origin that may receive it".to_owned();
            let help = told(|| "add \"target_origin\", such as https://app.example.com".to_owned());
            findings.note(object.offset(), place, Code::MissingKey, message, help);
            None
        }
        (ResponseKind::Json | ResponseKind::Session, Some(written)) => {
            let message = "\"target_origin\" has no effect without \"response\": \"web_message\"".to_owned();
            let help = told(|| "add that, or remove \"target_origin\"".to_owned());
            findings.note(written.offset, &target_place, Code::UnusedKey, message, help);
            None
        }
    }
}
