//! One token request per refresh token: what is stored of it, and what a requester with that token gets.
//!
//! A rotated refresh token is valid once, and the provider takes a second use for theft (RFC 9700 section 4.14.2). So what
//! came of the first is stored for a moment, for requesters with the same token. Times are milliseconds since 1970.

use serde_json::{Map, Value};

use super::provider_response::{Grant, Outcome, ProviderResponse, TransportError, parse_token_response};
use crate::json::{self, ToText as _};

/// A token request counts as lost for this long: providers that allow for a lost answer do so for a minute at the most.
pub const LOST_WINDOW_MS: i64 = 60_000;

/// A lost token request is tried again this often, and then not until [`LOST_WINDOW_MS`] have passed.
const RETRIES_MAX: u64 = 1;

/// What to do for a request with the refresh token.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a token request with it; the number says how often one was lost before.
    Request(u64),
    /// Give the stored answer again.
    Replay(String),
    /// Leave it: it was lost too often.
    Rest,
    /// Refuse it: the refresh token is to be revoked, and what is stored says what has taken its place.
    Closed,
}

/// What is stored of the token request of one refresh token.
#[derive(Debug, PartialEq, Eq)]
pub enum StoredResult {
    /// It is running, or was lost: `lost` says how often it was lost before.
    UnderWay {
        /// How often it was lost before.
        lost: u64,
        /// Until when this counts.
        until: i64,
    },
    /// Its answer.
    Answered(Answered),
}

/// The token response.
#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    /// The answer, sealed under a key that is derived from the refresh token.
    pub sealed: String,
    /// The requester ids, one a line.
    pub requester: String,
    /// Until when anyone with the refresh token gets it: the grace. 0 once that is to be revoked.
    pub replay_until: i64,
    /// Until when its requesters get it, to whom the answer may have been lost on the way.
    pub until: i64,
}

impl Answered {
    /// Returns what is stored at `now` of an answer, for everyone and for its requesters, for so long.
    pub fn new(sealed: String, requester: String, now: i64, grace_ms: i64, retry_ms: i64) -> Self {
        Self { sealed, requester, replay_until: now + grace_ms, until: now + grace_ms.max(retry_ms) }
    }

    /// Returns what is stored at `now` of an answer that nobody gets any longer, because its refresh token is to be revoked.
    pub fn closed(self, now: i64) -> Self {
        Self { requester: String::new(), replay_until: 0, until: now + LOST_WINDOW_MS, ..self }
    }
}

impl StoredResult {
    /// Returns what is stored of a token request that begins at `now`. If it is found after a restart, an answer may have been lost.
    pub fn under_way(lost: u64, now: i64) -> Self {
        Self::UnderWay { lost, until: now + LOST_WINDOW_MS }
    }

    // `asker` and `open_until` are names in stored records, which outlast deployments.

    /// Parses a stored text; `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let members = json::parse_object(text.as_bytes())?;
        let until = members.get("until").and_then(Value::as_i64)?;
        let Some(sealed) = json::text(&members, "sealed") else {
            return Some(Self::UnderWay { lost: members.get("lost").and_then(Value::as_u64)?, until });
        };
        Some(Self::Answered(Answered {
            sealed: sealed.to_owned(),
            requester: json::text(&members, "asker")?.to_owned(),
            replay_until: members.get("open_until").and_then(Value::as_i64)?,
            until,
        }))
    }

    /// Returns the text to keep.
    pub fn to_json(&self) -> String {
        match self {
            Self::UnderWay { lost, until } => json::object(&mut [("lost", (*lost).into()), ("until", (*until).into())]),
            Self::Answered(Answered { sealed, requester, replay_until, until }) => json::object(&mut [
                ("sealed", sealed.as_str().into()),
                ("asker", requester.as_str().into()),
                ("open_until", (*replay_until).into()),
                ("until", (*until).into()),
            ]),
        }
        .to_text()
    }

    /// Returns when it is forgotten.
    pub fn until(&self) -> i64 {
        match self {
            Self::UnderWay { until, .. } | Self::Answered(Answered { until, .. }) => *until,
        }
    }

    /// Returns what to do at `now` for a request of `requester`, if this object's memory has no token request under way.
    pub fn step(kept: Option<Self>, requester: &str, now: i64) -> Step {
        match kept.filter(|kept| now < kept.until()) {
            None => Step::Request(0),
            // It was begun before the clock was set back: as one that was lost long ago.
            Some(Self::UnderWay { until, .. }) if until - now > LOST_WINDOW_MS => Step::Request(0),
            Some(Self::Answered(Answered { replay_until: 0, .. })) => Step::Closed,
            Some(Self::Answered(answered))
                if now < answered.replay_until || is_line_of(&answered.requester, requester) =>
            {
                Step::Replay(answered.sealed)
            }
            Some(Self::Answered(_)) => Step::Request(0),
            Some(Self::UnderWay { lost, .. }) if lost < RETRIES_MAX => Step::Request(lost + 1),
            Some(Self::UnderWay { .. }) => Step::Rest,
        }
    }
}

/// Checks whether a text has a line that is this.
#[inline(never)]
pub fn is_line_of(text: &str, line: &str) -> bool {
    text.split('\n').any(|one| one == line)
}

/// Checks whether a provider has replaced the refresh token that was `sent`. One that stays valid is
/// used again: its result would be given again after it has expired.
pub fn is_rotated(outcome: &Outcome, sent: &str) -> bool {
    let tokens = outcome.as_ref().ok().and_then(|answer| parse_token_response(Grant::Refresh, answer).ok());
    tokens.is_some_and(|tokens| tokens.refresh_token().is_some_and(|token| token != sent))
}

