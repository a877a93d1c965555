//! What a change of a config exposes: routes that are added, removed or changed, what of the other sections changes, and which
//! of all this lets more requests in, or sends what is to be kept to somebody else.

#[cfg(test)]
mod cases;
mod meaning;
mod networks;
mod rule;
mod takers;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::LazyLock;

use serde_json::Value;

use super::outline::{Outline, OutlinedRoute, Requirement};
use crate::config::parse;
use crate::route::{Method, MethodRule, Pattern, RouteSpec};
use meaning::{Meaning, Object, Targets, authorizer_place, is_told};
use rule::{judge_keys, judge_section};
use takers::Takers;

pub use rule::harmless_keys;
pub(super) use takers::common_pattern;

/// Rules of a path that keep requests out, whatever answers them.
const RESTRICTIONS: [&str; 5] = ["rate_limit", "max_body_bytes", "content_types", "ip", "pre_process"];

/// The difference between two configs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The routes that differ, in the order of path and method.
    pub changes: Vec<Change>,
    /// The names of the sections that differ, apart from `paths`.
    pub sections: Vec<String>,
    /// What the change of these sections exposes.
    pub exposures: Vec<Exposure>,
}

impl Comparison {
    /// Tells whether anything is exposed.
    pub fn exposes(&self) -> bool {
        !self.exposures.is_empty() || self.changes.iter().any(|change| !change.exposures.is_empty())
    }
}

/// A difference between the routes of two configs.
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
    /// What it exposes.
    pub exposures: Vec<Exposure>,
}

/// A way in which a change lets more requests in, or sends what is to be kept to somebody else.
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
    /// A rule, such as a rate limit, is gone.
    RuleLost(String),
    /// The path is gone, and its requests go to another that asks less of them.
    TakenOver {
        /// The route that takes them.
        route: String,
        /// What it does not ask for.
        loss: Box<Exposure>,
    },
    /// Something else answers, and gets the requests with their tokens.
    Answered {
        /// What did before.
        before: String,
        /// What does afterwards.
        after: String,
    },
    /// Another value of a key opens something.
    Setting {
        /// Where the key stands, seen from the path where it is a path's.
        place: String,
        /// What it opens.
        what: String,
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
            Self::Answered { before, after } => write!(f, "is answered by {after} in place of {before}"),
            Self::Setting { place, what } => write!(f, "{place}: {what}"),
        }
    }
}

/// Compares two configs: their routes, and every other section.
pub fn compare(before: &str, after: &str) -> Comparison {
    let (old, new) = (Config::of(before), Config::of(after));
    Comparison {
        changes: compare_routes(&old, &new),
        sections: changed_sections(before, after, &old.meaning, &new.meaning),
        exposures: exposed_by_sections(&old, &new),
    }
}

/// A config with what it means.
struct Config {
    outline: Outline,
    meaning: Meaning,
}

impl Config {
    fn of(source: &str) -> Self {
        Self { outline: Outline::of(source), meaning: Meaning::of(source) }
    }

    /// Gives a route with its entry in `paths`.
    fn side<'c>(&'c self, route: &'c OutlinedRoute) -> Side<'c> {
        static NOTHING: LazyLock<Object> = LazyLock::new(Object::new);
        let path = route.index.and_then(|index| self.meaning.paths.get(index));
        Side { meaning: &self.meaning, route, path: path.unwrap_or(&NOTHING) }
    }
}

/// A route of one of the configs.
#[derive(Clone, Copy)]
struct Side<'c> {
    meaning: &'c Meaning,
    route: &'c OutlinedRoute,
    path: &'c Object,
}

impl Side<'_> {
    fn requirement(&self) -> Option<&Requirement> {
        self.route.requirement.as_ref()
    }

    /// Gives its integration; of an answer that stands at the path, an object without keys.
    fn integration(&self) -> Object {
        self.path.get("integration").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// Gives the type of its integration in its one spelling.
    fn kind(&self) -> String {
        let kind = self.path.get("integration").and_then(|integration| integration.get("type")?.as_str());
        kind.unwrap_or(&self.route.integration).to_owned()
    }
}

