//! Remembers what was used most recently, bounded in number and bytes.

use std::collections::HashMap;

/// Values by text, in two halves.
///
/// A full younger half becomes the older one, and the older one goes; what is used moves to the younger. So what goes is what
/// was used least recently, and no request pays for a search for it.
pub struct Recent<V> {
    young: Half<V>,
    old: Half<V>,
    entries_max: usize,
    bytes_max: usize,
}

struct Half<V> {
    entries: HashMap<Box<str>, Entry<V>>,
    bytes: usize,
}

struct Entry<V> {
    value: V,
    bytes: usize,
}

impl<V> Default for Half<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), bytes: 0 }
    }
}

impl<V> Recent<V> {
    /// Begins empty; each half holds at most that many entries and bytes.
    pub fn new(entries_max: usize, bytes_max: usize) -> Self {
        Self { young: Half::default(), old: Half::default(), entries_max, bytes_max }
    }

    /// Gives the value of `key`, found by its whole text, where it is `good`.
    pub fn get(&mut self, key: &str, good: impl Fn(&V) -> bool) -> Option<&V> {
        if !self.young.entries.contains_key(key) {
            let (key, entry) = self.old.take(key)?;
            self.put(key, entry);
        }
        self.young.entries.get(key).map(|entry| &entry.value).filter(|value| good(value))
    }

    /// Remembers a value that weighs `bytes`.
    pub fn insert(&mut self, key: &str, value: V, bytes: usize) {
        self.put(key.into(), Entry { value, bytes });
    }

    /// Forgets a value.
    pub fn remove(&mut self, key: &str) {
        self.young.take(key);
        self.old.take(key);
    }

    fn put(&mut self, key: Box<str>, entry: Entry<V>) {
        if self.young.entries.len() >= self.entries_max || self.young.bytes + entry.bytes > self.bytes_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.bytes += entry.bytes;
        if let Some(before) = self.young.entries.insert(key, entry) {
            self.young.bytes -= before.bytes;
        }
    }
}

impl<V> Half<V> {
    fn take(&mut self, key: &str) -> Option<(Box<str>, Entry<V>)> {
        let (key, entry) = self.entries.remove_entry(key)?;
        self.bytes -= entry.bytes;
        Some((key, entry))
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
