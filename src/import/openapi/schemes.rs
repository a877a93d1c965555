//! Security schemes of a description: which of them are tokens or API keys that the gateway can check, and who issues these.

use std::collections::{HashMap, HashSet};

use super::reference::follow;
use super::wishes::Wishes;
use crate::address::Address;
use crate::authoring::{Json, Provider};
use crate::config::authorizer::keys::{AUDIENCE, KEY_HEADER_DEFAULT, TYPE, api_key};
use crate::config::client::CLIENT_ID;
use crate::config::{check, holds_reference, is_prefix};
use crate::proxy::never_passes;

/// The path of a discovery document, behind the issuer (OpenID Connect Discovery 1.0 section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// The header of tokens, and of all schemes of HTTP authentication: a request has it once (RFC 9110 section 11.6.2).
const AUTHORIZATION: &str = "authorization";

/// The domain of Auth0's tenants.
const AUTH0_SUFFIX: &str = ".auth0.com";

/// The note about an unknown tenant.
pub const UNKNOWN_ISSUER: &str = "the description does not name the issuer of the tokens";

/// The note about API keys.
pub const OWN_KEYS: &str = "takes keys that `bargate key new` makes, and none that the upstream made; the upstream gets no key, and has to trust the gateway";

/// The KV namespace with the records of keys.
const KEY_NAMESPACE: &str = "API_KEYS";

/// The longest prefix that is made of a name.
const PREFIX_CHARS: usize = 24;

/// What a requirement requires by a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// A token or a key of the tenant at this index.
    Token(usize),
    /// Something else, in words, and where requests have it.
    Other(String, Comes),
}

/// Where a request has a credential that the gateway does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comes {
    /// In the query or a cookie.
    Beside,
    /// In the header of this name.
    Header(String),
    /// In the connection, which ends at the gateway.
    Connection,
    /// Nobody knows where.
    Elsewhere,
}

/// The schemes by name.
pub struct Schemes {
    by_name: HashMap<String, Scheme>,
    /// The tenants that issue them, in the order of the description.
    pub tenants: Vec<Tenant>,
    names: Words,
    prefixes: Words,
    /// The headers that keys come in, in small letters.
    key_headers: HashSet<String>,
}

/// Words that stand once, in whatever letters.
#[derive(Default)]
struct Words {
    taken: HashSet<String>,
    /// The number of the last one that was made of a word.
    numbers: HashMap<String, usize>,
}

impl Words {
    /// Takes a word; if it is taken, with a number.
    fn take(&mut self, word: &str) -> String {
        let number = self.numbers.entry(word.to_ascii_lowercase()).or_default();
        loop {
            *number += 1;
            let taken = if *number == 1 { word.to_owned() } else { format!("{word}_{number}") };
            if self.taken.insert(taken.to_ascii_lowercase()) {
                return taken;
            }
        }
    }
}

/// Who issues tokens or keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The name of its authorizer, if there are several.
    pub name: String,
    /// What it issues.
    pub issued: Issued,
}

/// What a tenant issues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issued {
    /// Tokens.
    Tokens {
        /// The type of its authorizer.
        provider: Provider,
        /// Its domain or issuer, if the description names it.
        known_as: Option<String>,
    },
    /// API keys: the gateway does.
    Keys {
        /// What they begin with.
        prefix: String,
        /// The header that they come in.
        header: String,
    },
}

impl Schemes {
    /// Reads the section.
    pub fn read(description: &Json, wishes: &Wishes) -> Self {
        let mut schemes = Self {
            by_name: HashMap::new(),
            tenants: Vec::new(),
            names: Words::default(),
            prefixes: Words::default(),
            key_headers: HashSet::new(),
        };
        let section = description.get("components").and_then(|components| components.get("securitySchemes"));
        let alone = named_alone(description);
        for (name, node) in section.map(Json::members).unwrap_or_default() {
            let scheme = match follow(description, node) {
                Ok(node) if node.text("type") == Some("apiKey") => schemes.read_key(name, node, &alone),
                Ok(node) => schemes.read_scheme(name, node, wishes),
                Err(lost) => Scheme::Other(format!("a scheme that {}", lost.reason), Comes::Elsewhere),
            };
            schemes.by_name.insert(name.clone(), scheme);
        }
        schemes
    }

