//! What the change of a section other than `paths` exposes.

use std::collections::HashMap;

use serde_json::Value;

use super::change::Exposure;
use super::config::{Config, Object, Targets, as_written, authorizer_place, members};
use super::rule::compare_section;
use crate::config::authorizer::keys::{TYPE, union};
use crate::config::document::Node;
use crate::config::path::keys::HOST;
use crate::config::server::target::STRICT_PATHS;
use crate::config::server::{ALIAS, AUTHORIZATION};
use crate::config::upstream_token::{GRANT, UpstreamGrant};
use crate::config::{root, upstream_token};

/// Returns what a change of the sections exposes, of every one but `paths`.
pub(super) fn exposed_by_sections(before: &Config<'_>, after: &Config<'_>) -> Vec<Exposure> {
    let mut exposures = Vec::new();
    compare_section(&root::section().keys, "", &before.top, &after.top, &mut exposures);
    for (name, is) in &after.authorizers {
        if let Some(was) = before.authorizers.get(name).filter(|was| *was != is) {
            compare_authorizer(&authorizer_place(after.tree, name), was, is, &mut exposures);
        }
    }
    if let (Some(was), Some(is)) = (login(before), login(after))
        && was != is
        && before.authorizers.get(was) != after.authorizers.get(is)
    {
        let what = format!("logs people in at {is:?} instead of {was:?}");
        exposures.push(Exposure::Setting { place: root::AUTHORIZERS.name.to_owned(), what });
    }
    compare_targets(root::SERVERS.name, &before.servers, &after.servers, &mut exposures);
    compare_upstream_tokens(before, after, &mut exposures);
    compare_targets(root::SERVICES.name, &before.modules, &after.modules, &mut exposures);
    compare_targets(root::SERVICE_BINDINGS.name, &before.workers, &after.workers, &mut exposures);
    // If a path comes from a binding, it is unknown here which requests it takes.
    for (path, said) in after.tree.paths.iter().zip(&after.paths) {
        let [method, pattern] = [*path.written_method, path.path]
            .map(|written| written.and_then(|written| as_written(&written)).unwrap_or_default());
        let host = path.node.at(&HOST).and_then(Node::as_text).unwrap_or_default();
        if [method, host, pattern].iter().any(|text| text.starts_with('$')) && !before.paths.contains(said) {
            let what = "changed, and a binding decides which requests it takes".to_owned();
            exposures.push(Exposure::Setting { place: format!("{method} {host}{pattern}"), what });
        }
    }
    exposures
}

/// Returns the name of the authorizer that people log in at.
pub(super) fn login<'c>(config: &'c Config<'_>) -> Option<&'c str> {
    config.tree.authorizers.iter().find(|authorizer| authorizer.provider.is_some()).map(|authorizer| authorizer.name)
}

fn compare_authorizer(place: &str, was: &Object, is: &Object, exposures: &mut Vec<Exposure>) {
    let [before, after] = [was, is].map(|object| object.get(TYPE.name));
    if before != after {
        let [before, after] = [before, after].map(|kind| kind.map_or_else(|| "none".to_owned(), ToString::to_string));
        let what = format!("trusts another type of issuer: {after} instead of {before}");
        exposures.push(Exposure::Setting { place: format!("{place}.{}", TYPE.name), what });
        return;
    }
    let kind = after.and_then(|kind| kind.as_str()).unwrap_or_default();
    compare_section(&union().keys_of(kind), place, was, is, exposures);
}

/// Adds what a change of the tokens exposes that the gateway requests for upstreams which it called before.
fn compare_upstream_tokens(before: &Config<'_>, after: &Config<'_>, exposures: &mut Vec<Exposure>) {
    let exchange = GRANT.name_of(UpstreamGrant::TokenExchange);
    let tokens = [before, after].map(upstream_tokens);
    for alias in after.servers.used.iter().filter(|alias| before.servers.by_alias.contains_key(*alias)) {
        let place = format!("{}.{alias}.{}", root::SERVERS.name, AUTHORIZATION.name);
        let what = match tokens.each_ref().map(|tokens| tokens.get(alias).copied().flatten()) {
            [Some(was), Some(is)] => {
                compare_section(
                    &upstream_token::section().keys,
                    &place,
                    members(Some(was)),
                    members(Some(is)),
                    exposures,
                );
                continue;
            }
            [None, None] => continue,
            [None, Some(is)] if is.get(GRANT.name).and_then(Value::as_str) == Some(exchange) => {
                "shows the tokens of callers to the token endpoint"
            }
            [None, Some(_)] => "calls it with the rights of the gateway, whoever sends the request",
            [Some(_), None] => "sends it the tokens of callers",
        };
        exposures.push(Exposure::Setting { place, what: what.to_owned() });
    }
}

/// Returns what a config says of the token for each upstream, by alias; of servers with one alias, the first counts.
fn upstream_tokens<'c>(config: &'c Config<'_>) -> HashMap<&'c str, Option<&'c Value>> {
    let servers = config.top.get(root::SERVERS.name).and_then(Value::as_array);
    let mut tokens = HashMap::new();
    for server in servers.into_iter().flatten() {
        if let Some(alias) = server.get(ALIAS.name).and_then(Value::as_str) {
            tokens.entry(alias).or_insert_with(|| server.get(AUTHORIZATION.name));
        }
    }
    tokens
}

/// Adds what a change of the targets of an alias exposes: those that no path used before, or that this alias did not name; and whether they get paths that
/// were refused before.
fn compare_targets(section: &str, before: &Targets<'_>, after: &Targets<'_>, exposures: &mut Vec<Exposure>) {
    for alias in &after.used {
        let known = if before.used.contains(alias) { before.leads_to(alias) } else { before.all_used() };
        let leads_to = after.leads_to(alias);
        exposures.extend(leads_to.difference(&known).map(|target| Exposure::Setting {
            place: format!("{section}.{alias}"),
            what: format!("sends requests, with their tokens, to {target}"),
        }));
        let is_trusted = |target: &&String| after.strict.contains(*target) && !before.strict.contains(*target);
        if known.intersection(&leads_to).any(|target| is_trusted(&target)) {
            exposures.push(Exposure::Setting {
                place: format!("{section}.{alias}.{}", STRICT_PATHS.name),
                what: "sends it paths that it may interpret differently".to_owned(),
            });
        }
    }
}
