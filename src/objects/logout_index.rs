//! Messages to an index of sessions, and its answers.

use serde_json::Value;

use crate::json::{self, ToText as _};

/// A message to an index of sessions. Times are seconds since 1970.
#[derive(Debug, PartialEq, Eq)]
pub enum LogoutIndexMessage {
    /// Add a session.
    Add {
        /// Its name.
        session: String,
        /// When it ends at the latest.
        until: i64,
        /// When it began, if it did before: it may be one of those that were all ended since.
        began: Option<i64>,
    },
    /// List sessions, a page of them.
    List {
        /// The id of the last session of the page before; empty for the first.
        after: String,
        /// The name of the session that asks.
        current: Option<String>,
    },
    /// End the session of this id.
    EndOne(String),
    /// End all sessions, and those that began before and were not added.
    EndAll {
        /// The name of one that goes on.
        spared: Option<String>,
    },
    /// End all sessions, once: by a logout token, or for a login whose state is used.
    Spend {
        /// Identifies what may be used once.
        jti: String,
        /// Identifies the requester, who may ask again if the answer was lost.
        requester: String,
        /// Until when that is remembered.
        until: i64,
    },
}

impl LogoutIndexMessage {
    /// Parses a message; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let members = json::parse_object(text.as_bytes())?;
        let own = |name: &str| json::text(&members, name).map(str::to_owned);
        let time = |name: &str| members.get(name).and_then(Value::as_i64);
        Some(if let Some(session) = own("add") {
            Self::Add { session, until: time("until")?, began: time("began") }
        } else if let Some(after) = own("list") {
            Self::List { after, current: own("current") }
        } else if let Some(id) = own("end") {
            Self::EndOne(id)
        } else if members.contains_key("end_all") {
            Self::EndAll { spared: own("spared") }
        } else {
            Self::Spend { jti: own("jti")?, requester: own("asker")?, until: time("until")? }
        })
    }

    /// Returns the message as JSON.
    pub fn to_json(&self) -> String {
        match self {
            Self::Add { session, until, began } => json::object(&mut [
                ("add", session.as_str().into()),
                ("until", (*until).into()),
                ("began", (*began).into()),
            ]),
            Self::List { after, current } => {
                json::object(&mut [("list", after.as_str().into()), ("current", current.as_deref().into())])
            }
            Self::EndOne(id) => json::object(&mut [("end", id.as_str().into())]),
            Self::EndAll { spared } => {
                json::object(&mut [("end_all", true.into()), ("spared", spared.as_deref().into())])
            }
            Self::Spend { jti, requester, until } => json::object(&mut [
                ("jti", jti.as_str().into()),
                ("asker", requester.as_str().into()),
                ("until", (*until).into()),
            ]),
        }
        .to_text()
    }
}

/// What an index answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutIndexAnswer {
    /// It is done.
    Done,
    /// It was used before, by another requester.
    Replayed,
    /// A session could not be ended.
    Failed,
    /// The session is over: it was among all that were ended, or it is not here.
    Gone,
}

impl LogoutIndexAnswer {
    /// Parses an answer; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let members = json::parse_object(text.as_bytes())?;
        let is = |name: &str| members.get(name).and_then(Value::as_bool);
        if members.contains_key("gone") {
            return Some(Self::Gone);
        }
        match (is("replayed"), is("failed")) {
            (Some(true), _) => Some(Self::Replayed),
            (_, Some(true)) => Some(Self::Failed),
            (_, Some(false)) => Some(Self::Done),
            // Of an object before, that was asked to add a session.
            (None, None) => members.is_empty().then_some(Self::Done),
            (Some(false), None) => None,
        }
    }

    /// Returns the answer as JSON.
    pub fn to_json(self) -> String {
        if self == Self::Gone {
            return json::object(&mut [("gone", true.into())]).to_text();
        }
        let (replayed, failed) = (self == Self::Replayed, self == Self::Failed);
        json::object(&mut [("replayed", replayed.into()), ("failed", failed.into())]).to_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_written_as_every_build_reads_it_and_comes_back_as_it_was() {
        let table = [
            (
                LogoutIndexMessage::Add { session: "s".into(), until: 9, began: None },
                r#"{"add":"s","began":null,"until":9}"#,
            ),
            (
                LogoutIndexMessage::Add { session: "s".into(), until: 9, began: Some(3) },
                r#"{"add":"s","began":3,"until":9}"#,
            ),
            (
                LogoutIndexMessage::List { after: String::new(), current: Some("s".into()) },
                r#"{"current":"s","list":""}"#,
            ),
            (LogoutIndexMessage::EndOne("i".into()), r#"{"end":"i"}"#),
            (LogoutIndexMessage::EndAll { spared: None }, r#"{"end_all":true,"spared":null}"#),
            (LogoutIndexMessage::EndAll { spared: Some("s".into()) }, r#"{"end_all":true,"spared":"s"}"#),
            (
                LogoutIndexMessage::Spend { jti: "j".into(), requester: "id".into(), until: 9 },
                r#"{"asker":"id","jti":"j","until":9}"#,
            ),
        ];
        for (message, expected) in table {
            assert_eq!(message.to_json(), expected);
            assert_eq!(LogoutIndexMessage::parse(expected), Some(message));
        }
    }

    #[test]
    fn what_is_not_a_message_is_refused() {
        let table = [
            "",
            "{}",
            r#"{"add":"s"}"#,
            r#"{"add":"s","until":null}"#,
            r#"{"add":7,"until":9}"#,
            r#"{"list":7,"current":null}"#,
            r#"{"end":null}"#,
            r#"{"jti":"j","until":9}"#,
            r#"{"asker":"id","until":9}"#,
            r#"{"asker":"id","jti":"j"}"#,
            r#"{"asker":"id","jti":"j","jti":"k","until":9}"#,
        ];
        for text in table {
            assert_eq!(LogoutIndexMessage::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_answer_comes_back_as_it_was_and_what_says_neither_is_none() {
        let answers =
            [LogoutIndexAnswer::Done, LogoutIndexAnswer::Replayed, LogoutIndexAnswer::Failed, LogoutIndexAnswer::Gone];
        for answer in answers {
            assert_eq!(LogoutIndexAnswer::parse(&answer.to_json()), Some(answer));
        }
        assert_eq!(LogoutIndexAnswer::parse("{}"), Some(LogoutIndexAnswer::Done), "an object of the build before");
        for text in ["", "[]", r#"{"replayed":false}"#, r#"{"replayed":"yes"}"#, r#"{"failed":null}"#] {
            assert_eq!(LogoutIndexAnswer::parse(text), None, "{text}");
        }
    }
}
