//! Bytes as text: base64 (RFC 4648), percent-encoding (RFC 3986 section 2.1) and forms. By ourselves, since the packages for it,
//! with tables and unrolled loops, are 3 KiB of the Worker; the tests compare them.

mod form;
mod percent;

pub use form::{FormText, form_pairs, form_value};
pub use percent::{MalformedEscape, decode_percent_into, push_percent_encoded};

/// The letters of base64url, each at the number that it stands for.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What a byte that is not a letter stands for: more than any.
const NONE: u8 = 0xff;
/// What each byte stands for.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < LETTERS.len() {
        values[LETTERS[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Returns bytes as base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)) << (24 - 8 * chunk.len());
        for index in 0..=chunk.len() {
            let value = word >> (18 - 6 * index) & 63;
            text.push(char::from(LETTERS.get(value as usize).copied().unwrap_or_default()));
        }
    }
    text
}

/// Returns bytes as base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let letters = base64url(bytes);
    let padding = letters.len().next_multiple_of(4) - letters.len();
    let plain = |letter| match letter {
        '-' => '+',
        '_' => '/',
        letter => letter,
    };
    letters.chars().map(plain).chain(std::iter::repeat_n('=', padding)).collect()
}

/// Returns the bytes of a base64url text without padding, of which each has one: stray bits at its end are refused.
pub fn base64url_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() * 3 / 4];
    let mut places = bytes.iter_mut();
    let (mut held, mut bits, mut seen) = (0_u32, 0, 0);
    for letter in text.bytes() {
        let value = VALUES.get(usize::from(letter)).copied().unwrap_or(NONE);
        seen |= value;
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *places.next()? = (held >> bits) as u8;
            held &= (1 << bits) - 1;
        }
    }
    (seen < 64 && held == 0 && bits < 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_refused_that_are_not_the_one_of_their_bytes() {
        let table = [
            ("", Some(&b""[..]), "nothing"),
            ("Zg", Some(b"f"), "a byte"),
            ("Zm8", Some(b"fo"), "two bytes"),
            ("-__-_w", Some(b"\xfb\xff\xfe\xff"), "the letters that base64 has others for"),
            ("+//+/w", None, "those others"),
            ("Zg==", None, "padding"),
            ("Zh", None, "a stray bit behind one byte"),
            ("Zm9", None, "a stray bit behind two bytes"),
            ("Z", None, "a letter alone, of bits that are not zero"),
            ("A", None, "a letter alone, of zeros"),
            ("Zm9vA", None, "a letter alone behind others"),
            ("Zm 9v", None, "a space"),
            ("Zm\u{e9}", None, "more than ASCII"),
        ];
        for (text, bytes, message) in table {
            assert_eq!(base64url_bytes(text).as_deref(), bytes, "{message}");
        }
    }

    proptest! {
        #[test]
        fn bytes_are_encoded_as_the_package_does(bytes: Vec<u8>) {
            prop_assert_eq!(base64(&bytes), STANDARD.encode(&bytes));
            prop_assert_eq!(base64url(&bytes), URL_SAFE_NO_PAD.encode(&bytes));
        }

        #[test]
        fn texts_are_decoded_as_the_package_does(text in "[A-Za-z0-9_-]{0,12}|[A-D+/=_ -]{0,5}") {
            prop_assert_eq!(base64url_bytes(&text), URL_SAFE_NO_PAD.decode(&text).ok());
        }
    }
}