fn compare_routes(old: &Config, new: &Config) -> Vec<Change> {
    let (old_names, new_names) = (by_name(&old.outline), by_name(&new.outline));
    let takers = Takers::new(old, new);
    let names: BTreeSet<_> = old_names.keys().chain(new_names.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let (was, is) = (old_names.get(name).copied(), new_names.get(name).copied());
        let exposures = match (was, is) {
            (Some(was), Some(is)) => exposed_by_change(old.side(was), new.side(is)),
            (None, Some(is)) => {
                let open = is.requirement.as_ref().is_none_or(|requirement| requirement.optional);
                let appears = open.then_some(Exposure::NewPublicPath);
                let opened = opened_by_addition(new.side(is)).into_iter();
                let handed = secrets_handed_over(old, new.side(is)).into_iter();
                appears.into_iter().chain(takers.bypassed_by(is)).chain(opened).chain(handed).collect()
            }
            (Some(was), None) => takers.taken_over_from(was),
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

fn changed_sections(before: &str, after: &str, old: &Meaning, new: &Meaning) -> Vec<String> {
    let sections = |source: &str| -> BTreeMap<String, Value> {
        let members = parse(source).map(|(_, root)| {
            let present = root.members().iter().map(|member| (member.key.to_string(), member.node.to_json()));
            present.filter(|(_, value)| !value.is_null()).collect()
        });
        members.unwrap_or_default()
    };
    let (before, after) = (sections(before), sections(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs =
        |name: &&&String| **name != "paths" && before.get(**name) != after.get(**name) && is_told(name, old, new);
    names.iter().filter(differs).map(|name| (*name).clone()).collect()
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

fn exposed_by_change(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = weaker(was, is);
    judge_section("path", "", was.path, is.path, &mut exposures);
    judge_integration(was, is, &mut exposures);
    let guard = "pre_process";
    judge_binding(was, is, was.path.get(guard), is.path.get(guard), guard, &mut exposures);
    exposures
}

/// Tells what the second route lets in that the first keeps out, whatever answers either.
fn less_asked(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = weaker(was, is);
    judge_keys("path", "", was.path, is.path, false, &|key| RESTRICTIONS.contains(&key), &mut exposures);
    if is.kind() == "http_proxy" {
        let headers =
            |side: Side<'_>| side.path.get("request_headers").and_then(Value::as_object).cloned().unwrap_or_default();
        let removed = |key: &str| key == "remove";
        judge_keys("request_headers", "request_headers", &headers(was), &headers(is), false, &removed, &mut exposures);
    }
    exposures
}

/// Tells which headers and parameters one upstream gets from elsewhere by the second route than by the first.
fn other_sources(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let targets = |side: Side<'_>| {
        let alias = side.integration().get("server").and_then(Value::as_str).map(str::to_owned);
        alias.map(|alias| side.meaning.servers.of(&alias)).unwrap_or_default()
    };
    let mut exposures = Vec::new();
    if targets(was).is_disjoint(&targets(is)) {
        return exposures;
    }
    for (section, keys) in [("mapping", ["headers", "query"].as_slice()), ("request_headers", &["set"])] {
        let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
        let [before, mut after] = [was, is].map(|side| object(side.path.get(section)));
        for key in keys {
            // What is sent besides takes nothing away.
            let known = object(before.get(*key));
            let mut sources = object(after.get(*key));
            let is_same = |one: &str, other: &str| one == other || *key != "query" && one.eq_ignore_ascii_case(other);
            sources.retain(|name, _| known.keys().any(|other| is_same(name, other)));
            after.insert((*key).to_owned(), sources.into());
        }
        judge_keys(section, section, &before, &after, false, &|key| keys.contains(&key), &mut exposures);
    }
    exposures
}

/// Tells what a route that was not there opens, whoever may ask for it.
fn opened_by_addition(is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = Vec::new();
    let fresh = |key: &str| ["response", "encoded_slashes"].contains(&key);
    judge_keys("path", "", &Object::new(), is.path, true, &fresh, &mut exposures);
    if let kind @ ("static" | "redirect") = is.kind().as_str() {
        judge_keys(
            &section_of(kind),
            "integration",
            &Object::new(),
            &is.integration(),
            true,
            &|_| true,
            &mut exposures,
        );
    }
    exposures
}

/// Tells which secrets a route that was not there sends to an upstream that got them by no path before.
///
/// An upstream that no path went to before is judged with its section, whatever it gets.
fn secrets_handed_over(old: &Config, is: Side<'_>) -> Vec<Exposure> {
    let upstreams = upstreams_of(is.meaning, is.path);
    let before = || old.meaning.paths.iter().filter(|path| !upstreams_of(&old.meaning, path).is_disjoint(&upstreams));
    let sent = secrets_sent(is.path);
    let fresh = sent
        .into_iter()
        .filter(|(_, _, secret)| !before().any(|path| secrets_sent(path).iter().any(|(_, _, other)| other == secret)));
    let exposures =
        fresh.map(|(place, name, secret)| Exposure::Setting { place, what: format!("sends {name}, from {secret}") });
    exposures.collect()
}

/// Gives what gets the requests of a path: addresses, modules, other Workers.
fn upstreams_of(meaning: &Meaning, path: &Object) -> BTreeSet<String> {
    let text = |key: &str| path.get("integration").and_then(|integration| integration.get(key)?.as_str());
    let alias = text("server").or_else(|| text("binding"));
    let targets = match text("type") {
        Some("http_proxy") => &meaning.servers,
        Some("service") => &meaning.services,
        _ => &meaning.bindings,
    };
    alias.map(|alias| targets.of(alias)).unwrap_or_default()
}

/// Gives each secret that a path maps, with the place of the mapping and the name that it is sent under.
fn secrets_sent(path: &Object) -> Vec<(String, String, String)> {
    let mut sent = Vec::new();
    for (section, key) in [("mapping", "headers"), ("mapping", "query"), ("request_headers", "set")] {
        let sources = path.get(section).and_then(|section| section.get(key)?.as_object());
        for (name, source) in sources.into_iter().flatten() {
            if let Some(secret) = source.as_str().filter(|text| text.starts_with("$secret.")) {
                sent.push((format!("{section}.{key}"), name.clone(), secret.to_owned()));
            }
        }
    }
    sent
}

/// Judges what answers a route.
fn judge_integration(was: Side<'_>, is: Side<'_>, exposures: &mut Vec<Exposure>) {
    let (kind, before, after) = (is.kind(), was.integration(), is.integration());
    let section = section_of(&kind);
    if kind == was.kind() {
        judge_section(&section, "integration", &before, &after, exposures);
        let place = if kind == "http_proxy" { "integration.server" } else { "integration" };
        judge_binding(was, is, Some(&before.clone().into()), Some(&after.clone().into()), place, exposures);
        let key = "post_process";
        judge_binding(was, is, before.get(key), after.get(key), "integration.post_process", exposures);
        return;
    }
    match kind.as_str() {
        // The answer stands in the config; where it leads, or what references in it bring, is judged as something that is added.
        "static" | "redirect" | "response" | "health" => {
            judge_keys(&section, "integration", &Object::new(), &after, true, &|_| true, exposures);
        }
        _ => exposures.push(Exposure::Answered { before: was.kind(), after: kind }),
    }
}

/// Gives the section of the schema that has the keys of a type of integrations.
fn section_of(kind: &str) -> String {
    match kind.strip_prefix("auth0_") {
        Some(flow) => format!("integration_{flow}"),
        None if kind.starts_with("supabase_") => "integration_supabase".to_owned(),
        None => format!("integration_{kind}"),
    }
}

/// Judges the alias by which a part of a path calls an upstream, a module or another Worker.
fn judge_binding(
    was: Side<'_>,
    is: Side<'_>,
    before: Option<&Value>,
    after: Option<&Value>,
    place: &str,
    exposures: &mut Vec<Exposure>,
) {
    let target = |side: Side<'_>, part: Option<&Value>| -> Option<(String, BTreeSet<String>)> {
        let part = part?;
        let alias = part.get("server").or_else(|| part.get("binding"))?.as_str()?;
        let targets = match part.get("type").and_then(Value::as_str) {
            Some("http_proxy") => &side.meaning.servers,
            Some("service") => &side.meaning.services,
            _ => &side.meaning.bindings,
        };
        Some((alias.to_owned(), targets.of(alias)))
    };
    // What stands behind an alias is judged once, with its section.
    if let (Some((alias, before)), Some((other, after))) = (target(was, before), target(is, after))
        && alias != other
    {
        let gone_to = after.difference(&before).map(|target| Exposure::Setting {
            place: place.to_owned(),
            what: format!("sends its requests to {target}"),
        });
        exposures.extend(gone_to);
    }
}

/// Tells what the second route's requirement lets in that the first's does not.
fn weaker(before: Side<'_>, after: Side<'_>) -> Vec<Exposure> {
    let Some(was) = before.requirement() else { return Vec::new() };
    let Some(is) = after.requirement() else {
        // One that let everyone through had nothing to lose but the refusal of bad credentials.
        return vec![Exposure::AuthenticationLost];
    };
    let mut exposures = Vec::new();
    if is.optional && !was.optional {
        exposures.push(Exposure::AuthenticationOptional);
    }
    let rules = |side: Side<'_>, name: &str| side.meaning.authorizers.get(name).cloned();
    if is.authorizer != was.authorizer && rules(after, &is.authorizer) != rules(before, &was.authorizer) {
        let (before, after) = (was.authorizer.clone(), is.authorizer.clone());
        exposures.push(Exposure::AuthorizerChanged { before, after });
    }
    let mut lost = |kind: &str, was: &[String], is: &[String]| {
        let kept: HashSet<&String> = is.iter().collect();
        let gone = was.iter().filter(|name| !kept.contains(name));
        exposures.extend(gone.map(|name| Exposure::RequirementLost(format!("the {kind} {name}"))));
    };
    // A list of one is that one.
    let scopes = if is.any_scopes.len() == 1 { [&is.scopes[..], &is.any_scopes].concat() } else { is.scopes.clone() };
    lost("scope", &was.scopes, &scopes);
    lost("permission", &was.permissions, &is.permissions);
    let kept = |(name, values): &(String, String)| {
        is.claims.iter().any(|(other, narrower)| other == name && is_among_values(narrower, values))
    };
    let gone = was.claims.iter().filter(|claim| !kept(claim));
    exposures.extend(gone.map(|(name, value)| Exposure::RequirementLost(format!("the claim {name} = {value}"))));
    // One of a list is enough, so a longer list lets more in, and so does none at all.
    if !was.any_scopes.is_empty() {
        let enough: HashSet<&String> = was.any_scopes.iter().collect();
        let wider = is.any_scopes.iter().filter(|scope| !enough.contains(scope));
        let narrowed = is.scopes.iter().any(|scope| enough.contains(scope));
        if narrowed {
            return exposures;
        }
        if is.any_scopes.is_empty() {
            exposures.push(Exposure::RequirementLost(format!("any scope of {}", was.any_scopes.join(", "))));
        }
        exposures.extend(wider.map(|scope| Exposure::RequirementLost(format!("the need for more than {scope}"))));
    }
    exposures
}

/// Tells whether all values that a claim may have, as JSON, are among others.
fn is_among_values(narrower: &str, wider: &str) -> bool {
    let values = |text: &str| match serde_json::from_str(text) {
        Ok(Value::Array(items)) => items,
        Ok(one) => vec![one],
        Err(_) => Vec::new(),
    };
    let wider = values(wider);
    values(narrower).iter().all(|value| wider.contains(value))
}

/// Judges every section but `paths`.
fn exposed_by_sections(old: &Config, new: &Config) -> Vec<Exposure> {
    let (before, after) = (&old.meaning, &new.meaning);
    let mut exposures = Vec::new();
    judge_section("config", "", &before.top, &after.top, &mut exposures);
    for (name, is) in &after.authorizers {
        if let Some(was) = before.authorizers.get(name) {
            judge_authorizer(name, was, is, &mut exposures);
        }
    }
    if let (Some(was), Some(is)) = (&before.login, &after.login)
        && was != is
        && before.authorizers.get(was) != after.authorizers.get(is)
    {
        let what = format!("logs people in at {is:?} in place of {was:?}");
        exposures.push(Exposure::Setting { place: "authorizers".to_owned(), what });
    }
    for (section, was, is) in [
        ("servers", &before.servers, &after.servers),
        ("services", &before.services, &after.services),
        ("serviceBindings", &before.bindings, &after.bindings),
    ] {
        judge_targets(section, was, is, &mut exposures);
    }
    // Where a path comes from a binding, nobody knows here which requests it takes.
    let text = |path: &Object, key: &str| path.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_unknown = |path: &&Object| ["method", "path"].iter().any(|key| text(path, key).starts_with('$'));
    for path in after.paths.iter().filter(is_unknown).filter(|path| !before.paths.contains(path)) {
        let place = format!("{} {}", text(path, "method"), text(path, "path"));
        let what = "which requests it takes is not known here, and it is not as it was".to_owned();
        exposures.push(Exposure::Setting { place, what });
    }
    exposures
}

fn judge_authorizer(name: &str, was: &Object, is: &Object, exposures: &mut Vec<Exposure>) {
    let (before, after) = (was.get("type"), is.get("type"));
    let place = authorizer_place(name);
    if before != after {
        let kind = |kind: Option<&Value>| kind.map_or_else(|| "none".to_owned(), Value::to_string);
        let what = format!("believes another type of issuer: {} in place of {}", kind(after), kind(before));
        exposures.push(Exposure::Setting { place: format!("{place}.type"), what });
        return;
    }
    let section = format!("authorizer_{}", after.and_then(Value::as_str).unwrap_or_default());
    judge_section(&section, &place, was, is, exposures);
}

/// Judges where an alias leads: to what no path went to before, or what this alias did not mean; and whether that gets paths which
/// were refused.
fn judge_targets(section: &str, before: &Targets, after: &Targets, exposures: &mut Vec<Exposure>) {
    for alias in after.used() {
        let known = if before.used().contains(alias) { before.of(alias) } else { before.all_used() };
        let added = after.of(alias).difference(&known).cloned().collect::<Vec<_>>();
        exposures.extend(added.into_iter().map(|target| Exposure::Setting {
            place: format!("{section}.{alias}"),
            what: format!("sends requests, with their tokens, to {target}"),
        }));
        if known
            .iter()
            .any(|target| after.of(alias).contains(target) && after.is_strict(target) && !before.is_strict(target))
        {
            exposures.push(Exposure::Setting {
                place: format!("{section}.{alias}.strict_paths"),
                what: "gives it paths that it may read as others".to_owned(),
            });
        }
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
    example_of(pattern.as_str())
}

/// Gives such a path for the text of a pattern.
pub(super) fn example_of(pattern: &str) -> String {
    let segments = pattern.split('/').map(|segment| if segment.starts_with('{') { "~" } else { segment });
    segments.collect::<Vec<_>>().join("/")
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
    fn what_lets_more_requests_in_is_told() {
        const OPEN: &str = r#"{"method": "GET", "path": "/a", "response": 1}"#;
        const AUTH: &str = r#"{"method": "GET", "path": "/a", "auth": true, "response": 1}"#;
        let with = |auth: &str| format!(r#"{{"method": "GET", "path": "/a", "auth": {auth}, "response": 1}}"#);
        let scoped = with(r#"{"scopes": ["read:a", "read:b"]}"#);
        let wide = r#"{"method": "ANY", "path": "/{.+}", "auth": true, "response": 1}"#;
        let table: [(&str, &str, &[&str], &str); 17] = [
            ("", OPEN, &["GET /a a public path appears"], "a new open path"),
            ("", AUTH, &[], "a new path with auth"),
            (AUTH, OPEN, &["GET /a loses authentication"], "auth removed"),
            (AUTH, &with("false"), &["GET /a loses authentication"], "auth switched off"),
            (OPEN, AUTH, &[], "auth added"),
            (AUTH, "", &[], "a path removed"),
            (&scoped, AUTH, &["GET /a loses the scope read:a", "GET /a loses the scope read:b"], "all scopes removed"),
            (&scoped, &with(r#"{"scopes": ["read:b"]}"#), &["GET /a loses the scope read:a"], "one scope removed"),
            (AUTH, &scoped, &[], "scopes added"),
            (
                &with(r#"{"scopes": ["x"]}"#),
                &with(r#"{"any_scopes": ["x"]}"#),
                &[],
                "a list of which one is enough, of one",
            ),
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

    #[test]
    fn requests_that_go_another_way_lose_no_rule() {
        let route =
            |method: &str, path: &str, rest: &str| format!(r#"{{"method": "{method}", "path": "{path}", {rest}}}"#);
        let proxy = r#""integration": {"type": "http", "server": "api"}"#;
        let auth = |rest: &str| format!(r#""auth": true, {rest}"#);
        let limited = format!(r#"{proxy}, "rate_limit": {{"binding": "L", "key": "ip"}}"#);
        let kept = format!(r#"{proxy}, "request_headers": {{"remove": ["authorization"]}}"#);
        let mapped = |source: &str| format!(r#"{proxy}, "mapping": {{"headers": {{"x-user": "$request.{source}"}}}}"#);
        type Row<'r> = (Vec<String>, Vec<String>, &'r [&'r str], &'r str);
        let keyed = |key: &str| format!(r#"{proxy}, "request_headers": {{"set": {{"x-key": "$secret.{key}"}}}}"#);
        let table: [Row<'_>; 17] = [
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
                &["a public path appears", "lets requests through that ANY /{x}/b asked more of"],
                "an open path that crosses another",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(&limited))],
                vec![route("ANY", "/{.+}", &auth(&limited)), route("GET", "/a", &auth(proxy))],
                &["lets requests through that ANY /{.+} asked more of"],
                "an added path without the limit of what took its requests",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(&kept))],
                vec![route("ANY", "/{.+}", &auth(&kept)), route("GET", "/a", &auth(proxy))],
                &["lets requests through that ANY /{.+} asked more of"],
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
                    "mapping.headers: no longer sends its own x-user, which a client may then send, since ANY /{.+} takes its requests",
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
                &["encoded_slashes: admits paths that an upstream may read as others"],
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
                    "integration.location: leads to another site: \"https://x.example/\" in place of none",
                ],
                "added paths that hand out a secret and lead away",
            ),
            (
                vec![route("ANY", "/{.+}", &auth(proxy)), route("GET", "/a/{b}", &auth(&limited))],
                vec![route("ANY", "/{.+}", &auth(proxy))],
                &["loses rate_limit, since ANY /{.+} takes its requests"],
                "a removed path whose requests lose their limit",
            ),
            (
                vec![route("GET", "/a", proxy), route("HEAD", "/a", &auth(proxy))],
                vec![route("GET", "/a", proxy)],
                &["loses authentication, since GET /a takes its requests"],
                "HEAD, which GET answers",
            ),
            (
                vec![route("GET", "/a", &auth(r#""response": 1"#))],
                vec![route("GET", "/a", &auth(proxy))],
                &[
                    "is answered by http_proxy in place of response",
                    "servers.api: sends requests, with their tokens, to api",
                ],
                "an upstream in place of a fixed answer",
            ),
            (
                vec![route("GET", "/a", proxy)],
                vec![route("GET", "/a", r#""integration": {"type": "redirect", "location": "https://x.example/"}"#)],
                &["integration.location: leads to another site: \"https://x.example/\" in place of none"],
                "a redirect in place of an upstream",
            ),
            (
                vec![route("GET", "$env.A", proxy)],
                vec![route("GET", "$env.A", proxy), route("GET", "$env.B", proxy)],
                &["GET $env.B: which requests it takes is not known here, and it is not as it was"],
                "a path that comes from a binding",
            ),
        ];
        for (before, after, expected, message) in table {
            let compared = compare(&config(&before.join(",")), &config(&after.join(",")));
            let of_routes = compared.changes.iter().flat_map(|change| &change.exposures);
            let told: Vec<_> = of_routes.chain(&compared.exposures).map(ToString::to_string).collect();
            assert_eq!(told, expected, "{message}");
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
        let told = compare(&before, &reordered);
        let of_routes = told.changes.iter().flat_map(|change| &change.exposures);
        let told: Vec<_> = of_routes.chain(&told.exposures).map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "believes tokens of \"two\" in place of \"one\"",
                "authorizers: logs people in at \"two\" in place of \"one\""
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
        let told = compare(&config("api"), &config("other")).exposures;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].to_string().ends_with("to https://x.example"), "{told:?}");
    }
}
