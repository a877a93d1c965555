//! A provider's discovery document (OpenID Connect Discovery 1.0 section 3): the addresses of its endpoints and its JWKS.

use std::rc::Rc;

use serde_json::{Map, Value};

use crate::address::Address;
use crate::config::{AuthMethod, Endpoints};
use crate::excerpt::shortened_name;
use crate::json;

/// What the gateway needs of a provider's discovery document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The provider's addresses; `None` if it lacks those of a login, as an issuer does that only signs.
    pub endpoints: Option<Rc<Endpoints>>,
    /// Where its key set is.
    pub jwks_uri: String,
}

impl Discovery {
    /// Parses the document of `issuer`. It must have the addresses of a login if people log in there.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(document: &str, issuer: &str, logs_in: bool) -> Result<Self, String> {
        let members = json::parse_object(document.as_bytes()).ok_or("its discovery document is no JSON object")?;
        // Byte for byte (section 4.3): anybody who can serve a document for another issuer could have its tokens verified by their
        // own keys.
        let found = json::text(&members, "issuer").unwrap_or_default();
        if found != issuer {
            let found = shortened_name(found);
            return Err(format!("its discovery document is another issuer's: \"{found}\", expected \"{issuer}\""));
        }
        let endpoints = match endpoints(&members) {
            Ok(endpoints) => Some(Rc::new(endpoints)),
            Err(lacking) if logs_in => return Err(lacking),
            Err(_) => None,
        };
        Ok(Self { endpoints, jwks_uri: required(&members, "jwks_uri")? })
    }
}

fn endpoints(members: &Map<String, Value>) -> Result<Endpoints, String> {
    let is_true = |name: &str| members.get(name) == Some(&Value::Bool(true));
    Ok(Endpoints {
        authorization: required(members, "authorization_endpoint")?,
        token: required(members, "token_endpoint")?,
        userinfo: endpoint(members, "userinfo_endpoint"),
        revocation: endpoint(members, "revocation_endpoint"),
        introspection: endpoint(members, "introspection_endpoint"),
        logout: endpoint(members, "end_session_endpoint").map(|url| (url, "post_logout_redirect_uri")),
        token_auth: only_method(members, "token_endpoint_auth_methods_supported"),
        revocation_auth: only_method(members, "revocation_endpoint_auth_methods_supported"),
        introspection_auth: only_method(members, "introspection_endpoint_auth_methods_supported"),
        pushed: endpoint(members, "pushed_authorization_request_endpoint"),
        requires_pushed: is_true("require_pushed_authorization_requests"),
        names_itself: is_true("authorization_response_iss_parameter_supported"),
    })
}

fn required(members: &Map<String, Value>, name: &str) -> Result<String, String> {
    let lacking = || format!("its discovery document lacks an endpoint: no https address in {name}");
    endpoint(members, name).ok_or_else(lacking)
}

/// Returns the only method by which an endpoint takes a secret; `None` if it takes both, or lists no method.
fn only_method(members: &Map<String, Value>, name: &str) -> Option<AuthMethod> {
    let methods = members.get(name).and_then(Value::as_array).filter(|methods| !methods.is_empty())?;
    let takes = |method: &str| methods.iter().any(|listed| listed == method);
    match (takes("client_secret_basic"), takes("client_secret_post")) {
        (true, true) => None,
        (true, false) => Some(AuthMethod::Basic),
        (false, _) => Some(AuthMethod::Post),
    }
}

