//! Security schemes of a description: which of them are tokens that the gateway can verify, and who issues these.

use std::collections::HashMap;

use super::reference::follow;
use super::wishes::Wishes;
use crate::address::Address;
use crate::authoring::{Json, Provider};
use crate::config::authorizer::keys::{AUDIENCE, TYPE};
use crate::config::client::CLIENT_ID;
use crate::config::holds_reference;

/// The path of a discovery document, behind the issuer (OpenID Connect Discovery 1.0 section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// The domain of Auth0's tenants.
const AUTH0_SUFFIX: &str = ".auth0.com";

/// The note about an unknown tenant.
pub const UNKNOWN_ISSUER: &str = "the description does not name the issuer of the tokens";

/// What a requirement requires by a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// A token of the tenant at this index.
    Token(usize),
    /// Something else, in words.
    Other(String),
}

/// The schemes by name.
pub struct Schemes {
    by_name: HashMap<String, Scheme>,
    /// The tenants that issue their tokens, in the order of the description.
    pub tenants: Vec<Tenant>,
}

/// Who issues tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The name of its authorizer, if there are several.
    pub name: String,
    /// The type of its authorizer.
    pub provider: Provider,
    /// Its domain or issuer, if the description names it.
    pub known_as: Option<String>,
}

impl Schemes {
    /// Reads the section.
    pub fn read(description: &Json, wishes: &Wishes) -> Self {
        let mut schemes = Self { by_name: HashMap::new(), tenants: Vec::new() };
        let section = description.get("components").and_then(|components| components.get("securitySchemes"));
        for (name, node) in section.map(Json::members).unwrap_or_default() {
            let scheme = match follow(description, node) {
                Ok(node) => schemes.read_scheme(name, node, wishes),
                Err(lost) => Scheme::Other(format!("a scheme that {}", lost.reason)),
            };
            schemes.by_name.insert(name.clone(), scheme);
        }
        schemes
    }

    /// Returns the scheme of a name.
    pub fn find(&self, name: &str) -> Scheme {
        let undefined = || Scheme::Other("a scheme that the description does not define".to_owned());
        self.by_name.get(name).cloned().unwrap_or_else(undefined)
    }

    fn read_scheme(&mut self, name: &str, node: &Json, wishes: &Wishes) -> Scheme {
        let (provider, known_as) = match node.text("type").unwrap_or_default() {
            "http" if node.text("scheme").is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer")) => {
                (Provider::Auth0, None)
            }
            "http" => return Scheme::Other(format!("HTTP {} authentication", node.text("scheme").unwrap_or("other"))),
            "apiKey" => return Scheme::Other("an API key".to_owned()),
            "mutualTLS" => return Scheme::Other("a client certificate".to_owned()),
            "openIdConnect" => {
                by_discovery(node.text("openIdConnectUrl").unwrap_or_default()).unwrap_or((Provider::Oidc, None))
            }
            "oauth2" => by_flows(node.get("flows")).unwrap_or((Provider::Oidc, None)),
            other => return Scheme::Other(format!("a scheme of the type \"{other}\"")),
        };
        // In a config, such a text would be a reference to a binding.
        let known_as = known_as.filter(|known| !holds_reference(known));
        let (provider, known_as) = match (&wishes.tenant, wishes.provider) {
            (Some((provider, tenant)), _) => (*provider, Some(tenant.clone())),
            (None, Some(wished)) => (wished, known_as.and_then(|known| converted(&known, provider, wished))),
            (None, None) => (provider, known_as),
        };
        let same = |tenant: &Tenant| known_as.is_some() && tenant.provider == provider && tenant.known_as == known_as;
        let index = self.tenants.iter().position(same).unwrap_or_else(|| {
            let name = self.free_name(name);
            self.tenants.push(Tenant { name, provider, known_as });
            self.tenants.len() - 1
        });
        Scheme::Token(index)
    }

    /// Returns a name that can also begin the names of variables.
    fn free_name(&self, scheme: &str) -> String {
        let mut name: String = scheme.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name.insert_str(0, "tokens_");
        }
        while self.tenants.iter().any(|tenant| tenant.name.eq_ignore_ascii_case(&name)) {
            name.push('_');
        }
        name
    }
}