/// Returns what came of a call to the provider as JSON, to be handed from one object to another.
pub fn outcome_to_json(outcome: &Outcome) -> Value {
    let (failed, reason) = match outcome {
        Ok(answer) => {
            return json::object(&mut [
                ("status", answer.status.into()),
                ("retry_after", answer.retry_after.as_deref().into()),
                ("body", answer.body.as_str().into()),
            ]);
        }
        Err(TransportError::Timeout) => ("timeout", None),
        Err(TransportError::TooLarge) => ("too_large", None),
        Err(TransportError::Unreachable(reason)) => ("unreachable", Some(reason.as_str())),
    };
    json::object(&mut [("failed", failed.into()), ("reason", reason.into())])
}

/// Reads what came of a call to the provider; `None` if the members tell of none.
pub fn outcome_from_json(members: &Map<String, Value>) -> Option<Outcome> {
    let own = |key: &str| json::text(members, key).map(str::to_owned);
    let failed = match json::text(members, "failed") {
        None => {
            let status = members.get("status").and_then(Value::as_u64)?;
            let status = u16::try_from(status).ok()?;
            return Some(Ok(ProviderResponse { status, retry_after: own("retry_after"), body: own("body")? }));
        }
        Some("timeout") => TransportError::Timeout,
        Some("too_large") => TransportError::TooLarge,
        Some(_) => TransportError::Unreachable(own("reason").unwrap_or_default()),
    };
    Some(Err(failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered() -> Answered {
        Answered { sealed: "s".into(), requester: "a".into(), replay_until: 50, until: 100 }
    }

    #[test]
    fn an_exchange_is_made_once_replayed_for_a_while_and_retried_once_where_it_was_lost() {
        let under_way = |lost| Some(StoredResult::UnderWay { lost, until: 100 });
        let revoked = || Some(StoredResult::Answered(Answered { replay_until: 0, ..answered() }));
        let answered = || Some(StoredResult::Answered(answered()));
        let table = [
            (None, "a", 0, Step::Request(0), "nothing is kept"),
            (answered(), "b", 49, Step::Replay("s".into()), "within the grace"),
            (answered(), "b", 50, Step::Request(0), "past the grace: the provider decides"),
            (answered(), "a", 99, Step::Replay("s".into()), "past the grace, for the one to whom it was lost"),
            (answered(), "a", 100, Step::Request(0), "past that too"),
            (revoked(), "a", 99, Step::Closed, "it is to be revoked"),
            (revoked(), "a", 100, Step::Request(0), "it was, long ago: the provider decides"),
            (under_way(0), "b", 99, Step::Request(1), "lost once"),
            (under_way(1), "b", 99, Step::Rest, "lost twice"),
            (under_way(1), "b", 100, Step::Request(0), "lost long ago: the provider decides"),
            (under_way(1), "b", 100 - LOST_WINDOW_MS, Step::Rest, "lost twice in this moment"),
            (under_way(1), "b", 99 - LOST_WINDOW_MS, Step::Request(0), "lost before the clock was set back"),
        ];
        for (kept, requester, now, expected, message) in table {
            assert_eq!(StoredResult::step(kept, requester, now), expected, "{message}");
        }
    }

    #[test]
    fn a_refresh_token_is_rotated_where_another_takes_its_place() {
        let came = |status, body: &str| Ok(ProviderResponse { status, retry_after: None, body: body.into() });
        let table = [
            (came(200, r#"{"access_token":"a","refresh_token":"r2"}"#), true, "another"),
            (came(200, r#"{"access_token":"a","refresh_token":"r1"}"#), false, "the same"),
            (came(200, r#"{"access_token":"a"}"#), false, "none: the one that was sent stays"),
            (came(200, r#"{"access_token":"a","refresh_token":""}"#), false, "an empty one"),
            (came(200, r#"{"refresh_token":"r2"}"#), false, "no access token"),
            (came(400, r#"{"access_token":"a","refresh_token":"r2"}"#), false, "a refusal"),
            (Err(TransportError::Timeout), false, "no answer"),
        ];
        for (outcome, expected, message) in table {
            assert_eq!(is_rotated(&outcome, "r1"), expected, "{message}");
        }
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        for kept in [StoredResult::UnderWay { lost: 1, until: 5 }, StoredResult::Answered(answered())] {
            assert_eq!(StoredResult::parse(&kept.to_json()), Some(kept));
        }
        assert_eq!(StoredResult::parse("{}"), None);
    }

    #[test]
    fn an_outcome_comes_back_as_it_was() {
        let answer = ProviderResponse { status: 429, retry_after: Some("7".into()), body: "{}".into() };
        let outcomes = [
            Ok(answer),
            Err(TransportError::Timeout),
            Err(TransportError::TooLarge),
            Err(TransportError::Unreachable("x".into())),
        ];
        for outcome in outcomes {
            let given = outcome_from_json(outcome_to_json(&outcome).as_object().unwrap()).unwrap();
            match (&outcome, &given) {
                (Ok(answer), Ok(given)) => assert_eq!(
                    (answer.status, &answer.retry_after, &answer.body),
                    (given.status, &given.retry_after, &given.body)
                ),
                (outcome, given) => assert_eq!(outcome.as_ref().err(), given.as_ref().err()),
            }
        }
        assert!(outcome_from_json(&Map::new()).is_none());
    }
}
