//! What answers a path: the `integration` of an entry, or its `response`.

pub(crate) mod keys;

use super::address::{Scheme, read_origin, read_origins, read_url};
use super::diagnostic::{listed, nearest};
use super::fixed::{Fixed, Redirect, read_redirect, read_response, read_static};
use super::key::{Key, Text};
use super::path::{self, Context};
use super::protected_resource::ProtectedResource;
use super::reader::{Findings, ObjectReader, shown, told};
use super::service::Rpc;
use crate::route::Pattern;
use crate::secret::Secret;
pub use keys::SupabaseStep;
use keys::{Kind, ResponseKind};

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
    let response = object.node(&path::keys::RESPONSE);
    match (object.node(&path::keys::INTEGRATION), response) {
        (Some(node), None) => {
            let place = path::keys::INTEGRATION.at(place);
            let mut object = ObjectReader::open(node, &place, findings)?;
            let integration = read_integration(&mut object, context, pattern, authenticated, findings);
            // Where its type is not known, nor are its keys.
            if let Ok(integration) = integration {
                object.finish(findings);
                return integration;
            }
            None
        }
        (None, Some(body)) => Some(Integration::Fixed(read_response(body, &path::keys::RESPONSE.at(place), findings))),
        (Some(_), Some(body)) => {
            let message = "the path has an integration and a response, and can give one answer".to_owned();
            findings.note(
                body.offset,
                &path::keys::RESPONSE.at(place),
                "two_answers",
                message,
                told(|| "remove one".to_owned()),
            );
            None
        }
        (None, None) => {
            let message = "the path has neither an integration nor a response".to_owned();
            findings.note(object.offset(), place, "no_answer", message, told(|| "add one of the two".to_owned()));
            None
        }
    }
}

/// Gives what could be read of the integration, or an error where its type is not known.
fn read_integration(
    object: &mut ObjectReader<'_>,
    context: &Context<'_>,
    pattern: Option<&Pattern>,
    authenticated: bool,
    findings: &mut Findings<'_>,
) -> Result<Option<Integration>, ()> {
    let place = object.place();
    let type_place = keys::TYPE.at(place);
    let (written, kind) = object.choice(&keys::TYPE, findings).ok_or(())?;
    let kind = kind.ok_or(())?;
    let needs = |present: bool, code: &'static str, message: &str, help: &str, findings: &mut Findings<'_>| {
        if !present {
            findings.note(written.offset, &type_place, code, message.to_owned(), told(|| help.to_owned()));
        }
    };
    if kind.needs_provider() {
        let message = "no authorizer says which provider";
        let help = "add an \"authorizer\" of type auth0 or oidc";
        needs(context.provider.is_some(), "authorizer_missing", message, help, findings);
    }
    Ok(match kind {
        Kind::HttpProxy => {
            let close_at_expiry = object.boolean(&keys::http_proxy::CLOSE_AT_EXPIRY, findings);
            if close_at_expiry && !authenticated {
                let message = "this path verifies no token that could expire".to_owned();
                let help = told(|| "add \"auth\": true to this path".to_owned());
                let place = keys::http_proxy::CLOSE_AT_EXPIRY.at(place);
                findings.note(object.offset(), &place, "claim_without_auth", message, help);
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
            .read_worker(object, findings)
            .map(|(binding, function)| Integration::ServiceBinding { binding, function }),
        Kind::Service => context.services.read_module(object, findings).map(Integration::Service),
        Kind::Static => Some(Integration::Fixed(read_static(object, findings))),
        Kind::Redirect => read_redirect(object, pattern, findings).map(Integration::Redirect),
        Kind::Health => Some(Integration::Health),
        Kind::Login => {
            let redirect_uri = read_redirect_uri(object, &keys::login::REDIRECT_URI, context, findings);
            let sealed = context.provider.is_none_or(|provider| provider.sealing_secret);
            let help = "give the authorizer a \"client_secret\" or a \"sealing_key\"";
            needs(sealed, "missing_key", "nothing to seal the login state with", help, findings);
            let return_to_origins = read_origins(object, &keys::login::RETURN_TO, findings);
            Some(Integration::Login(Login { return_to_origins, redirect_uri }))
        }
        Kind::Callback => {
            let redirect_uri = read_redirect_uri(object, &keys::callback::REDIRECT_URI, context, findings);
            let post_process = context.services.read_rpc(object, &keys::callback::POST_PROCESS, findings);
            let response = read_callback_response(object, context.has_session, findings);
            response.map(|response| Integration::Callback { response, redirect_uri, post_process })
        }
        Kind::Userinfo => Some(Integration::Userinfo),
        Kind::Refresh => Some(Integration::Refresh),
        Kind::Logout | Kind::BackchannelLogout => {
            let message = "there are no sessions to end";
            needs(context.has_session, "session_missing", message, "add a \"session\" section", findings);
            Some(if matches!(kind, Kind::Logout) { Integration::Logout } else { Integration::BackchannelLogout })
        }
        Kind::Supabase(step) => {
            object.required(&keys::supabase::URL, findings);
            let url = object.text(&keys::supabase::URL, findings);
            let url = url.and_then(|url| read_url(&url, Scheme::Https, &keys::supabase::URL.at(place), findings));
            if url.as_ref().is_some_and(|url| url.query().is_some()) {
                let message = "a project's URL has no query".to_owned();
                findings.note(object.offset(), &keys::supabase::URL.at(place), "invalid_url", message, None);
            }
            object.required(&keys::supabase::KEY, findings);
            let key = object.text(&keys::supabase::KEY, findings);
            let key = key.and_then(|key| key.value().map(|key| Secret::new(key.to_owned())));
            url.zip(key).map(|(url, key)| {
                let url = format!("{}{}", url.origin(), url.path().trim_end_matches('/'));
                Integration::Supabase(Supabase { step, url, key })
            })
        }
    })
}

fn read_server(object: &mut ObjectReader<'_>, context: &Context<'_>, findings: &mut Findings<'_>) -> Option<usize> {
    let written = object.text(&keys::http_proxy::SERVER, findings)?;
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
        findings.note(written.offset, &keys::http_proxy::SERVER.at(object.place()), "unknown_server", message, help);
    }
    found
}

/// Reads what is taken off the beginning of the path; by default the literal prefix of a wildcard.
fn read_strip_prefix(object: &mut ObjectReader<'_>, pattern: Option<&Pattern>, findings: &mut Findings<'_>) -> String {
    let by_default = || pattern.and_then(Pattern::literal_prefix).unwrap_or_default().to_owned();
    let Some(written) = object.text(&keys::http_proxy::STRIP_PREFIX, findings) else { return by_default() };
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
                &keys::http_proxy::STRIP_PREFIX.at(object.place()),
                "invalid_path",
                message,
                help,
            );
            String::new()
        }
    }
}

