//! Remembers tokens that have verified, so that the next request with one costs a look-up.
//!
//! A token is found by its whole text, never by a digest or a part. This cache knows no keys: it is told the generation of
//! the key set, and forgets what another generation verified.

use std::collections::HashMap;
use std::rc::Rc;

use super::VerifiedClaims;

/// Most tokens kept; some thousand users share an isolate in its life.
const TOKENS_MAX: usize = 2_000;

/// Most bytes of token text kept; claims take about as much again, and an isolate has 128 MiB for all it does.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Verified tokens, the least recently used going first.
#[derive(Default)]
pub struct TokenCache {
    entries: HashMap<Box<str>, Entry>,
    bytes: usize,
    clock: u64,
}

struct Entry {
    claims: Rc<VerifiedClaims>,
    generation: u64,
    good_until: i64,
    last_used: u64,
}

impl TokenCache {
    /// Gives the claims of `token` if it was verified under `generation` and has not expired at `now`.
    pub fn get(&mut self, token: &str, generation: u64, now: i64) -> Option<Rc<VerifiedClaims>> {
        self.clock += 1;
        let entry = self.entries.get_mut(token)?;
        if entry.generation != generation || entry.good_until <= now {
            let (key, _) = self.entries.remove_entry(token)?;
            self.bytes -= key.len();
            return None;
        }
        entry.last_used = self.clock;
        Some(Rc::clone(&entry.claims))
    }

    /// Remembers a token that `generation` verified, until `good_until` (seconds since 1970).
    pub fn insert(&mut self, token: &str, claims: Rc<VerifiedClaims>, generation: u64, good_until: i64) {
        self.clock += 1;
        let entry = Entry { claims, generation, good_until, last_used: self.clock };
        if self.entries.insert(token.into(), entry).is_none() {
            self.bytes += token.len();
        }
        if self.entries.len() > TOKENS_MAX || self.bytes > BYTES_MAX {
            self.evict();
        }
    }

    /// Drops the older half at once, so that the sort is paid for by the thousand insertions before it.
    fn evict(&mut self) {
        let mut ages: Vec<u64> = self.entries.values().map(|entry| entry.last_used).collect();
        let middle = ages.len() / 2;
        let (_, oldest_kept, _) = ages.select_nth_unstable(middle);
        let oldest_kept = *oldest_kept;
        self.entries.retain(|_, entry| entry.last_used >= oldest_kept);
        self.bytes = self.entries.keys().map(|token| token.len()).sum();
    }
}
