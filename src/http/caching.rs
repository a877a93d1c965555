//! What a shared cache may store, and for how long (RFC 9111).
//!
//! [`crate::proxy`] decides which requests use the gateway's cache.

use super::header::{is_listed, seconds};

/// The cache directives of a message (RFC 9111 section 5.2) that a shared cache heeds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// `no-store`.
    pub no_store: bool,
    /// `no-cache`, of all or of some fields.
    pub no_cache: bool,
    /// `private`, all or some fields.
    pub private: bool,
    /// `no-transform`.
    pub no_transform: bool,
    /// `must-revalidate` or `proxy-revalidate`.
    pub revalidate: bool,
    /// `max-age`, in seconds: the least, and 0 if one is not a number.
    pub max_age: Option<u32>,
    /// `s-maxage`, likewise.
    pub s_maxage: Option<u32>,
}

impl CacheControl {
    /// Parses the values of header fields.
    pub fn parse(fields: &[Option<String>]) -> Self {
        let mut found = Self::default();
        for field in fields.iter().flatten() {
            found.read(&field.to_ascii_lowercase());
        }
        found
    }

    fn read(&mut self, mut rest: &str) {
        loop {
            let name;
            (name, rest) = split(split(rest, |c| !is_separator(c)).1, is_separator);
            let mut value = "";
            if let Some(behind) = rest.trim_start().strip_prefix('=') {
                let behind = behind.trim_start();
                (value, rest) = behind.strip_prefix('"').map_or_else(|| split(behind, ends_value), split_quoted);
            }
            let least = |known: Option<u32>| {
                let secs = seconds(value).unwrap_or_default();
                Some(known.map_or(secs, |known| known.min(secs)))
            };
            match name {
                "" => return,
                "no-store" => self.no_store = true,
                "no-cache" => self.no_cache = true,
                "private" => self.private = true,
                "no-transform" => self.no_transform = true,
                "must-revalidate" | "proxy-revalidate" => self.revalidate = true,
                "max-age" => self.max_age = least(self.max_age),
                "s-maxage" => self.s_maxage = least(self.s_maxage),
                _ => {}
            }
        }
    }
}

fn is_separator(c: char) -> bool {
    c == '=' || ends_value(c)
}

/// Checks whether a character ends a value: whatever may look like a space does, lest a directive behind it be missed.
fn ends_value(c: char) -> bool {
    matches!(c, ',' | ';' | '"' | '\u{feff}') || c.is_whitespace()
}

/// Splits a text before the first character that ends it.
fn split(text: &str, ends: fn(char) -> bool) -> (&str, &str) {
    let end = text.find(ends).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Splits the text after an opening quote at the closing one.
fn split_quoted(text: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = text.bytes().position(|b| {
        let is_escaped = std::mem::take(&mut escaped);
        escaped = b == b'\\' && !is_escaped;
        b == b'"' && !is_escaped
    });
    let parts = end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""));
    (parts.0, parts.1.get(1..).unwrap_or_default())
}

/// The largest answer that is stored, in bytes; `cache.js` has it too.
const KEPT_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A received answer.
pub struct Received<'h> {
    /// Its status.
    pub status: u16,
    /// Returns the value of a header.
    pub header: &'h dyn Fn(&str) -> Option<String>,
    /// What its `Date` says, in milliseconds since 1970; not a number if that is not a date.
    pub dated_ms: Option<f64>,
    /// What its `Expires` says, likewise.
    pub expires_ms: Option<f64>,
    /// When it was received.
    pub now_ms: f64,
}

/// How an answer is stored.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// For how many seconds it may answer other requests.
    pub secs: u32,
    /// Its age when it was received, in seconds.
    pub age_secs: u32,
}

