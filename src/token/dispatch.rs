//! The credential of a request to a path, and the authorizer whose it is: told by its form, so that no secret is tried elsewhere.

use std::rc::Rc;

use super::api_key::check_key_form;
use super::credentials::{Credentials, Scheme, bare_token, credentials};
use super::error::{ClaimError, KeyError, TokenError};
use super::introspected::is_asked_about;
use super::parts::Parts;
use super::unverified::claimed;
use crate::config::{Access, Asked, Authorizer, Config, key_prefix};
use crate::excerpt::shortened_name;
use crate::http::request::RequestHead;
use crate::json;

/// What a request sends to be let in.
pub enum Credential<'r, 'a> {
    /// Nothing, in a header that the path takes one from.
    Absent,
    /// Not exactly one credential.
    Malformed,
    /// A token or a key, the authorizer that is to check it, and the scheme that it came by.
    Of(&'a Rc<Authorizer>, &'r str, Scheme),
    /// One that is none of the path's, for this reason.
    Refused(TokenError),
}

/// Returns the credential of a request to a path that has `access`.
pub fn credential<'r, 'a>(config: &Config, access: &'a Access, request: &'r impl RequestHead) -> Credential<'r, 'a> {
    let mut sent = credentials(request.header("authorization"), access.dpop.is_some());
    let mut header = None;
    for keys in access.authorizers().iter().filter_map(|authorizer| authorizer.api_keys()) {
        let name = keys.header_name.as_str();
        // Several authorizers may have one header.
        let in_header = if header == Some(name) { Credentials::Absent } else { bare_token(request.header(name)) };
        match (&sent, in_header) {
            (_, Credentials::Absent) => {}
            // An upstream might go by another, under whatever scheme.
            (Credentials::Absent, key) if request.header("authorization").is_none() => {
                (sent, header) = (key, Some(name))
            }
            _ => return Credential::Malformed,
        }
    }
    let sent = match sent {
        Credentials::Absent => return Credential::Absent,
        Credentials::Malformed => return Credential::Malformed,
        Credentials::Bearer(text) => (text, Scheme::Bearer),
        Credentials::Dpop(text) => (text, Scheme::Dpop),
    };
    choose(config, access, sent, header)
}

