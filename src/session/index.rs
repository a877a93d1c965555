//! Which sessions there are of one session at the provider (`sid`), or of one user (`sub`): those that a back-channel logout ends, or
//! the user.

use serde_json::{Map, Value};

use crate::config::LIFETIME_MAX_SECS;
use crate::json::{self, ToText as _};

/// The most sessions of an index; the one that would end first ends when another is added.
const SESSIONS_MAX: usize = 1_000;

/// Returns what the sessions of a `sid` or `sub` of an issuer are indexed by, in three lines; the index is named by their digest.
pub fn index_subject(claim: &str, issuer: &str, value: &str) -> String {
    [claim, issuer, value].join("\n")
}

/// The sessions of a `sid` or `sub`, and the logout tokens that were carried out. Times are seconds since 1970.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct IndexRecord {
    /// Names of sessions, with the latest end of each.
    sessions: Vec<(String, i64)>,
    /// `jti` of logout tokens and who had each carried out, with how long that must be remembered.
    spent: Vec<(String, i64)>,
    /// When all sessions were ended last, if they were: those that are not here and began before are over, too.
    ended_at: Option<i64>,
}

impl IndexRecord {
    /// Parses a stored text, without what has expired at `now`; an empty record if there is none.
    pub fn parse(text: Option<&str>, now: i64) -> Self {
        let members = text.and_then(|text| json::parse_object(text.as_bytes())).unwrap_or_default();
        let good = |key: &str| {
            let times = members.get(key).and_then(Value::as_object).into_iter().flatten();
            let times = times.filter_map(|(name, until)| Some((name.clone(), until.as_i64()?)));
            times.filter(|(_, until)| *until > now).collect()
        };
        let ended_at = members.get("ended_at").and_then(Value::as_i64);
        let ended_at = ended_at.filter(|ended_at| ended_until(*ended_at) > now);
        Self { sessions: good("sessions"), spent: good("spent"), ended_at }
    }

    /// Returns the text to keep; `None` if there is nothing to keep.
    pub fn to_json(&self) -> Option<String> {
        let times = |times: &[(String, i64)]| {
            let mut members = Map::new();
            // One by one: to collect them would bring a sort into the Worker.
            for (name, until) in times {
                members.insert(name.clone(), Value::from(*until));
            }
            Value::Object(members)
        };
        let empty = self.sessions.is_empty() && self.spent.is_empty() && self.ended_at.is_none();
        let mut members = Map::new();
        json::insert(&mut members, &mut [("sessions", times(&self.sessions)), ("spent", times(&self.spent))]);
        if let Some(ended_at) = self.ended_at {
            members.insert("ended_at".to_owned(), ended_at.into());
        }
        (!empty).then(|| Value::Object(members).to_text())
    }

    /// Returns until when anything here is valid.
    pub fn valid_until(&self) -> i64 {
        let ends = self.sessions.iter().chain(&self.spent).map(|(_, until)| *until);
        ends.fold(self.ended_at.map_or(0, ended_until), i64::max)
    }

    /// Records at `now` that all sessions end but the one that is `spared`; returns the names of those that are here.
    pub fn end_all(&mut self, spared: Option<&str>, now: i64) -> Vec<String> {
        self.ended_at = Some(now);
        if let Some(spared) = spared {
            // It may have begun before sessions were listed.
            self.add(spared, ended_until(now));
        }
        let ended = self.sessions.iter().map(|(name, _)| name).filter(|name| Some(name.as_str()) != spared);
        ended.cloned().collect()
    }

    /// Checks whether a session that began at `began` was among all those that were ended, though it was not here.
    pub fn is_over(&self, session: &str, began: i64) -> bool {
        self.ended_at.is_some_and(|ended_at| began <= ended_at) && self.sessions.iter().all(|(name, _)| name != session)
    }

    /// Returns the session that must end and be removed before this one can be added; `None` if there is room.
    pub fn pushed_out_by(&self, session: &str) -> Option<&str> {
        let others = || self.sessions.iter().filter(|(name, _)| name != session);
        let first = others().min_by_key(|(_, until)| *until)?;
        (others().count() >= SESSIONS_MAX).then_some(first.0.as_str())
    }

    /// Adds a session that ends at `until` at the latest. One that was added before, by a call whose answer was lost, is one.
    pub fn add(&mut self, session: &str, until: i64) {
        self.remove(session);
        self.sessions.push((session.to_owned(), until));
    }