    /// Returns the scheme of a name.
    pub fn find(&self, name: &str) -> Scheme {
        let undefined = || elsewhere("a scheme that the description does not define");
        self.by_name.get(name).cloned().unwrap_or_else(undefined)
    }

    fn read_scheme(&mut self, name: &str, node: &Json, wishes: &Wishes) -> Scheme {
        let (provider, known_as) = match node.text("type").unwrap_or_default() {
            "http" if node.text("scheme").is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer")) => {
                (Provider::Auth0, None)
            }
            "http" => {
                let what = format!("HTTP {} authentication", node.text("scheme").unwrap_or("other"));
                return Scheme::Other(what, Comes::Header(AUTHORIZATION.to_owned()));
            }
            "mutualTLS" => return Scheme::Other("a client certificate".to_owned(), Comes::Connection),
            "openIdConnect" => {
                by_discovery(node.text("openIdConnectUrl").unwrap_or_default()).unwrap_or((Provider::Oidc, None))
            }
            "oauth2" => by_flows(node.get("flows")).unwrap_or((Provider::Oidc, None)),
            other => return elsewhere(format!("a scheme of the type \"{other}\"")),
        };
        // In a config, such a text would be a reference to a binding.
        let known_as = known_as.filter(|known| !holds_reference(known));
        let (provider, known_as) = match (&wishes.tenant, wishes.provider) {
            (Some((provider, tenant)), _) => (*provider, Some(tenant.clone())),
            (None, Some(wished)) => (wished, known_as.and_then(|known| converted(&known, provider, wished))),
            (None, None) => (provider, known_as),
        };
        let is_known = known_as.is_some();
        let issued = Issued::Tokens { provider, known_as };
        let same = |tenant: &Tenant| is_known && tenant.issued == issued;
        let index = self.tenants.iter().position(same).unwrap_or_else(|| {
            let name = self.names.take(&name_of(name));
            self.tenants.push(Tenant { name, issued });
            self.tenants.len() - 1
        });
        Scheme::Token(index)
    }

    /// Reads a scheme of keys: the gateway takes those in a header that a requirement names by themselves. Beside another credential, the
    /// upstream has to check them, and gets them as they come.
    fn read_key(&mut self, name: &str, node: &Json, alone: &HashSet<&str>) -> Scheme {
        let header = match (node.text("in"), node.text("name")) {
            (Some("header"), Some(header)) if alone.contains(name) => header,
            (Some("header"), Some(header)) => {
                return Scheme::Other("an API key".to_owned(), Comes::Header(header.to_owned()));
            }
            (Some("query"), _) => return Scheme::Other("an API key in the query".to_owned(), Comes::Beside),
            (Some("cookie"), _) => return Scheme::Other("an API key in a cookie".to_owned(), Comes::Beside),
            _ => return elsewhere("an API key"),
        };
        let (name, prefix) = (name_of(name), prefix_of(name));
        let of = |name, prefix| Tenant { name, issued: Issued::Keys { prefix, header: header.to_owned() } };
        let tenant = of(name.clone(), prefix.clone());
        let members = Json::object([("authorizer", tenant.to_json(false)), ("paths", Json::Array(Vec::new()))]);
        // In a config, such a name would be a reference to a binding.
        if holds_reference(header) || !check(&members.to_file_text()).is_empty() {
            let what = format!("an API key in the header \"{header}\", in which the gateway takes none");
            return Scheme::Other(what, Comes::Header(header.to_owned()));
        }
        self.tenants.push(of(self.names.take(&name), self.prefixes.take(&prefix)));
        self.key_headers.insert(header.to_ascii_lowercase());
        Scheme::Token(self.tenants.len() - 1)
    }

    /// Checks whether a tenant issues API keys.
    pub fn has_keys(&self, tenant: usize) -> bool {
        self.tenants.get(tenant).is_some_and(Tenant::has_keys)
    }

    /// Checks whether the upstream gets this of a request with an API key: as of one with a token, unless it is the header of another key,
    /// which the gateway refuses.
    pub fn can_come_beside_a_key(&self, comes: &Comes) -> bool {
        let is_key = matches!(comes, Comes::Header(name) if self.key_headers.contains(&name.to_ascii_lowercase()));
        !is_key && comes.can_come_beside_a_token()
    }
}

