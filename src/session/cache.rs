//! What an isolate knows of sessions without asking them.

use std::rc::Rc;

use super::cookie::SessionCookie;
use super::record::TOKEN_CACHE_MAX_SECS;
use crate::recent::Recent;
use crate::token::Authentication;

/// Most sessions in one half of the cache, and most bytes of their names and tokens.
const SESSIONS_MAX: usize = 1_000;
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// An access token of a session. It has no `Debug`, because it is a secret.
#[derive(Clone)]
pub struct SessionToken {
    /// The token.
    pub token: Rc<str>,
    /// When it expires, in seconds since 1970.
    pub until: i64,
    /// When the session is to be asked again, in milliseconds since 1970.
    pub asked_again_ms: f64,
    /// Whose the session is, by the ID token of its login.
    pub subject: Option<Rc<str>>,
    /// The session's ID token, if the config has requests read it.
    pub id_token: Option<Rc<str>>,
    /// How the user was authenticated, by the ID token of its login.
    pub authentication: Authentication,
}

/// What an isolate knows of a session counts for this long at the most, in milliseconds.
const SESSION_MAX_MS: f64 = TOKEN_CACHE_MAX_SECS as f64 * 1000.0;

/// What an isolate knows of a session.
#[derive(Clone)]
pub enum Known {
    /// Its access token, which may be used without asking again.
    Token(SessionToken),
    /// It was logged out here, whatever an answer says that was on its way.
    LoggedOut,
    /// A login took its place, whose cookie the browser may have by the time of the answer.
    Replaced,
}

/// What is known of sessions, by cookie, and until when. Times are milliseconds since 1970.
#[derive(Clone)]
pub struct SessionCache(Recent<(Known, f64)>);

impl Default for SessionCache {
    fn default() -> Self {
        Self(Recent::new(SESSIONS_MAX, BYTES_MAX))
    }
}

impl SessionCache {
    /// Returns what is known of a session at `now_ms`.
    pub fn get(&mut self, cookie: &SessionCookie, now_ms: f64) -> Option<Known> {
        self.find(&cookie.value(), now_ms, SESSION_MAX_MS)
    }

    /// Returns the token that a session gave for a target. Its end is told by [`Self::get`].
    pub fn get_for(&mut self, cookie: &SessionCookie, target: &str, now_ms: f64) -> Option<SessionToken> {
        match self.find(&name(cookie, Some(target)), now_ms, SESSION_MAX_MS)? {
            Known::Token(token) => Some(token),
            Known::LoggedOut | Known::Replaced => None,
        }
    }

    /// Returns what is known by a name, for `max_ms` at the longest: what would last longer is from before the clock was set back.
    pub(super) fn find(&mut self, name: &str, now_ms: f64, max_ms: f64) -> Option<Known> {
        let counts = |(_, until_ms): &(Known, f64)| now_ms < *until_ms && *until_ms - now_ms <= max_ms;
        self.0.get(name, counts).map(|(known, _)| known.clone())
    }

    /// Caches the token that a session gave, for a target if there is one. An end that was answered meanwhile stays.
    pub fn learn(&mut self, cookie: &SessionCookie, target: Option<&str>, token: &SessionToken, now_ms: f64) {
        if !matches!(self.get(cookie, now_ms), Some(Known::LoggedOut | Known::Replaced)) {
            self.insert(&name(cookie, target), Known::Token(token.clone()), token.asked_again_ms);
        }
    }

    /// Remembers at `now_ms` how a session ended, for as long as any isolate may use what it gave.
    pub fn end(&mut self, cookie: &SessionCookie, replaced: bool, now_ms: f64) {
        let known = if replaced { Known::Replaced } else { Known::LoggedOut };
        self.insert(&cookie.value(), known, now_ms + SESSION_MAX_MS);
    }

    /// Forgets a session, which is asked again.
    pub fn forget(&mut self, cookie: &SessionCookie) {
        self.remove(&cookie.value());
    }

    /// Forgets what is known by a name.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Remembers what is known by a name.
    pub(super) fn insert(&mut self, name: &str, known: Known, until_ms: f64) {
        let bytes = match &known {
            Known::Token(SessionToken { token, id_token, authentication: Authentication { acr, .. }, .. }) => {
                [Some(token), id_token.as_ref(), acr.as_ref()].into_iter().flatten().map(|text| text.len()).sum()
            }
            Known::LoggedOut | Known::Replaced => 0,
        };
        self.0.insert(name, (known, until_ms), name.len() + bytes);
    }
}

