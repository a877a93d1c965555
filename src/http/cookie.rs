//! Cookies (RFC 6265bis): reading one from a request, and writing one of the gateway's own.
//!
//! It does **not** know what a cookie means: `oauth` has one for logins, `session` one for sessions.

use super::request::RequestHead;

/// Browsers take a cookie of this prefix only from the host itself, over https and for every path, so that no neighbour can
/// plant one (RFC 6265bis section 4.1.3.2).
pub const HOST_PREFIX: &str = "__Host-";

/// What a request says of a cookie.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing.
    Absent,
    /// Its value.
    Once(String),
    /// More than one with that name: another site could have set one of them, so none is accepted.
    Repeated,
}

/// Returns a `Cookie` header in which a semicolon ends each cookie; those that stood behind a comma begin with it. The runtime
/// joins several fields by commas, where RFC 9113 section 8.2.3 has semicolons.
fn separated(header: &str) -> String {
    header.replace(',', ";,")
}

/// Returns a part of a separated header without spaces around it. No other white space: to a browser it would be part of the
/// name, and `__Host-` behind it no prefix, so that a neighbour could plant the cookie.
fn trimmed(part: &str) -> &str {
    part.trim_matches([',', ' ', '\t'])
}

/// Returns the name under which browsers keep what a `Set-Cookie` sets: an empty name before the first `=` is none to them.
pub fn name_of(set_cookie: &str) -> &str {
    let pair = set_cookie.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
    pair.split('=').next().unwrap_or_default().trim()
}

/// Reads the cookie `name` of a request. No value of the gateway contains a comma, so a comma ends it. What follows a comma
/// counts only if no browser sent it. A browser sends one field (RFC 6265 section 5.4), so there it is in a value, which a neighbour
/// may have set: it is no cookie, and must not keep the real one from being read.
pub fn sent(request: &impl RequestHead, name: &str) -> Sent {
    let header = separated(request.header("cookie").unwrap_or_default());
    let is_of_browser = || request.header("user-agent").is_some_and(|agent| agent.starts_with("Mozilla/"));
    let mut sent = Sent::Absent;
    for part in header.split(';') {
        if let Some(value) = trimmed(part).strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            if part.starts_with(',') && is_of_browser() {
                continue;
            }
            sent = if sent == Sent::Absent { Sent::Once(value.to_owned()) } else { Sent::Repeated };
        }
    }
    sent
}

/// Returns a `Cookie` header without the cookies of the names that `drops` picks; as it is if it has none of them, and `None` if
/// nothing is left. A comma ends a cookie as well: the runtime joins several fields so.
pub fn without(header: &str, drops: impl Fn(&str) -> bool) -> Option<String> {
    let dropped = |part: &str| drops(trimmed(part).split('=').next().unwrap_or_default().trim());
    let separated = separated(header);
    if !separated.split(';').any(dropped) {
        return Some(header.to_owned());
    }
    // The others keep every sign: a comma may be part of a value, and the value signed.
    let (mut kept, mut behind_dropped) = (String::new(), false);
    for part in separated.split(';') {
        if dropped(part) {
            behind_dropped = true;
        } else if behind_dropped || kept.is_empty() {
            let rest = part.trim_start_matches([',', ' ', '\t']);
            if rest.is_empty() {
                continue;
            }
            kept.push_str(if kept.is_empty() { "" } else { "; " });
            kept.push_str(rest);
            behind_dropped = false;
        } else {
            kept.push_str(if part.starts_with(',') { "" } else { ";" });
            kept.push_str(part);
        }
    }
    Some(kept).filter(|kept| !kept.is_empty())
}

/// Returns the name of a cookie of the gateway: on plain-http loopback, where browsers refuse the prefix, without it.
pub fn name_on(name: &str, plain_loopback: bool) -> &str {
    name.strip_prefix(HOST_PREFIX).filter(|_| plain_loopback).unwrap_or(name)
}

/// Checks whether a cookie has a name of the gateway, with or without the prefix.
pub fn is_called(sent: &str, name: &str) -> bool {
    sent == name || sent == name_on(name, true)
}

/// Which requests of other sites have a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Navigations with `GET`.
    Lax,
    /// All of them, so also a form that another site posts.
    None,
}