impl Comes {
    /// Checks whether a request that has a token can have this too, and the upstream gets it.
    pub fn can_come_beside_a_token(&self) -> bool {
        match self {
            Self::Beside => true,
            Self::Header(name) => comes_through(name),
            Self::Connection | Self::Elsewhere => false,
        }
    }
}

/// Checks whether an upstream gets a header of a client that has a token too.
fn comes_through(name: &str) -> bool {
    !name.eq_ignore_ascii_case(AUTHORIZATION) && !never_passes(name)
}

/// Returns what a scheme's authorizer is called: a name that can also begin the names of variables.
fn name_of(scheme: &str) -> String {
    let mut name: String = scheme.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert_str(0, "tokens_");
    }
    name
}

/// Returns what the keys of a scheme begin with.
fn prefix_of(scheme: &str) -> String {
    let small = scheme.to_ascii_lowercase();
    let words = small.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut prefix = words.collect::<Vec<_>>().join("_");
    prefix.truncate(PREFIX_CHARS);
    Some(prefix.trim_end_matches('_')).filter(|prefix| is_prefix(prefix)).unwrap_or("key").to_owned()
}

/// Returns a scheme of which nobody knows whether the upstream gets it.
fn elsewhere(what: impl Into<String>) -> Scheme {
    Scheme::Other(what.into(), Comes::Elsewhere)
}

/// Returns the names of schemes that a requirement names by themselves.
fn named_alone(description: &Json) -> HashSet<&str> {
    let (mut names, mut open) = (HashSet::new(), vec![description]);
    while let Some(node) = open.pop() {
        open.extend(node.items());
        for (key, value) in node.members() {
            open.push(value);
            let alternatives = if key == "security" { value.items() } else { &[] };
            names.extend(alternatives.iter().filter_map(|one| match one.members() {
                [(name, _)] => Some(name.as_str()),
                _ => None,
            }));
        }
    }
    names
}

impl Tenant {
    /// Returns an unknown tenant.
    pub fn unknown(wishes: &Wishes) -> Self {
        let (provider, known_as) = match &wishes.tenant {
            Some((provider, tenant)) => (*provider, Some(tenant.clone())),
            None => (wishes.provider.unwrap_or(Provider::Auth0), None),
        };
        Self { name: "tokens".to_owned(), issued: Issued::Tokens { provider, known_as } }
    }

    /// Checks whether it issues API keys.
    pub fn has_keys(&self) -> bool {
        matches!(self.issued, Issued::Keys { .. })
    }

    /// Checks whether it issues tokens, and the description does not name it.
    pub fn is_unknown(&self) -> bool {
        matches!(self.issued, Issued::Tokens { known_as: None, .. })
    }

