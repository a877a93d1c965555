//! What a change of a config exposes: routes that are added, removed or changed, and which of these let more requests in.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use super::outline::{Outline, OutlinedRoute, Requirement};
use crate::config::parse;
use crate::route::{Found, Method, MethodRule, Pattern, RouteSpec, RouteTable};

/// A difference between two configs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Method and path, such as `GET /orders/{id}`.
    pub route: String,
    /// The route before; `None` where it is added.
    pub before: Option<OutlinedRoute>,
    /// The route afterwards; `None` where it is removed.
    pub after: Option<OutlinedRoute>,
    /// The keys of its entry in `paths` that differ, where it is on both sides.
    pub keys: Vec<String>,
    /// What else lets requests in that were refused.
    pub exposures: Vec<Exposure>,
}

/// A way in which a change lets more requests in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// A path that is open appears.
    NewPublicPath,
    /// The path asked for a token, and asks for none.
    AuthenticationLost,
    /// The path lets requests without any credential through.
    AuthenticationOptional,
    /// Another authorizer decides.
    AuthorizerChanged {
        /// Its name before.
        before: String,
        /// Its name afterwards.
        after: String,
    },
    /// A scope, permission or claim that was needed is not.
    RequirementLost(String),
    /// Requests that another route took and refused without a token come here and are let through.
    Bypass {
        /// The route that took them.
        route: String,
    },
    /// A rule of the path, such as its rate limit, is gone.
    RuleLost(String),
    /// The path is gone, and its requests go to another that asks less of them.
    TakenOver {
        /// The route that takes them.
        route: String,
        /// What it does not ask for.
        loss: Box<Exposure>,
    },
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewPublicPath => f.write_str("a public path appears"),
            Self::AuthenticationLost => f.write_str("loses authentication"),
            Self::AuthenticationOptional => f.write_str("lets requests without a token through"),
            Self::AuthorizerChanged { before, after } => {
                write!(f, "believes tokens of {after:?} in place of {before:?}")
            }
            Self::RequirementLost(what) => write!(f, "loses {what}"),
            Self::Bypass { route } => write!(f, "lets requests through that {route} asked more of"),
            Self::RuleLost(rule) => write!(f, "loses {rule}"),
            Self::TakenOver { route, loss } => write!(f, "{loss}, since {route} takes its requests"),
        }
    }
}

/// Compares two configs, route by route, in the order of method and path.
pub fn compare(before: &Outline, after: &Outline) -> Vec<Change> {
    let (old, new) = (by_name(before), by_name(after));
    let old_table = Taker::new(before);
    let new_table = Taker::new(after);
    let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let mut changes = Vec::new();
    for name in names {
        let (was, is) = (old.get(name).copied(), new.get(name).copied());
        let exposures = match (was, is) {
            (Some(was), Some(is)) => exposed_by_change(was, is),
            (None, Some(is)) => exposed_by_addition(is, &old_table),
            (Some(was), None) => exposed_by_removal(was, &new_table),
            (None, None) => Vec::new(),
        };
        let same = was.zip(is).is_some_and(|(was, is)| is_same(was, is));
        if !same || !exposures.is_empty() {
            let route = is.or(was).map_or_else(String::new, |route| shown(&route.spec));
            let keys = was.zip(is).map(|(was, is)| changed_keys(was, is)).unwrap_or_default();
            changes.push(Change { route, before: was.cloned(), after: is.cloned(), keys, exposures });
        }
    }
    changes
}

