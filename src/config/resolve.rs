//! From what a config says to a [`Config`]: each name becomes its target, and the rules between sections are checked.

mod authorization_server;
mod guard;
mod links;
mod login;
#[cfg(not(target_os = "unknown"))]
mod mcp;
mod path;
mod resources;
mod sessions;
#[cfg(not(target_os = "unknown"))]
mod upstream_tokens;

use crate::config::code::Code;
use crate::http::header::COMMON_HEADERS;
use std::rc::Rc;

use super::authorizer::{Authorizer, WrittenAuthorizer};
use super::compiled::{Config, reads_id_tokens};
use super::cors::Cors;
use super::integration::Integration;
use super::login::{Login, Provider};
use super::path::{WrittenPath, keys};
use super::reader::{Findings, Place, Written, advice, host_help};
use super::root;
use super::session::{Session, WrittenSession};
use super::tree::ConfigTree;
use crate::places::Places;
use crate::route::{PreparedRoutes, RouteTable};
use links::Links;
use login::{Logins, spelling_help};
use path::{Context, Part, ResolvedPath};
#[cfg(not(target_os = "unknown"))]
pub(crate) use resources::ResourceOwners;

/// Returns the config, and reports what is wrong between its sections; `None` if a part of it is wrong, or not known here.
pub(super) fn resolve(
    mut tree: ConfigTree<'_>,
    prepared: Option<PreparedRoutes<&str>>,
    findings: &mut Findings<'_>,
) -> Option<Config> {
    let authorizers = authorizers(&tree);
    let introspections = login::introspections(&tree, &authorizers);
    let problem_page = tree.problem_page.map(|written| problem_page(written, &tree.paths, findings));
    let described = resources::written(&mut tree);
    let has_session = tree.session.is_some();
    let first_login = tree.paths.iter().find_map(WrittenPath::begins_login).map(str::to_owned);
    let (session, paths) = (tree.session.take(), std::mem::take(&mut tree.paths));
    for server in tree.servers.iter().filter(|_| !has_session) {
        let section = root::SERVERS.at(&Place::Root);
        server.token_target.note_without_session(&Place::Index(&section, server.index), findings);
    }
    let Resolved { logs_in, provider, login, session, front, mut paths } =
        resolve_paths(&tree, session, paths, &authorizers, findings);
    let server = tree.authorization_server.as_ref();
    let before = server.zip(front.as_ref()).and_then(|(written, login)| {
        let (issuer, _) = written.issuer.as_ref()?;
        Some((&*login.provider.authorizer, issuer.value()?))
    });
    let metadata = resources::describe(&described, &authorizers, before, &mut paths);
    let has_front = before.is_some();
    let mut added = Vec::new();
    if let Some((written, login)) = server.zip(front.clone()) {
        added = authorization_server::paths(written, login, &paths, findings);
    }
    paths.extend(metadata);
    paths.extend(added);
    let routes = match prepared {
        Some(prepared) => {
            RouteTable::of_prepared(prepared, paths.iter_mut().filter_map(|path| path.route.take()).collect())?
        }
        None => build_routes(&mut paths, findings),
    };

    let problem_page = problem_page.map_or(Some(None), |page| page.map(Some));
    let (binding, counts_events) = tree.analytics;
    let analytics = binding.map_or(Some(None), |binding| binding.to_text().map(Some));
    let authorizers: Option<Vec<_>> = authorizers.into_iter().collect();
    let paths: Option<Vec<_>> = paths.into_iter().map(|resolved| resolved.path).collect();
    let is_complete = provider.is_some() == logs_in
        && session.is_some() == has_session
        && has_front == tree.authorization_server.is_some();
    // One way out for all: each question mark would be code of its own for what is known by then.
    let (Some(authorizers), Some(introspections), Some(problem_page), Some(analytics), Some(mut paths), true) =
        (authorizers, introspections, problem_page, analytics, paths, is_complete)
    else {
        return None;
    };
    let (mut asserted, mut asserted_headers, mut key_prefixes) = (Places::default(), Vec::new(), Vec::new());
    for keys in authorizers.iter().filter_map(|authorizer| authorizer.api_keys()) {
        key_prefixes.push(keys.prefix.clone());
        if asserted.add(keys.header_name.clone().into(), 0).is_none() {
            asserted_headers.push(keys.header_name.clone());
        }
        for cors in tree.cors.iter_mut().chain(paths.iter_mut().filter_map(|path| path.cors.as_mut())) {
            cors.allow_credential(&keys.header_name);
        }
    }
    for path in &mut paths {
        if path.takes_proofs()
            && let Some(cors) = path.cors.as_mut().or(tree.cors.as_mut())
        {
            cors.admit_proofs();
        }
        for (name, _) in &path.mapping.headers {
            if !COMMON_HEADERS.contains(&name.as_str()) && asserted.add(name.into(), 0).is_none() {
                asserted_headers.push(name.clone());
            }
        }
    }
    Some(Config {
        cors: tree.cors,
        has_cors_of_paths: paths.iter().any(|path| path.cors.is_some()),
        authorizers,
        key_prefixes,
        login_path: session.as_ref().map(|session| session.login_path.clone()).or(first_login),
        reads_id_tokens: reads_id_tokens(session.as_deref(), &paths),
        lists_sessions: paths.iter().any(|path| matches!(path.integration, Integration::Sessions(_))),
        introspections,
        provider,
        login,
        session,
        networks: tree.networks,
        headers: tree.headers,
        server_timing: tree.server_timing,
        problem_page,
        older_codes: tree.older_codes,
        analytics,
        counts_events,
        otlp: tree.otlp,
        paths,
        routes,
        asserted_headers,
    })
}

