//! How long a socket or a stream may outlast the request that let it in.
//!
//! It ends when the gateway would no longer accept that request: with the token, or, of a session, when the session is over, which
//! may be long before its token expires, or long behind it if that is renewed.

use super::cache::SessionToken;

/// The longest time between two looks at the clock: timers of the runtime take no more than 24 days.
const LOOK_MAX_MS: f64 = 60.0 * 60.0 * 1000.0;

/// A session that did not answer is asked again after this long.
const ASK_AGAIN_MS: f64 = 5_000.0;

/// How long a socket or a stream may go on, as far as is known. Times are in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// When it is over.
    pub until_ms: f64,
    /// When its session is asked; never if it has none.
    pub ask_at_ms: f64,
}

/// What is done next.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// The socket is closed, or the stream broken off.
    End,
    /// The session is asked.
    Ask,
    /// The clock is looked at again after so many milliseconds.
    Wait(f64),
}

impl Term {
    /// Returns the term behind a session's answer, which came at `now_ms`; it is over if that brought no token, or one that has expired
    /// by then.
    pub fn answered(token: Option<&SessionToken>, now_ms: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53")]
        let token = token.map(|token| (token.until as f64 * 1000.0, token.asked_again_ms));
        match token {
            Some((until_ms, ask_at_ms)) if now_ms < until_ms => Self { until_ms, ask_at_ms },
            _ => Self { until_ms: 0.0, ask_at_ms: f64::INFINITY },
        }
    }

    /// Returns the term behind a question that was not answered by `now_ms`: nobody says that it is over.
    pub fn unanswered(self, now_ms: f64) -> Self {
        Self { ask_at_ms: now_ms + ASK_AGAIN_MS, ..self }
    }

    /// Returns what is to be done at `now_ms`.
    pub fn step(self, now_ms: f64) -> Step {
        if now_ms >= self.ask_at_ms {
            Step::Ask
        } else if now_ms < self.until_ms {
            Step::Wait((self.until_ms.min(self.ask_at_ms) - now_ms).min(LOOK_MAX_MS))
        } else {
            Step::End
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Authentication;

    const NEVER: f64 = f64::INFINITY;

    #[test]
    fn it_waits_for_what_comes_first_and_asks_before_it_ends() {
        let table = [
            ("a token that is valid", 10_000.0, NEVER, 1_000.0, Step::Wait(9_000.0)),
            ("a token that has expired", 10_000.0, NEVER, 10_000.0, Step::End),
            ("a token that is valid for days", 90_000_000.0, NEVER, 0.0, Step::Wait(3_600_000.0)),
            ("a session that is not to be asked yet", 10_000.0, 5_000.0, 1_000.0, Step::Wait(4_000.0)),
            ("one that is", 10_000.0, 5_000.0, 5_000.0, Step::Ask),
            ("one whose token expires then", 10_000.0, 10_000.0, 10_000.0, Step::Ask),
            ("one whose token expires before", 10_000.0, 12_000.0, 10_000.0, Step::End),
            ("a time that is no number", f64::NAN, NEVER, 0.0, Step::End),
        ];
        for (message, until_ms, ask_at_ms, now_ms, expected) in table {
            assert_eq!(Term { until_ms, ask_at_ms }.step(now_ms), expected, "{message}");
        }
    }

    #[test]
    fn what_a_session_answers_decides_how_long_it_goes_on() {
        let token = |until, asked_again_ms| {
            let (subject, id_token, authentication) = (None, None, Authentication::default());
            SessionToken { token: "t".into(), until, asked_again_ms, subject, id_token, authentication }
        };
        let table = [
            ("a token", Some(token(200, 80_000.0)), 52_000.0, Step::Wait(28_000.0)),
            ("one that expires first", Some(token(60, 60_000.0)), 52_000.0, Step::Wait(8_000.0)),
            ("one that was long on its way", Some(token(200, 51_000.0)), 52_000.0, Step::Ask),
            (
                "one that has expired by a clock that is ahead of its session's",
                Some(token(52, 52_000.0)),
                52_000.0,
                Step::End,
            ),
            ("none", None, 52_000.0, Step::End),
        ];
        for (message, token, now_ms, expected) in table {
            assert_eq!(Term::answered(token.as_ref(), now_ms).step(now_ms), expected, "{message}");
        }
        let unanswered = Term { until_ms: 100_000.0, ask_at_ms: 50_000.0 }.unanswered(52_000.0);
        assert_eq!(unanswered.step(52_000.0), Step::Wait(5_000.0), "it is asked again");
        assert_eq!(unanswered.step(57_000.0), Step::Ask, "soon");
        assert_eq!(unanswered.unanswered(99_000.0).step(100_000.0), Step::End, "until its token has expired");
    }
}
