//! The key set that `--jwks` names: a file, or a URL, which gets no other information.

use std::path::Path;

use bargate::address::Address;
use bargate::json;
use bargate::jwks::{JWKS_MAX_BYTES, KeySet, mistaken_for_key_set};
use bargate::oauth::Discovery;

use crate::config_file::read_text;
use crate::failure::Failure;
use crate::surroundings;

/// Reads the key set in a file or at a URL, or the one that a discovery document at a URL names. Such a document must
/// be the issuer's.
///
/// # Errors
/// If it cannot be fetched, or is not a JWKS.
pub fn read_key_set(place: &str, issuer: Option<&str>) -> Result<KeySet, Failure> {
    let is_address = place.contains("://");
    let document = if is_address { fetch(place)? } else { read_text(Path::new(place))?.text };
    let fail = |reason: &str| Failure::new(format!("{place}: {reason}"));
    let document = match named_by(&document) {
        None => document,
        Some(address) if !is_address => {
            return Err(fail(&format!(
                "this is a discovery document; to fetch the key set that it names, give --jwks {address}"
            )));
        }
        Some(_) => {
            let issuer =
                issuer.ok_or_else(|| fail("this is a discovery document; add --issuer, which it must name"))?;
            let discovery = Discovery::parse(&document, issuer, false).map_err(|reason| fail(&reason))?;
            fetch(&discovery.jwks_uri)?
        }
    };
    KeySet::parse(&document).map_err(|error| {
        let hint = mistaken_for_key_set(&document).map(|hint| format!("; {hint}")).unwrap_or_default();
        fail(&format!("{error}{hint}"))
    })
}

/// Returns the URL of the JWKS that a discovery document names.
fn named_by(document: &str) -> Option<String> {
    let members = json::parse_object(document.as_bytes()).filter(|members| !members.contains_key("keys"))?;
    Some(members.get("jwks_uri")?.as_str().unwrap_or_default().to_owned())
}

fn fetch(url: &str) -> Result<String, Failure> {
    let fail = |reason: String| Failure::new(format!("{url}: {reason}"));
    let address =
        Address::parse(url).filter(Address::is_http).ok_or_else(|| fail("not an http or https URL".to_owned()))?;
    if address.has_credentials() || address.has_fragment() {
        return Err(fail("the URL must not have a password or a fragment".to_owned()));
    }
    if address.scheme() == "http" && !address.is_loopback() {
        return Err(fail("the URL is plain http; use https (http only for loopback hosts)".to_owned()));
    }
    let answer = surroundings::fetch(&address, JWKS_MAX_BYTES).map_err(fail)?;
    if answer.status != 200 {
        return Err(fail(format!("answered with status {}", answer.status)));
    }
    answer.body.ok_or_else(|| fail(format!("larger than {JWKS_MAX_BYTES} bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_only_where_nobody_can_answer_in_its_place() {
        let table = [
            ("http://keys.example/jwks", "plain http"),
            ("https://user:pass@keys.example/jwks", "a password"),
            ("https://keys.example/jwks#x", "a fragment"),
            ("ftp://keys.example/jwks", "not an http or https URL"),
            ("https://", "not an http or https URL"),
        ];
        for (url, expected) in table {
            let failure = read_key_set(url, None).err().unwrap();
            assert!(failure.to_string().contains(expected), "{url}: {}", failure);
        }
    }

    #[test]
    fn a_document_with_keys_is_never_taken_for_a_discovery_document() {
        let table = [
            (r#"{"jwks_uri": "https://a.example/"}"#, Some("https://a.example/"), "a discovery document"),
            (r#"{"jwks_uri": "https://a.example/", "keys": []}"#, None, "one with keys of its own"),
            (r#"{"keys": []}"#, None, "a key set"),
            ("[]", None, "neither"),
        ];
        for (document, expected, message) in table {
            assert_eq!(named_by(document).as_deref(), expected, "{message}");
        }
    }
}
