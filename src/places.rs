//! Places in a list, by text.
//!
//! The gateway's only map whose keys come from outside the code: each type of the standard library's maps brings its own code, and
//! with its hash that is 2.6 KiB of the upload. Nothing is removed; a list that forgets keeps the place empty.

use std::borrow::Cow;

/// No entry: a place that no list has.
const NONE: usize = usize::MAX;

/// So many chains are made for the first entry.
const CHAINS_MIN: usize = 4;

/// An odd number whose bits are spread: 2^32 divided by the golden ratio.
const SPREAD: u32 = 0x9E37_79B9;

/// Leads from texts to places. What has the same place among the chains is one chain, through which a search goes.
#[derive(Debug, Default, Clone)]
pub struct Places<'t> {
    /// The last entry of each chain. Their number is zero or a power of two, and at least that of the entries.
    chains: Vec<usize>,
    entries: Vec<Entry<'t>>,
}

#[derive(Debug, Clone)]
struct Entry<'t> {
    text: Cow<'t, str>,
    hash: usize,
    place: usize,
    /// The entry before it in its chain.
    next: usize,
}

impl<'t> Places<'t> {
    /// Returns the place of a text.
    pub fn get(&self, text: &str) -> Option<usize> {
        let hash = hash(text);
        let mut at = *self.chains.get(self.chain(hash))?;
        loop {
            let entry = self.entries.get(at)?;
            if entry.hash == hash && is_same(&entry.text, text) {
                return Some(entry.place);
            }
            at = entry.next;
        }
    }

    /// Adds a text with its place, unless it has one; returns the one that it has.
    pub fn add(&mut self, text: Cow<'t, str>, place: usize) -> Option<usize> {
        let known = self.get(&text);
        if known.is_none() {
            let at = self.entries.len();
            self.entries.push(Entry { hash: hash(&text), text, place, next: NONE });
            if at < self.chains.len() {
                self.link(at);
            } else {
                self.chains = vec![NONE; (at * 2).max(CHAINS_MIN)];
                (0..=at).for_each(|at| self.link(at));
            }
        }
        known
    }

    /// Yields each text with its place.
    #[cfg(not(target_os = "unknown"))]
    pub fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.entries.iter().map(|entry| (&*entry.text, entry.place))
    }

    /// Puts an entry before the others of its chain.
    fn link(&mut self, at: usize) {
        let chain = self.entries.get(at).map_or(0, |entry| self.chain(entry.hash));
        if let (Some(entry), Some(last)) = (self.entries.get_mut(at), self.chains.get_mut(chain)) {
            entry.next = std::mem::replace(last, at);
        }
    }

    fn chain(&self, hash: usize) -> usize {
        hash & self.chains.len().wrapping_sub(1)
    }
}

/// So many bytes at each end of a text make its hash.
const HASHED_BYTES: usize = 32;

/// Reads only the ends of a text, four bytes at a time: a token has hundreds, begins as others do and ends in its signature, and a cache
/// looks for it several times. To hash and compare all of it was 1.2 of the 6 µs that WebAssembly took for a known token, in a profile.
/// Texts that are made to share a chain cost a comparison each, of which a cache bounds the number.
fn hash(text: &str) -> usize {
    let bytes = text.as_bytes();
    let first = bytes.get(..HASHED_BYTES).unwrap_or(bytes);
    let last = bytes.get(bytes.len().saturating_sub(HASHED_BYTES)..).unwrap_or_default();
    let hash = [first, last].into_iter().fold(0, |hash, bytes| {
        let (words, rest) = bytes.as_chunks::<4>();
        let numbers =
            words.iter().map(|word| u32::from_le_bytes(*word)).chain(rest.iter().map(|byte| u32::from(*byte)));
        numbers.fold(hash, |hash: u32, number| (hash.rotate_left(5) ^ number).wrapping_mul(SPREAD))
    });
    // A chain is chosen by the low bits, on which the last bytes have had little effect.
    (hash ^ hash >> 16) as usize
}

/// Compares eight bytes at a time, which `==` does not do in the Worker: that was four fifths of a look-up of a token, in a profile.
fn is_same(one: &str, other: &str) -> bool {
    let ((words, rest), (others, other_rest)) = (one.as_bytes().as_chunks::<8>(), other.as_bytes().as_chunks::<8>());
    let pairs = words.iter().zip(others);
    one.len() == other.len()
        && rest == other_rest
        && pairs.map(|(one, other)| u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other)).fold(0, |all, one| all | one)
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_place_that_it_was_first_added_with() {
        let mut places = Places::default();
        assert_eq!(places.get(""), None, "nothing was added");
        let texts: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        for (place, text) in texts.iter().enumerate() {
            assert_eq!(places.add(text.as_str().into(), place), None, "{text}");
            assert_eq!(places.add(text.as_str().into(), 7), Some(place), "{text} again");
        }
        for (place, text) in texts.iter().enumerate() {
            assert_eq!(places.get(text), Some(place));
        }
        assert_eq!(places.get("1000"), None);
        assert_eq!(places.iter().count(), texts.len());
    }

    #[test]
    fn texts_of_one_hash_are_told_apart() {
        let mut places = Places::default();
        let end = "e".repeat(HASHED_BYTES);
        let long = ["", "a", "b", "ab"].map(|middle| [&end, middle, &end].concat());
        let short = ["", "\0", "\0\0", "\0\0\0\0"].map(str::to_owned);
        for texts in [&long, &short] {
            assert!(texts.iter().all(|text| hash(text) == hash(&texts[0])));
        }
        let texts: Vec<_> = long.iter().chain(&short).collect();
        for (place, text) in texts.iter().enumerate() {
            assert_eq!(places.get(text), None, "{text}");
            places.add(text.as_str().into(), place);
        }
        for (place, text) in texts.iter().enumerate() {
            assert_eq!(places.get(text), Some(place), "{text}");
        }
    }
}
