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

use crate::config::Config;

/// A class of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The token requests that begin with one refresh token.
    RefreshExchange,
    /// One session.
    Session,
    /// The sessions of one user, or of one session at the provider; or the use of one login's state.
    LogoutIndex,
    /// The proofs of one key that were used.
    DpopProofs,
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
            Self::DpopProofs => "DPOP_PROOFS",
        }
    }
}
