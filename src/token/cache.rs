//! Remembers tokens that have verified, so that the next request with one costs a look-up.
//!
//! A token is found by its whole text, never by a digest or a part. This cache knows no keys: it is told the generation of
//! the key set, and forgets what another generation verified.

use std::collections::HashMap;
use std::rc::Rc;

use super::VerifiedClaims;

/// Most tokens in one half; some thousand users share an isolate in its life.
const TOKENS_MAX: usize = 1_000;

/// Most bytes of token text in one half; claims take about as much again, and an isolate has 128 MiB for all it does.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Verified tokens in two halves.
///
/// A full younger half becomes the older one, and the older one goes; a token that is used moves to the younger. So what
/// goes is what was used least recently, and no request pays for a search for it.
#[derive(Default)]
pub struct TokenCache {
    young: Half,
    old: Half,
}

#[derive(Default)]
struct Half {
    entries: HashMap<Box<str>, Entry>,
    bytes: usize,
}

struct Entry {
    claims: Rc<VerifiedClaims>,
    generation: u64,
    good_until: i64,
}

impl TokenCache {
    /// Gives the claims of `token` if it was verified under `generation` and has not expired at `now`.
    pub fn get(&mut self, token: &str, generation: u64, now: i64) -> Option<Rc<VerifiedClaims>> {
        let good = |entry: &Entry| entry.generation == generation && entry.good_until > now;
        if let Some(entry) = self.young.entries.get(token) {
            return good(entry).then(|| Rc::clone(&entry.claims));
        }
        let (token, entry) = self.old.take(token).filter(|(_, entry)| good(entry))?;
        let claims = Rc::clone(&entry.claims);
        self.put(token, entry);
        Some(claims)
    }

    /// Remembers a token that `generation` verified, until `good_until` (seconds since 1970).
    pub fn insert(&mut self, token: &str, claims: Rc<VerifiedClaims>, generation: u64, good_until: i64) {
        self.put(token.into(), Entry { claims, generation, good_until });
    }

    fn put(&mut self, token: Box<str>, entry: Entry) {
        if self.young.entries.len() >= TOKENS_MAX || self.young.bytes + token.len() > BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        let bytes = token.len();
        if self.young.entries.insert(token, entry).is_none() {
            self.young.bytes += bytes;
        }
    }
}

impl Half {
    fn take(&mut self, token: &str) -> Option<(Box<str>, Entry)> {
        let (token, entry) = self.entries.remove_entry(token)?;
        self.bytes -= token.len();
        Some((token, entry))
    }
}
