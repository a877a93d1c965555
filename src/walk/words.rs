//! Words of the reference of errors, for those who read them in a terminal.

/// Returns words of the reference without their marks: `code` and [links](page).
pub fn words_of(marked: &str) -> String {
    let mut text = String::new();
    let mut rest = marked;
    while let Some((before, behind)) = rest.split_once('[') {
        text.push_str(before);
        rest = match behind.split_once("](").and_then(|(label, address)| Some((label, address.split_once(')')?.1))) {
            Some((label, behind)) => {
                text.push_str(label);
                behind
            }
            None => {
                text.push('[');
                behind
            }
        };
    }
    text.push_str(rest);
    text.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_marks_and_nothing_else() {
        let table = [
            ("Log in.", "Log in."),
            ("Send `a`, see [Step-up](login.md#step-up).", "Send a, see Step-up."),
            ("a [b] (c) [d](e", "a [b] (c) [d](e"),
        ];
        for (marked, expected) in table {
            assert_eq!(words_of(marked), expected);
        }
    }
}
