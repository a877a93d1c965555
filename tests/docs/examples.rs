//! The examples of the documents: what the label of a block says of it, and whether that is so.
//!
//! A part of a config is checked within `tests/fixtures/docs/frame.json`, a small complete one, and may use it in part: warnings are
//! asked of whole configs alone.

use bargate::config::{Diagnostic, check};
use bargate::review::review;
use serde_json::{Map, Value};

use super::markdown::Block;

/// The config that parts are put into, and the path that parts of a path are.
const FRAME: &str = include_str!("../fixtures/docs/frame.json");

/// What a block is, by what stands behind its fence.
pub enum Label {
    /// Something with a config in it.
    Example { shape: Shape, wrong: Option<String> },
    /// JSON that is no config.
    Answer,
    /// TOML.
    Toml,
    /// Anything else.
    Other,
}

/// How much of a config a block is.
pub enum Shape {
    /// All of it.
    Config,
    /// Entries of `paths`.
    Path,
    /// Members of the object of this name, or of the config itself.
    Part(Option<String>),
}

impl Label {
    /// Reads what stands behind a fence.
    ///
    /// # Errors
    /// What is missing in it.
    pub fn parse(info: &str) -> Result<Self, String> {
        let words: Vec<&str> = info.split_whitespace().collect();
        let unclear = || format!("`{info}` does not say what the block is, see docs/README.md");
        match words.as_slice() {
            [] => Err("a block without a language".to_owned()),
            ["toml", ..] => Ok(Self::Toml),
            ["json", "answer"] => Ok(Self::Answer),
            ["json", "wrong", code] => Ok(Self::Example { shape: Shape::Config, wrong: Some((*code).to_owned()) }),
            ["json", "wrong", code, shape @ ..] => {
                let shape = Shape::parse(shape).ok_or_else(unclear)?;
                Ok(Self::Example { shape, wrong: Some((*code).to_owned()) })
            }
            ["json", shape @ ..] => Ok(Self::Example { shape: Shape::parse(shape).ok_or_else(unclear)?, wrong: None }),
            [language, ..] if language.to_ascii_lowercase().starts_with("json") => Err(unclear()),
            _ => Ok(Self::Other),
        }
    }

    /// Names the kind of block.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Example { wrong: Some(_), .. } => "wrong",
            Self::Example { shape: Shape::Config, .. } => "config",
            Self::Example { shape: Shape::Path, .. } => "path",
            Self::Example { shape: Shape::Part(_), .. } => "part",
            Self::Answer => "answer",
            Self::Toml => "toml",
            Self::Other => "other",
        }
    }
}

impl Shape {
    fn parse(words: &[&str]) -> Option<Self> {
        match words {
            ["config"] => Some(Self::Config),
            ["path"] => Some(Self::Path),
            ["part"] => Some(Self::Part(None)),
            ["part", "of", key] => Some(Self::Part(Some((*key).to_owned()))),
            _ => None,
        }
    }

    /// Returns the whole config that a block stands for. The block begins in the second line of it.
    ///
    /// # Errors
    /// What a block of another shape looks like.
    fn complete(&self, block: &str) -> Result<String, String> {
        let frame: Map<String, Value> = serde_json::from_str(FRAME).map_err(|error| format!("the frame: {error}"))?;
        let frame_path = frame.get("x-path").and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(match self {
            Self::Config => format!("\n{block}"),
            Self::Path => {
                let (paths, rest) = without(&frame, "paths");
                let paths = paths.trim_start_matches('[').trim_end_matches(']');
                format!("{{ {rest}, \"paths\": [ {paths},\n{block}\n] }}")
            }
            Self::Part(None) => format!("{{\n{block}\n{} }}", others(&frame, &members(block)?)),
            Self::Part(Some(key)) if key == "path" => {
                let path = format!("{{\n{block}\n{} }}", others(&frame_path, &members(block)?));
                let (paths, rest) = without(&frame, "paths");
                let paths = paths.trim_start_matches('[').trim_end_matches(']');
                format!("{{ {rest}, \"paths\": [ {paths}, {path} ] }}")
            }
            Self::Part(Some(key)) => {
                let own = frame.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
                let (_, rest) = without(&frame, key);
                format!("{{ {rest}, \"{key}\": {{\n{block}\n{} }} }}", others(&own, &members(block)?))
            }
        })
    }
}

/// Returns everything in a block that is not as its label says, with file and line.
pub fn check_block(page: &str, block: &Block) -> Vec<String> {
    let at = |line: usize, message: &str| vec![format!("{page}:{line}: {message}")];
    match Label::parse(&block.info) {
        Err(message) => at(block.line, &message),
        Ok(Label::Other) => vec![],
        Ok(Label::Answer) => serde_json::from_str::<Value>(&block.text)
            .err()
            .map_or(vec![], |error| at(block.line + error.line().saturating_sub(1), &format!("no JSON: {error}"))),
        Ok(Label::Toml) => block.text.parse::<toml::Table>().err().map_or(vec![], |error| {
            let before = error.span().and_then(|span| block.text.get(..span.start)).unwrap_or_default();
            at(block.line + before.matches('\n').count(), &format!("no TOML: {}", error.message()))
        }),
        Ok(Label::Example { shape, wrong }) => match shape.complete(&block.text) {
            Err(message) => at(block.line, &message),
            Ok(config) => {
                let found = if matches!(shape, Shape::Config) { review(&config) } else { check(&config) };
                check_config(page, block, &found, wrong.as_deref())
            }
        },
    }
}

fn check_config(page: &str, block: &Block, mistakes: &[Diagnostic], wrong: Option<&str>) -> Vec<String> {
    // The block begins in the second line of what was checked; what is missing is reported at an object around it.
    let last = block.line + block.text.lines().count().saturating_sub(1);
    let line = |mistake: &Diagnostic| (block.line + mistake.line.saturating_sub(2)).min(last);
    let Some(code) = wrong else {
        let shown = |mistake: &Diagnostic| {
            let Diagnostic { code, path, message, .. } = mistake;
            format!("{page}:{}: {}[{code}]: {path}: {message}", line(mistake), code.severity().as_str())
        };
        return mistakes.iter().map(shown).collect();
    };
    let codes: Vec<_> = mistakes.iter().map(|mistake| mistake.code.as_str()).collect();
    if codes == [code] { vec![] } else { vec![format!("{page}:{}: is to give {code} and gives {codes:?}", block.line)] }
}

/// Reads the members of an object that stand there without its braces.
fn members(block: &str) -> Result<Vec<String>, String> {
    let members = serde_json::from_str::<Map<String, Value>>(&format!("{{{block}}}"));
    let no_members = |error| format!("these are no members of an object, such as \"key\": 1: {error}");
    members.map(|members| members.keys().cloned().collect()).map_err(no_members)
}

/// Writes the members of the frame that a part neither has nor rules out, each behind a comma.
fn others(frame: &Map<String, Value>, written: &[String]) -> String {
    let rules_out = |key: &str| match key {
        "authorizer" => Some("authorizers"),
        "integration" => Some("response"),
        _ => None,
    };
    let has = |key: &str| written.iter().any(|other| other == key);
    let kept = frame.iter().filter(|(key, _)| !has(key) && !rules_out(key).is_some_and(has));
    kept.map(|(key, value)| format!(", \"{key}\": {value}")).collect()
}

/// Takes a member out of the frame and gives it and the others, as text.
fn without(frame: &Map<String, Value>, key: &str) -> (String, String) {
    let others = others(frame, &[key.to_owned()]);
    (frame.get(key).map(Value::to_string).unwrap_or_default(), others.trim_start_matches(", ").to_owned())
}
