//! A request on its way: what is known of it and of the config, and the steps so far.

use std::rc::Rc;

use super::known::Known;
use super::request::Request;
use super::step::{Step, StepOutcome, Upstream};
use crate::config::{Cors, Dpop, Path, Reference};
use crate::explain::{Explanation, GivenProof};
use crate::http::header::{Header, NO_STORE};
use crate::problem::Problem;
use crate::token::VerifiedClaims;

/// Checks a token by the rules of the authorizer of this name, and of the path: with its proof, if it came as one that is bound to a key.
pub type TokenCheck<'c> = dyn Fn(&str, &str, Option<&GivenProof>, Option<&Rc<Dpop>>) -> Explanation + 'c;

/// What is known of a request's user.
pub enum User {
    /// There is none.
    Nobody,
    /// A token's, which is genuine or taken to be.
    Token(VerifiedClaims),
    /// A token's or a session's, whose claims are not known.
    Unknown,
    /// A session's.
    Session,
}

impl User {
    /// Returns the claims, if they are known.
    pub fn claims(&self) -> Option<&VerifiedClaims> {
        match self {
            Self::Token(claims) => Some(claims),
            Self::Nobody | Self::Unknown | Self::Session => None,
        }
    }

    /// Checks whether there is one.
    pub fn is_there(&self) -> bool {
        !matches!(self, Self::Nobody)
    }
}

/// A request on its way.
pub struct Walk<'w> {
    pub known: &'w Known,
    pub request: &'w Request,
    /// The same without its credentials, for what is shown of what is sent.
    pub masked: &'w Request,
    pub now: i64,
    pub check: &'w TokenCheck<'w>,
    pub steps: Vec<Step>,
    pub upstream: Option<Upstream>,
    /// The index of the path that took it, once one did.
    pub index: Option<usize>,
    /// Whether something else decides if its token is valid.
    pub is_token_open: bool,
    /// Whether its user is a session's.
    pub has_session: bool,
}

impl<'w> Walk<'w> {
    /// Adds a step.
    pub fn step(&mut self, outcome: StepOutcome, name: &'static str, words: impl Into<String>) {
        self.steps.push(Step::new(name, outcome, words));
    }

    /// Adds the step at which the request is refused.
    pub fn refuse(&mut self, name: &'static str, words: impl Into<String>, problem: Problem) -> Problem {
        self.steps.push(Step::new(name, StepOutcome::Refused, words).of(&problem));
        problem
    }

    /// Returns the place of a key of the path that took the request.
    pub fn place(&self, key: &str) -> String {
        self.index.map(|index| format!("paths[{index}].{key}")).unwrap_or_default()
    }

    /// Returns why something is not known that depends on a place of the config.
    pub fn unknown_at(&self, place: &str) -> Option<String> {
        let reference = self.known.unknown_at(place)?;
        Some(no_value(reference))
    }

    /// Returns the rule for other origins that holds for the request's answer, and its place in the config.
    pub fn cors_rule(&self, path: Option<&'w Path>) -> Option<(&'w Cors, String)> {
        let own = path.and_then(|path| path.cors.as_ref()).map(|rule| (rule, self.place("cors")));
        own.or_else(|| Some((self.known.config.cors.as_ref()?, "cors".to_owned())))
    }
}

/// Returns the headers of a redirect that no cache may store.
pub fn redirect(location: String) -> Vec<Header> {
    vec![
        ("location".into(), location.into()),
        ("cache-control".into(), NO_STORE.into()),
        ("referrer-policy".into(), "no-referrer".into()),
    ]
}

/// Returns why something is not known that a reference decides.
pub fn no_value(reference: &Reference) -> String {
    format!("{reference} has no value here: name a file with it by --values or --wrangler")
}
