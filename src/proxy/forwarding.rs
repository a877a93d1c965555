//! What becomes of a request's headers on its way to an upstream or a service.

use super::client_headers::{ClientHeaderNames, ClientHeaders};
use super::cookies::forwarded_cookies;
use crate::address::Address;
use crate::config::Path;
use crate::http::header_lines::{HeaderChanges, HeaderLines};
use crate::http::request::RequestHead;
use crate::http::trace::Trace;
use crate::mapping::mapped_headers;
use crate::route::Method;
use crate::token::VerifiedClaims;

/// A request that is passed on, with what the headers of the next one depend on.
pub struct PassedOn<'r, R> {
    /// The request.
    pub request: &'r R,
    /// All of its headers.
    pub sent: &'r HeaderLines,
    /// The address that the client called.
    pub url: &'r Address,
    /// Its id.
    pub id: &'r str,
    /// Its place in a trace.
    pub trace: &'r Trace,
    /// The path that took it.
    pub path: &'r Path,
    /// The beginning that its path loses.
    pub prefix: &'r str,
    /// What is known of the names of clients' headers.
    pub names: &'r ClientHeaderNames,
    /// The name of the session's cookie, if there are sessions.
    pub session_cookie: Option<&'r str>,
    /// The access token of its session, if it has one.
    pub session_token: Option<&'r str>,
    /// The claims of its user, if it has one.
    pub claims: Option<&'r VerifiedClaims>,
}

impl<R: RequestHead> PassedOn<'_, R> {
    /// Returns the changes to its headers.
    pub fn changes(&self) -> HeaderChanges {
        let Self { request, sent, url, path, trace, .. } = *self;
        let removed = &path.mapping.remove;
        let mut also = Vec::new();
        // A cached answer for everyone must not depend on the requester.
        let anonymous = path.rules.cache.as_ref().is_some_and(|cache| !cache.per_user);
        let no_cookies = anonymous || removed.iter().any(|name| name == "cookie");
        if anonymous {
            also.push("authorization");
        }
        if !trace.continued {
            also.push("tracestate");
        }
        let mut cookies = None;
        if no_cookies {
            also.push("cookie");
        } else if let Some(whole) = sent.get("cookie") {
            match forwarded_cookies(whole, self.session_cookie) {
                Some(kept) if kept == whole => {}
                Some(kept) => cookies = Some(kept),
                None => also.push("cookie"),
            }
        }
        let is_get = request.method() == Method::Get.as_str();
        let mut changes = HeaderChanges::default();
        ClientHeaders { sent, is_get, names: self.names, mapping: &path.mapping }.drop(&also, &mut changes);
        // A header that the config removes is not sent, no matter who set it.
        let mut set = |name: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|_| !removed.iter().any(|removed| removed == name)) {
                changes.set(name, value);
            }
        };
        set("x-request-id", Some(self.id));
        set("x-forwarded-proto", Some(url.scheme()));
        set("x-forwarded-host", Some(url.host_and_port()));
        set("x-forwarded-prefix", Some(self.prefix).filter(|prefix| !prefix.is_empty()));
        set("x-forwarded-for", sent.get("cf-connecting-ip"));
        set("traceparent", Some(&trace.traceparent));
        set("cookie", cookies.as_deref());
        if let Some(token) = self.session_token {
            set("authorization", Some(&["Bearer ", token].concat()));
        }
        for (name, value) in mapped_headers(&path.mapping, request, self.claims) {
            if let Some(value) = value {
                changes.set(name, &value);
            }
        }
        changes
    }
}
