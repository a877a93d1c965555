//! The top of the config, and the small sections that stand there.

use super::form::Form;
use super::model::{Key, Section, Shape, allow};
use super::tree::{Json, list, object};
use super::{authorizers, conditions, servers};

/// Gives the top of the config.
pub fn config() -> Section {
    let about = "What the gateway does: which paths exist, which of them need a token, and what answers each. A config needs \
                 `paths` and nothing else.";
    Section::new("config", "Top level", about)
        .keys([
            Key::new(
                "$schema",
                Shape::Text(Form::Any),
                "The address of this schema, so that editors complete and explain. The gateway does not read it.",
            )
            .example("./gateway.schema.json"),
            Key::new("title", Shape::Text(Form::Words), "A title for whoever reads the file.").example("Shop"),
            Key::new("description", Shape::Text(Form::Words), "A description for whoever reads the file.")
                .example("The shop's API, and the logins of its customers"),
            Key::new(
                "paths",
                Shape::list(Shape::Section("path")),
                "The paths, in any order: which requests are answered, and by what. See [paths](#paths).",
            )
            .required()
            .example(list![object! { "method": "GET", "path": "/health", "response": object! { "status": "ok" } }]),
            Key::new(
                "servers",
                Shape::list(Shape::Section("server")),
                "The upstreams: the APIs behind the gateway, each under a name. See [servers](#servers).",
            )
            .example(list![object! { "alias": "api", "url": "$env.API_URL" }]),
            Key::new(
                "authorizer",
                Shape::Section(authorizers::AUTHORIZER),
                "Whose tokens are believed. See [authorizer](#authorizer).",
            )
            .example(object! { "type": "auth0", "domain": "$env.AUTH0_DOMAIN", "client_id": "$env.AUTH0_CLIENT_ID" }),
            Key::new(
                "authorizers",
                Shape::map(Shape::Section(authorizers::AUTHORIZER)),
                "Several authorizers by name, in order, in place of `authorizer`. `\"auth\": true` means the first; logins and \
                 `session` belong to the first of type `auth0` or `oidc`.",
            )
            .example(object! {
                "partners": object! { "type": "jwt", "issuer": "partners", "audience": "orders", "secret": "$secret.PARTNERS_KEY" }
            }),
            Key::new(
                "session",
                Shape::Section("session"),
                "Logins are held by the gateway, and browsers get a cookie. Without it every client holds its tokens itself. \
                 `{}` will do. See [session](#session).",
            )
            .example(object! { "idle_seconds": 86_400_u64 }),
            Key::new(
                "cors",
                Shape::Section("cors"),
                "Which pages of other origins may read answers. Without it the gateway sends no CORS headers and lets the \
                 upstream's pass. See [cors](#cors).",
            )
            .example(object! { "allow_origins": list!["https://app.example.com"] }),
            Key::new(
                "variables",
                Shape::map(scalar()),
                "Constants by name for `$config.NAME` in mappings: strings, numbers or booleans.",
            )
            .example(object! { "region": "eu-west-1" }),
            Key::new(
                "headers",
                Shape::headers(Shape::Text(Form::HeaderValue)),
                "Names and texts of headers that every answer gets; none takes back `no-store` or `private`, or a cookie.",
            )
            .example(object! { "x-frame-options": "DENY" }),
            Key::new(
                "problem_page",
                Shape::Text(Form::Any),
                "The path that a person is led to where a link or an address ends in a problem, with its `code` and the \
                 `request_id` in the query: one of `paths`, spelt as addresses are, with `GET` and without `auth`, that shows something \
                 of its own and is no login or redirect. Scripts are answered as ever. Without it people get a page of the gateway's.",
            )
            .example("/problem"),
            Key::new(
                "older_codes",
                Shape::Boolean,
                "Calls failures by the codes of the JavaScript gateway, such as `ERR_JWT_EXPIRED`, where that had one: they stand \
                 in `code`, and the codes of this gateway beside them in `bargate_code`.",
            )
            .default(false)
            .example(true),
            Key::new("ip", Shape::Section("ip"), "Which addresses may send requests at all. See [ip](#ip).")
                .example(object! { "deny": list!["203.0.113.0/24"] }),
            Key::new(
                "protected_resource",
                Shape::Either(vec![Shape::Boolean, Shape::Section("protected_resource")]),
                "Tells OAuth clients which authorizers are believed (RFC 9728): `true`, or an object. See \
                 [protected_resource](#protected_resource).",
            )
            .default(false)
            .example(true),
            Key::new(
                "services",
                Shape::list(Shape::Section("service")),
                "JavaScript modules that are deployed with the gateway. See [services](#services).",
            )
            .example(list![object! { "alias": "greeting", "entrypoint": "services/greeting" }]),
            Key::new(
                servers::SERVICE_BINDINGS,
                Shape::list(Shape::Section("service_binding")),
                "Other Workers, by service binding. See [serviceBindings](#servicebindings).",
            )
            .example(list![object! { "alias": "orders", "binding": "ORDERS" }]),
            Key::new(
                "servicesBindings",
                Shape::list(Shape::Section("service_binding")),
                "An older name of `serviceBindings`. Of an alias that stands in both, this one counts less.",
            )
            .deprecated("Write `serviceBindings`.")
            .example(list![object! { "alias": "orders", "binding": "ORDERS" }]),
            Key::new(
                "server_timing",
                Shape::Boolean,
                "Adds `Server-Timing` to answers: how long the check of the token and the upstream took, in milliseconds.",
            )
            .default(false)
            .example(true),
            Key::new(
                "analytics",
                Shape::Section("analytics"),
                "Writes one data point for each request. See [analytics](#analytics).",
            )
            .example(object! { "binding": "ANALYTICS" }),
            allow("the whole file"),
        ])
        .conditions(conditions::of_config())
        .example(
            r#"{
                "$schema": "./gateway.schema.json",
                "title": "Shop",
                "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                "authorizer": {
                    "type": "auth0",
                    "domain": "$env.AUTH0_DOMAIN",
                    "client_id": "$env.AUTH0_CLIENT_ID",
                    "audience": "$env.AUTH0_AUDIENCE"
                },
                "paths": [
                    { "method": "GET", "path": "/health", "response": { "status": "ok" } },
                    { "method": "ANY", "path": "/api/{.+}", "auth": true, "integration": { "type": "http_proxy", "server": "api" } }
                ]
            }"#,
        )
}

