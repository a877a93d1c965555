//! What the change of a route exposes.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::change::Exposure;
use super::config::{Config, Object, Side, Target, members};
use super::rule::{judge_keys, judge_section};
use crate::config::grammar::{Entry, Section};
use crate::config::integration::keys::{Kind, callback, http_proxy, union};
use crate::config::mapping::{self, request_headers};
use crate::config::path::keys;
use crate::config::{Reference, ReferenceKind, Settings, WrittenPath};

/// The keys of a path.
static PATH: LazyLock<Vec<Entry>> = LazyLock::new(|| keys::section().keys);

/// Rules of a path that keep requests out, whatever answers them.
const RESTRICTIONS: [&str; 5] =
    [keys::RATE_LIMIT.name, keys::MAX_BODY_BYTES.name, keys::CONTENT_TYPES.name, keys::IP.name, keys::PRE_PROCESS.name];

/// What a path says of it that it opens, whatever stood there before.
const OPENING: [&str; 2] = [keys::RESPONSE.name, keys::ENCODED_SLASHES.name];

/// Where a path says what is sent: the key, its section, and the lists in it.
type Sent = (&'static str, fn() -> Section, &'static [&'static str]);

/// Where a path says what is sent besides what a client sends.
const SENT: [Sent; 2] = [
    (keys::MAPPING.name, mapping::section, &[mapping::HEADERS.name, mapping::QUERY.name]),
    (keys::REQUEST_HEADERS.name, request_headers::section, &[request_headers::SET.name]),
];

/// Says what a route that is on both sides exposes.
pub(super) fn exposed_by_change(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = weaker(was, is);
    judge_section(&PATH, "", was.said, is.said, &mut exposures);
    judge_integration(was, is, &mut exposures);
    judge_target(guard(was), guard(is), keys::PRE_PROCESS.name, &mut exposures);
    exposures
}

/// Says what the second route lets in that the first keeps out, whatever answers either.
pub(super) fn less_asked(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = weaker(was, is);
    judge_keys(&PATH, "", was.said, is.said, false, &|key| RESTRICTIONS.contains(&key), &mut exposures);
    if is.path.and_then(WrittenPath::kind) == Some(Kind::HttpProxy) {
        let place = keys::REQUEST_HEADERS.name;
        let [before, after] = [was, is].map(|side| members(side.said.get(place)));
        let is_meant = |key: &str| key == request_headers::REMOVE.name;
        judge_keys(&request_headers::section().keys, place, before, after, false, &is_meant, &mut exposures);
    }
    exposures
}

/// Says which headers and parameters one upstream gets from elsewhere by the second route than by the first.
pub(super) fn other_sources(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = Vec::new();
    if !is_shared(target(was), target(is)) {
        return exposures;
    }
    for (place, section, lists) in SENT {
        let (before, mut after) = (members(was.said.get(place)), members(is.said.get(place)).clone());
        for list in lists {
            // What is sent besides takes nothing away.
            let known = members(before.get(*list));
            let any_case = *list != mapping::QUERY.name;
            let is_same = |one: &str, other: &str| one == other || any_case && one.eq_ignore_ascii_case(other);
            if let Some(Value::Object(sources)) = after.get_mut(*list) {
                sources.retain(|name, _| known.keys().any(|other| is_same(name, other)));
            }
        }
        judge_keys(&section().keys, place, before, &after, false, &|key| lists.contains(&key), &mut exposures);
    }
    exposures
}

/// Says what a route that was not there opens, whoever may ask for it.
pub(super) fn opened_by_addition(is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = Vec::new();
    judge_keys(&PATH, "", &Object::new(), is.said, true, &|key| OPENING.contains(&key), &mut exposures);
    if let Some(Kind::Static | Kind::Redirect) = is.path.and_then(WrittenPath::kind) {
        judge_fresh_answer(is, &mut exposures);
    }
    exposures
}

/// Says which secrets a route that was not there sends to an upstream that got them by no path before.
///
/// An upstream that no path went to before is judged with its section, whatever it gets.
pub(super) fn secrets_handed_over(old: &Config<'_>, is: Side<'_>) -> Vec<Exposure> {
    let is_known = |secret: &str| {
        let paths = old.tree.paths.iter().zip(&old.paths);
        let mut before = paths.filter(|(_, said)| secrets_sent(said).any(|(.., other)| other == secret));
        before.any(|(path, _)| is_shared(old.target(path), target(is)))
    };
    let fresh = secrets_sent(is.said).filter(|(.., secret)| !is_known(secret));
    let exposures =
        fresh.map(|(place, name, secret)| Exposure::Setting { place, what: format!("sends {name}, from {secret}") });
    exposures.collect()
}

/// Yields each secret that a path maps, with the place of the mapping and the name that it is sent under.
fn secrets_sent(path: &Object) -> impl Iterator<Item = (String, &str, &str)> {
    let lists = SENT.iter().flat_map(|(section, _, lists)| lists.iter().map(move |list| (*section, *list)));
    lists.flat_map(move |(section, list)| {
        members(members(path.get(section)).get(list)).iter().filter_map(move |(name, source)| {
            let secret = source.as_str().filter(|text| {
                matches!(Reference::parse(text), Some(Ok(Reference { kind: ReferenceKind::Secret, .. })))
            })?;
            Some((format!("{section}.{list}"), name.as_str(), secret))
        })
    })
}

/// Judges what answers a route.
fn judge_integration(was: Side<'_>, is: Side<'_>, exposures: &mut Vec<Exposure>) {
    let place = keys::INTEGRATION.name;
    if is.kind() != was.kind() {
        match is.path.and_then(WrittenPath::kind) {
            // The answer stands in the config; where it leads, or what references in it bring, is judged as something that is added.
            Some(Kind::Static | Kind::Redirect | Kind::Health) => judge_fresh_answer(is, exposures),
            _ => exposures.push(Exposure::Answered { before: was.kind().to_owned(), after: is.kind().to_owned() }),
        }
        return;
    }
    if was.integration() == is.integration() {
        return;
    }
    let (Some(before), Some(after)) = (answer(was), answer(is)) else {
        // Of a type that comes from a binding, nobody knows here which keys count.
        let what = "what answers is not known here, and it is not as it was".to_owned();
        return exposures.push(Exposure::Setting { place: place.to_owned(), what });
    };
    judge_section(&union().keys_of(is.kind()), place, was.integration(), is.integration(), exposures);
    let at = match after {
        Settings::HttpProxy { .. } => format!("{place}.{}", http_proxy::SERVER.name),
        _ => place.to_owned(),
    };
    judge_target(target(was), target(is), &at, exposures);
    if let (Settings::Callback { post_process: was_told, .. }, Settings::Callback { post_process: is_told, .. }) =
        (before, after)
    {
        let (before, after) = (was.config.worker(was_told.as_ref()), is.config.worker(is_told.as_ref()));
        judge_target(before, after, &format!("{place}.{}", callback::POST_PROCESS.name), exposures);
    }
}

/// Judges an answer that stands in the config, where something else was.
fn judge_fresh_answer(is: Side<'_>, exposures: &mut Vec<Exposure>) {
    let (keys, place) = (union().keys_of(is.kind()), keys::INTEGRATION.name);
    judge_keys(&keys, place, &Object::new(), is.integration(), true, &|_| true, exposures);
}

fn answer(side: Side<'_>) -> Option<&Settings<'_>> {
    Some(&side.path?.integration()?.settings)
}

fn target(side: Side<'_>) -> Option<Target<'_>> {
    side.config.target(side.path?)
}

fn guard(side: Side<'_>) -> Option<Target<'_>> {
    side.config.worker(side.path?.pre_process.as_ref())
}

/// Checks whether two aliases lead to anything that is the same.
fn is_shared(one: Option<Target<'_>>, other: Option<Target<'_>>) -> bool {
    one.zip(other).is_some_and(|((_, one), (_, other))| !one.is_disjoint(&other))
}

/// Judges the alias by which a part of a path calls an upstream, a module or another Worker.
fn judge_target(before: Option<Target<'_>>, after: Option<Target<'_>>, place: &str, exposures: &mut Vec<Exposure>) {
    // What stands behind an alias is judged once, with its section.
    if let (Some((alias, before)), Some((other, after))) = (before, after)
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
    let Some(was) = &before.route.requirement else { return Vec::new() };
    let Some(is) = &after.route.requirement else {
        // One that let everyone through had nothing to lose but the refusal of bad credentials.
        return vec![Exposure::AuthenticationLost];
    };
    let mut exposures = Vec::new();
    if is.optional && !was.optional {
        exposures.push(Exposure::AuthenticationOptional);
    }
    let rules = |side: Side<'_>, name: &str| side.config.authorizers.get(name).cloned();
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
