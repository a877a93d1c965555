//! The key set that `--jwks` names: a file, or an address that is asked for it and told nothing else.

use std::path::Path;
use std::time::Duration;

use bargate::address::Address;
use bargate::json;
use bargate::jwks::{JWKS_MAX_BYTES, KeySet};
use bargate::oauth::Discovery;

use crate::Failure;
use crate::config_file::TextFile;

/// How long an address may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the key set in a file or at an address, or the one that a discovery document there names. Such a document must be the
/// issuer's.
///
/// # Errors
/// Where it cannot be had, or is no key set.
pub fn read_key_set(place: &str, issuer: Option<&str>) -> Result<KeySet, Failure> {
    let document = read(place)?;
    let fail = |reason: &str| Failure::new(format!("{place}: {reason}"));
    let document = match names_another(&document) {
        false => document,
        true => {
            let issuer = issuer.ok_or_else(|| fail("a discovery document needs --issuer, whose it must be"))?;
            let discovery = Discovery::parse(&document, issuer).map_err(|reason| fail(&reason))?;
            fetch(&discovery.jwks_uri)?
        }
    };
    KeySet::parse(&document).map_err(|error| fail(&error.to_string()))
}

fn read(place: &str) -> Result<String, Failure> {
    if place.contains("://") { fetch(place) } else { Ok(TextFile::read(Path::new(place))?.text) }
}

/// Tells whether a document is no key set, and says where one is.
fn names_another(document: &str) -> bool {
    let members = json::parse_object(document.as_bytes());
    members.is_some_and(|members| members.contains_key("jwks_uri") && !members.contains_key("keys"))
}

fn fetch(url: &str) -> Result<String, Failure> {
    let fail = |reason: String| Failure::new(format!("{url}: {reason}"));
    let address =
        Address::parse(url).filter(Address::is_http).ok_or_else(|| fail("no http or https URL".to_owned()))?;
    if address.has_credentials() || address.has_fragment() {
        return Err(fail("the URL has a password or a fragment".to_owned()));
    }
    if address.scheme() == "http" && !address.is_loopback() {
        return Err(fail("plain http; use https, http is for loopback hosts alone".to_owned()));
    }
    let config = ureq::Agent::config_builder();
    // The gateway follows no redirect to another address either.
    let config = config.timeout_global(Some(TIMEOUT)).max_redirects(0).http_status_as_error(false).build();
    let answer = ureq::Agent::new_with_config(config).get(address.as_str()).header("accept", "application/json").call();
    let mut answer = answer.map_err(|error| fail(error.to_string()))?;
    if answer.status().as_u16() != 200 {
        return Err(fail(format!("answered with status {}", answer.status().as_u16())));
    }
    let body = answer.body_mut().with_config().limit(JWKS_MAX_BYTES as u64).read_to_string();
    body.map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => fail(format!("larger than {JWKS_MAX_BYTES} bytes")),
        error => fail(error.to_string()),
    })
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
            ("ftp://keys.example/jwks", "no http or https"),
            ("https://", "no http or https"),
        ];
        for (url, expected) in table {
            let failure = read_key_set(url, None).err().unwrap();
            assert!(failure.to_string().contains(expected), "{url}: {}", failure);
        }
    }

    #[test]
    fn a_document_with_keys_is_never_taken_for_a_discovery_document() {
        let table = [
            (r#"{"jwks_uri": "https://a.example/"}"#, true, "a discovery document"),
            (r#"{"jwks_uri": "https://a.example/", "keys": []}"#, false, "one with keys of its own"),
            (r#"{"keys": []}"#, false, "a key set"),
            ("[]", false, "neither"),
        ];
        for (document, expected, message) in table {
            assert_eq!(names_another(document), expected, "{message}");
        }
    }
}
