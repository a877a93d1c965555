//! A text and the name to call it by. Compiled for the host only.

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// The path as it was given; `<stdin>` for standard input.
    pub name: String,
    /// Its text.
    pub text: String,
}
