//! Caches verified tokens, so that the next request with one costs only a look-up.
//!
//! A token is found by its whole text, never by a digest or a part. This cache has no keys: callers pass the generation of
//! the key set, and the cache drops what another generation verified.

use std::rc::Rc;

use super::claims::VerifiedClaims;
use crate::recent::Recent;

/// Most tokens in one half; a few thousand users share an isolate in its life.
const TOKENS_MAX: usize = 1_000;

/// Most bytes of token text in one half; claims take about as much again, and an isolate has 128 MiB in all.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Verified tokens; those used least recently go first.
pub struct TokenCache(Recent<Entry>);

struct Entry {
    claims: Rc<VerifiedClaims>,
    generation: u64,
    valid_until: i64,
}

impl Default for TokenCache {
    fn default() -> Self {
        Self(Recent::new(TOKENS_MAX, BYTES_MAX))
    }
}

impl TokenCache {
    /// Returns the claims of `token` if it was verified under `generation` and has not expired at `now`.
    pub fn get(&mut self, token: &str, generation: u64, now: i64) -> Option<Rc<VerifiedClaims>> {
        let good = |entry: &Entry| entry.generation == generation && entry.valid_until > now;
        self.0.get(token, good).map(|entry| Rc::clone(&entry.claims))
    }

    /// Caches a token that `generation` verified, until `valid_until` (seconds since 1970).
    pub fn insert(&mut self, token: &str, claims: Rc<VerifiedClaims>, generation: u64, valid_until: i64) {
        self.0.insert(token, Entry { claims, generation, valid_until }, token.len());
    }
}
