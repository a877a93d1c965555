//! The headers by which pages of other origins ask, and what they are allowed.

use bargate::config::AllowedOrigins;
use bargate::cors::{Preflight, answer_headers, preflight_headers};

use super::example::with_config;
use super::text::{assert_value, fields, text};

/// The origin, the method and the headers that a preflight asks for, on a line each.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [origin, method, headers] = fields(text);
    with_config(|config| {
        let listed = config.cors.as_ref().expect("the example has it");
        let mut any = listed.clone();
        (any.origins, any.credentials, any.headers) = (AllowedOrigins::Any, false, None);
        for (cors, is_mcp) in [(listed, false), (listed, true), (&any, true)] {
            let preflight = Preflight { origin, method, headers: Some(headers), is_mcp };
            let allowed = preflight_headers(cors, &preflight, "GET, HEAD, POST");
            for (name, value) in answer_headers(cors, Some(origin), true, is_mcp).iter().chain(&allowed) {
                assert_value(name, value);
                let is_everybody = matches!(cors.origins, AllowedOrigins::Any);
                match &**name {
                    "access-control-allow-origin" if is_everybody => assert_eq!(value, "*"),
                    "access-control-allow-origin" => assert!(value == origin && is_listed(origin), "{origin}"),
                    "access-control-allow-credentials" => assert!(!is_everybody && value == "true"),
                    "access-control-allow-methods" => assert!(value.split(", ").any(|one| one == method)),
                    "access-control-allow-headers" => {
                        for asked in headers.split(',').map(|name| name.trim().to_ascii_lowercase()) {
                            assert!(asked.is_empty() || value.split(", ").any(|one| one == asked), "{asked:?}");
                        }
                    }
                    _ => {}
                }
            }
        }
    });
}

/// Checks whether an origin is one of the example's, as browsers write it.
fn is_listed(origin: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && !label.contains(|c: char| c.is_ascii_uppercase() || !is_of_name(c));
    let label = origin.strip_prefix("https://").and_then(|host| host.strip_suffix(".pages.example"));
    let port = origin.strip_prefix("http://localhost:");
    origin == "https://app.example"
        || origin == "http://localhost"
        || label.is_some_and(is_label)
        || port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}
