//! How the gateway shows a token endpoint who it is (RFC 6749 section 2.3.1).

use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};

use crate::config::{Endpoints, Provider};
use crate::encoding::encode;

/// A form for the provider, and the `Authorization` that goes with it.
#[derive(Default)]
pub struct Form {
    /// The form, encoded.
    pub body: String,
    /// The header's value, if the provider expects the client's secret there.
    pub authorization: Option<String>,
}

impl Form {
    /// Makes the form of `fields` by the application.
    pub fn new(provider: &Provider, endpoints: &Endpoints, fields: &[(&str, &str)]) -> Self {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(fields).append_pair("client_id", &provider.client_id);
        let mut authorization = None;
        match &provider.client_secret {
            Some(secret) if endpoints.basic => {
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encoded(&provider.client_id), encoded(secret.expose()));
                authorization = Some(format!("Basic {}", encode(&STANDARD, pair.as_bytes())));
            }
            Some(secret) => {
                form.append_pair("client_secret", secret.expose());
            }
            None => {}
        }
        Self { body: form.finish(), authorization }
    }
}
