//! What is wrong with a config: one diagnostic a mistake, with its place in the file as written.
//!
//! This module does not decide what is a mistake, nor what of a value a message may show.

use std::fmt;

use super::code::Code;
use super::host_only::HostOnly;

/// One error or warning of a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake it is.
    pub code: Code,
    /// Where in the document, such as `paths[2].integration.type`; empty for the document itself.
    pub path: String,
    /// Byte offset in the file, a byte order mark not counted.
    pub offset: usize,
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The keys that it is about besides its place: those that are absent, or the one that an unknown key was meant to be.
    pub keys: HostOnly<Vec<&'static str>>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}[{}]: ", self.line, self.column, self.code.severity().as_str(), self.code)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}

/// Characters are counted in blocks of this many bytes, so that a file that is all one line is not counted from its start for
/// each mistake.
const BLOCK_BYTES: usize = 64 * 1024;

/// Turns byte offsets of one text into lines and columns.
#[derive(Clone)]
pub struct LineIndex<'s> {
    source: &'s str,
    line_starts: Vec<usize>,
    /// Where each block begins, and how many characters are before it.
    blocks: Vec<(usize, usize)>,
}

impl<'s> LineIndex<'s> {
    /// Finds the lines of `source`.
    pub fn new(source: &'s str) -> Self {
        let line_starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut blocks = vec![(0, 0)];
        let (mut start, mut characters) = (0, 0);
        while source.len() - start > BLOCK_BYTES {
            let end = source.floor_char_boundary(start + BLOCK_BYTES);
            characters += characters_between(source, start, end);
            start = end;
            blocks.push((start, characters));
        }
        Self { source, line_starts, blocks }
    }

    /// Returns line and column (in characters), both from 1, of a byte offset.
    pub fn locate(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        (line, self.characters_before(offset).saturating_sub(self.characters_before(start)) + 1)
    }

    fn characters_before(&self, offset: usize) -> usize {
        let block = self.blocks.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        let (start, characters) = self.blocks.get(block).copied().unwrap_or_default();
        characters + characters_between(self.source, start, offset)
    }
}

fn characters_between(source: &str, start: usize, end: usize) -> usize {
    source.get(start..end).map_or(0, |text| text.chars().count())
}

/// Longest text for which a likely meaning is looked for, in bytes: what takes the product of two lengths must not meet a
/// megabyte.
const NEAREST_MAX_BYTES: usize = 128;

/// The most names among which a likely meaning is looked for.
const NEAREST_CANDIDATES_MAX: usize = 512;

/// The most names that a help lists.
const LISTED_MAX: usize = 24;

/// Returns names as a help lists them.
pub fn listed<'c>(mut names: impl Iterator<Item = &'c str>) -> String {
    let mut text = names.by_ref().take(LISTED_MAX).collect::<Vec<_>>().join(", ");
    if names.next().is_some() {
        text.push_str(", …");
    }
    text
}

/// Returns the candidate that `written` most likely means, if one is similar enough, or is `written` with more words behind it.
pub fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if written.len() > NEAREST_MAX_BYTES {
        return None;
    }
    let allowed = 1 + written.chars().count() / 4;
    let has_more_words = |candidate: &str| candidate.strip_prefix(written).is_some_and(|rest| rest.starts_with('_'));
    let lower = written.to_ascii_lowercase();
    candidates
        .into_iter()
        .take(NEAREST_CANDIDATES_MAX)
        .filter(|candidate| candidate.len() <= NEAREST_MAX_BYTES)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed || has_more_words(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_lines_and_columns_in_characters() {
        let index = LineIndex::new("{\n  \"é\": 1\n}");
        assert_eq!(index.locate(0), (1, 1));
        assert_eq!(index.locate(4), (2, 3), "the opening quote of the key");
        assert_eq!(index.locate(9), (2, 7), "after a two-byte character the column counts one");
        assert_eq!(index.locate(12), (3, 1));
    }

    #[test]
    fn a_long_line_is_counted_to_the_same_columns() {
        let source = format!("{}\n{}x", "é".repeat(BLOCK_BYTES), "aé".repeat(BLOCK_BYTES));
        let index = LineIndex::new(&source);
        for offset in (0..source.len()).step_by(997).filter(|offset| source.is_char_boundary(*offset)) {
            let (line, before) = match source[..offset].rsplit_once('\n') {
                Some((_, before)) => (2, before),
                None => (1, &source[..offset]),
            };
            assert_eq!(index.locate(offset), (line, before.chars().count() + 1), "{offset}");
        }
    }

    #[test]
    fn the_nearest_candidate_is_offered_only_when_it_is_near() {
        let keys = ["client_id", "client_secret", "domain"];
        assert_eq!(nearest("clientid", keys), Some("client_id"));
        assert_eq!(nearest("Domain", keys), Some("domain"));
        assert_eq!(nearest("doamin", keys), Some("domain"), "a transposition counts one");
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("client", keys), Some("client_id"), "without the unit, or another last word");
        assert_eq!(nearest("", keys), None);
    }
}
