//! The `paths` section: which requests are answered, which need a token, and by what.

use super::address::{Scheme, read_origin, read_origins, read_url};
use super::authorizer::ReadAuthorizer;
use super::diagnostic::nearest;
use super::document::{Node, Origin, Value};
use super::mapping::{Mapping, Scope, Variables, read_mapping, read_variables};
use super::reader::{Findings, ObjectReader, Place, Written, choose, read_array, shown};
use super::server::ReadServer;
use crate::route::{Method, MethodRule, Pattern, RouteSpec};

/// One entry of `paths`.
#[derive(Clone)]
pub struct Path {
    /// The method it answers.
    pub method: MethodRule,
    /// The paths it answers.
    pub pattern: Pattern,
    /// Whether a segment may hold an encoded slash.
    pub encoded_slashes: bool,
    /// Whether a valid token is needed.
    pub auth: bool,
    /// What answers it.
    pub integration: Integration,
    /// What the upstream gets besides what the client sent.
    pub mapping: Mapping,
}

/// What answers a path.
#[derive(Clone)]
pub enum Integration {
    /// The upstream at this index of `servers`.
    HttpProxy {
        /// Index in [`super::Config::servers`].
        server: usize,
    },
    /// An answer that stands in the config.
    Fixed(Fixed),
    /// A redirect to the provider's login.
    Login(Login),
    /// The browser coming back from the provider.
    Callback {
        /// How the tokens are answered.
        response: CallbackResponse,
        /// The address of this path as the provider knows it, where it is not the authorizer's.
        redirect_uri: Option<String>,
    },
    /// The profile of the access token's owner.
    Userinfo,
    /// The exchange of a refresh token.
    Refresh,
    /// The end of a session, here and at the provider.
    Logout,
    /// The provider ending sessions (OpenID Connect Back-Channel Logout 1.0).
    BackchannelLogout,
}

/// An answer that stands in the config.
#[derive(Clone)]
pub struct Fixed {
    /// The body, as JSON text.
    pub body: String,
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

/// The sections that paths refer to.
pub(super) struct Context<'c> {
    pub servers: &'c [ReadServer],
    pub authorizer: Option<&'c ReadAuthorizer>,
    pub variables: &'c Variables,
    pub has_session: bool,
}

/// What could be read of an entry, and where it stands.
pub(super) struct ReadPath {
    pub index: usize,
    pub offset: usize,
    /// How messages may call the route; `None` where the path came from a binding.
    pub shown: Option<String>,
    /// The route, where both its method and its path are known.
    pub route: Option<RouteSpec>,
    /// The whole entry, where all of it is known.
    pub path: Option<Path>,
}

/// Reads the section.
pub(super) fn read_paths(
    root: &mut ObjectReader<'_>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> Vec<ReadPath> {
    let place = Place::Key(root.place(), "paths");
    let items = root.required("paths", findings).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let items = items.iter().enumerate();
    items.map(|(index, item)| read_path(item, index, &Place::Index(&place, index), context, findings)).collect()
}

fn read_path<'n>(
    node: &'n Node<'n>,
    index: usize,
    place: &'n Place<'n>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> ReadPath {
    let Some(mut object) = ObjectReader::open(node, place, findings) else {
        return ReadPath { index, offset: node.offset, shown: None, route: None, path: None };
    };
    let method = object.required_text("method", findings).and_then(|written| {
        let mut choices: Vec<_> =
            Method::ALL.iter().map(|method| (method.as_str(), MethodRule::Exact(*method))).collect();
        choices.push(("ANY", MethodRule::Any));
        choose(&written, &choices, &Place::Key(place, "method"), findings)
    });
    let written_path = object.required_text("path", findings);
    let pattern = written_path.as_ref().and_then(|written| read_pattern(written, &Place::Key(place, "path"), findings));
    let encoded_slashes = object.boolean("encoded_slashes", false, findings);
    let auth = object.boolean("auth", false, findings);
    if let Some(node) = object.node("auth").filter(|_| auth && context.authorizer.is_none()) {
        let help = "add an \"authorizer\", or remove \"auth\"".to_owned();
        let message = "the path needs a token and nothing says which are valid".to_owned();
        findings.note(node.offset, &Place::Key(place, "auth"), "authorizer_missing", message, Some(help));
    }
    let integration = read_answer(&mut object, context, findings);
    let path_variables = read_variables(&mut object, findings);
    let scope = Scope { path_variables: &path_variables, variables: context.variables, authenticated: auth };
    let mapping = read_mapping(&mut object, &scope, findings);
    object.finish(findings);
    let route = method.zip(pattern).map(|(method, pattern)| RouteSpec { method, pattern, encoded_slashes });
    let in_file = written_path.is_some_and(|written| written.text.origin == Origin::File);
    let shown = route.as_ref().filter(|_| in_file).map(|route| format!("{} {}", route.method, route.pattern.as_str()));
    let path = route.clone().zip(integration).map(|(RouteSpec { method, pattern, .. }, integration)| Path {
        method,
        pattern,
        encoded_slashes,
        auth,
        integration,
        mapping,
    });
    ReadPath { index, offset: node.offset, shown, route, path }
}

