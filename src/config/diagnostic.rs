//! What is wrong with a config: one diagnostic a mistake, with its place in the file as written.
//!
//! This module does not decide what is a mistake, nor what of a value a message may show.

use std::fmt;

/// Says one mistake in a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name of the kind of mistake, such as `unknown_key`.
    pub code: &'static str,
    /// Where in the document, such as `paths[2].integration.type`; empty for the document itself.
    pub path: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: error[{}]: ", self.line, self.column, self.code)?;
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

/// Turns byte offsets of one text into lines and columns.
pub struct LineIndex<'s> {
    source: &'s str,
    line_starts: Vec<usize>,
}

impl<'s> LineIndex<'s> {
    /// Finds the lines of `source`.
    pub fn new(source: &'s str) -> Self {
        let line_starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, line_starts }
    }

    /// Gives line and column (in characters), both from 1, of a byte offset.
    pub fn locate(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.source.get(start..offset).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }
}

/// Gives the candidate that `written` was most likely meant to be, where one is near enough to say so.
pub fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = 1 + written.chars().count() / 4;
    candidates
        .into_iter()
        .map(|candidate| {
            (strsim::osa_distance(&written.to_ascii_lowercase(), &candidate.to_ascii_lowercase()), candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
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
    fn the_nearest_candidate_is_offered_only_when_it_is_near() {
        let keys = ["client_id", "client_secret", "domain"];
        assert_eq!(nearest("clientid", keys), Some("client_id"));
        assert_eq!(nearest("Domain", keys), Some("domain"));
        assert_eq!(nearest("doamin", keys), Some("domain"), "a transposition counts one");
        assert_eq!(nearest("colour", keys), None);
    }
}