impl Tenant {
    /// Returns an unknown tenant.
    pub fn unknown(wishes: &Wishes) -> Self {
        let (provider, known_as) = match &wishes.tenant {
            Some((provider, tenant)) => (*provider, Some(tenant.clone())),
            None => (wishes.provider.unwrap_or(Provider::Auth0), None),
        };
        Self { name: "tokens".to_owned(), provider, known_as }
    }

    /// Returns its authorizer; if there are several, its variables have its name.
    pub fn to_json(&self, among_several: bool) -> Json {
        let reference = |name: &str| match among_several {
            true => format!("$env.{}_{name}", self.name.to_ascii_uppercase()),
            false => format!("$env.{}", self.provider.variable(name)),
        };
        let key = self.provider.tenant_key();
        let tenant = self.known_as.clone().unwrap_or_else(|| reference(&key.to_ascii_uppercase()));
        let mut members = Vec::new();
        if self.known_as.is_none() {
            members.push(("x-review".to_owned(), Json::Array(vec![UNKNOWN_ISSUER.into()])));
        }
        members.extend([
            (TYPE.name.to_owned(), self.provider.word().into()),
            (format!("x-{key}"), self.provider.about_tenant().into()),
            (key.to_owned(), Json::Text(tenant)),
            (CLIENT_ID.name.to_owned(), Json::Text(reference("CLIENT_ID"))),
            (
                format!("x-{}", AUDIENCE.name),
                "The API's identifier at the provider, which descriptions do not have.".into(),
            ),
            (AUDIENCE.name.to_owned(), Json::Text(reference("AUDIENCE"))),
        ]);
        Json::Object(members)
    }
}

/// Returns the tenant by the URL of its discovery document.
fn by_discovery(address: &str) -> Option<(Provider, Option<String>)> {
    let issuer = address.strip_suffix(DISCOVERY)?;
    let url = Address::parse(issuer)?;
    let usable = url.scheme() == "https" || url.scheme() == "http" && url.is_loopback();
    if !usable || url.has_credentials() || url.has_fragment() || url.query().is_some() {
        return None;
    }
    if url.path() == "/" && url.scheme() == "https" && url.host_and_port().ends_with(AUTH0_SUFFIX) {
        return Some((Provider::Auth0, Some(url.host_and_port().to_owned())));
    }
    Some((Provider::Oidc, Some(issuer.to_owned())))
}

/// Returns the tenant by the URLs of its flows, if they are Auth0's.
fn by_flows(flows: Option<&Json>) -> Option<(Provider, Option<String>)> {
    let addresses =
        flows?.members().iter().flat_map(|(_, flow)| [flow.text("authorizationUrl"), flow.text("tokenUrl")]);
    let url = addresses
        .flatten()
        .filter_map(Address::parse)
        .find(|url| url.scheme() == "https" && url.host_and_port().ends_with(AUTH0_SUFFIX))?;
    Some((Provider::Auth0, Some(url.host_and_port().to_owned())))
}

