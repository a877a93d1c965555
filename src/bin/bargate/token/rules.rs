//! What a token is held against: an authorizer of a config, and the flags over it.
//!
//! What is not known becomes the reason for which a check is skipped; no secret is in any text that comes from here.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use bargate::algorithm::Algorithm;
use bargate::config::{
    self, Binding, Bindings, CLOCK_SKEW_DEFAULT_SECS, KeySource, Reference, ReferenceKind, TokenRules,
};
use bargate::jwks::KeySet;
use serde_json::{Map, Value};

use super::Explain;
use super::checks::{Expected, Rules};
use super::key_set::read_key_set;
use crate::Failure;
use crate::config_file::TextFile;
use crate::deployment::{self, Deployment};

/// The config that is read where none is named.
const USUAL_CONFIG: &str = "gateway.config.json";

/// The rules, and where they come from.
pub struct Sources {
    /// The rules.
    pub rules: Rules,
    /// The application that logs people in, where it is known.
    pub client_id: Option<String>,
    /// The config's name; none where it is not read.
    pub config: Option<String>,
    /// The authorizer's name in it, and why it is that one.
    pub authorizer: Option<(String, String)>,
    /// The files that gave the values of references.
    pub files: Vec<String>,
}

/// An authorizer with what its config writes for it.
struct Chosen {
    rules: TokenRules,
    /// Its object as it stands in the file.
    written: Map<String, Value>,
    reason: String,
}

/// Gathers the rules for a token that says it is by `claimed_issuer`.
///
/// # Errors
/// A file that cannot be read, a config with mistakes, an authorizer that is not in it, a key set that cannot be had.
pub fn gather(arguments: &Explain, claimed_issuer: Option<&str>) -> Result<Sources, Failure> {
    let usual =
        || Path::new(USUAL_CONFIG).is_file().then(|| PathBuf::from(USUAL_CONFIG)).filter(|_| !arguments.no_config);
    let path = arguments.config.clone().or_else(usual);
    let Some(path) = path else {
        let nothing = "no config is read: name one with --config";
        if arguments.authorizer.is_some() {
            return Err(Failure::new(nothing));
        }
        return finish(arguments, None, None, Vec::new(), nothing);
    };
    let file = TextFile::read(&path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let local = deployment::Sources::of_local_run();
    let deployment = Deployment::read(if arguments.values.is_empty() { &local } else { &arguments.values }, folder)?;
    let found = config::token_rules(&file.text, &Values(&deployment)).map_err(|mistakes| {
        let first = mistakes.first().map(|mistake| format!("{}:{mistake}", file.name)).unwrap_or_default();
        let hint = if arguments.config.is_none() { "; --no-config does without it" } else { "" };
        Failure::of(vec![format!("the config has mistakes (`bargate check` tells all){hint}"), first])
    })?;
    let chosen = choose(found, &file, arguments.authorizer.as_deref(), claimed_issuer)?;
    let nothing = format!("{} has no authorizer", file.name);
    finish(arguments, chosen, Some(file.name), deployment.file_names(), &nothing)
}

/// The values of a deployment of which some are not at hand: that is no mistake of the config.
struct Values<'d>(&'d Deployment);

impl Bindings for Values<'_> {
    fn look_up(&self, reference: &Reference) -> Binding {
        match self.0.look_up(reference) {
            Binding::Value(value) if !value.is_empty() => Binding::Value(value),
            Binding::Value(_) | Binding::Missing | Binding::NoText(_) | Binding::Unknown => Binding::Unknown,
        }
    }
}

