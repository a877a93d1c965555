//! What the change of a route exposes.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::change::Exposure;
use super::config::{Config, Object, Side, Target, members};
use super::rule::{compare_keys, compare_section, lost_claims};
use crate::config::grammar::{Entry, Section};
use crate::config::integration::keys::{Kind, callback, http_proxy, union};
use crate::config::mapping::{self, request_headers};
use crate::config::path::keys;
use crate::config::{Dpop, Reference, ReferenceKind, Settings, WrittenPath, root};

/// The keys of a path.
static PATH: LazyLock<Vec<Entry>> = LazyLock::new(|| keys::section().keys);

/// Rules of a path that refuse requests, whatever its integration.
const RESTRICTIONS: [&str; 5] =
    [keys::RATE_LIMIT.name, keys::MAX_BODY_BYTES.name, keys::CONTENT_TYPES.name, keys::IP.name, keys::PRE_PROCESS.name];

/// Keys of a path that expose something, whatever the path was before.
const OPENING: [&str; 2] = [keys::RESPONSE.name, keys::ENCODED_SLASHES.name];

/// Keys that set what is sent: the key, its section, and the lists in it.
type Sent = (&'static str, fn() -> Section, &'static [&'static str]);

/// Keys that add to what a client sends.
const SENT: [Sent; 2] = [
    (keys::MAPPING.name, mapping::section, &[mapping::HEADERS.name, mapping::QUERY.name]),
    (keys::REQUEST_HEADERS.name, request_headers::section, &[request_headers::SET.name]),
];

/// Returns what a route exposes that both configs have.
pub(super) fn exposed_by_change(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = weaker(was, is);
    compare_section(&PATH, "", was.said, is.said, &mut exposures);
    compare_cors(Some(was), is, &mut exposures);
    compare_integration(was, is, &mut exposures);
    compare_target(guard(was), guard(is), keys::PRE_PROCESS.name, &mut exposures);
    exposures
}

/// Returns what the second route admits and the first refuses, whatever their integrations.
pub(super) fn less_asked(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = weaker(was, is);
    compare_keys(&PATH, "", was.said, is.said, false, &|key| RESTRICTIONS.contains(&key), &mut exposures);
    compare_cors(Some(was), is, &mut exposures);
    if is.path.and_then(WrittenPath::kind) == Some(Kind::HttpProxy) {
        let place = keys::REQUEST_HEADERS.name;
        let [before, after] = [was, is].map(|side| members(side.said.get(place)));
        let is_meant = |key: &str| key == request_headers::REMOVE.name;
        compare_keys(&request_headers::section().keys, place, before, after, false, &is_meant, &mut exposures);
    }
    exposures
}

/// Returns the headers and parameters that an upstream gets from other sources by the second route than by the first.
pub(super) fn other_sources(was: Side<'_>, is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = Vec::new();
    if !is_shared(target(was), target(is)) {
        return exposures;
    }
    for (place, section, lists) in SENT {
        let (before, mut after) = (members(was.said.get(place)), members(is.said.get(place)).clone());
        for list in lists {
            // What is added replaces nothing.
            let known = members(before.get(*list));
            let any_case = *list != mapping::QUERY.name;
            let is_same = |one: &str, other: &str| one == other || any_case && one.eq_ignore_ascii_case(other);
            if let Some(Value::Object(sources)) = after.get_mut(*list) {
                sources.retain(|name, _| known.keys().any(|other| is_same(name, other)));
            }
        }
        compare_keys(&section().keys, place, before, &after, false, &|key| lists.contains(&key), &mut exposures);
    }
    exposures
}

/// Returns what an added route exposes, whoever may request it.
pub(super) fn opened_by_addition(is: Side<'_>) -> Vec<Exposure> {
    let mut exposures = Vec::new();
    compare_keys(&PATH, "", &Object::new(), is.said, true, &|key| OPENING.contains(&key), &mut exposures);
    if let Some(Kind::Static | Kind::Redirect) = is.path.and_then(WrittenPath::kind) {
        compare_new_answer(is, &mut exposures);
    }
    compare_cors(None, is, &mut exposures);
    exposures.extend(sessions_shown(is));
    exposures
}

/// Returns the rule of a path for other origins, if it has its own.
fn cors(side: Side<'_>) -> Option<&Value> {
    side.said.get(keys::CORS.name).filter(|value| !value.is_null())
}

/// Adds what the own rule of a path for other origins exposes, beside the one that it had before or else that of all paths.
fn compare_cors(was: Option<Side<'_>>, is: Side<'_>, exposures: &mut Vec<Exposure>) {
    if was.and_then(cors).is_none() && cors(is).is_none() {
        return;
    }
    let of_all = |side: Side<'_>| side.config.top.get(root::CORS.name).cloned();
    let rules = [
        was.map_or_else(|| of_all(is), |was| cors(was).cloned().or_else(|| of_all(was))),
        cors(is).cloned().or_else(|| of_all(is)),
    ];
    let [before, after] = rules.map(|rule| rule.map(|rule| (keys::CORS.name.to_owned(), rule)).into_iter().collect());
    let entries: Vec<_> = root::section().keys.into_iter().filter(|entry| entry.name == root::CORS.name).collect();
    compare_section(&entries, "", &before, &after, exposures);
}

/// Returns what a route with `sessions` exposes.
fn sessions_shown(side: Side<'_>) -> Option<Exposure> {
    let path = side.path.filter(|path| path.kind() == Some(Kind::Sessions))?;
    let does = if path.takes_get() { "lists" } else { "ends" };
    let whose = if is_of_anyone(side) { "any user" } else { "the caller" };
    Some(Exposure::Setting {
        place: keys::INTEGRATION.name.to_owned(),
        what: format!("{does} the sessions of {whose}"),
    })
}

/// Checks whether a path with `sessions` is for those of any user.
fn is_of_anyone(side: Side<'_>) -> bool {
    side.route.spec.pattern.param_names().any(|name| name == "sub")
}

/// Returns the secrets that an added route sends to an upstream, if no path sent them there before.
///
/// An upstream that no path used before is reported with its section, whatever it gets.
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

/// Adds what a change of the integration of a route exposes.
fn compare_integration(was: Side<'_>, is: Side<'_>, exposures: &mut Vec<Exposure>) {
    let place = keys::INTEGRATION.name;
    if is.kind() != was.kind() {
        match is.path.and_then(WrittenPath::kind) {
            // The response is in the config. Its target and its references are compared as added.
            Some(Kind::Static | Kind::Redirect | Kind::Health) => compare_new_answer(is, exposures),
            _ => exposures.push(Exposure::Answered { before: was.kind().to_owned(), after: is.kind().to_owned() }),
        }
        return;
    }
    // By another parameter of the path it is for more users.
    if is_of_anyone(is) && !is_of_anyone(was) {
        exposures.extend(sessions_shown(is));
    }
    if was.integration() == is.integration() {
        return;
    }
    let (Some(before), Some(after)) = (answer(was), answer(is)) else {
        // If the type comes from a binding, it is unknown here which keys count.
        let what = "changed, and a binding decides its type".to_owned();
        return exposures.push(Exposure::Setting { place: place.to_owned(), what });
    };
    compare_section(&union().keys_of(is.kind()), place, was.integration(), is.integration(), exposures);
    let at = match after {
        Settings::HttpProxy { .. } => format!("{place}.{}", http_proxy::SERVER.name),
        _ => place.to_owned(),
    };
    compare_target(target(was), target(is), &at, exposures);
    if let (Settings::Callback { post_process: was_called, .. }, Settings::Callback { post_process: is_called, .. }) =
        (before, after)
    {
        let (before, after) = (was.config.worker(was_called.as_ref()), is.config.worker(is_called.as_ref()));
        compare_target(before, after, &format!("{place}.{}", callback::POST_PROCESS.name), exposures);
    }
}

/// Adds what a response in the config exposes that replaces another integration.
fn compare_new_answer(is: Side<'_>, exposures: &mut Vec<Exposure>) {
    let (keys, place) = (union().keys_of(is.kind()), keys::INTEGRATION.name);
    compare_keys(&keys, place, &Object::new(), is.integration(), true, &|_| true, exposures);
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

/// Checks whether two aliases share a target.
fn is_shared(one: Option<Target<'_>>, other: Option<Target<'_>>) -> bool {
    one.zip(other).is_some_and(|((_, one), (_, other))| !one.is_disjoint(&other))
}

/// Adds what a change of the alias exposes by which a part of a path calls an upstream, a module or another Worker.
fn compare_target(before: Option<Target<'_>>, after: Option<Target<'_>>, place: &str, exposures: &mut Vec<Exposure>) {
    // The target of an alias is compared once, with its section.
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

/// Returns what the second route's requirement admits and the first's does not.
fn weaker(before: Side<'_>, after: Side<'_>) -> Vec<Exposure> {
    let Some(was) = &before.route.requirement else { return Vec::new() };
    let Some(is) = &after.route.requirement else {
        // An optional requirement refused only invalid credentials.
        return vec![Exposure::AuthenticationLost];
    };
    let mut exposures = Vec::new();
    if is.optional && !was.optional {
        exposures.push(Exposure::AuthenticationOptional);
    }
    let rules = |side: Side<'_>, name: &str| side.config.authorizers.get(name).cloned();
    let is_added = |name: &&String| {
        let known = &was.authorizers;
        !known.contains(name) && known.iter().all(|known| rules(after, name) != rules(before, known))
    };
    let added: Vec<_> = is.authorizers.iter().filter(is_added).collect();
    match (was.authorizers.as_slice(), is.authorizers.as_slice()) {
        ([before], [after]) if !added.is_empty() => {
            exposures.push(Exposure::AuthorizerChanged { before: before.clone(), after: after.clone() });
        }
        _ => exposures.extend(added.into_iter().map(|name| Exposure::Setting {
            place: keys::AUTH.name.to_owned(),
            what: format!("accepts tokens or keys of {name:?} as well"),
        })),
    }
    let mut lost = |kind: &str, was: &[String], is: &[String]| {
        let kept: HashSet<&String> = is.iter().collect();
        let gone = was.iter().filter(|name| !kept.contains(name));
        exposures.extend(gone.map(|name| Exposure::RequirementLost(format!("the {kind} {name}"))));
    };
    // With one entry, `any_scopes` requires that scope.
    let scopes = if is.any_scopes.len() == 1 { [&is.scopes[..], &is.any_scopes].concat() } else { is.scopes.clone() };
    lost("scope", &was.scopes, &scopes);
    lost("permission", &was.permissions, &is.permissions);
    exposures.extend(lost_claims(&was.claims, &is.claims).into_iter().map(Exposure::RequirementLost));
    if let Some(seconds) = was.max_age_seconds.filter(|was| is.max_age_seconds.is_none_or(|is| is > *was)) {
        let lost = format!("an authentication of the last {seconds} seconds");
        exposures.push(Exposure::RequirementLost(lost));
    }
    exposures.extend(weaker_proofs(was.dpop.as_deref(), is.dpop.as_deref()).map(Exposure::RequirementLost));
    exposures.extend(widened("acr value", &was.acr_values, &is.acr_values));
    let enough: HashSet<&String> = was.any_scopes.iter().collect();
    if !is.scopes.iter().any(|scope| enough.contains(scope)) {
        exposures.extend(widened("scope", &was.any_scopes, &is.any_scopes));
    }
    exposures
}

/// Returns what the first rule requires of proofs of possession, and the second does not.
fn weaker_proofs(was: Option<&Dpop>, is: Option<&Dpop>) -> impl Iterator<Item = String> {
    let is_required = |dpop: Option<&Dpop>| dpop.is_some_and(|dpop| dpop.is_required);
    let lost = (is_required(was) && !is_required(is)).then(|| "a token that is bound to a key".to_owned());
    let both = was.zip(is);
    let age = both.filter(|(was, is)| is.max_age_secs > was.max_age_secs);
    let age = age.map(|(was, _)| format!("a proof of the last {} seconds", was.max_age_secs));
    let nonce = both.filter(|(was, is)| was.nonces.is_some() && is.nonces.is_none());
    [lost, age, nonce.map(|_| "a nonce in proofs".to_owned())].into_iter().flatten()
}

/// Returns what is exposed by a change of a list of which one is enough: a longer list admits more, and no list admits everyone.
fn widened(kind: &str, was: &[String], is: &[String]) -> Vec<Exposure> {
    if was.is_empty() {
        return Vec::new();
    }
    let enough: HashSet<&String> = was.iter().collect();
    let all = is.is_empty().then(|| format!("any of the {kind}s {}", was.join(", ")));
    let more = is.iter().filter(|name| !enough.contains(name)).map(|name| format!("more than the {kind} {name}"));
    all.into_iter().chain(more).map(Exposure::RequirementLost).collect()
}
