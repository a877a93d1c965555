//! The config as it is known here: what a reference has no value for gets a made-up one, and what depends on that is unknown.
//!
//! What is shown comes from a second reading of the config, in which each secret is its reference. Whatever is printed passes
//! [`super::hidden`] besides.

use crate::config::{
    self, Binding, Bindings, Config, Diagnostic, Reference, ReferenceKind, placed_references, references, token_rules,
};
use crate::text_file::TextFile;

/// What is in made-up values that are like nothing else.
const UNIQUE: &str = "bargate-value-";

/// A key that signs nothing, in the form of one that could.
const PRIVATE_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;

/// Why a config explains nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It has errors, of which this is the first.
    Mistakes(String),
    /// It cannot be read without the value of this reference, which no file has.
    NeedsValue(String),
}

/// A config with what is not known of it.
pub struct Known {
    /// What decides.
    pub config: Config,
    /// What is shown: the same with every secret as its reference.
    pub shown: Config,
    /// The names of its authorizers, in the order of the config.
    pub authorizers: Vec<String>,
    /// References without a value here, each with its place in the config.
    unknown: Vec<(Reference, String)>,
    /// Texts that are not shown, made up or secret, each with its reference.
    pub(super) hidden: Vec<(String, String)>,
}

impl Known {
    /// Reads a config with the values that are at hand.
    ///
    /// # Errors
    /// That it has mistakes, or needs a value.
    pub fn read(file: &TextFile, bindings: &dyn Bindings) -> Result<Self, Unusable> {
        let text = file.text.as_str();
        let place = |mistakes: &[Diagnostic]| {
            mistakes.first().map(|mistake| format!("{}:{mistake}", file.name)).unwrap_or_default()
        };
        let known = Values { bindings, made_up: &[], hides_secrets: false };
        if let Err(mistakes) = config::load(text, &known)
            && !mistakes.is_empty()
        {
            return Err(Unusable::Mistakes(place(&mistakes)));
        }
        let all = references(text);
        let is_unknown = |reference: &Reference| known.look_up(reference) == Binding::Unknown;
        let mut made_up: Vec<(Reference, String)> = Vec::new();
        let mut secrets: Vec<(String, String)> = Vec::new();
        for (index, reference) in all.iter().enumerate() {
            if is_unknown(reference) || reference.kind == ReferenceKind::Secret {
                let value = stand_in(text, reference, index, bindings);
                let at_hand = match known.look_up(reference) {
                    Binding::Value(value) => Some(value),
                    Binding::Missing | Binding::NoText(_) | Binding::Unknown => None,
                };
                secrets.extend(at_hand.clone().map(|value| (value, reference.to_string())));
                // What is like other texts says nothing of a secret: its own value is hidden as well, and known for what it is.
                let is_clear = |value: &String| value.contains(UNIQUE) || *value == reference.to_string();
                let value = value.filter(|value| at_hand.is_none() || is_clear(value)).or(at_hand);
                let value = value.ok_or_else(|| Unusable::NeedsValue(reference.to_string()))?;
                made_up.push((reference.clone(), value));
            }
        }
        let load = |hides_secrets| {
            config::load(text, &Values { bindings, made_up: &made_up, hides_secrets }).map_err(|mistakes| {
                // What each value by itself fits, several together need not.
                let first = made_up.iter().map(|(reference, _)| reference.to_string()).next();
                first.map_or_else(|| Unusable::Mistakes(place(&mistakes)), Unusable::NeedsValue)
            })
        };
        let (config, shown) = (load(false)?, load(true)?);
        let authorizers = token_rules(text, &known).unwrap_or_default().into_iter().map(|rules| rules.name).collect();
        let unknown = placed_references(text).into_iter().filter(|(reference, _)| is_unknown(reference)).collect();
        let mut hidden = secrets;
        for (reference, value) in &made_up {
            let reference = reference.to_string();
            // A host may be all that is left of an address.
            let host = value.strip_prefix("https://").filter(|_| value.contains(UNIQUE));
            hidden.extend(host.map(|host| (host.trim_end_matches('/').to_owned(), reference.clone())));
            // Only what is like nothing else can be found again in a text.
            if value.contains(UNIQUE) || *value == reference {
                hidden.push((value.clone(), reference));
            }
        }
        Ok(Self { config, shown, authorizers, unknown, hidden })
    }