    /// Returns the names of the sessions.
    pub fn sessions(&self) -> Vec<String> {
        self.sessions.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Removes a session that has ended.
    pub fn remove(&mut self, session: &str) {
        self.sessions.retain(|(name, _)| name != session);
    }

    /// Notes that a logout token was carried out for `requester`, which is a token of its own and has no space.
    pub fn spend(&mut self, jti: &str, requester: &str, until: i64) {
        self.spent.push((format!("{requester} {jti}"), until));
    }

    /// Returns for whom a logout token was carried out; `None` if it was not.
    pub fn spent_by(&self, jti: &str) -> Option<&str> {
        let mut spent = self.spent.iter().filter_map(|(spent, _)| spent.split_once(' '));
        spent.find_map(|(requester, spent)| (spent == jti).then_some(requester))
    }
}

/// Returns until when a session can go on that began before `ended_at`.
fn ended_until(ended_at: i64) -> i64 {
    ended_at.saturating_add(LIFETIME_MAX_SECS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_forgets_what_is_over() {
        let mut index = IndexRecord::parse(None, 0);
        assert_eq!(index.to_json(), None);
        index.add("a", 100);
        index.add("b", 200);
        index.spend("a b", "me", 150);
        assert_eq!((index.spent_by("a b"), index.spent_by("b")), (Some("me"), None));
        let text = index.to_json().unwrap();
        assert_eq!(IndexRecord::parse(Some(&text), 99).sessions(), ["a", "b"]);
        let later = IndexRecord::parse(Some(&text), 150);
        assert_eq!((later.sessions(), later.valid_until()), (vec!["b".to_owned()], 200));
        assert_eq!(later.spent_by("a b"), None, "forgotten once it could not be replayed");
        assert_eq!(IndexRecord::parse(Some(&text), 200).to_json(), None);
        let mut only = IndexRecord::default();
        only.add("a", 100);
        assert_eq!(IndexRecord::parse(only.to_json().as_deref(), 0), only, "sessions without a logout token");
    }

    #[test]
    fn all_sessions_end_also_those_that_the_index_did_not_know_of() {
        let mut index = IndexRecord::default();
        index.add("here", 500);
        assert!(!index.is_over("unknown", 0), "none were ended, whenever it began");
        assert_eq!(index.end_all(None, 100), ["here"]);
        index.remove("here");
        let table = [(99, true, "before"), (100, true, "in the same second"), (101, false, "after")];
        for (began, expected, message) in table {
            assert_eq!(index.is_over("unknown", began), expected, "began {message}");
        }
        let text = index.to_json().unwrap();
        let last = 100 + i64::from(LIFETIME_MAX_SECS);
        assert_eq!(IndexRecord::parse(Some(&text), last - 1), index, "as long as one of them can go on");
        assert_eq!(IndexRecord::parse(Some(&text), last).to_json(), None);
        assert_eq!(index.valid_until(), last);
    }

    #[test]
    fn the_session_that_is_spared_goes_on_whether_the_index_knew_of_it_or_not() {
        for known in [true, false] {
            let mut index = IndexRecord::default();
            index.add("other", 500);
            if known {
                index.add("own", 500);
            }
            assert_eq!(index.end_all(Some("own"), 100), ["other"], "{known}");
            assert!(!index.is_over("own", 50), "{known}");
            assert!(index.is_over("unknown", 50), "{known}: nobody else is spared");
            assert!(index.sessions().contains(&"own".to_owned()), "{known}: the next end finds it");
        }
    }

    #[test]
    fn a_full_index_names_the_session_that_ends_first() {
        let mut index = IndexRecord::default();
        for i in 0..SESSIONS_MAX {
            assert_eq!(index.pushed_out_by("next"), None, "there is room for {i}");
            index.add(&i.to_string(), 1_000_000 - i64::try_from(i).unwrap());
        }
        let last = (SESSIONS_MAX - 1).to_string();
        assert_eq!(index.pushed_out_by("next"), Some(last.as_str()), "whatever the order");
        assert_eq!(index.pushed_out_by(&last), None, "one that is there has its room");
        index.add(&last, 5);
        assert_eq!(index.sessions().len(), SESSIONS_MAX, "and is not there twice");
        index.remove(&last);
        assert_eq!(index.pushed_out_by("next"), None);
    }

    #[test]
    fn an_index_is_of_one_claim_of_one_issuer() {
        let subject = index_subject("sub", "https://idp.example/", "u");
        assert_eq!(subject, "sub\nhttps://idp.example/\nu", "what is stored under it is found by later builds");
        let others =
            [("sid", "https://idp.example/", "u"), ("sub", "https://idp.example/", "v"), ("sub", "https://a", "u")];
        assert!(others.iter().all(|(claim, issuer, value)| index_subject(claim, issuer, value) != subject));
    }
}
