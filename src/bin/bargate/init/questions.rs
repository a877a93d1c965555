//! Asks questions: at a terminal, or not at all.

use std::num::NonZero;

use super::asked::{DEFAULT_PORT, DEFAULT_PROVIDER, check_answer, flag};
use crate::failure::Failure;
use crate::surroundings::{self, Question};
use bargate::authoring::{Asked, Mode, StartingPoint};

/// Somebody who answers, or nobody.
pub trait Questions {
    /// Checks whether somebody can be asked.
    fn can_ask(&self) -> bool;

    /// Asks where people log in, and returns the provider's name.
    ///
    /// # Errors
    /// A question that was not answered.
    fn provider(&mut self) -> Result<String, Failure>;

    /// Asks who is to hold the tokens.
    ///
    /// # Errors
    /// A question that was not answered.
    fn mode(&mut self) -> Result<Mode, Failure>;

    /// Asks for a text until it is one that the config may hold.
    ///
    /// # Errors
    /// A question that was not answered.
    fn text(&mut self, asked: Asked, point: StartingPoint) -> Result<String, Failure>;

    /// Asks on which port the gateway listens in local runs.
    ///
    /// # Errors
    /// A question that was not answered.
    fn port(&mut self) -> Result<u16, Failure>;
}

/// Nobody: the provider is Auth0, the port is the default, and other answers are errors.
pub struct Nobody;

impl Questions for Nobody {
    fn can_ask(&self) -> bool {
        false
    }

    fn provider(&mut self) -> Result<String, Failure> {
        Ok(DEFAULT_PROVIDER.to_owned())
    }

    fn mode(&mut self) -> Result<Mode, Failure> {
        Err(Failure::new("missing: --mode"))
    }

    fn text(&mut self, asked: Asked, _: StartingPoint) -> Result<String, Failure> {
        Err(Failure::new(format!("missing: {}", flag(asked))))
    }

    fn port(&mut self) -> Result<u16, Failure> {
        Ok(DEFAULT_PORT)
    }
}

/// Whoever has no answers yet: takes the examples.
pub struct Examples;

impl Questions for Examples {
    fn can_ask(&self) -> bool {
        true
    }

    fn provider(&mut self) -> Result<String, Failure> {
        Nobody.provider()
    }

    fn mode(&mut self) -> Result<Mode, Failure> {
        Ok(Mode::Session)
    }

    fn text(&mut self, asked: Asked, point: StartingPoint) -> Result<String, Failure> {
        Ok(example(asked, point).to_owned())
    }

    fn port(&mut self) -> Result<u16, Failure> {
        Nobody.port()
    }
}

/// Returns an answer as an example.
fn example(asked: Asked, point: StartingPoint) -> &'static str {
    match asked {
        Asked::Tenant if point.has_domain() => "tenant.eu.auth0.com",
        Asked::Tenant => "https://id.example.com",
        Asked::Audience => "https://api.example.com/",
        Asked::Upstream => "https://upstream.example.com",
    }
}

/// The person at the terminal.
pub struct Terminal {
    /// Whether an empty answer means the example.
    pub takes_examples: bool,
}

impl Questions for Terminal {
    fn can_ask(&self) -> bool {
        true
    }

    fn provider(&mut self) -> Result<String, Failure> {
        let points: Vec<_> =
            StartingPoint::providers().filter_map(|provider| StartingPoint::of(provider).next()).collect();
        let choices: Vec<_> = points.iter().map(|point| format!("{}: {}", point.provider(), point.title())).collect();
        let chosen = surroundings::choose("Where do people log in?", &choices)?;
        Ok(points.get(chosen).map_or(DEFAULT_PROVIDER, |point| point.provider()).to_owned())
    }

    fn mode(&mut self) -> Result<Mode, Failure> {
        let choices = [
            "session: the gateway; the browser has only a cookie".to_owned(),
            "tokens: the page, which may be on another site".to_owned(),
        ];
        let chosen = surroundings::choose("Who holds the tokens of a login?", &choices)?;
        Ok(if chosen == 0 { Mode::Session } else { Mode::Tokens })
    }

    fn text(&mut self, asked: Asked, point: StartingPoint) -> Result<String, Failure> {
        let text = match asked {
            Asked::Tenant if point.has_domain() => "The tenant's domain?",
            Asked::Tenant => "The provider's issuer?",
            Asked::Audience => "The API's identifier at the provider (audience)?",
            Asked::Upstream if point.is_for_mcp() => "The first MCP server's address (upstream)?",
            Asked::Upstream => "The API's address (upstream)?",
        };
        let note = point.variable(asked).and_then(|variable| point.note(&variable));
        let example = Some(example(asked, point));
        let default = example.filter(|_| self.takes_examples);
        let question = Question { text, example, default, help: note.as_deref() };
        surroundings::ask(&question, move |answer| check_answer(asked, point, answer))
    }

    fn port(&mut self) -> Result<u16, Failure> {
        let default = DEFAULT_PORT.to_string();
        let text = "The port of the gateway in local runs?";
        let question = Question { text, example: None, default: Some(&default), help: None };
        let answer = surroundings::ask(&question, |answer| port(answer).map(|_| ()))?;
        port(&answer).map_err(Failure::new)
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map(NonZero::<u16>::get).map_err(|_| "a port is a number from 1 to 65535".to_owned())
}