/// Gives the names of the sections that differ, apart from `paths`.
pub fn changed_sections(before: &str, after: &str) -> Vec<String> {
    let sections = |source: &str| -> BTreeMap<String, serde_json::Value> {
        let members = parse(source).map(|(_, root)| {
            root.members().iter().map(|member| (member.key.to_string(), member.node.to_json())).collect()
        });
        members.unwrap_or_default()
    };
    let (before, after) = (sections(before), sections(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| *name != "paths" && before.get(*name) != after.get(*name));
    names.into_iter().cloned().collect()
}

/// Names a route so that parameter names make no difference.
fn by_name(outline: &Outline) -> BTreeMap<(String, MethodRule), &OutlinedRoute> {
    let routes = outline.routes.iter();
    routes.map(|route| ((shape(&route.spec.pattern), route.spec.method), route)).collect()
}

/// Gives the pattern without the names of its parameters.
pub(super) fn shape(pattern: &Pattern) -> String {
    let segments = pattern.as_str().split('/').map(|segment| match segment {
        _ if !segment.starts_with('{') => segment,
        _ if segment.ends_with("+}") => "{.+}",
        _ => "{}",
    });
    segments.collect::<Vec<_>>().join("/")
}

fn shown(spec: &RouteSpec) -> String {
    format!("{} {}", spec.method, spec.pattern)
}

fn is_same(was: &OutlinedRoute, is: &OutlinedRoute) -> bool {
    let of = |route: &OutlinedRoute| OutlinedRoute { index: None, ..route.clone() };
    of(was) == of(is)
}

fn changed_keys(was: &OutlinedRoute, is: &OutlinedRoute) -> Vec<String> {
    let keys: BTreeSet<&String> = was.settings.keys().chain(is.settings.keys()).collect();
    keys.into_iter().filter(|key| was.settings.get(*key) != is.settings.get(*key)).cloned().collect()
}

fn exposed_by_change(was: &OutlinedRoute, is: &OutlinedRoute) -> Vec<Exposure> {
    let mut exposures = weaker(was.requirement.as_ref(), is.requirement.as_ref());
    let lost = was.rules.iter().filter(|rule| *rule != "cache" && !is.rules.contains(rule));
    exposures.extend(lost.map(|rule| Exposure::RuleLost(rule.clone())));
    exposures
}

/// Tells what the second requirement lets in that the first does not.
fn weaker(was: Option<&Requirement>, is: Option<&Requirement>) -> Vec<Exposure> {
    let Some(was) = was else { return Vec::new() };
    let Some(is) = is else {
        // One that let everyone through had nothing to lose but the refusal of bad credentials.
        return vec![Exposure::AuthenticationLost];
    };
    let mut exposures = Vec::new();
    if is.optional && !was.optional {
        exposures.push(Exposure::AuthenticationOptional);
    }
    if is.authorizer != was.authorizer {
        let (before, after) = (was.authorizer.clone(), is.authorizer.clone());
        exposures.push(Exposure::AuthorizerChanged { before, after });
    }
    let mut lost = |kind: &str, was: &[String], is: &[String]| {
        let kept: HashSet<&String> = is.iter().collect();
        let gone = was.iter().filter(|name| !kept.contains(name));
        exposures.extend(gone.map(|name| Exposure::RequirementLost(format!("the {kind} {name}"))));
    };
    lost("scope", &was.scopes, &is.scopes);
    lost("permission", &was.permissions, &is.permissions);
    let claims = |requirement: &Requirement| {
        let claims = requirement.claims.iter();
        claims.map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>()
    };
    lost("claim", &claims(was), &claims(is));
    // One of a list is enough, so a longer list lets more in, and so does none at all.
    if !was.any_scopes.is_empty() {
        let enough: HashSet<&String> = was.any_scopes.iter().collect();
        let wider = is.any_scopes.iter().filter(|scope| !enough.contains(scope));
        let narrowed = is.scopes.iter().any(|scope| enough.contains(scope));
        if is.any_scopes.is_empty() && !narrowed {
            exposures.push(Exposure::RequirementLost(format!("any scope of {}", was.any_scopes.join(", "))));
        }
        exposures.extend(wider.map(|scope| Exposure::RequirementLost(format!("the need for more than {scope}"))));
    }
    exposures
}

fn exposed_by_addition(is: &OutlinedRoute, old: &Taker<'_>) -> Vec<Exposure> {
    let mut exposures = Vec::new();
    if is.requirement.as_ref().is_none_or(|requirement| requirement.optional) {
        exposures.push(Exposure::NewPublicPath);
    }
    exposures.extend(old.bypassed_by(is));
    exposures
}

/// Where a route is gone, another may take its requests and ask less of them.
fn exposed_by_removal(was: &OutlinedRoute, new: &Taker<'_>) -> Vec<Exposure> {
    let taken_over = |is: &OutlinedRoute| {
        let losses = weaker(was.requirement.as_ref(), is.requirement.as_ref()).into_iter();
        let route = shown(&is.spec);
        losses.map(move |loss| Exposure::TakenOver { route: route.clone(), loss: Box::new(loss) }).collect::<Vec<_>>()
    };
    new.takers(&was.spec).into_iter().flat_map(taken_over).collect()
}

/// Finds which route of a config takes the requests of a route of another.
struct Taker<'o> {
    outline: &'o Outline,
    table: RouteTable,
}

impl<'o> Taker<'o> {
    fn new(outline: &'o Outline) -> Self {
        let specs = outline.routes.iter().map(|route| route.spec.clone()).collect();
        Self { outline, table: RouteTable::build(specs).unwrap_or_default() }
    }