/// Chooses the authorizer that is named, or else the issuer's, or else the first.
fn choose(
    mut found: Vec<TokenRules>,
    file: &TextFile,
    named: Option<&str>,
    claimed_issuer: Option<&str>,
) -> Result<Option<Chosen>, Failure> {
    let count = found.len();
    let position = |holds: &dyn Fn(&TokenRules) -> bool| found.iter().position(holds);
    let (index, reason) = if let Some(name) = named {
        let index = position(&|rules| rules.name == name).ok_or_else(|| {
            let names: Vec<_> = found.iter().map(|rules| rules.name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Failure::new(format!("{}: no authorizer \"{name}\"; there is {names}", file.name))
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
    /// Gives the reference that the first of `keys` that is there consists of.
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

    /// Gives a text that came from `keys`, to be shown unless it is a secret.
    fn expected(&self, value: Option<String>, keys: &[&str]) -> Result<Expected, String> {
        let value = value.ok_or_else(|| self.unknown(keys))?;
        let secret = self.reference(keys).filter(|reference| reference.kind == ReferenceKind::Secret);
        let shown = secret.map(|reference| format!("the value of {}", spelt(&reference)));
        let public = Expected::public(value);
        Ok(Expected { shown: shown.unwrap_or(public.shown), value: public.value })
    }
}

/// Gives a reference as a config writes it.
fn spelt(reference: &Reference) -> String {
    match reference.kind {
        ReferenceKind::Env => format!("$env.{}", reference.name),
        ReferenceKind::Secret => format!("$secret.{}", reference.name),
    }
}

/// Puts the flags over what the config says; `nothing` is why there may be no authorizer.
fn finish(
    arguments: &Explain,
    mut chosen: Option<Chosen>,
    config: Option<String>,
    files: Vec<String>,
    nothing: &str,
) -> Result<Sources, Failure> {
    let mut from_config = |keys: &[&str], take: fn(&mut TokenRules) -> Option<String>| match &mut chosen {
        Some(chosen) => {
            let value = take(&mut chosen.rules);
            chosen.expected(value, keys)
        }
        None => Err(nothing.to_owned()),
    };
    let issuer = from_config(&["issuer", "domain"], |rules| rules.issuer.take());
    let audience = from_config(&["audience", "client_id"], |rules| rules.audience.take());
    let flag = |flag: &Option<String>| flag.clone().map(Expected::public);
    let issuer = flag(&arguments.issuer).map_or_else(|| issuer.map_err(|why| format!("{why}, or give --issuer")), Ok);
    let audience =
        flag(&arguments.audience).map_or_else(|| audience.map_err(|why| format!("{why}, or give --audience")), Ok);
    let algorithms = match (&chosen, arguments.algorithms.as_slice()) {
        (Some(Chosen { rules, .. }), []) => {
            let unknown = "the config takes them from references that have no value here, or give --algorithm";
            rules.algorithms.clone().ok_or_else(|| unknown.to_owned())
        }
        // What an authorizer allows that names none.
        (None, []) => Ok(vec![Algorithm::Rs256]),
        (_, flags) => Ok(flags.to_vec()),
    };
    let keys = match (&arguments.jwks, &chosen) {
        (Some(place), _) => {
            let set = read_key_set(place, issuer.as_ref().ok().map(|issuer| issuer.value.as_str()))?;
            Ok(Rc::new(set))
        }
        (None, Some(chosen)) => config_keys(chosen),
        (None, None) => Err("no key set is given: add --jwks FILE or --jwks URL".to_owned()),
    };
    let clock_skew_secs = chosen.as_ref().map_or(CLOCK_SKEW_DEFAULT_SECS.into(), |chosen| chosen.rules.clock_skew_secs);
    let rules = Rules { issuer, audience, algorithms, keys, clock_skew_secs };
    let client_id = chosen.as_mut().and_then(|chosen| chosen.rules.client_id.take());
    let authorizer = chosen.map(|chosen| (chosen.rules.name, chosen.reason));
    Ok(Sources { rules, client_id, config, authorizer, files })
}

/// Gives the keys that stand in the config, or says how to get those that it points to.
fn config_keys(chosen: &Chosen) -> Result<Rc<KeySet>, String> {
    let keys = ["secret", "jwt_secret", "jwks", "jwks_uri", "domain", "issuer"];
    let address = |url: &str| match chosen.reference(&keys) {
        Some(reference) if reference.kind == ReferenceKind::Secret => format!("the address in {}", spelt(&reference)),
        _ => url.to_owned(),
    };
    match &chosen.rules.keys {
        Some(KeySource::Given(set)) => Ok(Rc::clone(set)),
        Some(KeySource::KeySet(url) | KeySource::Discovery(url)) => {
            Err(format!("nothing is fetched unasked: add --jwks {}", address(url)))
        }
        None => Err(format!("{}, or give --jwks", chosen.unknown(&keys))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_values_are_those_of_wrangler_dev() {
        let folder = std::env::temp_dir().join(format!("bargate-usual-values-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let of_local_run = || Deployment::read(&deployment::Sources::of_local_run(), &folder).ok().unwrap();
        assert_eq!(of_local_run().file_names(), [""; 0], "there is none");
        std::fs::write(folder.join(".env"), "EMPTY=\nFULL=x\n").unwrap();
        let deployment = of_local_run();
        let value = |text: &str| Values(&deployment).look_up(&Reference::parse(text).unwrap().unwrap());
        assert_eq!(value("$env.FULL"), Binding::Value("x".to_owned()));
        assert_eq!(value("$env.EMPTY"), Binding::Unknown, "an empty value is none");
        assert_eq!(value("$secret.OTHER"), Binding::Unknown, "what is not there may be elsewhere");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
