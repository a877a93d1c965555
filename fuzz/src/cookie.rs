//! The `Cookie` header: what of it is the gateway's, and what of it goes on to an upstream.

use bargate::http::cookie::{Sent, is_called, name_of, sent, without};
use bargate::http::request::RequestHead;
use bargate::proxy::{forwarded_cookies, is_own_cookie};
use bargate::session::{Presented, SessionCookie, presented};

use super::text::text;

const SESSION: &str = "__Host-bargate";

/// A request with these cookies, by a browser or by something else.
struct Head<'c> {
    cookies: &'c str,
    agent: &'c str,
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        "GET"
    }
    fn path(&self) -> &str {
        "/"
    }
    fn query(&self) -> Option<&str> {
        None
    }
    fn header(&self, name: &str) -> Option<&str> {
        match name {
            "cookie" => Some(self.cookies),
            "user-agent" => Some(self.agent),
            _ => None,
        }
    }
}

/// No upstream can find a cookie of the gateway in what is forwarded, and finds all others; a session is presented in one way.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Some(cookie) = SessionCookie::parse(text) {
        assert_eq!(cookie.value(), text, "a cookie has one spelling");
        assert_eq!((cookie.object_name().len(), cookie.key().len()), (22, 22));
    }
    let _ = name_of(text);
    // The runtime lets no others into a header.
    if text.contains(['\r', '\n', '\0']) {
        return;
    }
    for session in [None, Some(SESSION)] {
        check_forwarded(text, session);
    }
    for agent in ["Mozilla/5.0", "curl/8"] {
        let head = Head { cookies: text, agent };
        let own = pairs(text).into_iter().filter(|(name, _)| *name == SESSION).count();
        match presented(&head, SESSION, false) {
            Presented::Cookie(cookie) => {
                assert!(text.contains(&format!("{SESSION}={}", cookie.value())));
                assert!(agent.starts_with("Mozilla") || own == 1);
            }
            Presented::Absent => assert!(agent.starts_with("Mozilla") || own == 0),
            Presented::Malformed | Presented::Later => assert!(own >= 1),
            Presented::Repeated => assert!(own > 1),
        }
        match sent(&head, "a") {
            Sent::Once(value) => assert!(!value.contains(';') && text.contains(&format!("a={value}"))),
            Sent::Absent | Sent::Repeated => {}
        }
    }
}

/// Returns each name of a header with its value, by a reading that takes semicolons and commas for ends of cookies.
fn pairs(header: &str) -> Vec<(&str, &str)> {
    let parts = header.split([';', ',']).map(|part| part.trim_matches([' ', '\t']));
    parts.filter_map(|part| part.split_once('=')).collect()
}

/// What is forwarded has no cookie of ours and every other one, and stays as it is the next time.
fn check_forwarded(header: &str, session: Option<&str>) {
    let kept = forwarded_cookies(header, session);
    let is_own = |name: &str| is_own_cookie(name.trim(), session);
    if let Some(kept) = &kept {
        for reading in [kept.split(';').collect::<Vec<_>>(), kept.split([';', ',']).collect()] {
            let names = reading.into_iter().map(|part| part.split('=').next().unwrap_or_default().trim());
            assert!(names.into_iter().all(|name| !is_own(name)), "forwarded: {kept:?} of {header:?}");
        }
        assert_eq!(forwarded_cookies(kept, session).as_ref(), Some(kept));
    }
    let others: Vec<_> = pairs(header).into_iter().filter(|(name, _)| !is_own(name)).collect();
    let forwarded = kept.as_deref().map(pairs).unwrap_or_default();
    assert_eq!(forwarded, others, "of {header:?}");
    assert!(without(header, |_| false).as_deref() == Some(header));
    assert!(session.is_none_or(|session| is_called(session, SESSION)));
}
