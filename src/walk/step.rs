//! What is said of a step of the way, and of its end.

use serde_json::{Map, Value};

use crate::problem::Problem;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutcome {
    /// The request goes on.
    Passed,
    /// It is refused here.
    Refused,
    /// It is answered here.
    Answered,
    /// Something decides it that is not known here; the way goes on as if it passed.
    Unknown,
    /// There is nothing to decide.
    Skipped,
}

impl StepOutcome {
    /// Returns its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Refused => "refused",
            Self::Answered => "answered",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

/// A step of the way.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name, such as `match`.
    pub name: &'static str,
    /// What came of it.
    pub outcome: StepOutcome,
    /// Why, in words; they may quote the request, unescaped.
    pub words: String,
    /// The code of the failure that it ended with.
    pub code: Option<&'static str>,
    /// What programs may want to know of it.
    pub details: Map<String, Value>,
}

impl Step {
    /// Returns a step.
    pub fn new(name: &'static str, outcome: StepOutcome, words: impl Into<String>) -> Self {
        Self { name, outcome, words: words.into(), code: None, details: Map::new() }
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Names the failure that it ended with.
    #[must_use]
    pub fn of(mut self, problem: &Problem) -> Self {
        self.code = Some(problem.code());
        self
    }
}

/// How a way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// At an upstream, another Worker or a module.
    Forwarded,
    /// With an answer of the gateway.
    Answered,
    /// With a failure.
    Refused,
}

impl Kind {
    /// Returns its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Answered => "answered",
            Self::Refused => "refused",
        }
    }
}

/// An answer of the gateway, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    /// Its status.
    pub status: Option<u16>,
    /// Its headers, by lower-case name, as far as the request and the config decide them.
    pub headers: Vec<(String, String)>,
}

/// The end of a way.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ends.
    pub kind: Kind,
    /// In words; of a failure, the way out.
    pub words: String,
    /// The answer, unless another gives it.
    pub answer: Answered,
    /// The code of the failure, if there was one.
    pub code: Option<&'static str>,
}

/// The request that is passed on.
pub struct Upstream {
    /// Its method.
    pub method: String,
    /// Its address.
    pub url: String,
    /// Other addresses that are tried, or chosen for other callers.
    pub others: Vec<String>,
    /// Its headers, in the order of their names, less those that the connection brings.
    pub headers: Vec<SentHeader>,
}

/// A header that is passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentHeader {
    /// Its lower-case name.
    pub name: String,
    /// Its value; in angle brackets what is not known here.
    pub value: String,
    /// Who it is from: `client`, `gateway`, `session`, `mapping` or `config`.
    pub from: &'static str,
    /// What a mapping draws it from.
    pub source: Option<String>,
}
