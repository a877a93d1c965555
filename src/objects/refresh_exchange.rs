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
#[derive(Clone)]
pub struct RefreshExchangeAnswer {
    /// What the provider said.
    pub outcome: Rc<Outcome>,
    /// Whether an object had stored it from an earlier token request.
    pub replayed: bool,
    /// What it is for, if that is another target than that of the login.
    pub target: Option<String>,
    /// The refresh token that has taken the place of the requester's, if the answer may have no tokens.
    pub next: Option<Secret<String>>,
}

impl RefreshExchangeAnswer {
    /// Returns what came of a token request.
    pub fn new(outcome: Rc<Outcome>, target: Option<String>) -> Self {
        Self { outcome, replayed: false, target, next: None }
    }

    /// Reads an answer; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let members = json::parse_object(text.as_bytes())?;
        let replayed = members.get("replayed").and_then(Value::as_bool) == Some(true);
        let target = json::text(&members, "for").map(str::to_owned);
        let next = json::text(&members, "next").map(|token| Secret::new(token.to_owned()));
        Some(Self { outcome: Rc::new(outcome_from_json(&members)?), replayed, target, next })
    }

    /// Returns the answer as JSON.
    pub fn to_json(&self) -> String {
        self.to_line(self.replayed)
    }

    fn to_line(&self, is_replayed: bool) -> String {
        let answer = json::with_text(outcome_to_json(&self.outcome), "for", self.target.as_deref());
        let mut answer = json::with_text(answer, "next", self.next.as_ref().map(|token| token.expose().as_str()));
        if let (true, Some(members)) = (is_replayed, answer.as_object_mut()) {
            members.insert("replayed".to_owned(), true.into());
        }
        answer.to_text()
    }

    /// Returns the tokens for a client that wants them for a target. If there are none for it, `see_next` gets the refresh token that
    /// has taken the place of the client's.
    ///
    /// # Errors
    /// The answer to the client.
    #[inline(never)]
    pub fn tokens_for(&self, wanted: Option<&str>, see_next: &mut dyn FnMut(&str)) -> Result<TokenResponse, Problem> {
        let tokens = self.tokens().map_err(|problem| {
            self.next.iter().for_each(|next| see_next(next.expose()));
            match (&problem, wanted) {
                (Problem::IdpRejected(_) | Problem::LoginDenied(_), Some(target)) => {
                    refusal(target, &problem).map_or(problem, Problem::from)
                }
                _ => problem,
            }
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

    /// Puts the refresh token of a later answer in the place of its own, or beside a failure.
    fn replace_refresh_token(&mut self, refresh_token: &str) {
        self.next = Some(Secret::new(refresh_token.to_owned()));
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
#[derive(Clone, Default)]
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
    /// For how long everyone gets what is kept, in milliseconds.
    grace_ms: i64,
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

    /// Adds what came of a request with the refresh token `sent`. If there is a successor then, the answers are to be kept.
    #[inline(never)]
    pub fn add(&mut self, mut answer: RefreshExchangeAnswer, sent: &str, requester: &str) {
        let successor = match answer.tokens() {
            Ok(tokens) => tokens.refresh_token().filter(|token| *token != sent).map(str::to_owned),
            // A refusal of the target is its own. Whatever else failed would fail the next one, too.
            Err(problem) => {
                if answer.target.as_deref().and_then(|target| refusal(target, &problem)).is_none() {
                    (self.has_ended, answer.replayed) = (true, true);
                }
                None
            }
        };
        if let Some(successor) = successor {
            for before in &mut self.answers {
                before.replace_refresh_token(&successor);
            }
            self.current = Some(Secret::new(successor));
        } else if let Some(current) = &self.current {
            answer.replace_refresh_token(current.expose());
        }
        self.answers.push(answer);
        self.add_requester(requester);
    }

    /// Adds one that gets what is to be kept, if there is something.
    pub fn add_requester(&mut self, requester: &str) {
        if self.current.is_some() {
            self.requesters.push_str(requester);
            self.requesters.push('\n');
        }
    }

    /// Checks whether what is kept stays for as long as one needs it that gets it: isolates may have different configs for a minute.
    pub fn is_kept_for(&self, grace_ms: i64, retry_ms: i64) -> bool {
        self.current.is_none() || grace_ms.max(retry_ms) <= self.grace_ms
    }

    /// Returns for how long everyone is to get what is kept, if one more has this grace.
    pub fn extend_grace(&mut self, grace_ms: i64) -> i64 {
        self.grace_ms = self.grace_ms.max(grace_ms);
        self.grace_ms
    }

    /// Takes the text of the answers that an object kept. They are everyone's, also if another build wrote it, which did not say so.
    pub fn set_kept(&mut self, text: &str) {
        self.kept.clear();
        for answer in text.split('\n').filter_map(RefreshExchangeAnswer::parse) {
            self.kept.push_str(&answer.to_line(true));
            self.kept.push('\n');
        }
    }

    /// Returns the answers as a text, one a line: all of them, or those with tokens, to be kept.
    pub fn to_text(&self, to_keep: bool) -> String {
        let mut text = if to_keep { String::new() } else { self.kept.clone() };
        for answer in &self.answers {
            if !to_keep || answer.tokens().is_ok() {
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
        let answer = |outcome, replayed| RefreshExchangeAnswer {
            replayed,
            ..RefreshExchangeAnswer::new(Rc::new(outcome), None)
        };
        let table = [
            (answer(came(), false), r#"{"body":"{}","retry_after":null,"status":200}"#),
            (answer(came(), true), r#"{"body":"{}","replayed":true,"retry_after":null,"status":200}"#),
            (
                RefreshExchangeAnswer { target: Some("audience\na\n\na".into()), ..answer(came(), false) },
                r#"{"body":"{}","for":"audience\na\n\na","retry_after":null,"status":200}"#,
            ),
            (
                RefreshExchangeAnswer { next: Some(Secret::new("r2".into())), ..answer(came(), false) },
                r#"{"body":"{}","next":"r2","retry_after":null,"status":200}"#,
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

    #[test]
    fn what_is_kept_stays_for_the_longest_grace_of_those_who_asked_and_for_the_retry_of_each() {
        let mut row = Row::default();
        assert!(row.is_kept_for(10, 5), "there is nothing to keep");
        let tokens = Ok(ProviderResponse {
            status: 200,
            retry_after: None,
            body: r#"{"access_token":"a","refresh_token":"r2"}"#.into(),
        });
        row.add(RefreshExchangeAnswer::new(Rc::new(tokens), None), "r1", "1");
        assert_eq!(row.extend_grace(0), 0);
        assert!(!row.is_kept_for(0, 5), "the requester of a retry has to be known");
        assert!(!row.is_kept_for(10, 5), "and so has one whose config has a longer grace");
        assert_eq!(row.extend_grace(10), 10);
        assert!(row.is_kept_for(10, 5) && row.is_kept_for(0, 5), "everyone gets it for longer than that");
        assert!(!row.is_kept_for(0, 60));
        assert_eq!(row.extend_grace(0), 10, "the shorter grace of another config shortens nobody's");
    }

    #[test]
    fn whoever_fails_after_the_refresh_token_was_replaced_learns_of_the_last_successor() {
        let answer = |status, body: &str, target: Option<&str>| {
            let outcome = Ok(ProviderResponse { status, retry_after: None, body: body.into() });
            RefreshExchangeAnswer::new(Rc::new(outcome), target.map(str::to_owned))
        };
        let [refused, other, failed] = ["r", "o", "f"].map(|name| format!("audience\n{name}\n\n{name}"));
        let [refused, other, failed] = [&refused, &other, &failed].map(|target| Some(target.as_str()));
        let tokens = |next| format!(r#"{{"access_token":"a","refresh_token":"{next}"}}"#);
        let denied = r#"{"error":"access_denied"}"#;
        let mut row = Row::default();
        row.add(answer(200, &tokens("r2"), None), "r1", "1");
        row.add(answer(403, denied, refused), "r2", "2");
        let after_two = row.to_text(false);
        row.add(answer(200, &tokens("r3"), other), "r2", "3");
        row.add(answer(500, "", failed), "r3", "4");
        let after_four = row.to_text(false);
        let unavailable = "token_unavailable";
        for (text, target, expected) in [
            (&after_two, refused, (unavailable, Some("r2"))),
            (&after_four, refused, (unavailable, Some("r3"))),
            (&after_four, failed, ("idp_error", Some("r3"))),
            (&after_four, Some("audience\nx\n\nx"), ("idp_error", Some("r3"))),
        ] {
            let parsed = RefreshExchangeAnswer::parse(&Row::select(text, target).unwrap().to_json()).unwrap();
            let mut next = None;
            let problem = parsed.tokens_for(target, &mut |token| next = Some(token.to_owned())).err();
            assert_eq!((problem.map(|problem| problem.code()), next.as_deref()), (Some(expected.0), expected.1));
        }
        assert_eq!(row.to_text(true).lines().count(), 2, "only tokens are kept");
        assert_eq!(row.requesters(), "1\n2\n3\n4\n");

        let mut late = Row::default();
        late.set_kept(r#"{"body":"{}","retry_after":null,"status":200}"#);
        assert!(Row::select(&late.to_text(false), refused).is_some(), "a record of an earlier build is everyone's");

        let mut row = Row::default();
        row.add(answer(403, denied, refused), "r1", "1");
        let mut next = None;
        let first = Row::select(&row.to_text(false), refused).unwrap();
        assert!(first.tokens_for(refused, &mut |token| next = Some(token.to_owned())).is_err());
        assert_eq!((next, row.requesters()), (None, ""), "the refresh token is not used");
    }
}
