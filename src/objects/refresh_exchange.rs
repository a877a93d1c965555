//! The message to the object of a refresh token, and its answer.

use std::rc::Rc;

use serde_json::Value;

use crate::config::TokenTarget;
use crate::json::{self, ToText as _};
use crate::oauth::{
    Grant, Outcome, ProviderResponse, TokenResponse, is_line_of, outcome_from_json, outcome_to_json,
    parse_token_response, refusal, unfit,
};
use crate::problem::Problem;
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
    #[inline(never)]
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

    /// Returns the message, as JSON, that revokes a refresh token. It has none of the other members: no build may take it for a request.
    pub fn revocation(refresh_token: &Secret<String>) -> String {
        json::object(&mut [("revoke", refresh_token.expose().as_str().into())]).to_text()
    }

    /// Returns the refresh token that a message revokes; `None` if it is not such a one.
    pub fn parse_revocation(text: &str) -> Option<Secret<String>> {
        let members = json::parse_object(text.as_bytes())?;
        json::text(&members, "revoke").map(|token| Secret::new(token.to_owned()))
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
        self.to_line(self.replayed)
    }

    fn to_line(&self, is_replayed: bool) -> String {
        let mut answer = json::with_text(outcome_to_json(&self.outcome), "for", self.target.as_deref());
        if let (true, Some(members)) = (is_replayed, answer.as_object_mut()) {
            members.insert("replayed".to_owned(), true.into());
        }
        answer.to_text()
    }

    /// Returns the tokens for a client that wants them for a target. If they are not for it, `see_next` gets their refresh token.
    ///
    /// # Errors
    /// The answer to the client.
    #[inline(never)]
    pub fn tokens_for(&self, wanted: Option<&str>, see_next: &mut dyn FnMut(&str)) -> Result<TokenResponse, Problem> {
        let tokens = self.tokens().map_err(|problem| match (&problem, wanted) {
            (Problem::IdpRejected(_), Some(target)) => refusal(target, &problem).map_or(problem, Problem::from),
            _ => problem,
        })?;
        let problem = if self.target.as_deref() == wanted {
            let target = wanted.and_then(TokenTarget::parse);
            match target.and_then(|target| unfit(&target, &tokens)) {
                None => return Ok(tokens),
                Some(unfit) => unfit.into(),
            }
        } else {
            Problem::RefreshTokenUsed
        };
        tokens.refresh_token().into_iter().for_each(see_next);
        Err(problem)
    }

    fn tokens(&self) -> Result<TokenResponse, Problem> {
        match &*self.outcome {
            Ok(answer) => parse_token_response(Grant::Refresh, answer),
            Err(error) => Err(error.clone().into()),
        }
    }

    /// Puts the refresh token of a later answer in the place of its own, if it has tokens.
    fn replace_refresh_token(&mut self, refresh_token: &str) {
        if let Ok(answer) = &*self.outcome
            && answer.status < 300
            && let Some(mut members) = json::parse_object(answer.body.as_bytes())
        {
            json::insert(&mut members, &mut [("refresh_token", refresh_token.into())]);
            let body = Value::Object(members).to_text();
            self.outcome = Rc::new(Ok(ProviderResponse { body, retry_after: None, ..*answer }));
        }
    }
}

/// The token requests for several targets that begin with one refresh token, each with the successor of the one before. All who
/// asked get the last successor: the others are used.
#[derive(Default)]
pub struct Row {
    /// The answers of an earlier row, which an object kept.
    kept: String,
    answers: Vec<RefreshExchangeAnswer>,
    /// The ids of those who asked for what is kept, one a line.
    requesters: String,
    /// The last successor, once there is one.
    current: Option<Secret<String>>,
    /// Whether a failure ended it.
    has_ended: bool,
}

impl Row {
    /// Returns the refresh token that the next request is made with, if there was one before.
    pub fn current(&self) -> Option<&Secret<String>> {
        self.current.as_ref()
    }

    /// Returns the ids of those who asked for what is kept, one a line.
    pub fn requesters(&self) -> &str {
        &self.requesters
    }

    /// Checks whether a requester gets what is there. One that has asked for another target restarted, and gets what came then.
    pub fn has_answer(&self, target: Option<&str>, requester: &str) -> bool {
        self.has_ended
            || self.answers.iter().any(|answer| answer.target.as_deref() == target)
            || is_line_of(&self.requesters, requester)
    }

    /// Adds what came of a request with the refresh token `sent`; returns whether there is a successor, to be kept with the answers.
    #[inline(never)]
    pub fn add(&mut self, mut answer: RefreshExchangeAnswer, sent: &str, requester: &str) -> bool {
        let mut is_kept = false;
        match answer.tokens() {
            Ok(tokens) => {
                if let Some(successor) = tokens.refresh_token().filter(|token| *token != sent) {
                    for before in &mut self.answers {
                        before.replace_refresh_token(successor);
                    }
                    self.current = Some(Secret::new(successor.to_owned()));
                } else if let Some(current) = &self.current {
                    answer.replace_refresh_token(current.expose());
                }
                is_kept = self.current.is_some();
            }
            // A refusal of the target is its own. Whatever else failed would fail the next one, too.
            Err(problem) => {
                if answer.target.as_deref().and_then(|target| refusal(target, &problem)).is_none() {
                    (self.has_ended, answer.replayed) = (true, true);
                }
            }
        }
        if is_kept {
            self.requesters.push_str(requester);
            self.requesters.push('\n');
        }
        self.answers.push(answer);
        is_kept
    }

    /// Takes the text of the answers that an object kept.
    pub fn set_kept(&mut self, text: String) {
        self.kept = text;
    }

    /// Returns the answers as a text, one a line: all of them, or those with tokens, to be kept.
    pub fn to_text(&self, to_keep: bool) -> String {
        let mut text = if to_keep { String::new() } else { [&self.kept, "\n"].concat() };
        for answer in &self.answers {
            let has_tokens = answer.outcome.as_ref().as_ref().is_ok_and(|response| response.status < 300);
            if has_tokens || !to_keep {
                text.push_str(&answer.to_line(to_keep || answer.replayed));
                text.push('\n');
            }
        }
        text
    }

    /// Returns the refresh token that kept answers end in.
    pub fn successor(text: &str) -> Option<Secret<String>> {
        let answer = text.split('\n').find_map(RefreshExchangeAnswer::parse)?;
        answer.tokens().ok()?.refresh_token().map(|token| Secret::new(token.to_owned()))
    }

    /// Returns the answer for a target. Who has none gets the last one that is everyone's: that was kept, and says what it is for, or
    /// that ended the row.
    pub fn select(text: &str, target: Option<&str>) -> Option<RefreshExchangeAnswer> {
        let mut everyones = None;
        for answer in text.split('\n').filter_map(RefreshExchangeAnswer::parse) {
            if answer.target.as_deref() == target {
                return Some(answer);
            }
            if answer.replayed {
                everyones = Some(answer);
            }
        }
        everyones
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
