//! Warnings of routes: by what answers them, and in relation to each other.

use crate::config::Code;
use std::collections::{HashMap, HashSet};

use super::codes::Warnings;
use super::consequences::Mistakes;
use super::crossings::{BODY_RULES, crossings};
use super::login_warnings::{RedirectUri, callback_method, warn_of_callback};
use super::outline::{Outline, OutlinedRoute};
use super::patterns::{example_path, example_paths, methods, shape};
use crate::config::document::Node;
use crate::config::path::keys;
use crate::config::{
    AllowedOrigins, ConfigTree, IntegrationKind, Settings, SupabaseStep, WrittenPath, WrittenResponse, mapping,
};
use crate::route::{Ambiguity, Found, Guard, Host, Method, MethodRule, RouteTable};

/// Cloudflare answers paths below this one itself.
const PLATFORM_PREFIX: &str = "cdn-cgi";

/// Checks whether what answers a path is open by its nature: who calls it has no token yet, or shows another credential.
fn is_open(kind: IntegrationKind) -> bool {
    match kind {
        IntegrationKind::Login
        | IntegrationKind::Callback
        | IntegrationKind::Refresh
        | IntegrationKind::Revocation
        | IntegrationKind::Logout
        | IntegrationKind::BackchannelLogout
        | IntegrationKind::FrontchannelLogout
        | IntegrationKind::Supabase(_)
        | IntegrationKind::Health => true,
        IntegrationKind::Userinfo
        | IntegrationKind::Sessions
        | IntegrationKind::HttpProxy
        | IntegrationKind::Service
        | IntegrationKind::ServiceBinding
        | IntegrationKind::Static
        | IntegrationKind::Redirect => false,
    }
}

/// Reports the warnings of routes.
pub(super) fn warn_of_routes(mistakes: &Mistakes, warnings: &mut Warnings<'_>) {
    let tree = warnings.tree;
    let mut outline = Outline::of_tree(tree);
    // What such a path requires was not read completely.
    outline.routes.retain(|route| !route.index.is_some_and(|index| mistakes.are_in_path(index)));
    let routes = Relations::new(&outline);
    for path in &tree.paths {
        if let Some(kind) = path.kind() {
            warn_of_kind(path, kind, warnings);
        }
    }
    warn_of_callback(&outline, &routes.all, warnings);
    let crossings = crossings(&outline.routes, &routes.all);
    let mut fallen_through = HashSet::new();
    for (at, route) in outline.routes.iter().enumerate() {
        let Some(path) = route.index.and_then(|index| tree.paths.get(index)) else { continue };
        let crossing = crossings.get(&at);
        let offset = path.path.map_or(path.offset, |written| written.offset);
        let mut warn = |code, message, help: &str| warnings.warn(code, &path.allow, offset, message, help);
        // A path that takes no requests needs no other warning.
        if let Some(message) = routes.unreachable(route) {
            warn(Code::UnreachableRoute, message, "remove it, or give it another path");
            continue;
        }
        if routes.is_refused(route) {
            let message = "every request is refused: in another letter case, or with or without its last slash, the path requires more";
            let help = "require as much here; or add \"strict_paths\": true to the server, if it distinguishes them";
            warn(Code::UnreachableRoute, message.to_owned(), help);
            continue;
        }
        let open = route.requirement.is_none() && !path.kind().is_some_and(is_open);
        if let Some(other) = routes.protected_above(route).filter(|_| open) {
            let message = format!("open to everyone, below {}, which needs a token", other.spec.name());
            warn(Code::UnauthenticatedRoute, message, "add \"auth\": true");
        }
        if let Some((crossing, stricter)) = crossing.and_then(|one| Some((one, outline.routes.get(one.stricter)?))) {
            let (common, stricter) = (&crossing.common, &stricter.spec);
            let message =
                format!("requests for {common} come here, and not to {}, which requires more", stricter.name());
            let help = format!("add an entry for {common} that requires as much, or require as much here");
            warn(Code::CrossingRoutes, message, &help);
        }
        // Entries of one path share what they leave to others.
        if let Some(message) = routes.fallthrough(route)
            && fallen_through.insert((&route.spec.host, shape(&route.spec.pattern), message.clone()))
        {
            warn(Code::MethodFallthrough, message, "give the path these methods, or a route of ANY");
        }
    }
}

