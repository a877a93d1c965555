//! What a path with `sessions` must be: guarded, with a method and parameters that say what becomes of whose sessions.

use std::rc::Rc;

use crate::config::access::Requirements;
use crate::config::authorizer::Authorizer;
use crate::config::code::Code;
use crate::config::login::Provider;
use crate::config::path::WrittenPath;
use crate::config::reader::{Findings, Place, advice, host_text};
use crate::route::{Method, MethodRule};

/// Reports what is wrong with a path with `sessions`, at the place of its type. `authorizers` are those of its `auth`, and `provider`
/// where people log in, as far as they are known.
pub(super) fn check_sessions(
    path: &WrittenPath<'_>,
    authorizers: &[&Rc<Authorizer>],
    provider: Option<&Provider>,
    (offset, place): (usize, &Place<'_>),
    findings: &mut Findings<'_>,
) {
    let (Some(method), Some(pattern)) = (path.method, &path.pattern) else { return };
    let has = |name: &str| pattern.param_names().any(|known| known == name);
    let is_of_login = |authorizer: &&Rc<Authorizer>| provider.is_none_or(|of| Rc::ptr_eq(&of.authorizer, *authorizer));
    let needed = path.access.as_ref().map(|access| &access.requirements).filter(|needed| !needed.optional);
    let of_anyone = has("sub");
    let mistakes = [
        (
            needed.is_none(),
            "everyone could list and end sessions here",
            host_text("add \"auth\": true, or for those of any user one with scopes"),
        ),
        (
            of_anyone && needed.is_some_and(asks_nothing),
            "everyone with a token could list and end the sessions of all users",
            host_text(
                "add \"scopes\", \"any_scopes\", \"permissions\" or \"claims\" to \"auth\", or remove {sub} from the path",
            ),
        ),
        (
            !of_anyone && !authorizers.iter().all(is_of_login),
            "people log in at another authorizer, so no caller has sessions here",
            host_text("let \"auth\" name the authorizer that logs people in"),
        ),
        (
            ![Method::Get, Method::Delete].map(MethodRule::Exact).contains(&method),
            "sessions are listed by GET and ended by DELETE",
            host_text("write an entry for each of the two"),
        ),
        (
            method == MethodRule::Exact(Method::Get) && has("id"),
            "GET lists all sessions of a user, and not one",
            host_text("remove {id} from the path"),
        ),
        (
            pattern.is_wildcard() || pattern.param_names().any(|name| !["sub", "id"].contains(&name)),
            "only {sub} and {id} mean something here",
            host_text("write whose sessions as {sub}, and one of them as {id}"),
        ),
        (
            provider.is_some_and(|provider| !provider.asks_for("openid")),
            "without an ID token nobody knows whose a session is",
            host_text("add \"openid\" to the authorizer's \"scope\""),
        ),
        (
            provider.is_some_and(|provider| !provider.authorizer.tenants.is_empty()),
            "users of several tenants may have the same \"sub\"",
            host_text("remove \"tenants\" from the authorizer, or this path"),
        ),
    ];
    for (_, message, help) in mistakes.into_iter().filter(|(is_one, ..)| *is_one) {
        findings.note(offset, place, Code::InvalidSessionsPath, format_args!("{message}"), advice(help));
    }
}

fn asks_nothing(needed: &Requirements) -> bool {
    let Requirements { scopes, any_scopes, permissions, claims, .. } = needed;
    [scopes, any_scopes, permissions].iter().all(|names| names.is_empty()) && claims.is_empty()
}
