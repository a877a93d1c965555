//! The bindings of the fixtures, every value of which is easy to find in a text that must not have it.

use bargate::config::{Binding, Bindings, Reference};

/// Stands in each value that is not a name which every config may show.
pub const MARK: &str = "qzx";

const VALUES: [(&str, &str); 33] = [
    ("ALGORITHM", "ES256"),
    ("ALIAS", "qzx-alias"),
    ("API_KEY", "qzx-api-key"),
    ("API_URL", "https://qzx.example"),
    ("AUTH0_AUDIENCE", "https://qzx-audience.example"),
    ("AUTH0_CLIENT_ID", "qzx-client-id"),
    ("AUTH0_CLIENT_SECRET", "qzx-client-secret"),
    ("AUTH0_DOMAIN", "qzx.eu.auth0.com"),
    ("AUTH0_REDIRECT_URI", "https://qzx.example/callback"),
    ("AUTHORIZER_TYPE", "auth0"),
    ("CLIENT_ID", "qzx-client-id"),
    ("CLIENT_SECRET", "qzx-client-secret"),
    ("DOMAIN", "qzx.eu.auth0.com"),
    ("EMPTY", ""),
    ("HEADER", "qzx-header"),
    ("INTEGRATION_TYPE", "auth0_refresh"),
    ("METHOD", "PATCH"),
    ("NOT_A_DOMAIN", "https://qzx.example/x"),
    ("NOT_A_PATH", "qzx//{"),
    ("NUMBER", "5000"),
    ("ORIGIN", "https://qzx.example"),
    ("PATH", "/qzx/{id}"),
    (
        "PRIVATE_KEY",
        r#"{"kty":"OKP","crv":"Ed25519","kid":"qzx","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#,
    ),
    ("SEALING_KEY", "qzx-sealing-key-of-32-bytes-and-more"),
    ("SILENT_REDIRECT_URI", "https://qzx.example/silent"),
    ("SPA_ORIGIN", "https://qzx.example"),
    ("SPA_REDIRECT_URI", "https://qzx.example/"),
    ("TENANT", "3f1d2c6e-0000-4000-8000-000000000000"),
    ("URL", "https://qzx.example/v1"),
    ("URL_WITH_PASSWORD", "https://qzx:qzx@qzx.example"),
    ("URL_WITH_PATH", "https://qzx.example/path"),
    ("VARIABLE", "qzx-variable"),
    ("VERSION", "2"),
];

/// The bindings of the fixtures: those above, a value that fits nowhere for `NOT_A…`, and nothing else.
pub struct FixtureBindings;

impl Bindings for FixtureBindings {
    fn look_up(&self, reference: &Reference) -> Binding {
        let name = reference.name.as_str();
        match VALUES.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Binding::Value((*value).to_owned()),
            None if name.starts_with("NOT_A") => Binding::Value("qzx not fit for anything".to_owned()),
            None => Binding::Missing,
        }
    }
}
