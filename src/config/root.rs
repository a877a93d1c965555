//! The keys at the top of a config.

use super::section::section;

section! {
    Section::new(
        "config",
        "Top level",
        "What the gateway does: which paths exist, which of them need a token, and what answers each. A config needs \
         `paths` and nothing else.",
    )
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
        );

    SCHEMA: Text = text("$schema", Any), Harmless("the gateway does not read it"),
        "The address of this schema, by which editors complete and explain keys. The gateway does not read it.",
        example("./gateway.schema.json");
    TITLE: Text = text("title", Words), Harmless("the gateway does not read it"),
        "A title for people who read the file.",
        example("Shop");
    DESCRIPTION: Text = text("description", Words), Harmless("the gateway does not read it"),
        "A description for people who read the file.",
        example("The shop's API, and the logins of its customers");
    PATHS: Value = value("paths").required(), Elsewhere,
        "The paths, in any order: which requests are answered, and by what. See [paths](#paths).",
        shape(Shape::list(Shape::Section("path"))),
        example(list![object! { "method": "GET", "path": "/health", "response": object! { "status": "ok" } }]);
    SERVERS: Value = value("servers"), Elsewhere,
        "The upstreams: the APIs behind the gateway, each under a name. See [servers](#servers).",
        shape(Shape::list(Shape::Section("server"))), example(list![object! { "alias": "api", "url": "$env.API_URL" }]);
    AUTHORIZER: Value = value("authorizer"), Elsewhere,
        "Whose tokens are accepted. See [authorizer](#authorizer).",
        shape(Shape::Section("authorizer")),
        example(object! { "type": "auth0", "domain": "$env.AUTH0_DOMAIN", "client_id": "$env.AUTH0_CLIENT_ID" });
    AUTHORIZERS: Value = value("authorizers"), Elsewhere,
        "Several authorizers by name, in order, instead of `authorizer`. `\"auth\": true` means the first; logins and \
         `session` belong to the first of type `auth0` or `oidc`.",
        shape(Shape::map(Shape::Section("authorizer"))),
        example(object! { "partners": object! { "type": "jwt", "issuer": "partners", "audience": "orders", "secret": "$secret.PARTNERS_KEY" } });
    SESSION: Value = value("session"), Feature,
        "The gateway holds sessions, and browsers get a cookie. Without it, every client holds its tokens itself. `{}` \
         is enough. See [session](#session).",
        shape(Shape::Section("session")), example(object! { "idle_seconds": 86_400_u32 });
    CORS: Value = value("cors"), Guard("leaves it to upstreams which pages read answers"),
        "Which pages of other origins may read answers. Without it, the gateway sends no CORS headers and lets the \
         upstream's pass. See [cors](#cors).",
        shape(Shape::Section("cors")), example(object! { "allow_origins": list!["https://app.example.com"] });
    VARIABLES: Value = value("variables"), Elsewhere,
        "Constants by name for `$config.NAME` in mappings: strings, numbers or booleans.",
        shape(Shape::scalars()), example(object! { "region": "eu-west-1" });
    HEADERS: Value = value("headers"), Headers,
        "Names and texts of headers that every answer gets. None of them removes `no-store`, `private` or a cookie.",
        shape(Shape::headers(Shape::Text(Form::HeaderValue))), example(object! { "x-frame-options": "DENY" });
    PROBLEM_PAGE: Text = text("problem_page", Any), Harmless("it is a path of this config, and each path is compared"),
        "The path to which a person is redirected if a link or an address ends in a problem, with `code` and \
         `request_id` in the query. It is one of `paths`, spelled as in addresses, with `GET` and without `auth`. It \
         has its own answer, and is not a login or a redirect. Scripts still get JSON. Without it, people get a page of \
         the gateway.",
        example("/problem");
    OLDER_CODES: Boolean = boolean("older_codes"), Harmless("it changes the codes of errors"),
        "Answers with the codes of the JavaScript gateway (SAG), such as `ERR_JWT_EXPIRED`, for failures that had one \
         there. `code` is then that code, and `bargate_code` this gateway's.",
        example(true);
    IP: Value = value("ip"), Networks,
        "Which addresses may send requests at all. See [ip](#ip).",
        shape(Shape::Section("ip")), example(object! { "deny": list!["203.0.113.0/24"] });
    PROTECTED_RESOURCE: Value = value("protected_resource"), Feature,
        "Publishes for OAuth clients which authorizers are trusted (RFC 9728): `true`, or an object. See \
         [protected_resource](#protected_resource).",
        shape(Shape::Either(vec![Shape::Boolean, Shape::Section("protected_resource")])), default(false), example(true);
    AUTHORIZATION_SERVER: Value = value("authorization_server"), Feature,
        "Lets clients log people in that the provider does not know, such as MCP clients. See \
         [authorization_server](#authorization_server).",
        shape(Shape::Section("authorization_server")),
        example(object! { "issuer": "https://mcp.example.com", "redirect_uris": list!["http://127.0.0.1/callback"] });
    SERVICES: Value = value("services"), Elsewhere,
        "JavaScript modules that are deployed with the gateway. See [services](#services).",
        shape(Shape::list(Shape::Section("service"))),
        example(list![object! { "alias": "greeting", "entrypoint": "services/greeting" }]);
    SERVICE_BINDINGS: Value = value("serviceBindings"), Elsewhere,
        "Other Workers, by service binding. See [serviceBindings](#servicebindings).",
        shape(Shape::list(Shape::Section("service_binding"))),
        example(list![object! { "alias": "orders", "binding": "ORDERS" }]);
    SERVICES_BINDINGS: Value = value("servicesBindings"), Elsewhere,
        "An older name of `serviceBindings`. For an alias in both, `serviceBindings` takes precedence.",
        shape(Shape::list(Shape::Section("service_binding"))),
        deprecated("Write `serviceBindings`."),
        example(list![object! { "alias": "orders", "binding": "ORDERS" }]);
    SERVER_TIMING: Boolean = boolean("server_timing"), On("tells everyone how long the check of a token takes"),
        "Adds `Server-Timing` to answers: the time for the check of the token and for the upstream, in milliseconds.",
        example(true);
    ANALYTICS: Value = value("analytics"), Feature,
        "Writes one data point for each request. See [analytics](#analytics).",
        shape(Shape::Section("analytics")), example(object! { "binding": "ANALYTICS" });
    OTLP: Value = value("otlp"), Feature,
        "Sends spans and measurements of requests to an OpenTelemetry collector. See [otlp](#otlp).",
        shape(Shape::Section("otlp")), example(object! { "endpoint": "https://otlp.example.com" });
    ..[allow("the whole file")];
}

/// The keys of `analytics`.
pub(crate) mod analytics {
    use super::*;

    section! {
        Section::new(
            "analytics",
            "analytics",
            "An Analytics Engine dataset that gets one data point a request: route, status, code and durations; with `events`, more.",
        )
            .example(
                r#"{
                        "analytics": { "binding": "ANALYTICS" },
                        "paths": [{ "method": "GET", "path": "/health", "response": { "status": "ok" } }]
                    }"#,
            );

        BINDING: Text = text("binding", NotEmpty).required(), Destination("writes what it records to another dataset"),
            "The name of the dataset's binding in `wrangler.toml`.",
            example("ANALYTICS");
        EVENTS: Boolean = boolean("events"), Harmless("only the operator's dataset gets them"),
            "Writes a data point for each event, too: renewals, ends of sessions, failures of the provider and of stores, loaded configs. See \
             [Events](operating.md#events).",
            example(true);
    }
}
