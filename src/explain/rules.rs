//! What a token is held against: an authorizer of a config, or nothing that is known.
//!
//! What is not known becomes the reason for which a check is skipped; no secret is in any text that comes from here.

use std::rc::Rc;

use serde_json::Value;

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

/// An authorizer, and why it is that one.
struct Chosen {
    rules: TokenRules,
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
    Ok(Some(Chosen { rules: found.swap_remove(index), reason }))
}

impl Chosen {
    fn into_sources(self) -> Sources {
        let Self { rules: of, reason } = self;
        let issuer = expected(of.issuer, of.issuer_reference.as_ref());
        let audience = expected(of.audience, of.audience_reference.as_ref());
        let unknown = "the config takes them from references that have no value here, or give --algorithm";
        let rules = Rules {
            issuer: issuer.map_err(|why| or_give(&why, "--issuer")),
            audience: audience.map_err(|why| or_give(&why, "--audience")),
            algorithms: of.algorithms.ok_or_else(|| unknown.to_owned()),
            keys: keys(of.keys, of.keys_reference.as_ref()),
            clock_skew_secs: of.clock_skew_secs,
        };
        let authorizer = Some((of.name, reason));
        Sources { rules, client_id: of.client_id, config: None, authorizer, files: Vec::new() }
    }
}

/// Returns the keys that stand in the config, or says how to get those that it points to.
fn keys(source: Option<KeySource>, reference: Option<&Reference>) -> Result<Rc<KeySet>, String> {
    match source {
        Some(KeySource::Given(set)) => Ok(set),
        Some(KeySource::KeySet(url) | KeySource::Discovery(url)) => {
            let address = secret(reference).map_or(url, |secret| format!("the address in {secret}"));
            Err(format!("nothing is fetched unasked: add --jwks {address}"))
        }
        None => Err(or_give(&unknown(reference), "--jwks")),
    }
}

/// Returns a text that came from a reference, if it did, to be shown unless that is a secret.
fn expected(value: Option<String>, reference: Option<&Reference>) -> Result<Expected, String> {
    let public = Expected::public(value.ok_or_else(|| unknown(reference))?);
    let hidden = secret(reference).map(|secret| format!("the value of {secret}"));
    Ok(Expected { shown: hidden.unwrap_or(public.shown), value: public.value })
}

/// Says why a value is not known.
fn unknown(reference: Option<&Reference>) -> String {
    match reference {
        Some(reference) => {
            format!("{reference} has no value here: name a file that has one with --env-file or --wrangler")
        }
        None => "the config does not say, or by a reference that has no value here".to_owned(),
    }
}

fn secret(reference: Option<&Reference>) -> Option<&Reference> {
    reference.filter(|reference| reference.kind == ReferenceKind::Secret)
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
