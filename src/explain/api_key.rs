//! The checks of an API key, one by one; none shows it.

use std::rc::Rc;

use super::check::{Check, Outcome, UNKNOWN, row, skip};
use super::checks::Explanation;
use super::time;
use crate::config::{ApiKeys, KeyRecord, parse_key_record};
use crate::token::{ClaimError, KeyError, TokenError, check_key_form, key_digest, key_pattern, listed_key};

impl Explanation {
    /// Checks a key of an authorizer at `now` (seconds since 1970), by its record in the config or in a `stored` text of KV.
    pub fn of_key(key: &str, authorizer: &str, keys: &ApiKeys, stored: Option<&str>, now: i64) -> Self {
        let form = check_key_form(key, &keys.prefix);
        let outcome = |wrong: KeyError| if form == Err(wrong) { Outcome::Fail(wrong.into()) } else { Outcome::Pass };
        let bytes = format!("{} bytes", key.len());
        let mut checks = vec![row("form", outcome(KeyError::Malformed), key_pattern(&keys.prefix), bytes)];
        let unchecked = |reason: &str, names: &[&'static str]| -> Vec<Check> {
            names.iter().map(|name| row(*name, skip(reason), "", UNKNOWN)).collect()
        };
        if form == Err(KeyError::Malformed) {
            checks.extend(unchecked("the key is malformed", &["checksum", "record", "not_after", "ip"]));
            return Self { header: None, claims: None, checks };
        }
        let found = if form.is_ok() { "the same" } else { "another: a typing error, or a key that was made up" };
        checks.push(row("checksum", outcome(KeyError::Checksum), "the CRC-32 of what is before it", found));
        if form.is_err() {
            checks.extend(unchecked(
                "the checksum is wrong, so the gateway looks for no record",
                &["record", "not_after", "ip"],
            ));
            return Self { header: None, claims: None, checks };
        }
        let digest = key_digest(key);
        let listed = listed_key(keys, &digest).map(|record| Ok(Rc::clone(record)));
        let found = listed.or_else(|| Some(parse_key_record(stored?, authorizer).map(Rc::new)));
        let (record, check) = check_found(found, keys, &digest);
        checks.push(check);
        match &record {
            Some(record) => checks.extend(check_record(record, now)),
            None => checks.extend(unchecked("its record is not known", &["not_after", "ip"])),
        }
        let claims = record.map(|record| record.claims.clone());
        Self { header: None, claims, checks }
    }
}

/// Returns the record, if one was found, and the check whether there is one.
fn check_found(
    found: Option<Result<Rc<KeyRecord>, String>>,
    keys: &ApiKeys,
    digest: &str,
) -> (Option<Rc<KeyRecord>>, Check) {
    let (name, expected) = ("record", format!("that of {digest}"));
    match (found, &keys.kv) {
        (Some(Ok(record)), _) => (Some(record), row(name, Outcome::Pass, expected, "there")),
        (Some(Err(wrong)), _) => {
            let reason = "the gateway answers 503 store_unavailable to a key with such a record";
            (None, row(name, skip(reason), expected, format!("malformed: {wrong}")))
        }
        (None, Some(kv)) => {
            let reason = format!(
                "it would be in KV: `wrangler kv key get {digest} --binding {kv} --remote` prints it for --record"
            );
            (None, row(name, skip(&reason), expected, UNKNOWN))
        }
        (None, None) => (None, row(name, Outcome::Fail(KeyError::Unknown.into()), expected, "none in the config")),
    }
}

fn check_record(record: &KeyRecord, now: i64) -> [Check; 2] {
    let shown = |secs: i64| time::utc(secs).unwrap_or_else(|| "beyond the calendar".to_owned());
    let not_after = match record.not_after {
        None => (Outcome::Pass, "none".to_owned()),
        Some(last) if now <= last => (Outcome::Pass, shown(last)),
        Some(last) => {
            let error = ClaimError::Expired { at: last.saturating_add(1), now };
            (Outcome::Fail(TokenError::Claim(error)), shown(last))
        }
    };
    let ip = match &record.networks {
        None => (Outcome::Pass, "any address"),
        Some(_) => {
            (skip("the client's address decides: `bargate request explain --from IP` takes one"), "some addresses")
        }
    };
    [row("not_after", not_after.0, "none, or ahead", not_after.1), row("ip", ip.0, "the client's address", ip.1)]
}