/// Returns the routes of the file as the gateway compiles them, each with the index of its path; without those of other sections.
#[cfg(not(target_os = "unknown"))]
pub(super) fn routes(mut tree: ConfigTree<'_>) -> Vec<(usize, crate::route::RouteSpec)> {
    let mut findings = Findings::new("");
    let authorizers = authorizers(&tree);
    let (session, paths) = (tree.session.take(), std::mem::take(&mut tree.paths));
    let resolved = resolve_paths(&tree, session, paths, &authorizers, &mut findings);
    resolved.paths.into_iter().filter_map(|path| Some((path.index?, path.route?))).collect()
}

/// Returns the authorizers, as far as they are known.
fn authorizers(tree: &ConfigTree<'_>) -> Vec<Option<Rc<Authorizer>>> {
    let has_login = tree.authorization_server.is_some()
        || tree.paths.iter().filter_map(WrittenPath::integration).any(|one| one.kind.needs_provider());
    let of_login = tree.authorizers.iter().position(WrittenAuthorizer::can_log_in).filter(|_| has_login);
    let authorizers = tree.authorizers.iter().enumerate();
    authorizers
        .map(|(index, written)| {
            written.authorizer(of_login == Some(index) || written.introspection.is_some()).map(Rc::new)
        })
        .collect()
}

/// What paths lead to, and with what.
struct Resolved {
    /// Whether an authorizer logs people in.
    logs_in: bool,
    provider: Option<Rc<Provider>>,
    login: Option<Rc<Login>>,
    session: Option<Rc<Session>>,
    front: Option<Rc<Login>>,
    paths: Vec<ResolvedPath>,
}

fn resolve_paths<'t>(
    tree: &'t ConfigTree<'t>,
    session: Option<WrittenSession<'_>>,
    paths: Vec<WrittenPath<'_>>,
    authorizers: &[Option<Rc<Authorizer>>],
    findings: &mut Findings<'_>,
) -> Resolved {
    let logins = Logins::of(tree, authorizers, &paths);
    let front =
        tree.authorization_server.as_ref().and_then(|written| authorization_server::login(written, &logins, findings));
    let has_session = session.is_some();
    let session = session.and_then(|written| login::session(written, &logins, &paths, findings)).map(Rc::new);
    let is_told_apart = has_session && paths.iter().any(|path| path.cors.is_some());
    let cors_of_others = is_told_apart.then(|| tree.cors.as_ref().map(Cors::pages).unwrap_or_default());
    let context = Context { links: Links::of(tree), authorizers, logins, has_session, session, cors_of_others };
    let mut resolved = Vec::with_capacity(paths.len());
    for path in paths {
        if findings.is_full() {
            break;
        }
        resolved.push(context.path(path, findings));
    }
    let Context { logins, session, .. } = context;
    Resolved {
        logs_in: logins.authorizer.is_some(),
        provider: logins.provider,
        login: logins.login,
        session,
        front,
        paths: resolved,
    }
}

/// Returns the path that problems lead to. One that fails, or leads on, would lead people in a circle.
fn problem_page(written: Written<'_>, paths: &[WrittenPath<'_>], findings: &mut Findings<'_>) -> Option<String> {
    let text = written.value()?;
    let leads_there = |path: &&WrittenPath<'_>| {
        path.takes_get() && path.pattern.as_ref().is_some_and(|pattern| pattern.as_str() == text)
    };
    let mut there = paths.iter().filter(leads_there).peekable();
    // A path that could not be read may be the one that is meant.
    let all_known = paths.iter().all(WrittenPath::is_known);
    if all_known
        && (there.peek().is_none() || !there.all(WrittenPath::shows_something) || text.as_bytes().contains(&b'{'))
    {
        let wrong = "is not an open GET path with its own answer";
        let help = "name one without \"auth\" that has its own answer and is not a login or redirect";
        let place = root::PROBLEM_PAGE.at(&Place::Root);
        let help = host_help(|| spelling_help(text, help));
        findings.refuse(&written, &place, Code::InvalidProblemPage, wrong, help);
    }
    Some(text.to_owned())
}

/// Compiles the routes that could be read, which it takes, and reports each that can never be told from another.
fn build_routes(paths: &mut [ResolvedPath], findings: &mut Findings<'_>) -> RouteTable {
    let (mut read, mut specs) = (Vec::new(), Vec::new());
    for path in paths {
        if let Some(route) = path.route.take() {
            read.push(&*path);
            specs.push(route);
        }
    }
    RouteTable::build(specs).unwrap_or_else(|conflicts| {
        for conflict in conflicts {
            let (Some(first), Some(second)) = (read.get(conflict.first), read.get(conflict.second)) else { continue };
            let (line, column) = findings.locate(first.offset);
            let route = first.shown.as_deref().unwrap_or("another");
            let section = root::PATHS.at(&Place::Root);
            let entry = second.index.map_or(Place::Root, |index| Place::Index(&section, index));
            let (what, help, place) = match second.part {
                Part::Resource => {
                    let help = "give one of them another \"host\", or a \"resource\" with another path; paths below a resource belong to it anyway";
                    ("the metadata of this resource", help, keys::PROTECTED_RESOURCE.at(&entry))
                }
                Part::AuthorizationServer => {
                    let help = "give the \"issuer\" a path of its own";
                    ("an endpoint of this authorization server", help, root::AUTHORIZATION_SERVER.at(&Place::Root))
                }
                Part::Path => ("this path", "give them different methods, hosts or paths, or remove one", entry),
            };
            let message = format_args!("{what} matches the same requests as {route} at {line}:{column}");
            findings.note(second.offset, &place, Code::RouteConflict, message, advice(help));
        }
        RouteTable::default()
    })
}
