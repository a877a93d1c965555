//! What answers say in their headers, the gateway's own and those of upstreams that it passes on.

use crate::config::{HeaderRules, HeaderTexts};
use crate::http::caching::has_directive;
use crate::http::cookie::name_of;
use crate::http::header::Header;
use crate::http::header_list::HeaderList;

/// Who may be given an answer besides the client that asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Whoever its own headers allow.
    Anyone,
    /// Who has the same cookies: with a session it is another answer.
    ByCookie,
    /// Nobody, unless its headers say who may store it: it is a session's own.
    Nobody,
}

/// What the gateway says on each answer.
pub struct Closing<'c> {
    /// Its own headers.
    pub own: Vec<Header>,
    /// The path's rules, for what its integration answered.
    pub rules: Option<&'c HeaderRules>,
    /// The config's headers.
    pub configured: &'c HeaderTexts,
    /// What the answer varies by.
    pub vary: Option<&'static str>,
    /// Who else may be given it.
    pub sharing: Sharing,
}

/// What of an upstream's answer no client gets.
pub struct Dropped<'d> {
    /// Lower-case names of headers.
    pub headers: &'d [&'d str],
    /// Names of cookies that only the gateway sets.
    pub cookies: &'d [String],
}

/// What answers with tokens, profiles or failures say to caches.
pub const NO_STORE: &str = "no-store";

/// Who may store an answer, if it says so itself (RFC 9111 section 3.5).
const SAYS_WHO: [&str; 5] = ["public", "s-maxage", "must-revalidate", "no-store", "private"];

/// Headers that tell caches what to keep, some of them certain caches alone (RFC 9213).
fn is_for_caches(name: &str) -> bool {
    name == "cache-control" || name.ends_with("-cache-control") || name == "surrogate-control"
}

fn says(headers: &HeaderList, directives: &[&str]) -> bool {
    headers.get("cache-control").is_some_and(|said| has_directive(&said, directives))
}

/// Sets a header; a cookie stands beside those that are there. What is to stay out of caches stays out.
fn set(headers: &mut HeaderList, (name, value): Header) {
    if name == "set-cookie" {
        headers.add(name, value);
    } else if !is_for_caches(&name) || !says(headers, &["no-store", "private"]) {
        headers.set(name, value);
    }
}

fn texts(texts: &HeaderTexts) -> impl Iterator<Item = Header> {
    texts.iter().map(|(name, value)| (name.clone().into(), value.clone().into()))
}

impl Closing<'_> {
    /// Returns the headers of an answer that the gateway makes, which has `headers` of its own. What nobody may store stays so.
    pub fn of_made(self, headers: Vec<Header>) -> HeaderList {
        let mut list = HeaderList::default();
        let removed = self.rules.map(|rules| rules.remove.as_slice()).unwrap_or_default();
        let stays = |(name, value): &Header| {
            name == "cache-control" && value == NO_STORE || !removed.iter().any(|removed| removed == name)
        };
        let rules = self.rules.into_iter().flat_map(|rules| texts(&rules.set));
        let own = headers.into_iter().chain(self.own).filter(stays);
        own.chain(rules).for_each(|header| set(&mut list, header));
        close(&mut list, self.configured, self.vary, self.sharing);
        list
    }

    /// Changes the headers of an upstream's answer that is passed on.
    ///
    /// To the upstream the request had an `Authorization`, which keeps answers out of shared caches (RFC 9111 section 3.5); an answer to
    /// a session is to one that had a cookie instead.
    pub fn of_relayed(self, headers: &mut HeaderList, dropped: &Dropped<'_>) {
        let of_connection = headers.get("connection").unwrap_or_default().to_ascii_lowercase();
        for name in of_connection.split([',', ' ', '\t']).filter(|name| !name.is_empty()) {
            headers.remove(name);
        }
        dropped.headers.iter().for_each(|name| headers.remove(name));
        self.rules.iter().flat_map(|rules| &rules.remove).for_each(|name| headers.remove(name));
        let is_own = |cookie: &&str| dropped.cookies.iter().any(|own| own == name_of(cookie));
        if headers.values("set-cookie").any(|cookie| is_own(&cookie)) {
            let kept: Vec<_> =
                headers.values("set-cookie").filter(|cookie| !is_own(cookie)).map(str::to_owned).collect();
            headers.remove("set-cookie");
            kept.into_iter().for_each(|cookie| headers.add("set-cookie".into(), cookie.into()));
        }
        // What an upstream says of its time stands behind what the gateway says of its own.
        let timing = headers.get("server-timing").map(|timing| timing.into_owned());
        let rules = self.rules.into_iter().flat_map(|rules| texts(&rules.set));
        for (name, value) in self.own.into_iter().chain(rules) {
            match &*name {
                "set-cookie" => headers.add(name, value),
                _ => headers.set(name, value),
            }
        }
        if let Some(timing) = timing.filter(|timing| headers.get("server-timing").as_deref() != Some(timing)) {
            headers.add("server-timing".into(), timing.into());
        }
        close(headers, self.configured, self.vary, self.sharing);
    }
}

