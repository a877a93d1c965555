//! The `dpop` of an authorizer or a path: whether tokens are taken that are bound to a key, and what their proofs must have (RFC 9449).

use std::rc::Rc;

use super::code::Code;
use super::document::Value;
use super::key::{Key, declare};
use super::reader::{Findings, ObjectReader, advice, choose, note_type, read_text};
use super::section::section;
use super::shared_secret::note_if_weak;
use crate::secret::Secret;

/// How old a proof may be, by default: long enough for a slow network, and short for one that is read somewhere.
pub(super) const MAX_AGE_DEFAULT_SECS: u32 = 60;

/// The longest age of a proof. The object that keeps which were used counts on it.
pub(super) const MAX_AGE_MAX_SECS: u32 = 300;

/// For how long a nonce counts, by default.
pub(super) const NONCE_DEFAULT_SECS: u32 = 300;

/// Every mode by its name: whether a proof is required.
pub(super) const MODES: [(&str, bool); 2] = [("accept", false), ("require", true)];

/// How tokens are taken that are bound to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dpop {
    /// Whether no other tokens are.
    pub is_required: bool,
    /// How old a proof may be.
    pub max_age_secs: i64,
    /// The secret that nonces are made with, and for how long each counts; without one, proofs need none.
    pub nonces: Option<(Secret<String>, i64)>,
}

impl Dpop {
    /// Returns what a path takes whose authorizers take these: what one of them requires of its tokens, the path requires of all.
    pub(crate) fn of_all<'d>(each: impl Iterator<Item = &'d Rc<Self>>) -> Option<Rc<Self>> {
        let mut all: Option<Rc<Self>> = None;
        for one in each {
            all = Some(match all {
                None => Rc::clone(one),
                Some(others) => Rc::new(Self {
                    is_required: others.is_required || one.is_required,
                    max_age_secs: others.max_age_secs.min(one.max_age_secs),
                    nonces: [&others.nonces, &one.nonces].into_iter().flatten().min_by_key(|(_, secs)| *secs).cloned(),
                }),
            });
        }
        all
    }
}

/// Reads it; `None` if the object does not have it.
#[inline(never)]
pub(super) fn read_dpop(
    object: &mut ObjectReader<'_, '_>,
    key: &Key<super::key::Value>,
    findings: &mut Findings<'_>,
) -> Option<Rc<Dpop>> {
    let node = object.node(key)?;
    let place = key.at(object.place());
    // What is wrong, or not known here, requires the most.
    let mut read = Dpop { is_required: true, max_age_secs: MAX_AGE_DEFAULT_SECS.into(), nonces: None };
    let mode = match &node.value {
        Value::Text(_) => {
            read_text(node, &place, findings).and_then(|written| choose(&written, &MODES, &place, findings))
        }
        Value::Object(_) => {
            let mut rules = ObjectReader::open(node, &place, findings)?;
            let mode =
                rules.text(&MODE, findings).and_then(|written| choose(&written, &MODES, &MODE.at(&place), findings));
            read.max_age_secs = rules.integer(&MAX_AGE_SECONDS, findings).into();
            let nonce_secs = rules.integer(&NONCE_SECONDS, findings);
            if let Some(written) = rules.text(&NONCE_KEY, findings) {
                let help = "make one with `openssl rand -base64 48`";
                note_if_weak(&written, help, &NONCE_KEY.at(&place), findings);
                let secret = written.value().unwrap_or_default().to_owned();
                read.nonces = Some((Secret::new(secret), nonce_secs.into()));
            }
            if let Some(node) = rules.node(&NONCE_SECONDS).filter(|_| read.nonces.is_none()) {
                let message = format_args!("\"nonce_seconds\" has no effect without a \"nonce_key\"");
                let help = advice("add a \"nonce_key\", or remove \"nonce_seconds\"");
                findings.note(node.offset, &NONCE_SECONDS.at(&place), Code::UnusedKey, message, help);
            }
            rules.finish(findings);
            mode
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            note_type(node, &place, "\"accept\", \"require\" or an object", findings);
            None
        }
    };
    read.is_required = mode.unwrap_or(true);
    Some(Rc::new(read))
}

