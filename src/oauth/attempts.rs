//! Grants that clients bring, on their way to the provider: how many of one client it may refuse, and which were used.
//!
//! Anybody can make up codes and refresh tokens, and the gateway shows each to the provider under the application's secret. So
//! the refused ones count. For a client with valid grants nothing is counted, no matter who shares its address.

use super::LOGIN_STATE_MAX_SECS;
use crate::problem::Problem;

/// Most grants of one client that were refused lately or are with the provider; more than the tabs of an office behind one address
/// refresh in one moment.
const REFUSED_MAX: f64 = 20.0;

/// A refused grant counts for this long after the one before it.
const COUNTS_FOR_MS: f64 = 3_000.0;

/// When one of them no longer counts.
const RETRY_AFTER_SECS: u32 = 3;

/// A grant that is with the provider for longer than this has come to nothing: a call may not take so long.
const LOST_AFTER_MS: f64 = 30_000.0;

/// What was used is remembered for this long: as long as a login may take.
const USED_FOR_MS: f64 = LOGIN_STATE_MAX_SECS as f64 * 1000.0;

/// Most names that are remembered, the oldest going first; they are looked for one by one.
const NAMES_MAX: usize = 1_000;

/// Longest name of a grant in bytes; codes have fewer, and an isolate has 128 MiB for all it does.
const NAME_MAX_BYTES: usize = 4 * 1024;

/// What an isolate knows of clients and of their grants, by name.
#[derive(Default)]
pub struct Attempts {
    known: Vec<Known>,
    oldest: usize,
}

struct Known {
    /// Whether it is a client; a code that looks like another client's address must not be taken for it.
    is_client: bool,
    name: String,
    /// How many refused grants count, for a client.
    refused: f64,
    /// Since when, in milliseconds since 1970; of a grant until when it is not to be shown again.
    at_ms: f64,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The provider granted or refused a code, which is valid once.
    Used {
        /// Whether it refused it.
        refused: bool,
    },
    /// The grant may be shown again.
    Open {
        /// Whether the provider refused it.
        refused: bool,
    },
}

impl Ended {
    /// Returns how an attempt ended, by its failure if it failed.
    pub fn by(failure: Option<&Problem>, is_code: bool) -> Self {
        match failure {
            None if is_code => Self::Used { refused: false },
            Some(Problem::CodeInvalid(_)) => Self::Used { refused: true },
            Some(Problem::RefreshTokenInvalid(_)) => Self::Open { refused: true },
            _ => Self::Open { refused: false },
        }
    }
}

impl Attempts {
    /// Begins an attempt of `client` with a grant, which may have several names; `false` if one of them is with the provider or
    /// was used, or is longer than names are. A caller that gets `true` ends the attempt.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if too many of the client's were refused.
    pub fn begin(&mut self, client: &str, names: &[&str], now_ms: f64) -> Result<bool, Problem> {
        let shown = |name: &str| self.get(false, name).is_some_and(|known| now_ms < known.at_ms);
        if names.iter().any(|name| name.len() > NAME_MAX_BYTES || shown(name)) {
            return Ok(false);
        }
        let refused = self.refused(client, now_ms) + 1.0;
        if refused > REFUSED_MAX {
            return Err(Problem::RateLimited { wait_secs: RETRY_AFTER_SECS, policy: None });
        }
        // Counted until it is known to be valid, or many at once would all pass.
        self.put(true, client, refused, now_ms);
        for name in names {
            self.put(false, name, 0.0, now_ms + LOST_AFTER_MS);
        }
        Ok(true)
    }

    /// Ends an attempt.
    pub fn end(&mut self, client: &str, names: &[&str], ended: Ended, now_ms: f64) {
        let (Ended::Used { refused } | Ended::Open { refused }) = ended;
        if !refused {
            let others = self.refused(client, now_ms) - 1.0;
            self.put(true, client, others, now_ms);
        }
        let until = if matches!(ended, Ended::Used { .. }) { now_ms + USED_FOR_MS } else { 0.0 };
        for name in names {
            self.put(false, name, 0.0, until);
        }
    }

    fn refused(&self, client: &str, now_ms: f64) -> f64 {
        // A time in the future is from before the clock was set back, and nobody knows how long ago that was.
        let counted = |known: &Known| known.refused - (now_ms - known.at_ms).abs() / COUNTS_FOR_MS;
        self.get(true, client).map_or(0.0, counted).max(0.0)
    }

    fn get(&self, is_client: bool, name: &str) -> Option<&Known> {
        self.known.iter().find(|known| known.is(is_client, name))
    }

    fn put(&mut self, is_client: bool, name: &str, refused: f64, at_ms: f64) {
        if let Some(known) = self.known.iter_mut().find(|known| known.is(is_client, name)) {
            (known.refused, known.at_ms) = (refused, at_ms);
            return;
        }
        let fresh = Known { is_client, name: name.to_owned(), refused, at_ms };
        match self.known.get_mut(self.oldest) {
            Some(oldest) => *oldest = fresh,
            None => self.known.push(fresh),
        }
        self.oldest = (self.oldest + 1) % NAMES_MAX;
    }
}

