//! How a user was authenticated, and whether that is enough for a path (RFC 9470).

use std::rc::Rc;

use serde_json::{Map, Value};

use super::claims::VerifiedClaims;
use crate::config::RequiredAuthentication;
use crate::excerpt::shortened_name;
use crate::json;

/// The claim that says when the user was authenticated.
pub const AUTH_TIME: &str = "auth_time";

/// What a token says of how its user was authenticated (OpenID Connect Core section 2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authentication {
    /// How strongly.
    pub acr: Option<Rc<str>>,
    /// When, in seconds since 1970.
    pub time: Option<i64>,
}

impl Authentication {
    /// Returns what some claims say. A claim of another type says nothing.
    pub fn of(claims: &VerifiedClaims) -> Self {
        Self { acr: claims.text("acr").map(Rc::from), time: claims.date(AUTH_TIME) }
    }

    /// Reads what was written of it; nothing if nothing was.
    pub fn read(members: &Map<String, Value>) -> Self {
        Self { acr: json::text(members, "acr").map(Rc::from), time: members.get(AUTH_TIME).and_then(Value::as_i64) }
    }

    /// Writes it into an object, under the names of the claims, if it says anything.
    pub fn write(&self, members: &mut Map<String, Value>) {
        if *self != Self::default() {
            json::insert(members, &mut [("acr", self.acr.as_deref().into()), (AUTH_TIME, self.time.into())]);
        }
    }

