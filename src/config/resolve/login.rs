//! Who logs people in, and the session that they get.

use crate::config::code::Code;
use std::rc::Rc;

use crate::config::authorizer::keys::AUDIENCE;
use crate::config::authorizer::{Authorizer, WrittenAuthorizer};
use crate::config::integration::Settings;
use crate::config::integration::keys::Kind;
use crate::config::introspection::{INTROSPECTION, Introspection};
use crate::config::login::{Login, Provider};
use crate::config::path::WrittenPath;
use crate::config::reader::{Findings, Place, Written, advice, host_help};
use crate::config::root;
use crate::config::session::{self, ClaimsFrom, Session, WrittenSession};
use crate::config::tree::ConfigTree;
use crate::route::Pattern;
use crate::secret::Secret;

/// The provider that people log in at: that of the first authorizer that logs anybody in.
pub(super) struct Logins<'t> {
    /// Its authorizer.
    pub authorizer: Option<&'t WrittenAuthorizer<'t>>,
    /// The provider; `None` if there is none, or if a part of it is wrong or unknown here.
    pub provider: Option<Rc<Provider>>,
    /// Whether logins begin at a path of the config.
    pub begin_here: bool,
    /// A login there; `None` if it has no secret to seal it with, or a part of it is wrong or not known here.
    pub login: Option<Rc<Login>>,
}

impl<'t> Logins<'t> {
    /// Finds the provider. The authorizers are those of the tree, as far as they are known.
    pub fn of(tree: &'t ConfigTree<'t>, authorizers: &[Option<Rc<Authorizer>>], paths: &[WrittenPath<'_>]) -> Self {
        let mut able = tree.authorizers.iter().zip(authorizers).filter(|(written, _)| written.can_log_in());
        let first = able.next();
        let is_one_of_several = able.next().is_some();
        let provider = first.and_then(|(written, known)| {
            let mut provider = provider(written, known.clone()?, is_one_of_several)?;
            for text in login_targets(tree, paths, written.name) {
                provider.request_at_login(&text);
            }
            for integration in paths.iter().filter_map(WrittenPath::integration) {
                if let Settings::Refresh { targets: Some(targets), .. } = &integration.settings {
                    targets.iter().for_each(|text| provider.request_at_login(text));
                }
            }
            Some(Rc::new(provider))
        });
        let begin_here = paths.iter().filter_map(WrittenPath::integration).any(|one| one.kind == Kind::Login);
        let authorizer = first.map(|(written, _)| written);
        let sealing_secret = authorizer.and_then(|authorizer| {
            let provider = authorizer.provider.as_ref()?;
            provider.sealing_key.or(provider.client.secret)?.to_text().map(Secret::new)
        });
        let parts = provider.clone().zip(sealing_secret);
        let login = parts.map(|(provider, sealing_secret)| Rc::new(Login { provider, sealing_secret }));
        Self { authorizer, provider, begin_here, login }
    }
}

/// Returns what upstreams get tokens for that logins have to request: all that is named as `resource` where a session opens the path, which
/// is of the authorizer of this name.
fn login_targets(tree: &ConfigTree<'_>, paths: &[WrittenPath<'_>], login: &str) -> Vec<String> {
    let of_servers = tree.servers.iter().any(|server| server.token_target.resource.is_some());
    let target = |path: &WrittenPath<'_>| {
        let Settings::HttpProxy { server, target, .. } = path.integration()?.settings else { return None };
        if !of_servers && target.resource.is_none() || !tree.may_open(login, path) {
            return None;
        }
        let alias = server?.value()?;
        let target = target.or(tree.servers.iter().find(|server| server.name() == alias)?.token_target);
        target.resource.and_then(|_| target.target()?)
    };
    paths.iter().filter_map(target).collect()
}

fn provider(written: &WrittenAuthorizer<'_>, authorizer: Rc<Authorizer>, is_one_of_several: bool) -> Option<Provider> {
    let provider = written.provider.as_ref()?;
    let client = provider.client.client()?;
    // What is written has to be known.
    let revocation_endpoint = provider.revocation_endpoint.as_ref().map_or(Some(None), |url| url.as_ref().map(Some))?;
    let id_token_algorithm = provider.id_token_algorithm.map_or(Some(None), |algorithm| algorithm.map(Some))?;
    let client_parameters = provider.client_parameters.as_ref()?;
    let parameters = provider.parameters()?;
    Some(Provider {
        authorizer,
        client,
        parameters,
        login_resources: Vec::new(),
        client_parameters: client_parameters.clone(),
        pushes_requests: provider.pushes_requests,
        posts_responses: provider.posts_responses,
        revocation_endpoint: revocation_endpoint.cloned(),
        rotation_grace_secs: provider.rotation_grace_secs,
        id_token_algorithm,
        endpoints: provider.endpoints.clone(),
        is_one_of_several,
    })
}

