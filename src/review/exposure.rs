//! What a change of a config exposes: routes that are added, removed or changed, what of the other sections changes, and which
//! of all this lets more requests in, or sends secrets to others.

#[cfg(test)]
mod cases;
mod change;
mod config;
mod networks;
mod route;
mod rule;
mod sections;
mod takers;

use std::collections::{BTreeMap, BTreeSet};

use super::outline::{Outline, OutlinedRoute};
use super::patterns::shape;
use crate::config::path::keys::HOST;
use crate::config::{WrittenConfig, root};
use crate::route::{Host, MethodRule};
use config::{Config, Side};
use route::{exposed_by_change, opened_by_addition, secrets_handed_over};
use sections::{exposed_by_sections, login};
use takers::Takers;

pub use change::{Change, Comparison, Exposure};
pub use rule::harmless_keys;

/// Compares two configs: their routes, and every other section. A text that is not an object counts as an empty config.
pub fn compare(before: &str, after: &str) -> Comparison {
    let configs = [before, after, "{}"].map(|source| WrittenConfig::parse(source).ok());
    let trees = configs.each_ref().map(|config| config.as_ref().and_then(WrittenConfig::tree));
    let [before, after, nothing] = trees.each_ref().map(Option::as_ref);
    let (Some(before), Some(after)) = (before.or(nothing), after.or(nothing)) else { return Comparison::default() };
    let (old, new) = (Config::of(before), Config::of(after));
    Comparison {
        changes: compare_routes(&old, &new),
        sections: changed_sections(&old, &new),
        exposures: exposed_by_sections(&old, &new),
    }
}

fn compare_routes(old: &Config<'_>, new: &Config<'_>) -> Vec<Change> {
    let (old_names, new_names) = (by_name(&old.outline), by_name(&new.outline));
    let takers = Takers::new(old, new);
    let names: BTreeSet<_> = old_names.keys().chain(new_names.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let (was, is) = (old_names.get(name).copied(), new_names.get(name).copied());
        let exposures = match (was, is) {
            (Some(was), Some(is)) => exposed_by_change(old.side(was), new.side(is)),
            (None, Some(is)) => {
                let mut spread =
                    old_names.iter().filter(|(was, _)| is_spread(was, name) && !new_names.contains_key(was)).peekable();
                let is_new = spread.peek().is_none();
                let spread = spread.flat_map(|(_, was)| exposed_by_spread(old.side(was), new.side(is)));
                let open = is_new && is.requirement.as_ref().is_none_or(|requirement| requirement.optional);
                let appears = open.then_some(Exposure::NewPublicPath).into_iter().chain(spread);
                let opened = opened_by_addition(new.side(is)).into_iter();
                let handed = secrets_handed_over(old, new.side(is)).into_iter();
                appears.chain(takers.bypassed_by(is)).chain(opened).chain(handed).collect()
            }
            (Some(was), None) => takers.taken_over_from(was),
            (None, None) => Vec::new(),
        };
        let same = was.zip(is).is_some_and(|(was, is)| is_same(was, is));
        if !same || !exposures.is_empty() {
            let route = is.or(was).map_or_else(String::new, |route| route.spec.name());
            let keys = was.zip(is).map(|(was, is)| changed_keys(was, is)).unwrap_or_default();
            changes.push(Change { route, before: was.cloned(), after: is.cloned(), keys, exposures });
        }
    }
    changes
}

/// Checks whether a route of one name would have the requests of one of another name, and those under more hosts.
fn is_spread(was: &Name<'_>, is: &Name<'_>) -> bool {
    (&was.0, was.1) == (&is.0, is.1) && is.2.contains(was.2)
}

/// Returns what a route exposes that answers under more hosts than before.
fn exposed_by_spread(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let under = match is.route.spec.host.as_str() {
        "" => "every name",
        host => host,
    };
    let what = format!("answers under {under} instead of {}", was.route.spec.host.as_str());
    let mut exposures = exposed_by_change(was, is);
    exposures.insert(0, Exposure::Setting { place: HOST.name.to_owned(), what });
    exposures
}