    /// Returns why the authentication is not as required for what began at `since`; `None` if it is. One after `now` never was. Times are
    /// seconds since 1970, of clocks that may differ by `skew`.
    pub fn lacks(&self, needed: &RequiredAuthentication, since: i64, now: i64, skew: i64) -> Option<String> {
        let acr = self.acr.as_deref();
        let is_enough = |values: &String| acr.is_some_and(|acr| values.split(' ').any(|value| value == acr));
        let (claim, found, expected) = match &needed.acr_values {
            Some(values) if !is_enough(values) => ("acr", acr.map(shortened_name), ["one of ", values].concat()),
            _ => {
                let (earliest, latest) = (since - i64::from(needed.max_age_secs()?) - skew, now + skew);
                if self.time.is_some_and(|time| (earliest..=latest).contains(&time)) {
                    return None;
                }
                (AUTH_TIME, self.time.map(|time| time.to_string()), format!("{earliest} to {latest}"))
            }
        };
        Some(format!("{claim} is {}, expected {expected}", found.as_deref().unwrap_or("missing or malformed")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::algorithm::Algorithm;
    use crate::encoding::base64url;
    use crate::token::{Expectations, Expiry, Kind, Scheme};

    /// Returns what verified claims say that have these besides.
    fn said(more: &Value) -> Authentication {
        let mut claims = json!({ "iss": "i", "aud": "a", "sub": "u", "exp": 9_000, "iat": 0 });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let token = format!("h.{}.s", base64url(claims.to_string().as_bytes()));
        let expectations = Expectations {
            algorithms: &[Algorithm::Rs256],
            issuer: "i",
            tenants: &[],
            audience: "a",
            audience_claim: None,
            required: &[],
            clock_skew_secs: 0,
            kind: Kind::Id,
            expiry: Expiry::Enforced,
            scheme: Scheme::Bearer,
        };
        Authentication::of(&VerifiedClaims::of_session(&token, &expectations, 0, 1_000).unwrap())
    }

    fn needed(acr_values: Option<&str>, max_age_secs: Option<u32>) -> RequiredAuthentication {
        let max_age = max_age_secs.map(|secs| secs.to_string());
        RequiredAuthentication { acr_values: acr_values.map(str::to_owned), max_age }
    }

    #[test]
    fn a_user_was_authenticated_as_strongly_as_required_if_acr_is_one_of_the_values() {
        let table = [
            (json!({ "acr": "urn:a" }), true, "the first"),
            (json!({ "acr": "2" }), true, "another"),
            (json!({ "acr": "1" }), false, "none of them"),
            (json!({}), false, "missing"),
            (json!({ "acr": "" }), false, "empty"),
            (json!({ "acr": " " }), false, "what is between two values"),
            (json!({ "acr": "urn:a 2" }), false, "all of them in one text"),
            (json!({ "acr": "URN:A" }), false, "in other letters"),
            (json!({ "acr": "urn:a\u{0}" }), false, "with a control character"),
            (json!({ "acr": ["urn:a"] }), false, "a list"),
            (json!({ "acr": 2 }), false, "a number"),
            (json!({ "acr": true }), false, "true"),
            (json!({ "acr": null }), false, "null"),
            (json!({ "acr": { "urn:a": "2" } }), false, "an object"),
            (json!({ "acr": "2".repeat(4_000) }), false, "a huge one"),
            (json!({ "acrs": "2", "amr": ["2"] }), false, "in another claim"),
        ];
        for (claims, enough, message) in table {
            let lacks = said(&claims).lacks(&needed(Some("urn:a 2"), None), 0, 0, 0);
            assert_eq!(lacks.is_none(), enough, "{message}: {lacks:?}");
            let is_printable = |reason: String| reason.len() < 300 && !reason.contains(char::is_control);
            assert!(lacks.is_none_or(is_printable), "{message}");
        }
    }

    #[test]
    fn a_user_was_authenticated_as_recently_as_required_if_auth_time_is_a_date_within_the_age() {
        let table = [
            (json!(1_000), 0, true, "at this moment"),
            (json!(700), 0, true, "as long ago as may be"),
            (json!(699), 0, false, "a second longer ago"),
            (json!(699), 1, true, "a second longer ago by clocks that differ by as much"),
            (json!(1_001), 0, false, "in the future"),
            (json!(1_001), 1, true, "in the future by a clock that is as much ahead"),
            (json!(700.9), 0, true, "a fraction, which is dropped"),
            (json!(699.9), 0, false, "a fraction that does not make up for a second"),
            (json!(1e3), 0, true, "a number in another way of writing"),
            (json!(0), 0, false, "in 1970"),
            (json!(-1_000), 0, false, "before"),
            (json!(1e300), 0, false, "beyond every date"),
            (json!(u64::MAX), 0, false, "beyond every whole number"),
            (json!("1000"), 0, false, "a text"),
            (json!([1_000]), 0, false, "a list"),
            (json!(true), 0, false, "true"),
            (json!(null), 0, false, "null"),
        ];
        for (time, skew, enough, message) in table {
            let lacks = said(&json!({ "auth_time": time })).lacks(&needed(None, Some(300)), 1_000, 1_000, skew);
            assert_eq!(lacks.is_none(), enough, "{message}: {lacks:?}");
        }
        assert!(said(&json!({})).lacks(&needed(None, Some(300)), 1_000, 1_000, 0).is_some(), "missing");
    }

    #[test]
    fn what_is_lacking_says_what_was_found_and_what_was_expected() {
        let lacks = |claims, needed| said(&claims).lacks(&needed, 1_000, 1_000, 30).unwrap();
        let both = || needed(Some("a b"), Some(300));
        let table = [
            (json!({ "acr": "c", "auth_time": 1 }), "acr is c, expected one of a b"),
            (json!({ "auth_time": 1_000 }), "acr is missing or malformed, expected one of a b"),
            (json!({ "acr": "a", "auth_time": 1 }), "auth_time is 1, expected 670 to 1030"),
            (json!({ "acr": "b" }), "auth_time is missing or malformed, expected 670 to 1030"),
        ];
        for (claims, expected) in table {
            assert_eq!(lacks(claims, both()), expected);
        }
        assert_eq!(said(&json!({ "acr": "b", "auth_time": 671 })).lacks(&both(), 1_000, 1_000, 30), None);
    }

    #[test]
    fn what_is_written_is_read_again_and_hostile_texts_say_nothing() {
        let read = |text: &str| Authentication::read(&json::parse_object(text.as_bytes()).unwrap());
        for one in [
            Authentication { acr: Some("1".into()), time: Some(7) },
            Authentication { acr: Some("1".into()), time: None },
            Authentication { acr: None, time: Some(-7) },
            Authentication::default(),
        ] {
            let mut members = Map::new();
            one.write(&mut members);
            assert_eq!(Authentication::read(&members), one);
        }
        for text in ["{}", r#"{"acr":1,"auth_time":"7"}"#, r#"{"acr":["1"],"auth_time":7.5}"#] {
            assert_eq!(read(text), Authentication::default(), "{text}");
        }
    }
}
