//! What a change of each key can expose: one row for every key that a config may have.
//!
//! A test holds the table against the schema, so that no key is forgotten.

use super::rule::Rule::{
    self, Answer, Cache, Destination, Different, Elsewhere, Feature, Guard, Handover, Harmless, Headers, Hidden,
    KeepsBody, Larger, Location, MediaTypes, Narrower, Networks, Off, On, Origins, Parameters, Removed, Section,
    Sources, Wider, WiderHeaders,
};

/// A rule for a key of some sections, which are called as among the `$defs` of the schema.
pub(super) struct Row {
    /// The sections that have the key.
    pub sections: &'static [&'static str],
    /// The key.
    pub key: &'static str,
    /// What a change of it can expose.
    pub rule: Rule,
}

const fn row(sections: &'static [&'static str], key: &'static str, rule: Rule) -> Row {
    Row { sections, key, rule }
}

/// Authorizers that people log in at.
const WITH_LOGIN: &[&str] = &["authorizer_auth0", "authorizer_oidc"];

const EVERY_AUTHORIZER: &[&str] = &["authorizer_auth0", "authorizer_oidc", "authorizer_jwt", "authorizer_supabase"];

const EVERY_INTEGRATION: &[&str] = &[
    "integration_http_proxy",
    "integration_service",
    "integration_service_binding",
    "integration_static",
    "integration_redirect",
    "integration_health",
    "integration_login",
    "integration_callback",
    "integration_userinfo",
    "integration_refresh",
    "integration_logout",
    "integration_backchannel_logout",
    "integration_supabase",
];