/// Returns the names of the keys at the top that differ, in the order of the alphabet.
fn changed_sections(old: &Config<'_>, new: &Config<'_>) -> Vec<String> {
    let said = |config: &Config<'_>, key: &str| config.top.get(key).filter(|value| !value.is_null()).cloned();
    let differs = |key: &&str| said(old, key) != said(new, key);
    // If a section has two names, only its meaning counts. Paths are compared one by one.
    let has_meant = |key: &&str| match *key {
        key if key == root::PATHS.name => false,
        key if key == root::AUTHORIZER.name || key == root::AUTHORIZERS.name => {
            old.authorizers != new.authorizers || login(old) != login(new)
        }
        key if key == root::SERVICE_BINDINGS.name || key == root::SERVICES_BINDINGS.name => {
            old.workers.by_alias != new.workers.by_alias
        }
        _ => true,
    };
    let keys: BTreeSet<_> = root::section().keys.into_iter().map(|entry| entry.name).collect();
    keys.into_iter().filter(has_meant).filter(differs).map(str::to_owned).collect()
}

/// What two routes share that no request can tell apart.
type Name<'o> = (String, MethodRule, &'o Host);

/// Indexes routes so that parameter names make no difference.
fn by_name(outline: &Outline) -> BTreeMap<Name<'_>, &OutlinedRoute> {
    let routes = outline.routes.iter();
    routes.map(|route| ((shape(&route.spec.pattern), route.spec.method, &route.spec.host), route)).collect()
}

/// Checks whether two routes are the same wherever they are written, whatever other sections let in.
fn is_same(was: &OutlinedRoute, is: &OutlinedRoute) -> bool {
    let of = |route: &OutlinedRoute| OutlinedRoute { index: None, offset: 0, takes_session: false, ..route.clone() };
    of(was) == of(is)
}