    /// Returns its authorizer; if there are several, its variables have its name.
    pub fn to_json(&self, among_several: bool) -> Json {
        let (provider, known_as) = match &self.issued {
            Issued::Tokens { provider, known_as } => (provider, known_as),
            Issued::Keys { prefix, header } => {
                let mut members = vec![
                    ("x-review".to_owned(), Json::Array(vec![OWN_KEYS.into()])),
                    (TYPE.name.to_owned(), "api_key".into()),
                    (api_key::PREFIX.name.to_owned(), Json::Text(prefix.clone())),
                ];
                if !header.eq_ignore_ascii_case(KEY_HEADER_DEFAULT) {
                    members.push((api_key::HEADER.name.to_owned(), Json::Text(header.clone())));
                }
                members.push((api_key::KV.name.to_owned(), KEY_NAMESPACE.into()));
                return Json::Object(members);
            }
        };
        let reference = |name: &str| match among_several {
            true => format!("$env.{}_{name}", self.name.to_ascii_uppercase()),
            false => format!("$env.{}", provider.variable(name)),
        };
        let key = provider.tenant_key();
        let tenant = known_as.clone().unwrap_or_else(|| reference(&key.to_ascii_uppercase()));
        let mut members = Vec::new();
        if known_as.is_none() {
            members.push(("x-review".to_owned(), Json::Array(vec![UNKNOWN_ISSUER.into()])));
        }
        members.extend([
            (TYPE.name.to_owned(), provider.word().into()),
            (format!("x-{key}"), provider.about_tenant().into()),
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
            let issued = match &tenant.issued {
                Issued::Tokens { provider, known_as } => {
                    format!("{} {}", provider.word(), known_as.as_deref().unwrap_or("?"))
                }
                Issued::Keys { prefix, header } => format!("{prefix} in {header}"),
            };
            (tenant.name.clone(), issued)
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
        assert_eq!(names, ["a_b", "a_B_2", "tokens_1"]);
    }

    #[test]
    fn words_stand_once_and_are_found_at_once() {
        let mut words = Words::default();
        for (word, expected) in
            [("k_2", "k_2"), ("k", "k"), ("K", "K_3"), ("k_2", "k_2_2"), ("k", "k_4"), ("k_3", "k_3_2")]
        {
            assert_eq!(words.take(word), expected);
        }
        // Each try leaves a number behind, so that none is tried again.
        (0..20_000).for_each(|_| drop(words.take("many")));
        assert_eq!(words.take("many"), "many_20001");
    }

    #[test]
    fn keys_in_a_header_are_taken_if_they_are_named_by_themselves() {
        let of = |schemes: &str, security: &str| {
            let source = format!(r#"{{"security": {security}, "components": {{"securitySchemes": {schemes}}}}}"#);
            let schemes = Schemes::read(&serde_json::from_str(&source).unwrap(), &Wishes::default());
            let shown = |tenant: &Tenant| match &tenant.issued {
                Issued::Keys { prefix, header } => format!("{}: {prefix} in {header}", tenant.name),
                Issued::Tokens { .. } => tenant.name.clone(),
            };
            (schemes.tenants.iter().map(shown).collect::<Vec<_>>().join(", "), schemes.find("k"))
        };
        let scheme =
            |place: &str, name: &str| format!(r#"{{"k": {{"type": "apiKey", "in": "{place}", "name": "{name}"}}}}"#);
        let other = |words: &str, comes| Scheme::Other(words.to_owned(), comes);
        let header = |name: &str| Comes::Header(name.to_owned());
        let alone = r#"[{"k": []}]"#;
        for (schemes, security, tenants, expected) in [
            (scheme("header", "X-Key"), alone, "k: k in X-Key", Scheme::Token(0)),
            (scheme("header", "X-Key"), r#"[{"k": [], "t": []}]"#, "", other("an API key", header("X-Key"))),
            (scheme("header", "X-Key"), "[]", "", other("an API key", header("X-Key"))),
            (scheme("query", "key"), alone, "", other("an API key in the query", Comes::Beside)),
            (scheme("cookie", "key"), alone, "", other("an API key in a cookie", Comes::Beside)),
            (scheme("body", "key"), alone, "", other("an API key", Comes::Elsewhere)),
            (
                scheme("header", "Authorization"),
                alone,
                "",
                other("an API key in the header \"Authorization\", in which the gateway takes none", header("Authorization")),
            ),
            (
                scheme("header", "X Key"),
                alone,
                "",
                other("an API key in the header \"X Key\", in which the gateway takes none", header("X Key")),
            ),
            (
                scheme("header", "$secret.NAME"),
                alone,
                "",
                other("an API key in the header \"$secret.NAME\", in which the gateway takes none", header("$secret.NAME")),
            ),
            (
                r#"{"k": {"type": "apiKey", "in": "header", "name": "A"}, "K_": {"type": "apiKey", "in": "header", "name": "B"},
                    "1": {"type": "apiKey", "in": "header", "name": "C"}}"#
                    .to_owned(),
                r#"[{"k": []}, {"K_": []}, {"1": []}]"#,
                "k: k in A, K_: k_2 in B, tokens_1: key in C",
                Scheme::Token(0),
            ),
        ] {
            assert_eq!(of(&schemes, security), (tenants.to_owned(), expected), "{schemes} {security}");
        }
    }
}