/// `dpop` of an authorizer, and of the `auth` of a path.
pub(crate) const DPOP: Key<super::key::Value> = declare::value("dpop");

/// Returns the form of its value.
#[cfg(not(target_os = "unknown"))]
pub(crate) fn shape() -> super::grammar::Shape {
    use super::grammar::Shape;
    Shape::Either(vec![modes(), Shape::Section("dpop")])
}

#[cfg(not(target_os = "unknown"))]
fn modes() -> super::grammar::Shape {
    super::grammar::Shape::Choice(MODES.iter().map(|(name, _)| *name).collect())
}

section! {
    Section::new(
        "dpop",
        "dpop",
        "Tokens that are bound to a key of the client (DPoP, RFC 9449), and the proofs that come with them.\n\nInstead of the \
         object, a string is its `mode`. See [bound tokens](tokens.md#tokens-that-are-bound-to-a-key).",
    )
        .condition(wherever(
            "nonces have a key",
            object! { "properties": object! { [NONCE_KEY]: false } },
            with(&NONCE_SECONDS, absent("It has no effect without a nonce_key.")),
        ))
        .example(
            r#"{
                    "authorizer": {
                        "type": "oidc",
                        "issuer": "https://id.example.com",
                        "audience": "https://api.example.com",
                        "dpop": { "mode": "accept", "nonce_key": "$secret.DPOP_NONCE_KEY" }
                    },
                    "paths": [
                        { "method": "GET", "path": "/orders", "auth": true, "response": [] },
                        { "method": "POST", "path": "/payments", "auth": { "dpop": "require" }, "response": [] }
                    ]
                }"#,
        );

    MODE: Text = text("mode", Any).required(), Elsewhere,
        "`accept` takes a bound token with its proof, and bearer tokens that are not bound. `require` takes only the first.",
        shape(modes()), example("require");
    MAX_AGE_SECONDS: Integer = integer("max_age_seconds", 1..=MAX_AGE_MAX_SECS, MAX_AGE_DEFAULT_SECS), Elsewhere,
        "How old a proof may be, in seconds, besides `clock_skew_seconds`.",
        example(10_u32);
    NONCE_KEY: Text = text("nonce_key", SigningSecret), Elsewhere,
        "The secret that nonces are made with, of at least 32 bytes. With it, each proof must have a recent nonce, which \
         the gateway gives in `DPoP-Nonce`.",
        default_words("none: proofs need no nonce"), example("$secret.DPOP_NONCE_KEY");
    NONCE_SECONDS: Integer = integer("nonce_seconds", 60..=3600, NONCE_DEFAULT_SECS),
        Harmless("a proof is still no older than max_age_seconds"),
        "For how many seconds a nonce counts at most, and at least half of it.",
        example(60_u32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_requires_of_all_tokens_what_one_of_its_authorizers_requires() {
        let rules = |is_required, max_age_secs, nonce_secs: Option<i64>| {
            let nonces = nonce_secs.map(|secs| (Secret::new(format!("the key of {secs} seconds")), secs));
            Rc::new(Dpop { is_required, max_age_secs, nonces })
        };
        let (strict, plain) = (rules(false, 30, Some(60)), rules(false, 60, None));
        let lasting = rules(false, 30, Some(600));
        let required = rules(true, 60, None);
        let table = [
            (vec![], None),
            (vec![&plain], Some(Rc::clone(&plain))),
            (vec![&plain, &required], Some(Rc::clone(&required))),
            (vec![&plain, &strict], Some(Rc::clone(&strict))),
            (vec![&strict, &required], Some(rules(true, 30, Some(60)))),
            (vec![&strict, &lasting], Some(Rc::clone(&strict))),
        ];
        for (each, expected) in table {
            assert_eq!(Dpop::of_all(each.iter().copied()), expected, "{each:?}");
            assert_eq!(Dpop::of_all(each.iter().rev().copied()), expected, "the other way round: {each:?}");
        }
    }
}