impl Received<'_> {
    /// Returns for how long an answer may answer other requests, at most `ttl_secs`; `None` if it must not (RFC 9111
    /// sections 3 and 4.2). `known` lists the request headers that are part of the cache key, in lower case.
    pub fn freshness(&self, known: &str, ttl_secs: u32) -> Option<Freshness> {
        let header = self.header;
        // A header for shared caches only (RFC 9213) counts too.
        let fields = [header("cache-control").or_else(|| header("pragma")), header("cdn-cache-control")];
        let said = CacheControl::parse(&fields);
        let coding = header("content-encoding").map(|coding| coding.to_ascii_lowercase());
        let length = header("content-length").and_then(|length| length.parse().ok());
        // A stored answer is decoded, so it does not vary by `Accept-Encoding`.
        let is_known = |name: &str| matches!(name, "" | "accept-encoding") || is_listed(known, name);
        let vary = header("vary").unwrap_or_default().to_ascii_lowercase();
        let is_decoded = match coding.as_deref() {
            None => true,
            Some("gzip" | "br") => !said.no_transform,
            Some(_) => false,
        };
        if self.status != 200
            || said.no_store
            || said.no_cache
            || said.private
            || !is_decoded
            || length.is_some_and(|length: u64| length > KEPT_MAX_BYTES)
            || header("set-cookie").is_some()
            || !vary.split(',').all(|name| is_known(name.trim_ascii()))
        {
            return None;
        }
        let dated_ms = self.dated_ms.filter(|dated_ms| !dated_ms.is_nan()).unwrap_or(self.now_ms);
        // RFC 9111 section 4.2.3.
        let age = header("age").unwrap_or_default();
        let age_secs = seconds(split(age.trim_ascii_start(), |c| !c.is_ascii_digit()).0).unwrap_or_default();
        let age_secs = age_secs.max(whole_secs(self.now_ms - dated_ms));
        let lifetime = said.s_maxage.or(said.max_age);
        let secs = match lifetime.or_else(|| Some(whole_secs(self.expires_ms? - dated_ms))) {
            Some(lifetime) => ttl_secs.min(lifetime.saturating_sub(age_secs)),
            None if said.revalidate => 0,
            None => ttl_secs,
        };
        (secs > 0).then_some(Freshness { secs, age_secs })
    }
}

