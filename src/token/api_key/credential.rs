//! The credential of a request to a path, and the authorizer whose it is: told by its form, so that no secret is tried elsewhere.

use std::rc::Rc;

use super::{KeyError, check_key_form};
use crate::config::{Access, Asked, Authorizer, Config, key_prefix};
use crate::excerpt::shortened_name;
use crate::http::request::RequestHead;
use crate::json;
use crate::token::credentials::{Credentials, bare_token, bearer};
use crate::token::error::{ClaimError, TokenError};
use crate::token::introspected::is_asked_about;
use crate::token::parts::Parts;
use crate::token::unverified::claimed;

/// What a request sends to be let in.
pub enum Credential<'r, 'a> {
    /// Nothing, in a header that the path takes one from.
    Absent,
    /// Not exactly one credential.
    Malformed,
    /// A token or a key, and the authorizer that is to check it.
    Of(&'a Rc<Authorizer>, &'r str),
    /// One that is none of the path's, for this reason.
    Refused(TokenError),
}

/// Returns the credential of a request to a path that has `access`.
pub fn credential<'r, 'a>(config: &Config, access: &'a Access, request: &'r impl RequestHead) -> Credential<'r, 'a> {
    let mut sent = bearer(request.header("authorization"));
    let mut names = Vec::new();
    let mut header = None;
    for keys in access.authorizers().filter_map(|authorizer| authorizer.api_keys()) {
        let name = keys.header_name.as_str();
        let in_header = if names.contains(&name) { Credentials::Absent } else { bare_token(request.header(name)) };
        names.push(name);
        match (&sent, in_header) {
            (_, Credentials::Absent) => {}
            (Credentials::Absent, key) => (sent, header) = (key, Some(name)),
            // An upstream might go by the other.
            _ => return Credential::Malformed,
        }
    }
    match sent {
        Credentials::Absent => Credential::Absent,
        Credentials::Malformed => Credential::Malformed,
        Credentials::Bearer(text) => choose(config, access, text, header),
    }
}

/// Returns the authorizer whose a text is by its form, which came in a `header` for keys or as a bearer token.
fn choose<'r, 'a>(config: &Config, access: &'a Access, text: &'r str, header: Option<&str>) -> Credential<'r, 'a> {
    let is_alone = access.others.is_empty();
    let prefix = key_prefix(text);
    let (mut first, mut takers) = (None, 0);
    for authorizer in access.authorizers() {
        match authorizer.api_keys() {
            None if header.is_none() => {
                first = first.or(Some(authorizer));
                takers += 1;
            }
            Some(keys)
                if header.is_none_or(|name| name == keys.header_name) && (is_alone || prefix == Some(&keys.prefix)) =>
            {
                return Credential::Of(authorizer, text);
            }
            _ => {}
        }
    }
    let Some(first) = first else { return Credential::Refused(KeyError::Malformed.into()) };
    // It is a key of another path, or of another gateway: no provider is to see it.
    if !is_alone && prefix.is_some_and(|prefix| check_key_form(text, prefix).is_ok()) {
        return Credential::Refused(KeyError::Elsewhere.into());
    }
    if takers == 1 {
        return Credential::Of(first, text);
    }
    if let Err(error) = Parts::check_length(text) {
        return Credential::Refused(error);
    }
    let is_jwt = !is_asked_about(Asked::Opaque, text);
    let claims = if is_jwt { claimed(text) } else { None };
    let issuer = claims.as_ref().and_then(|claims| json::text(claims, "iss"));
    let is_whose = |authorizer: &&Rc<Authorizer>| match issuer {
        Some(issuer) => authorizer.accepts_issuer(issuer),
        None => config.introspections.iter().any(|(client, _)| !is_jwt && Rc::ptr_eq(&client.authorizer, authorizer)),
    };
    match access.authorizers().find(is_whose) {
        Some(authorizer) => Credential::Of(authorizer, text),
        // Nobody's, or not a token at all.
        None => Credential::Refused(match issuer {
            Some(issuer) => TokenError::Claim(ClaimError::Issuer {
                expected: first.issuer.clone(),
                actual: shortened_name(issuer),
            }),
            None if is_jwt => TokenError::Claim(ClaimError::Missing { claim: "iss" }),
            None => TokenError::NotThreeParts,
        }),
    }
}
