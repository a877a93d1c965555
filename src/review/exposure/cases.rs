//! What a change of each key opens, and what opens nothing.

use super::compare;
use crate::config::grammar::Change::{Elsewhere, Harmless};
use crate::config::schema::sections;

/// A config in which a section says this.
fn config(section: &str, members: &str) -> String {
    let path = |rest: String| format!(r#"{{"paths": [{{"method": "GET", "path": "/a", {rest}}}]}}"#);
    match section {
        "config" => format!(r#"{{"paths": [], "x-none": 0 {}{members}}}"#, if members.is_empty() { "" } else { "," }),
        "path" => path(format!(r#""response": 1{}{members}"#, if members.is_empty() { "" } else { "," })),
        "session" | "cors" | "ip" | "analytics" | "otlp" | "protected_resource" | "authorization_server" => {
            format!(r#"{{"paths": [], "{section}": {{{members}}}}}"#)
        }
        "server" => format!(
            r#"{{"servers": [{{"alias": "s", {members}}}],
                "paths": [{{"method": "GET", "path": "/a", "integration": {{"type": "http", "server": "s"}}}}]}}"#
        ),
        "authorization" => config("server", &format!(r#""url": "https://a.example", "authorization": {{{members}}}"#)),
        "service" | "service_binding" => format!(
            r#"{{"{}": [{{"alias": "s", {members}}}],
                "paths": [{{"method": "GET", "path": "/a", "integration": {{"type": "{section}", "binding": "s"}}}}]}}"#,
            if section == "service" { "services" } else { "serviceBindings" }
        ),
        "mapping" | "mcp" | "request_headers" | "response_headers" | "rate_limit" | "cache" => {
            path(format!(r#""response": 1, "{section}": {{{members}}}"#))
        }
        "rpc" => path(format!(r#""response": 1, "pre_process": {{{members}}}"#)),
        _ => match (section.strip_prefix("authorizer_"), section.strip_prefix("integration_")) {
            (Some(kind), _) => format!(r#"{{"paths": [], "authorizer": {{"type": "{kind}", {members}}}}}"#),
            (_, Some(kind)) => {
                let kind = match kind {
                    "login" | "callback" | "userinfo" | "refresh" => format!("auth0_{kind}"),
                    "supabase" => "supabase_passwordless_auth".to_owned(),
                    kind => kind.to_owned(),
                };
                let comma = if members.is_empty() { "" } else { ", " };
                path(format!(r#""integration": {{"type": "{kind}"{comma}{members}}}"#))
            }
            (None, None) => panic!("{section}"),
        },
    }
}

fn exposed(section: &str, before: &str, after: &str) -> Vec<String> {
    compare(&config(section, before), &config(section, after)).lines()
}

/// For each key: its section, its values before and after, and the exposures.
#[rustfmt::skip] // One row a line.
const OPENED: &[(&str, &str, &str, &str)] = &[
    ("config", "", r#""session": {"return_to": ["https://x.example"]}"#, "session.return_to: lets logins and logouts return to https://x.example"),
    ("config", r#""cors": {"allow_origins": []}"#, "", "cors: leaves it to upstreams which pages read answers"),
    ("config", "", r#""cors": {"allow_origins": ["*"]}"#, "cors.allow_origins: lets pages read answers: *"),
    ("config", r#""headers": {"Strict-Transport-Security": "max-age=1"}"#, "", "headers: no longer sends strict-transport-security"),
    ("config", r#""headers": {"x-frame-options": "DENY"}"#, r#""headers": {"X-Frame-Options": "ALLOWALL"}"#, "headers: sends another x-frame-options"),
    ("config", "", r#""headers": {"access-control-allow-origin": "*"}"#, "headers: sends access-control-allow-origin"),
    ("config", "", r#""headers": {"x-key": "$secret.KEY"}"#, "headers: sends x-key"),
    ("config", r#""ip": {"deny": ["192.0.2.0/24"]}"#, "", "loses ip"),
    ("config", r#""ip": {"allow": ["192.0.2.0/24"]}"#, r#""ip": {"allow": ["0.0.0.0/0"]}"#, "ip: lets in 0.0.0.0/0"),
    (
        "protected_resource",
        r#""documentation": "https://a.example/""#,
        r#""documentation": "https://b.example/""#,
        "protected_resource.documentation: leads developers to another site: \"https://b.example/\" instead of \"https://a.example/\"",
    ),
    (
        "config",
        r#""protected_resource": true"#,
        r#""protected_resource": {"documentation": "https://b.example/"}"#,
        "protected_resource.documentation: leads developers to another site: \"https://b.example/\" instead of none",
    ),
    (
        "config",
        "",
        r#""authorization_server": {"issuer": "https://a.example", "redirect_uris": ["http://127.0.0.1/cb"]}"#,
        "a public path appears; a public path appears; a public path appears; a public path appears; a public path appears; \
         a public path appears; a public path appears; authorization_server.redirect_uris: gives codes for tokens to clients at http://127.0.0.1/cb",
    ),
    (
        "authorization_server",
        r#""redirect_uris": ["https://a.example/cb"]"#,
        r#""redirect_uris": ["https://a.example/cb", "https://b.example/cb"]"#,
        "authorization_server.redirect_uris: gives codes for tokens to clients at https://b.example/cb",
    ),
    (
        "authorization_server",
        r#""scopes": ["offline_access"]"#,
        r#""scopes": ["admin", "offline_access"]"#,
        "authorization_server.scopes: lets clients request the scope admin",
    ),
    (
        "authorization_server",
        r#""resource_parameter": "resource", "scope_prefix": "a""#,
        r#""resource_parameter": "none", "scope_prefix": "b""#,
        "authorization_server.resource_parameter: requests tokens for a resource in another way: \"none\" instead of \"resource\"; \
         authorization_server.scope_prefix: requests other scopes: \"b\" instead of \"a\"",
    ),
    ("authorization_server", r#""rate_limit": {"limit": 1, "key": "ip"}"#, "", "loses rate_limit"),
    ("config", "", r#""server_timing": true"#, "server_timing: tells everyone how long the check of a token takes"),
    ("config", "", r#""otlp": {"endpoint": "https://a.example"}"#, "otlp.endpoint: sends what it records to another endpoint: \"https://a.example\" instead of none"),
    ("config", "", r#""analytics": {"binding": "A"}"#, "analytics.binding: writes what it records to another dataset: \"A\" instead of none"),
    ("path", "", r#""response": {"a": ["$secret.KEY"]}"#, "response: answers with $secret.KEY"),
    ("path", r#""mapping": {"headers": {"x-user": "$request.jwt.sub"}}"#, "", "mapping.headers: no longer sets x-user, so a client may set it"),
    ("path", "", r#""variables": {"role": "admin"}, "mapping": {"query": {"role": "$config.role"}}"#, "mapping.query: sends role, from a text"),
    (
        "path",
        r#""variables": {"role": "user"}, "mapping": {"query": {"role": "$config.role"}}"#,
        r#""variables": {"role": "admin"}, "mapping": {"query": {"role": "$config.role"}}"#,
        "mapping.query: sends another role, from a text",
    ),
    ("path", r#""request_headers": {"remove": ["Authorization"]}"#, "", "request_headers.remove: lets through to the upstream: authorization"),
    ("path", r#""response_headers": {"remove": ["x-internal"]}"#, "", "response_headers.remove: no longer removes x-internal"),
    ("path", r#""pre_process": {"binding": "b", "function": "f"}"#, "", "loses pre_process"),
    ("path", r#""rate_limit": {"binding": "L", "key": "ip"}"#, "", "loses rate_limit"),
    ("path", r#""max_body_bytes": 10"#, "", "loses max_body_bytes"),
    ("path", r#""max_body_bytes": 10"#, r#""max_body_bytes": 11"#, "max_body_bytes: takes larger bodies: 11 instead of 10"),
    ("path", r#""content_types": ["application/json"]"#, "", "loses content_types"),
    ("path", r#""content_types": ["image/png"]"#, r#""content_types": ["image/*"]"#, "content_types: accepts bodies of image/*"),
    ("path", "", r#""cache": {"ttl_seconds": 1}"#, "cache: shares cached answers among all users"),
    ("path", r#""ip": {"allow": []}"#, "", "loses ip"),
    ("path", r#""ip": {"allow": []}"#, r#""ip": {"allow": ["::/0"]}"#, "ip: lets in ::/0"),
    ("path", r#""mcp": true"#, "", "mcp: lets anyone use a session of the MCP server, and sends it its clients' access tokens"),
    ("path", r#""mcp": {"session_key": "$secret.A"}"#, r#""mcp": false"#, "mcp: lets anyone use a session of the MCP server, and sends it its clients' access tokens"),
    ("path", r#""mcp": true"#, r#""mcp": {"forward_token": true}"#, "mcp.forward_token: sends the server its clients' access tokens"),
    ("mcp", r#""session_key": "$secret.A""#, r#""session_key": "$secret.B""#, "mcp.session_key: binds sessions with another key: $secret.B instead of $secret.A"),
    ("path", "", r#""encoded_slashes": true"#, "encoded_slashes: admits paths that an upstream may interpret differently"),
    (
        "integration_http_proxy",
        r#""server": "s""#,
        r#""server": "s", "strip_prefix": "/a""#,
        "integration.strip_prefix: strips another prefix, so the upstream gets other paths: \"/a\" instead of \"\"",
    ),
    ("integration_health", "", r#""check_objects": true"#, "integration.check_objects: tells everyone whether Durable Objects answer"),
    ("integration_http_proxy", r#""server": "a", "close_at_expiry": true"#, r#""server": "a""#, "integration.close_at_expiry: leaves sockets open when a token expires"),
    (
        "integration_http_proxy",
        r#""server": "s", "audience": "a""#,
        r#""server": "s", "audience": "b""#,
        "integration.audience: sends the upstream a session's token for another audience: \"b\" instead of \"a\"",
    ),
    (
        "integration_http_proxy",
        r#""server": "s""#,
        r#""server": "s", "resource": "urn:b""#,
        "integration.resource: sends the upstream a session's token for another resource: \"urn:b\" instead of none",
    ),
    (
        "integration_http_proxy",
        r#""server": "s", "audience": "a", "scope": "read""#,
        r#""server": "s", "audience": "a", "scope": "read write""#,
        "integration.scope: requests a token for the upstream with the scope write",
    ),
    (
        "server",
        r#""url": "https://a.example", "audience": "a""#,
        r#""url": "https://a.example", "audience": "b", "scope": "read""#,
        "integration.audience: sends the upstream a session's token for another audience: \"b\" instead of \"a\"; integration.scope: requests a token for the upstream with the scope read",
    ),
    (
        "integration_refresh",
        r#""apis": [{"audience": "a", "scope": "read"}]"#,
        r#""apis": [{"audience": "a", "scope": "read"}, {"audience": "a", "scope": "read write"}]"#,
        "integration.apis: lets clients have tokens for {\"audience\":\"a\",\"scope\":\"read write\"}",
    ),
    (
        "integration_refresh",
        "\"x-none\": 0",
        r#""apis": [{"resource": "urn:a"}]"#,
        "integration.apis: lets clients have tokens for {\"resource\":\"urn:a\"}",
    ),
    ("integration_http_proxy", r#""server": "a""#, r#""server": "b""#, "integration.server: sends its requests to b; servers.b: sends requests, with their tokens, to b"),
    ("integration_service_binding", r#""binding": "a", "function": "f""#, r#""binding": "a""#, "integration.function: calls another function: none instead of \"f\""),
    ("integration_static", r#""headers": {"content-security-policy": "default-src 'none'"}"#, r#""headers": {}"#, "integration.headers: no longer sends content-security-policy"),
    ("integration_static", r#""body": "a""#, r#""body": "$env.A""#, "integration.body: answers with $env.A"),
    ("integration_redirect", r#""location": "/b""#, r#""location": "https://x.example/""#, "integration.location: leads to another site: \"https://x.example/\" instead of \"/b\""),
    ("integration_redirect", r#""location": "/b""#, r#""location": "//x.example/""#, "integration.location: leads to another site: \"//x.example/\" instead of \"/b\""),
    ("integration_redirect", r#""location": "$env.A""#, r#""location": "$env.B""#, "integration.location: leads to another site: \"$env.B\" instead of \"$env.A\""),
    ("integration_redirect", r#""location": "/b""#, r#""location": "/b", "status": 307"#, "integration.status: sends request bodies on to its target"),
    (
        "integration_login",
        r#""redirect_uri": "https://a.example/""#,
        r#""redirect_uri": "https://b.example/""#,
        "integration.redirect_uri: sends authorization codes to another address: \"https://b.example/\" instead of \"https://a.example/\"",
    ),
    ("integration_login", r#""return_to": []"#, r#""return_to": ["https://x.example"]"#, "integration.return_to: lets logins return to https://x.example"),
    (
        "integration_callback",
        r#""response": "web_message", "target_origin": "https://a.example""#,
        r#""response": "json""#,
        "integration.response: hands out what a login brings in another way: \"json\" instead of \"web_message\"",
    ),
    (
        "integration_callback",
        r#""response": "web_message", "target_origin": "https://a.example""#,
        r#""response": "web_message", "target_origin": "https://b.example""#,
        "integration.target_origin: hands tokens to another origin: \"https://b.example\" instead of \"https://a.example\"",
    ),
    (
        "integration_callback",
        r#""redirect_uri": "https://a.example/""#,
        r#""redirect_uri": "https://b.example/""#,
        "integration.redirect_uri: sends authorization codes to another address: \"https://b.example/\" instead of \"https://a.example/\"",
    ),
    ("integration_callback", r#""post_process": {"binding": "b", "function": "f"}"#, r#""post_process": null"#, "loses post_process"),
    (
        "integration_userinfo",
        r#""source": "userinfo""#,
        r#""source": "id_token""#,
        "integration.source: shows what another source says of the user: \"id_token\" instead of \"userinfo\"",
    ),
    (
        "integration_supabase",
        r#""url": "https://a.example""#,
        r#""url": "https://b.example""#,
        "integration.url: sends passwords to another address: \"https://b.example\" instead of \"https://a.example\"",
    ),
    ("integration_supabase", r#""key": "one""#, r#""key": "two""#, "integration.key: shows another key"),
    ("server", r#""url": "https://a.example""#, r#""url": "https://x.example""#, "servers.s: sends requests, with their tokens, to https://x.example"),
    ("server", r#""url": "https://a.example""#, r#""url": "http://a.example""#, "servers.s: sends requests, with their tokens, to http://a.example"),
    ("server", r#""url": "http://a.example""#, r#""url": "http://a.example", "strict_paths": true"#, "servers.s.strict_paths: sends it paths that it may interpret differently"),
    (
        "server",
        r#""url": "https://a.example""#,
        r#""url": "https://a.example", "authorization": {"grant": "client_credentials"}"#,
        "servers.s.authorization: calls it with the rights of the gateway, whoever sends the request",
    ),
    (
        "server",
        r#""url": "https://a.example", "authorization": {"grant": "client_credentials"}"#,
        r#""url": "https://a.example""#,
        "servers.s.authorization: sends it the tokens of callers",
    ),
    (
        "authorization",
        r#""grant": "token_exchange", "audience": "a""#,
        r#""grant": "client_credentials", "audience": "b""#,
        "servers.s.authorization.grant: calls the upstream with a token of another kind: \"client_credentials\" instead of \"token_exchange\"; servers.s.authorization.audience: requests tokens for another audience: \"b\" instead of \"a\"",
    ),
    (
        "server",
        r#""url": "https://a.example""#,
        r#""url": "https://a.example", "authorization": {"grant": "token_exchange"}"#,
        "servers.s.authorization: shows the tokens of callers to the token endpoint",
    ),
    (
        "authorization",
        r#""token_endpoint": "https://a.example/token", "issuer": "https://a.example/""#,
        r#""token_endpoint": "https://b.example/token", "issuer": "https://b.example/""#,
        "servers.s.authorization.token_endpoint: sends its client's secret to another address: \"https://b.example/token\" instead of \"https://a.example/token\"; servers.s.authorization.issuer: signs its client's assertions for another provider: \"https://b.example/\" instead of \"https://a.example/\"",
    ),
    (
        "authorization",
        r#""client_id": "a", "client_secret": "$secret.A""#,
        r#""client_id": "b", "client_secret": "$secret.B""#,
        "servers.s.authorization.client_id: requests its tokens as another client: \"b\" instead of \"a\"; servers.s.authorization.client_secret: shows another secret of the client: $secret.B instead of $secret.A",
    ),
    (
        "authorization",
        r#""scope": "read", "resource": "urn:a""#,
        r#""scope": "write read", "resource": "urn:b""#,
        "servers.s.authorization.resource: requests tokens for another resource: \"urn:b\" instead of \"urn:a\"; servers.s.authorization.scope: requests tokens with the scope write",
    ),
    (
        "service",
        r#""entrypoint": "services/a""#,
        r#""entrypoint": "services/a", "strict_paths": true"#,
        "services.s.strict_paths: sends it paths that it may interpret differently",
    ),
    ("service_binding", r#""binding": "A""#, r#""binding": "A", "strict_paths": true"#, "serviceBindings.s.strict_paths: sends it paths that it may interpret differently"),
    ("server", r#""url": "$env.A""#, r#""url": "$env.B""#, "servers.s: sends requests, with their tokens, to $env.B"),
    ("server", r#""url": "https://a.example""#, r#""urls": ["https://a.example", "https://x.example"]"#, "servers.s: sends requests, with their tokens, to https://x.example"),
    ("service", r#""entrypoint": "services/a""#, r#""entrypoint": "services/b""#, "services.s: sends requests, with their tokens, to services/b"),
    ("service_binding", r#""binding": "A""#, r#""binding": "B""#, "serviceBindings.s: sends requests, with their tokens, to B"),
    ("authorizer_auth0", r#""domain": "$env.A""#, r#""domain": "$env.B""#, "authorizer.domain: trusts another tenant: \"$env.B\" instead of \"$env.A\""),
    (
        "authorizer_auth0",
        r#""issuer": "https://a.example/""#,
        r#""issuer": "https://b.example/""#,
        "authorizer.issuer: trusts another issuer: \"https://b.example/\" instead of \"https://a.example/\"",
    ),
    ("authorizer_auth0", r#""client_id": "c""#, r#""client_id": "c", "audience": "a""#, "authorizer.audience: accepts tokens for another audience: \"a\" instead of \"c\""),
    ("authorizer_auth0", r#""jwks": "a""#, r#""jwks": "b""#, "authorizer.jwks: trusts another key set"),
    (
        "authorizer_auth0",
        r#""domain": "a.example""#,
        r#""domain": "a.example", "jwks_uri": "https://b.example/k""#,
        "authorizer.jwks_uri: trusts the keys at another address: \"https://b.example/k\" instead of \"https://a.example/.well-known/jwks.json\"",
    ),
    ("authorizer_auth0", r#""algorithms": ["RS256"]"#, r#""algorithms": ["RS256", "ES256"]"#, "authorizer.algorithms: accepts tokens signed with ES256"),
    ("authorizer_auth0", r#""clock_skew_seconds": 30"#, r#""clock_skew_seconds": 31"#, "authorizer.clock_skew_seconds: takes tokens longer after their end: 31 instead of 30"),
    (
        "authorizer_auth0",
        r#""audience": "a", "client_id": "c""#,
        r#""audience": "a", "client_id": "d""#,
        "authorizer.client_id: logs people in to another client: \"d\" instead of \"c\"",
    ),
    (
        "authorizer_auth0",
        r#""client_secret": "$secret.A""#,
        r#""client_secret": "$secret.B""#,
        "authorizer.client_secret: shows another secret of the application: $secret.B instead of $secret.A",
    ),
    (
        "authorizer_auth0",
        r#""redirect_uri": "https://a.example/cb""#,
        r#""redirect_uri": "https://b.example/cb""#,
        "authorizer.redirect_uri: sends authorization codes to another address: \"https://b.example/cb\" instead of \"https://a.example/cb\"",
    ),
    ("authorizer_auth0", r#""scope": "openid""#, r#""scope": "openid Admin""#, "authorizer.scope: requests tokens with the scope Admin"),
    (
        "authorizer_auth0",
        r#""rotation_grace_seconds": 0"#,
        r#""rotation_grace_seconds": 10"#,
        "authorizer.rotation_grace_seconds: answers a refresh token longer after its use: 10 instead of 0",
    ),
    ("authorizer_auth0", r#""sealing_key": "one""#, r#""sealing_key": "two""#, "authorizer.sealing_key: seals logins with another key"),
    (
        "authorizer_oidc",
        r#""issuer": "https://a.example""#,
        r#""issuer": "https://b.example""#,
        "authorizer.issuer: trusts another issuer: \"https://b.example\" instead of \"https://a.example\"",
    ),
    (
        "authorizer_oidc",
        r#""issuer": "https://a.example""#,
        r#""issuer": "https://a.example", "discovery_url": "https://b.example/d""#,
        "authorizer.discovery_url: reads the endpoints and the address of the JWKS in another document: \"https://b.example/d\" instead of none",
    ),
    ("authorizer_oidc", r#""tenants": ["a"]"#, r#""tenants": ["a", "b"]"#, "authorizer.tenants: accepts tokens of the tenant b"),
    (
        "authorizer_oidc",
        r#""client_id": "c", "id_token_signed_response_alg": "RS256""#,
        r#""client_id": "c", "id_token_signed_response_alg": "ES256""#,
        "authorizer.id_token_signed_response_alg: accepts ID tokens of another algorithm: \"ES256\" instead of \"RS256\"",
    ),
    (
        "authorizer_jwt",
        r#""audience": "a""#,
        r#""audience": "a", "audience_claim": "azp""#,
        "authorizer.audience_claim: accepts tokens by another claim for the audience: \"azp\" instead of none",
    ),
    ("authorizer_jwt", r#""claims": {"use": "a"}"#, r#""claims": {"use": ["a", "b"]}"#, "authorizer.claims: no longer requires the claim use = \"a\""),
    ("authorizer_jwt", r#""secret": "one""#, r#""secret": "two""#, "authorizer.secret: trusts another secret"),
    ("authorizer_api_key", r#""prefix": "a""#, r#""prefix": "b""#, "authorizer.prefix: accepts keys with another prefix: \"b\" instead of \"a\""),
    ("authorizer_api_key", r#""kv": "A", "keys": []"#, r#""kv": "A", "keys": [{"sha256": "d", "owner": "o"}]"#, "authorizer.keys: accepts the key {\"owner\":\"o\",\"sha256\":\"d\"}"),
    ("authorizer_api_key", r#""cache_seconds": 60"#, r#""cache_seconds": 61"#, "authorizer.cache_seconds: accepts keys longer after they were revoked: 61 instead of 60"),
    ("authorizer_supabase", r#""jwt_secret": "one""#, r#""jwt_secret": "two""#, "authorizer.jwt_secret: trusts another secret"),
    ("session", r#""cookie": "__Host-a""#, r#""cookie": "__Host-b""#, "session.cookie: accepts another cookie: \"__Host-b\" instead of \"__Host-a\""),
    ("session", "", r#""idle_seconds": 259201"#, "session.idle_seconds: keeps unused sessions longer: 259201 instead of 259200"),
    ("session", r#""absolute_seconds": 3600"#, "", "session.absolute_seconds: keeps sessions longer: 2592000 instead of 3600"),
    ("session", "", r#""after_login": "https://x.example/""#, "session.after_login: leads logins to another site: \"https://x.example/\" instead of \"/\""),
    ("session", "", r#""after_logout": "https://x.example/""#, "session.after_logout: leads logouts to another site: \"https://x.example/\" instead of \"/\""),
    ("session", r#""return_to": ["https://a.example"]"#, r#""return_to": ["$env.X"]"#, "session.return_to: lets logins and logouts return to $env.X"),
    ("session", r#""rotation_grace_seconds": 0"#, r#""rotation_grace_seconds": 1"#, "session.rotation_grace_seconds: answers a refresh token longer after its use: 1 instead of 0"),
    ("session", "", r#""keep_user_agent": true"#, "session.keep_user_agent: keeps which browser a session began in"),
    ("session", r#""keep_country": false"#, r#""keep_country": true"#, "session.keep_country: keeps in which country a session began"),
    (
        "cors",
        r#""allow_origins": ["https://a.example"]"#,
        r#""allow_origins": ["https://a.example", "https://x.example"]"#,
        "cors.allow_origins: lets pages read answers and pass the CSRF rule: https://x.example",
    ),
    (
        "cors",
        r#""allow_origins": ["https://a.pages.example"]"#,
        r#""allow_origins": ["https://a.pages.example", "https://*.pages.example"]"#,
        "cors.allow_origins: lets pages read answers: https://*.pages.example",
    ),
    (
        "cors",
        r#""allow_origins": ["https://*.pages.example"]"#,
        r#""allow_origins": ["https://*.pages.example", "https://a.pages.example"]"#,
        "cors.allow_origins: lets pages pass the CSRF rule: https://a.pages.example",
    ),
    ("cors", r#""allow_origins": ["http://localhost:5173"]"#, r#""allow_origins": ["http://localhost:*"]"#, "cors.allow_origins: lets pages read answers: http://localhost:*"),
    ("cors", r#""allow_methods": ["GET"]"#, "", "cors.allow_methods: lets pages send *"),
    ("cors", r#""allow_headers": ["x-a"]"#, r#""allow_headers": ["X-A", "x-b"]"#, "cors.allow_headers: lets pages send the header x-b"),
    ("cors", "", r#""expose_headers": ["x-b"]"#, "cors.expose_headers: lets pages read the header x-b"),
    ("cors", "", r#""allow_credentials": true"#, "cors.allow_credentials: lets pages send cookies"),
    ("mapping", r#""headers": {"X-A": "$request.jwt.sub"}"#, r#""headers": {"x-a": "$request.header.x-b"}"#, "mapping.headers: sends another x-a, from $request.header.x-b"),
    ("mapping", "", r#""query": {"org": "$request.jwt.org"}"#, "mapping.query: sends org, from $request.jwt.org"),
    ("mapping", r#""query": {"Org": "a"}"#, r#""query": {"org": "a"}"#, "mapping.query: no longer sets Org, so a client may set it; mapping.query: sends org, from a text"),
    ("request_headers", "", r#""set": {"x-key": "$secret.KEY"}"#, "request_headers.set: sends x-key, from $secret.KEY"),
    ("request_headers", r#""remove": ["cookie", "x-a"]"#, r#""remove": ["X-A"]"#, "request_headers.remove: lets through to the upstream: cookie"),
    (
        "response_headers",
        "",
        r#""set": {"Strict-Transport-Security": "max-age=0; includeSubDomains"}"#,
        "response_headers.set: sends strict-transport-security with a value that protects nobody, instead of any other",
    ),
    ("config", "", r#""headers": {"content-security-policy": " "}"#, "headers: sends content-security-policy with a value that protects nobody, instead of any other"),
    ("response_headers", r#""set": {"cache-control": "no-store"}"#, "", "response_headers.set: no longer sends cache-control"),
    ("response_headers", "", r#""remove": ["Content-Security-Policy", "server"]"#, "response_headers.remove: removes content-security-policy"),
    ("rate_limit", r#""binding": "A", "key": "ip""#, r#""binding": "B", "key": "ip""#, "rate_limit.binding: counts with another limit: \"B\" instead of \"A\""),
    ("rate_limit", r#""binding": "A", "key": "ip""#, r#""binding": "A", "key": "header:x""#, "rate_limit.key: counts by another key: \"header:x\" instead of \"ip\""),
    ("rate_limit", r#""limit": 10, "key": "ip""#, r#""limit": 11, "key": "ip""#, "rate_limit.limit: lets more requests through: 11 instead of 10"),
    ("rate_limit", r#""period_seconds": 60"#, r#""period_seconds": 10"#, "rate_limit.period_seconds: counts over another period: 10 instead of 60"),
    ("cache", r#""vary": ["accept", "x-a"]"#, r#""vary": ["X-A"]"#, "cache.vary: gives the same answer whatever the header accept"),
    ("cache", r#""per_user": true"#, "", "cache.per_user: gives the same answer to every user"),
    ("rpc", r#""binding": "a", "function": "f""#, r#""binding": "a", "function": "g""#, "pre_process.function: calls another function: \"g\" instead of \"f\""),
    (
        "rpc",
        r#""binding": "a", "function": "f""#,
        r#""binding": "b", "function": "f""#,
        "pre_process: sends its requests to b; serviceBindings.b: sends requests, with their tokens, to b",
    ),
    (
        "protected_resource",
        r#""resource": "https://a.example""#,
        r#""resource": "https://b.example""#,
        "protected_resource.resource: tells clients to request tokens for another resource: \"https://b.example\" instead of \"https://a.example\"",
    ),
    (
        "protected_resource",
        r#""scopes": ["read:a"]"#,
        r#""scopes": ["read:a", "admin"]"#,
        "protected_resource.scopes: tells clients to request other scopes: [\"read:a\",\"admin\"] instead of [\"read:a\"]",
    ),
    (
        "path",
        r#""auth": true, "protected_resource": {"resource": "https://a.example/a"}"#,
        r#""auth": true, "protected_resource": {"resource": "https://b.example/a"}"#,
        "protected_resource.resource: tells clients to request tokens for another resource: \"https://b.example/a\" instead of \"https://a.example/a\"",
    ),
    ("otlp", r#""endpoint": "https://a.example""#, r#""endpoint": "https://b.example""#, "otlp.endpoint: sends what it records to another endpoint: \"https://b.example\" instead of \"https://a.example\""),
    ("analytics", r#""binding": "A""#, r#""binding": "B""#, "analytics.binding: writes what it records to another dataset: \"B\" instead of \"A\""),
];

#[test]
fn what_a_key_opens_is_told() {
    for (section, before, after, expected) in OPENED {
        assert_eq!(exposed(section, before, after).join("; "), *expected, "{section}: {before} to {after}");
        assert_eq!(exposed(section, before, before), [""; 0], "{section}: {before}");
    }
}

#[test]
fn every_object_with_a_key_that_can_open_something_has_a_case_and_so_has_every_way_to_open_it() {
    let has_case = |section: &str, key: &str| {
        let member = format!("\"{key}\":");
        let has_it = |before: &str, after: &str| before.contains(&member) || after.contains(&member);
        OPENED.iter().any(|(of, before, after, _)| *of == section && has_it(before, after))
    };
    let (mut without, mut ways, mut ways_covered) = (Vec::new(), Vec::new(), Vec::new());
    for section in sections() {
        let opening = section.keys.iter().filter(|key| !matches!(key.change, Harmless(_) | Elsewhere));
        let covered = opening.clone().filter(|key| has_case(section.name, key.name));
        if opening.clone().count() > 0 && covered.clone().count() == 0 {
            without.push(section.name);
        }
        ways.extend(opening.map(|key| std::mem::discriminant(&key.change)));
        ways_covered.extend(covered.map(|key| std::mem::discriminant(&key.change)));
    }
    assert_eq!(without, [""; 0]);
    assert!(ways.iter().all(|way| ways_covered.contains(way)));
}

#[test]
#[rustfmt::skip] // One row a line.
fn what_means_the_same_or_asks_for_more_is_silent() {
    let table = [
        ("config", r#""authorizer": {"type": "jwt", "issuer": "i"}"#, r#""authorizers": {"default": {"type": "jwt", "issuer": "i", "x-note": 1}}"#),
        ("config", r#""servicesBindings": [{"alias": "a", "binding": "B"}]"#, r#""serviceBindings": [{"alias": "a", "binding": "B"}]"#),
        ("config", r#""headers": {"X-A": "$secrets.A"}"#, r#""headers": {"x-a": "$secret.A"}"#),
        ("config", "", r#""headers": {"strict-transport-security": "max-age=1"}"#),
        ("config", "", r#""session": {}"#),
        ("config", "", r#""session": {"idle_seconds": 34560000}"#),
        ("config", r#""session": {"idle_seconds": 60}"#, ""),
        ("authorization_server", r#""redirect_uris": ["https://a.example/cb", "https://b.example/cb"]"#, r#""redirect_uris": ["https://b.example/cb"]"#),
        ("config", r#""protected_resource": false, "server_timing": false, "analytics": null"#, ""),
        ("path", "", r#""rate_limit": {"binding": "L", "key": "ip"}, "ip": {"deny": ["::/0"]}, "max_body_bytes": 1"#),
        ("path", "", r#""cache": {"ttl_seconds": 1, "per_user": true}"#),
        ("path", "", r#""mcp": {"session_key": "$secret.A"}"#),
        ("path", r#""mcp": false"#, ""),
        ("path", r#""variables": {"a": "b"}, "mapping": {"query": {"q": "$config.a"}}"#, r#""mapping": {"query": {"q": "b"}}"#),
        ("path", r#""content_types": ["image/*"]"#, r#""content_types": ["image/png", "Image/GIF"]"#),
        ("integration_http_proxy", r#""server": "s", "close_at_expiry": false"#, r#""server": "s""#),
        ("integration_http_proxy", r#""server": "s", "strip_prefix": """#, r#""server": "s""#),
        ("integration_redirect", r#""location": "https://a.example/b""#, r#""location": "https://a.example/c""#),
        ("integration_redirect", r#""location": "https://a.example/b""#, r#""location": "/c""#),
        ("integration_callback", r#""response": "json""#, r#""response": "session""#),
        ("integration_callback", r#""response": "web_message", "target_origin": "https://a.example""#, r#""response": "session""#),
        ("response_headers", "", r#""set": {"strict-transport-security": "max-age=31536000", "x-frame-options": "Deny"}"#),
        ("response_headers", "", r#""set": {"content-security-policy": "default-src 'self'", "referrer-policy": "no-referrer"}"#),
        ("integration_callback", r#""response": "json""#, r#""response": null"#),
        ("server", r#""url": "https://A.example/""#, r#""urls": ["https://a.example"]"#),
        ("authorization", r#""scope": "read write""#, r#""scope": "read""#),
        ("service", r#""entrypoint": "./services/a.js""#, r#""entrypoint": "services/a""#),
        ("service", r#""entrypoint": "services/a.mts""#, r#""entrypoint": "services/a""#),
        ("path", r#""mapping": {"headers": {"X-A": "a"}}"#, r#""mapping": {"headers": {"x-a": "a"}}"#),
        (
            "authorizer_auth0",
            r#""domain": "a.example""#,
            r#""domain": "a.example", "issuer": "https://a.example/", "jwks_uri": "https://a.example/.well-known/jwks.json", "algorithms": ["RS256"], "clock_skew_seconds": 30"#,
        ),
        ("authorizer_oidc", r#""client_id": "c", "callback_uri": "https://a.example""#, r#""client_id": "c", "audience": "c", "redirect_uri": "https://a.example/""#),
        ("authorizer_jwt", r#""secret": "s", "algorithm": "HS256""#, r#""secret": "s""#),
        ("authorizer_jwt", r#""algorithms": ["EdDSA"]"#, r#""algorithms": ["Ed25519"]"#),
        ("authorizer_jwt", r#""claims": {"use": ["a", "b"]}"#, r#""claims": {"use": "b", "org": 1}"#),
        (
            "authorizer_oidc",
            r#""issuer": "https://a.example", "tenants": ["a", "b"]"#,
            r#""issuer": "https://a.example", "tenants": ["a"], "discovery_url": "https://a.example/.well-known/openid-configuration""#,
        ),
        ("authorizer_supabase", r#""audience": "authenticated""#, ""),
        ("cors", r#""allow_methods": ["*"], "max_age": 600"#, ""),
        ("cors", r#""allow_origins": ["*"]"#, r#""allow_origins": ["https://a.example"]"#),
        ("response_headers", "", r#""remove": ["server"]"#),
    ];
    for (section, before, after) in table {
        // A trailing comma would make it no JSON, and no JSON is silent too.
        for members in [before, after] {
            let members = if members.is_empty() && section.starts_with("auth") { "\"x-\": 0" } else { members };
            assert!(
                serde_json::from_str::<serde_json::Value>(&config(section, members)).is_ok(),
                "{section}: {members}"
            );
        }
        let after = if after.is_empty() && section.starts_with("auth") { "\"x-\": 0" } else { after };
        assert_eq!(exposed(section, before, after), [""; 0], "{section}: {before} to {after}");
    }
}