/// Gives the shape of a constant.
fn scalar() -> Shape {
    Shape::Either(vec![Shape::Text(Form::Any), Shape::Number, Shape::Boolean])
}

/// Gives `protected_resource` where it is an object.
pub fn protected_resource() -> Section {
    let about = "What OAuth clients are told of this gateway (RFC 9728): issuers, the scopes that paths name, and what stands \
                 here. `true` asks for it without any of these keys.\n\n\
                 `GET /.well-known/oauth-protected-resource` answers with it; where `resource` has a path, that stands behind the \
                 address. Every `Bearer` challenge names that address as `resource_metadata`.";
    Section::new("protected_resource", "protected_resource", about)
        .keys([
            Key::new("resource", Shape::Text(Form::HttpsUrl), "The identifier of the API, an https URL.")
                .default_words("the origin that was called")
                .example("https://api.example.com"),
            Key::new("name", Shape::Text(Form::Any), "A name for people.").example("Orders API"),
            Key::new("documentation", Shape::Text(Form::HttpsUrl), "The address of a page for developers.")
                .example("https://developers.example.com"),
        ])
        .example(
            r#"{
                "authorizer": {
                    "type": "oidc",
                    "issuer": "https://id.example.com",
                    "client_id": "orders",
                    "audience": "https://api.example.com"
                },
                "protected_resource": {
                    "resource": "https://api.example.com",
                    "name": "Orders API",
                    "documentation": "https://developers.example.com"
                },
                "paths": [
                    { "method": "GET", "path": "/orders", "auth": { "scopes": ["read:orders"] }, "response": [] }
                ]
            }"#,
        )
}

/// Gives `analytics`.
pub fn analytics() -> Section {
    let about = "An Analytics Engine dataset that gets one data point a request: route, status, code and durations.";
    Section::new("analytics", "analytics", about)
        .keys([Key::new(
            "binding",
            Shape::Text(Form::NotEmpty),
            "The name of the dataset's binding in `wrangler.toml`.",
        )
        .required()
        .example("ANALYTICS")])
        .example(
            r#"{
                "analytics": { "binding": "ANALYTICS" },
                "paths": [{ "method": "GET", "path": "/health", "response": { "status": "ok" } }]
            }"#,
        )
}

/// Gives `ip`, of the config and of paths.
pub fn ip() -> Section {
    let networks = |name, about: &str, example: Vec<&str>| {
        Key::new(name, Shape::list(Shape::Text(Form::Network)), about).example(Json::from(example))
    };
    let about = "Addresses and networks, such as `192.0.2.1`, `192.0.2.0/24` or `2001:db8::/32`, that may send requests. A request \
                 from elsewhere gets 403 `ip_denied`.\n\n\
                 The address is that of `CF-Connecting-IP`. Where it is not known, a request passes only if nothing is listed. No \
                 bit may be set behind the prefix.";
    Section::new("ip", "ip", about)
        .keys([
            networks("allow", "Those that may send requests; an empty list lets nobody in.", vec!["192.0.2.0/24"])
                .default_words("everyone"),
            networks("deny", "Those that may not, whatever `allow` says.", vec!["2001:db8::/32"]),
        ])
        .example(
            r#"{
                "ip": { "deny": ["203.0.113.0/24"] },
                "paths": [
                    { "method": "GET", "path": "/health", "response": { "status": "ok" } },
                    { "method": "GET", "path": "/office", "ip": { "allow": ["192.0.2.0/24", "2001:db8::/32"] }, "response": {} }
                ]
            }"#,
        )
}