/// Returns a `Set-Cookie` for a cookie of the gateway; a `max_age_secs` of 0 removes it.
pub fn set(name: &str, value: &str, max_age_secs: i64, same_site: SameSite, plain_loopback: bool) -> String {
    // Browsers take one that other sites' requests have only if it is `Secure`, and that they do on loopback, too.
    let (same_site, secure) = match same_site {
        SameSite::Lax if plain_loopback => ("Lax", ""),
        SameSite::Lax => ("Lax", "; Secure"),
        SameSite::None => ("None", "; Secure"),
    };
    // Some that keep cookies without being browsers know a removal only by its date.
    let past = if max_age_secs == 0 { "; Expires=Thu, 01 Jan 1970 00:00:00 GMT" } else { "" };
    let name = name_on(name, plain_loopback);
    format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}; Max-Age={max_age_secs}{past}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Head;

    fn sent(header: &str, name: &str) -> Sent {
        super::sent(&Head("GET", vec![("cookie", header)]), name)
    }

    fn once(value: &str) -> Sent {
        Sent::Once(value.to_owned())
    }

    #[test]
    fn several_fields_are_read_as_one_and_a_value_of_another_plants_no_cookie() {
        let table = [
            ("n=1, a=2", once("1"), once("1"), "the first of two fields"),
            ("a=2; n=1, b=3", once("1"), once("1"), "in the first of two fields"),
            ("a=2, n=1", once("1"), Sent::Absent, "in the second, or in the value of a"),
            ("a=2, b=3; n=1", once("1"), once("1"), "behind a semicolon in the second"),
            ("a=2,n=1", once("1"), Sent::Absent, "without the space"),
            ("a=2, n=1; n=3", Sent::Repeated, once("3"), "in the value of a, before the real one"),
            ("n=3; a=2, n=1", Sent::Repeated, once("3"), "in the value of a, behind the real one"),
            ("n=1, n=1", Sent::Repeated, once("1"), "in both fields"),
            ("n=1; n=2, n=3", Sent::Repeated, Sent::Repeated, "twice, and in a value"),
            ("a=2, xn=1", Sent::Absent, Sent::Absent, "a name that ends alike"),
        ];
        for (header, of_others, of_browsers, message) in table {
            assert_eq!(sent(header, "n"), of_others, "{message}");
            let browser = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36");
            let head = Head("GET", vec![("cookie", header), browser]);
            assert_eq!(super::sent(&head, "n"), of_browsers, "{message}, of a browser");
        }
    }

    #[test]
    fn a_cookie_is_read_by_its_whole_name_and_only_when_it_is_alone() {
        let header = "a=1; bargate-login=x=y; xbargate-login=no";
        assert_eq!(sent(header, "bargate-login"), once("x=y"));
        assert_eq!(sent(header, "login"), Sent::Absent);
        assert_eq!(sent("n=1; n=2", "n"), Sent::Repeated);
        assert_eq!(sent("n=1; n=1", "n"), Sent::Repeated, "even with one value");
        assert_eq!(sent("n", "n"), Sent::Absent, "a name without a value");
        assert_eq!(sent("a=1;\t n=1", "n"), once("1"), "a tab and a space");
        for space in ['\u{85}', '\u{a0}', '\u{2000}', '\u{3000}', '\u{b}', '\u{c}'] {
            assert_eq!(sent(&format!("{space}n=1"), "n"), Sent::Absent, "{space:?} is part of a name");
            assert_eq!(sent(&format!("n=1; {space}n=2"), "n"), once("1"), "{space:?} makes another name");
        }
    }

    #[test]
    fn a_cookie_that_is_set_has_the_name_that_browsers_give_it() {
        let table = [("a=1; Path=/", "a"), ("a", "a"), ("", ""), (" =\t= a =1", "a"), ("=a=1", "a"), ("a b=1", "a b")];
        for (set_cookie, name) in table {
            assert_eq!(name_of(set_cookie), name, "{set_cookie}");
        }
    }

    #[test]
    fn a_cookie_is_the_hosts_own_and_out_of_reach_of_scripts() {
        assert_eq!(
            set("__Host-a", "v", 60, SameSite::Lax, false),
            "__Host-a=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure",
            "https"
        );
        assert_eq!(
            set("__Host-a", "", 0, SameSite::Lax, true),
            "a=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "removed, on plain loopback"
        );
        for (plain_loopback, name) in [(false, "__Host-a"), (true, "a")] {
            assert_eq!(
                set("__Host-a", "v", 60, SameSite::None, plain_loopback),
                format!("{name}=v; Path=/; HttpOnly; SameSite=None; Max-Age=60; Secure"),
                "for a form that another site posts"
            );
        }
        assert!(is_called("__Host-a", "__Host-a") && is_called("a", "__Host-a") && !is_called("b", "__Host-a"));
    }
}
