//! The keys of an entry of `paths`.

use crate::config::section::section;
#[cfg(not(target_os = "unknown"))]
use crate::route::{MAX_PATTERN_BYTES, MAX_SEGMENTS};
use crate::route::{Method, MethodRule};

/// The most that the size of a body may be limited to, in bytes; no platform takes as much.
const BODY_MAX_BYTES: u32 = u32::MAX;

/// Every rule by its name.
const METHODS: [(&str, MethodRule); 8] = {
    let [a, b, c, d, e, f, g] = Method::ALL;
    [exact(a), exact(b), exact(c), exact(d), exact(e), exact(f), exact(g), named(MethodRule::Any)]
};

const fn exact(method: Method) -> (&'static str, MethodRule) {
    named(MethodRule::Exact(method))
}

const fn named(rule: MethodRule) -> (&'static str, MethodRule) {
    (rule.as_str(), rule)
}

section! {
    Section::new(
        "path",
        "paths",
        format!(
               "Which requests are answered, and by what: by an `integration`, or by a fixed `response`.\n\n`{{name}}` in a \
             path matches one segment. `{{.+}}` or `{{name+}}` at its end matches the rest of the path, which may be empty. A \
             pattern has at most {MAX_SEGMENTS} segments and {MAX_PATTERN_BYTES} bytes. The order of entries does not \
             matter. If several match, one with the request's `host` takes precedence over one with a star, and that over one \
             without a host; then a path without a wildcard, then a literal segment over a \
             parameter, then the exact method over `ANY`. Two entries for the same requests are an error."
        ),
    )
        .example(
            r#"{
                    "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                    "authorizer": {
                        "type": "auth0",
                        "domain": "$env.AUTH0_DOMAIN",
                        "client_id": "$env.AUTH0_CLIENT_ID",
                        "audience": "https://api.example.com/"
                    },
                    "paths": [
                        { "method": "GET", "path": "/health", "response": { "status": "ok" } },
                        {
                            "method": "POST",
                            "path": "/users/{id}/avatar",
                            "auth": true,
                            "integration": { "type": "http_proxy", "server": "api" },
                            "max_body_bytes": 1048576,
                            "content_types": ["image/*"]
                        },
                        { "method": "ANY", "path": "/api/{.+}", "auth": true, "integration": { "type": "http_proxy", "server": "api" } }
                    ]
                }"#,
        );

    METHOD: Choice<MethodRule> = choice("method", &METHODS).required(), Elsewhere,
        "The method, in upper case. `GET` also answers `HEAD`. `ANY` is every method that no other entry of the path has.",
        example("GET");
    PATH: Text = text("path", Pattern).required(), Elsewhere,
        "The path, beginning with `/`. `{name}` is a parameter, `{.+}` at the end matches the rest.",
        example("/users/{id}");
    HOST: Text = text("host", Host), Elsewhere,
        "The name that requests must come by, without a port. A star is one whole label, as in `*.example.com`. See \
         [hosts](paths.md#hosts).",
        default_words("every name"), example("api.example.com");
    AUTH: Value = value("auth"), Elsewhere,
        "Which token is needed: `true` for one of the first authorizer, a name for one of that authorizer, a list of names for \
         one of any of these, or an object, see [auth](#auth). If the config has sessions, a session is enough. Without it the path is open to everyone.",
        shape(Shape::Either(vec![
            Shape::Boolean,
            Shape::Text(Form::Any),
            Shape::List(Box::new(Shape::Text(Form::Any)), 1),
            Shape::Section("access"),
        ])),
        default(false),
        example(true),
        example("partners"),
        example(list!["people", "partners"]),
        example(object! { "scopes": list!["read:orders"] });
    PROTECTED_RESOURCE: Value = value("protected_resource"), Feature,
        "Publishes what OAuth clients request tokens with for this path and those below it (RFC 9728): `true`, or an \
         object. The path needs `auth`. See [protected_resource](#protected_resource).",
        shape(Shape::Either(vec![Shape::Boolean, Shape::Section("protected_resource")])), default(false), example(true);
    MCP: Value = value("mcp"), Guard("lets anyone use a session of the MCP server, and sends it its clients' access tokens"),
        "An MCP server is behind the path: `true`, or an object. The path needs `auth`, and an integration of type `http_proxy`, \
         `service_binding` or `service`. See [mcp](#mcp).",
        shape(Shape::Either(vec![Shape::Boolean, Shape::Section("mcp")])), default(false), example(true);
    INTEGRATION: Value = value("integration"), Elsewhere,
        "What answers: an upstream, a service, a login. See [integration](#integration).",
        shape(Shape::Section("integration")),
        default_words("this or `response`"),
        example(object! { "type": "http_proxy", "server": "api" });
    RESPONSE: Value = value("response"), Answer,
        "A fixed answer: 200 with this JSON, whatever it is, `null` included.",
        default_words("this or `integration`"), example(object! { "status": "ok" });
    MAPPING: Value = value("mapping"), Within,
        "Headers and query parameters that the upstream, the service or `pre_process` gets. See [mapping](#mapping).",
        shape(Shape::Section("mapping")), example(object! { "headers": object! { "x-user-id": "$request.jwt.sub" } });
    REQUEST_HEADERS: Value = value("request_headers"), Within,
        "Headers to set on and remove from the request to the upstream. See [request_headers](#request_headers).",
        shape(Shape::Section("request_headers")), example(object! { "remove": list!["cookie"] });
    RESPONSE_HEADERS: Value = value("response_headers"), Within,
        "Headers to set on and remove from the integration's answer. See [response_headers](#response_headers).",
        shape(Shape::Section("response_headers")), example(object! { "set": object! { "cache-control": "no-store" } });
    PRE_PROCESS: Value = value("pre_process"), Rule,
        "A function of another Worker that is called before the integration: `true` lets the request continue, a \
         `Response` is the answer. See [pre_process](#pre_process-and-post_process).",
        shape(Shape::Section("rpc")), example(object! { "binding": "guard", "function": "allow" });
    CORS: Value = value("cors"), Elsewhere,
        "The rule for pages of other origins on this path, instead of that at the top. See [cors](#cors).",
        shape(Shape::Section("cors")), default_words("that at the top"),
        example(object! { "allow_origins": list!["https://app.example.com"] });
    RATE_LIMIT: Value = value("rate_limit"), Rule,
        "How often requests may come. See [rate_limit](#rate_limit).",
        shape(Shape::Section("rate_limit")), example(object! { "binding": "LIMIT", "key": "ip" });
    MAX_BODY_BYTES: Limit = limit("max_body_bytes", 0..=BODY_MAX_BYTES), Larger("takes larger bodies"),
        "How many bytes the body of a request may have. A longer one gets 413 `body_too_large`, and is not read.",
        example(1_048_576_u32);
    CONTENT_TYPES: Texts = texts("content_types", MediaType), MediaTypes,
        "The media types that the body of a request may have, `image/*` for all of a type. Another gets 415 \
         `unsupported_media_type`.",
        default_words("any"), example(list!["application/json", "image/*"]);
    CACHE: Value = value("cache"), Cache,
        "Caches the upstream's answers. See [cache](#cache).",
        shape(Shape::Section("cache")), example(object! { "ttl_seconds": 60_u32 });
    IP: Value = value("ip"), Networks,
        "Which addresses may send requests to this path. See [ip](#ip).",
        shape(Shape::Section("ip")), example(object! { "allow": list!["192.0.2.0/24"] });
    VARIABLES: Value = value("variables"), Elsewhere,
        "Constants for `$config.NAME` in this path's mapping. They take precedence over those at the top.",
        shape(Shape::scalars()),
        example(object! { "region": "eu-central-1" });
    ENCODED_SLASHES: Boolean = boolean("encoded_slashes"), On("admits paths that an upstream may interpret differently"),
        "Allows `%2F` inside a segment. Only for an upstream that does not decode it to `/`.",
        example(true);
    ..[allow("this path")];
}
