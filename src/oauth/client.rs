//! How the gateway authenticates at the provider's endpoints (RFC 6749 section 2.3).

use serde_json::Value;

use crate::config::{AuthMethod, Client, Endpoints, Provider, TokenTarget};
use crate::encoding::{FormText, base64, base64url, push_percent_encoded};
use crate::json::{self, ToText as _};
use crate::jwks::SigningKey;

/// How long an assertion is valid: long enough for clocks that differ, short enough to be worth nothing in a log.
const ASSERTION_SECS: i64 = 60;

/// A form for the provider, and the `Authorization` that goes with it.
#[derive(Default)]
pub struct Form {
    /// The form, encoded.
    pub body: String,
    /// The header's value, if the client's secret goes there.
    pub authorization: Option<String>,
    /// Whether it asks for a signed answer (RFC 9701 section 4).
    pub signed_answer: bool,
}

impl Form {
    /// Makes the client's form of `fields` for the token endpoint, with what the tokens are for: a target, or the resources of logins.
    pub fn for_tokens(
        provider: &Provider,
        endpoints: &Endpoints,
        fields: &[(&str, &str)],
        target: Option<&TokenTarget<'_>>,
    ) -> Self {
        let mut form = FormText::default();
        form.extend_pairs(fields);
        match target {
            Some(target) => form.extend_pairs(target.parameters()),
            None => form.extend_pairs(provider.resources()),
        };
        Self::new(&provider.client, endpoints.token_auth, form)
    }

    /// Makes the client's form of an authorization request, which is pushed (RFC 9126 section 2.1): the client authenticates as at
    /// the token endpoint.
    pub fn for_pushed(provider: &Provider, endpoints: &Endpoints, query: String) -> Self {
        Self::new(&provider.client, endpoints.token_auth, FormText::of(query))
    }

    /// Makes the client's form of `fields` for the revocation endpoint.
    pub fn for_revocation(provider: &Provider, endpoints: &Endpoints, fields: &[(&str, &str)]) -> Self {
        Self::by(endpoints.revocation_auth, provider, endpoints, fields)
    }

    /// Makes the client's form of `fields` for the introspection endpoint.
    pub fn for_introspection(provider: &Provider, endpoints: &Endpoints, fields: &[(&str, &str)]) -> Self {
        Self::by(endpoints.introspection_auth, provider, endpoints, fields)
    }

    /// Makes a form for an endpoint that may take a secret by `only` one method, which may be another than the token endpoint's.
    fn by(only: Option<AuthMethod>, provider: &Provider, endpoints: &Endpoints, fields: &[(&str, &str)]) -> Self {
        let method = match (method(&provider.client, endpoints.token_auth), only) {
            (AuthMethod::Basic | AuthMethod::Post, Some(only)) => only,
            (method, _) => method,
        };
        let mut form = FormText::default();
        form.extend_pairs(fields);
        Self::authenticated(&provider.client, method, form)
    }

    /// Adds the client to a form for a token endpoint, which may take a secret by `only` one method.
    pub(super) fn new(client: &Client, only: Option<AuthMethod>, form: FormText) -> Self {
        Self::authenticated(client, method(client, only), form)
    }

    /// Adds the client to a form, as the method has it.
    fn authenticated(client: &Client, method: AuthMethod, mut form: FormText) -> Self {
        form.append_pair("client_id", &client.id);
        let mut authorization = None;
        match (method, &client.secret) {
            (AuthMethod::Basic, Some(secret)) => {
                let written = |text: &str| if client.raw_secret { text.to_owned() } else { percent_encoded(text) };
                let pair = [&*written(&client.id), ":", &written(secret.expose())].concat();
                authorization = Some(["Basic ", &base64(pair.as_bytes())].concat());
            }
            (AuthMethod::Post, Some(secret)) => {
                form.append_pair("client_secret", secret.expose());
            }
            (AuthMethod::PrivateKeyJwt | AuthMethod::None, _) | (_, None) => {}
        }
        Self { body: form.finish(), authorization, signed_answer: false }
    }

    /// Adds an assertion and its signature (RFC 7523 section 2.2).
    pub fn sign(&mut self, assertion: &str, signature: &str) {
        self.body +=
            "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=";
        self.body += &[assertion, ".", signature].concat();
    }
}