/// Adds what comes last: to a session that the answer is its own, the config's headers, and what it varies by, which they must not hide.
fn close(headers: &mut HeaderList, configured: &HeaderTexts, vary: Option<&'static str>, sharing: Sharing) {
    if sharing == Sharing::Nobody && !says(headers, &SAYS_WHO) {
        headers.add("cache-control".into(), "private".into());
    }
    texts(configured).for_each(|header| set(headers, header));
    if let Some(vary) = vary {
        headers.add("vary".into(), vary.into());
    }
    if sharing != Sharing::Anyone {
        headers.add("vary".into(), "Cookie".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(headers: &[(&str, &str)]) -> HeaderList {
        HeaderList::parse(headers.iter().flat_map(|(name, value)| [*name, *value]))
    }

    fn owned(headers: &[(&str, &str)]) -> HeaderTexts {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// What the gateway says in these tests, and what it says it to.
    #[derive(Default)]
    struct Case<'c> {
        answer: &'c [(&'c str, &'c str)],
        own: &'c [(&'c str, &'c str)],
        set: &'c [(&'c str, &'c str)],
        remove: &'c [&'c str],
        configured: &'c [(&'c str, &'c str)],
        vary: Option<&'static str>,
        sharing: Option<Sharing>,
    }

    impl Case<'_> {
        fn with(&self, say: impl FnOnce(Closing<'_>, Vec<Header>) -> HeaderList, name: &str) -> String {
            let rules = HeaderRules {
                set: owned(self.set),
                remove: self.remove.iter().map(|name| (*name).to_owned()).collect(),
            };
            let configured = owned(self.configured);
            let closing = Closing {
                own: texts(&owned(self.own)).collect(),
                rules: Some(&rules),
                configured: &configured,
                vary: self.vary,
                sharing: self.sharing.unwrap_or(Sharing::Anyone),
            };
            say(closing, texts(&owned(self.answer)).collect()).get(name).unwrap_or("none".into()).into_owned()
        }

        fn made(&self, name: &str) -> String {
            self.with(|closing: Closing<'_>, headers| closing.of_made(headers), name)
        }

        fn relayed(&self, name: &str) -> String {
            let dropped = Dropped { headers: &["keep-alive"], cookies: &["__Host-s".to_owned(), "s".to_owned()] };
            let relay = |closing: Closing<'_>, _| {
                let mut headers = list(self.answer);
                closing.of_relayed(&mut headers, &dropped);
                headers
            };
            self.with(relay, name)
        }
    }

    #[test]
    fn what_is_to_stay_out_of_caches_stays_out() {
        let no_store: &[_] = &[("cache-control", "no-store")];
        let public: &[_] =
            &[("cache-control", "public"), ("cdn-cache-control", "max-age=60"), ("surrogate-control", "max-age=60")];
        let table = [
            ("of the gateway's own", Case { answer: no_store, configured: public, ..Case::default() }),
            ("whatever its path sets", Case { answer: no_store, set: public, ..Case::default() }),
            ("or removes", Case { answer: no_store, remove: &["cache-control"], ..Case::default() }),
        ];
        for (message, case) in table {
            let told = ["cache-control", "cdn-cache-control", "surrogate-control"].map(|name| case.made(name));
            assert_eq!(told, ["no-store", "none", "none"], "{message}");
        }
        let upstream =
            Case { answer: &[("cache-control", "max-age=60, Private")], configured: public, ..Case::default() };
        assert_eq!(upstream.relayed("cache-control"), "max-age=60, Private", "of an upstream");
        assert_eq!(upstream.relayed("cdn-cache-control"), "none", "of an upstream");
        let ruled = Case { answer: no_store, set: public, ..Case::default() };
        assert_eq!(ruled.relayed("cache-control"), "public", "but for what the path of an upstream says");
        let open = Case { answer: &[("cache-control", "privately")], configured: public, ..Case::default() };
        assert_eq!(open.relayed("cache-control"), "public", "a word that looks like it keeps nothing out");
    }

    #[test]
    fn an_answer_to_a_session_is_private_unless_it_says_who_may_keep_it() {
        for (said, expected) in [
            ("max-age=60", "max-age=60, private"),
            ("no-cache", "no-cache, private"),
            ("public, max-age=60", "public, max-age=60"),
            ("S-MaxAge=60", "S-MaxAge=60"),
            ("must-revalidate", "must-revalidate"),
            ("no-store", "no-store"),
            ("private", "private"),
        ] {
            let answer = &[("cache-control", said)];
            let case = Case { answer, sharing: Some(Sharing::Nobody), vary: Some("Origin"), ..Case::default() };
            assert_eq!(case.relayed("cache-control"), expected);
            assert_eq!(case.made("cache-control"), expected);
            assert_eq!(case.relayed("vary"), "Origin, Cookie", "{said}");
        }
        let silent = |sharing| Case { sharing, ..Case::default() };
        assert_eq!(silent(Some(Sharing::Nobody)).relayed("cache-control"), "private");
        assert_eq!(silent(Some(Sharing::ByCookie)).relayed("cache-control"), "none");
        assert_eq!(silent(Some(Sharing::ByCookie)).relayed("vary"), "Cookie");
        assert_eq!(silent(None).relayed("vary"), "none");
    }

    #[test]
    fn headers_of_an_upstreams_connection_and_cookies_of_the_gateway_do_not_pass() {
        let answer: &[_] = &[
            ("connection", "X-Hop,close"),
            ("x-hop", "1"),
            ("keep-alive", "1"),
            ("x-rest", "1"),
            ("set-cookie", "a=1"),
            ("set-cookie", "__Host-s=1; Path=/"),
            ("set-cookie", " = s = 1"),
            ("set-cookie", "ss=1"),
        ];
        let case = Case { answer, own: &[("set-cookie", "s=own")], ..Case::default() };
        assert_eq!(["x-hop", "keep-alive", "x-rest"].map(|name| case.relayed(name)), ["none", "none", "1"]);
        assert_eq!(case.relayed("set-cookie"), "a=1, ss=1, s=own");
        let removed = Case { answer, remove: &["x-rest"], ..Case::default() };
        assert_eq!(removed.relayed("x-rest"), "none");
    }

    #[test]
    fn what_an_upstream_says_of_its_time_stands_behind_the_gateways() {
        let answer: &[_] = &[("server-timing", "db;dur=5")];
        let both = Case { answer, own: &[("server-timing", "auth;dur=1")], ..Case::default() };
        assert_eq!(both.relayed("server-timing"), "auth;dur=1, db;dur=5");
        assert_eq!(Case { answer, ..Case::default() }.relayed("server-timing"), "db;dur=5");
        assert_eq!(Case { answer, remove: &["server-timing"], ..both }.relayed("server-timing"), "auth;dur=1");
    }

    #[test]
    fn the_configs_headers_come_last() {
        let case = Case {
            answer: &[("x-frame-options", "DENY"), ("etag", "a")],
            own: &[("x-request-id", "1")],
            set: &[("x-frame-options", "SAMEORIGIN")],
            configured: &[("x-frame-options", "ALLOW"), ("x-request-id", "2")],
            ..Case::default()
        };
        let names = ["x-frame-options", "x-request-id", "etag"];
        assert_eq!(names.map(|name| case.made(name)), ["ALLOW", "2", "a"]);
        assert_eq!(names.map(|name| case.relayed(name)), ["ALLOW", "2", "a"]);
    }
}
