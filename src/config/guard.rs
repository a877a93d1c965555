//! What a path asks of requests, in the terms in which [`crate::route`] compares routes.
//!
//! Lists count as a whole, and two that are written differently as different, even where one holds whenever the other does: a path
//! is refused rather than let past a guard. What is done to a request or an answer on its way, such as a mapping, is no demand.

use super::access::Access;
use super::document::{Node, Value};
use super::integration::Integration;
use super::path::Context;
use super::rules::Rules;
use crate::route::Guard;

/// The keys of an entry and of its `auth` whose values are demands as they stand.
const DEMANDS: [&str; 8] =
    ["any_scopes", "claims", "content_types", "ip", "permissions", "pre_process", "rate_limit", "scopes"];

/// Statuses from which on an answer refuses a request.
const REFUSALS_FROM: u16 = 400;

/// Gives what an entry asks, where what is in it could be read.
pub(super) fn read_guard(
    entry: &Node<'_>,
    access: Option<&Access>,
    integration: Option<&Integration>,
    rules: &Rules,
    context: &Context<'_>,
) -> Guard {
    let mut guard = Guard::new(integration.is_some_and(|of| is_read_loosely(of, context)));
    demand_members(entry, &mut guard);
    if let Some(bytes) = rules.max_body_bytes {
        guard.limit("max_body_bytes", usize::try_from(bytes).unwrap_or(usize::MAX));
    }
    if let Some(access) = access {
        // A credential that is wrong is refused even where none is needed.
        guard.demand("authorizer", &access.authorizer.to_string());
        if !access.optional {
            guard.demand("auth", "");
        }
    }
    match integration {
        Some(Integration::HttpProxy { close_at_expiry: true, .. }) => guard.demand("close_at_expiry", ""),
        // A path that is there to be refused.
        Some(Integration::Fixed(fixed)) if fixed.status >= REFUSALS_FROM => guard.demand("refused", ""),
        _ => {}
    }
    guard
}

fn demand_members(node: &Node<'_>, guard: &mut Guard) {
    let Value::Object(members) = &node.value else { return };
    for member in members {
        if member.key == "auth" {
            demand_members(&member.node, guard);
        } else if DEMANDS.contains(&&*member.key) {
            guard.demand(&member.key, &member.node.to_json().to_string());
        }
    }
}

/// Tells whether a request goes, path and all, to someone who does not say that each path is taken as it is written.
fn is_read_loosely(integration: &Integration, context: &Context<'_>) -> bool {
    match integration {
        Integration::HttpProxy { server, .. } => {
            context.servers.get(*server).is_none_or(|read| !read.server.strict_paths)
        }
        Integration::ServiceBinding { binding, .. } => !context.services.is_strict_binding(binding),
        Integration::Service(module) => !context.services.is_strict_module(module),
        // What the gateway answers itself is read by nobody else.
        Integration::Fixed(_)
        | Integration::Redirect(_)
        | Integration::Login(_)
        | Integration::Callback { .. }
        | Integration::Userinfo
        | Integration::Refresh
        | Integration::Logout
        | Integration::BackchannelLogout
        | Integration::Supabase(_)
        | Integration::ProtectedResource(_)
        | Integration::Health => false,
    }
}
