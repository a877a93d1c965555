//! Notes about a description: one line for all places with the same note.

use std::collections::HashMap;

/// The most places that a line names if each has the note in its entry too; the others are counted.
const PLACES_SHOWN_MAX: usize = 3;

/// The most lines of one kind; the others are counted.
const LINES_SHOWN_MAX: usize = 5;

/// The notes, in the order in which they came up.
#[derive(Default)]
pub struct Notes {
    list: Vec<Note>,
    by_text: HashMap<(String, AlsoIn), usize>,
}

struct Note {
    also_in: AlsoIn,
    kind: Option<Kind>,
    text: String,
    places: Vec<String>,
}

/// Where else a note is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlsoIn {
    /// In the entry of its place.
    Entry,
    /// In the entry of its place, which answers 501.
    BlockedEntry,
    /// Nowhere.
    Nothing,
}

/// A kind of note whose words differ at each place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It is in a file that the description refers to.
    Elsewhere,
    /// Another entry matches the same requests.
    Shared,
}

impl Notes {
    /// Adds a note about a place; an empty place is the whole description.
    pub fn add(&mut self, also_in: AlsoIn, place: &str, text: impl Into<String>) {
        self.add_of(None, also_in, place, text.into());
    }

    /// Adds a note of a kind.
    pub fn add_of(&mut self, kind: Option<Kind>, also_in: AlsoIn, place: &str, text: String) {
        let next = self.list.len();
        let index = *self.by_text.entry((text.clone(), also_in)).or_insert(next);
        if index == next {
            self.list.push(Note { also_in, kind, text, places: Vec::new() });
        }
        if let Some(note) = self.list.get_mut(index).filter(|_| !place.is_empty()) {
            note.places.push(place.to_owned());
        }
    }

    /// Returns the lines; without a config they do not mention its entries.
    pub fn lines(&self, is_made: bool) -> Vec<String> {
        let mut of_kind: HashMap<Kind, usize> = HashMap::new();
        let (mut lines, mut elsewhere) = (Vec::new(), 0);
        for note in &self.list {
            let count = note.kind.map(|kind| {
                let count = of_kind.entry(kind).or_default();
                *count += 1;
                *count
            });
            if note.kind == Some(Kind::Elsewhere) {
                elsewhere += note.places.len();
            }
            if count.is_none_or(|count| count <= LINES_SHOWN_MAX) {
                lines.push(note.line(is_made));
            }
        }
        let mut left: Vec<_> = of_kind.iter().filter(|(_, count)| **count > LINES_SHOWN_MAX).collect();
        left.sort_by_key(|(kind, _)| **kind as u8);
        for (kind, count) in left {
            let what = match kind {
                Kind::Elsewhere => "about references to other files",
                Kind::Shared => "about requests that match more than one entry",
            };
            let where_else = if is_made { ", each under x-review of its entry" } else { "" };
            lines.push(format!("{} more notes {what}{where_else}", count - LINES_SHOWN_MAX));
        }
        if elsewhere > 0 {
            lines.push(
                "the description has more than one file: run `npx @redocly/cli bundle FILE -o bundled.yaml`, and import the result"
                    .to_owned(),
            );
        }
        lines
    }
}

impl Note {
    fn line(&self, is_made: bool) -> String {
        let shown = match self.also_in {
            // A line names each skipped place, except for what is in another file: there the advice is to bundle.
            AlsoIn::BlockedEntry if self.kind.is_none() => usize::MAX,
            AlsoIn::Entry | AlsoIn::BlockedEntry => PLACES_SHOWN_MAX,
            AlsoIn::Nothing => usize::MAX,
        };
        let mut line = self.places.iter().take(shown).cloned().collect::<Vec<_>>().join(", ");
        if self.places.len() > shown {
            line.push_str(&format!(" and {} more", self.places.len() - shown));
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&self.text);
        if is_made && self.also_in == AlsoIn::BlockedEntry {
            line.push_str("; the path answers 501");
        }
        line
    }
}

/// Returns a text as one line.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_many_places_is_one_line() {
        let mut notes = Notes::default();
        for number in 1..=1_564 {
            notes.add(AlsoIn::Entry, &format!("GET /{number}"), "an API key");
            notes.add(AlsoIn::Nothing, &format!("TRACE /{number}"), format!("left out {}", number % 2));
            let text = format!("it refers to \"{number}.yaml\"");
            notes.add_of(Some(Kind::Elsewhere), AlsoIn::BlockedEntry, &format!("PUT /{number}"), text);
        }
        for place in ["GET /a", "GET /b", "GET /c", "GET /d"] {
            notes.add(AlsoIn::BlockedEntry, place, "too many scopes");
        }
        notes.add(AlsoIn::Entry, "", "extensions");
        let lines = notes.lines(true);
        assert_eq!(lines[0], "GET /1, GET /2, GET /3 and 1561 more: an API key");
        assert!(lines[1].starts_with("TRACE /1, TRACE /3, "), "{}", lines[1]);
        assert!(lines[1].ends_with("TRACE /1563: left out 1"), "each that no entry names is named here");
        assert_eq!(lines[2], "PUT /1: it refers to \"1.yaml\"; the path answers 501");
        assert_eq!(lines.len(), 12, "{lines:#?}");
        assert_eq!(lines[8], "GET /a, GET /b, GET /c, GET /d: too many scopes; the path answers 501");
        assert_eq!(lines[10], "1559 more notes about references to other files, each under x-review of its entry");
        assert!(lines[11].contains("bundle"), "{}", lines[11]);
        let lines = notes.lines(false);
        assert!(lines.iter().all(|line| !line.contains("answers 501") && !line.contains("x-review")), "{lines:#?}");
    }
}
