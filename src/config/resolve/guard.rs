//! What a path asks of requests, in the terms in which [`crate::route`] compares routes.
//!
//! Lists count as a whole, and two that are written differently as different, even if one is true whenever the other is: a path
//! is refused rather than let past a guard. A change to a request or an answer, such as a mapping, is not a requirement.

use crate::config::access::{self, RequiredAuthentication};
use crate::config::claims::CLAIMS;
use crate::config::cors::Cors;
use crate::config::document::{Node, Value};
use crate::config::dpop::DPOP;
use crate::config::integration::keys::http_proxy;
use crate::config::integration::{Settings, WrittenAnswer};
use crate::config::path::{WrittenPath, keys};
use crate::json::ToText as _;
use crate::route::Guard;

/// The keys of an entry and of its `auth` whose values are requirements as they are.
const DEMANDS: [&str; 10] = [
    access::ACR_VALUES.name,
    access::ANY_SCOPES.name,
    CLAIMS.name,
    DPOP.name,
    access::PERMISSIONS.name,
    access::SCOPES.name,
    keys::CONTENT_TYPES.name,
    keys::IP.name,
    keys::PRE_PROCESS.name,
    keys::RATE_LIMIT.name,
];

/// Statuses from which on an answer refuses a request.
const REFUSALS_FROM: u16 = 400;

/// Returns what a path asks whose `auth` means the authorizers at these indices, and whose requests may be read loosely. `cors_of_others` says
/// which pages of other origins paths without their own `cors` let in, if that counts.
pub(super) fn guard(
    path: &WrittenPath<'_>,
    authorizers: &[usize],
    read_loosely: bool,
    cors_of_others: Option<&str>,
) -> Guard {
    let mut guard = Guard::new(read_loosely);
    demand_members(path.node, &mut guard);
    if let Some(bytes) = path.rules.max_body_bytes {
        guard.limit(keys::MAX_BODY_BYTES.name, usize::try_from(bytes).unwrap_or(usize::MAX));
    }
    if let Some(access) = &path.access {
        if let Some(secs) = access.requirements.authentication.as_ref().and_then(RequiredAuthentication::max_age_secs) {
            guard.limit(access::MAX_AGE_SECONDS.name, usize::try_from(secs).unwrap_or(usize::MAX));
        }
        // A wrong credential is refused even if none is needed.
        let mut named = String::new();
        for index in authorizers {
            named.push_str(&index.to_string());
            named.push(' ');
        }
        guard.demand(access::AUTHORIZER.name, &named);
        if !access.requirements.optional {
            guard.demand(keys::AUTH.name, "");
        }
        if let Some(of_others) = cors_of_others {
            let own = path.cors.as_ref().map(Cors::pages);
            guard.demand(keys::CORS.name, own.as_deref().unwrap_or(of_others));
        }
    }
    if path.mcp.is_some() {
        guard.demand(keys::MCP.name, "");
    }
    match &path.answer {
        Some(WrittenAnswer::Integration(integration)) => match &integration.settings {
            Settings::HttpProxy { close_at_expiry: true, .. } => guard.demand(http_proxy::CLOSE_AT_EXPIRY.name, ""),
            // A path that is there to be refused.
            Settings::Fixed(fixed) if fixed.status >= REFUSALS_FROM => guard.demand("refused", ""),
            _ => {}
        },
        Some(WrittenAnswer::Response(_)) | None => {}
    }
    guard
}

fn demand_members(node: &Node<'_>, guard: &mut Guard) {
    let Value::Object(members) = &node.value else { return };
    for member in members {
        if member.key == keys::AUTH.name {
            demand_members(&member.node, guard);
        } else if DEMANDS.contains(&&*member.key) {
            guard.demand(&member.key, &member.node.to_json().to_text());
        }
    }
}