/// Returns the assertion that the client signs for an issuer at `now` (seconds since 1970), as header and claims (RFC 7523 section 3).
///
/// Each needs a `jti` of its own. Its audience is the issuer and not an endpoint: an assertion for a hostile provider that names the
/// endpoints of another is then worth nothing there.
pub fn client_assertion(client: &str, issuer: &str, key: &SigningKey, jti: &str, now: i64) -> String {
    let mut header = vec![("alg", key.alg.as_str().into()), ("typ", "JWT".into())];
    header.extend(key.kid.as_deref().map(|kid| ("kid", kid.into())));
    let claims = &mut [
        ("iss", client.into()),
        ("sub", client.into()),
        ("aud", issuer.into()),
        ("jti", jti.into()),
        ("iat", now.into()),
        ("exp", (now + ASSERTION_SECS).into()),
    ];
    let part = |members: &mut [(&str, Value)]| base64url(json::object(members).to_text().as_bytes());
    [part(&mut header), part(claims)].join(".")
}

/// Returns how the client authenticates at a token endpoint that may take a secret by `only` one method. A client is registered for
/// Basic unless it says otherwise (RFC 7591 section 2).
fn method(client: &Client, only: Option<AuthMethod>) -> AuthMethod {
    client.auth_method.or(only).unwrap_or(AuthMethod::Basic)
}