/// Every key with its rule.
pub(super) const KEYS: &[Row] = &[
    // The top.
    row(&["config"], "$schema", Harmless("the gateway does not read it")),
    row(&["config"], "title", Harmless("the gateway does not read it")),
    row(&["config"], "description", Harmless("the gateway does not read it")),
    row(&["config"], "paths", Elsewhere),
    row(&["config"], "servers", Elsewhere),
    row(&["config"], "authorizer", Elsewhere),
    row(&["config"], "authorizers", Elsewhere),
    row(&["config"], "session", Feature("session")),
    row(&["config"], "cors", Guard("cors", "leaves it to upstreams which pages read answers")),
    row(&["config"], "variables", Elsewhere),
    row(&["config"], "headers", Headers),
    row(&["config"], "ip", Networks),
    row(&["config"], "protected_resource", Feature("protected_resource")),
    row(&["config"], "services", Elsewhere),
    row(&["config"], "serviceBindings", Elsewhere),
    row(&["config"], "servicesBindings", Elsewhere),
    row(&["config"], "server_timing", On("tells everyone how long the check of a token takes")),
    row(&["config"], "analytics", Feature("analytics")),
    row(&["config"], "allow", Harmless("it silences warnings, and what they are about is judged here")),
    row(&["config"], "problem_page", Harmless("it is one of the config's own paths, which are judged")),
    row(&["config"], "older_codes", Harmless("it changes what failures are called")),
    // A path.
    row(&["path"], "method", Elsewhere),
    row(&["path"], "path", Elsewhere),
    row(&["path"], "auth", Elsewhere),
    row(&["path"], "integration", Elsewhere),
    row(&["path"], "response", Answer),
    row(&["path"], "mapping", Section("mapping")),
    row(&["path"], "request_headers", Section("request_headers")),
    row(&["path"], "response_headers", Section("response_headers")),
    row(&["path"], "pre_process", Guard("rpc", "loses pre_process")),
    row(&["path"], "rate_limit", Guard("rate_limit", "loses rate_limit")),
    row(&["path"], "max_body_bytes", Larger("takes larger bodies")),
    row(&["path"], "content_types", MediaTypes),
    row(&["path"], "cache", Cache),
    row(&["path"], "ip", Networks),
    row(&["path"], "variables", Elsewhere),
    row(&["path"], "encoded_slashes", On("admits paths that an upstream may read as others")),
    row(&["path"], "allow", Harmless("it silences warnings, and what they are about is judged here")),
    // Integrations.
    row(EVERY_INTEGRATION, "type", Elsewhere),
    row(&["integration_http_proxy"], "server", Elsewhere),
    row(
        &["integration_http_proxy"],
        "strip_prefix",
        Different("asks the upstream for other paths, less another prefix"),
    ),
    row(&["integration_http_proxy"], "close_at_expiry", Off("leaves sockets open when a token expires")),
    row(&["integration_service", "integration_service_binding"], "binding", Elsewhere),
    row(&["integration_service_binding"], "function", Different("calls another function")),
    row(&["integration_static"], "status", Harmless("the answer stands in the config, whatever its status")),
    row(&["integration_static"], "headers", Headers),
    row(&["integration_static"], "body", Answer),
    row(&["integration_redirect"], "location", Location("leads to another site")),
    row(&["integration_redirect"], "status", KeepsBody),
    row(&["integration_login"], "redirect_uri", Different("has codes sent to another address")),
    row(&["integration_login"], "return_to", Wider("lets logins lead to")),
    row(&["integration_callback"], "response", Handover("hands out what a login brings in another way")),
    row(&["integration_callback"], "target_origin", Destination("hands tokens to another origin")),
    row(&["integration_callback"], "redirect_uri", Different("has codes sent to another address")),
    row(&["integration_callback"], "post_process", Guard("rpc", "loses post_process")),
    row(&["integration_supabase"], "url", Different("sends passwords to another address")),
    row(&["integration_supabase"], "key", Hidden("shows another key")),
    // Upstreams and services.
    row(&["server"], "alias", Elsewhere),
    row(&["server"], "url", Elsewhere),
    row(&["server"], "urls", Elsewhere),
    row(&["server", "service", "service_binding"], "strict_paths", Elsewhere),
    row(&["server"], "timeout_ms", Harmless("it says how long an answer is waited for")),
    row(&["server"], "retries", Harmless("only what changes nothing is sent again")),
    row(&["server"], "allow", Harmless("it silences warnings, and what they are about is judged here")),
    row(&["service", "service_binding"], "alias", Elsewhere),
    row(&["service"], "entrypoint", Elsewhere),
    row(&["service_binding"], "binding", Elsewhere),
    // Authorizers.
    row(EVERY_AUTHORIZER, "type", Elsewhere),
    row(&["authorizer_auth0"], "domain", Different("asks another tenant")),
    row(EVERY_AUTHORIZER, "issuer", Different("believes another issuer")),
    row(EVERY_AUTHORIZER, "audience", Different("takes tokens that are for another audience")),
    row(&["authorizer_jwt"], "secret", Hidden("believes another secret")),
    row(&["authorizer_supabase"], "jwt_secret", Hidden("believes another secret")),
    row(&["authorizer_auth0", "authorizer_jwt", "authorizer_supabase"], "jwks", Hidden("believes another key set")),
    row(
        &["authorizer_auth0", "authorizer_jwt", "authorizer_supabase"],
        "jwks_uri",
        Different("believes the keys at another address"),
    ),
    row(EVERY_AUTHORIZER, "algorithms", Wider("takes tokens that are signed with")),
    row(&["authorizer_jwt"], "algorithm", Elsewhere),
    row(EVERY_AUTHORIZER, "clock_skew_seconds", Larger("takes tokens longer after their end")),
    row(EVERY_AUTHORIZER, "timeout_ms", Harmless("it says how long an answer is waited for")),
    row(EVERY_AUTHORIZER, "allow", Harmless("it silences warnings, and what they are about is judged here")),
    row(WITH_LOGIN, "client_id", Different("logs people in to another application")),
    row(WITH_LOGIN, "client_secret", Hidden("shows another secret of the application")),
    row(WITH_LOGIN, "redirect_uri", Different("has codes sent to another address")),
    row(WITH_LOGIN, "callback_uri", Elsewhere),
    row(WITH_LOGIN, "scope", Wider("asks for tokens with")),
    row(WITH_LOGIN, "rotation_grace_seconds", Larger("answers a refresh token longer after its use")),
    row(WITH_LOGIN, "sealing_key", Hidden("seals logins with another key")),
    // The auth of a path.
    row(&["access"], "authorizer", Elsewhere),
    row(&["access"], "scopes", Elsewhere),
    row(&["access"], "any_scopes", Elsewhere),
    row(&["access"], "permissions", Elsewhere),
    row(&["access"], "claims", Elsewhere),
    row(&["access"], "optional", Elsewhere),
    // Sessions.
    row(&["session"], "cookie", Different("takes another cookie")),
    row(&["session"], "idle_seconds", Larger("keeps unused sessions longer")),
    row(&["session"], "absolute_seconds", Larger("keeps sessions longer")),
    row(&["session"], "login_path", Harmless("it is one of the config's own logins, which are judged")),
    row(&["session"], "after_login", Location("leads logins to another site")),
    row(&["session"], "after_logout", Location("leads logouts to another site")),
    row(&["session"], "return_to", Wider("lets logins and logouts lead to")),
    row(&["session"], "rotation_grace_seconds", Larger("answers a refresh token longer after its use")),
    row(&["session"], "renew_before_seconds", Harmless("no token is used past its end, whenever it is renewed")),
    // Pages of other origins.
    row(&["cors"], "allow_origins", Origins),
    row(&["cors"], "allow_methods", Wider("lets pages send")),
    row(&["cors"], "allow_headers", WiderHeaders("lets pages send the header")),
    row(&["cors"], "expose_headers", WiderHeaders("lets pages read the header")),
    row(&["cors"], "allow_credentials", On("lets pages send cookies")),
    row(&["cors"], "max_age", Harmless("it says how long a browser remembers what it was granted")),
    // Headers.
    row(&["mapping"], "headers", Sources),
    row(&["mapping"], "query", Parameters),
    row(&["request_headers"], "set", Sources),
    row(&["request_headers"], "remove", Narrower("lets pass to the upstream:")),
    row(&["response_headers"], "set", Headers),
    row(&["response_headers"], "remove", Removed),
    // Rules of a path.
    row(&["rate_limit"], "binding", Different("counts by another limit")),
    row(&["rate_limit"], "key", Different("counts by something else")),
    row(&["rate_limit"], "period_seconds", Different("counts over another period")),
    row(&["cache"], "ttl_seconds", Harmless("it says for how long, and a request is let in before the cache is asked")),
    row(&["cache"], "vary", Narrower("gives one answer whatever the header")),
    row(&["cache"], "per_user", Off("gives one answer to every user")),
    row(&["ip"], "allow", Elsewhere),
    row(&["ip"], "deny", Elsewhere),
    row(&["rpc"], "type", Harmless("it has one value")),
    row(&["rpc"], "binding", Elsewhere),
    row(&["rpc"], "function", Different("calls another function")),
    // What is told of the gateway.
    row(&["protected_resource"], "resource", Different("has clients ask for tokens for another resource")),
    row(&["protected_resource"], "name", Harmless("it is a name for people")),
    row(&["protected_resource"], "documentation", Location("leads developers to another site")),
    row(&["analytics"], "binding", Destination("writes what it records to another dataset")),
];

