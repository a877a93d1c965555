//! Caches what came of tokens, so that the next request with one costs only a look-up.
//!
//! A token is found by its whole text, never by a digest or a part. This cache has no keys: callers pass the generation of
//! the key set, and the cache drops what another generation verified. What the issuer said of a token has a generation of its own.

use super::introspected::{ACTIVE_CACHE_SECS, Verdict};
use crate::recent::Recent;

/// Most tokens in one half; a few thousand users share an isolate in its life.
const TOKENS_MAX: usize = 1_000;

/// Most bytes in one half: of tokens, and of the answers about them. Claims take about as much again, and an isolate has 128 MiB in all.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// The generation of what the issuer said when it was asked: no key set has this one.
pub const ASKED: u64 = 0;

/// The generation of the claims of API keys, which are found by the digests of these.
pub const STORED_KEY: u64 = u64::MAX;

/// The longest time for which the record of a key counts, in seconds.
const KEY_MAX_SECS: i64 = 60 * 60;

/// Tokens; those used least recently go first.
pub struct TokenCache(Recent<Entry>);

struct Entry {
    verdict: Verdict,
    generation: u64,
    valid_until: i64,
}

impl Default for TokenCache {
    fn default() -> Self {
        Self(Recent::new(TOKENS_MAX, BYTES_MAX))
    }
}

impl TokenCache {
    /// Returns what came of `token` under `generation`, if that still counts at `now`.
    pub fn get(&mut self, token: &str, generation: u64, now: i64) -> Option<Verdict> {
        // What was said in the future was said before the clock was set back.
        let max_secs = match generation {
            ASKED => ACTIVE_CACHE_SECS,
            STORED_KEY => KEY_MAX_SECS,
            _ => i64::MAX,
        };
        let good = |entry: &Entry| {
            entry.generation == generation && entry.valid_until > now && entry.valid_until - now <= max_secs
        };
        self.0.get(token, good).map(|entry| entry.verdict.clone())
    }

    /// Caches what came of a token under `generation`, until `valid_until` (seconds since 1970). If the issuer was asked, the claims
    /// are of an answer of so many bytes.
    pub fn insert(&mut self, token: &str, verdict: Verdict, generation: u64, valid_until: i64, answer_bytes: usize) {
        self.0.insert(token, Entry { verdict, generation, valid_until }, token.len() + answer_bytes);
    }

    /// Forgets what came of a token.
    pub fn remove(&mut self, token: &str) {
        self.0.remove(token);
    }
}