fn read_redirect_uri(
    object: &mut ObjectReader<'_>,
    key: &Key<Text>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let place = key.at(object.place());
    let Some(written) = object.text(key, findings) else {
        if context.provider.is_some_and(|provider| !provider.redirect_uri) {
            let message = "neither this integration nor the authorizer has a \"redirect_uri\"".to_owned();
            let help = told(|| "add the callback's address, as the provider knows it".to_owned());
            findings.note(object.offset(), object.place(), "missing_key", message, help);
        }
        return None;
    };
    read_url(&written, Scheme::HttpsOrNative, &place, findings).map(|url| url.as_str().to_owned())
}

fn read_callback_response(
    object: &mut ObjectReader<'_>,
    has_session: bool,
    findings: &mut Findings<'_>,
) -> Option<CallbackResponse> {
    let place = object.place();
    let target = object.text(&keys::callback::TARGET_ORIGIN, findings);
    let kind = match object.choice(&keys::callback::RESPONSE, findings) {
        None if has_session => ResponseKind::Session,
        None => ResponseKind::Json,
        Some((written, kind)) => {
            let place = keys::callback::RESPONSE.at(place);
            let kind = kind?;
            if kind == ResponseKind::Session && !has_session {
                let message = "nothing says how sessions are to be held".to_owned();
                let help = told(|| "add a \"session\" section".to_owned());
                findings.note(written.offset, &place, "session_missing", message, help);
            }
            kind
        }
    };
    let target_place = keys::callback::TARGET_ORIGIN.at(place);
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
            findings.note(object.offset(), place, "missing_key", message, help);
            None
        }
        (ResponseKind::Json | ResponseKind::Session, Some(written)) => {
            let message = "\"target_origin\" has no effect without \"response\": \"web_message\"".to_owned();
            let help = told(|| "add that, or remove \"target_origin\"".to_owned());
            findings.note(written.offset, &target_place, "unused_key", message, help);
            None
        }
    }
}
