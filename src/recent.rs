//! Remembers what was used most recently, bounded in number and bytes.

use crate::places::Places;

/// Values by text, in two halves.
///
/// A full younger half becomes the older one, and the older one goes; what is used moves to the younger. So what goes is what
/// was used least recently, and no request pays for a search for it.
#[derive(Clone)]
pub struct Recent<V> {
    young: Half<V>,
    old: Half<V>,
    entries_max: usize,
    bytes_max: usize,
}

/// What is taken from it leaves its place empty, and its text goes with the half.
#[derive(Clone)]
struct Half<V> {
    places: Places<'static>,
    entries: Vec<Option<Entry<V>>>,
    /// Of all that was put, less what another took the place of.
    bytes: usize,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    bytes: usize,
}

impl<V> Default for Half<V> {
    fn default() -> Self {
        Self { places: Places::default(), entries: Vec::new(), bytes: 0 }
    }
}

impl<V> Recent<V> {
    /// Begins empty; each half has at most that many entries and bytes.
    pub fn new(entries_max: usize, bytes_max: usize) -> Self {
        Self { young: Half::default(), old: Half::default(), entries_max, bytes_max }
    }

    /// Returns the value of `key`, found by its whole text, if it is `good`.
    pub fn get(&mut self, key: &str, good: impl Fn(&V) -> bool) -> Option<&V> {
        let place = match self.young.places.get(key) {
            Some(place) if self.young.entries.get(place).is_some_and(Option::is_some) => place,
            _ => {
                let entry = self.old.entry(key)?.take()?;
                self.put(key, entry)
            }
        };
        let entry = self.young.entries.get(place)?.as_ref()?;
        Some(&entry.value).filter(|value| good(value))
    }

    /// Remembers a value that weighs `bytes`.
    pub fn insert(&mut self, key: &str, value: V, bytes: usize) {
        self.put(key, Entry { value, bytes });
    }

    /// Forgets a value.
    pub fn remove(&mut self, key: &str) {
        for half in [&mut self.young, &mut self.old] {
            if let Some(entry) = half.entry(key) {
                *entry = None;
            }
        }
    }

    /// Returns the place in the younger half.
    fn put(&mut self, key: &str, entry: Entry<V>) -> usize {
        if self.young.entries.len() >= self.entries_max || self.young.bytes + entry.bytes > self.bytes_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.put(key, entry)
    }
}

impl<V> Half<V> {
    fn put(&mut self, key: &str, entry: Entry<V>) -> usize {
        self.bytes += entry.bytes;
        let next = self.entries.len();
        let place = self.places.add(key.to_owned().into(), next).unwrap_or(next);
        match self.entries.get_mut(place) {
            Some(known) => {
                let before = known.replace(entry);
                self.bytes -= before.map_or(0, |before| before.bytes);
            }
            None => self.entries.push(Some(entry)),
        }
        place
    }

    fn entry(&mut self, key: &str) -> Option<&mut Option<Entry<V>>> {
        self.entries.get_mut(self.places.get(key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_least_recently_goes() {
        let mut recent = Recent::new(2, 100);
        for key in ["a", "b"] {
            recent.insert(key, key, 1);
        }
        recent.insert("c", "c", 1);
        assert_eq!(recent.get("a", |_| true), Some(&"a"), "moved to the younger half");
        recent.insert("d", "d", 1);
        assert_eq!(recent.get("b", |_| true), None, "went with the older half");
        for key in ["a", "c", "d"] {
            assert!(recent.get(key, |_| true).is_some(), "{key}");
        }
    }

    #[test]
    fn a_value_is_weighed_once_and_forgotten_when_asked() {
        let mut recent = Recent::new(10, 10);
        for _ in 0..100 {
            recent.insert("a", 1, 4);
        }
        recent.insert("b", 2, 4);
        assert!(recent.get("a", |_| true).is_some() && recent.get("b", |_| true).is_some());
        assert_eq!(recent.get("a", |value| *value == 2), None, "not good");
        recent.remove("a");
        assert_eq!(recent.get("a", |_| true), None);
    }
}
