//! The result of `init` for programs: the config, and what its variables are for.

use serde_json::{Value, json};

use super::answers::Answers;
use super::next_steps;
use bargate::authoring::{Meaning, Mode, Variable};
use bargate::config::ReferenceKind;

/// Returns the result as one document.
pub fn document(answers: &Answers) -> Value {
    let point = answers.point;
    let variables: Vec<_> = point.variables().iter().map(|one| variable(answers, one)).collect();
    let mode = point.mode().map(|mode| match mode {
        Mode::Session => "session",
        Mode::Tokens => "tokens",
    });
    json!({
        "provider": point.provider(),
        "title": point.title(),
        "mode": mode,
        "port": answers.port,
        "config": point.file_text(),
        "dev_vars": next_steps::dev_vars(answers),
        "variables": variables,
        "addresses": point.addresses().into_iter().map(|(name, path)| json!({ "name": name, "path": path })).collect::<Vec<_>>(),
        "at_the_provider": point.notes(),
    })
}

/// Returns a variable with its answer, or as the path of an address of the gateway.
fn variable(answers: &Answers, variable: &Variable) -> Value {
    let (value, path) = match &variable.meaning {
        Meaning::Answer(asked) => (answers.of(*asked), None),
        Meaning::Own(path) => (None, Some(path)),
        Meaning::Given => (None, None),
    };
    json!({
        "name": variable.reference.name,
        "secret": variable.reference.kind == ReferenceKind::Secret,
        "value": value,
        "path": path,
        "note": answers.point.note(variable),
    })
}
