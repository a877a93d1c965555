//! What is known of the rules for tokens if some references have no value.

use bargate::algorithm::Algorithm;
use bargate::config::{self, Binding, Bindings, KeySource, Reference, TokenRules};
use serde_json::{Value, json};

/// Knows the names that begin with `KNOWN_`.
struct Partly;

impl Bindings for Partly {
    fn look_up(&self, reference: &Reference) -> Binding {
        match reference.name.as_str() {
            "KNOWN_DOMAIN" => Binding::Value("tenant.example".into()),
            "KNOWN_CLIENT" => Binding::Value("app-1".into()),
            "KNOWN_SECRET" => Binding::Value("a-secret-of-the-tests-that-guards-nothing".into()),
            _ => Binding::Unknown,
        }
    }
}

/// Reads a config with this authorizer, in which much else is not known.
fn rules(authorizer: &Value) -> TokenRules {
    let config = json!({
        "authorizer": authorizer,
        "servers": [{ "alias": "api", "url": "$env.API_URL" }],
        "paths": [{ "method": "GET", "path": "/", "response": { "a": "$env.ANYTHING" } }],
    });
    let mut rules = config::token_rules(&config.to_string(), &Partly).unwrap();
    assert_eq!(rules.len(), 1);
    rules.remove(0)
}

#[test]
fn what_a_reference_without_a_value_says_is_not_taken_from_elsewhere() {
    let auth0 = |key: &str, value: &str| {
        let mut authorizer =
            json!({ "type": "auth0", "domain": "$env.KNOWN_DOMAIN", "client_id": "$secret.KNOWN_CLIENT" });
        authorizer[key] = json!(value);
        let rules = rules(&authorizer);
        let keys = rules.keys.is_some_and(
            |keys| matches!(keys, KeySource::KeySet(url) if url == "https://tenant.example/.well-known/jwks.json"),
        );
        (rules.issuer, rules.audience, keys)
    };
    let (issuer, client) = (Some("https://tenant.example/".to_owned()), Some("app-1".to_owned()));
    let table = [
        ("scope", "openid", (issuer.clone(), client.clone(), true), "all is known"),
        ("audience", "$env.AUDIENCE", (issuer.clone(), None, true), "not the client's name in place of the audience"),
        ("issuer", "$env.ISSUER", (None, client.clone(), true), "not the domain in place of the issuer"),
        ("client_id", "$env.CLIENT", (issuer.clone(), None, true), "no client"),
        ("domain", "$env.DOMAIN", (None, client.clone(), false), "no domain"),
        ("jwks_uri", "$env.JWKS_URI", (issuer, client, false), "not the domain's key set in place of another"),
    ];
    for (key, value, expected, message) in table {
        assert_eq!(auth0(key, value), expected, "{message}");
    }
}

#[test]
fn a_list_of_algorithms_is_known_whole_or_not_at_all() {
    let listed = |algorithms: Value| {
        let keys = "https://tenant.example/keys";
        let authorizer =
            json!({ "type": "jwt", "issuer": "i", "audience": "a", "jwks_uri": keys, "algorithms": algorithms });
        rules(&authorizer).algorithms
    };
    assert_eq!(listed(json!(["ES256", "EdDSA"])), Some(vec![Algorithm::Es256, Algorithm::EdDsa]));
    assert_eq!(listed(json!(["ES256", "$env.ALGORITHM"])), None);
    let by_secret = |secret: &str| rules(&json!({ "type": "jwt", "issuer": "i", "audience": "a", "secret": secret }));
    assert!(matches!(by_secret("$secret.KNOWN_SECRET").keys, Some(KeySource::Given(_))));
    let unknown = by_secret("$secret.OTHER");
    assert!(unknown.keys.is_none());
    assert_eq!(unknown.algorithms, Some(vec![Algorithm::Hs256]), "which does not hang on the secret's value");
}

#[test]
fn a_mistake_anywhere_in_the_file_is_told() {
    let mistakes = |config: &str| config::token_rules(config, &Partly).err().map(|mistakes| mistakes.len());
    assert_eq!(mistakes(r#"{"paths": [{"method": "get", "path": "/", "response": {}}], "x": 1}"#), Some(2));
    assert_eq!(mistakes("{"), Some(1));
    assert_eq!(mistakes(r#"{"paths": [{"method": "GET", "path": "/", "response": {}}]}"#), None, "no authorizer");
}
