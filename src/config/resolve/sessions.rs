//! What a path with `sessions` must be: guarded, with a method and parameters that say what becomes of whose sessions.

use std::rc::Rc;

use crate::config::access::Requirements;
use crate::config::authorizer::Authorizer;
use crate::config::code::Code;
use crate::config::login::Provider;
use crate::config::path::WrittenPath;
use crate::config::reader::{Findings, Place, advice};
use crate::route::{Method, MethodRule};

/// Reports what is wrong with a path with `sessions`, at the place of its type. `authorizer` is that of its `auth`, and `provider` where
/// people log in, as far as they are known.
pub(super) fn check_sessions(
    path: &WrittenPath<'_>,
    authorizer: Option<&Rc<Authorizer>>,
    provider: Option<&Provider>,
    (offset, place): (usize, &Place<'_>),
    findings: &mut Findings<'_>,
) {
    let (Some(method), Some(pattern)) = (path.method, &path.pattern) else { return };
    let mut refuse = |message: &str, help: &str| {
        findings.note(offset, place, Code::InvalidSessionsPath, format_args!("{message}"), advice(help));
    };
    let has = |name: &str| pattern.param_names().any(|known| known == name);
    let of_anyone = has("sub");
    let is_of_login = |authorizer: &Rc<Authorizer>| provider.is_none_or(|of| Rc::ptr_eq(&of.authorizer, authorizer));
    match path.access.as_ref().map(|access| &access.requirements) {
        None | Some(Requirements { optional: true, .. }) => {
            refuse(
                "everyone could list and end sessions here",
                "add \"auth\": true, or for those of any user one with scopes",
            );
        }
        Some(needed) if of_anyone && asks_nothing(needed) => refuse(
            "everyone with a token could list and end the sessions of all users",
            "add \"scopes\", \"any_scopes\", \"permissions\" or \"claims\" to \"auth\", or remove {sub} from the path",
        ),
        Some(_) if !of_anyone && !authorizer.is_none_or(is_of_login) => refuse(
            "people log in at another authorizer, so no caller has sessions here",
            "let \"auth\" name the authorizer that logs people in",
        ),
        Some(_) => {}
    }
    if ![Method::Get, Method::Delete].map(MethodRule::Exact).contains(&method) {
        refuse("sessions are listed by GET and ended by DELETE", "write an entry for each of the two");
    }
    if method == MethodRule::Exact(Method::Get) && has("id") {
        refuse("GET lists all sessions of a user, and not one", "remove {id} from the path");
    }
    if pattern.is_wildcard() || pattern.param_names().any(|name| !["sub", "id"].contains(&name)) {
        refuse("only {sub} and {id} mean something here", "write whose sessions as {sub}, and one of them as {id}");
    }
    if let Some(provider) = provider {
        if !provider.asks_for("openid") {
            refuse(
                "without an ID token nobody knows whose a session is",
                "add \"openid\" to the authorizer's \"scope\"",
            );
        }
        if !provider.authorizer.tenants.is_empty() {
            refuse(
                "users of several tenants may have the same \"sub\"",
                "remove \"tenants\" from the authorizer, or this path",
            );
        }
    }
}

fn asks_nothing(needed: &Requirements) -> bool {
    let Requirements { scopes, any_scopes, permissions, claims, .. } = needed;
    [scopes, any_scopes, permissions].iter().all(|names| names.is_empty()) && claims.is_empty()
}
