//! API keys for the people who hand them out: a fresh one with its record, what is stored of others, and the words that wrangler takes.
//!
//! Randomness, time and files are arguments. Only [`FreshKey`] has a key, and shows it only when it is asked.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use crate::config::{self, ApiKeys, KeyRecord, KeySource, UnknownBindings, is_digest, key_prefix, parse_key_record};
use crate::json::ToText as _;
use crate::secret::Secret;
use crate::token::{check_key_form, key_digest, key_of, key_pattern};

/// So many random bytes are enough for a key, although some are passed over.
const BYTES_OF_KEY: usize = 64;

/// KV keeps so much beside a value, in bytes.
const METADATA_MAX_BYTES: usize = 1024;

/// An authorizer of a config that takes API keys.
pub struct KeyAuthorizer {
    /// Its name.
    pub name: String,
    /// What its keys begin with.
    pub prefix: String,
    /// The KV binding with the records; `None` if they are in the config.
    pub kv: Option<String>,
    /// The keys in the config.
    pub listed: Vec<StoredKey>,
}

/// What is stored of a key.
pub struct StoredKey {
    /// Its SHA-256.
    pub digest: String,
    /// Its record; or why there is none to be read.
    pub record: Result<Rc<KeyRecord>, String>,
}

/// What a fresh key is to open, as it is asked for.
#[derive(Default)]
pub struct Wishes<'w> {
    /// Whose it is.
    pub owner: &'w str,
    /// What the owner uses it for.
    pub name: Option<&'w str>,
    /// Its scopes.
    pub scopes: &'w [String],
    /// Its claims; a value that is JSON other than a string stands for that.
    pub claims: &'w [(String, String)],
    /// Its end.
    pub not_after: Option<&'w str>,
    /// Where it may be used; anywhere if the list is empty.
    pub addresses: &'w [String],
}

/// A key that nobody has yet.
pub struct FreshKey {
    key: Secret<String>,
    /// Its SHA-256.
    pub digest: String,
    record: Map<String, Value>,
}

impl KeyAuthorizer {
    /// Returns those of a config, in the order of the file.
    ///
    /// # Errors
    /// The first mistake of the config.
    pub fn all(source: &str) -> Result<Vec<Self>, String> {
        let rules = config::token_rules(source, &UnknownBindings);
        let rules = rules.map_err(|mistakes| mistakes.first().map(ToString::to_string).unwrap_or_default())?;
        let of = |rules: config::TokenRules| match rules.keys {
            Some(KeySource::ApiKeys(keys)) => Some(Self::of(rules.name, &keys)),
            _ => None,
        };
        Ok(rules.into_iter().filter_map(of).collect())
    }

    fn of(name: String, keys: &ApiKeys) -> Self {
        let stored = |(digest, record): &(String, Rc<KeyRecord>)| StoredKey {
            digest: digest.clone(),
            record: Ok(Rc::clone(record)),
        };
        let (prefix, kv) = (keys.prefix.clone(), keys.kv.clone());
        Self { name, prefix, kv, listed: keys.listed.iter().map(stored).collect() }
    }

    /// Returns the regular expression by which scanners find its keys.
    pub fn pattern(&self) -> String {
        key_pattern(&self.prefix)
    }
}

impl FreshKey {
    /// Makes a key of random bytes.
    ///
    /// # Errors
    /// Which wish no record can have; that there are too few random bytes.
    pub fn make(authorizer: &KeyAuthorizer, wishes: &Wishes<'_>, random: &[u8]) -> Result<Self, String> {
        let mut record = Map::new();
        record.insert("owner".to_owned(), wishes.owner.into());
        let mut text = |name: &str, text: Option<&str>| {
            record.extend(text.map(|text| (name.to_owned(), text.into())));
        };
        text("name", wishes.name);
        text("not_after", wishes.not_after);
        if !wishes.scopes.is_empty() {
            record.insert("scopes".to_owned(), wishes.scopes.into());
        }
        if !wishes.claims.is_empty() {
            let claim = |(name, value): &(String, String)| (name.clone(), claim_value(value));
            record.insert("claims".to_owned(), Value::Object(wishes.claims.iter().map(claim).collect()));
        }
        if !wishes.addresses.is_empty() {
            record.insert("ip".to_owned(), json!({ "allow": wishes.addresses }));
        }
        // A digest with a hyphen before it would be a flag to wrangler.
        let mut keys = random.chunks(BYTES_OF_KEY).filter_map(|bytes| key_of(&authorizer.prefix, bytes));
        let found = keys.find_map(|key| {
            let digest = key_digest(key.expose());
            (!digest.starts_with('-')).then_some((key, digest))
        });
        let (key, digest) = found.ok_or("there is too little randomness")?;
        let fresh = Self { key, digest, record };
        parse_key_record(&fresh.stored(), &authorizer.name)?;
        Ok(fresh)
    }

    /// Returns the key. It is shown once.
    pub fn key(&self) -> &str {
        self.key.expose()
    }

    /// Returns its record as KV has it.
    pub fn stored(&self) -> String {
        let mut record = self.record.clone();
        record.insert("version".to_owned(), 1.into());
        Value::Object(record).to_text()
    }

    /// Returns its entry in a config.
    pub fn entry(&self) -> Value {
        let mut record = self.record.clone();
        record.insert("sha256".to_owned(), self.digest.as_str().into());
        Value::Object(record)
    }