fn warn_of_kind(path: &WrittenPath<'_>, kind: IntegrationKind, warnings: &mut Warnings<'_>) {
    let (tree, allow) = (warnings.tree, path.allow.as_slice());
    warn_of_host(path, kind, warnings);
    let hands_out_tokens = hands_out_tokens(path, kind, tree.session.is_some());
    let method = path.written_method.and_then(|method| Some((method.offset, MethodRule::parse(method.in_file()?)?)));
    if let Some((offset, rule)) = method
        && let Some((message, needed)) = unusable(kind, rule, callback_method(tree))
        && !(kind == IntegrationKind::Callback && hands_out_tokens && is_called_by_page(tree, path))
    {
        warnings.warn(Code::UnusableMethod, allow, offset, message.to_owned(), &format!("write \"{needed}\""));
    }
    if let Some((offset, MethodRule::Any | MethodRule::Exact(Method::Get | Method::Head))) = method
        && kind == IntegrationKind::Refresh
    {
        let message = "browsers, caches and link previews may repeat a refresh by GET".to_owned();
        warnings.warn(Code::RefreshByGet, allow, offset, message, "use POST");
    }
    let type_offset = path.integration().map_or(path.offset, |integration| integration.name.offset);
    if hands_out_tokens
        && path.cors.as_ref().or(tree.cors.as_ref()).is_some_and(|cors| cors.origins == AllowedOrigins::Any)
    {
        let message = "this path hands out tokens, and \"cors\" lets every site read them".to_owned();
        let help = "list the origins of your pages in \"cors\"";
        warnings.warn(Code::TokenRouteAnyOrigin, allow, type_offset, message, help);
    }
    if hands_out_tokens && tree.session.is_some() {
        let message = "a session keeps tokens from pages, and this path hands them out".to_owned();
        warnings.warn(Code::TokensBesideSession, allow, type_offset, message, "keep one of the two");
    }
    let begins_login = matches!(
        kind,
        IntegrationKind::Login | IntegrationKind::Callback | IntegrationKind::Refresh | IntegrationKind::Supabase(_)
    );
    if let Some(access) = path.access.as_ref().filter(|access| begins_login && !access.requirements.optional) {
        let message = "callers of this path have no valid token yet, or no longer".to_owned();
        warnings.warn(Code::AuthOnLogin, allow, access.offset, message, "remove \"auth\"");
    }
    let forwards =
        matches!(kind, IntegrationKind::HttpProxy | IntegrationKind::Service | IntegrationKind::ServiceBinding);
    if !forwards && let Some((key, section)) = sets_something(path) {
        let message = "this path calls nothing that would get these headers or this query".to_owned();
        warnings.warn(Code::UnusedMapping, allow, section.offset, message, &format!("remove \"{key}\""));
    }
}

/// Warns if the provider leads browsers from a login to another host: the cookie that binds the login stays with this one.
fn warn_of_host(path: &WrittenPath<'_>, kind: IntegrationKind, warnings: &mut Warnings<'_>) {
    if !matches!(kind, IntegrationKind::Login | IntegrationKind::Callback) {
        return;
    }
    let redirect = RedirectUri::of(warnings.tree, path).and_then(|redirect| redirect.url);
    if redirect.is_some_and(|url| url.is_http() && !path.has_host_of(&url)) {
        let offset = path.node.at(&keys::HOST).map_or(path.offset, |node| node.offset);
        let message = "the provider redirects browsers to another host, and logins end where they began".to_owned();
        let help = "give this integration a \"redirect_uri\" at this host, or leave out \"host\"";
        warnings.warn(Code::CallbackElsewhere, &path.allow, offset, message, help);
    }
}

/// Returns the section by which a path sets headers or parameters of what an upstream gets, with its key.
fn sets_something<'t>(path: &WrittenPath<'t>) -> Option<(&'static str, &'t Node<'t>)> {
    let lists = [
        (keys::MAPPING, mapping::HEADERS),
        (keys::MAPPING, mapping::QUERY),
        (keys::REQUEST_HEADERS, mapping::request_headers::SET),
    ];
    lists.into_iter().find_map(|(section, list)| {
        let node = path.node.at(&section)?;
        (!node.at(&list)?.members().is_empty()).then_some((section.name, node))
    })
}