    fn takers(&self, spec: &RouteSpec) -> Vec<&'o OutlinedRoute> {
        let mut found: Vec<&OutlinedRoute> = Vec::new();
        let path = example_path(&spec.pattern);
        for method in methods(spec.method) {
            if let Found::Route(taken) = self.table.find(method.as_str(), &path)
                && let Some(route) = self.outline.routes.get(taken.index)
                && !found.contains(&route)
            {
                found.push(route);
            }
        }
        found
    }

    fn bypassed_by(&self, route: &OutlinedRoute) -> Vec<Exposure> {
        let takers = self.takers(&route.spec).into_iter();
        let bypassed =
            takers.filter(|taker| !weaker(taker.requirement.as_ref(), route.requirement.as_ref()).is_empty());
        bypassed.map(|taker| Exposure::Bypass { route: shown(&taker.spec) }).collect()
    }
}

/// Gives the named methods that a route answers.
pub(super) fn methods(rule: MethodRule) -> Vec<Method> {
    match rule {
        MethodRule::Exact(method) => vec![method],
        MethodRule::Any => Method::ALL.to_vec(),
    }
}

/// Gives a path that a pattern matches, and of all patterns only those that match whatever it matches.
pub(super) fn example_path(pattern: &Pattern) -> String {
    let segments = pattern.as_str().split('/').map(|segment| if segment.starts_with('{') { "~" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(paths: &str) -> Outline {
        let source = format!(
            r#"{{"authorizers": {{"users": {{"type": "auth0"}}, "partners": {{"type": "jwt"}}}}, "paths": [{paths}]}}"#
        );
        Outline::of(&source)
    }

    fn exposures(before: &str, after: &str) -> Vec<String> {
        let changes = compare(&config(before), &config(after));
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
            let changes = compare(&config(&path(before)), &config(&path(after)));
            let keys: Vec<_> = changes.iter().map(|change| &change.keys).collect();
            assert_eq!(keys, expected, "{message}");
        }
    }

    #[test]
    fn what_lets_more_requests_in_is_told() {
        const OPEN: &str = r#"{"method": "GET", "path": "/a", "response": 1}"#;
        const AUTH: &str = r#"{"method": "GET", "path": "/a", "auth": true, "response": 1}"#;
        let with = |auth: &str| format!(r#"{{"method": "GET", "path": "/a", "auth": {auth}, "response": 1}}"#);
        let scoped = with(r#"{"scopes": ["read:a", "read:b"]}"#);
        let wide = r#"{"method": "ANY", "path": "/{.+}", "auth": true, "response": 1}"#;
        let table: [(&str, &str, &[&str], &str); 16] = [
            ("", OPEN, &["GET /a a public path appears"], "a new open path"),
            ("", AUTH, &[], "a new path with auth"),
            (AUTH, OPEN, &["GET /a loses authentication"], "auth removed"),
            (AUTH, &with("false"), &["GET /a loses authentication"], "auth switched off"),
            (OPEN, AUTH, &[], "auth added"),
            (AUTH, "", &[], "a path removed"),
            (&scoped, AUTH, &["GET /a loses the scope read:a", "GET /a loses the scope read:b"], "all scopes removed"),
            (&scoped, &with(r#"{"scopes": ["read:b"]}"#), &["GET /a loses the scope read:a"], "one scope removed"),
            (AUTH, &scoped, &[], "scopes added"),
            (AUTH, &with(r#"{"optional": true}"#), &["GET /a lets requests without a token through"], "made optional"),
            (
                AUTH,
                &with(r#""partners""#),
                &["GET /a believes tokens of \"partners\" in place of \"users\""],
                "another authorizer",
            ),
            (
                &with(r#"{"any_scopes": ["x"]}"#),
                &with(r#"{"any_scopes": ["x", "y"]}"#),
                &["GET /a loses the need for more than y"],
                "one more scope that is enough",
            ),
            (
                wide,
                &format!("{wide}, {OPEN}"),
                &["GET /a a public path appears", "GET /a lets requests through that ANY /{.+} asked more of"],
                "an open path under one with auth",
            ),
            (
                &format!("{}, {AUTH}", wide.replace(r#""auth": true, "#, "")),
                &wide.replace(r#""auth": true, "#, ""),
                &["GET /a loses authentication, since ANY /{.+} takes its requests"],
                "removed, and an open wildcard takes its requests",
            ),
            (
                &with(r#"{"claims": {"org": "a"}}"#),
                &with(r#"{"claims": {"org": "b"}}"#),
                &["GET /a loses the claim org = \"a\""],
                "another value of a claim",
            ),
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
}
