//! Asks questions: at a terminal, or not at all.

#[cfg(not(target_os = "wasi"))]
use std::fmt;
#[cfg(not(target_os = "wasi"))]
use std::num::NonZero;

#[cfg(not(target_os = "wasi"))]
use inquire::validator::Validation;
#[cfg(not(target_os = "wasi"))]
use inquire::{CustomType, InquireError, Select, Text};

use super::asked::{DEFAULT_PORT, DEFAULT_PROVIDER, check_answer, flag};
use crate::failure::Failure;
use bargate::authoring::{Asked, Mode, StartingPoint};

/// The help below choices.
#[cfg(not(target_os = "wasi"))]
const HOW_TO_CHOOSE: &str = "↑↓ to move, letters to search, enter to take it, esc to leave";

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
#[cfg(not(target_os = "wasi"))]
pub struct Terminal;

#[cfg(not(target_os = "wasi"))]
impl Questions for Terminal {
    fn can_ask(&self) -> bool {
        true
    }

    fn provider(&mut self) -> Result<String, Failure> {
        let points = StartingPoint::providers().filter_map(|provider| StartingPoint::of(provider).next());
        let choices = points.map(|point| {
            let provider = point.provider().to_owned();
            let words = format!("{provider}: {}", point.title());
            Choice(provider, words)
        });
        choose("Where do people log in?", choices.collect())
    }

    fn mode(&mut self) -> Result<Mode, Failure> {
        let choices = vec![
            Choice(Mode::Session, "session: the gateway; the browser has only a cookie".to_owned()),
            Choice(Mode::Tokens, "tokens: the page, which may be on another site".to_owned()),
        ];
        choose("Who holds the tokens of a login?", choices)
    }

    fn text(&mut self, asked: Asked, point: StartingPoint) -> Result<String, Failure> {
        let question = match asked {
            Asked::Tenant if point.has_domain() => "The tenant's domain?",
            Asked::Tenant => "The provider's issuer?",
            Asked::Audience => "The API's identifier at the provider (audience)?",
            Asked::Upstream => "The API's address (upstream)?",
        };
        let validator = move |answer: &str| {
            Ok(match check_answer(asked, point, answer) {
                Ok(()) => Validation::Valid,
                Err(reason) => Validation::Invalid(reason.into()),
            })
        };
        let note = point.variable(asked).and_then(|variable| point.note(&variable));
        let text = Text::new(question).with_placeholder(example(asked, point)).with_validator(validator);
        let text = if let Some(note) = &note { text.with_help_message(note) } else { text };
        text.prompt().map_err(unanswered)
    }

    fn port(&mut self) -> Result<u16, Failure> {
        CustomType::<u16>::new("The port of the gateway in local runs?")
            .with_parser(&|text| text.parse().map(NonZero::<u16>::get).map_err(|_| ()))
            .with_default(DEFAULT_PORT)
            .with_error_message("a port is a number from 1 to 65535")
            .prompt()
            .map_err(unanswered)
    }
}

/// An answer, and its text.
#[cfg(not(target_os = "wasi"))]
struct Choice<T>(T, String);

#[cfg(not(target_os = "wasi"))]
impl<T> fmt::Display for Choice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

#[cfg(not(target_os = "wasi"))]
fn choose<T>(question: &str, choices: Vec<Choice<T>>) -> Result<T, Failure> {
    let chosen = Select::new(question, choices).with_help_message(HOW_TO_CHOOSE).prompt();
    chosen.map(|Choice(value, _)| value).map_err(unanswered)
}

#[cfg(not(target_os = "wasi"))]
fn unanswered(error: InquireError) -> Failure {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            Failure::new("a question was not answered; nothing is written")
        }
        other => Failure::new(format!("the terminal cannot ask: {other}")),
    }
}
