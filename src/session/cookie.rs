//! The session's cookie: 16 bytes that name the session and 16 bytes that open its tokens, as base64url.

use crate::encoding::{base64url, base64url_bytes};
use crate::http::cookie::{Sent, name_on, sent};
use crate::http::request::RequestHead;
use crate::problem::Problem;

/// Length of each half in bytes: neither can be guessed (RFC 9700 asks for 128 bits if a guess would do).
const HALF_BYTES: usize = 16;

/// The value of a session's cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionCookie {
    name: [u8; HALF_BYTES],
    key: [u8; HALF_BYTES],
}

/// What a request says of a session.
pub enum Presented {
    /// Nothing.
    Absent,
    /// A cookie of the right form.
    Cookie(SessionCookie),
    /// A cookie that a later version of the gateway has set, in a form that begins with its number, from 2 to 9, and a dot.
    Later,
    /// A cookie that no gateway has set.
    Malformed,
    /// More than one cookie.
    Repeated,
}

impl Presented {
    /// Returns the cookie, if there is one.
    ///
    /// # Errors
    /// [`Problem::SessionInvalid`]; [`Problem::StoreUnavailable`] for one of a later version, which that can read once it is deployed again.
    pub fn cookie(self) -> Result<Option<SessionCookie>, Problem> {
        match self {
            Self::Absent => Ok(None),
            Self::Cookie(cookie) => Ok(Some(cookie)),
            Self::Later => Err(Problem::StoreUnavailable("the cookie is of a later version".to_owned())),
            Self::Malformed => Err(Problem::SessionInvalid("the cookie is malformed")),
            // Nobody knows which of them is ours, and the one that stays could be an attacker's.
            Self::Repeated => Err(Problem::SessionInvalid("the cookie was sent more than once")),
        }
    }
}

/// Reads the session of a request.
pub fn presented(request: &impl RequestHead, name: &str, plain_loopback: bool) -> Presented {
    match sent(request, name_on(name, plain_loopback)) {
        Sent::Absent => Presented::Absent,
        Sent::Repeated => Presented::Repeated,
        // No base64url has a dot. What is no number of a version nobody can read later, so its browser is told to drop it.
        Sent::Once(value) if matches!(value.as_bytes(), [b'2'..=b'9', b'.', ..]) => Presented::Later,
        Sent::Once(value) => SessionCookie::parse(&value).map_or(Presented::Malformed, Presented::Cookie),
    }
}

impl SessionCookie {
    /// Makes the cookie of a session that begins, from fresh randomness.
    pub fn from_random(name: [u8; HALF_BYTES], key: [u8; HALF_BYTES]) -> Self {
        Self { name, key }
    }

    /// Parses a value. Each session has one, character by character: base64 whose last bits are stray is refused.
    pub fn parse(value: &str) -> Option<Self> {
        let bytes = base64url_bytes(value)?;
        let (name, key) = bytes.split_at_checked(HALF_BYTES)?;
        Some(Self { name: name.try_into().ok()?, key: key.try_into().ok()? })
    }

    /// Returns the value.
    pub fn value(&self) -> String {
        base64url(&[self.name, self.key].concat())
    }

    /// Returns the name under which the session is stored.
    pub fn object_name(&self) -> String {
        base64url(&self.name)
    }

    /// Returns the half that opens the session's tokens, as text; it is stored only in the cookie.
    pub fn key(&self) -> String {
        base64url(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Head;

    #[test]
    fn a_value_comes_back_as_it_was_and_no_other_form_is_taken() {
        let cookie = SessionCookie::from_random([1; 16], [2; 16]);
        let value = cookie.value();
        assert_eq!(value.len(), 43);
        assert!(SessionCookie::parse(&value) == Some(cookie));
        let stray = format!("{}J", &value[..42]);
        let table = [
            (&value[..42], "truncated"),
            (&format!("{value}A"), "longer"),
            (&format!("{value}="), "padded"),
            (&value.replace('A', "+"), "another alphabet"),
            (&stray, "stray bits at the end"),
            ("", "empty"),
            ("\u{e9}", "no ASCII"),
        ];
        for (text, message) in table {
            assert!(SessionCookie::parse(text).is_none(), "{message}");
        }
    }

    #[test]
    fn a_session_is_presented_by_one_cookie_of_its_name() {
        let value = SessionCookie::from_random([1; 16], [2; 16]).value();
        let read = |header: &str, plain| match presented(&Head("GET", vec![("cookie", header)]), "__Host-s", plain) {
            Presented::Absent => "absent",
            Presented::Cookie(_) => "cookie",
            Presented::Later => "later",
            Presented::Malformed => "malformed",
            Presented::Repeated => "repeated",
        };
        assert_eq!(read(&format!("a=b; __Host-s={value}"), false), "cookie");
        assert_eq!(read(&format!("s={value}"), false), "absent", "the plain name counts on plain loopback alone");
        assert_eq!(read(&format!("s={value}"), true), "cookie");
        assert_eq!(read(&format!("__Host-s={value}; __Host-s={value}"), false), "repeated");
        assert_eq!(read("__Host-s=x", false), "malformed");
        for (version, expected) in [
            ("2.", "later"),
            ("9.", "later"),
            ("1.", "malformed"),
            ("0.", "malformed"),
            ("x.", "malformed"),
            ("..", "malformed"),
            ("22.", "malformed"),
            ("2", "malformed"),
        ] {
            assert_eq!(
                read(&format!("__Host-s={version}{value}"), false),
                expected,
                "{version}: a later one clears no other"
            );
        }
        assert!(matches!(presented(&Head("GET", vec![]), "__Host-s", false), Presented::Absent));
    }

    #[test]
    fn a_session_is_stored_under_the_first_half_and_opened_by_the_second() {
        let cookie = SessionCookie::from_random([1; 16], [2; 16]);
        assert_eq!(cookie.object_name(), base64url(&[1; 16]));
        assert_eq!(cookie.key(), base64url(&[2; 16]));
    }
}
