//! A machine with a network, a terminal, and the library's own check of signatures.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bargate::address::Address;
use bargate::algorithm::Algorithm;
use bargate::explain::{Signature, is_by_key};
use bargate::jwks::Key;
use inquire::validator::Validation;
use inquire::{InquireError, Select, Text};

use super::terms::{FETCH_MAX_SECS, Fetched, HOW_TO_CHOOSE, Question, unanswered};
use crate::failure::Failure;

/// Prepares for the paths of the command: on a machine they are the system's own.
pub fn prepare() {}

/// Returns a path with the separators of this program: those of the system.
pub fn path_of(path: &Path) -> PathBuf {
    path.to_owned()
}

/// Checks whether `signature` was made over `signed` with `key`.
pub fn check_signature(key: &Key, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Signature {
    if is_by_key(key, algorithm, signed, signature) { Signature::Verified } else { Signature::Refused }
}

/// Gets a document of at most `max_bytes` from an address.
///
/// # Errors
/// Why nothing came back.
pub fn fetch(address: &Address, max_bytes: usize) -> Result<Fetched, String> {
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(FETCH_MAX_SECS)));
    // The gateway does not follow redirects either.
    let agent = ureq::Agent::new_with_config(config.max_redirects(0).http_status_as_error(false).build());
    let answer = agent.get(address.as_str()).header("accept", "application/json").call();
    let mut answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    match answer.body_mut().with_config().limit(max_bytes as u64).read_to_string() {
        Ok(body) => Ok(Fetched { status, body: Some(body) }),
        Err(ureq::Error::BodyExceedsLimit(_)) => Ok(Fetched { status, body: None }),
        Err(error) => Err(error.to_string()),
    }
}

/// Lets the person at the terminal choose, and returns the index of the choice.
///
/// # Errors
/// A question that was left.
pub fn choose(question: &str, choices: &[String]) -> Result<usize, Failure> {
    let prompt = Select::new(question, choices.iter().collect()).with_help_message(HOW_TO_CHOOSE);
    Ok(prompt.raw_prompt().map_err(failed)?.index)
}

/// Asks the person at the terminal until `check` has no objection to the answer.
///
/// # Errors
/// A question that was left.
pub fn ask(
    question: &Question<'_>,
    check: impl Fn(&str) -> Result<(), String> + Clone + 'static,
) -> Result<String, Failure> {
    let mut prompt = Text::new(question.text).with_validator(move |answer: &str| {
        Ok(match check(answer) {
            Ok(()) => Validation::Valid,
            Err(reason) => Validation::Invalid(reason.into()),
        })
    });
    prompt.placeholder = question.example;
    prompt.default = question.default;
    prompt.help_message = question.help;
    prompt.prompt().map_err(failed)
}

fn failed(error: InquireError) -> Failure {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => unanswered(),
        other => Failure::new(format!("the terminal cannot ask: {other}")),
    }
}
