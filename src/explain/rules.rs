//! What a token is held against: an authorizer of a config, or nothing that is known.
//!
//! What is not known becomes the reason for which a check is skipped; no secret is in any text that comes from here.

use std::rc::Rc;

use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::config::{
    self, Binding, Bindings, CLOCK_SKEW_DEFAULT_SECS, KeySource, Reference, ReferenceKind, TokenRules,
};
use crate::jwks::KeySet;
use crate::text_file::TextFile;

/// What a token is held against: each part, or the reason why it is not known.
pub struct Rules {
    /// The only `iss` that is believed.
    pub issuer: Result<Expected, String>,
    /// What `aud` must contain.
    pub audience: Result<Expected, String>,
    /// The algorithms that are allowed.
    pub algorithms: Result<Vec<Algorithm>, String>,
    /// The key set.
    pub keys: Result<Rc<KeySet>, String>,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
}

/// A text that a claim must have, and how it may be shown.
pub struct Expected {
    /// The text.
    pub value: String,
    /// The text in quotes, or what stands for it where it is a secret.
    pub shown: String,
}

impl Expected {
    /// Takes a text that anybody may see.
    pub fn public(value: String) -> Self {
        let shown = Value::from(value.as_str()).to_string();
        Self { value, shown }
    }
}

/// The rules, and where they come from.
pub struct Sources {
    /// The rules.
    pub rules: Rules,
    /// The application that logs people in, if it is known.
    pub client_id: Option<String>,
    /// The config's name; none if it is not read.
    pub config: Option<String>,
    /// The authorizer's name in it, and why it is that one.
    pub authorizer: Option<(String, String)>,
    /// The files that gave the values of references.
    pub files: Vec<String>,
}

impl Sources {
    /// Returns what is known without an authorizer, of which there is none for this reason.
    pub fn without_authorizer(reason: &str) -> Self {
        let rules = Rules {
            issuer: Err(or_give(reason, "--issuer")),
            audience: Err(or_give(reason, "--audience")),
            // What an authorizer allows that names none.
            algorithms: Ok(vec![Algorithm::Rs256]),
            keys: Err("no key set is given: add --jwks FILE or --jwks URL".to_owned()),
            clock_skew_secs: CLOCK_SKEW_DEFAULT_SECS.into(),
        };
        Self { rules, client_id: None, config: None, authorizer: None, files: Vec::new() }
    }

    /// Takes the rules of the authorizer that is `named`, or else of the one whose issuer the token claims, or else of the first.
    ///
    /// # Errors
    /// A config with mistakes, of which the first is told, or an authorizer that is not in it.
    pub fn of_config(
        file: &TextFile,
        bindings: &dyn Bindings,
        named: Option<&str>,
        claimed_issuer: Option<&str>,
    ) -> Result<Self, Unusable> {
        let found = config::token_rules(&file.text, &Values(bindings)).map_err(|mistakes| {
            Unusable::Mistakes(mistakes.first().map(|mistake| format!("{}:{mistake}", file.name)).unwrap_or_default())
        })?;
        let sources = match choose(found, file, named, claimed_issuer)? {
            Some(chosen) => chosen.into_sources(),
            None => Self::without_authorizer(&format!("{} has no authorizer", file.name)),
        };
        Ok(Self { config: Some(file.name.to_owned()), ..sources })
    }
}

/// Why a config has no rules for a token.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It has mistakes, the first of which is this.
    Mistakes(String),
    /// It has no authorizer of that name, in words.
    NoSuchAuthorizer(String),
}

/// The values of a deployment of which some are not at hand: that is no mistake of the config.
struct Values<'d>(&'d dyn Bindings);

impl Bindings for Values<'_> {
    fn look_up(&self, reference: &Reference) -> Binding {
        match self.0.look_up(reference) {
            Binding::Value(value) if !value.is_empty() => Binding::Value(value),
            Binding::Value(_) | Binding::Missing | Binding::NoText(_) | Binding::Unknown => Binding::Unknown,
        }
    }
}

/// An authorizer with what its config writes for it.
struct Chosen {
    rules: TokenRules,
    /// Its object as it stands in the file.
    written: Map<String, Value>,
    reason: String,
}