/// Encodes a text for Basic (RFC 6749 section 2.3.1) in the form that every decoder reads alike: a space as `%20`, since some do not
/// decode `+`, and `-._~` bare.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'*' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            _ => push_percent_encoded(byte, &mut encoded),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;
    use crate::oauth::login::tests::provider;
    use crate::secret::Secret;

    #[test]
    fn each_endpoint_gets_the_secret_by_a_method_that_it_takes() {
        use AuthMethod::{Basic, None as Nothing, Post};
        // What the config says; the only method of each of the two endpoints; how each of them gets the secret.
        type Row = (Option<AuthMethod>, [Option<AuthMethod>; 2], [AuthMethod; 2], &'static str);
        let table: [Row; 8] = [
            (None, [None, None], [Basic, Basic], "what clients are registered for"),
            (None, [Some(Post), None], [Post, Post], "the token endpoint takes only the form"),
            (None, [Some(Post), Some(Basic)], [Post, Basic], "the revocation endpoint takes only the header"),
            (Some(Post), [None, None], [Post, Post], "the config says so"),
            (Some(Post), [Some(Basic), None], [Post, Post], "the config knows better than the document"),
            (Some(Post), [None, Some(Basic)], [Post, Basic], "the config speaks of the token endpoint"),
            (Some(Basic), [Some(Post), Some(Post)], [Basic, Post], "the same the other way round"),
            (Some(Nothing), [Some(Basic), Some(Basic)], [Nothing, Nothing], "a public client"),
        ];
        let of = |form: &Form| match (&form.authorization, form.body.contains("client_secret=a+b")) {
            (Some(_), false) => Basic,
            (None, true) => Post,
            (None, false) => Nothing,
            (Some(_), true) => panic!("the secret goes twice"),
        };
        for (configured, [token_auth, revocation_auth], expected, message) in table {
            let mut provider = provider(&[]);
            (provider.client.secret, provider.client.auth_method) = (Some(Secret::new("a b".to_owned())), configured);
            let endpoints = Endpoints { token_auth, revocation_auth, ..Endpoints::of_auth0("https://idp.example") };
            let forms =
                [Form::for_tokens(&provider, &endpoints, &[], None), Form::for_revocation(&provider, &endpoints, &[])];
            assert_eq!(forms.each_ref().map(of), expected, "{message}");
            let pushed = Form::for_pushed(&provider, &endpoints, "a=b".to_owned());
            assert_eq!(of(&pushed), expected[0], "{message}: pushed as to the token endpoint");
            assert!(pushed.body.starts_with("a=b&client_id=client"), "{message}: {}", pushed.body);
            assert!(forms.iter().all(|form| form.body.contains("client_id=client")), "{message}: its name");
            provider.client.secret = None;
            let form = Form::for_tokens(&provider, &endpoints, &[], None);
            assert_eq!(of(&form), Nothing, "{message}, without a secret");
        }
    }

    #[test]
    fn an_assertion_names_the_client_the_issuer_and_a_minute() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#;
        let named = jwk.replacen('{', r#"{"kid":"k1","#, 1);
        let renamed = jwk.replacen('{', r#"{"alg":"Ed25519","#, 1);
        for (jwk, header) in [
            (jwk, r#"{"alg":"EdDSA","typ":"JWT"}"#),
            (&named, r#"{"alg":"EdDSA","kid":"k1","typ":"JWT"}"#),
            (&renamed, r#"{"alg":"Ed25519","typ":"JWT"}"#),
        ] {
            let assertion =
                client_assertion("client", "https://idp.example/", &SigningKey::parse(jwk).unwrap(), "j", 1_000);
            let parts =
                assertion.split('.').map(|part| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap());
            let claims =
                r#"{"aud":"https://idp.example/","exp":1060,"iat":1000,"iss":"client","jti":"j","sub":"client"}"#;
            assert_eq!(parts.collect::<Vec<_>>(), [header, claims]);
        }
    }

    #[test]
    fn an_assertion_goes_in_the_form_and_a_secret_does_not() {
        let mut provider = provider(&[]);
        (provider.client.secret, provider.client.auth_method) =
            (Some(Secret::new("s".to_owned())), Some(AuthMethod::PrivateKeyJwt));
        let endpoints =
            Endpoints { revocation_auth: Some(AuthMethod::Basic), ..Endpoints::of_auth0("https://idp.example") };
        let mut form = Form::for_revocation(&provider, &endpoints, &[("a", "b")]);
        form.sign("h.c", "s");
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        assert_eq!(form.authorization, None);
        let expected = format!("a=b&client_id=client&client_assertion_type={kind}&client_assertion=h.c.s");
        assert_eq!(form.body, expected);
    }

    #[test]
    fn the_resources_of_the_config_go_to_the_token_endpoint_and_not_to_another() {
        let resources = [("resource", "https://api.example/?a=b"), ("resource", "urn:example:b")];
        let named = "&resource=https%3A%2F%2Fapi.example%2F%3Fa%3Db&resource=urn%3Aexample%3Ab";
        let parameters = [&[("scope", "openid"), ("audience", "a")][..], &resources, &[("prompt", "login")]].concat();
        let endpoints = Endpoints::of_auth0("https://idp.example");
        for (parameters, named) in [(&parameters[..], named), (&[("scope", "openid")], "")] {
            let provider = provider(parameters);
            let tokens = Form::for_tokens(&provider, &endpoints, &[("a", "b")], None).body;
            assert_eq!(tokens, format!("a=b{named}&client_id=client"));
            assert_eq!(Form::for_revocation(&provider, &endpoints, &[("a", "b")]).body, "a=b&client_id=client");
            let target = TokenTarget { parameter: "audience", value: "urn:a", scope: "r w", audience: "urn:a" };
            let targeted = Form::for_tokens(&provider, &endpoints, &[("a", "b")], Some(&target)).body;
            assert_eq!(targeted, "a=b&audience=urn%3Aa&scope=r+w&client_id=client", "a target takes their place");
        }
    }

    #[test]
    fn a_secret_is_encoded_for_basic_as_everyone_decodes_it() {
        let table = [
            ("aZ09-._~", "aZ09-._~", "nothing to encode"),
            ("a b+c%d:e/f=", "a%20b%2Bc%25d%3Ae%2Ff%3D", "what means something elsewhere"),
            ("\u{e9}\"\n", "%C3%A9%22%0A", "everything else, as bytes of UTF-8"),
        ];
        let empty = || FormText::default();
        for (secret, expected, message) in table {
            let mut provider = provider(&[]);
            provider.client.secret = Some(Secret::new(secret.to_owned()));
            let form = Form::authenticated(&provider.client, AuthMethod::Basic, empty());
            let pair = STANDARD.decode(form.authorization.unwrap().strip_prefix("Basic ").unwrap()).unwrap();
            assert_eq!(String::from_utf8(pair).unwrap(), format!("client:{expected}"), "{message}");
            provider.client.raw_secret = true;
            let raw = Form::authenticated(&provider.client, AuthMethod::Basic, empty()).authorization.unwrap();
            let expected = format!("Basic {}", STANDARD.encode(format!("client:{secret}")));
            assert_eq!(raw, expected, "{message}, unencoded");
        }
    }
}
