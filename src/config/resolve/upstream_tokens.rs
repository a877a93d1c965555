//! What cannot go with a token of the gateway's own: on its server, and on the paths that lead there. Host only: where it is not
//! reported, it has no effect, or a caller without a token is refused.

use crate::config::code::Code;
use crate::config::integration::Settings;
use crate::config::mapping::{is_of_query, request_headers};
use crate::config::path::WrittenPath;
use crate::config::path::keys::{AUTH, INTEGRATION, REQUEST_HEADERS};
use crate::config::reader::{Findings, Place, advice};
use crate::config::server::WrittenServer;
use crate::config::upstream_token::UpstreamGrant;

/// The header that such a token is in.
const HEADER: &str = "authorization";

/// Reports what keeps the requests of a path, which perhaps only API keys open, from a server that gets such a token.
pub(super) fn check_path(
    server: &WrittenServer<'_>,
    path: &WrittenPath<'_>,
    by_keys_only: bool,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) {
    let Some((_, grant)) = *server.grant else { return };
    let set = path.mapping.values.iter().find(|value| value.name == HEADER && !is_of_query(value.list));
    let ([section, list], offset) = match set {
        Some(value) => (value.list.map(|key| key.name), value.node.offset),
        None => ([REQUEST_HEADERS.name, request_headers::REMOVE.name], path.offset),
    };
    if set.is_some() || path.mapping.remove.iter().any(|name| name == HEADER) {
        let message = format_args!("the server gets a token of the gateway in the header \"{HEADER}\"");
        let help = advice("leave the header out here, or remove \"authorization\" from the server");
        let place = Place::Key(place, section);
        findings.note(offset, &Place::Key(&place, list), Code::UnusedKey, message, help);
    }
    if let Some(Settings::HttpProxy { target, .. }) = path.integration().map(|integration| &integration.settings)
        && let Some((key, written)) = target.first()
    {
        let message = format_args!("the server gets a token of the gateway, and none of a session");
        let help = advice("remove it here, or \"authorization\" from the server");
        let place = INTEGRATION.at(place);
        findings.note(written.offset, &Place::Key(&place, key), Code::UnusedKey, message, help);
    }
    let without_token = path.access.as_ref().is_none_or(|access| access.requirements.optional);
    if (without_token || by_keys_only) && grant == Some(UpstreamGrant::TokenExchange) {
        let message = format_args!("the server's \"token_exchange\" needs a token of each caller");
        let help = match without_token {
            true => "add \"auth\": true to this path, without \"optional\"",
            false => {
                "an API key is none: name an authorizer of tokens, or give the server the grant client_credentials"
            }
        };
        let help = advice(help).about([AUTH.name]);
        let offset = path.access.as_ref().map_or(path.offset, |access| access.offset);
        findings.note(offset, place, Code::ClaimWithoutAuth, message, help);
    }
}
