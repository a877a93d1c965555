//! What Auth0 has to be told of a config: the audiences that the client's refresh tokens are for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::config::{AuthorizerKind, Settings, WrittenAuthorizer, WrittenConfig, WrittenPath};

/// Returns what a `PATCH` of the client sets at Auth0, so that sessions get tokens for the audiences of upstreams; `None` if the config names
/// none, or logs people in elsewhere. A reference stands as it is written.
pub fn refresh_token_policies(source: &str) -> Option<Value> {
    let config = WrittenConfig::parse(source).ok()?;
    let tree = config.tree()?;
    let login = tree.authorizers.iter().find(|authorizer| WrittenAuthorizer::can_log_in(authorizer))?;
    if login.kind != Some(AuthorizerKind::Auth0) {
        return None;
    }
    let mut policies: Vec<(&str, BTreeSet<&str>)> = Vec::new();
    for integration in tree.paths.iter().filter(|path| path.access.is_some()).filter_map(WrittenPath::integration) {
        let Settings::HttpProxy { server, target, .. } = &integration.settings else { continue };
        let alias = server.and_then(|alias| alias.text.as_written());
        let mut servers = tree.servers.iter();
        let server = servers.find(|one| one.alias.and_then(|alias| alias.text.as_written()) == alias);
        let target = target.or(server.map(|server| server.token_target).unwrap_or_default());
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