/// Gives the keys of which no value exposes anything, as `section.key`, each with the reason.
pub fn harmless_keys() -> Vec<(String, &'static str)> {
    let of_row = |row: &'static Row| {
        let Harmless(reason) = row.rule else { return Vec::new() };
        // What several sections have is told once, by the name of what they are.
        let section = row.sections.first().map_or("", |section| {
            section.split_once('_').filter(|_| *section != "protected_resource").map_or(*section, |(kind, _)| kind)
        });
        let name = if section == "config" { row.key.to_owned() } else { format!("{section}.{}", row.key) };
        vec![(name, reason)]
    };
    KEYS.iter().flat_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    #[test]
    fn every_key_of_a_config_has_one_rule_and_nothing_else_has() {
        let known: Vec<_> = schema::keys().iter().map(|key| (key.section, key.name)).collect();
        assert!(known.len() > 100, "{} keys", known.len());
        let judged: Vec<_> =
            KEYS.iter().flat_map(|row| row.sections.iter().map(|section| (*section, row.key))).collect();
        for key in &known {
            let rules = judged.iter().filter(|judged| *judged == key).count();
            assert_eq!(rules, 1, "{}.{}: say in this table what a change of it can expose", key.0, key.1);
        }
        for key in &judged {
            assert!(known.contains(key), "{}.{} is no key", key.0, key.1);
        }
    }
}
