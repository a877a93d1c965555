//! What a shared cache may keep, and for how long (RFC 9111).
//!
//! Which requests ask the gateway's cache, and by what its entries are named, is [`crate::proxy`]'s to say.

use super::date::parse_date;
use super::header_list::HeaderList;

/// The directives of a `Cache-Control` (RFC 9111 section 5.2), each with its value, empty if it has none.
struct Directives<'v>(&'v str);

fn ends_word(c: char) -> bool {
    c.is_ascii_whitespace() || matches!(c, ',' | ';' | '=' | '"')
}

/// Splits a text before the sign that ends its first word.
fn split_word(text: &str) -> (&str, &str) {
    text.find(ends_word).and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""))
}

/// Splits what stands behind an opening quote at the closing one.
fn split_quoted(text: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = text.bytes().position(|b| {
        let is_escaped = std::mem::take(&mut escaped);
        escaped = b == b'\\' && !is_escaped;
        b == b'"' && !is_escaped
    });
    let split = end.and_then(|end| Some((text.get(..end)?, text.get(end + 1..)?)));
    split.unwrap_or((text, ""))
}

impl<'v> Iterator for Directives<'v> {
    type Item = (&'v str, &'v str);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = split_word(self.0.trim_start_matches(ends_word));
        self.0 = rest;
        if name.is_empty() {
            return None;
        }
        let Some(value) = rest.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start) else {
            return Some((name, ""));
        };
        let (value, rest) = value.strip_prefix('"').map_or_else(|| split_word(value), split_quoted);
        self.0 = rest;
        Some((name, value))
    }
}

/// Checks whether a `Cache-Control` has one of these directives, which are in lower case.
pub fn has_directive(cache_control: &str, wanted: &[&str]) -> bool {
    Directives(cache_control).any(|(name, _)| wanted.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)))
}

/// Returns the seconds that a directive has, the least if it stands there more than once; 0 if that is not a number, which makes
/// an answer stale (RFC 9111 section 4.2.1).
pub fn directive_secs(cache_control: &str, wanted: &str) -> Option<u64> {
    let values = Directives(cache_control).filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
    values.map(|(_, value)| if is_number(value) { value.parse().unwrap_or(u64::MAX) } else { 0 }).min()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Codings that the runtime takes off: what is kept has none.
const DECODED: [&str; 2] = ["gzip", "br"];

/// Returns for how many seconds from `now_secs` on an answer may be given to others who ask, at most `ttl_secs`; 0 if it may not
/// (RFC 9111 sections 3 and 4.2). `names` are the request headers by which kept answers are told apart.
pub fn kept_secs<N: AsRef<str>>(status: u16, headers: &HeaderList, names: &[N], ttl_secs: u64, now_secs: i64) -> u64 {
    // What is said to such caches alone (RFC 9213) counts too.
    let mut said = headers.get("cache-control").or_else(|| headers.get("pragma")).unwrap_or_default().into_owned();
    for value in headers.values("cdn-cache-control") {
        said.push(',');
        said.push_str(value);
    }
    let coding = headers.get("content-encoding");
    let is_decoded =
        coding.as_deref().is_none_or(|coding| DECODED.iter().any(|known| coding.eq_ignore_ascii_case(known)));
    // What is kept has no coding, so by `Accept-Encoding` it does not differ.
    let is_told_apart_by = |wanted: &str| {
        wanted.eq_ignore_ascii_case("accept-encoding")
            || names.iter().any(|name| wanted.eq_ignore_ascii_case(name.as_ref()))
    };
    let varies = headers.get("vary").unwrap_or_default();
    let mut varies = varies.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|name| !name.is_empty());
    if status != 200
        || headers.values("set-cookie").next().is_some()
        || has_directive(&said, &["no-store", "no-cache", "private"])
        || !varies.all(is_told_apart_by)
        || !is_decoded
        || coding.is_some() && has_directive(&said, &["no-transform"])
    {
        return 0;
    }
    let dated = headers.get("date").and_then(|date| parse_date(&date)).unwrap_or(now_secs);
    // A date that is not one is one in the past (RFC 9111 section 5.3).
    let until = |date: i64| date.saturating_sub(dated).max(0).cast_unsigned();
    let expires = headers.get("expires").map(|date| parse_date(&date).map_or(0, until));
    let lifetime = directive_secs(&said, "s-maxage").or_else(|| directive_secs(&said, "max-age")).or(expires);
    match lifetime {
        Some(lifetime) => ttl_secs.min(lifetime.saturating_sub(age_secs(headers, now_secs))),
        None if has_directive(&said, &["must-revalidate", "proxy-revalidate"]) => 0,
        None => ttl_secs,
    }
}

