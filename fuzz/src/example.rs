//! The config whose parts the checks use.

use bargate::config::{Config, UnknownBindings, load};

/// The issuer of the tokens that are accepted.
pub const ISSUER: &str = "https://issuer.example/";
/// The audience of these tokens.
pub const AUDIENCE: &str = "https://api.example";
/// The origin at which the gateway is called.
pub const ORIGIN: &str = "https://gateway.example";

const CONFIG: &str = r#"{
  "cors": {
    "allow_origins": ["https://app.example", "https://*.pages.example", "http://localhost:*"],
    "allow_headers": ["authorization", "content-type"],
    "allow_credentials": true
  },
  "servers": [{ "alias": "api", "url": "https://upstream.example/base" }],
  "authorizer": {
    "type": "jwt",
    "issuer": "https://issuer.example/",
    "audience": "https://api.example",
    "jwks_uri": "https://issuer.example/keys"
  },
  "paths": [
    {
      "method": "ANY",
      "path": "/a/{id}/{rest+}",
      "auth": true,
      "integration": { "type": "http_proxy", "server": "api" },
      "mapping": {
        "headers": {
          "x-claim": "$request.jwt.sub",
          "x-query": "$request.query.q",
          "x-header": "$request.header.x-source",
          "x-id": "$request.path.id",
          "x-fixed": "fixed"
        },
        "query": { "user": "$request.jwt.sub", "id": "$request.path.id", "copy": "$request.query.q", "fixed": "1" }
      },
      "request_headers": { "remove": ["x-removed"] }
    },
    {
      "method": "GET",
      "path": "/cached/{rest+}",
      "cache": { "ttl_seconds": 60, "vary": ["accept"] },
      "integration": { "type": "http_proxy", "server": "api" }
    }
  ]
}"#;

thread_local! {
    static LOADED: Config = load(CONFIG, &UnknownBindings).expect("the example is a config");
}

/// Calls a function with the config.
pub fn with_config<R>(call: impl FnOnce(&Config) -> R) -> R {
    LOADED.with(call)
}
