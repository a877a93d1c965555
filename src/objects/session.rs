//! Messages to a session, and its answers.

use std::rc::Rc;

use serde_json::{Map, Value};

use crate::config::TokenTarget;
use crate::json::{self, ToText as _};
use crate::oauth::{Outcome, Unfit, outcome_from_json, outcome_to_json, validate_renewal};
use crate::problem::Problem;
use crate::session::{LoginClient, SessionRecord, SessionToken, Tokens};
use crate::token::Authentication;

/// A message to a session. It has no `Debug`, because it contains secrets. A `key` is the half of the cookie that opens the
/// session.
pub enum SessionMessage {
    /// Begin, with the tokens of a login.
    Create {
        /// The key.
        key: String,
        /// The tokens.
        tokens: Tokens,
        /// When the access token expires, in seconds since 1970.
        until: i64,
        /// What began it.
        client: LoginClient,
    },
    /// Return the access token, renewed if it is due.
    Access {
        /// The key.
        key: String,
        /// An access token that was not accepted: another is wanted.
        rejected: Option<String>,
        /// Whether this does not count as a use of the session, and so does not prolong it.
        silent: bool,
        /// Whether the ID token is wanted too.
        id_token: bool,
        /// Its name, by which the index of its user is to have it, if the config lists sessions.
        listed_as: Option<String>,
        /// What the token is wanted for, if that is another target than that of the login.
        target: Option<String>,
    },
    /// End.
    End {
        /// The key.
        key: String,
        /// If a login takes its place: the name of that login's session at the provider, empty if it has none.
        replaced_by: Option<String>,
    },
    /// End, because the provider says so in the browser, if it is the session of this name there.
    EndOf {
        /// The key.
        key: String,
        /// The name.
        sid: String,
    },
    /// End, because the provider or the user says so, who has no key.
    Erase,
    /// Say what a list of sessions says.
    Describe,
}

impl SessionMessage {
    /// Parses a message; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let members = json::parse_object(text.as_bytes())?;
        let own = |name: &str| json::text(&members, name).map(str::to_owned);
        let is_true = |name: &str| members.get(name) == Some(&Value::Bool(true));
        Some(match json::text(&members, "do")? {
            "create" => Self::Create {
                key: own("key")?,
                tokens: Tokens::from_json(&members)?,
                until: members.get("until").and_then(Value::as_i64)?,
                client: LoginClient::from_json(&members),
            },
            "access" => Self::Access {
                key: own("key")?,
                rejected: own("doubted"),
                silent: is_true("silent"),
                id_token: is_true("id_token"),
                listed_as: own("listed_as"),
                target: match own("for") {
                    Some(target) => Some(TokenTarget::parse(&target).map(TokenTarget::to_text)?),
                    None => None,
                },
            },
            "end" => Self::End { key: own("key")?, replaced_by: own("replaced_by") },
            "end_of" => Self::EndOf { key: own("key")?, sid: own("sid")? },
            "erase" => Self::Erase,
            "describe" => Self::Describe,
            _ => return None,
        })
    }

    /// Returns the message as JSON.
    pub fn to_json(&self) -> String {
        match self {
            Self::Create { key, tokens, until, client } => {
                let mut members = tokens.members();
                client.insert_into(&mut members);
                let own = &mut [("do", "create".into()), ("key", key.as_str().into()), ("until", (*until).into())];
                json::insert(&mut members, own);
                Value::Object(members)
            }
            Self::Access { key, rejected, silent, id_token, target, listed_as } => {
                let members = &mut [
                    ("do", "access".into()),
                    ("key", key.as_str().into()),
                    ("doubted", rejected.as_deref().into()),
                    ("silent", (*silent).into()),
                    ("id_token", (*id_token).into()),
                ];
                let message = json::with_text(json::object(members), "for", target.as_deref());
                json::with_text(message, "listed_as", listed_as.as_deref())
            }
            Self::End { key, replaced_by } => json::object(&mut [
                ("do", "end".into()),
                ("key", key.as_str().into()),
                ("replaced_by", replaced_by.as_deref().into()),
            ]),
            Self::EndOf { key, sid } => {
                json::object(&mut [("do", "end_of".into()), ("key", key.as_str().into()), ("sid", sid.as_str().into())])
            }
            Self::Erase => json::object(&mut [("do", "erase".into())]),
            Self::Describe => json::object(&mut [("do", "describe".into())]),
        }
        .to_text()
    }
}