/// Returns how each provider is asked about access tokens, and by which client; `None` if a part of that is wrong or not known here.
pub(super) fn introspections(
    tree: &ConfigTree<'_>,
    authorizers: &[Option<Rc<Authorizer>>],
) -> Option<Vec<(Rc<Provider>, Introspection)>> {
    let mut introspections = Vec::new();
    for (written, known) in tree.authorizers.iter().zip(authorizers) {
        if let Some(introspection) = &written.introspection {
            let client = provider(written, known.clone()?, false)?;
            introspections.push((Rc::new(client), introspection.clone()?));
        }
    }
    Some(introspections)
}

/// Returns the session with its login, and reports what it lacks.
pub(super) fn session(
    written: WrittenSession<'_>,
    logins: &Logins<'_>,
    paths: &[WrittenPath<'_>],
    findings: &mut Findings<'_>,
) -> Option<Session> {
    let rules = written.rules?;
    let place = root::SESSION.at(&Place::Root);
    let login_path = login_path(written.login_path, written.offset, paths, &place, findings);
    let provider = logins.authorizer.and_then(|authorizer| authorizer.provider.as_ref());
    let by_claim = logins.authorizer.is_some_and(|authorizer| authorizer.audience_claim.is_some());
    let asks = logins.authorizer.is_some_and(|authorizer| authorizer.introspection.is_some());
    let needs_audience = rules.claims_from == ClaimsFrom::AccessToken;
    if provider.is_some_and(|provider| provider.audience.is_none()) && !by_claim && !asks && needs_audience {
        let message = "a session needs an \"audience\" in the authorizer";
        let help = advice(
            "add the API's identifier to the authorizer as \"audience\"; if its access tokens are opaque, \"introspection\", or \
             \"claims_from\": \"id_token\" here",
        );
        let help = help.about([AUDIENCE.name, INTROSPECTION.name]);
        findings.note(written.offset, &place, Code::MissingKey, format_args!("{message}"), help);
    }
    if let Some(offset) = written.by_id_token {
        let place = session::CLAIMS_FROM.at(&place);
        if logins.provider.as_ref().is_some_and(|provider| !provider.asks_for("openid")) {
            let message = format_args!("logins bring no ID token without the scope \"openid\"");
            let help = advice("add \"openid\" to the authorizer's \"scope\"");
            findings.note(offset, &place, Code::MissingKey, message, help);
        }
        if logins.authorizer.is_some_and(|authorizer| !authorizer.claims.is_empty()) {
            let message =
                format_args!("the authorizer's \"claims\" are of access tokens, and have no effect on these sessions");
            let help =
                advice("write them as \"claims\" in the \"auth\" of each path, and remove them at the authorizer");
            findings.note(offset, &place, Code::UnusedKey, message, help);
        }
    }
    let may_list = |path: &WrittenPath<'_>| {
        path.answer.is_none() || path.integration().is_some_and(|integration| integration.kind == Kind::Sessions)
    };
    if !paths.iter().any(may_list) {
        for (key, offset) in [&session::KEEP_USER_AGENT, &session::KEEP_COUNTRY].into_iter().zip(written.kept) {
            let Some(offset) = offset else { continue };
            let message = format_args!("no path lists sessions, so nobody sees what is kept");
            let help = advice("add a path with \"sessions\", or remove this key");
            findings.note(offset, &key.at(&place), Code::UnusedKey, message, help);
        }
    }
    Some(Session { rules, login_path: login_path?, login: logins.login.clone()? })
}

/// Returns which path begins the session's login: by default the first that begins one.
fn login_path(
    written: Option<Written<'_>>,
    section_offset: usize,
    paths: &[WrittenPath<'_>],
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    // A path that could not be read may be the one that is meant.
    let all_known = paths.iter().all(WrittenPath::is_known);
    let mut logins = paths.iter().filter_map(WrittenPath::begins_login);
    match written {
        None => {
            let first = logins.next();
            if first.is_none() && all_known {
                let message = format_args!("no open path of the config begins a login");
                let help = host_help(|| {
                    "add one with GET, without \"auth\" and parameters, whose integration is auth0_login".to_owned()
                });
                findings.note(section_offset, place, Code::MissingLogin, message, help);
            }
            first.map(str::to_owned)
        }
        Some(written) => {
            let text = written.value()?;
            if all_known && !logins.any(|path| path == text) {
                let wrong = "is not an open GET path that begins a login";
                let way = "name one with GET, without \"auth\" and parameters, whose integration is auth0_login";
                let help = host_help(|| spelling_help(text, way));
                findings.refuse(&written, &session::LOGIN_PATH.at(place), Code::MissingLogin, wrong, help);
            }
            Some(text.to_owned())
        }
    }
}

/// Returns how to write a path: in the spelling of URLs, if that is another one, or else `help`.
pub(super) fn spelling_help(text: &str, help: &str) -> String {
    match Pattern::parse(text) {
        Ok(pattern) if pattern.as_str() != text => format!("write \"{pattern}\", as in addresses"),
        _ => help.to_owned(),
    }
}
