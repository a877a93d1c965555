//! Values are never shown: the text in their place.

/// Returns what is shown in the place of a character: as many bytes, so that offsets stay true. Quotes and line ends stay.
pub fn hidden(c: char) -> String {
    if ['"', '\'', '\n', '\r'].contains(&c) { c.to_string() } else { "*".repeat(c.len_utf8()) }
}
