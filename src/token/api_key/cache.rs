//! What an isolate knows of keys: the records of the config, and what it remembers of those in KV, also that there is none.

use std::rc::Rc;

use super::{KnownKey, same_digest};
use crate::config::ApiKeys;
use crate::recent::Recent;

/// A key that KV does not have is not looked for again for this long.
pub const UNKNOWN_CACHE_SECS: i64 = 60;

/// While KV cannot be read, a key that was known is accepted for this long after it was last read.
const STALE_MAX_SECS: i64 = 10 * 60;

/// After KV could not be read, it is not asked about a key that was known for this long.
const RETRY_SECS: i64 = 5;

/// Most keys in one half, of either kind.
const KEYS_MAX: usize = 1_000;

/// Most bytes of records in one half.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// What KV has under the digest of a key.
#[derive(Clone)]
pub enum Stored {
    /// Its record.
    Known(Rc<KnownKey>),
    /// Nothing.
    Unknown,
    /// What is no record, for this reason, or one of a later version.
    Unreadable(String),
}

/// What is known.
pub struct KeyCache {
    listed: Vec<(String, Rc<KnownKey>)>,
    known: Recent<Entry>,
    /// Apart, so that made-up keys push no known one out.
    unknown: Recent<Entry>,
    cache_secs: i64,
    has_kv: bool,
}

#[derive(Clone)]
struct Entry {
    stored: Stored,
    read_at: i64,
    /// When KV could not be read last, if that was after the reading.
    failed_at: Option<i64>,
}

/// What to do about a key.
pub enum LookUp {
    /// What is remembered counts.
    Use(Stored),
    /// KV is to be read. If it cannot be, this counts.
    Read(Option<Stored>),
}

impl KeyCache {
    /// Begins with the records of the config.
    pub fn new(keys: &ApiKeys) -> Self {
        let [known, unknown] = [(); 2].map(|()| Recent::new(KEYS_MAX, BYTES_MAX));
        let listed = keys.listed.iter();
        let listed = listed.map(|(digest, record)| (digest.clone(), Rc::new(KnownKey::new(digest, record.clone()))));
        Self { listed: listed.collect(), known, unknown, cache_secs: keys.cache_secs, has_kv: keys.kv.is_some() }
    }

    /// Returns what to do about the key of a digest at `now`, in seconds since 1970.
    pub fn look_up(&mut self, digest: &str, now: i64) -> LookUp {
        let mut found = (!self.has_kv).then_some(Stored::Unknown);
        // Each is compared, wherever the one is.
        for (listed, known) in &self.listed {
            if same_digest(listed, digest) {
                found = Some(Stored::Known(Rc::clone(known)));
            }
        }
        if let Some(found) = found {
            return LookUp::Use(found);
        }
        // What was read in the future was read before the clock was set back.
        let within = |since: i64, secs: i64| (since..since.saturating_add(secs)).contains(&now);
        let lasts = self.cache_secs.max(STALE_MAX_SECS);
        let known = self.known.get(digest, |entry| within(entry.read_at, lasts));
        if let Some(Entry { stored, read_at, failed_at }) = known {
            let is_fresh = within(*read_at, self.cache_secs);
            if is_fresh || failed_at.is_some_and(|at| within(at, RETRY_SECS)) {
                return LookUp::Use(stored.clone());
            }
            return LookUp::Read(Some(stored.clone()));
        }
        match self.unknown.get(digest, |entry| within(entry.read_at, UNKNOWN_CACHE_SECS)) {
            Some(entry) => LookUp::Use(entry.stored.clone()),
            None => LookUp::Read(None),
        }
    }

    /// Remembers what KV had when it was asked at `now`, in so many bytes.
    pub fn remember(&mut self, digest: &str, stored: Stored, now: i64, bytes: usize) {
        let (cache, other) = match stored {
            Stored::Known(_) => (&mut self.known, &mut self.unknown),
            Stored::Unknown | Stored::Unreadable(_) => (&mut self.unknown, &mut self.known),
        };
        cache.insert(digest, Entry { stored, read_at: now, failed_at: None }, digest.len() + bytes);
        other.remove(digest);
    }

    /// Remembers that KV could not be read at `now`.
    pub fn fail(&mut self, digest: &str, now: i64) {
        let known = self.known.get(digest, |_| true).cloned();
        if let Some(entry) = known {
            self.known.insert(digest, Entry { failed_at: Some(now), ..entry }, digest.len());
        }
    }
}