/// Chooses the authorizer that is named, or else the issuer's, or else the first.
fn choose(
    mut found: Vec<TokenRules>,
    file: &TextFile,
    named: Option<&str>,
    claimed_issuer: Option<&str>,
) -> Result<Option<Chosen>, Unusable> {
    let count = found.len();
    let position = |holds: &dyn Fn(&TokenRules) -> bool| found.iter().position(holds);
    let (index, reason) = if let Some(name) = named {
        let index = position(&|rules| rules.name == name).ok_or_else(|| {
            let names: Vec<_> = found.iter().map(|rules| rules.name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Unusable::NoSuchAuthorizer(format!("{}: no authorizer \"{name}\"; there is {names}", file.name))
        })?;
        (index, "named by --authorizer".to_owned())
    } else if count < 2 {
        (0, "the only one".to_owned())
    } else {
        match position(&|rules| rules.issuer.is_some() && rules.issuer.as_deref() == claimed_issuer) {
            Some(index) => (index, format!("of {count}, the one whose issuer the token names")),
            None => (0, format!("the first of {count}: the token names the issuer of none")),
        }
    };
    if index >= count {
        return Ok(None);
    }
    let rules = found.swap_remove(index);
    let root: Value = serde_json::from_str(file.text.trim_start_matches('\u{feff}')).unwrap_or_default();
    let written = root.get("authorizer").or_else(|| root.get("authorizers")?.get(&rules.name));
    let written = written.and_then(Value::as_object).cloned().unwrap_or_default();
    Ok(Some(Chosen { rules, written, reason }))
}

impl Chosen {
    fn into_sources(mut self) -> Sources {
        let (issuer, audience) = (self.rules.issuer.take(), self.rules.audience.take());
        let issuer = self.expected(issuer, &["issuer", "domain"]);
        let audience = self.expected(audience, &["audience", "client_id"]);
        let unknown = "the config takes them from references that have no value here, or give --algorithm";
        let rules = Rules {
            issuer: issuer.map_err(|why| or_give(&why, "--issuer")),
            audience: audience.map_err(|why| or_give(&why, "--audience")),
            algorithms: self.rules.algorithms.clone().ok_or_else(|| unknown.to_owned()),
            keys: self.keys(),
            clock_skew_secs: self.rules.clock_skew_secs,
        };
        let client_id = self.rules.client_id.take();
        Sources { rules, client_id, config: None, authorizer: Some((self.rules.name, self.reason)), files: Vec::new() }
    }

    /// Returns the keys that stand in the config, or says how to get those that it points to.
    fn keys(&self) -> Result<Rc<KeySet>, String> {
        let keys = ["secret", "jwt_secret", "jwks", "jwks_uri", "domain", "issuer"];
        let address = |url: &str| match self.reference(&keys) {
            Some(reference) if reference.kind == ReferenceKind::Secret => {
                format!("the address in {}", spelt(&reference))
            }
            _ => url.to_owned(),
        };
        match &self.rules.keys {
            Some(KeySource::Given(set)) => Ok(Rc::clone(set)),
            Some(KeySource::KeySet(url) | KeySource::Discovery(url)) => {
                Err(format!("nothing is fetched unasked: add --jwks {}", address(url)))
            }
            None => Err(or_give(&self.unknown(&keys), "--jwks")),
        }
    }

    /// Returns the reference that the first of `keys` that is there consists of.
    fn reference(&self, keys: &[&str]) -> Option<Reference> {
        let written = keys.iter().find_map(|key| self.written.get(*key))?;
        Reference::parse(written.as_str()?)?.ok()
    }

    /// Says why what stands at `keys` is not known.
    fn unknown(&self, keys: &[&str]) -> String {
        match self.reference(keys) {
            Some(reference) => {
                format!(
                    "{} has no value here: name a file that has one with --env-file or --wrangler",
                    spelt(&reference)
                )
            }
            None => "the config does not say, or by a reference that has no value here".to_owned(),
        }
    }

    /// Returns a text that came from `keys`, to be shown unless it is a secret.
    fn expected(&self, value: Option<String>, keys: &[&str]) -> Result<Expected, String> {
        let value = value.ok_or_else(|| self.unknown(keys))?;
        let secret = self.reference(keys).filter(|reference| reference.kind == ReferenceKind::Secret);
        let shown = secret.map(|reference| format!("the value of {}", spelt(&reference)));
        let public = Expected::public(value);
        Ok(Expected { shown: shown.unwrap_or(public.shown), value: public.value })
    }
}

/// Returns a reference as a config writes it.
fn spelt(reference: &Reference) -> String {
    match reference.kind {
        ReferenceKind::Env => format!("$env.{}", reference.name),
        ReferenceKind::Secret => format!("$secret.{}", reference.name),
    }
}

fn or_give(reason: &str, flag: &str) -> String {
    format!("{reason}, or give {flag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_at_hand_may_be_elsewhere() {
        struct At(Binding);
        impl Bindings for At {
            fn look_up(&self, _: &Reference) -> Binding {
                self.0.clone()
            }
        }
        let value = |text: &str| Binding::Value(text.to_owned());
        for (bound, expected, message) in [
            (value("x"), value("x"), "a value"),
            (value(""), Binding::Unknown, "an empty value is none"),
            (Binding::Missing, Binding::Unknown, "what is not there"),
            (Binding::NoText("a list"), Binding::Unknown, "what is no text"),
        ] {
            let reference = Reference { kind: ReferenceKind::Env, name: "NAME".to_owned() };
            assert_eq!(Values(&At(bound)).look_up(&reference), expected, "{message}");
        }
    }
}