    /// Returns the first reference without a value at a place of the config or below.
    pub fn unknown_at(&self, place: &str) -> Option<&Reference> {
        let is_within =
            |known: &str| known.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        self.unknown.iter().find(|(_, known)| is_within(known)).map(|(reference, _)| reference)
    }

    /// Returns the first reference without a value that decides which route takes a request.
    pub fn unknown_route(&self) -> Option<&Reference> {
        let is_of_route = |place: &str| {
            let key = place.strip_prefix("paths[").and_then(|rest| rest.split_once("].")).map(|(_, key)| key);
            key.is_some_and(|key| ["method", "path", "host"].iter().any(|of_route| key.starts_with(of_route)))
        };
        self.unknown.iter().find(|(_, place)| is_of_route(place)).map(|(reference, _)| reference)
    }

    /// Returns the first reference without a value in a rule for other origins.
    pub fn unknown_of_cors(&self) -> Option<&Reference> {
        let is_of_cors = |place: &str| place.split('.').any(|key| key == "cors");
        self.unknown.iter().find(|(_, place)| is_of_cors(place)).map(|(reference, _)| reference)
    }

    /// Returns the references without a value, each once.
    pub fn unknown(&self) -> Vec<String> {
        let mut names: Vec<_> = self.unknown.iter().map(|(reference, _)| reference.to_string()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The values of references: those at hand, and made-up ones for the others.
struct Values<'b> {
    bindings: &'b dyn Bindings,
    made_up: &'b [(Reference, String)],
    hides_secrets: bool,
}

impl Bindings for Values<'_> {
    fn look_up(&self, reference: &Reference) -> Binding {
        let made_up = || {
            let found = self.made_up.iter().find(|(known, _)| known == reference);
            found.map_or(Binding::Unknown, |(_, value)| Binding::Value(value.clone()))
        };
        if self.hides_secrets && reference.kind == ReferenceKind::Secret {
            return made_up();
        }
        match self.bindings.look_up(reference) {
            Binding::Value(value) if !value.is_empty() => Binding::Value(value),
            // Of what is not at hand, `check` has to say more.
            Binding::Value(_) | Binding::Missing | Binding::NoText(_) | Binding::Unknown => made_up(),
        }
    }
}

/// Returns the first text that fits where a config has a reference.
fn stand_in(text: &str, reference: &Reference, index: usize, bindings: &dyn Bindings) -> Option<String> {
    let host = format!("{UNIQUE}{index}.invalid");
    let candidates = [
        reference.to_string(),
        format!("https://{host}"),
        host.clone(),
        format!("https://{host}/"),
        // Long enough for the secret of a signature.
        format!("{UNIQUE}{index}-{}", "0123456789abcdef".repeat(4)),
        format!("/{UNIQUE}{index}-"),
        format!("{UNIQUE}{index}-"),
        format!("application/{UNIQUE}{index}"),
        format!("192.0.2.{}", index % 256),
        "00000000-0000-4000-8000-000000000000".to_owned(),
        "openid".to_owned(),
        "RS256".to_owned(),
        "1".to_owned(),
        PRIVATE_KEY.to_owned(),
    ];
    candidates.into_iter().find(|candidate| {
        let made_up = [(reference.clone(), candidate.clone())];
        let values = Values { bindings, made_up: &made_up, hides_secrets: true };
        config::load(text, &values).err().is_none_or(|mistakes| mistakes.is_empty())
    })
}