/// What a session answers. It has no `Debug`, because it contains secrets.
pub enum SessionAnswer {
    /// It is done.
    Done,
    /// Its access token.
    Token {
        /// The token.
        token: String,
        /// Whose the session is, by the ID token of its login.
        subject: Option<String>,
        /// The ID token, if it was asked for and there is one.
        id_token: Option<String>,
        /// How the user was authenticated, by the ID token of its login.
        authentication: Authentication,
        /// When the token expires, in seconds since 1970.
        until: i64,
        /// For how many seconds the token may be used without asking again.
        valid_secs: i64,
        /// What it is for, if that is another target than that of the login.
        target: Option<String>,
    },
    /// The provider gave no token that is for the target.
    Unfit(Unfit),
    /// The key does not open it.
    WrongKey,
    /// It has ended.
    Ended {
        /// Why.
        reason: String,
        /// Whether a login took its place.
        replaced: bool,
        /// Its ID token, for the provider's logout.
        id_token: Option<String>,
    },
    /// Its tokens could not be renewed, by what the provider said.
    NotRenewed(Rc<Outcome>),
    /// What a list says of it, which goes on as it is.
    Described(Box<SessionRecord>),
}

impl SessionAnswer {
    /// Returns the answer of a session that has ended and that no login replaced.
    pub fn ended(reason: &str) -> Self {
        Self::Ended { reason: reason.to_owned(), replaced: false, id_token: None }
    }

    /// Returns the access token that a session answered to a question of `asked_ms`, in milliseconds since 1970, for this target.
    ///
    /// # Errors
    /// The answer to a client that knows of no refresh token.
    pub fn into_token(self, asked_ms: f64, wanted: Option<&str>) -> Result<SessionToken, Problem> {
        let no_token = || Problem::StoreUnavailable("the session answered without a token".to_owned());
        match self {
            // An object of an older build knows of no targets.
            Self::Token { target, .. } if target.as_deref() != wanted => {
                Err(Problem::StoreUnavailable("the session answered with another token".to_owned()))
            }
            Self::Token { token, subject, id_token, authentication, until, valid_secs, .. } => {
                // Its seconds are counted from the last whole one.
                let asked_again_ms = (asked_ms + valid_secs as f64 * 1000.0).min(until as f64 * 1000.0);
                let (subject, id_token) = (subject.map(Rc::from), id_token.map(Rc::from));
                Ok(SessionToken { token: token.into(), until, asked_again_ms, subject, id_token, authentication })
            }
            Self::Unfit(unfit) => Err(unfit.into()),
            Self::WrongKey => Err(Problem::SessionInvalid("the cookie's key does not open the session")),
            Self::Ended { reason, .. } => Err(Problem::SessionExpired(reason.into())),
            Self::NotRenewed(outcome) => Err(validate_renewal(&outcome).err().unwrap_or_else(no_token)),
            Self::Done | Self::Described(_) => Err(no_token()),
        }
    }

