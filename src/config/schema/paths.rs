//! `paths`, and what an entry may ask of a request and do to its headers.

use super::form::{CREDENTIAL_HEADER, Form};
use super::model::{Key, Section, Shape, allow, refused};
use super::tree::{list, object};
use super::{conditions, integrations};
use crate::config::rules::{BODY_MAX_BYTES, CACHE_MAX_SECS, PERIOD_DEFAULT_SECS, PERIODS_SECS};
use crate::config::service::RPC_TYPE;
use crate::route::{MAX_PATTERN_BYTES, MAX_SEGMENTS, Method, MethodRule};

/// Gives an entry of `paths`.
pub fn path() -> Section {
    let about = format!(
        "Which requests are answered, and by what: by an `integration`, or by a fixed `response`.\n\n\
         `{{name}}` in a path matches one segment; `{{.+}}` or `{{name+}}` at its end matches the rest, and also none of it. A pattern \
         has at most {MAX_SEGMENTS} segments and {MAX_PATTERN_BYTES} bytes. The order of entries does not matter: of those that match, \
         a literal segment goes before a parameter, a path without a wildcard before one with it, and the exact method before `ANY`. \
         Two entries that no request can tell apart are a mistake."
    );
    let mut methods: Vec<_> = Method::ALL.iter().map(|method| method.as_str()).collect();
    methods.push(MethodRule::Any.as_str());
    Section::new("path", "paths", about)
        .keys([
            Key::new(
                "method",
                Shape::Choice(methods),
                "The method, in upper case. `GET` answers `HEAD`, too; `ANY` is every method that no other entry of the path has.",
            )
            .required()
            .example("GET"),
            Key::new(
                "path",
                Shape::Text(Form::Pattern),
                "The path, beginning with `/`. `{name}` is a parameter, `{.+}` at the end the rest.",
            )
            .required()
            .example("/users/{id}"),
            Key::new(
                "auth",
                Shape::Either(vec![Shape::Boolean, Shape::Text(Form::Any), Shape::Section("access")]),
                "Which token is needed: `true` for one of the first authorizer, a name for one of that authorizer, or an object, see \
                 [auth](#auth). A session will do where the config has them. Without it the path is open to everyone.",
            )
            .default(false)
            .example(true)
            .example("partners")
            .example(object! { "scopes": list!["read:orders"] }),
            Key::new(
                "integration",
                Shape::Section(integrations::INTEGRATION),
                "What answers: an upstream, a service, a login. See [integration](#integration).",
            )
            .default_words("this or `response`")
            .example(object! { "type": "http_proxy", "server": "api" }),
            Key::new("response", Shape::Any, "A fixed answer: 200 with this JSON, whatever it is, `null` included.")
                .default_words("this or `integration`")
                .example(object! { "status": "ok" }),
            Key::new(
                "mapping",
                Shape::Section("mapping"),
                "Headers and query parameters that the upstream, the service or `pre_process` gets. See [mapping](#mapping).",
            )
            .example(object! { "headers": object! { "x-user-id": "$request.jwt.sub" } }),
            Key::new(
                "request_headers",
                Shape::Section("request_headers"),
                "Headers to set on and remove from what the upstream gets. See [request_headers](#request_headers).",
            )
            .example(object! { "remove": list!["cookie"] }),
            Key::new(
                "response_headers",
                Shape::Section("response_headers"),
                "Headers to set on and remove from what the integration answers. See [response_headers](#response_headers).",
            )
            .example(object! { "set": object! { "cache-control": "no-store" } }),
            Key::new(
                "pre_process",
                Shape::Section("rpc"),
                "A function of another Worker that is asked before the integration: `true` lets the request go on, a `Response` is \
                 the answer. See [pre_process](#pre_process-and-post_process).",
            )
            .example(object! { "binding": "guard", "function": "allow" }),
            Key::new("rate_limit", Shape::Section("rate_limit"), "How often. See [rate_limit](#rate_limit).")
                .example(object! { "binding": "LIMIT", "key": "ip" }),
            Key::new(
                "max_body_bytes",
                Shape::Integer(0..=BODY_MAX_BYTES),
                "How many bytes the body of a request may have; a longer one gets 413 `body_too_large`, without being read.",
            )
            .example(1_048_576_u64),
            Key::new(
                "content_types",
                Shape::list(Shape::Text(Form::MediaType)),
                "The media types that the body of a request may have, `image/*` for all of a type; another gets 415 \
                 `unsupported_media_type`.",
            )
            .default_words("any")
            .example(list!["application/json", "image/*"]),
            Key::new("cache", Shape::Section("cache"), "Keeps the upstream's answers. See [cache](#cache).")
                .example(object! { "ttl_seconds": 60_u64 }),
            Key::new("ip", Shape::Section("ip"), "Which addresses may send requests to this path. See [ip](#ip).")
                .example(object! { "allow": list!["192.0.2.0/24"] }),
            Key::new(
                "variables",
                Shape::map(Shape::Either(vec![Shape::Text(Form::Any), Shape::Number, Shape::Boolean])),
                "Constants for `$config.NAME` in this path's mapping; they win over those at the top.",
            )
            .example(object! { "region": "eu-central-1" }),
            Key::new(
                "encoded_slashes",
                Shape::Boolean,
                "Admits `%2F` inside a segment. Only for an upstream that does not decode it to `/`.",
            )
            .default(false)
            .example(true),
            allow("this path"),
        ])
        .conditions(conditions::of_path())
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
        )
}

