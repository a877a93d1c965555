//! Texts of Markdown as editors show them, which is plainly.

/// Returns the text up to its first blank line.
pub fn first_paragraph(text: &str) -> &str {
    text.split("\n\n").next().unwrap_or_default()
}

/// Returns a text of Markdown as editors show it: without the marks of code, without sentences that only point elsewhere, and of
/// other links no more than their words.
pub fn plain(markdown: &str) -> String {
    let mut sentences = markdown.split(" See [");
    let first = sentences.next().unwrap_or_default();
    let behind = sentences.filter_map(|sentence| Some(sentence.split_once(").")?.1));
    let markdown: String = std::iter::once(first).chain(behind).collect();
    let mut text = String::with_capacity(markdown.len());
    let mut rest = markdown.as_str();
    while let Some((before, behind)) = rest.split_once("](") {
        match (before.rsplit_once('['), behind.split_once(')')) {
            (Some((before, words)), Some((_, behind))) => {
                text.push_str(before);
                text.push_str(words);
                rest = behind;
            }
            _ => break,
        }
    }
    text.push_str(rest);
    text.replace('`', "").replace('\n', " ")
}