/// Converts a domain to an issuer, or an issuer to a domain, for another type of authorizer.
fn converted(known_as: &str, from: Provider, to: Provider) -> Option<String> {
    match (from, to) {
        (Provider::Auth0, Provider::Oidc) => Some(format!("https://{known_as}/")),
        (Provider::Oidc, Provider::Auth0) => {
            let url = Address::parse(known_as).filter(|url| url.scheme() == "https" && url.path() == "/")?;
            Some(url.host_and_port().to_owned())
        }
        (Provider::Auth0, Provider::Auth0) | (Provider::Oidc, Provider::Oidc) => Some(known_as.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants(schemes: &str, wishes: &Wishes) -> Vec<(String, String)> {
        let source = format!(r#"{{"components": {{"securitySchemes": {schemes}}}}}"#);
        let schemes = Schemes::read(&serde_json::from_str(&source).unwrap(), wishes);
        let shown = |tenant: &Tenant| {
            let known = tenant.known_as.as_deref().unwrap_or("?");
            (tenant.name.clone(), format!("{} {known}", tenant.provider.word()))
        };
        schemes.tenants.iter().map(shown).collect()
    }

    #[test]
    fn the_tenant_is_what_the_description_gives_away() {
        let oidc = |url: &str| format!(r#"{{"s": {{"type": "openIdConnect", "openIdConnectUrl": "{url}"}}}}"#);
        let flow = |url: &str| {
            format!(
                r#"{{"s": {{"type": "oauth2", "flows": {{"authorizationCode": {{"authorizationUrl": "{url}"}}}}}}}}"#
            )
        };
        let table = [
            (
                oidc("https://id.example.com/realms/a/.well-known/openid-configuration"),
                "oidc https://id.example.com/realms/a",
            ),
            (oidc("https://T.eu.auth0.com/.well-known/openid-configuration"), "auth0 t.eu.auth0.com"),
            (oidc("https://t.eu.auth0.com/a/.well-known/openid-configuration"), "oidc https://t.eu.auth0.com/a"),
            (oidc("http://id.example.com/.well-known/openid-configuration"), "oidc ?"),
            (oidc("/.well-known/openid-configuration"), "oidc ?"),
            (oidc("https://id.example.com/$env.REALM/.well-known/openid-configuration"), "oidc ?"),
            (oidc("https://$ENV.a.auth0.com/.well-known/openid-configuration"), "auth0 ?"),
            (oidc("https://u:p@id.example.com/.well-known/openid-configuration"), "oidc ?"),
            (flow("https://t.eu.auth0.com/authorize"), "auth0 t.eu.auth0.com"),
            (flow("https://evil-auth0.com/authorize"), "oidc ?"),
            (r#"{"s": {"type": "http", "scheme": "bearer"}}"#.to_owned(), "auth0 ?"),
        ];
        for (scheme, expected) in table {
            assert_eq!(tenants(&scheme, &Wishes::default()), [("s".to_owned(), expected.to_owned())], "{scheme}");
        }
    }

    #[test]
    fn what_is_wished_wins() {
        let schemes = r#"{
            "a": {"type": "openIdConnect", "openIdConnectUrl": "https://t.eu.auth0.com/.well-known/openid-configuration"},
            "b": {"type": "http", "scheme": "bearer"}
        }"#;
        let wishes = |provider, tenant| Wishes::new(None, provider, tenant).ok().unwrap();
        let shown = |wishes| tenants(schemes, &wishes).into_iter().map(|(_, tenant)| tenant).collect::<Vec<_>>();
        assert_eq!(shown(wishes(None, None)), ["auth0 t.eu.auth0.com", "auth0 ?"]);
        assert_eq!(shown(wishes(Some(Provider::Oidc), None)), ["oidc https://t.eu.auth0.com/", "oidc ?"]);
        assert_eq!(shown(wishes(None, Some("login.example.com"))), ["auth0 login.example.com"]);
        assert_eq!(shown(wishes(None, Some("https://id.example.com"))), ["oidc https://id.example.com"]);
    }

    #[test]
    fn names_are_fit_for_variables_and_stand_once() {
        let schemes = r#"{"a-b": {"type": "http", "scheme": "bearer"}, "a.B": {"type": "http", "scheme": "bearer"}, "1": {"type": "http", "scheme": "bearer"}}"#;
        let names: Vec<_> = tenants(schemes, &Wishes::default()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a_b", "a_B_", "tokens_1"]);
    }
}
