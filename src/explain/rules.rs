//! The rules that a token is checked against: those of a config's authorizer, or those of the command line.
//!
//! If a rule is unknown, the reason is that of the skipped check. No text that this module makes contains a secret.

use std::rc::Rc;

use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::config::{
    self, ApiKeys, Asked, Binding, Bindings, CLOCK_SKEW_DEFAULT_SECS, Dpop, KeySource, Reference, ReferenceKind,
    Tenant, TokenRules,
};
use crate::jwks::KeySet;
use crate::text_file::TextFile;

/// Why a rule is unknown that no flag gives.
pub const NOT_AT_HAND: &str =
    "the config takes it from a reference without a value here: name a file with its value by --values or --wrangler";

/// The rules for a token: each, or the reason why it is unknown.
pub struct Rules {
    /// The only `iss` that is trusted.
    pub issuer: Result<Expected, String>,
    /// The tenants that the issuer stands for.
    pub tenants: Result<Vec<Tenant>, String>,
    /// What `aud` must contain.
    pub audience: Result<Expected, String>,
    /// The claim that must contain it as well, if there is one.
    pub audience_claim: Option<Result<String, String>>,
    /// Claims that the token must have, each with its value as it is written; one that is not known is `null`.
    pub required: Vec<((String, Value), Value)>,
    /// The algorithms that are allowed.
    pub algorithms: Result<Vec<Algorithm>, String>,
    /// The key set.
    pub keys: Result<Rc<KeySet>, String>,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
    /// Which tokens the gateway asks the provider about.
    pub asked: Option<Asked>,
    /// How tokens are taken that are bound to a key.
    pub dpop: Option<Rc<Dpop>>,
}

/// A text that a claim must have, and how it may be shown.
pub struct Expected {
    /// The text.
    pub value: String,
    /// The text in quotes, or a description if it is a secret.
    pub shown: String,
}

impl Expected {
    /// Wraps a text that anybody may see.
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
    /// The config's name; `None` if none is read.
    pub config: Option<String>,
    /// The authorizer's name in it, and why it was chosen.
    pub authorizer: Option<(String, String)>,
    /// The files that gave the values of references.
    pub files: Vec<String>,
    /// What the authorizer knows of API keys, if it takes those.
    pub api_keys: Option<Rc<ApiKeys>>,
}

impl Sources {
    /// Returns the rules without an authorizer, which is missing for this reason.
    pub fn without_authorizer(reason: &str) -> Self {
        let rules = Rules {
            issuer: Err(or_give(reason, "--issuer")),
            tenants: Ok(Vec::new()),
            audience: Err(or_give(reason, "--audience")),
            audience_claim: None,
            required: Vec::new(),
            // The default of an authorizer.
            algorithms: Ok(vec![Algorithm::Rs256]),
            keys: Err("there is no key set: add --jwks FILE or --jwks URL".to_owned()),
            clock_skew_secs: CLOCK_SKEW_DEFAULT_SECS.into(),
            asked: None,
            dpop: None,
        };
        Self { rules, client_id: None, config: None, authorizer: None, files: Vec::new(), api_keys: None }
    }

    /// Returns the rules of the authorizer that is `named`, or else of the one whose keys have the `prefix`, or else of the one whose
    /// issuer the token claims, or else of the first.
    ///
    /// # Errors
    /// The first error of a config, or that it does not have the authorizer.
    pub fn of_config(
        file: &TextFile,
        bindings: &dyn Bindings,
        named: Option<&str>,
        claimed_issuer: Option<&str>,
        prefix: Option<&str>,
    ) -> Result<Self, Unusable> {
        let found = config::token_rules(&file.text, &Values(bindings)).map_err(|mistakes| {
            Unusable::Mistakes(mistakes.first().map(|mistake| format!("{}:{mistake}", file.name)).unwrap_or_default())
        })?;
        let sources = match choose(found, file, named, claimed_issuer, prefix)? {
            Some(chosen) => chosen.into_sources(),
            None => Self::without_authorizer(&format!("{} has no authorizer", file.name)),
        };
        Ok(Self { config: Some(file.name.to_owned()), ..sources })
    }
}

/// Why a config has no rules for a token.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It has errors, of which this is the first.
    Mistakes(String),
    /// It has no authorizer of that name; the message says which it has.
    NoSuchAuthorizer(String),
}

/// The values of a deployment, some of which are unknown here: that is not an error of the config.
struct Values<'d>(&'d dyn Bindings);

impl Bindings for Values<'_> {
    fn look_up(&self, reference: &Reference) -> Binding {
        match self.0.look_up(reference) {
            Binding::Value(value) if !value.is_empty() => Binding::Value(value),
            Binding::Value(_) | Binding::Missing | Binding::NoText(_) | Binding::Unknown => Binding::Unknown,
        }
    }
}

