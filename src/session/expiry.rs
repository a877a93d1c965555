//! How long a socket or a stream may outlast the request that let it in.
//!
//! It ends when the gateway would no longer accept that request: with the token, or, of a session, when the session is over, which
//! may be long before its token would be, or long behind it if that is renewed.

use serde_json::{Map, Value};

use crate::json;

/// The longest time between two looks at the clock: timers of the runtime take no more than 24 days.
const LOOK_MAX_MS: f64 = 60.0 * 60.0 * 1000.0;

/// After so long a session that did not answer is asked again.
const ASKED_AGAIN_MS: f64 = 5_000.0;

/// The access token of a session, as its object answers to `access`.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessAnswer<'a> {
    /// The token.
    pub token: &'a str,
    /// When it expires, in seconds since 1970.
    pub until: i64,
    /// For how many seconds it may be used without asking again.
    pub good_for: f64,
}

impl<'a> AccessAnswer<'a> {
    /// Reads an object's answer; `None` if there is no token to be had.
    pub fn read(answer: &'a Map<String, Value>) -> Option<Self> {
        let number = |key: &str| answer.get(key).and_then(Value::as_f64).unwrap_or_default();
        let token = json::text(answer, "access")?;
        #[expect(clippy::cast_possible_truncation, reason = "dates are far below 2^53")]
        let until = number("until") as i64;
        Some(Self { token, until, good_for: number("good_for") })
    }

    /// Returns when the session is to be asked again if it answered to a question of `asked_ms`, in milliseconds since 1970.
    pub fn asked_again_ms(&self, asked_ms: f64) -> f64 {
        // Its seconds are counted from the last whole one.
        (asked_ms + self.good_for * 1000.0).min(self.until_ms())
    }

    /// Returns when the token expires, in milliseconds since 1970.
    #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
    pub fn until_ms(&self) -> f64 {
        self.until.saturating_mul(1000) as f64
    }
}

/// What is known of what let a socket or a stream in. Times are in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watch {
    /// When it is over, as far as is known.
    pub until_ms: f64,
    /// When the session is to be asked; never if there is none.
    pub ask_at_ms: f64,
}

/// What a watch does next.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// The socket is closed, or the stream broken off.
    End,
    /// The session is asked.
    Ask,
    /// The clock is looked at again after so many milliseconds.
    Wait(f64),
}

impl Watch {
    /// Returns what is to be done at `now_ms`.
    pub fn step(&self, now_ms: f64) -> Step {
        if now_ms >= self.ask_at_ms {
            return Step::Ask;
        }
        if now_ms >= self.until_ms {
            return Step::End;
        }
        Step::Wait((self.until_ms.min(self.ask_at_ms) - now_ms).min(LOOK_MAX_MS))
    }

    /// Takes over what a session answered to a question of `asked_ms`, or at `now_ms` that it does not answer.
    pub fn answered(self, answer: Option<&Map<String, Value>>, asked_ms: f64, now_ms: f64) -> Self {
        match (answer, answer.and_then(AccessAnswer::read)) {
            (_, Some(access)) if now_ms < access.until_ms() => {
                Self { until_ms: access.until_ms(), ask_at_ms: access.asked_again_ms(asked_ms) }
            }
            // Nobody says that it is over, so it goes on until its token is.
            (None, _) => Self { ask_at_ms: now_ms + ASKED_AGAIN_MS, ..self },
            (Some(_), _) => Self { until_ms: 0.0, ask_at_ms: f64::INFINITY },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: f64 = f64::INFINITY;

    #[test]
    fn a_watch_waits_for_what_comes_first_and_asks_before_it_ends() {
        let hour = 3_600_000.0;
        let table = [
            ("a token that is good", 10_000.0, ANY, 1_000.0, Step::Wait(9_000.0)),
            ("a token that is over", 10_000.0, ANY, 10_000.0, Step::End),
            ("a token that is good for days", 90_000_000.0, ANY, 0.0, Step::Wait(hour)),
            ("a session that is not due", 10_000.0, 5_000.0, 1_000.0, Step::Wait(4_000.0)),
            ("one that is", 10_000.0, 5_000.0, 5_000.0, Step::Ask),
            ("one whose token ends when it is due", 10_000.0, 10_000.0, 10_000.0, Step::Ask),
            ("one whose token ends before it is asked again", 10_000.0, 12_000.0, 10_000.0, Step::End),
        ];
        for (message, until_ms, ask_at_ms, now_ms, expected) in table {
            assert_eq!(Watch { until_ms, ask_at_ms }.step(now_ms), expected, "{message}");
        }
    }

    #[test]
    fn what_a_session_answers_decides_how_long_it_goes_on() {
        let watch = Watch { until_ms: 100_000.0, ask_at_ms: 50_000.0 };
        let table = [
            ("a token", Some(r#"{"access":"t","until":200,"good_for":30}"#), 200_000.0, 80_000.0, Step::Wait(28_000.0)),
            (
                "one that ends first",
                Some(r#"{"access":"t","until":60,"good_for":30}"#),
                60_000.0,
                60_000.0,
                Step::Wait(8_000.0),
            ),
            ("one that is over", Some(r#"{"access":"t","until":51,"good_for":30}"#), 0.0, ANY, Step::End),
            ("that it has ended", Some(r#"{"ended":"it was logged out"}"#), 0.0, ANY, Step::End),
            ("that the key is another's", Some(r#"{"refused":"key"}"#), 0.0, ANY, Step::End),
            ("nothing that is known", Some("{}"), 0.0, ANY, Step::End),
            ("nothing at all", None, 100_000.0, 57_000.0, Step::Wait(5_000.0)),
        ];
        for (message, answer, until_ms, ask_at_ms, step) in table {
            let answer = answer.map(|text| json::parse_object(text.as_bytes()).expect("a test's own JSON"));
            let next = watch.answered(answer.as_ref(), 50_000.0, 52_000.0);
            assert_eq!(next, Watch { until_ms, ask_at_ms }, "{message}");
            assert_eq!(next.step(52_000.0), step, "{message}");
        }
        let last = watch.answered(None, 99_000.0, 100_000.0);
        assert_eq!(last.step(100_000.0), Step::End, "nothing when its token is over");
    }
}
