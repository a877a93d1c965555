//! `servers`, `services` and `serviceBindings`: what paths may lead to.

use super::form::Form;
use super::model::{Key, Section, Shape, absent, allow};
use super::tree::{list, object};
use crate::config::server::{RETRIES_MAX, TIMEOUT_DEFAULT_MS, TIMEOUT_MAX_MS};

/// The key of other Workers, which has an older name besides.
pub const SERVICE_BINDINGS: &str = "serviceBindings";

/// Gives an entry of `servers`.
pub fn server() -> Section {
    let about = "An upstream: an API behind the gateway. It has either `url`, or several `urls` of which a later one stands in for \
                 those before it that cannot be reached.";
    Section::new("server", "servers", about)
        .keys([
            alias("The name by which integrations call it. No two servers have the same.", "api"),
            Key::new(
                "url",
                Shape::Text(Form::ServerUrl),
                "Its address: http or https, with an optional base path that stands before each forwarded path. No query, \
                 fragment or credentials.",
            )
            .default_words("required without `urls`")
            .example("https://api.example.com/v1"),
            Key::new(
                "urls",
                Shape::List(Box::new(Shape::Text(Form::ServerUrl)), 1),
                "Several such addresses in place of `url`. If one cannot be reached, the next is asked.",
            )
            .example(list!["https://a.example.com", "https://b.example.com"]),
            Key::new(
                "timeout_ms",
                Shape::Integer(1..=TIMEOUT_MAX_MS),
                "How many milliseconds the upstream may take to begin its answer; a body may take longer.",
            )
            .default(TIMEOUT_DEFAULT_MS)
            .example(5_000_u64),
            Key::new(
                "retries",
                Shape::Integer(0..=RETRIES_MAX),
                "How often a request is sent again where no address can be reached, or the answer is 502, 503 or 504. Only \
                 requests without a body by `GET`, `HEAD`, `OPTIONS`, `PUT` or `DELETE` are.",
            )
            .default(0_u64)
            .example(2_u64),
            strict_paths(),
            allow("this server"),
        ])
        .condition(object! {
            "if": object! { "required": list!["urls"] },
            "then": object! { "properties": object! { "url": absent("The server has urls, too: put all of them there.") } },
            "else": object! { "required": list!["url"], "properties": object! { "url": object! { "type": "string" } } },
        })
        .example(
            r#"{
                "servers": [
                    { "alias": "api", "url": "$env.API_URL", "timeout_ms": 5000 },
                    { "alias": "search", "urls": ["https://a.example.com", "https://b.example.com"], "retries": 2 }
                ],
                "paths": [
                    { "method": "GET", "path": "/search", "integration": { "type": "http_proxy", "server": "search" } },
                    { "method": "ANY", "path": "/api/{.+}", "integration": { "type": "http_proxy", "server": "api" } }
                ]
            }"#,
        )
}

/// Gives an entry of `services`.
pub fn service() -> Section {
    let about = "A JavaScript module in `services/` that is bundled and deployed with the gateway. Its default export is an object \
                 with `fetch`, or a class that is made with `new` for each request.";
    Section::new("service", "services", about)
        .keys([
            alias("The name by which integrations of type `service` call it.", "greeting"),
            Key::new(
                "entrypoint",
                Shape::Text(Form::NotEmpty),
                "The module. `./services/greeting` and a `.js` at the end mean the same.",
            )
            .required()
            .example("services/greeting"),
            strict_paths(),
        ])
        .example(
            r#"{
                "services": [{ "alias": "greeting", "entrypoint": "services/greeting" }],
                "paths": [{ "method": "GET", "path": "/greeting", "integration": { "type": "service", "binding": "greeting" } }]
            }"#,
        )
}

/// Gives an entry of `serviceBindings`.
pub fn service_binding() -> Section {
    let about = "Another Worker of the account, bound under `[[services]]` in `wrangler.toml`.";
    Section::new("service_binding", SERVICE_BINDINGS, about)
        .keys([
            alias("The name by which integrations, `pre_process` and `post_process` call it.", "orders"),
            Key::new("binding", Shape::Text(Form::NotEmpty), "The name of the service binding in `wrangler.toml`.")
                .required()
                .example("ORDERS"),
            strict_paths(),
        ])
        .example(
            r#"{
                "serviceBindings": [{ "alias": "orders", "binding": "ORDERS" }],
                "paths": [
                    { "method": "GET", "path": "/orders", "integration": { "type": "service_binding", "binding": "orders" } }
                ]
            }"#,
        )
}

fn strict_paths() -> Key {
    let about = "Whether it takes each path as it is written: tells letter case and a last slash apart, decodes once, cuts and trims \
                 nothing. Otherwise requests whose path it might take for that of a stricter route are refused.";
    Key::new("strict_paths", Shape::Boolean, about).default(false).example(true)
}

fn alias(about: &str, example: &str) -> Key {
    Key::new("alias", Shape::Text(Form::NotEmpty), about).required().example(example)
}