/// Returns the name of what is known of a session, or of its token for a target.
fn name(cookie: &SessionCookie, target: Option<&str>) -> String {
    let mut name = cookie.value();
    if let Some(target) = target {
        name.push(' ');
        name.push_str(target);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> SessionToken {
        let (subject, id_token, authentication) = (None, None, Authentication::default());
        SessionToken { token: text.into(), until: 60, asked_again_ms: 5_000.0, subject, id_token, authentication }
    }

    #[test]
    fn a_token_counts_until_the_session_is_to_be_asked_again_and_never_over_its_end() {
        let cookie = SessionCookie::from_random([1; 16], [2; 16]);
        let token = kept("t");
        let learned = |known: Option<Known>| match known {
            None => "nothing",
            Some(Known::Token(_)) => "its token",
            Some(Known::LoggedOut) => "that it was logged out",
            Some(Known::Replaced) => "that it was replaced",
        };
        let mut cache = SessionCache::default();
        assert_eq!(learned(cache.get(&cookie, 0.0)), "nothing");
        cache.learn(&cookie, None, &token, 0.0);
        assert_eq!(learned(cache.get(&cookie, 4_999.0)), "its token");
        assert_eq!(learned(cache.get(&cookie, 5_000.0)), "nothing");
        for (replaced, expected) in [(false, "that it was logged out"), (true, "that it was replaced")] {
            cache.end(&cookie, replaced, 0.0);
            cache.learn(&cookie, None, &token, 1.0);
            assert_eq!(
                learned(cache.get(&cookie, 14_999.0)),
                expected,
                "an answer that was on its way changes nothing"
            );
            assert_eq!(learned(cache.get(&cookie, 15_000.0)), "nothing");
        }
        cache.learn(&cookie, None, &token, 15_000.0);
        cache.forget(&cookie);
        assert_eq!(learned(cache.get(&cookie, 0.0)), "nothing");
    }

    #[test]
    fn a_token_is_for_its_session_and_its_target_and_no_other() {
        let (mine, anothers) =
            (SessionCookie::from_random([1; 16], [2; 16]), SessionCookie::from_random([3; 16], [2; 16]));
        let mut cache = SessionCache::default();
        for (target, text) in [(None, "login"), (Some("audience\na\n\na"), "a"), (Some("audience\na\nr\na"), "a, read")]
        {
            let token = kept(text);
            cache.learn(&mine, target, &token, 0.0);
        }
        let mut held = |cookie, target| cache.get_for(cookie, target, 4_999.0).map(|token| token.token.to_string());
        assert_eq!(held(&mine, "audience\na\n\na").as_deref(), Some("a"));
        assert_eq!(held(&mine, "audience\na\nr\na").as_deref(), Some("a, read"), "another scope");
        assert_eq!(held(&mine, "resource\na\n\na"), None, "another parameter");
        assert_eq!(held(&anothers, "audience\na\n\na"), None, "another session");
        assert!(cache.get_for(&mine, "audience\na\n\na", 5_000.0).is_none(), "when the session is to be asked again");
        let token = kept("late");
        cache.end(&mine, false, 0.0);
        cache.learn(&mine, Some("audience\nb\n\nb"), &token, 1.0);
        assert!(cache.get_for(&mine, "audience\nb\n\nb", 1.0).is_none(), "an answer that was on its way past the end");
    }

    #[test]
    fn many_tokens_are_kept_and_no_more_than_there_is_room_for() {
        let cookie = |session: u16| {
            let [high, low] = session.to_be_bytes();
            SessionCookie::from_random([[high; 8], [low; 8]].concat().try_into().unwrap(), [0; 16])
        };
        for (bytes, sessions, kept_at_least) in [(4 * 1024, 100, 100), (64 * 1024, 100, 25)] {
            let mut cache = SessionCache::default();
            let token = kept(&"t".repeat(bytes));
            for session in 0..sessions {
                cache.learn(&cookie(session), None, &token, 0.0);
            }
            let found = (0..sessions).filter(|session| cache.get(&cookie(*session), 0.0).is_some()).count();
            assert!(
                (kept_at_least..=4 * 1024 * 1024 / bytes).contains(&found),
                "of {sessions} with {bytes} bytes: {found}"
            );
        }
    }
}
