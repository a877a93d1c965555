//! Which headers an answer has in the end: one that the gateway makes, and one of an upstream that it passes on.
//!
//! The headers of an upstream's answer stay with the runtime: those by which it is decided come as [`HeaderLines`], and what is
//! decided are [`HeaderChanges`].

mod problem_form;
mod redirection;
mod transport;

pub use problem_form::{ProblemForm, problem_headers};
pub use redirection::redirect_location;
pub use transport::push_transport_headers;

use crate::config::{HeaderRules, HeaderTexts};
use crate::http::cookie::name_of;
use crate::http::header::{Header, NO_STORE, tokens};
use crate::http::header_lines::{HeaderChanges, HeaderLines};
use crate::proxy::{is_dropped_of_response, is_own_cookie};

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

/// Directives that keep an answer out of shared caches.
const KEPT_OUT: [&str; 2] = ["no-store", "private"];

/// Directives that say who may store an answer (RFC 9111 section 3.5).
const SAYS_WHO: [&str; 5] = ["public", "s-maxage", "must-revalidate", "no-store", "private"];

fn says(cache_control: &str, directives: &[&str]) -> bool {
    tokens(cache_control).any(|token| directives.iter().any(|directive| token.eq_ignore_ascii_case(directive)))
}

/// Checks whether a header tells caches what to keep, if certain caches alone (RFC 9213).
fn is_for_caches(name: &str) -> bool {
    name == "cache-control" || name.ends_with("-cache-control") || name == "surrogate-control"
}

/// Changes to an answer's headers that are being decided, and what it tells caches behind them.
#[derive(Default)]
struct Draft<'h> {
    changes: HeaderChanges,
    cache_control: &'h str,
}

impl<'h> Draft<'h> {
    fn set(&mut self, name: &str, value: &'h str) {
        if name == CACHE_CONTROL {
            self.cache_control = value;
        }
        self.changes.set(name, value);
    }

    /// Sets a header, but none that would let caches keep an answer that is to stay out of them.
    fn set_guarded(&mut self, name: &str, value: &'h str) {
        if !is_for_caches(name) || !says(self.cache_control, &KEPT_OUT) {
            self.set(name, value);
        }
    }

    fn remove(&mut self, name: &str) {
        if name == CACHE_CONTROL {
            self.cache_control = "";
        }
        self.changes.remove(name);
    }
}

const CACHE_CONTROL: &str = "cache-control";
const SERVER_TIMING: &str = "server-timing";
const SET_COOKIE: &str = "set-cookie";

/// The config's own headers of answers.
pub struct ConfiguredHeaders {
    any: HeaderChanges,
    for_caches: HeaderChanges,
}

impl ConfiguredHeaders {
    /// Tells those for caches from those that any answer gets.
    pub fn of(texts: &HeaderTexts) -> Self {
        let (mut any, mut for_caches) = (HeaderChanges::default(), Draft::default());
        for (name, value) in texts {
            if is_for_caches(name) { for_caches.set_guarded(name, value) } else { any.set(name, value) }
        }
        Self { any, for_caches: for_caches.changes }
    }
}

/// What the gateway says on an answer.
pub struct Closing<'c> {
    /// Its own headers.
    pub own: Vec<Header>,
    /// The path's rules, for what its integration answered.
    pub rules: Option<&'c HeaderRules>,
    /// The config's headers.
    pub configured: Option<&'c ConfiguredHeaders>,
    /// What the answer varies by.
    pub vary: Option<&'static str>,
    /// Who else may be given it.
    pub sharing: Sharing,
    /// Whether it is the gateway alone that says where clients log in: an upstream's challenge could lead them, with their refresh tokens, to
    /// an authorization server of its own (RFC 9728 section 5.1).
    pub keeps_challenges: bool,
}

