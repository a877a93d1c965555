//! What the schema says of a config by a validator that knows nothing of Bargate, and what the parser says of it.

use std::fs;
use std::path::{Path, PathBuf};

use bargate::config::{Code, Diagnostic, Severity};
use bargate::review::review;
use jsonschema::Validator;
use serde_json::Value;

/// Codes of mistakes that a schema can express, wherever they are made, but for those that [`is_expressible`] excepts.
pub const EXPRESSIBLE: [Code; 22] = [
    Code::AlgorithmMismatch,
    Code::AuthorizerMissing,
    Code::ClaimWithoutAuth,
    Code::CorsAnyOriginWithCredentials,
    Code::EmptyList,
    Code::EmptyValue,
    Code::InvalidHeader,
    Code::InvalidHost,
    Code::InvalidName,
    Code::MissingKey,
    Code::NoAnswer,
    Code::PrivateCache,
    Code::SessionMissing,
    Code::TwoAnswers,
    Code::TwoAuthorizers,
    Code::TwoKeySources,
    Code::UnknownAlias,
    Code::UnknownKey,
    Code::UnknownValue,
    Code::UnusedKey,
    Code::WeakSecret,
    Code::WrongType,
];

/// Codes of mistakes that a schema expresses in part: a pattern says how such a text looks, and not whether it means anything.
/// `texts.rs` says which part.
pub const IN_PART: [Code; 6] = [
    Code::InvalidDomain,
    Code::InvalidNetwork,
    Code::InvalidOrigin,
    Code::InvalidPath,
    Code::InvalidUrl,
    Code::MalformedReference,
];

/// Codes of mistakes that no schema can express: what a text is before it is JSON, names that are to be found elsewhere in the
/// file, the values of bindings, and what the items of a list are to each other.
pub const INEXPRESSIBLE: [Code; 14] = [
    Code::AmbiguousAuthorizers,
    Code::DuplicateAlias,
    Code::DuplicateKey,
    Code::InvalidJson,
    Code::InvalidJwks,
    Code::InvalidProblemPage,
    Code::InvalidSessionsPath,
    Code::MissingBinding,
    Code::MissingLogin,
    Code::RouteConflict,
    Code::UnknownAuthorizer,
    Code::UnknownServer,
    Code::UnknownService,
    Code::UnknownVariable,
];

/// A config, and what is said of it.
pub struct Verdict {
    /// What the parser reports, and those codes in `allow` that are not any.
    pub mistakes: Vec<Diagnostic>,
    /// Whether it passes the schema.
    pub passes: bool,
}

/// The schema, as a validator.
pub struct Schema(Validator);

impl Schema {
    pub fn new() -> Self {
        Self(jsonschema::draft202012::new(&bargate::config::schema::json_schema()).expect("the schema is one"))
    }

    /// Returns what the schema's validator reports, each on a line.
    pub fn refusals(&self, config: &Value) -> String {
        self.0.iter_errors(config).map(|error| format!("\n  schema: {}: {error}", error.instance_path())).collect()
    }

    pub fn verdict(&self, config: &Value) -> Verdict {
        let mut mistakes = review(&config.to_string());
        mistakes.retain(|diagnostic| diagnostic.code.severity() == Severity::Error);
        Verdict { mistakes, passes: self.0.is_valid(config) }
    }

    /// Says in which way the two disagree; nothing if they agree, as far as a schema can.
    pub fn disagreement(&self, config: &Value, verdict: &Verdict) -> Option<String> {
        let expressible = verdict.mistakes.iter().any(|mistake| is_expressible(mistake, config));
        let in_part = verdict.mistakes.iter().any(|mistake| IN_PART.contains(&mistake.code));
        let words = match (expressible, in_part, verdict.passes) {
            (true, _, true) => "the schema passes what it can refuse",
            (false, false, false) => "the schema refuses what the parser does not",
            _ => return None,
        };
        let mistakes: String = verdict.mistakes.iter().map(|mistake| format!("\n  parser: {mistake}")).collect();
        Some(format!("{words}{mistakes}{}", self.refusals(config)))
    }
}

/// Checks whether a schema can express the mistake in such a config.
fn is_expressible(mistake: &Diagnostic, config: &Value) -> bool {
    // What keys an authorizer has whose type comes from a binding is for the parser to guess.
    let type_unknown = config["authorizer"]["type"].as_str().is_some_and(|kind| kind.starts_with('$'));
    match mistake.code {
        _ if type_unknown && mistake.path.starts_with("authorizer") && mistake.path != "authorizer.type" => false,
        // What the server of a path gets is in another section.
        Code::ClaimWithoutAuth | Code::UnusedKey if mistake.message.starts_with("the server") => false,
        // What one of several authorizers lacks matters only if it is the first that logs people in.
        Code::MissingKey | Code::UnusedKey if config.get("authorizers").is_some_and(|several| !several.is_null()) => {
            let of_login = ["audience", "client_secret", "redirect_uri", "scope", "sealing_key"];
            let of_itself = ["authorizers", "servers"].iter().any(|section| mistake.path.starts_with(section));
            of_itself || !mistake.keys.iter().any(|key| of_login.contains(key))
        }
        code => EXPRESSIBLE.contains(&code),
    }
}

pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns the fixtures of a folder that are JSON at all, and their names.
pub fn fixtures(kind: &str) -> Vec<(String, Value)> {
    let entries =
        fs::read_dir(project("tests/fixtures/configs").join(kind)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let value = serde_json::from_str(&fs::read_to_string(path).unwrap()).ok()?;
        Some((format!("{kind}/{}", path.file_name()?.to_str()?), value))
    };
    let fixtures: Vec<_> = paths.iter().filter_map(read).collect();
    assert!(fixtures.len() >= 9, "{} in {kind}", fixtures.len());
    fixtures
}

/// Returns every fixture that is to pass, and the config that is compiled into the Worker.
pub fn valid_configs() -> Vec<(String, Value)> {
    let folders = ["valid", "older", "unwarned", "warned"].into_iter().flat_map(fixtures);
    let mut configs: Vec<_> = folders.filter(|(name, _)| name != "warned/unknown_allow.json").collect();
    let text = fs::read_to_string(project("gateway.config.json")).unwrap();
    configs.push(("gateway.config.json".to_owned(), serde_json::from_str(&text).unwrap()));
    configs
}
