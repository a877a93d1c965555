//! The tokens that the gateway requests for upstreams: by which client, and where; and paths that cannot go with them.

use std::rc::Rc;

use super::links::note_unknown_authorizer;
use crate::config::authorizer::keys::{Kind, TIMEOUT_DEFAULT_MS};
use crate::config::authorizer::{Authorizer, WrittenAuthorizer};
use crate::config::client::{CLIENT_ID, CLIENT_SECRET, PRIVATE_KEY};
use crate::config::code::Code;
use crate::config::mapping::{is_of_query, request_headers};
use crate::config::path::WrittenPath;
use crate::config::path::keys::{AUTH, REQUEST_HEADERS};
use crate::config::reader::{Findings, Place, advice, shown};
use crate::config::root;
use crate::config::server::AUTHORIZATION;
use crate::config::tree::ConfigTree;
use crate::config::upstream_token::{
    AUTHORIZER, GRANT, TokenEndpoint, UpstreamGrant, UpstreamToken, WrittenUpstreamToken,
};

/// The header that such a token is in.
const HEADER: &str = "authorization";

/// Gives each server its token, and reports what that lacks.
pub(super) fn complete_servers(
    tree: &mut ConfigTree<'_>,
    known: &[Option<Rc<Authorizer>>],
    findings: &mut Findings<'_>,
) {
    let section = root::SERVERS.at(&Place::Root);
    for server in &mut tree.servers {
        let Some(written) = &server.token else { continue };
        let place = Place::Index(&section, server.index);
        let place = AUTHORIZATION.at(&place);
        let token = written.as_ref().and_then(|written| token(written, &tree.authorizers, known, &place, findings));
        // Nobody else has it yet, unless only the mistakes are wanted.
        match server.server.as_mut().and_then(Rc::get_mut).zip(token) {
            Some((server, token)) => server.token = Some(Rc::new(token)),
            None => server.server = None,
        }
    }
}

/// Returns a token; `None` if a part of it is wrong, or not known here.
fn token(
    written: &WrittenUpstreamToken<'_>,
    authorizers: &[WrittenAuthorizer<'_>],
    known: &[Option<Rc<Authorizer>>],
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<UpstreamToken> {
    let (index, of_authorizer) = match &written.endpoint {
        Some(_) => (None, None),
        None => {
            let index = authorizer(written, authorizers, place, findings)?;
            (Some(index), authorizers.get(index)?.provider.as_ref())
        }
    };
    let client = written.client.as_ref().or(of_authorizer.map(|provider| &provider.client));
    let lacks = match client {
        None if written.endpoint.is_none() => "a client, and the authorizer has none",
        // RFC 6749 section 4.4.
        Some(client) if client.is_public() && written.grant == Some(UpstreamGrant::ClientCredentials) => {
            "a client that authenticates"
        }
        _ => "",
    };
    if !lacks.is_empty() {
        let code = if written.client.is_some() { Code::MissingKey } else { Code::UnknownAuthorizer };
        let message = format_args!("\"{}\" needs {lacks}", shown(&written.written_grant));
        let help = advice("add \"client_id\" with \"client_secret\", or with \"private_key\" and \"private_key_jwt\"");
        let help = help.about([CLIENT_ID.name, CLIENT_SECRET.name, PRIVATE_KEY.name]);
        findings.note(written.written_grant.offset, &GRANT.at(place), code, message, help);
    }
    let client = client?.client()?;
    let (endpoint, issuer, timeout_ms) = match (&written.endpoint, index) {
        (Some(url), _) => {
            let url = url.as_ref()?;
            (TokenEndpoint::Known(url.clone(), None), url.clone(), TIMEOUT_DEFAULT_MS)
        }
        (None, index) => {
            let known = known.get(index?)?.as_ref()?;
            let endpoint = match of_authorizer.and_then(|provider| provider.endpoints.as_ref()) {
                Some(endpoints) => TokenEndpoint::Known(endpoints.token.clone(), endpoints.token_auth),
                None => TokenEndpoint::Discovered(Rc::clone(known)),
            };
            (endpoint, known.issuer.clone(), known.timeout_ms)
        }
    };
    let parameters = written.parameters.clone()?;
    let mut name = [&*issuer, "\n", &client.id].concat();
    for (parameter, value) in &parameters {
        name += &["\n", parameter, "=", value].concat();
    }
    Some(UpstreamToken { grant: written.grant?, client, endpoint, issuer, timeout_ms, parameters, name })
}

/// Returns the index of the authorizer whose provider issues a token, and reports one that issues none to the gateway.
fn authorizer(
    written: &WrittenUpstreamToken<'_>,
    authorizers: &[WrittenAuthorizer<'_>],
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<usize> {
    // Of several tenants, nothing says which issues the token.
    let issues = |authorizer: &WrittenAuthorizer<'_>| {
        !matches!(authorizer.kind, Some(Kind::Jwt | Kind::Supabase))
            && authorizer.tenants.as_ref().is_none_or(Vec::is_empty)
    };
    let help = || advice("name an authorizer of type auth0 or oidc with one tenant, or write the \"token_endpoint\"");
    let Some(named) = written.authorizer else {
        let first = authorizers.iter().position(|one| issues(one) && (written.client.is_some() || one.can_log_in()));
        if first.is_none() {
            let message = format_args!("nothing says who issues the token: the config has no authorizer that does");
            findings.note(written.written_grant.offset, place, Code::UnknownAuthorizer, message, help());
        }
        return first;
    };
    let (name, place) = (named.value()?, AUTHORIZER.at(place));
    let index = authorizers.iter().position(|authorizer| authorizer.name == name);
    match index.and_then(|index| authorizers.get(index)) {
        None => note_unknown_authorizer(&named, authorizers, &place, findings),
        Some(found) if !issues(found) => {
            let wrong = "is not an authorizer that issues tokens to the gateway";
            findings.refuse(&named, &place, Code::UnknownAuthorizer, wrong, help());
            return None;
        }
        Some(_) => {}
    }
    index
}

/// Reports what keeps the requests of a path from a server that gets such a token.
pub(super) fn check_path(
    token: &WrittenUpstreamToken<'_>,
    path: &WrittenPath<'_>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) {
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
    let without_token = path.access.as_ref().is_none_or(|access| access.requirements.optional);
    if without_token && token.grant == Some(UpstreamGrant::TokenExchange) {
        let message = format_args!("the server's \"token_exchange\" needs a token of each caller");
        let help = advice("add \"auth\": true to this path, without \"optional\"").about([AUTH.name]);
        let offset = path.access.as_ref().map_or(path.offset, |access| access.offset);
        findings.note(offset, place, Code::ClaimWithoutAuth, message, help);
    }
}
