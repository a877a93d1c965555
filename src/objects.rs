//! Durable Objects: their classes, and the messages to them.
//!
//! A message and its answer are JSON. An object and its requester may be of two builds during a rollout: what one
//! writes, the other reads. So members keep their first names, such as `asker` for the requester.

mod logout_index;
mod refresh_exchange;
mod session;

pub use logout_index::{LogoutIndexAnswer, LogoutIndexMessage};
pub use refresh_exchange::{RefreshExchangeAnswer, RefreshExchangeMessage, Row};
pub use session::{SessionAnswer, SessionMessage};

use crate::config::{Config, RATE_LIMIT_OBJECTS};
use crate::secret::Secret;

/// A class of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The token requests that begin with one refresh token.
    RefreshExchange,
    /// One session.
    Session,
    /// The sessions of one user, or of one session at the provider; or the use of one login's state.
    LogoutIndex,
}

impl Class {
    /// Returns the classes without which a config cannot be served.
    pub fn needed_by(config: &Config) -> &'static [Self] {
        match &config.session {
            None => &[],
            Some(_) if config.has_backchannel_logout() || config.lists_sessions => {
                &[Self::Session, Self::RefreshExchange, Self::LogoutIndex]
            }
            Some(_) => &[Self::Session, Self::RefreshExchange],
        }
    }

    /// Returns the class that JavaScript calls by a name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "RefreshExchange" => Some(Self::RefreshExchange),
            "Session" => Some(Self::Session),
            "LogoutIndex" => Some(Self::LogoutIndex),
            _ => None,
        }
    }

    /// Returns the name of its binding.
    pub fn binding(self) -> &'static str {
        match self {
            Self::RefreshExchange => "REFRESH_EXCHANGES",
            Self::Session => "SESSIONS",
            Self::LogoutIndex => "LOGOUT_INDEX",
        }
    }
}

/// Returns a message for each class, in lines of binding and message, that an object without anything stored answers without storing
/// anything: one that every build knows, so that a rollout looks like no failure. Sessions are only asked if there are any.
pub fn health_questions(has_sessions: bool) -> String {
    let key = String::new();
    let access =
        SessionMessage::Access { key, rejected: None, silent: true, id_token: false, target: None, listed_as: None };
    let list = LogoutIndexMessage::List { after: String::new(), current: None };
    let exchange = RefreshExchangeMessage::revocation(&Secret::new(String::new()));
    let mut questions = [
        format!("{} {exchange}", Class::RefreshExchange.binding()),
        format!("{} {}", Class::LogoutIndex.binding(), list.to_json()),
        // A limit that lets nothing through counts nothing.
        format!("{RATE_LIMIT_OBJECTS} 0 1"),
    ]
    .join("\n");
    if has_sessions {
        questions.push_str(&format!("\n{} {}", Class::Session.binding(), access.to_json()));
    }
    questions
}