/// Gives the shape of what a mapped value comes from.
fn sources() -> Shape {
    Shape::Either(vec![Shape::Text(Form::Source), Shape::Number])
}

/// Gives `mapping`.
pub fn mapping() -> Section {
    let about = "Headers and query parameters for the upstream, each with where its value comes from. It has an effect with \
                 `http_proxy`, `service`, `service_binding` and `pre_process`.\n\n\
                 A source is `$request.header.NAME`, `$request.query.NAME`, `$request.jwt.CLAIM` (needs `auth`; dots lead into \
                 objects, and the longest name that fits is meant), `$config.NAME` (a variable), `$env.NAME` or `$secret.NAME`; anything else that does not begin with `$` is a \
                 text that is sent as it stands. Where a source has no value, nothing is sent. No client can send a header that any \
                 path maps.";
    Section::new("mapping", "mapping", about)
        .without_notes()
        .keys([
            Key::new("headers", Shape::headers(sources()), "Names of headers, and their sources.")
                .example(object! { "x-user-id": "$request.jwt.sub", "x-region": "$config.region" }),
            Key::new(
                "query",
                Shape::map(sources()),
                "Names of query parameters, and their sources; they replace the client's own of that name.",
            )
            .example(object! { "tenant": "$request.jwt.org_id" }),
        ])
        .example(
            r#"{
                "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                "authorizer": {
                    "type": "auth0",
                    "domain": "$env.AUTH0_DOMAIN",
                    "client_id": "$env.AUTH0_CLIENT_ID",
                    "audience": "https://api.example.com/"
                },
                "variables": { "region": "eu-west-1" },
                "paths": [
                    {
                        "method": "GET",
                        "path": "/orders",
                        "auth": true,
                        "integration": { "type": "http_proxy", "server": "api" },
                        "mapping": {
                            "headers": { "x-user-id": "$request.jwt.sub", "x-region": "$config.region", "x-key": "$secret.API_KEY" },
                            "query": { "tenant": "$request.jwt.org_id", "page": "$request.query.page" }
                        },
                        "allow": ["secret_exposed"]
                    }
                ]
            }"#,
        )
}

fn removed() -> Key {
    Key::new("remove", Shape::list(Shape::Text(Form::HeaderName)), "Names of headers to remove.")
        .example(list!["x-internal"])
}

/// Gives `request_headers`.
pub fn request_headers() -> Section {
    Section::new("request_headers", "request_headers", "What is done to the headers that the upstream gets.")
        .without_notes()
        .keys([
            Key::new(
                "set",
                Shape::headers(sources()),
                "Names of headers, and their sources as in [mapping](#mapping).",
            )
            .example(object! { "x-api-key": "$secret.API_KEY" }),
            removed(),
        ])
        .example(
            r#"{
                "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                "paths": [
                    {
                        "method": "GET",
                        "path": "/api/{.+}",
                        "integration": { "type": "http_proxy", "server": "api" },
                        "request_headers": { "set": { "x-api-key": "$secret.API_KEY" }, "remove": ["cookie"] },
                        "response_headers": { "set": { "cache-control": "no-store" }, "remove": ["x-internal"] },
                        "allow": ["secret_exposed"]
                    }
                ]
            }"#,
        )
}

/// Gives `response_headers`.
pub fn response_headers() -> Section {
    let about =
        "What is done to the headers of what the integration answers; the gateway's own errors stay as they are.";
    Section::new("response_headers", "response_headers", about).without_notes().keys([
        Key::new("set", Shape::headers(Shape::Text(Form::HeaderValue)), "Names of headers, and their texts.")
            .example(object! { "cache-control": "no-store" }),
        removed(),
    ])
}

