//! A shell that runs the program as WebAssembly and answers its questions by replay.
//!
//! The variable [`REPLAY`] has the questions that were answered, in their order. If the program has another one, it prints that as
//! a line of JSON and exits with [`ASKED`]. The shell finds the answer and runs the program again. So the program asks before it
//! writes any file. ARCHITECTURE.md lists the questions. Without the variable there is no such shell, and nothing is answered.

use std::cell::Cell;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bargate::address::Address;
use bargate::algorithm::Algorithm;
use bargate::encoding::base64url;
use bargate::explain::Signature;
use bargate::jwks::Key;
use serde_json::{Value, json};

use super::terms::{FETCH_MAX_SECS, Fetched, HOW_TO_CHOOSE, Question, unanswered};
use crate::failure::Failure;

/// The variable with the answers so far, and with what the shell says of the machine.
const REPLAY: &str = "BARGATE_REPLAY";

/// Exit status of a program that has a question; a command ends with 0, 1 or 2.
const ASKED: i32 = 82;

/// The folder that stands for the working folder. A system has none at its top, so no path of a user means it.
const WORKING_FOLDER: &str = "/<working folder>";

/// Why nothing is answered without a shell.
const NO_SHELL: &str = "this program runs without a shell that has the means for it";

thread_local! {
    /// How many questions were answered.
    static ANSWERED: Cell<usize> = const { Cell::new(0) };
}

/// Lets paths that do not begin at the top be those of the shell's working folder.
pub fn prepare() {
    // Another runtime may have no such folder: there all paths begin at the top.
    let _ = std::env::set_current_dir(WORKING_FOLDER);
}

/// Returns a path with the separators of this program: on Windows the shell's user may write others.
pub fn path_of(path: &Path) -> PathBuf {
    let is_windows = replay().is_some_and(|replay| replay.get("windows") == Some(&Value::Bool(true)));
    match path.to_str().filter(|_| is_windows) {
        // Two at the beginning name another machine.
        Some(text) if text.starts_with("\\\\") => {
            let (machine, rest) = text.split_at(2);
            PathBuf::from(format!("{machine}{}", rest.replace('\\', "/")))
        }
        Some(text) => PathBuf::from(text.replace('\\', "/")),
        None => path.to_owned(),
    }
}

/// Checks whether `signature` was made over `signed` with `key`.
pub fn check_signature(key: &Key, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Signature {
    let question = json!({
        "ask": "verify",
        "algorithm": algorithm.name(),
        "key": key.jwk.expose(),
        "signed": base64url(signed),
        "signature": base64url(signature),
    });
    let answer = match answer(question) {
        Ok(answer) => answer,
        Err(reason) => return Signature::Unknown(reason),
    };
    match answer.get("verified").and_then(Value::as_bool) {
        Some(true) => Signature::Verified,
        Some(false) => Signature::Refused,
        None => Signature::Unknown(text(&answer, "error")),
    }
}

/// Gets a document of at most `max_bytes` from an address.
///
/// # Errors
/// Why nothing came back.
pub fn fetch(address: &Address, max_bytes: usize) -> Result<Fetched, String> {
    let question =
        json!({ "ask": "fetch", "url": address.as_str(), "max_bytes": max_bytes, "max_seconds": FETCH_MAX_SECS });
    let answer = answer(question)?;
    let status = answer.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let body = answer.get("body").and_then(Value::as_str).map(str::to_owned);
    status.map(|status| Fetched { status, body }).ok_or_else(|| text(&answer, "error"))
}

/// Lets the person at the shell's terminal choose, and returns the index of the choice.
///
/// # Errors
/// A question that was left.
pub fn choose(question: &str, choices: &[String]) -> Result<usize, Failure> {
    let question = json!({ "ask": "choice", "question": question, "choices": choices, "help": HOW_TO_CHOOSE });
    let answer = answer(question).map_err(Failure::new)?;
    let index = answer.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
    index.filter(|index| *index < choices.len()).ok_or_else(unanswered)
}

/// Asks the person at the shell's terminal until `check` has no objection to the answer.
///
/// # Errors
/// A question that was left.
pub fn ask(question: &Question<'_>, check: impl Fn(&str) -> Result<(), String>) -> Result<String, Failure> {
    let mut refused = Value::Null;
    loop {
        let question = json!({
            "ask": "text",
            "question": question.text,
            "example": question.example,
            "default": question.default,
            "help": question.help,
            "refused": refused,
        });
        let answer = answer(question).map_err(Failure::new)?;
        let given = answer.get("text").and_then(Value::as_str).ok_or_else(unanswered)?;
        match check(given) {
            Ok(()) => return Ok(given.to_owned()),
            Err(reason) => refused = json!({ "answer": given, "reason": reason }),
        }
    }
}

/// Returns what the shell says, an object.
fn replay() -> Option<Value> {
    serde_json::from_str(&std::env::var(REPLAY).ok()?).ok()
}

/// Returns the shell's answer to the next question, or leaves the program to the shell with that.
///
/// # Errors
/// That no shell is there, or that it answered another question: what the command read has changed meanwhile.
fn answer(question: Value) -> Result<Value, String> {
    let replay = replay().ok_or(NO_SHELL)?;
    let index = ANSWERED.replace(ANSWERED.get() + 1);
    let Some(answered) = replay.get("answered").and_then(|answered| answered.get(index)) else {
        // Nothing of a question reaches a terminal: the shell takes it.
        #[expect(clippy::disallowed_methods)]
        let mut output = std::io::stdout().lock();
        let _ = writeln!(output, "\n{question}").and_then(|()| output.flush());
        std::process::exit(ASKED);
    };
    if answered.get("question") != Some(&question) {
        return Err("what this command reads has changed while it ran: run it again".to_owned());
    }
    answered.get("answer").cloned().ok_or_else(|| NO_SHELL.to_owned())
}

/// Returns a text that the shell answered.
fn text(answer: &Value, name: &str) -> String {
    answer.get(name).and_then(Value::as_str).unwrap_or("the shell gave no answer").to_owned()
}