impl Closing<'_> {
    /// Returns the headers of an answer that the gateway makes, which has `headers` of its own, and if it is a page a `policy`: under
    /// another its script may not run. What nobody may store stays so.
    pub fn of_made(&self, headers: &[Header], policy: Option<&str>) -> HeaderChanges {
        let mut draft = Draft::default();
        for (name, value) in headers.iter().chain(&self.own) {
            if name == CACHE_CONTROL && value == NO_STORE || !self.removed().iter().any(|removed| removed == name) {
                draft.set_guarded(name, value);
            }
        }
        for (name, value) in self.rules.iter().flat_map(|rules| &rules.set) {
            draft.set_guarded(name, value);
        }
        let mut changes = self.close(draft);
        if let Some(policy) = policy {
            changes.set("content-security-policy", policy);
        }
        changes
    }

    /// Returns what becomes of the headers of an upstream's answer. Of these, `said` has those by which that is decided and those that no
    /// answer brings to a client, `under_cors` or without; `session` is the name of the session's cookie.
    ///
    /// To the upstream the request had an `Authorization`, which keeps answers out of shared caches (RFC 9111 section 3.5); an answer
    /// to a session is to one that had a cookie instead.
    pub fn of_relayed(&self, said: &HeaderLines, session: Option<&str>, under_cors: bool) -> HeaderChanges {
        let text = |name| said.get(name).unwrap_or_default();
        let mut draft = Draft { cache_control: text(CACHE_CONTROL), ..Draft::default() };
        for (name, _) in said.pairs().filter(|(name, _)| is_dropped_of_response(name, under_cors)) {
            draft.changes.remove(name);
        }
        let (mut timing, mut cookies_pass) = (text(SERVER_TIMING), true);
        let connection = text("connection").to_ascii_lowercase();
        // What is dropped is gone already.
        let of_connection = tokens(&connection).filter(|name| !is_dropped_of_response(name, under_cors));
        for name in of_connection.chain(self.removed().iter().map(String::as_str)) {
            draft.remove(name);
            match name {
                SERVER_TIMING => timing = "",
                SET_COOKIE => cookies_pass = false,
                _ => {}
            }
        }
        if self.keeps_challenges {
            draft.changes.remove("www-authenticate");
        }
        let cookies = || said.pairs().filter(|(name, _)| *name == SET_COOKIE);
        let is_own = |cookie: &str| is_own_cookie(name_of(cookie), session);
        if cookies_pass && cookies().any(|(_, cookie)| is_own(cookie)) {
            draft.remove(SET_COOKIE);
            cookies().filter(|(_, cookie)| !is_own(cookie)).for_each(|(name, cookie)| draft.set(name, cookie));
        }
        let own = self.own.iter().map(|(name, value)| (&**name, &**value));
        let rules = self.rules.iter().flat_map(|rules| &rules.set).map(|(name, value)| (&**name, &**value));
        let mut own_timing = "";
        for (name, value) in own.chain(rules) {
            draft.set(name, value);
            if name == SERVER_TIMING {
                own_timing = value;
            }
        }
        let configured = self.configured.and_then(|configured| configured.any.value_set(SERVER_TIMING));
        let own_timing = configured.unwrap_or(own_timing);
        let mut changes = self.close(draft);
        // What an upstream says of its time stands behind what the gateway says of its own.
        if !timing.is_empty() && !own_timing.is_empty() && timing != own_timing {
            changes.add(SERVER_TIMING, timing);
        }
        changes
    }

    fn removed(&self) -> &[String] {
        self.rules.map(|rules| rules.remove.as_slice()).unwrap_or_default()
    }

    /// Adds what comes last: to a session that the answer is its own, the config's headers, and what it varies by, which they must not
    /// hide.
    fn close(&self, draft: Draft<'_>) -> HeaderChanges {
        let Draft { mut changes, cache_control } = draft;
        let made_private = self.sharing == Sharing::Nobody && !says(cache_control, &SAYS_WHO);
        if made_private {
            changes.add(CACHE_CONTROL, "private");
        }
        if let Some(configured) = self.configured {
            changes.append(&configured.any);
            if !made_private && !says(cache_control, &KEPT_OUT) {
                changes.append(&configured.for_caches);
            }
        }
        if let Some(vary) = self.vary {
            changes.add("vary", vary);
        }
        if self.sharing != Sharing::Anyone {
            changes.add("vary", "Cookie");
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Texts<'t> = &'t [(&'t str, &'t str)];

    fn owned(headers: Texts<'_>) -> HeaderTexts {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn headers(headers: Texts<'_>) -> Vec<Header> {
        owned(headers).into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// What the gateway says in these tests, and what it says it to.
    #[derive(Default)]
    struct Case<'c> {
        answer: Texts<'c>,
        own: Texts<'c>,
        set: Texts<'c>,
        remove: &'c [&'c str],
        configured: Texts<'c>,
        vary: Option<&'static str>,
        sharing: Option<Sharing>,
        policy: Option<&'c str>,
        keeps_challenges: bool,
    }

    impl Case<'_> {
        /// Returns the values of a header, as they stand in what `say` returns for headers that are there already.
        fn with(&self, say: impl FnOnce(Closing<'_>) -> HeaderChanges, there: Texts<'_>, name: &str) -> String {
            let remove = self.remove.iter().map(|name| (*name).to_owned()).collect();
            let rules = HeaderRules { set: owned(self.set), remove };
            let configured = ConfiguredHeaders::of(&owned(self.configured));
            let closing = Closing {
                own: headers(self.own),
                rules: Some(&rules),
                configured: Some(&configured),
                vary: self.vary,
                sharing: self.sharing.unwrap_or(Sharing::Anyone),
                keeps_challenges: self.keeps_challenges,
            };
            let headers = say(closing).carried_out(there);
            let values: Vec<_> =
                headers.into_iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect();
            if values.is_empty() { "none".to_owned() } else { values.join(", ") }
        }

        fn made(&self, name: &str) -> String {
            self.with(|closing| closing.of_made(&headers(self.answer), self.policy), &[], name)
        }

        fn relayed(&self, name: &str) -> String {
            let lines: Vec<_> = self.answer.iter().flat_map(|(name, value)| [*name, *value]).collect();
            let lines = lines.join("\n");
            self.with(
                |closing| closing.of_relayed(&HeaderLines::new(lines), Some("__Host-s"), false),
                self.answer,
                name,
            )
        }
    }

    #[test]
    fn what_is_to_stay_out_of_caches_stays_out() {
        let no_store: Texts<'_> = &[("cache-control", "no-store")];
        let public: Texts<'_> =
            &[("cache-control", "public"), ("cdn-cache-control", "max-age=60"), ("surrogate-control", "max-age=60")];
        let table = [
            ("of the gateway's own", Case { answer: no_store, configured: public, ..Case::default() }),
            ("whatever its path sets", Case { answer: no_store, set: public, ..Case::default() }),
            ("or removes", Case { answer: no_store, remove: &["cache-control"], ..Case::default() }),
            ("of the config's own", Case { configured: &[no_store, public].concat(), ..Case::default() }),
        ];
        for (message, case) in table {
            let values = ["cache-control", "cdn-cache-control", "surrogate-control"].map(|name| case.made(name));
            assert_eq!(values, ["no-store", "none", "none"], "{message}");
        }
        let upstream =
            Case { answer: &[("cache-control", "max-age=60, Private")], configured: public, ..Case::default() };
        assert_eq!(upstream.relayed("cache-control"), "max-age=60, Private", "of an upstream");
        assert_eq!(upstream.relayed("cdn-cache-control"), "none", "of an upstream");
        let ruled = Case { answer: no_store, set: public, ..Case::default() };
        assert_eq!(ruled.relayed("cache-control"), "public", "but for what the path of an upstream says");
        let open = Case { answer: &[("cache-control", "privately")], configured: public, ..Case::default() };
        assert_eq!(open.relayed("cache-control"), "public", "a word that looks like it keeps nothing out");
        for remove in [&["cache-control"][..], &[]] {
            let connection: Texts<'_> = &[("cache-control", "private"), ("connection", "Cache-Control")];
            let answer = if remove.is_empty() { connection } else { no_store };
            let case = Case { answer, remove, configured: public, ..Case::default() };
            assert_eq!(case.relayed("cdn-cache-control"), "max-age=60", "nor what no longer stands there");
        }
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
            ("private=\"x-own\"", "private=\"x-own\""),
        ] {
            let answer = &[("cache-control", said)];
            let case = Case { answer, sharing: Some(Sharing::Nobody), vary: Some("Origin"), ..Case::default() };
            assert_eq!(case.relayed("cache-control"), expected);
            assert_eq!(case.made("cache-control"), expected);
            assert_eq!(case.relayed("vary"), "Origin, Cookie", "{said}");
        }
        let silent = |sharing| Case { sharing, configured: &[("cdn-cache-control", "max-age=60")], ..Case::default() };
        let table = [
            (Some(Sharing::Nobody), ["private", "none", "Cookie"]),
            (Some(Sharing::ByCookie), ["none", "max-age=60", "Cookie"]),
            (Some(Sharing::Anyone), ["none", "max-age=60", "none"]),
        ];
        for (sharing, expected) in table {
            let values = ["cache-control", "cdn-cache-control", "vary"].map(|name| silent(sharing).relayed(name));
            assert_eq!(values, expected, "{sharing:?}");
        }
    }

    #[test]
    fn headers_that_no_answer_brings_are_removed_if_they_are_there() {
        let lines = "access-control-max-age\n1\nconnection\nclose\nlocation\n/a";
        let closing = Closing {
            own: Vec::new(),
            rules: None,
            configured: None,
            vary: None,
            sharing: Sharing::Anyone,
            keeps_challenges: false,
        };
        let changes = |under_cors| closing.of_relayed(&HeaderLines::new(lines.to_owned()), None, under_cors);
        assert_eq!(changes(false).as_str(), "-connection\n\n-close\n\n");
        assert_eq!(changes(true).as_str(), "-access-control-max-age\n\n-connection\n\n-close\n\n");
    }

    #[test]
    fn only_the_gateway_challenges_clients_of_its_resources() {
        let answer: Texts<'_> = &[("www-authenticate", "Bearer resource_metadata=\"https://evil.example/m\"")];
        for (keeps_challenges, set, expected) in [
            (false, answer, answer[0].1),
            (true, &[][..], "none"),
            (true, &[("www-authenticate", "Basic")][..], "Basic"),
        ] {
            let case = Case { answer, set, keeps_challenges, ..Case::default() };
            assert_eq!(case.relayed("www-authenticate"), expected, "{set:?}");
        }
    }

    #[test]
    fn headers_of_an_upstreams_connection_and_cookies_of_the_gateway_do_not_pass() {
        let answer: Texts<'_> = &[
            ("connection", "X-Hop,close"),
            ("x-hop", "1"),
            ("x-rest", "1"),
            ("set-cookie", "a=1"),
            ("set-cookie", "__Host-s=1; Path=/"),
            ("set-cookie", " = s = 1"),
            ("set-cookie", "bargate-login=1"),
            ("set-cookie", "ss=1"),
        ];
        let case = Case { answer, own: &[("set-cookie", "s=own")], ..Case::default() };
        assert_eq!(["x-hop", "x-rest"].map(|name| case.relayed(name)), ["none", "1"]);
        assert_eq!(case.relayed("set-cookie"), "a=1, ss=1, s=own");
        let removed = Case { answer, remove: &["x-rest"], ..Case::default() };
        assert_eq!(removed.relayed("x-rest"), "none");
        let removed = Case { answer, remove: &["set-cookie"], own: &[("set-cookie", "s=own")], ..Case::default() };
        assert_eq!(removed.relayed("set-cookie"), "s=own", "others' cookies do not come back if one is the gateway's");
        let hop = Case { answer: &[answer, &[("connection", "Set-Cookie")]].concat()[1..], ..Case::default() };
        assert_eq!(hop.relayed("set-cookie"), "none", "nor those of the connection");
    }

    #[test]
    fn what_an_upstream_says_of_its_time_stands_behind_the_gateways() {
        let answer: Texts<'_> = &[("server-timing", "db;dur=5")];
        let own: Texts<'_> = &[("server-timing", "auth;dur=1")];
        let configured: Texts<'_> = &[("server-timing", "cfg;dur=2")];
        let table = [
            ("both", Case { answer, own, ..Case::default() }, "auth;dur=1, db;dur=5"),
            ("the upstream's", Case { answer, ..Case::default() }, "db;dur=5"),
            ("the gateway's", Case { own, ..Case::default() }, "auth;dur=1"),
            ("the upstream's and the config's", Case { answer, configured, ..Case::default() }, "cfg;dur=2, db;dur=5"),
            ("one that both say", Case { answer, own: answer, ..Case::default() }, "db;dur=5"),
            (
                "the gateway's, under a path that removes the upstream's",
                Case { answer, own, remove: &["server-timing"], ..Case::default() },
                "auth;dur=1",
            ),
            ("none, under such a path", Case { answer, remove: &["server-timing"], ..Case::default() }, "none"),
        ];
        for (message, case, expected) in table {
            assert_eq!(case.relayed("server-timing"), expected, "{message}");
        }
    }

    #[test]
    fn a_page_of_the_gateway_keeps_its_policy() {
        let other: Texts<'_> = &[("content-security-policy", "default-src 'self'"), ("x-frame-options", "DENY")];
        let policy = Some("script-src 'nonce-a'");
        for case in [
            Case { policy, configured: other, ..Case::default() },
            Case { policy, set: other, ..Case::default() },
            Case { policy, remove: &["content-security-policy"], configured: other, ..Case::default() },
        ] {
            assert_eq!(case.made("content-security-policy"), "script-src 'nonce-a'");
            assert_eq!(case.made("x-frame-options"), "DENY");
            let answer = Case { policy: None, ..case };

            assert_eq!(answer.made("content-security-policy"), other[0].1, "but other answers have that one");
        }
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