/// Gives `pre_process` and `post_process`.
pub fn rpc() -> Section {
    let about = "A function of another Worker. It is called with the request, an empty object as JSON text, and the context (route, \
                 parameters, verified claims) as JSON text.\n\n\
                 `pre_process` of a path is asked before the integration, and may read the body: `true` lets the request go on, a \
                 `Response` is the answer, anything else is 502 `service_failed`. `post_process` of a callback is called once the \
                 tokens have come; its answer is dropped, and if it throws, nobody is logged in.";
    Section::new("rpc", "pre_process and post_process", about)
        .keys([
            Key::new("type", Shape::Choice(vec![RPC_TYPE]), "Says what it is, which goes without saying.").example(RPC_TYPE),
            Key::new("binding", Shape::Text(Form::Any), "The alias of the Worker, of those in `serviceBindings`.")
                .required()
                .example("guard"),
            Key::new("function", Shape::Text(Form::Function), "The method of its entry point that is called.")
                .required()
                .example("allow"),
        ])
        .example(
            r#"{
                "serviceBindings": [{ "alias": "guard", "binding": "GUARD" }],
                "paths": [
                    { "method": "GET", "path": "/a", "pre_process": { "binding": "guard", "function": "allow" }, "response": {} }
                ]
            }"#,
        )
}

/// Gives `rate_limit`.
pub fn rate_limit() -> Section {
    let about = "How often requests may come. One too many gets 429 `rate_limited`, with the period in `Retry-After`.\n\n\
                 How many are too many is said at the binding, under `[[ratelimits]]` in `wrangler.toml`. Each path counts for itself, \
                 and Cloudflare counts by location. With `sub`, a request without a user counts by its address; addresses of IPv6 count by \
                 their first 64 bits.";
    Section::new("rate_limit", "rate_limit", about)
        .keys([
            Key::new("binding", Shape::Text(Form::NotEmpty), "The name of the rate limiting binding in `wrangler.toml`.")
                .required()
                .example("LIMIT"),
            Key::new(
                "key",
                Shape::Text(Form::RateKey),
                "What is counted apart: `ip`, the client's address; `sub`, the user (needs `auth`); or `header:NAME`, the value of a \
                 header.",
            )
            .required()
            .example("ip")
            .example("sub")
            .example("header:x-api-key"),
            Key::new("period_seconds", Shape::Numbers(PERIODS_SECS.to_vec()), "The period of the binding, in seconds.")
                .default(PERIOD_DEFAULT_SECS)
                .example(10_u64),
        ])
        .example(
            r#"{
                "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                "paths": [
                    {
                        "method": "POST",
                        "path": "/login",
                        "integration": { "type": "http_proxy", "server": "api" },
                        "rate_limit": { "binding": "LIMIT", "key": "ip", "period_seconds": 10 }
                    }
                ]
            }"#,
        )
}

/// Gives `cache`.
pub fn cache() -> Section {
    let about = "Keeps answers to `GET` of an `http_proxy` path: of status 200, without `Set-Cookie`, up to 4 MiB, and only as far \
                 and as long as their `Cache-Control`, `Expires` and `Vary` allow.\n\n\
                 A path with `auth` needs `\"per_user\": true`, and each user then has answers of their own. Without it the upstream \
                 gets neither `Cookie` nor `Authorization`, neither can be mapped, and a request with another header that says who \
                 sends it, such as `X-Api-Key`, goes past the cache. What a mapping sends keeps answers apart.";
    Section::new("cache", "cache", about)
        .keys([
            Key::new(
                "ttl_seconds",
                Shape::Integer(1..=CACHE_MAX_SECS),
                "For how many seconds an answer is kept at most.",
            )
            .required()
            .example(60_u64),
            Key::new(
                "vary",
                Shape::list(Shape::Text(Form::HeaderName)),
                "Request headers by which answers differ; `Authorization` and `Cookie` cannot be among them.",
            )
            .example(list!["accept-language"]),
            Key::new(
                "per_user",
                Shape::Boolean,
                "Whether each user has answers of their own; needs `auth`, and goes with it.",
            )
            .default(false)
            .example(true),
        ])
        .condition(object! {
            "properties": object! {
                "vary": object! {
                    "items": refused(
                        object! { "type": "string", "pattern": CREDENTIAL_HEADER },
                        "Answers by credential are private: keep them apart by user, with \"per_user\": true.",
                    )
                }
            }
        })
        .example(
            r#"{
                "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                "paths": [
                    {
                        "method": "GET",
                        "path": "/catalogue",
                        "integration": { "type": "http_proxy", "server": "api" },
                        "cache": { "ttl_seconds": 60, "vary": ["accept-language"] }
                    }
                ]
            }"#,
        )
}