    /// Returns what a list of keys in KV shows of it: as much as KV takes.
    fn metadata(&self) -> Value {
        let of = |names: &[&str]| {
            let shown = self.record.iter().filter(|(name, _)| names.contains(&&***name));
            Value::Object(shown.map(|(name, value)| (name.clone(), value.clone())).collect())
        };
        let shown =
            [&["owner", "name", "not_after", "scopes"][..], &["owner", "name", "not_after"], &["owner", "not_after"]];
        let fits = |metadata: &Value| metadata.to_text().len() <= METADATA_MAX_BYTES;
        shown.map(of).into_iter().find(fits).unwrap_or_else(|| json!({}))
    }

    /// Returns the command that stores its record, for a shell.
    pub fn put_command(&self, kv: &str) -> String {
        let (stored, metadata) = (quoted(&self.stored()), quoted(&self.metadata().to_text()));
        let (kv, digest) = (quoted(kv), &self.digest);
        format!("npx wrangler kv key put --binding {kv} --remote --metadata {metadata} {digest} {stored}")
    }

    /// Returns the file that `wrangler kv bulk put` takes.
    pub fn bulk(&self) -> Value {
        json!([{ "key": self.digest, "value": self.stored(), "metadata": self.metadata() }])
    }
}

/// Returns the command that removes a record from KV, for a shell.
pub fn delete_command(kv: &str, digest: &str) -> String {
    format!("npx wrangler kv key delete --binding {} --remote {}", quoted(kv), argument(digest))
}

/// Returns the SHA-256 that a text is, or that of the key that it is; `None` if it is neither.
pub fn digest_of(text: &str) -> Option<String> {
    if key_prefix(text).is_some_and(|prefix| check_key_form(text, prefix).is_ok()) {
        return Some(key_digest(text));
    }
    is_digest(text).then(|| text.to_owned())
}

/// Reads what wrangler prints of a namespace, or takes: `kv key list`, `kv bulk get`, or the file of `kv bulk put`. Of a list the records
/// are not known, but what their metadata say.
///
/// # Errors
/// That it is none of these.
pub fn read_namespace(text: &str) -> Result<Vec<StoredKey>, String> {
    let wrong =
        "is neither a config nor a list of keys as `wrangler kv key list`, `kv bulk get` and `kv bulk put` have it";
    let of = |digest: &str, value: Option<&Value>, metadata: Option<&Value>| StoredKey {
        digest: digest.to_owned(),
        record: match (value.map(|value| value.get("value").unwrap_or(value)), metadata) {
            (Some(Value::String(text)), _) => parse_key_record(text, "").map(Rc::new),
            (Some(value @ Value::Object(_)), _) => parse_key_record(&value.to_text(), "").map(Rc::new),
            (None, Some(Value::Object(metadata))) => {
                let mut record = metadata.clone();
                record.insert("version".to_owned(), 1.into());
                parse_key_record(&Value::Object(record).to_text(), "").map(Rc::new)
            }
            _ => Err("its record is not here".to_owned()),
        },
    };
    match serde_json::from_str(text) {
        Ok(Value::Array(items)) => items
            .iter()
            .map(|item| {
                let name = item.get("key").or_else(|| item.get("name")).and_then(Value::as_str).ok_or(wrong)?;
                Ok(of(name, item.get("value"), item.get("metadata")))
            })
            .collect(),
        Ok(Value::Object(members)) => Ok(members
            .iter()
            .map(|(digest, value)| of(digest, Some(value).filter(|value| !value.is_null()), None))
            .collect()),
        _ => Err(wrong.to_owned()),
    }
}

/// Returns the value of a claim: JSON, or the text itself.
fn claim_value(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(|value: &Value| !value.is_string()).unwrap_or_else(|| text.into())
}

/// Returns a digest as an argument: one may begin with a hyphen.
fn argument(digest: &str) -> String {
    if digest.starts_with('-') { format!("-- {digest}") } else { digest.to_owned() }
}

/// Returns a text as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_is_what_kv_takes() {
        let authorizer = KeyAuthorizer {
            name: "partners".to_owned(),
            prefix: "acme".to_owned(),
            kv: Some("KEYS".to_owned()),
            listed: Vec::new(),
        };
        let scopes: Vec<_> = (0..100).map(|number| format!("read:orders-{number}")).collect();
        let (long, longest) = ("n".repeat(1_020), "o".repeat(1_100));
        let table = [
            (
                Wishes { owner: "o", name: Some("n"), scopes: &scopes[..1], ..Wishes::default() },
                r#"{"name":"n","owner":"o","scopes":["read:orders-0"]}"#,
            ),
            (
                Wishes { owner: "o", name: Some("n"), scopes: &scopes, ..Wishes::default() },
                r#"{"name":"n","owner":"o"}"#,
            ),
            (Wishes { owner: "o", name: Some(&long), scopes: &scopes, ..Wishes::default() }, r#"{"owner":"o"}"#),
            (Wishes { owner: &longest, ..Wishes::default() }, "{}"),
        ];
        for (wishes, expected) in table {
            let fresh = FreshKey::make(&authorizer, &wishes, &[7; 64]).unwrap_or_else(|wrong| panic!("{wrong}"));
            assert_eq!(fresh.metadata().to_text(), expected);
        }
    }
}