fn changed_keys(was: &OutlinedRoute, is: &OutlinedRoute) -> Vec<String> {
    let keys: BTreeSet<&String> = was.settings.keys().chain(is.settings.keys()).collect();
    keys.into_iter().filter(|key| was.settings.get(*key) != is.settings.get(*key)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(paths: &str) -> String {
        format!(
            r#"{{"authorizers": {{"users": {{"type": "auth0"}}, "partners": {{"type": "jwt"}}}}, "paths": [{paths}]}}"#
        )
    }

    fn exposures(before: &str, after: &str) -> Vec<String> {
        let changes = compare(&config(before), &config(after)).changes;
        let exposures = changes.iter().flat_map(|change| change.exposures.iter().map(move |one| (change, one)));
        exposures.map(|(change, exposure)| format!("{} {exposure}", change.route)).collect()
    }

    #[test]
    fn a_route_whose_entry_differs_is_changed() {
        let path = |rest: &str| format!(r#"{{"method": "GET", "path": "/a", {rest}}}"#);
        let before = r#""auth": true, "response": {"a": 1}, "x-note": "one""#;
        let table: [(&str, &[&[&str]], &str); 6] = [
            (before, &[], "nothing"),
            (r#""response": {"a": 1}, "auth": true, "x-note": "two""#, &[], "order and notes"),
            (r#""auth": true, "response": {"a": 2}"#, &[&["response"]], "what is answered"),
            (r#""auth": true, "response": null"#, &[&["response"]], "null is an answer"),
            (
                r#""auth": true, "response": {"a": 1}, "ip": {"allow": ["10.0.0.0/8"]}, "rate_limit": {"binding": "L"}"#,
                &[&["ip", "rate_limit"]],
                "rules",
            ),
            (r#""auth": {"scopes": []}, "response": {"a": 1}"#, &[&["auth"]], "the same asked for in other words"),
        ];
        for (after, expected, message) in table {
            let changes = compare(&config(&path(before)), &config(&path(after))).changes;
            let keys: Vec<_> = changes.iter().map(|change| &change.keys).collect();
            assert_eq!(keys, expected, "{message}");
        }
    }

    #[test]
    #[rustfmt::skip] // One row a line.
    fn what_lets_more_requests_in_is_told() {
        const OPEN: &str = r#"{"method": "GET", "path": "/a", "response": 1}"#;
        const AUTH: &str = r#"{"method": "GET", "path": "/a", "auth": true, "response": 1}"#;
        let with = |auth: &str| format!(r#"{{"method": "GET", "path": "/a", "auth": {auth}, "response": 1}}"#);
        let scoped = with(r#"{"scopes": ["read:a", "read:b"]}"#);
        let wide = r#"{"method": "ANY", "path": "/{.+}", "auth": true, "response": 1}"#;
        let table: [(&str, &str, &[&str], &str); 27] = [
            ("", OPEN, &["GET /a a public path appears"], "a new open path"),
            ("", AUTH, &[], "a new path with auth"),
            (AUTH, OPEN, &["GET /a no longer requires authentication"], "auth removed"),
            (AUTH, &with("false"), &["GET /a no longer requires authentication"], "auth switched off"),
            (OPEN, AUTH, &[], "auth added"),
            (AUTH, "", &[], "a path removed"),
            (&scoped, AUTH, &["GET /a no longer requires the scope read:a", "GET /a no longer requires the scope read:b"], "all scopes removed"),
            (&scoped, &with(r#"{"scopes": ["read:b"]}"#), &["GET /a no longer requires the scope read:a"], "one scope removed"),
            (AUTH, &scoped, &[], "scopes added"),
            (&with(r#"{"scopes": ["x"]}"#), &with(r#"{"any_scopes": ["x"]}"#), &[], "a list of which one is enough, of one"),
            (&with(r#"{"acr_values": ["1"]}"#), AUTH, &["GET /a no longer requires any of the acr values 1"], "no strength any longer"),
            (&with(r#"{"acr_values": ["1", "2"]}"#), &with(r#"{"acr_values": ["2", "3"]}"#), &["GET /a no longer requires more than the acr value 3"], "another strength that is enough"),
            (&with(r#"{"max_age_seconds": 60}"#), AUTH, &["GET /a no longer requires an authentication of the last 60 seconds"], "any age"),
            (&with(r#"{"max_age_seconds": 60}"#), &with(r#"{"max_age_seconds": 61}"#), &["GET /a no longer requires an authentication of the last 60 seconds"], "a greater age"),
            (AUTH, &with(r#"{"acr_values": ["1"], "max_age_seconds": 60}"#), &[], "a strength and an age added"),
            (&with(r#"{"dpop": "require"}"#), &with(r#"{"dpop": "accept"}"#), &["GET /a no longer requires a token that is bound to a key"], "proofs that are only accepted"),
            (&with(r#"{"dpop": "require"}"#), AUTH, &["GET /a no longer requires a token that is bound to a key"], "no proofs any longer"),
            (&with(r#"{"dpop": "accept"}"#), &with(r#"{"dpop": "require"}"#), &[], "proofs that are required"),
            (AUTH, &with(r#"{"dpop": "accept"}"#), &[], "proofs that are accepted, too"),
            (&with(r#"{"dpop": {"mode": "require", "nonce_key": "$secret.N"}}"#), &with(r#"{"dpop": {"mode": "require", "max_age_seconds": 61}}"#), &["GET /a no longer requires a proof of the last 60 seconds", "GET /a no longer requires a nonce in proofs"], "older proofs without a nonce"),
            (AUTH, &with(r#"{"optional": true}"#), &["GET /a lets requests without a token through"], "made optional"),
            (AUTH, &with(r#""partners""#), &["GET /a accepts tokens of \"partners\" instead of \"users\""], "another authorizer"),
            (&with(r#"{"any_scopes": ["x"]}"#), &with(r#"{"any_scopes": ["x", "y"]}"#), &["GET /a no longer requires more than the scope y"], "one more scope that is enough"),
            (wide, &format!("{wide}, {OPEN}"), &["GET /a a public path appears", "GET /a takes requests of ANY /{.+}, which required more"], "an open path under one with auth"),
            (
                &format!("{}, {AUTH}", wide.replace(r#""auth": true, "#, "")),
                &wide.replace(r#""auth": true, "#, ""),
                &["GET /a no longer requires authentication, because ANY /{.+} takes its requests"],
                "removed, and an open wildcard takes its requests",
            ),
            (&with(r#"{"claims": {"org": "a"}}"#), &with(r#"{"claims": {"org": "b"}}"#), &["GET /a no longer requires the claim org = \"a\""], "another value of a claim"),
            (
                r#"{"method": "GET", "path": "/{id}", "auth": true, "response": 1}"#,
                r#"{"method": "GET", "path": "/{name}", "auth": true, "response": 1}"#,
                &[],
                "another name of a parameter",
            ),
        ];
        for (before, after, expected, message) in table {
            assert_eq!(exposures(before, after), expected, "{message}");
        }
    }

    #[test]
    #[rustfmt::skip] // One row a line.
    fn an_own_rule_for_other_origins_is_compared_with_what_applied_before() {
        let config = |of_all: &str, of_path: &str| {
            let rule = |origins: &str| format!(r#""cors": {{"allow_origins": [{origins}]}}, "#);
            let [of_all, of_path] = [of_all, of_path].map(|origins| if origins.is_empty() { String::new() } else { rule(origins) });
            format!(r#"{{{of_all}"paths": [{{"method": "GET", "path": "/a", {of_path}"response": 1}}]}}"#)
        };
        let (a, b, any) = (r#""https://a.example""#, r#""https://a.example", "https://b.example""#, r#""*""#);
        let of_b = "GET /a cors.allow_origins: lets pages read answers and pass the CSRF rule: https://b.example";
        type Row<'r> = (&'r str, &'r str, &'r str, &'r str, &'r [&'r str], &'r str);
        let table: [Row<'_>; 8] = [
            (a, "", a, a, &[], "the same in its own words"),
            (a, "", a, b, &[of_b], "an origin more than all paths have"),
            (b, "", b, a, &[], "an origin less"),
            (a, a, a, b, &[of_b], "an origin more"),
            (b, a, b, "", &[of_b], "none any longer, so that of all applies"),
            (a, b, a, "", &[], "the other way round"),
            ("", "", "", a, &["GET /a cors.allow_origins: lets pages read answers and pass the CSRF rule: https://a.example"], "where there was none"),
            (a, a, a, any, &["GET /a cors.allow_origins: lets pages read answers: *"], "every origin"),
        ];
        for (of_all, of_path, all_after, path_after, expected, message) in table {
            let changes = compare(&config(of_all, of_path), &config(all_after, path_after)).changes;
            let found: Vec<_> = changes.iter().flat_map(|change| change.exposures.iter().map(|one| format!("{} {one}", change.route))).collect();
            assert_eq!(found, expected, "{message}");
        }
    }

    #[test]
    fn a_path_that_takes_requests_from_one_that_fewer_pages_may_send_is_told() {
        let path = |path: &str, cors: &str| {
            format!(r#"{{"method": "ANY", "path": "{path}", "auth": true, {cors}"response": 1}}"#)
        };
        let config = |paths: &str| {
            format!(r#"{{"cors": {{"allow_origins": ["https://a.example"]}}, "session": {{}}, "paths": [{paths}]}}"#)
        };
        let none = r#""cors": {"allow_origins": []}, "#;
        let closed = path("/admin/{.+}", none);
        for (added, expected) in [("", true), (none, false)] {
            let after = [closed.as_str(), &path("/admin/export/{.+}", added)].join(", ");
            let changes = compare(&config(&closed), &config(&after)).changes;
            let bypasses = changes.iter().flat_map(|change| &change.exposures);
            let bypasses = bypasses.filter(|one| matches!(one, Exposure::Bypass { .. }));
            assert_eq!(bypasses.count() == 1, expected, "{added}");
        }
    }

    #[test]
    #[rustfmt::skip] // One row a line.
    fn a_path_that_answers_under_more_hosts_is_told() {
        let path = |host: &str, rest: &str| {
            let host = if host.is_empty() { String::new() } else { format!(r#""host": "{host}", "#) };
            format!(r#"{{"method": "GET", {host}"path": "/a", {rest}}}"#)
        };
        let (open, auth) = (r#""response": 1"#, r#""auth": true, "response": 1"#);
        let one = path("a.example", auth);
        let table: [(&str, &str, &[&str], &str); 9] = [
            (&one, &path("", auth), &["GET /a host: answers under every name instead of a.example"], "a host removed"),
            (&one, &path("*.example", auth), &["GET *.example/a host: answers under *.example instead of a.example"], "a star"),
            (&one, &path("", open), &["GET /a host: answers under every name instead of a.example", "GET /a no longer requires authentication", "GET /a takes requests of GET a.example/a, which required more", "GET a.example/a no longer requires authentication, because GET /a takes its requests"], "a host and a guard removed"),
            (&path("", auth), &one, &[], "a host added"),
            (&path("", open), &path("a.example", open), &["GET a.example/a a public path appears"], "a host added to an open path"),
            (&one, &path("b.example", auth), &[], "another host"),
            (&one, &path("b.example", open), &["GET b.example/a a public path appears"], "another host, and open"),
            (&path("", auth), &format!("{}, {}", path("", auth), path("a.example", open)), &["GET a.example/a a public path appears", "GET a.example/a takes requests of GET /a, which required more"], "an open path for one host"),
            (&format!("{one}, {}", path("", open)), &path("", open), &["GET a.example/a no longer requires authentication, because GET /a takes its requests"], "a guarded host removed above an open one"),
        ];
        for (before, after, expected, message) in table {
            assert_eq!(exposures(before, after), expected, "{message}");
        }
    }

    #[test]
    fn whose_sessions_a_path_lists_or_ends_is_told_if_it_appears_or_lists_those_of_more_users() {
        let path = |method: &str, path: &str, auth: &str| {
            format!(
                r#"{{"method": "{method}", "path": "{path}", "auth": {auth}, "integration": {{"type": "sessions"}}}}"#
            )
        };
        let own = path("GET", "/a/{id}", "true");
        let (scoped, plain) = (r#"{"scopes": ["x", "y"]}"#, r#"{"scopes": ["x"]}"#);
        let fixed = r#"{"method": "GET", "path": "/a/{id}", "auth": true, "response": 1}"#;
        let all = path("GET", "/a/{sub}", plain);
        let table: [(&str, &str, &[&str], &str); 6] = [
            ("", &own, &["GET /a/{id} integration: lists the sessions of the caller"], "a path of its own"),
            (
                "",
                &path("DELETE", "/a/{sub}", plain),
                &["DELETE /a/{sub} integration: ends the sessions of any user"],
                "one for any user",
            ),
            (fixed, &own, &["GET /a/{id} is answered by sessions instead of response"], "in place of a response"),
            (&own, &all, &["GET /a/{sub} integration: lists the sessions of any user"], "by another parameter"),
            (&all, &own, &["GET /a/{id} no longer requires the scope x"], "the other way round"),
            (
                &path("GET", "/a/{sub}", scoped),
                &all,
                &["GET /a/{sub} no longer requires the scope y"],
                "with a guard that is looser",
            ),
        ];
        for (before, after, expected, message) in table {
            assert_eq!(exposures(before, after), expected, "{message}");
        }
    }

    #[test]
    fn requests_that_go_another_way_lose_no_rule() {
        let route =
            |method: &str, path: &str, rest: &str| format!(r#"{{"method": "{method}", "path": "{path}", {rest}}}"#);
        let proxy = r#""integration": {"type": "http", "server": "api"}"#;
        let auth = |rest: &str| format!(r#""auth": true, {rest}"#);
        let limited = format!(r#"{proxy}, "rate_limit": {{"binding": "L", "key": "ip"}}"#);
        let kept = format!(r#"{proxy}, "request_headers": {{"remove": ["authorization"]}}"#);
        let mapped = |source: &str| format!(r#"{proxy}, "mapping": {{"headers": {{"x-user": "$request.{source}"}}}}"#);
        let to_module =
            |source: &str| mapped(source).replace(proxy, r#""integration": {"type": "service", "binding": "m"}"#);
        type Row<'r> = (Vec<String>, Vec<String>, &'r [&'r str], &'r str);
        let keyed = |key: &str| format!(r#"{proxy}, "request_headers": {{"set": {{"x-key": "$secret.{key}"}}}}"#);
        let table: [Row<'_>; 19] = [
            (
                vec![route("GET", "/a", &auth(proxy))],
                vec![route("GET", "/a", &auth(proxy)), route("GET", "/b", &auth(&keyed("KEY")))],
                &["request_headers.set: sends x-key, from $secret.KEY"],
                "an added path that hands a secret to an upstream which had none",
            ),
            (
                vec![route("GET", "/a", &auth(&keyed("KEY")))],
                vec![route("GET", "/a", &auth(&keyed("KEY"))), route("GET", "/b", &auth(&keyed("KEY")))],
                &[],
                "an added path with the secret that the upstream gets anyway",
            ),
            (
                vec![route("GET", "/a", &auth(&keyed("KEY")))],
                vec![route("GET", "/a", &auth(&keyed("KEY"))), route("GET", "/b", &auth(&keyed("OTHER")))],
                &["request_headers.set: sends x-key, from $secret.OTHER"],
                "an added path with another secret",
            ),
            (
                vec![route("ANY", "/{x}/b", &auth(proxy))],
                vec![route("ANY", "/{x}/b", &auth(proxy)), route("POST", "/a/{y}", proxy)],
                &["a public path appears", "takes requests of ANY /{x}/b, which required more"],
                "an open path that crosses another",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(&limited))],
                vec![route("ANY", "/{.+}", &auth(&limited)), route("GET", "/a", &auth(proxy))],
                &["takes requests of ANY /{.+}, which required more"],
                "an added path without the limit of what took its requests",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(&kept))],
                vec![route("ANY", "/{.+}", &auth(&kept)), route("GET", "/a", &auth(proxy))],
                &["takes requests of ANY /{.+}, which required more"],
                "an added path whose upstream gets the token",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(&kept))],
                vec![route("ANY", "/{.+}", &auth(&kept)), route("GET", "/a", r#""auth": true, "response": 1"#)],
                &[],
                "an added path that no upstream answers",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(&mapped("jwt.sub")))],
                vec![
                    route("ANY", "/{.+}", &auth(&mapped("jwt.sub"))),
                    route("GET", "/a", &auth(&mapped("query.user"))),
                ],
                &["mapping.headers: sends another x-user, from $request.query.user"],
                "an added path whose upstream gets a client's word for who it is",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(proxy)), route("GET", "/a/{b}", &auth(&mapped("jwt.sub")))],
                vec![route("ANY", "/{.+}", &auth(proxy))],
                &[
                    "mapping.headers: no longer sets x-user, so a client may set it, because ANY /{.+} takes its requests",
                ],
                "a removed path whose upstream then gets what the client sends",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(proxy))],
                vec![route("ANY", "/{.+}", &auth(proxy)), route("GET", "/a", &auth(&mapped("jwt.sub")))],
                &[],
                "an added path that sends more of its own",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(proxy))],
                vec![
                    route("ANY", "/{.+}", &auth(proxy)),
                    route("GET", "/a/{b}", &auth(&format!(r#"{proxy}, "encoded_slashes": true"#))),
                ],
                &["encoded_slashes: admits paths that an upstream may interpret differently"],
                "an added path with encoded slashes",
            ),
            (
                vec![],
                vec![
                    route("GET", "/a", &auth(r#""response": ["$secret.KEY"]"#)),
                    route(
                        "GET",
                        "/b",
                        &auth(r#""integration": {"type": "redirect", "location": "https://x.example/"}"#),
                    ),
                ],
                &[
                    "response: answers with $secret.KEY",
                    "integration.location: leads to another site: \"https://x.example/\" instead of none",
                ],
                "added paths that hand out a secret and lead away",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(proxy)), route("GET", "/a/{b}", &auth(&limited))],
                vec![route("ANY", "/{.+}", &auth(proxy))],
                &["loses rate_limit, because ANY /{.+} takes its requests"],
                "a removed path whose requests lose their limit",
            ),
            (
                vec![route("GET", "/a", proxy), route("HEAD", "/a", &auth(proxy))],
                vec![route("GET", "/a", proxy)],
                &["no longer requires authentication, because GET /a takes its requests"],
                "HEAD, which GET answers",
            ),
            (
                vec![route("GET", "/a", &auth(r#""response": 1"#))],
                vec![route("GET", "/a", &auth(proxy))],
                &[
                    "is answered by http_proxy instead of response",
                    "servers.api: sends requests, with their tokens, to api",
                ],
                "an upstream instead of a fixed answer",
            ),
            (
                vec![route("GET", "/a", proxy)],
                vec![route("GET", "/a", r#""integration": {"type": "redirect", "location": "https://x.example/"}"#)],
                &["integration.location: leads to another site: \"https://x.example/\" instead of none"],
                "a redirect instead of an upstream",
            ),
            (
                vec![route("GET", "/a", r#""integration": {"type": "$env.T", "server": "api"}"#)],
                vec![route("GET", "/a", r#""integration": {"type": "$env.T", "server": "other"}"#)],
                &["integration: changed, and a binding decides its type"],
                "a type that comes from a binding",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(&to_module("jwt.sub")))],
                vec![
                    route("ANY", "/{.+}", &auth(&to_module("jwt.sub"))),
                    route("GET", "/a", &auth(&to_module("query.user"))),
                ],
                &["mapping.headers: sends another x-user, from $request.query.user"],
                "an added path whose module gets a client's word for who it is",
            ),
            (
                vec![route("GET", "$env.A", proxy)],
                vec![route("GET", "$env.A", proxy), route("GET", "$env.B", proxy)],
                &["GET $env.B: changed, and a binding decides which requests it takes"],
                "a path that comes from a binding",
            ),
        ];
        for (before, after, expected, message) in table {
            let exposed = compare(&config(&before.join(",")), &config(&after.join(","))).lines();
            assert_eq!(exposed, expected, "{message}");
        }
    }

    #[test]
    fn a_name_of_an_authorizer_or_a_server_means_nothing() {
        let config = |authorizers: &str, first: &str, server: &str| {
            format!(
                r#"{{"authorizers": {{{authorizers}}}, "servers": [{{"alias": "{server}", "url": "https://a.example"}}],
                    "paths": [{{"method": "GET", "path": "/a", "auth": {first}, "integration": {{"type": "http", "server": "{server}"}}}}]}}"#
            )
        };
        let (one, two) = (r#"{"type": "auth0", "domain": "a.example"}"#, r#"{"type": "auth0", "domain": "b.example"}"#);
        let before = config(&format!(r#""one": {one}, "two": {two}"#), "true", "api");
        let renamed = config(&format!(r#""first": {one}, "two": {two}"#), r#""first""#, "backend");
        assert!(!compare(&before, &renamed).exposes(), "{:?}", compare(&before, &renamed));
        let reordered = config(&format!(r#""two": {two}, "one": {one}"#), "true", "api");
        assert_eq!(
            compare(&before, &reordered).lines(),
            [
                "accepts tokens of \"two\" instead of \"one\"",
                "authorizers: logs people in at \"two\" instead of \"one\""
            ]
        );
    }

    #[test]
    fn an_address_that_nothing_used_counts_as_one_that_was_not_there() {
        let config = |server: &str| {
            format!(
                r#"{{"servers": [{{"alias": "api", "url": "https://a.example"}}, {{"alias": "other", "url": "https://x.example"}}],
                    "paths": [{{"method": "GET", "path": "/a", "auth": true, "integration": {{"type": "http", "server": "{server}"}}}}]}}"#
            )
        };
        let exposed = compare(&config("api"), &config("other")).exposures;
        assert_eq!(exposed.len(), 1, "{exposed:?}");
        assert!(exposed[0].to_string().ends_with("to https://x.example"), "{exposed:?}");
    }

    #[test]
    fn what_a_type_that_comes_from_a_binding_may_call_counts_as_used() {
        let config = |url: &str| {
            format!(
                r#"{{"servers": [{{"alias": "api", "url": "{url}"}}],
                    "paths": [{{"method": "GET", "path": "/a", "auth": true, "integration": {{"type": "$env.T", "server": "api"}}}}]}}"#
            )
        };
        let exposed = compare(&config("https://a.example"), &config("https://x.example")).lines();
        assert_eq!(exposed, ["servers.api: sends requests, with their tokens, to https://x.example"]);
    }
}