/// Returns the authorizer whose a text is by its form, which came in a `header` for keys or as a bearer token.
fn choose<'r, 'a>(
    config: &Config,
    access: &'a Access,
    (text, scheme): (&'r str, Scheme),
    header: Option<&str>,
) -> Credential<'r, 'a> {
    let is_alone = access.several.is_empty();
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
                return if scheme == Scheme::Bearer {
                    Credential::Of(authorizer, text, scheme)
                } else {
                    // No key of a client's is bound to it.
                    Credential::Refused(KeyError::Malformed.into())
                };
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
        return Credential::Of(first, text, scheme);
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
    match access.authorizers().iter().find(is_whose) {
        Some(authorizer) => Credential::Of(authorizer, text, scheme),
        // Nobody's, or not a token at all.
        None => Credential::Refused(match issuer {
            Some(issuer) => {
                TokenError::Claim(ClaimError::Issuer { expected: first.issuer.clone(), actual: shortened_name(issuer) })
            }
            None if is_jwt => TokenError::Claim(ClaimError::Missing { claim: "iss" }),
            None => TokenError::NotThreeParts,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{UnknownBindings, load};
    use crate::encoding::base64url;
    use crate::http::request::Head;
    use crate::token::key_of;

    const CONFIG: &str = r#"{
        "authorizers": {
            "people": { "type": "oidc", "issuer": "https://id.example", "client_id": "a", "audience": "api", "introspection": "opaque",
                "client_secret": "a secret that nobody can guess, of 48 bytes, so!" },
            "jobs": { "type": "jwt", "issuer": "jobs", "audience": "api", "jwks_uri": "https://jobs.example/jwks" },
            "partners": { "type": "api_key", "prefix": "acme_live", "kv": "KEYS" },
            "testers": { "type": "api_key", "prefix": "acme_test", "kv": "KEYS", "header": "X-Test-Key" }
        },
        "paths": [
            { "method": "GET", "path": "/all", "auth": ["people", "jobs", "partners", "testers"], "response": {} },
            { "method": "GET", "path": "/keys", "auth": ["partners", "testers"], "response": {} },
            { "method": "GET", "path": "/either", "auth": ["people", "partners"], "response": {} },
            { "method": "GET", "path": "/partners", "auth": "partners", "response": {} },
            { "method": "GET", "path": "/jobs", "auth": "jobs", "response": {} }
        ]
    }"#;

    #[test]
    fn the_form_of_a_credential_says_whose_it_is() {
        let config = load(CONFIG, &UnknownBindings).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let key = |prefix: &str| key_of(prefix, &[7; 64]).map(|key| key.expose().clone()).unwrap_or_default();
        let (live, test, other) = (key("acme_live"), key("acme_test"), key("other"));
        let jwt = |claims: &str| format!("{}.{}.c2ln", base64url(b"{\"alg\":\"RS256\"}"), base64url(claims.as_bytes()));
        let [of_people, of_jobs, of_nobody, of_none] =
            [r#"{"iss":"https://id.example"}"#, r#"{"iss":"jobs"}"#, r#"{"iss":"https://evil.example"}"#, "{}"]
                .map(jwt);
        let long = "a".repeat(16 * 1024 + 1);
        let (bearer, header, own) = ("authorization", "x-api-key", "x-test-key");
        let (all, keys, either, partners, jobs) = (0, 1, 2, 3, 4);
        type Row<'t> = (usize, &'t [(&'static str, &'t str)], &'t str, &'t str);
        let table: &[Row<'_>] = &[
            (all, &[], "absent", "nothing"),
            (all, &[(bearer, &live)], "partners", "a key as a bearer token"),
            (all, &[(bearer, &test)], "testers", "a key of another authorizer"),
            (all, &[(header, &live)], "partners", "a key in its header"),
            (all, &[(own, &test)], "testers", "one in another header"),
            (all, &[(own, &live)], "refused: the API key is malformed", "a key in the header of others"),
            (all, &[(header, &of_jobs)], "refused: the API key is malformed", "a token in the header of keys"),
            (all, &[(bearer, &of_people)], "people", "a token by its issuer"),
            (all, &[(bearer, &of_jobs)], "jobs", "a token of another"),
            (
                all,
                &[(bearer, &of_nobody)],
                "refused: iss is \"https://evil.example\", expected \"https://id.example\"",
                "of nobody",
            ),
            (all, &[(bearer, &of_none)], "refused: iss is missing", "a token that names none"),
            (all, &[(bearer, "opaque")], "people", "an opaque token, to who is asked about those"),
            (
                all,
                &[(bearer, &other)],
                "refused: an API key is no token",
                "a key of another gateway, which no provider sees",
            ),
            (all, &[(bearer, "acme_live_x")], "partners", "what begins as a key"),
            (all, &[(bearer, &long)], "refused: 16385 bytes, at most 16384 are read", "too long a token"),
            (all, &[(bearer, &live), (header, &live)], "malformed", "one key twice"),
            (all, &[(bearer, &of_jobs), (header, &live)], "malformed", "a token and a key"),
            (all, &[(header, &live), (own, &test)], "malformed", "two keys"),
            (all, &[(bearer, "Basic"), (header, &live)], "malformed", "a key beside another scheme"),
            (all, &[(bearer, "DPoP"), (header, &live)], "malformed", "a key beside one that the path does not read"),
            (all, &[(header, "a, b")], "malformed", "a header twice"),
            (all, &[(bearer, "Bearer")], "malformed", "a scheme alone"),
            (all, &[(header, "")], "absent", "an empty header"),
            (keys, &[(bearer, &of_jobs)], "refused: the API key is malformed", "a token where only keys are taken"),
            (keys, &[(own, &test)], "testers", "a key of the second"),
            (either, &[(bearer, "opaque")], "people", "the only one that takes tokens"),
            (either, &[(bearer, &of_jobs)], "people", "who refuses it"),
            (either, &[(bearer, &test)], "refused: an API key is no token", "a key of another path"),
            (either, &[(own, &test)], "absent", "a header that the path takes nothing from"),
            (partners, &[(bearer, "anything")], "partners", "who refuses it"),
            (jobs, &[(bearer, &live)], "jobs", "who refuses it"),
            (jobs, &[(header, &live)], "absent", "a header of another path"),
        ];
        for (index, headers, expected, message) in table {
            let access = config.paths[*index].access.as_ref().unwrap();
            let scheme = |(name, value): &(&'static str, &str)| match *name {
                "authorization" if !["Bearer", "Basic", "DPoP"].contains(value) => format!("Bearer {value}"),
                _ => (*value).to_owned(),
            };
            let values: Vec<_> = headers.iter().map(scheme).collect();
            let head =
                Head("GET", headers.iter().zip(&values).map(|((name, _), value)| (*name, value.as_str())).collect());
            let found = match credential(&config, access, &head) {
                Credential::Absent => "absent".to_owned(),
                Credential::Malformed => "malformed".to_owned(),
                Credential::Of(authorizer, ..) => authorizer.name.clone(),
                Credential::Refused(error) => format!("refused: {error}"),
            };
            assert_eq!(found, *expected, "{message}");
        }
    }
}