impl Known {
    fn is(&self, client: bool, name: &str) -> bool {
        self.is_client == client && self.name == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes an attempt that ends at once.
    fn attempt(attempts: &mut Attempts, client: &str, ended: Ended, now_ms: f64) -> Result<(), Problem> {
        let grant = format!("grant {}", attempts.known.len());
        assert!(attempts.begin(client, &[&grant], now_ms)?, "it is known to nobody");
        attempts.end(client, &[&grant], ended, now_ms);
        Ok(())
    }

    #[test]
    fn a_client_whose_grants_are_refused_must_wait_and_no_other() {
        const OPEN: Ended = Ended::Open { refused: false };
        const REFUSED: Ended = Ended::Open { refused: true };
        let mut attempts = Attempts::default();
        for _ in 0..100 {
            assert!(attempt(&mut attempts, "a", OPEN, 0.0).is_ok(), "what is not refused does not count");
        }
        let shown = (0..50).filter(|_| attempt(&mut attempts, "a", REFUSED, 0.0).is_ok()).count();
        assert_eq!(shown, 20);
        let problem = attempt(&mut attempts, "a", REFUSED, 0.0).unwrap_err();
        assert_eq!((problem.status(), problem.code()), (429, "rate_limited"));
        assert!(problem.headers().contains(&("retry-after".into(), "3".into())));
        assert!(attempt(&mut attempts, "b", REFUSED, 0.0).is_ok(), "another client");
        assert!(attempt(&mut attempts, "a", REFUSED, 2_999.0).is_err());
        assert!(attempt(&mut attempts, "a", REFUSED, 3_000.0).is_ok(), "one after the wait");
        assert!(attempt(&mut attempts, "a", REFUSED, 3_000.0).is_err(), "and no more");
        assert!(attempt(&mut attempts, "a", OPEN, 90_000.0).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_refuses_no_client() {
        let mut attempts = Attempts::default();
        let hour = 3_600_000.0;
        assert!(attempt(&mut attempts, "a", Ended::Open { refused: false }, hour).is_ok());
        assert!(attempt(&mut attempts, "a", Ended::Open { refused: false }, 0.0).is_ok(), "an hour before");
        for _ in 0..20 {
            assert!(attempt(&mut attempts, "b", Ended::Open { refused: true }, hour).is_ok());
        }
        assert!(attempt(&mut attempts, "b", Ended::Open { refused: true }, hour).is_err());
        assert!(attempt(&mut attempts, "b", Ended::Open { refused: true }, 0.0).is_ok(), "nor for an hour");
    }

    #[test]
    fn many_at_once_are_counted_before_any_is_answered_and_one_grant_only_once() {
        let mut attempts = Attempts::default();
        let grants: Vec<_> = (0..50).map(|grant| grant.to_string()).collect();
        let begun = grants.iter().filter(|grant| attempts.begin("a", &[grant], 0.0).is_ok()).count();
        assert_eq!(begun, 20);
        for grant in &grants[..20] {
            assert!(!attempts.begin("a", &[grant], 29_999.0).unwrap(), "it is with the provider");
            attempts.end("a", &[grant], Ended::Open { refused: false }, 0.0);
        }
        assert!(attempts.begin("a", &["next"], 0.0).unwrap(), "all of those were good");
        assert!(attempts.begin("a", &["next"], 30_000.0).unwrap(), "one that was lost is begun anew");
    }

    #[test]
    fn a_code_that_was_used_or_refused_is_not_shown_again_under_any_of_its_names() {
        let hour = 3_600_000.0;
        let table = [
            (None, true, Ended::Used { refused: false }, "a code for tokens"),
            (None, false, Ended::Open { refused: false }, "a refresh token, which may not rotate"),
            (Some(Problem::CodeInvalid(Box::default())), true, Ended::Used { refused: true }, "a code that is none"),
            (
                Some(Problem::RefreshTokenInvalid(Box::default())),
                false,
                Ended::Open { refused: true },
                "a token that is none",
            ),
            (
                Some(Problem::IdpRejected(Box::default())),
                true,
                Ended::Open { refused: false },
                "the gateway's own fault",
            ),
            (Some(Problem::IdpTimeout), true, Ended::Open { refused: false }, "a provider that is away"),
        ];
        for (failure, is_code, expected, message) in table {
            let ended = Ended::by(failure.as_ref(), is_code);
            assert_eq!(ended, expected, "{message}");
            let mut attempts = Attempts::default();
            assert!(attempts.begin("a", &["code", "login"], 0.0).unwrap());
            attempts.end("a", &["code", "login"], ended, 0.0);
            for names in [["code", "another"], ["yet another", "login"]] {
                let again = attempts.begin("b", &names, hour - 1.0).unwrap();
                assert_eq!(again, matches!(ended, Ended::Open { .. }), "{message}: {names:?}");
            }
            assert!(attempts.begin("b", &["code", "login"], 2.0 * hour).unwrap(), "{message}, long ago");
        }
    }

    #[test]
    fn a_grant_that_is_called_like_a_client_is_not_taken_for_it() {
        let mut attempts = Attempts::default();
        attempts.end("a", &["192.0.2.1"], Ended::Used { refused: true }, 0.0);
        assert!(attempts.begin("192.0.2.1", &["other"], 0.0).unwrap());
        assert!(!attempts.begin("a", &["192.0.2.1"], 0.0).unwrap());
    }

    #[test]
    fn the_oldest_names_go_first_and_none_takes_the_room_of_all() {
        let mut attempts = Attempts::default();
        attempts.end("a", &["first"], Ended::Used { refused: false }, 0.0);
        for name in 0..NAMES_MAX {
            attempts.end("a", &[&name.to_string()], Ended::Used { refused: false }, 0.0);
        }
        assert!(attempts.begin("a", &["first"], 1.0).unwrap(), "forgotten");
        assert!(!attempts.begin("a", &["999"], 1.0).unwrap(), "remembered");
        assert!(!attempts.begin("a", &[&"x".repeat(4 * 1024 + 1)], 1.0).unwrap(), "too long");
        assert!(attempts.begin("a", &[&"x".repeat(4 * 1024)], 1.0).unwrap(), "the longest");
        assert_eq!(attempts.known.len(), NAMES_MAX);
    }
}