    /// Parses an answer; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_json(&json::parse_object(text.as_bytes())?)
    }

    /// Reads an answer; `None` if it is not one.
    pub fn from_json(members: &Map<String, Value>) -> Option<Self> {
        let number = |name: &str| members.get(name).and_then(Value::as_i64);
        if let Some(token) = json::text(members, "access") {
            return Some(Self::Token {
                token: token.to_owned(),
                subject: json::text(members, "subject").map(str::to_owned),
                id_token: json::text(members, "id_token").map(str::to_owned),
                authentication: Authentication::read(members),
                until: number("until")?,
                valid_secs: number("good_for")?,
                target: json::text(members, "for").map(str::to_owned),
            });
        }
        if let Some(reason) = json::text(members, "unfit") {
            let missing = json::text(members, "missing").unwrap_or_default().to_owned();
            return Some(Self::Unfit(Unfit { reason: reason.to_owned(), missing }));
        }
        if members.contains_key("refused") {
            return Some(Self::WrongKey);
        }
        if let Some(reason) = json::text(members, "ended") {
            let id_token = json::text(members, "id_token").map(str::to_owned);
            return Some(Self::Ended {
                reason: reason.to_owned(),
                replaced: members.contains_key("replaced"),
                id_token,
            });
        }
        match outcome_from_json(members) {
            Some(outcome) => Some(Self::NotRenewed(Rc::new(outcome))),
            None => members.is_empty().then_some(Self::Done),
        }
    }

    /// Returns the answer as JSON.
    pub fn to_json(&self) -> String {
        match self {
            Self::Done => json::object(&mut []),
            Self::Token { token, subject, id_token, authentication, until, valid_secs, target } => {
                let mut members = Map::new();
                let own = &mut [
                    ("access", token.as_str().into()),
                    ("subject", subject.as_deref().into()),
                    ("id_token", id_token.as_deref().into()),
                    ("until", (*until).into()),
                    ("good_for", (*valid_secs).into()),
                ];
                json::insert(&mut members, own);
                authentication.write(&mut members);
                json::with_text(Value::Object(members), "for", target.as_deref())
            }
            Self::Unfit(Unfit { reason, missing }) => {
                json::object(&mut [("unfit", reason.as_str().into()), ("missing", missing.as_str().into())])
            }
            Self::WrongKey => json::object(&mut [("refused", "the cookie's key does not open it".into())]),
            Self::Ended { reason, replaced, id_token } => {
                let mut members = Map::new();
                json::insert(&mut members, &mut [("ended", reason.as_str().into())]);
                if *replaced {
                    json::insert(&mut members, &mut [("replaced", true.into())]);
                }
                if let Some(id_token) = id_token {
                    json::insert(&mut members, &mut [("id_token", id_token.as_str().into())]);
                }
                Value::Object(members)
            }
            Self::NotRenewed(outcome) => outcome_to_json(outcome),
            Self::Described(record) => Value::Object(record.description()),
        }
        .to_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{ProviderResponse, TransportError};

    fn tokens() -> Tokens {
        let (refresh, sid, id_token) = (Some("r".into()), Some("s".into()), Some("i".into()));
        Tokens {
            access: "a".into(),
            refresh,
            subject: None,
            sid,
            id_token,
            authentication: Authentication::default(),
            held: Vec::new(),
        }
    }

    fn authentication() -> Authentication {
        Authentication { acr: Some("1".into()), time: Some(7) }
    }

    #[test]
    fn a_message_is_written_as_every_build_reads_it_and_comes_back_as_it_was() {
        let access = |rejected: Option<&str>, silent, id_token| SessionMessage::Access {
            key: "k".into(),
            rejected: rejected.map(str::to_owned),
            silent,
            id_token,
            listed_as: None,
            target: None,
        };
        let end = |replaced_by: Option<&str>| SessionMessage::End {
            key: "k".into(),
            replaced_by: replaced_by.map(str::to_owned),
        };
        let table = [
            (
                SessionMessage::Create { key: "k".into(), tokens: tokens(), until: 9, client: LoginClient::default() },
                r#"{"access":"a","do":"create","id_token":"i","key":"k","refresh":"r","sid":"s","subject":null,"until":9}"#,
            ),
            (
                SessionMessage::Create {
                    key: "k".into(),
                    tokens: Tokens { authentication: authentication(), ..tokens() },
                    until: 9,
                    client: LoginClient::default(),
                },
                r#"{"access":"a","acr":"1","auth_time":7,"do":"create","id_token":"i","key":"k","refresh":"r","sid":"s","subject":null,"until":9}"#,
            ),
            (access(None, false, false), r#"{"do":"access","doubted":null,"id_token":false,"key":"k","silent":false}"#),
            (access(Some("t"), true, true), r#"{"do":"access","doubted":"t","id_token":true,"key":"k","silent":true}"#),
            (
                SessionMessage::Access {
                    key: "k".into(),
                    rejected: None,
                    silent: false,
                    id_token: false,
                    target: Some("audience\na\nr\na".into()),
                    listed_as: Some("n".into()),
                },
                r#"{"do":"access","doubted":null,"for":"audience\na\nr\na","id_token":false,"key":"k","listed_as":"n","silent":false}"#,
            ),
            (end(None), r#"{"do":"end","key":"k","replaced_by":null}"#),
            (end(Some("")), r#"{"do":"end","key":"k","replaced_by":""}"#),
            (SessionMessage::EndOf { key: "k".into(), sid: "s".into() }, r#"{"do":"end_of","key":"k","sid":"s"}"#),
            (SessionMessage::Erase, r#"{"do":"erase"}"#),
            (SessionMessage::Describe, r#"{"do":"describe"}"#),
        ];
        for (message, expected) in table {
            let text = message.to_json();
            assert_eq!(text, expected);
            assert_eq!(SessionMessage::parse(&text).unwrap().to_json(), text);
        }
    }

    #[test]
    fn a_message_of_another_build_or_of_javascript_is_understood() {
        let table = [
            (
                r#"{"do":"access","key":"k"}"#,
                r#"{"do":"access","doubted":null,"id_token":false,"key":"k","silent":false}"#,
            ),
            (
                r#"{"do":"access","key":"k","silent":true,"listed_as":"n"}"#,
                r#"{"do":"access","doubted":null,"id_token":false,"key":"k","listed_as":"n","silent":true}"#,
            ),
            (
                r#"{"access":"a","country":"NZ","do":"create","key":"k","until":9,"user_agent":"b"}"#,
                r#"{"access":"a","country":"NZ","do":"create","id_token":null,"key":"k","refresh":null,"sid":null,"subject":null,"until":9,"user_agent":"b"}"#,
            ),
            (r#"{"do":"end","key":"k","more":1}"#, r#"{"do":"end","key":"k","replaced_by":null}"#),
        ];
        for (text, expected) in table {
            assert_eq!(SessionMessage::parse(text).unwrap().to_json(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_message_is_refused() {
        let table = [
            "",
            "[]",
            "{}",
            r#"{"do":"extend","key":"k"}"#,
            r#"{"do":["erase"]}"#,
            r#"{"do":"erase","do":"erase"}"#,
            r#"{"do":"access"}"#,
            r#"{"do":"access","key":7}"#,
            r#"{"do":"access","key":"k","for":"audience"}"#,
            r#"{"do":"end","key":null}"#,
            r#"{"do":"end_of","key":"k"}"#,
            r#"{"do":"create","key":"k","until":9}"#,
            r#"{"do":"create","key":"k","access":"","until":9}"#,
            r#"{"do":"create","key":"k","access":"a","until":"9"}"#,
            r#"{"do":"create","access":"a","until":9}"#,
        ];
        for text in table {
            assert!(SessionMessage::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_answer_is_written_as_every_build_reads_it_and_comes_back_as_it_was() {
        let answer = |status| ProviderResponse { status, retry_after: Some("7".into()), body: "{}".into() };
        let token = |subject: Option<&str>| SessionAnswer::Token {
            token: "t".into(),
            subject: subject.map(str::to_owned),
            id_token: subject.map(|_| "i".to_owned()),
            authentication: if subject == Some("v") { authentication() } else { Authentication::default() },
            until: 60,
            valid_secs: 15,
            target: None,
        };
        let unfit = |missing: &str| SessionAnswer::Unfit(Unfit { reason: "why".into(), missing: missing.into() });
        let ended = |replaced, id_token: Option<&str>| SessionAnswer::Ended {
            reason: "why".into(),
            replaced,
            id_token: id_token.map(str::to_owned),
        };
        let table = [
            (SessionAnswer::Done, "{}"),
            (token(None), r#"{"access":"t","good_for":15,"id_token":null,"subject":null,"until":60}"#),
            (token(Some("u")), r#"{"access":"t","good_for":15,"id_token":"i","subject":"u","until":60}"#),
            (
                token(Some("v")),
                r#"{"access":"t","acr":"1","auth_time":7,"good_for":15,"id_token":"i","subject":"v","until":60}"#,
            ),
            (
                SessionAnswer::Token {
                    token: "t".into(),
                    subject: None,
                    id_token: None,
                    authentication: Authentication::default(),
                    until: 60,
                    valid_secs: 15,
                    target: Some("audience\na\n\na".into()),
                },
                r#"{"access":"t","for":"audience\na\n\na","good_for":15,"id_token":null,"subject":null,"until":60}"#,
            ),
            (unfit("r w"), r#"{"missing":"r w","unfit":"why"}"#),
            (SessionAnswer::WrongKey, r#"{"refused":"the cookie's key does not open it"}"#),
            (ended(false, None), r#"{"ended":"why"}"#),
            (ended(true, None), r#"{"ended":"why","replaced":true}"#),
            (ended(false, Some("i")), r#"{"ended":"why","id_token":"i"}"#),
            (SessionAnswer::NotRenewed(Rc::new(Ok(answer(400)))), r#"{"body":"{}","retry_after":"7","status":400}"#),
            (SessionAnswer::NotRenewed(Rc::new(Err(TransportError::Timeout))), r#"{"failed":"timeout","reason":null}"#),
        ];
        for (answer, expected) in table {
            let text = answer.to_json();
            assert_eq!(text, expected);
            assert_eq!(SessionAnswer::parse(&text).unwrap().to_json(), text);
        }
        for text in
            ["", "[]", r#"{"done":true}"#, r#"{"access":"t"}"#, r#"{"access":"t","until":60}"#, r#"{"ended":1}"#]
        {
            assert!(SessionAnswer::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_token_counts_from_the_question_on_and_what_is_none_says_why() {
        let token = |valid_secs| {
            let (subject, id_token, target) = (None, None, None);
            let authentication = Authentication::default();
            SessionAnswer::Token { token: "t".into(), subject, id_token, authentication, until: 60, valid_secs, target }
        };
        let asked_again = |answer: SessionAnswer| answer.into_token(50_500.0, None).unwrap().asked_again_ms;
        assert_eq!(asked_again(token(5)), 55_500.0);
        assert_eq!(asked_again(token(15)), 60_000.0, "never past its end");
        let refusal = r#"{"error":"invalid_grant"}"#;
        let provider = |status, body: &str| {
            let answer = ProviderResponse { status, retry_after: None, body: body.into() };
            SessionAnswer::NotRenewed(Rc::new(Ok(answer)))
        };
        let table = [
            (SessionAnswer::Unfit(Unfit { reason: "why".into(), missing: String::new() }), "token_unavailable"),
            (SessionAnswer::Unfit(Unfit { reason: "why".into(), missing: "r".into() }), "insufficient_scope"),
            (SessionAnswer::WrongKey, "session_invalid"),
            (SessionAnswer::ended("why"), "session_expired"),
            (provider(400, refusal), "session_expired"),
            (provider(500, ""), "idp_unavailable"),
            (provider(200, r#"{"access_token":"a"}"#), "store_unavailable"),
            (SessionAnswer::Done, "store_unavailable"),
        ];
        for (answer, expected) in table {
            assert_eq!(answer.into_token(0.0, None).err().unwrap().code(), expected);
        }
    }

    #[test]
    fn a_token_for_another_target_than_was_asked_for_is_never_taken() {
        let (orders, stock) = ("audience\norders\n\norders", "audience\nstock\n\nstock");
        let token = |target: Option<&str>| {
            let (subject, id_token, target) = (None, None, target.map(str::to_owned));
            let authentication = Authentication::default();
            SessionAnswer::Token {
                token: "t".into(),
                subject,
                id_token,
                authentication,
                until: 60,
                valid_secs: 15,
                target,
            }
        };
        for (came, wanted, message) in [
            (None, Some(orders), "that of the login, as an older build answers"),
            (Some(stock), Some(orders), "that for another"),
            (Some(orders), None, "one for a target instead of that of the login"),
        ] {
            assert_eq!(token(came).into_token(0.0, wanted).err().unwrap().code(), "store_unavailable", "{message}");
        }
        assert!(token(Some(orders)).into_token(0.0, Some(orders)).is_ok(), "the one that was asked for");
    }
}