/// An authorizer, and why it was chosen.
struct Chosen {
    rules: TokenRules,
    reason: String,
}

/// Chooses the authorizer that is named, or else that of the prefix, or else the issuer's, or else the first.
fn choose(
    mut found: Vec<TokenRules>,
    file: &TextFile,
    named: Option<&str>,
    claimed_issuer: Option<&str>,
    prefix: Option<&str>,
) -> Result<Option<Chosen>, Unusable> {
    let has_prefix = |rules: &TokenRules| match &rules.keys {
        Some(KeySource::ApiKeys(keys)) => Some(keys.prefix.as_str()) == prefix,
        _ => false,
    };
    let count = found.len();
    let position = |holds: &dyn Fn(&TokenRules) -> bool| found.iter().position(holds);
    let (index, reason) = if let Some(name) = named {
        let index = position(&|rules| rules.name == name).ok_or_else(|| {
            let names: Vec<_> = found.iter().map(|rules| rules.name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Unusable::NoSuchAuthorizer(format!("{}: has no authorizer \"{name}\"; its authorizers: {names}", file.name))
        })?;
        (index, "named by --authorizer".to_owned())
    } else if let Some(index) = position(&has_prefix) {
        (index, "the one whose keys have this prefix".to_owned())
    } else if count < 2 {
        (0, "the only authorizer".to_owned())
    } else {
        let claimed = claimed_issuer.unwrap_or_default();
        let of_tenant = |rules: &TokenRules| rules.tenants.iter().flatten().any(|tenant| tenant.issuer == claimed);
        match position(&|rules| rules.issuer.as_deref() == Some(claimed) || of_tenant(rules)) {
            Some(index) => (index, format!("of {count} authorizers, the one whose issuer the token names")),
            None => (0, format!("the first of {count} authorizers, because the token names the issuer of none")),
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
        let api_keys = match &of.keys {
            Some(KeySource::ApiKeys(keys)) => Some(Rc::clone(keys)),
            _ => None,
        };
        let issuer = expected(of.issuer, of.issuer_reference.as_ref());
        let audience = expected(of.audience, of.audience_reference.as_ref());
        let unknown = "the config takes them from references without a value here; name a file with their values, or give \
                       --algorithm";
        let rules = Rules {
            issuer: issuer.map_err(|why| or_give(&why, "--issuer")),
            tenants: of.tenants.ok_or_else(|| NOT_AT_HAND.to_owned()),
            audience: audience.map_err(|why| or_give(&why, "--audience")),
            audience_claim: of.audience_claim.map(|claim| claim.ok_or_else(|| NOT_AT_HAND.to_owned())),
            required: of.claims,
            algorithms: of.algorithms.ok_or_else(|| unknown.to_owned()),
            keys: keys(of.keys, of.keys_reference.as_ref()),
            clock_skew_secs: of.clock_skew_secs,
            asked: of.asked,
            dpop: of.dpop,
        };
        let authorizer = Some((of.name, reason));
        Sources { rules, client_id: of.client_id, config: None, authorizer, files: Vec::new(), api_keys }
    }
}

/// Returns the keys that the config has, or how to get those that it points to.
fn keys(source: Option<KeySource>, reference: Option<&Reference>) -> Result<Rc<KeySet>, String> {
    match source {
        Some(KeySource::Given(set)) => Ok(set),
        Some(KeySource::KeySet(url) | KeySource::Discovery(url)) => {
            let address = secret(reference).map_or(url, |secret| format!("the address in {secret}"));
            Err(format!("the key set is not fetched unless you ask: add --jwks {address}"))
        }
        Some(KeySource::ApiKeys(_)) => Err("its credentials are API keys, which nobody signs".to_owned()),
        None => Err(or_give(&unknown(reference), "--jwks")),
    }
}

/// Returns a text with the form to show: if it comes from a secret, a description.
fn expected(value: Option<String>, reference: Option<&Reference>) -> Result<Expected, String> {
    let public = Expected::public(value.ok_or_else(|| unknown(reference))?);
    let hidden = secret(reference).map(|secret| format!("the value of {secret}"));
    Ok(Expected { shown: hidden.unwrap_or(public.shown), value: public.value })
}

/// Returns why a value is unknown.
fn unknown(reference: Option<&Reference>) -> String {
    match reference {
        Some(reference) => {
            format!("{reference} has no value here: name a file with its value by --values or --wrangler")
        }
        None => "the config does not set it, or sets it by a reference without a value here".to_owned(),
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
            (value(""), Binding::Unknown, "an empty value counts as unknown"),
            (Binding::Missing, Binding::Unknown, "a missing binding"),
            (Binding::NoText("a list"), Binding::Unknown, "a binding that is not a text"),
        ] {
            let reference = Reference { kind: ReferenceKind::Env, name: "NAME".to_owned() };
            assert_eq!(Values(&At(bound)).look_up(&reference), expected, "{message}");
        }
    }
}