fn read_pattern(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Pattern> {
    let error = match Pattern::parse(written.value()?) {
        Ok(pattern) => return Some(pattern),
        Err(error) => error,
    };
    // The error quotes what it found, which a binding's value must not be.
    let message = match written.text.origin {
        Origin::File => error.to_string(),
        Origin::Env | Origin::Secret => format!("the value of {} is no path", shown(written)),
    };
    findings.note(written.offset, place, "invalid_path", message, None);
    None
}

/// Reads `integration` or `response`, of which a path has one.
fn read_answer(
    object: &mut ObjectReader<'_>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> Option<Integration> {
    let place = object.place();
    let response = object.present("response");
    match (object.node("integration"), response) {
        (Some(node), None) => read_integration(node, &Place::Key(place, "integration"), context, findings),
        (None, Some(body)) => {
            note_duplicates(body, &Place::Key(place, "response"), findings);
            Some(Integration::Fixed(Fixed { body: body.to_json().to_string() }))
        }
        (Some(_), Some(body)) => {
            let message = "the path has an integration and a response, and can give one answer".to_owned();
            findings.note(
                body.offset,
                &Place::Key(place, "response"),
                "two_answers",
                message,
                Some("remove one".into()),
            );
            None
        }
        (None, None) => {
            let message = "the path has neither an integration nor a response".to_owned();
            findings.note(object.offset(), place, "no_answer", message, Some("add one of the two".into()));
            None
        }
    }
}

/// Notes each key that an answer's body names twice.
fn note_duplicates(node: &Node<'_>, place: &Place<'_>, findings: &mut Findings<'_>) {
    match &node.value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                note_duplicates(item, &Place::Index(place, index), findings);
            }
        }
        Value::Object(members) => {
            ObjectReader::open(node, place, findings);
            for member in members {
                note_duplicates(&member.node, &Place::Key(place, &member.key), findings);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

#[derive(Clone, Copy)]
enum Kind {
    HttpProxy,
    Login,
    Callback,
    Userinfo,
    Refresh,
    Logout,
    BackchannelLogout,
}

const KINDS: [(&str, Kind); 9] = [
    ("http", Kind::HttpProxy),
    ("http_proxy", Kind::HttpProxy),
    ("auth0_login", Kind::Login),
    ("auth0_callback_redirect", Kind::Login),
    ("auth0_callback", Kind::Callback),
    ("auth0_userinfo", Kind::Userinfo),
    ("auth0_refresh", Kind::Refresh),
    ("auth0_logout", Kind::Logout),
    ("auth0_backchannel_logout", Kind::BackchannelLogout),
];

fn read_integration<'n>(
    node: &'n Node<'n>,
    place: &'n Place<'n>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> Option<Integration> {
    let mut object = ObjectReader::open(node, place, findings)?;
    let written = object.required_text("type", findings)?;
    let kind = choose(&written, &KINDS, &Place::Key(place, "type"), findings)?;
    let type_offset = written.offset;
    let type_place = Place::Key(place, "type");
    let needs = |present: bool, code: &'static str, message: &str, help: &str, findings: &mut Findings<'_>| {
        if !present {
            findings.note(type_offset, &type_place, code, message.to_owned(), Some(help.to_owned()));
        }
    };
    if !matches!(kind, Kind::HttpProxy) {
        let message = "no authorizer says which provider";
        needs(context.authorizer.is_some(), "authorizer_missing", message, "add an \"authorizer\"", findings);
    }
    let integration = match kind {
        Kind::HttpProxy => read_server(&mut object, context, findings).map(|server| Integration::HttpProxy { server }),
        Kind::Login => {
            let redirect_uri = read_redirect_uri(&mut object, context, findings);
            let sealed = context.authorizer.is_none_or(|authorizer| authorizer.has_sealing_secret);
            let help = "give the authorizer a \"client_secret\" or a \"sealing_key\"";
            needs(sealed, "missing_key", "nothing to seal the login state with", help, findings);
            let return_to_origins = read_origins(&mut object, "return_to", findings);
            Some(Integration::Login(Login { return_to_origins, redirect_uri }))
        }
        Kind::Callback => {
            let redirect_uri = read_redirect_uri(&mut object, context, findings);
            let response = read_callback_response(&mut object, context.has_session, findings);
            response.map(|response| Integration::Callback { response, redirect_uri })
        }
        Kind::Userinfo => Some(Integration::Userinfo),
        Kind::Refresh => Some(Integration::Refresh),
        Kind::Logout | Kind::BackchannelLogout => {
            let message = "there are no sessions to end";
            needs(context.has_session, "session_missing", message, "add a \"session\" section", findings);
            Some(if matches!(kind, Kind::Logout) { Integration::Logout } else { Integration::BackchannelLogout })
        }
    };
    object.finish(findings);
    integration
}

fn read_server(object: &mut ObjectReader<'_>, context: &Context<'_>, findings: &mut Findings<'_>) -> Option<usize> {
    let written = object.required_text("server", findings)?;
    let alias = written.value()?;
    let found = context.servers.iter().position(|read| read.alias_known && read.server.alias == alias);
    // An alias that is not known here may be the one that is meant.
    let all_known = context.servers.iter().all(|read| read.alias_known);
    if found.is_none() && all_known {
        let in_file = context.servers.iter().filter(|read| read.alias_in_file);
        let aliases = in_file.map(|read| read.server.alias.as_str());
        let help = match nearest(alias, aliases.clone()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if aliases.clone().next().is_none() => "add it to \"servers\"".to_owned(),
            None => format!("one of: {}", aliases.collect::<Vec<_>>().join(", ")),
        };
        let message = format!("no server is called \"{}\"", shown(&written));
        findings.note(written.offset, &Place::Key(object.place(), "server"), "unknown_server", message, Some(help));
    }
    found
}

fn read_redirect_uri(
    object: &mut ObjectReader<'_>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let place = Place::Key(object.place(), "redirect_uri");
    let Some(written) = object.text("redirect_uri", findings) else {
        if context.authorizer.is_some_and(|authorizer| !authorizer.has_redirect_uri) {
            let message = "neither this integration nor the authorizer has a \"redirect_uri\"".to_owned();
            let help = "add the callback's address, as the provider knows it".to_owned();
            findings.note(object.offset(), object.place(), "missing_key", message, Some(help));
        }
        return None;
    };
    read_url(&written, Scheme::Https, &place, findings).map(|url| url.as_str().to_owned())
}

fn read_callback_response(
    object: &mut ObjectReader<'_>,
    has_session: bool,
    findings: &mut Findings<'_>,
) -> Option<CallbackResponse> {
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Json,
        WebMessage,
        Session,
    }
    let place = object.place();
    let kind = match object.text("response", findings) {
        None if has_session => Kind::Session,
        None => Kind::Json,
        Some(written) => {
            let place = Place::Key(place, "response");
            let kinds = [("json", Kind::Json), ("web_message", Kind::WebMessage), ("session", Kind::Session)];
            let kind = choose(&written, &kinds, &place, findings)?;
            if kind == Kind::Session && !has_session {
                let message = "nothing says how sessions are to be held".to_owned();
                let help = "add a \"session\" section".to_owned();
                findings.note(written.offset, &place, "session_missing", message, Some(help));
            }
            kind
        }
    };
    let target = object.text("target_origin", findings);
    let target_place = Place::Key(place, "target_origin");
    match (kind, target) {
        (Kind::Json, None) => Some(CallbackResponse::Json),
        (Kind::Session, None) => Some(CallbackResponse::Session),
        (Kind::WebMessage, Some(written)) => {
            let target_origin = read_origin(&written, &target_place, findings).unwrap_or_default();
            Some(CallbackResponse::WebMessage { target_origin })
        }
        (Kind::WebMessage, None) => {
            let message = "a web message needs the one origin that may receive it".to_owned();
            let help = "add \"target_origin\", such as https://app.example.com".to_owned();
            findings.note(object.offset(), place, "missing_key", message, Some(help));
            None
        }
        (Kind::Json | Kind::Session, Some(written)) => {
            let message = "\"target_origin\" has no effect without \"response\": \"web_message\"".to_owned();
            let help = "add that, or remove \"target_origin\"".to_owned();
            findings.note(written.offset, &target_place, "unused_key", message, Some(help));
            None
        }
    }
}
