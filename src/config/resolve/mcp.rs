//! What cannot go with the `mcp` of a path. Host only: where it is not reported, a request without a token is refused, and whatever answers
//! has no sessions.

use crate::config::code::Code;
use crate::config::integration::{Settings, WrittenAnswer};
use crate::config::path::WrittenPath;
use crate::config::path::keys::{AUTH, CACHE, MCP};
use crate::config::reader::{Findings, Help, Place, advice};

/// Reports what cannot go with the `mcp` of a path.
pub(super) fn check_path(path: &WrittenPath<'_>, place: &Place<'_>, findings: &mut Findings<'_>) {
    let Some(mcp) = &path.mcp else { return };
    let mut note = |code, message: &str, help: Help| {
        findings.note(mcp.node.offset, &MCP.at(place), code, format_args!("{message}"), help);
    };
    if path.access.as_ref().is_none_or(|access| access.requirements.optional) {
        let help = advice("add \"auth\": true to this path, without \"optional\"").about([AUTH.name]);
        note(Code::ClaimWithoutAuth, "no token says whose a session is", help);
    }
    if path.rules.cache.is_some() {
        let help = advice("remove \"cache\"").about([CACHE.name]);
        note(Code::PrivateCache, "a cached answer is not one of a session", help);
    }
    let leads_there = match &path.answer {
        Some(WrittenAnswer::Integration(integration)) => match &integration.settings {
            Settings::HttpProxy { .. } | Settings::Service(_) => true,
            // Another function gets no request.
            Settings::ServiceBinding(call) => call.function.is_none_or(|name| name.value() == Some("fetch")),
            _ => false,
        },
        Some(WrittenAnswer::Response(_)) => false,
        // It may be meant to.
        None => true,
    };
    if !leads_there {
        let help = "use an integration of type http_proxy, service or service_binding, without \"function\"; or remove \"mcp\"";
        note(Code::UnusedKey, "no MCP server is behind this path", advice(help));
    }
}
