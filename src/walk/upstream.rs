//! What an upstream or a service gets: the address, and each header with who it is from.

use super::hidden::CLAIM;
use super::progress::{User, Walk};
use super::request::Request;
use super::step::SentHeader;
use crate::config::{Mapping, Path, Source};
use crate::http::header::MCP_SESSION;
use crate::http::request::RequestHead as _;
use crate::http::trace::Trace;
use crate::mapping::mapped_query;
use crate::proxy::{ClientHeaderNames, PassedOn, holds_api_key};
use crate::session::McpSession;

impl Walk<'_> {
    /// Returns the headers of the request that is passed on from a path, which loses `prefix`; with a token of the gateway's own, if it
    /// gets one.
    pub(super) fn sent_headers(&self, shown: &Path, prefix: &str, user: &User, own_token: bool) -> Vec<SentHeader> {
        let Self { known, masked: request, .. } = *self;
        let config = &known.shown;
        let trace = Trace::of(request.header("traceparent"), &[0; 24], config.otlp.is_some());
        let names = ClientHeaderNames::new(&config.asserted_headers);
        let of_session = matches!(user, User::Session).then_some("<the session's access token>");
        let mcp_session = request.header(MCP_SESSION).and_then(|header| McpSession::parse(header).ok());
        let passed_on = PassedOn {
            request,
            sent: request.headers(),
            url: request.url(),
            id: self.id(),
            trace: &trace,
            path: shown,
            prefix,
            names: &names,
            key_prefixes: &known.config.key_prefixes,
            session_cookie: known.config.session.as_ref().map(|session| session.rules.cookie.as_str()),
            session_token: of_session,
            claims: user.claims(),
            mcp_session: mcp_session.as_ref().map(|session| session.name),
        };
        let changes = passed_on.changes();
        let pairs: Vec<_> = request.headers().pairs().collect();
        let mapped = |name: &str| shown.mapping.headers.iter().find(|(mapped, _)| mapped == name);
        let sent = changes.carried_out(&pairs).into_iter().map(|(name, value)| {
            let is_set = changes.value_set(&name).is_some();
            let (from, source) = match mapped(&name) {
                Some((_, source)) => from_source(source),
                None if !is_set || name == "cookie" => ("client", None),
                None if name == "authorization" => ("session", None),
                None => ("gateway", None),
            };
            let value = match name.as_str() {
                "traceparent" => shown_trace(&trace),
                _ => value,
            };
            SentHeader { name, value, from, source }
        });
        let mut sent: Vec<_> = sent.collect();
        // Cloudflare makes it another for each call.
        sent.retain(|header| header.name != "cf-connecting-ip");
        // The runtime passes on no other handshake.
        sent.retain(|header| header.name != "upgrade" || header.value.eq_ignore_ascii_case("websocket"));
        // Behind the mask it is not seen to be a key.
        let key = self.request.header("authorization").filter(|value| holds_api_key(value, &known.config.key_prefixes));
        sent.retain(|header| key.is_none() || header.name != "authorization" || header.from != "client");
        self.add_unknown(&mut sent, &shown.mapping, user);
        if own_token {
            sent.retain(|header| header.name != "authorization");
            let value = "Bearer <the gateway's own token>".to_owned();
            sent.push(SentHeader { name: "authorization".to_owned(), value, from: "gateway", source: None });
        }
        sent.sort_by(|one, other| one.name.cmp(&other.name));
        sent
    }

    /// Checks whether what a path maps depends on something that is not known here.
    pub(super) fn has_unknown_mapping(&self, path: &Path, user: &User) -> bool {
        let mut sources = path.mapping.headers.iter().chain(&path.mapping.query).map(|(_, source)| source);
        let by_claim = sources.any(|source| matches!(source, Source::Claim(_)));
        by_claim && user.is_there() && user.claims().is_none()
    }

    /// Adds the headers whose values are not known here.
    fn add_unknown(&self, sent: &mut Vec<SentHeader>, mapping: &Mapping, user: &User) {
        let unknown = |name: &str, value: &str, from, source| SentHeader {
            name: name.to_owned(),
            value: value.to_owned(),
            from,
            source,
        };
        if matches!(user, User::Session | User::Unknown) {
            for (name, source) in mapping.headers.iter().filter(|(_, source)| matches!(source, Source::Claim(_))) {
                sent.push(unknown(name, "<that claim, if it is there>", "mapping", Some(format!("{source:?}"))));
            }
        }
        let is_removed = |name: &str| mapping.remove.iter().any(|removed| removed == name);
        let is_mapped = |name: &str| mapping.headers.iter().any(|(mapped, _)| mapped == name);
        let name = "x-forwarded-for";
        if self.request.from().is_none() && !is_removed(name) && !is_mapped(name) {
            sent.push(unknown(name, "<the client's address>", "gateway", None));
        }
        if !self.request.is_host_known() {
            for header in sent.iter_mut().filter(|header| header.name == "x-forwarded-host" && header.from == "gateway")
            {
                "<the gateway's host>".clone_into(&mut header.value);
            }
        }
    }
}

fn from_source(source: &Source) -> (&'static str, Option<String>) {
    match source {
        Source::Text(_) => ("config", None),
        source => ("mapping", Some(format!("{source:?}"))),
    }
}

/// Returns a `traceparent` with what is fresh left open.
fn shown_trace(trace: &Trace) -> String {
    let flags = trace.traceparent.rsplit('-').next().unwrap_or_default();
    let id = if trace.continued { trace.id() } else { "<fresh>" };
    format!("00-{id}-<fresh>-{flags}")
}

/// Returns a path's mapped query, with what stands for the claims of a user that are not known.
pub fn shown_query(path: &Path, request: &Request, user: &User) -> Option<String> {
    let mut mapping = path.mapping.clone();
    if user.is_there() && user.claims().is_none() {
        for (_, source) in mapping.query.iter_mut().filter(|(_, source)| matches!(source, Source::Claim(_))) {
            *source = Source::Text(CLAIM.to_owned());
        }
    }
    mapped_query(&mapping, request, user.claims())
}

/// Returns the address of the gateway itself with a path's mapped query, as a service gets it.
pub fn own_url(request: &Request, path: &Path, user: &User) -> String {
    let url = if request.is_host_known() { request.url().origin() } else { String::new() };
    let query = shown_query(path, request, user).map(|query| format!("?{query}")).unwrap_or_default();
    format!("{url}{}{query}", request.path())
}