fn hands_out_tokens(path: &WrittenPath<'_>, kind: IntegrationKind, has_session: bool) -> bool {
    match path.integration().map(|integration| &integration.settings) {
        Some(Settings::Callback { response, .. }) => match response {
            Some(WrittenResponse::Unsaid) => !has_session,
            Some(WrittenResponse::Session(_)) => false,
            Some(WrittenResponse::Json | WrittenResponse::WebMessage(_)) | None => true,
        },
        _ if kind == IntegrationKind::Refresh => !has_session,
        _ => kind == IntegrationKind::Supabase(SupabaseStep::Verify),
    }
}

/// Returns the method by which a step of a login is called, if a path has only another, with that other; callbacks are called by
/// `of_callback`.
fn unusable(kind: IntegrationKind, method: MethodRule, of_callback: Method) -> Option<(&'static str, &'static str)> {
    let is_only = |methods: &[Method]| methods.iter().any(|one| method == MethodRule::Exact(*one));
    let by_post = || method == MethodRule::Any || is_only(&[Method::Post]);
    match kind {
        IntegrationKind::Callback if method != MethodRule::Any && !is_only(&[of_callback]) => Some(match of_callback {
            Method::Post => ("with \"response_mode\": \"form_post\", browsers come here by POST", "POST"),
            _ => ("the provider redirects browsers here by GET", "GET"),
        }),
        IntegrationKind::FrontchannelLogout if method != MethodRule::Any && !is_only(&[Method::Get]) => {
            Some(("a page of the provider loads this path in a frame, by GET", "GET"))
        }
        IntegrationKind::BackchannelLogout if !by_post() => {
            Some(("the provider sends its logout tokens by POST", "POST"))
        }
        IntegrationKind::Supabase(_) if is_only(&[Method::Get, Method::Head]) => {
            Some(("this path needs a body, and requests by this method have none", "POST"))
        }
        _ => None,
    }
}

/// Checks whether the provider leads browsers elsewhere than to a callback, so that a page calls it.
fn is_called_by_page(tree: &ConfigTree<'_>, path: &WrittenPath<'_>) -> bool {
    RedirectUri::of(tree, path).and_then(|redirect| redirect.url).is_some_and(|url| !path.is_called_at(&url))
}

/// How the routes of a config relate to each other.
struct Relations<'o> {
    outline: &'o Outline,
    all: RouteTable,
    /// The routes with a wildcard, and no other.
    wildcards: RouteTable,
    /// The routes that need a token, and no other.
    protected: RouteTable,
    protected_routes: Vec<&'o OutlinedRoute>,
    /// Those of them without a wildcard, by shape.
    protected_shapes: HashMap<(&'o Host, String), &'o OutlinedRoute>,
}

impl<'o> Relations<'o> {
    fn new(outline: &'o Outline) -> Self {
        let table = |routes: &[&OutlinedRoute]| {
            RouteTable::build(routes.iter().map(|route| route.spec.clone()).collect()).unwrap_or_default()
        };
        let every: Vec<&OutlinedRoute> = outline.routes.iter().collect();
        let needs_token =
            |route: &&&OutlinedRoute| route.requirement.as_ref().is_some_and(|requirement| !requirement.optional);
        let protected_routes: Vec<&OutlinedRoute> = every.iter().filter(needs_token).copied().collect();
        let plain = protected_routes.iter().filter(|route| !route.spec.pattern.is_wildcard());
        let protected_shapes = plain.map(|route| ((&route.spec.host, shape(&route.spec.pattern)), *route)).collect();
        let wildcards = every.iter().filter(|route| route.spec.pattern.is_wildcard()).copied();
        let wildcards = table(&wildcards.collect::<Vec<_>>());
        Self {
            outline,
            all: table(&every),
            wildcards,
            protected: table(&protected_routes),
            protected_routes,
            protected_shapes,
        }
    }

