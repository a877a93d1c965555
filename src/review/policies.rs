//! What Auth0 has to be told of a config: the audiences that the client's refresh tokens are for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::outline::{Servers, servers_by_alias};
use crate::config::{AuthorizerKind, Settings, WrittenAuthorizer, WrittenConfig, WrittenPath, WrittenTarget};

/// Returns what a `PATCH` of the client sets at Auth0, so that there are tokens for the audiences that the config names; `None` if it names
/// none, or logs people in elsewhere. A reference stands as it is written.
pub fn refresh_token_policies(source: &str) -> Option<Value> {
    let config = WrittenConfig::parse(source).ok()?;
    let tree = config.tree()?;
    let login = tree.authorizers.iter().find(|authorizer| WrittenAuthorizer::can_log_in(authorizer))?;
    if login.kind != Some(AuthorizerKind::Auth0) {
        return None;
    }
    let servers = servers_by_alias(&tree);
    let mut policies: Vec<(&str, BTreeSet<&str>)> = Vec::new();
    let opens = |path: &WrittenPath<'_>| tree.may_open(login.name, path);
    for target in tree.paths.iter().flat_map(|path| targets(&servers, path, opens(path))) {
        let Some(audience) = target.audience.filter(|_| target.resource.is_none()) else { continue };
        let Some(audience) = audience.text.as_written() else { continue };
        let scopes = target.scope.and_then(|scope| scope.text.as_written()).unwrap_or_default();
        let scopes = scopes.split(' ').filter(|scope| !scope.is_empty());
        match policies.iter_mut().find(|(known, _)| *known == audience) {
            Some((_, known)) => known.extend(scopes),
            None => policies.push((audience, scopes.collect())),
        }
    }
    let policies: Vec<_> =
        policies.into_iter().map(|(audience, scope)| json!({ "audience": audience, "scope": scope })).collect();
    (!policies.is_empty()).then(|| json!({ "refresh_token": { "policies": policies } }))
}

/// Returns what tokens are requested for because of a path: those for its upstream, if a session opens it, or those that clients of a refresh
/// may have.
fn targets<'t>(servers: &Servers<'_, 't>, path: &WrittenPath<'t>, session_opens: bool) -> Vec<WrittenTarget<'t>> {
    match path.integration().map(|integration| &integration.settings) {
        Some(Settings::HttpProxy { server, target, .. }) if session_opens => {
            let alias = server.and_then(|alias| alias.text.as_written());
            let server = alias.and_then(|alias| servers.get(alias));
            vec![target.or(server.map(|server| server.token_target).unwrap_or_default())]
        }
        Some(Settings::Refresh { apis, .. }) => apis.to_vec(),
        _ => Vec::new(),
    }
}
