//! What the change of a route exposes.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::change::Exposure;
use super::meaning::{Meaning, Object};
use super::rule::{judge_keys, judge_section};
use super::side::{Config, Side};

/// Rules of a path that keep requests out, whatever answers them.
const RESTRICTIONS: [&str; 5] = ["rate_limit", "max_body_bytes", "content_types", "ip", "pre_process"];

/// Says what a route that is on both sides exposes.
pub fn exposed_by_change(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = weaker(was, is);
    judge_section("path", "", was.path, is.path, &mut exposures);
    judge_integration(was, is, &mut exposures);
    let guard = "pre_process";
    judge_binding(was, is, was.path.get(guard), is.path.get(guard), guard, &mut exposures);
    exposures
}

/// Says what the second route lets in that the first keeps out, whatever answers either.
pub fn less_asked(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
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

/// Says which headers and parameters one upstream gets from elsewhere by the second route than by the first.
pub fn other_sources(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
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

/// Says what a route that was not there opens, whoever may ask for it.
pub fn opened_by_addition(is: Side<'_>) -> Vec<Exposure> {
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

/// Says which secrets a route that was not there sends to an upstream that got them by no path before.
///
/// An upstream that no path went to before is judged with its section, whatever it gets.
pub fn secrets_handed_over(old: &Config, is: Side<'_>) -> Vec<Exposure> {
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

/// Returns what gets the requests of a path: addresses, modules, other Workers.
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

/// Returns each secret that a path maps, with the place of the mapping and the name that it is sent under.
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

/// Returns the section of the schema that has the keys of a type of integrations.
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

/// Says what the second route's requirement lets in that the first's does not.
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

/// Checks whether all values that a claim may have, as JSON, are among others.
fn is_among_values(narrower: &str, wider: &str) -> bool {
    let values = |text: &str| match serde_json::from_str(text) {
        Ok(Value::Array(items)) => items,
        Ok(one) => vec![one],
        Err(_) => Vec::new(),
    };
    let wider = values(wider);
    values(narrower).iter().all(|value| wider.contains(value))
}