    /// Returns a route with a token that this one is below, or that would take its requests.
    fn protected_above(&self, route: &OutlinedRoute) -> Option<&'o OutlinedRoute> {
        if self.protected_routes.is_empty() {
            return None;
        }
        let path = example_path(&route.spec.pattern);
        let covering = methods(route.spec.method).into_iter().find_map(|method| {
            match self.protected.find(method.as_str(), &route.spec.host.example(), &path) {
                Found::Route(found) => self.protected_routes.get(found.index).copied(),
                Found::MethodNotAllowed(_) | Found::NotFound | Found::Ambiguous(_) => None,
            }
        });
        covering.or_else(|| {
            let shape = shape(&route.spec.pattern);
            let parents = shape.match_indices('/').filter(|(at, _)| *at > 0).map(|(at, _)| shape.get(..at));
            let hosts = route.spec.host.with_wider();
            let above = |parent: &str| {
                hosts.iter().find_map(|host| self.protected_shapes.get(&(host, parent.to_owned())).copied())
            };
            parents.flatten().filter_map(above).next_back()
        })
    }

    /// Checks whether a route matches, but each request for it is refused because another route requires more.
    fn is_refused(&self, route: &OutlinedRoute) -> bool {
        let host = route.spec.host.example();
        let refused = |method: Method, path: &str| {
            self.all.find(method.as_str(), &host, path) == Found::Ambiguous(Ambiguity::StricterReading)
        };
        let paths = example_paths(route.spec.pattern.as_str());
        paths.iter().all(|path| methods(route.spec.method).into_iter().all(|method| refused(method, path)))
    }

    /// Returns the methods of a route's path that go to a wildcard of the same upstream that requires less; `None` if none does.
    fn fallthrough(&self, route: &OutlinedRoute) -> Option<String> {
        if !route.spec.guard.asks_more_than(&Guard::default()) {
            return None;
        }
        let path = example_path(&route.spec.pattern);
        let host = route.spec.host.example();
        // Two rules for other origins differ both ways, and other methods may well have others.
        let asked = &route.spec.guard.without(&[keys::CORS.name]);
        let asked_without_body = asked.without(&BODY_RULES);
        let asked_of = |method: Method| match method {
            Method::Get | Method::Head => &asked_without_body,
            _ => asked,
        };
        let mut found: Option<(&OutlinedRoute, Vec<&str>)> = None;
        // What a preflight gets to see, a page could not see otherwise.
        for method in Method::ALL.into_iter().filter(|method| *method != Method::Options) {
            // If many patterns overlap, it takes long to see that none of them has a method; few have a wildcard.
            let Found::Route(_) = self.wildcards.find(method.as_str(), &host, &path) else { continue };
            let Found::Route(taken) = self.all.find(method.as_str(), &host, &path) else { continue };
            let Some(taker) = self.outline.routes.get(taken.index) else { continue };
            let is_weaker = taker.spec.pattern.is_wildcard()
                && (taker.spec.pattern != route.spec.pattern || taker.spec.host != route.spec.host)
                && taker.leads_where(route)
                && asked_of(method).asks_more_than(&taker.spec.guard)
                // Other methods may well need other scopes.
                && !taker.spec.guard.without(&[keys::CORS.name]).asks_more_than(&route.spec.guard);
            if is_weaker {
                let (first, names) = found.get_or_insert((taker, Vec::new()));
                if first.spec == taker.spec {
                    names.push(method.as_str());
                }
            }
        }
        let (taker, names) = found?;
        let (spec, names) = (&taker.spec, names.join(", "));
        Some(format!("{names} here go to {}, which requires less", spec.name()))
    }

    /// Returns why no request reaches a route; `None` if one does.
    fn unreachable(&self, route: &OutlinedRoute) -> Option<String> {
        let pattern = &route.spec.pattern;
        if pattern.as_str().split('/').nth(1) == Some(PLATFORM_PREFIX) {
            return Some(format!("Cloudflare itself answers every path below /{PLATFORM_PREFIX}"));
        }
        // A route of one method is taken by no other: two of one method and shape are a conflict.
        if route.spec.method != MethodRule::Any {
            return None;
        }
        let host = route.spec.host.example();
        let mut takers: Vec<String> = Vec::new();
        for path in example_paths(pattern.as_str()) {
            for method in methods(MethodRule::Any) {
                let Found::Route(found) = self.all.find(method.as_str(), &host, &path) else { return None };
                let taker = self.outline.routes.get(found.index)?;
                if taker.spec == route.spec {
                    return None;
                }
                let name = taker.spec.name();
                if !takers.contains(&name) {
                    takers.push(name);
                }
            }
        }
        Some(format!("no request comes here: {} take them all", takers.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Code;
    use crate::review::review;

    fn reported(paths: &str, code: Code) -> Vec<String> {
        let source = format!(
            r#"{{"servers": [{{"alias": "api", "url": "https://b.example"}}, {{"alias": "other", "url": "https://c.example"}}],
                "authorizer": {{"type": "jwt", "issuer": "https://a.example/", "audience": "b", "jwks_uri": "https://a.example/jwks"}}, "paths": [{paths}]}}"#
        );
        let diagnostics = review(&source).into_iter().filter(|one| one.code == code || one.code == Code::RouteConflict);
        diagnostics.map(|diagnostic| format!("{} {}", diagnostic.path, diagnostic.message)).collect()
    }

    #[test]
    fn a_method_that_goes_to_a_wildcard_which_asks_for_less_is_told() {
        let to = |server: &str| format!(r#""integration": {{"type": "http", "server": "{server}"}}"#);
        let wildcard = |method: &str, auth: &str, server: &str| {
            format!(r#"{{"method": "{method}", "path": "/api/{{.+}}", "auth": {auth}, {}}}"#, to(server))
        };
        let scoped = r#"{"scopes": ["write"]}"#;
        let path = |method: &str, auth: &str| {
            format!(r#"{{"method": "{method}", "path": "/api/a", "auth": {auth}, {}}}"#, to("api"))
        };
        let others = "paths[1].path POST, PUT, PATCH, DELETE here go to ANY /api/{.+}, which requires less";
        let small = path("POST", r#"true, "max_body_bytes": 9"#);
        let table: [(String, String, &[&str], &str); 9] = [
            (wildcard("ANY", "true", "api"), path("GET", scoped), &[others], "all other methods"),
            (wildcard("ANY", "false", "api"), path("GET", "true"), &[others], "an open wildcard"),
            (
                wildcard("GET", "true", "api"),
                path("POST", scoped),
                &["paths[1].path GET, HEAD here go to GET /api/{.+}, which requires less"],
                "a wildcard of one method",
            ),
            (wildcard("OPTIONS", "false", "api"), path("GET", "true"), &[], "preflights"),
            (wildcard("ANY", "true", "api"), path("ANY", scoped), &[], "no method is left"),
            (wildcard("ANY", "true", "other"), path("GET", scoped), &[], "another upstream"),
            (wildcard("ANY", scoped, "api"), path("GET", "true"), &[], "a wildcard that asks for more"),
            (
                wildcard("ANY", "true", "api"),
                small,
                &["paths[1].path PUT, PATCH, DELETE here go to ANY /api/{.+}, which requires less"],
                "a rule for bodies",
            ),
            (wildcard("GET", r#"{"scopes": ["read"]}"#, "api"), path("POST", scoped), &[], "other scopes"),
        ];
        for (wildcard, path, expected, message) in table {
            assert_eq!(reported(&format!("{wildcard}, {path}"), Code::MethodFallthrough), expected, "{message}");
        }
    }

    #[test]
    fn of_a_path_that_is_always_refused_nothing_else_is_told() {
        let proxy = r#""integration": {"type": "http", "server": "api"}"#;
        let entry = |method: &str, path: &str, auth: &str| {
            format!(r#"{{"method": "{method}", "path": "{path}", "auth": {auth}, {proxy}}}"#)
        };
        let all = |paths: &[String]| -> Vec<String> {
            let source = format!(
                r#"{{"servers": [{{"alias": "api", "url": "https://b.example"}}],
                    "authorizer": {{"type": "jwt", "issuer": "https://a.example/", "audience": "b", "jwks_uri": "https://a.example/jwks"}},
                    "paths": [{}]}}"#,
                paths.join(",")
            );
            review(&source).into_iter().map(|one| format!("{} {}", one.code, one.path)).collect()
        };
        assert_eq!(
            all(&[entry("GET", "/reports", "true"), entry("GET", "/reports/", "false")]),
            ["unreachable_route paths[1].path"],
            "an open twin with a slash"
        );
        let scoped = r#"{"scopes": ["a"]}"#;
        assert_eq!(
            all(&[entry("GET", "/a", scoped), entry("POST", "/a", scoped), entry("ANY", "/{.+}", "true")]),
            ["method_fallthrough paths[0].path"],
            "two entries of one path that leave the same methods to a wildcard"
        );
    }

    #[test]
    fn an_open_path_below_one_with_a_token_is_told() {
        let table: [(&str, &[&str], &str); 9] = [
            (
                r#"{"method": "ANY", "path": "/api/{.+}", "auth": true, "response": 1}, {"method": "GET", "path": "/api/a", "response": 1}"#,
                &["paths[1].path open to everyone, below ANY /api/{.+}, which needs a token"],
                "below a wildcard",
            ),
            (
                r#"{"method": "GET", "path": "/a/{id}", "auth": true, "response": 1}, {"method": "GET", "path": "/a/b", "response": 1}"#,
                &["paths[1].path open to everyone, below GET /a/{id}, which needs a token"],
                "beside a parameter",
            ),
            (
                r#"{"method": "GET", "path": "/a", "auth": true, "response": 1}, {"method": "GET", "path": "/a/{id}", "response": 1}"#,
                &["paths[1].path open to everyone, below GET /a, which needs a token"],
                "below a literal",
            ),
            (
                r#"{"method": "GET", "path": "/a", "auth": true, "response": 1}, {"method": "POST", "path": "/b/{.+}", "response": 1}"#,
                &[],
                "elsewhere",
            ),
            (
                r#"{"method": "POST", "path": "/a/{.+}", "auth": true, "response": 1}, {"method": "GET", "path": "/a/b", "response": 1}"#,
                &[],
                "below a wildcard of another method",
            ),
            (
                r#"{"method": "GET", "path": "/", "auth": true, "response": 1}, {"method": "GET", "path": "/a", "response": 1}"#,
                &[],
                "the start page is no prefix",
            ),
            (
                r#"{"method": "ANY", "path": "/{.+}", "auth": true, "response": 1}, {"method": "GET", "path": "/health", "integration": {"type": "health"}}"#,
                &[],
                "open by its nature",
            ),
            (
                r#"{"method": "ANY", "path": "/{.+}", "auth": true, "response": 1}, {"method": "GET", "path": "/a", "auth": {"optional": true}, "response": 1}"#,
                &[],
                "written out as optional",
            ),
            (
                r#"{"method": "ANY", "path": "/{.+}", "auth": true, "response": 1}, {"method": "GET", "path": "/a", "response": 1, "allow": ["unauthenticated_route"]}"#,
                &[],
                "allowed",
            ),
        ];
        for (paths, expected, message) in table {
            assert_eq!(reported(paths, Code::UnauthenticatedRoute), expected, "{message}");
        }
    }

    #[test]
    fn a_path_that_no_request_comes_to_is_told() {
        let methods = |path: &str, methods: &[&str]| {
            let entries =
                methods.iter().map(|method| format!(r#"{{"method": "{method}", "path": "{path}", "response": 1}}"#));
            entries.collect::<Vec<_>>().join(",")
        };
        let all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let count = |paths: &str| reported(paths, Code::UnreachableRoute).len();
        let any = methods("/a/{x}", &["ANY"]);
        assert_eq!(count(&format!("{any}, {}", methods("/a/{y}", &all))), 1, "all methods are taken");
        assert_eq!(
            count(&format!("{any}, {}", methods("/a/{y}", &["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))),
            1,
            "GET takes HEAD"
        );
        assert_eq!(count(&format!("{any}, {}", methods("/a/{y}", &all[..6]))), 0, "OPTIONS is left");
        assert_eq!(count(&format!("{any}, {}", methods("/a/b", &all))), 0, "other segments are left");
        assert_eq!(count(&methods("/cdn-cgi/a", &["GET"])), 1, "the platform's own");
        let wildcards =
            [methods("/a/{.+}", &["ANY"]), methods("/a", &["ANY"]), methods("/a/{x}/{.+}", &["ANY"])].join(",");
        assert_eq!(count(&wildcards), 0, "/a/ is left");
        assert_eq!(count(&format!("{wildcards}, {}", methods("/a/", &["ANY"]))), 1, "and taken");
    }
}