/// Returns how old an answer is at `now_secs`, when it comes (RFC 9111 section 4.2.3).
pub fn age_secs(headers: &HeaderList, now_secs: i64) -> u64 {
    let dated = headers.get("date").and_then(|date| parse_date(&date)).unwrap_or(now_secs);
    let said = headers.get("age").unwrap_or_default();
    let said = split_word(said.trim_ascii_start()).0.parse().unwrap_or_default();
    now_secs.saturating_sub(dated).max(0).cast_unsigned().max(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: u64 = 300;
    /// Thu, 01 Oct 2026 12:00:00 GMT
    const NOW: i64 = 1_790_856_000;

    fn list(headers: &[(&str, &str)]) -> HeaderList {
        HeaderList::parse(headers.iter().flat_map(|(name, value)| [*name, *value]))
    }

    /// A date so many seconds before noon, or behind it.
    fn at(seconds: i64) -> String {
        let from_eleven = 3600 + seconds;
        format!(
            "Thu, 01 Oct 2026 {:02}:{:02}:{:02} GMT",
            11 + from_eleven / 3600,
            from_eleven / 60 % 60,
            from_eleven % 60
        )
    }

    #[test]
    fn an_answer_is_kept_as_long_as_rfc_9111_lets_it_be() {
        let (now, past, behind, ahead, ahead_60) = (at(0), at(-1), at(-50), at(50), at(60));
        let (now, past, behind, ahead, ahead_60) = (&*now, &*past, &*behind, &*ahead, &*ahead_60);
        let (half, past_60) = (at(-30), at(-60));
        let (half, past_60) = (&*half, &*past_60);
        let table: &[(&str, &str, &[(&str, &str)], u64)] = &[
            ("as long as the config says, if it says nothing", "3, 4.2.2", &[], TTL),
            ("so if it is public", "5.2.2.9", &[("cache-control", "public")], TTL),
            ("no longer than max-age", "4.2.1", &[("cache-control", "max-age=60")], 60),
            ("no longer than the config says", "4.2.1", &[("cache-control", "max-age=600")], TTL),
            ("not with max-age=0", "4.2.1", &[("cache-control", "max-age=0")], 0),
            ("not with max-age=0, public as it may be", "4.2.1", &[("cache-control", "public, max-age=0")], 0),
            ("for s-maxage before max-age", "4.2.1", &[("cache-control", "max-age=0, s-maxage=60")], 60),
            ("not with s-maxage=0, whatever max-age", "4.2.1", &[("cache-control", "s-maxage=0, max-age=60")], 0),
            ("for max-age before Expires", "5.3", &[("cache-control", "max-age=60"), ("expires", past_60)], 60),
            ("not with max-age=0 before Expires", "5.3", &[("cache-control", "max-age=0"), ("expires", ahead_60)], 0),
            ("for the shorter of two max-age", "4.2.1", &[("cache-control", "max-age=60, max-age=10")], 10),
            ("for a max-age in quotes", "5.2", &[("cache-control", "max-age=\"60\"")], 60),
            ("for a max-age in any letters", "5.2", &[("cache-control", "MAX-AGE=60")], 60),
            ("for a max-age with spaces", "5.2", &[("cache-control", " public , max-age=60 ")], 60),
            (
                "for a max-age of more digits than a number has",
                "1.2.2",
                &[("cache-control", "max-age=99999999999999999999")],
                TTL,
            ),
            (
                "for a max-age beside what is not known",
                "5.2.3",
                &[("cache-control", "community=\"UCI, max-age=7\", max-age=60")],
                60,
            ),
            (
                "for a max-age behind an escaped quote",
                "5.2.3",
                &[("cache-control", "x=\"\\\", no-store\", max-age=60")],
                60,
            ),
            ("not with a max-age that is no number", "4.2.1", &[("cache-control", "max-age=soon")], 0),
            ("not with a max-age below zero", "4.2.1", &[("cache-control", "max-age=-1")], 0),
            ("not with a max-age of fractions", "4.2.1", &[("cache-control", "max-age=1.5")], 0),
            ("not with a max-age without a number", "4.2.1", &[("cache-control", "max-age")], 0),
            ("not if one of two max-age is no number", "4.2.1", &[("cache-control", "max-age=60, max-age=x")], 0),
            ("for what is left of max-age behind Age", "4.2.3", &[("cache-control", "max-age=60"), ("age", "50")], 10),
            ("not once Age has reached max-age", "4.2.3", &[("cache-control", "max-age=60"), ("age", "60")], 0),
            (
                "for what is left of max-age since Date",
                "4.2.3",
                &[("cache-control", "max-age=60"), ("date", behind)],
                10,
            ),
            ("for max-age if Date is ahead", "4.2.3", &[("cache-control", "max-age=60"), ("date", ahead)], 60),
            ("for max-age if Age is none", "5.1", &[("cache-control", "max-age=60"), ("age", "old")], 60),
            ("until Expires", "4.2.1", &[("expires", ahead_60), ("date", now)], 60),
            ("until Expires, of an answer without Date", "4.2.1", &[("expires", ahead_60)], 60),
            ("until Expires, of an answer that was on its way", "4.2.3", &[("expires", ahead_60), ("date", half)], 60),
            ("not with Expires: 0", "5.3", &[("expires", "0")], 0),
            ("not with Expires: -1", "5.3", &[("expires", "-1")], 0),
            ("not with an Expires that is no date", "5.3", &[("expires", "2099")], 0),
            ("not with an Expires in the past", "5.3", &[("expires", past)], 0),
            ("not with an Expires that is Date", "5.3", &[("expires", now), ("date", now)], 0),
            ("not with no-store", "5.2.2.5", &[("cache-control", "no-store")], 0),
            ("not with no-store, whatever else", "5.2.2.5", &[("cache-control", "public, max-age=60, No-Store")], 0),
            (
                "not with must-understand, which asks for no-store",
                "5.2.2.3",
                &[("cache-control", "must-understand, no-store, max-age=60")],
                0,
            ),
            ("not with private", "5.2.2.7", &[("cache-control", "private")], 0),
            ("not with private fields", "5.2.2.7", &[("cache-control", "max-age=60, private=\"x-own, x-other\"")], 0),
            ("not with no-cache", "5.2.2.4", &[("cache-control", "no-cache, max-age=60")], 0),
            ("not with no-cache fields", "5.2.2.4", &[("cache-control", "max-age=60, no-cache=\"x-own\"")], 0),
            ("not with must-revalidate and no lifetime", "5.2.2.2", &[("cache-control", "must-revalidate")], 0),
            ("not with proxy-revalidate and no lifetime", "5.2.2.8", &[("cache-control", "proxy-revalidate")], 0),
            (
                "for its lifetime with must-revalidate",
                "5.2.2.2",
                &[("cache-control", "must-revalidate, max-age=60")],
                60,
            ),
            (
                "not with must-revalidate and max-age=0",
                "5.2.2.2",
                &[("cache-control", "must-revalidate, max-age=0")],
                0,
            ),
            (
                "until Expires with proxy-revalidate",
                "5.2.2.8",
                &[("cache-control", "proxy-revalidate"), ("expires", ahead_60)],
                60,
            ),
            ("not with Pragma: no-cache alone", "5.4", &[("pragma", "no-cache")], 0),
            ("by Cache-Control before Pragma", "5.4", &[("pragma", "no-cache"), ("cache-control", "max-age=60")], 60),
            (
                "for max-age if a word only looks like another",
                "5.2.3",
                &[("cache-control", "x-no-store, privately, max-age=60")],
                60,
            ),
            (
                "for max-age if another word is a value",
                "5.2.3",
                &[("cache-control", "x=\"no-store, private\", max-age=60")],
                60,
            ),
            (
                "not by two headers of which one forbids it",
                "5.2",
                &[("cache-control", "max-age=60"), ("cache-control", "no-store")],
                0,
            ),
            (
                "not if CDNs may not",
                "RFC 9213 2.2",
                &[("cache-control", "max-age=60"), ("cdn-cache-control", "no-store")],
                0,
            ),
            ("not if it varies by everything", "4.1", &[("vary", "*")], 0),
            ("not if it varies by what the path does not name", "4.1", &[("vary", "Accept, Accept-Language")], 0),
            ("if it varies by what the path names", "4.1", &[("vary", "ACCEPT")], TTL),
            ("if it varies by its coding, which what is kept has not", "4.1", &[("vary", "Accept-Encoding")], TTL),
            (
                "if it varies by its coding, and comes in one",
                "4.1",
                &[("vary", "Accept, accept-encoding"), ("content-encoding", "br")],
                TTL,
            ),
            (
                "not if it varies by its coding and something else",
                "4.1",
                &[("vary", "Accept-Encoding, Accept-Language")],
                0,
            ),
            ("not if it sets a cookie", "7.3", &[("set-cookie", "a=1")], 0),
            ("not in a coding that the runtime does not know", "8.4 of RFC 9110", &[("content-encoding", "zstd")], 0),
            ("not in two codings", "8.4 of RFC 9110", &[("content-encoding", "gzip, br")], 0),
            ("in a coding that the runtime takes off", "8.4 of RFC 9110", &[("content-encoding", "GZIP")], TTL),
            (
                "not in a coding that nobody may take off",
                "5.2.2.6",
                &[("content-encoding", "gzip"), ("cache-control", "no-transform")],
                0,
            ),
            ("in none, if nobody may transform it", "5.2.2.6", &[("cache-control", "no-transform")], TTL),
        ];
        for (message, section, headers, expected) in table {
            assert_eq!(kept_secs(200, &list(headers), &["accept"], TTL, NOW), *expected, "{message} ({section})");
        }
        for status in [203, 204, 206, 301, 304, 404, 410, 500] {
            let headers = list(&[("cache-control", "max-age=60")]);
            assert_eq!(kept_secs(status, &headers, &["accept"], TTL, NOW), 0, "not with status {status} (3)");
        }
    }

    #[test]
    fn an_answer_is_as_old_as_it_says_or_as_its_date_says() {
        let (behind, ahead) = (at(-50), at(50));
        let table: [(&[(&str, &str)], u64); 8] = [
            (&[], 0),
            (&[("age", "7")], 7),
            (&[("age", "7, 9")], 7),
            (&[("age", "-7")], 0),
            (&[("date", &behind)], 50),
            (&[("date", &behind), ("age", "7")], 50),
            (&[("date", &behind), ("age", "70")], 70),
            (&[("date", &ahead)], 0),
        ];
        for (headers, expected) in table {
            assert_eq!(age_secs(&list(headers), NOW), expected, "{headers:?}");
        }
    }
}
