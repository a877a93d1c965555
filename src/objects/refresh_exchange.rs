//! The message to the object of a refresh token, and its answer.

use std::rc::Rc;

use serde_json::Value;

use crate::json::{self, ToText as _};
use crate::oauth::{Outcome, outcome_from_json, outcome_to_json};
use crate::secret::Secret;

/// A request to the object of a refresh token.
#[derive(Clone)]
pub struct RefreshExchangeMessage {
    /// The token.
    pub refresh_token: Secret<String>,
    /// Identifies the requester, who gets the answer again for longer than others.
    pub requester: String,
    /// For how long everyone gets the answer again, in milliseconds.
    pub grace_ms: i64,
    /// For how long the requester does, in milliseconds.
    pub retry_ms: i64,
    /// What the access token is wanted for, if that is another target than that of the login.
    pub target: Option<String>,
}

impl RefreshExchangeMessage {
    /// Parses a message; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let members = json::parse_object(text.as_bytes())?;
        let own = |name: &str| json::text(&members, name).map(str::to_owned);
        let number = |name: &str| members.get(name).and_then(Value::as_i64);
        Some(Self {
            refresh_token: Secret::new(own("refresh_token")?),
            requester: own("asker")?,
            grace_ms: number("grace_ms")?,
            retry_ms: number("retry_ms")?,
            target: own("for"),
        })
    }

    /// Returns the message as JSON.
    pub fn to_json(&self) -> String {
        let members = &mut [
            ("refresh_token", self.refresh_token.expose().as_str().into()),
            ("asker", self.requester.as_str().into()),
            ("grace_ms", self.grace_ms.into()),
            ("retry_ms", self.retry_ms.into()),
        ];
        json::with_text(json::object(members), "for", self.target.as_deref()).to_text()
    }
}

/// The result of the token request of a refresh token.
pub struct RefreshExchangeAnswer {
    /// What the provider said.
    pub outcome: Rc<Outcome>,
    /// Whether an object had stored it from an earlier token request.
    pub replayed: bool,
    /// What it is for, if that is another target than that of the login.
    pub target: Option<String>,
}

impl RefreshExchangeAnswer {
    /// Reads an answer; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let members = json::parse_object(text.as_bytes())?;
        let replayed = members.get("replayed").and_then(Value::as_bool) == Some(true);
        let target = json::text(&members, "for").map(str::to_owned);
        Some(Self { outcome: Rc::new(outcome_from_json(&members)?), replayed, target })
    }

    /// Returns the answer as JSON.
    pub fn to_json(&self) -> String {
        let mut answer = json::with_text(outcome_to_json(&self.outcome), "for", self.target.as_deref());
        if let (true, Some(members)) = (self.replayed, answer.as_object_mut()) {
            members.insert("replayed".to_owned(), true.into());
        }
        answer.to_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{ProviderResponse, TransportError};

    #[test]
    fn a_message_is_written_as_every_build_reads_it_and_comes_back_as_it_was() {
        let refresh_token = Secret::new("r".to_owned());
        let (grace_ms, retry_ms, target) = (30_000, 5_000, Some("audience\na\n\na".to_owned()));
        let message = RefreshExchangeMessage { refresh_token, requester: "id".into(), grace_ms, retry_ms, target };
        let targeted =
            r#"{"asker":"id","for":"audience\na\n\na","grace_ms":30000,"refresh_token":"r","retry_ms":5000}"#;
        for (message, expected) in [
            (
                RefreshExchangeMessage { target: None, ..message.clone() },
                r#"{"asker":"id","grace_ms":30000,"refresh_token":"r","retry_ms":5000}"#,
            ),
            (message, targeted),
        ] {
            let text = message.to_json();
            assert_eq!(text, expected);
            assert_eq!(RefreshExchangeMessage::parse(&text).unwrap().to_json(), text);
        }
        let table = [
            "",
            "{}",
            r#"{"asker":"id","grace_ms":0,"retry_ms":0}"#,
            r#"{"asker":"id","grace_ms":0,"refresh_token":null,"retry_ms":0}"#,
            r#"{"grace_ms":0,"refresh_token":"r","retry_ms":0}"#,
            r#"{"asker":"id","grace_ms":"0","refresh_token":"r","retry_ms":0}"#,
            r#"{"asker":"id","grace_ms":0,"refresh_token":"r","refresh_token":"s","retry_ms":0}"#,
        ];
        for text in table {
            assert!(RefreshExchangeMessage::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_answer_is_written_as_every_build_reads_it_and_comes_back_as_it_was() {
        let came = || Ok(ProviderResponse { status: 200, retry_after: None, body: "{}".into() });
        let answer = |outcome, replayed| RefreshExchangeAnswer { outcome: Rc::new(outcome), replayed, target: None };
        let table = [
            (answer(came(), false), r#"{"body":"{}","retry_after":null,"status":200}"#),
            (answer(came(), true), r#"{"body":"{}","replayed":true,"retry_after":null,"status":200}"#),
            (
                RefreshExchangeAnswer { target: Some("audience\na\n\na".into()), ..answer(came(), false) },
                r#"{"body":"{}","for":"audience\na\n\na","retry_after":null,"status":200}"#,
            ),
            (answer(Err(TransportError::TooLarge), false), r#"{"failed":"too_large","reason":null}"#),
        ];
        for (answer, expected) in table {
            let text = answer.to_json();
            assert_eq!(text, expected);
            let parsed = RefreshExchangeAnswer::parse(&text).unwrap();
            assert_eq!((parsed.to_json(), parsed.replayed), (text, answer.replayed));
        }
        for text in ["", "{}", r#"{"replayed":true}"#, r#"{"status":99999,"body":""}"#, r#"{"status":200}"#] {
            assert!(RefreshExchangeAnswer::parse(text).is_none(), "{text}");
        }
    }
}
