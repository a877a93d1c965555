//! Cookies (RFC 6265bis): reading one from a request, and writing one of the gateway's own.
//!
//! What a cookie means is its owner's business: [`crate::oauth`] has one for logins, [`crate::session`] one for sessions.

use crate::config::COOKIE_PREFIX;

/// What a request says of a cookie.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent<'h> {
    /// Nothing.
    Absent,
    /// Its value.
    Once(&'h str),
    /// More than one of that name: somebody else could set one of them, so none is believed.
    Repeated,
}

/// Reads the cookie `name` from a `Cookie` header.
pub fn sent<'h>(header: &'h str, name: &str) -> Sent<'h> {
    let mut values = header
        .split(';')
        // No other white space: to a browser it would be part of the name, and `__Host-` behind it no prefix, so that a
        // neighbour could plant the cookie.
        .filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
        .filter_map(|(key, value)| (key == name).then_some(value));
    match (values.next(), values.next()) {
        (None, _) => Sent::Absent,
        (Some(value), None) => Sent::Once(value),
        (Some(_), Some(_)) => Sent::Repeated,
    }
}

/// Gives the name that a cookie of the gateway goes by: on plain-http loopback, where browsers refuse the prefix, without it.
pub fn name_on(name: &str, plain_loopback: bool) -> &str {
    name.strip_prefix(COOKIE_PREFIX).filter(|_| plain_loopback).unwrap_or(name)
}

/// Tells whether a cookie goes by a name of the gateway's, with or without the prefix.
pub fn is_called(sent: &str, name: &str) -> bool {
    sent == name || sent == name_on(name, true)
}

/// Gives a `Set-Cookie` for a cookie of the gateway; a `max_age_secs` of 0 removes it.
pub fn set(name: &str, value: &str, max_age_secs: i64, plain_loopback: bool) -> String {
    let secure = if plain_loopback { "" } else { "; Secure" };
    let name = name_on(name, plain_loopback);
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_secs}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_by_its_whole_name_and_only_when_it_is_alone() {
        let header = "a=1; bargate-login=x=y; xbargate-login=no";
        assert_eq!(sent(header, "bargate-login"), Sent::Once("x=y"));
        assert_eq!(sent(header, "login"), Sent::Absent);
        assert_eq!(sent("n=1; n=2", "n"), Sent::Repeated);
        assert_eq!(sent("n=1; n=1", "n"), Sent::Repeated, "even with one value");
        assert_eq!(sent("n", "n"), Sent::Absent, "a name without a value");
        assert_eq!(sent("a=1;\t n=1", "n"), Sent::Once("1"), "a tab and a space");
        for space in ['\u{85}', '\u{a0}', '\u{2000}', '\u{3000}', '\u{b}', '\u{c}'] {
            assert_eq!(sent(&format!("{space}n=1"), "n"), Sent::Absent, "{space:?} is part of a name");
            assert_eq!(sent(&format!("n=1; {space}n=2"), "n"), Sent::Once("1"), "{space:?} makes another name");
        }
    }

    #[test]
    fn a_cookie_is_the_hosts_own_and_out_of_reach_of_scripts() {
        assert_eq!(
            set("__Host-a", "v", 60, false),
            "__Host-a=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure",
            "https"
        );
        assert_eq!(set("__Host-a", "", 0, true), "a=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", "plain loopback");
        assert!(is_called("__Host-a", "__Host-a") && is_called("a", "__Host-a") && !is_called("b", "__Host-a"));
    }
}