/// Returns whole seconds; 0 for less, or if it is not a number: an invalid date counts as past (RFC 9111 section 5.3).
fn whole_secs(ms: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is too large is the largest")]
    let secs = (ms / 1000.0) as u32;
    secs
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL_SECS: u32 = 300;
    /// Thu, 01 Oct 2026 12:00:00 GMT, in milliseconds since 1970.
    const NOON_MS: f64 = 1_790_856_000_000.0;

    /// Returns how an answer with these headers is stored that is received at noon; dates are so many seconds later, or absent.
    fn kept(status: u16, headers: &[(&str, &str)]) -> Option<Freshness> {
        let header =
            |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let date = |name| header(name).map(|date| date.parse().map_or(f64::NAN, |secs: f64| NOON_MS + 1000.0 * secs));
        let (dated_ms, expires_ms) = (date("date"), date("expires"));
        let received = Received { status, header: &header, dated_ms, expires_ms, now_ms: NOON_MS };
        received.freshness("accept,x-kind", TTL_SECS)
    }

    #[test]
    #[rustfmt::skip] // One row a line.
    fn an_answer_is_kept_as_rfc_9111_lets_it_be() {
        type Row<'r> = (&'r str, &'r str, &'r [(&'r str, &'r str)], u32);
        let table: &[Row<'_>] = &[
            ("for as long as the config says, if it says nothing", "3, 4.2.2", &[], TTL_SECS),
            ("so if it is public", "5.2.2.9", &[("cache-control", "public")], TTL_SECS),
            ("no longer than max-age", "4.2.1", &[("cache-control", "max-age=60")], 60),
            ("no longer than the config says", "4.2.1", &[("cache-control", "max-age=600")], TTL_SECS),
            ("not with max-age=0", "4.2.1", &[("cache-control", "max-age=0")], 0),
            ("not with max-age=0, public as it may be", "4.2.1", &[("cache-control", "public, max-age=0")], 0),
            ("for s-maxage before max-age", "4.2.1", &[("cache-control", "max-age=0, s-maxage=60")], 60),
            ("not with s-maxage=0, whatever max-age", "4.2.1", &[("cache-control", "s-maxage=0, max-age=60")], 0),
            ("for max-age before Expires", "5.3", &[("cache-control", "max-age=60"), ("expires", "-60")], 60),
            ("not with max-age=0 before Expires", "5.3", &[("cache-control", "max-age=0"), ("expires", "60")], 0),
            ("for the shorter of two max-age", "4.2.1", &[("cache-control", "max-age=60, max-age=10")], 10),
            ("for a max-age in quotes", "5.2", &[("cache-control", "max-age=\"60\"")], 60),
            ("for a max-age in any letters", "5.2", &[("cache-control", "MAX-AGE=60")], 60),
            ("for a max-age with spaces", "5.2", &[("cache-control", " public , max-age = 60 ")], 60),
            ("for a max-age with more digits than a number has", "1.2.2", &[("cache-control", "max-age=9999999999")], TTL_SECS),
            ("for a max-age beside what is not known", "5.2.3", &[("cache-control", "community=\"UCI, max-age=7\", max-age=60")], 60),
            ("for a max-age behind an escaped quote", "5.2.3", &[("cache-control", "x=\"\\\", no-store\", max-age=60")], 60),
            ("for a max-age before a quote that nothing closes", "5.2.3", &[("cache-control", "max-age=60, x=\"no-store")], 60),
            ("not with private before an odd space", "5.2.2.7", &[("cache-control", "private\u{b}")], 0),
            ("not with no-store behind one", "5.2.2.5", &[("cache-control", "x=1\u{a0}no-store")], 0),
            ("not with a max-age behind odd spaces", "5.2.2.1", &[("cache-control", "max-age\u{b}=\u{feff}0")], 0),
            ("not with a max-age that is not a number", "4.2.1", &[("cache-control", "max-age=soon")], 0),
            ("not with a max-age below zero", "4.2.1", &[("cache-control", "max-age=-1")], 0),
            ("not with a max-age of fractions", "4.2.1", &[("cache-control", "max-age=1.5")], 0),
            ("not with a max-age of two values", "4.2.1", &[("cache-control", "max-age=6=0")], 0),
            ("not with a max-age without a number", "4.2.1", &[("cache-control", "max-age")], 0),
            ("not if one of two max-age is not a number", "4.2.1", &[("cache-control", "max-age=60, max-age=x")], 0),
            ("for what is left of max-age behind Age", "4.2.3", &[("cache-control", "max-age=60"), ("age", "50")], 10),
            ("for what is left behind the first of two Age", "5.1", &[("cache-control", "max-age=60"), ("age", "50, 20")], 10),
            ("not once Age has reached max-age", "4.2.3", &[("cache-control", "max-age=60"), ("age", "60")], 0),
            ("not with an Age of more digits than a number has", "1.2.2", &[("cache-control", "max-age=60"), ("age", "9999999999")], 0),
            ("for what is left of max-age since Date", "4.2.3", &[("cache-control", "max-age=60"), ("date", "-50")], 10),
            ("for max-age if Date is ahead", "4.2.3", &[("cache-control", "max-age=60"), ("date", "50")], 60),
            ("for max-age if Date is not a date", "5.6.7 of RFC 9110", &[("cache-control", "max-age=60"), ("date", "soon")], 60),
            ("for max-age if Age is not a number", "5.1", &[("cache-control", "max-age=60"), ("age", "old")], 60),
            ("until Expires", "4.2.1", &[("expires", "60"), ("date", "0")], 60),
            ("until Expires, of an answer without Date", "4.2.1", &[("expires", "60")], 60),
            ("until Expires, of an answer that was on its way", "4.2.3", &[("expires", "60"), ("date", "-30")], 60),
            ("not with an Expires that is not a date", "5.3", &[("expires", "never")], 0),
            ("not with an Expires in the past", "5.3", &[("expires", "-1")], 0),
            ("not with an Expires that is Date", "5.3", &[("expires", "0"), ("date", "0")], 0),
            ("not with no-store", "5.2.2.5", &[("cache-control", "no-store")], 0),
            ("not with no-store, whatever else", "5.2.2.5", &[("cache-control", "public, max-age=60, No-Store")], 0),
            ("not with must-understand, which asks for no-store", "5.2.2.3", &[("cache-control", "must-understand, no-store, max-age=60")], 0),
            ("not with private", "5.2.2.7", &[("cache-control", "private")], 0),
            ("not with private fields", "5.2.2.7", &[("cache-control", "max-age=60, private=\"x-own, x-other\"")], 0),
            ("not with no-cache", "5.2.2.4", &[("cache-control", "no-cache, max-age=60")], 0),
            ("not with no-cache fields", "5.2.2.4", &[("cache-control", "max-age=60, no-cache=\"x-own\"")], 0),
            ("not with must-revalidate and no lifetime", "5.2.2.2", &[("cache-control", "must-revalidate")], 0),
            ("not with proxy-revalidate and no lifetime", "5.2.2.8", &[("cache-control", "proxy-revalidate")], 0),
            ("for its lifetime with must-revalidate", "5.2.2.2", &[("cache-control", "must-revalidate, max-age=60")], 60),
            ("not with must-revalidate and max-age=0", "5.2.2.2", &[("cache-control", "must-revalidate, max-age=0")], 0),
            ("until Expires with proxy-revalidate", "5.2.2.8", &[("cache-control", "proxy-revalidate"), ("expires", "60")], 60),
            ("not with Pragma: no-cache alone", "5.4", &[("pragma", "no-cache")], 0),
            ("by Cache-Control before Pragma", "5.4", &[("pragma", "no-cache"), ("cache-control", "max-age=60")], 60),
            ("for max-age if a word only looks like another", "5.2.3", &[("cache-control", "x-no-store, privately, max-age=60")], 60),
            ("for max-age if another word is a value", "5.2.3", &[("cache-control", "x=\"no-store, private\", max-age=60")], 60),
            ("not if CDNs may not", "2.2 of RFC 9213", &[("cache-control", "max-age=60"), ("cdn-cache-control", "no-store")], 0),
            ("not if it varies by everything", "4.1", &[("vary", "*")], 0),
            ("not if it varies by what the path does not name", "4.1", &[("vary", "Accept, Accept-Language")], 0),
            ("if it varies by what the path names", "4.1", &[("vary", "ACCEPT")], TTL_SECS),
            ("if it varies by its coding, which what is kept has not", "4.1", &[("vary", "Accept-Encoding")], TTL_SECS),
            ("if it varies by its coding, and comes in one", "4.1", &[("vary", "Accept, accept-encoding"), ("content-encoding", "br")], TTL_SECS),
            ("not if it varies by its coding and something else", "4.1", &[("vary", "Accept-Encoding, Accept-Language")], 0),
            ("not if it sets a cookie", "7.3", &[("set-cookie", "a=1")], 0),
            ("if it is as large as may be", "3", &[("content-length", "4194304")], TTL_SECS),
            ("not if it is too large", "3", &[("content-length", "4194305")], 0),
            ("not in a coding that the runtime does not know", "8.4 of RFC 9110", &[("content-encoding", "zstd")], 0),
            ("not in two codings", "8.4 of RFC 9110", &[("content-encoding", "gzip, br")], 0),
            ("in a coding that the runtime takes off", "8.4 of RFC 9110", &[("content-encoding", "GZIP")], TTL_SECS),
            ("not in a coding that nobody may take off", "5.2.2.6", &[("content-encoding", "gzip"), ("cache-control", "no-transform")], 0),
            ("in none, if nobody may transform it", "5.2.2.6", &[("cache-control", "no-transform")], TTL_SECS),
        ];
        for (message, section, headers, expected) in table {
            let secs = kept(200, headers).map_or(0, |kept| kept.secs);
            assert_eq!(secs, *expected, "{message} ({section})");
        }
        for status in [203, 204, 206, 301, 304, 404, 410, 500] {
            assert_eq!(kept(status, &[("cache-control", "max-age=60")]), None, "not with status {status} (3)");
        }
    }

    #[test]
    fn an_answer_is_as_old_as_it_says_or_as_its_date_says() {
        let table: &[(&[(&str, &str)], u32)] = &[
            (&[], 0),
            (&[("age", "7")], 7),
            (&[("age", " 7 ")], 7),
            (&[("age", "-7")], 0),
            (&[("date", "-50")], 50),
            (&[("date", "50")], 0),
            (&[("date", "-50"), ("age", "7")], 50),
            (&[("date", "-50"), ("age", "70")], 70),
        ];
        for (headers, expected) in table {
            assert_eq!(kept(200, headers), Some(Freshness { secs: TTL_SECS, age_secs: *expected }), "{headers:?}");
        }
    }
}