/// Returns an address that secrets may be sent to: https, or http on this machine.
fn endpoint(members: &Map<String, Value>, name: &str) -> Option<String> {
    let address = Address::parse(json::text(members, name)?)?;
    let trusted = address.scheme() == "https" || address.scheme() == "http" && address.is_loopback();
    (trusted && !address.has_credentials() && !address.has_fragment()).then(|| address.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_taken_from_its_issuer_alone_and_only_with_safe_addresses() {
        let valid = json!({
            "issuer": "https://idp.example",
            "authorization_endpoint": "https://idp.example/auth?a=1",
            "token_endpoint": "https://idp.example/token",
            "jwks_uri": "https://keys.example/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": false,
            "pushed_authorization_request_endpoint": null,
            "require_pushed_authorization_requests": false,
        });
        let parse = |name: &str, value: Value, logs_in: bool| {
            let mut document = valid.clone();
            if let Some(member) = document.get_mut(name) {
                *member = value;
            }
            Discovery::parse(&document.to_string(), "https://idp.example", logs_in)
        };
        let endpoints_of = |name: &str, value: Value| parse(name, value, true).unwrap().endpoints.unwrap();
        let good = endpoints_of("", json!(null));
        assert_eq!(good.authorization, "https://idp.example/auth?a=1");
        assert_eq!((&good.userinfo, &good.logout), (&None, &None));
        assert_eq!(good.token_auth, None, "it takes the secret by either method");
        assert_eq!(good.revocation_auth, None, "nothing is said of revocation");
        let refused = [
            ("issuer", json!("https://idp.example/"), "an issuer with a slash more"),
            ("issuer", json!(null), "no issuer"),
            ("token_endpoint", json!("http://idp.example/token"), "plain http"),
            ("token_endpoint", json!("https://a:b@idp.example/token"), "credentials"),
            ("token_endpoint", json!("/token"), "a path"),
            ("authorization_endpoint", json!(1), "a number"),
            ("jwks_uri", json!("file:///jwks"), "another scheme"),
        ];
        for (name, value, message) in refused {
            let reason = parse(name, value, true).unwrap_err();
            assert!(reason.contains(name), "{message}: {reason}");
        }
        for name in ["authorization_endpoint", "token_endpoint"] {
            let signer = parse(name, json!(null), false).unwrap();
            let found = (signer.endpoints, signer.jwks_uri.as_str());
            assert_eq!(found, (None, "https://keys.example/jwks"), "an issuer that only signs has no {name}");
        }
        let another = parse("issuer", json!("https://other.example/v2.0"), false).unwrap_err();
        let both = another.contains("\"https://other.example/v2.0\"") && another.contains("\"https://idp.example\"");
        assert!(both, "both issuers: {another}");
        assert!(parse("token_endpoint", json!("http://127.0.0.1:1/token"), true).is_ok(), "http on this machine");
        let methods: [(Value, Option<AuthMethod>); 5] = [
            (json!(["client_secret_basic", "private_key_jwt"]), Some(AuthMethod::Basic)),
            (json!(["client_secret_post", "none"]), Some(AuthMethod::Post)),
            (json!(["private_key_jwt"]), Some(AuthMethod::Post)),
            (json!([]), None),
            (json!("client_secret_post"), None),
        ];
        for (listed, expected) in methods {
            let found = endpoints_of("token_endpoint_auth_methods_supported", listed.clone());
            assert_eq!(found.token_auth, expected, "{listed}");
        }
        assert!(!good.names_itself, "no iss is announced");
        let naming = endpoints_of("authorization_response_iss_parameter_supported", json!(true));
        assert!(naming.names_itself, "an iss is announced (RFC 9207)");
        assert!(!good.requires_pushed, "nothing is said of pushed requests");
        assert_eq!(good.pushed, None);
        let pushing = endpoints_of("require_pushed_authorization_requests", json!(true));
        assert!(pushing.requires_pushed, "pushed requests are required (RFC 9126)");
        let pushed = |at: &str| endpoints_of("pushed_authorization_request_endpoint", json!(at)).pushed.clone();
        assert_eq!(pushed("https://idp.example/par").as_deref(), Some("https://idp.example/par"));
        assert_eq!(pushed("http://idp.example/par"), None, "plain http");
        assert!(Discovery::parse("[]", "https://idp.example", false).is_err(), "no object");
    }
}
