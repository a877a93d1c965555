//! The gateway's own tokens for upstreams, as far as an isolate has them.

use std::rc::Rc;

use super::cache::{Known, SessionCache, SessionToken};
use crate::token::Authentication;

/// If an upstream refuses a token, another is requested at most this often: an upstream that refuses all would bring as many token
/// requests as it gets requests.
const REFUSED_PAUSE_MS: f64 = 10_000.0;

/// Tokens, by what tells them apart. They are in a cache as those of sessions are, because each type of value would bring the code of a
/// cache of its own.
#[derive(Default)]
pub struct OwnTokens(SessionCache);

impl OwnTokens {
    /// Returns the token of a name, if it is used at `now_ms`.
    pub fn get(&mut self, name: &str, now_ms: f64) -> Option<Rc<str>> {
        match self.0.find(name, now_ms, f64::INFINITY)? {
            Known::Token(token) => Some(token.token),
            Known::LoggedOut | Known::Replaced => None,
        }
    }

    /// Caches a token that is used until `until` (seconds since 1970).
    pub fn insert(&mut self, name: &str, token: Rc<str>, until: i64) {
        let asked_again_ms = until as f64 * 1000.0;
        let (subject, id_token, authentication) = (None, None, Authentication::default());
        let token = SessionToken { token, until, asked_again_ms, subject, id_token, authentication };
        self.0.insert(name, Known::Token(token), asked_again_ms);
    }

    /// Drops a token that an upstream refused at `now_ms`; returns whether another may be had.
    pub fn refuse(&mut self, name: &str, token: &str, now_ms: f64) -> bool {
        if self.get(name, now_ms).is_some_and(|known| *known == *token) {
            if self.is_refused(name, now_ms) {
                return false;
            }
            self.0.remove(name);
            self.0.insert(&refusal(name), Known::Replaced, now_ms + REFUSED_PAUSE_MS);
        }
        true
    }

    /// Checks whether an upstream refused a token lately, so that one which others stored will not do.
    pub fn is_refused(&mut self, name: &str, now_ms: f64) -> bool {
        self.0.find(&refusal(name), now_ms, REFUSED_PAUSE_MS).is_some()
    }
}

/// Returns the name of what is known of a refusal; that of a token has fewer lines.
fn refusal(name: &str) -> String {
    [name, "\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: f64 = 1_000_000.0;

    #[test]
    fn a_token_is_used_until_its_end_and_by_its_own_name() {
        let mut tokens = OwnTokens::default();
        tokens.insert("k", "a".into(), 1_100);
        assert_eq!(tokens.get("k", 1_099_999.0).as_deref(), Some("a"), "just before its end");
        assert_eq!(tokens.get("k", 1_100_000.0), None, "then");
        assert_eq!(tokens.get("other", NOW_MS), None, "another's");
    }

    #[test]
    fn a_refused_token_is_replaced_once_in_a_while() {
        let mut tokens = OwnTokens::default();
        assert!(tokens.refuse("k", "a", NOW_MS) && !tokens.is_refused("k", NOW_MS), "one that is not cached");
        tokens.insert("k", "a".into(), 1_100);
        assert!(tokens.refuse("k", "before", NOW_MS), "one that another took the place of");
        assert_eq!((tokens.get("k", NOW_MS).as_deref(), tokens.is_refused("k", NOW_MS)), (Some("a"), false), "stays");
        assert!(tokens.refuse("k", "a", NOW_MS), "for the first time");
        assert_eq!((tokens.get("k", NOW_MS), tokens.is_refused("k", NOW_MS)), (None, true), "it is dropped");
        assert!(!tokens.is_refused("other", NOW_MS), "that says nothing of another");
        assert!(tokens.refuse("k", "a", NOW_MS), "again, by a request that was on its way");
        tokens.insert("k", "b".into(), 1_100);
        assert!(!tokens.refuse("k", "b", NOW_MS + 9_999.0), "too soon: it may be the upstream that is wrong");
        assert_eq!(tokens.get("k", NOW_MS).as_deref(), Some("b"), "it stays");
        assert!(!tokens.is_refused("k", NOW_MS + 10_000.0) && tokens.refuse("k", "b", NOW_MS + 10_000.0), "later");
    }

    #[test]
    fn the_tokens_of_any_number_of_callers_are_bounded() {
        let mut tokens = OwnTokens::default();
        let name = |caller: usize| ["k".repeat(16 * 1024), caller.to_string()].concat();
        for caller in 0..1_000 {
            tokens.insert(&name(caller), "t".into(), 1_100);
        }
        let cached = (0..1_000).filter(|caller| tokens.get(&name(*caller), NOW_MS).is_some()).count();
        assert!((1..=256).contains(&cached), "2 MiB in each of two halves: {cached}");
    }
}
