//! The configs to start from: the files of `examples/providers`, which `bargate init` writes as they are.
//!
//! What a variable of such a file is for follows from its place, so nothing here knows a provider. Notes for people are under keys
//! that begin with `x-`, beside their subject.

use crate::config::authorizer::keys::{self as authorizer_keys, auth0, oidc};
use crate::config::grammar::Json;
use crate::config::integration::keys::{self as integration_keys, Kind, callback};
use crate::config::path::keys::{self as path_keys, INTEGRATION, PATH};
use crate::config::{
    Diagnostic, Reference, ReferenceKind, access, authorization_server, check, cors, placed_references, provider, root,
    server, session,
};

/// The key of the notes on what to set at the provider.
const AT_THE_PROVIDER: &str = "x-at-the-provider";
/// The key of the documentation that a config follows, if nobody has run it at its provider.
const DOCUMENTED: &str = "x-documented-not-run";
/// The end of the name of a file for pages that hold their tokens, if its provider has two.
const OF_TOKENS: &str = "-tokens";
/// The same for MCP servers.
const OF_MCP: &str = "-mcp";
/// The schema from the folder of the files, and from that of a config.
const SCHEMA: (&str, &str) = ("../../gateway.schema.json", "./gateway.schema.json");

/// Makes the list of all starting points, each with the text of its file.
macro_rules! starting_points {
    ($($file:literal),* $(,)?) => {
        [$(StartingPoint {
            file: $file,
            text: include_str!(concat!("../../examples/providers/", $file, ".json")),
        }),*]
    };
}

/// Every starting point, in the order in which providers are offered.
const STARTING_POINTS: &[StartingPoint] = &starting_points![
    "auth0",
    "auth0-tokens",
    "auth0-mcp",
    "oidc",
    "oidc-tokens",
    "oidc-mcp",
    "apple",
    "azure-ad-b2c",
    "clerk",
    "cognito",
    "cognito-mcp",
    "entra-id",
    "entra-id-mcp",
    "entra-id-organizations",
    "firebase",
    "github-actions",
    "google",
    "keycloak",
    "kubernetes",
    "logto",
    "okta",
    "zitadel",
    "auth0-simulator",
    "authlib",
    "better-auth",
    "better-auth-post",
    "better-auth-post-opaque",
    "canaille",
    "canaille-post",
    "cognito-moto",
    "django-oauth-toolkit",
    "django-oauth-toolkit-opaque",
    "glewlwyd",
    "lemonldap-ng",
    "lemonldap-ng-opaque",
    "oauth2-mock-server",
    "oauth2-mock-server-as-it-comes",
    "oidc-provider",
    "oidc-provider-form-post",
    "oidc-provider-id-token",
    "oidc-provider-opaque",
    "oidc-provider-private-key-jwt",
    "oidc-provider-resource",
];

/// Who holds the tokens of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// The gateway; the browser has a cookie. Right for most.
    Session,
    /// The page itself. For a page on another site, or a client that is no browser.
    Tokens,
}

/// A text that a starting point depends on, and that `init` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The tenant's domain or issuer.
    Tenant,
    /// The API's identifier.
    Audience,
    /// The API's address.
    Upstream,
}

/// A config to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartingPoint {
    file: &'static str,
    text: &'static str,
}

/// A variable or a secret of a starting point.
#[derive(Debug)]
pub struct Variable {
    /// Its name, and whether it is a secret.
    pub reference: Reference,
    /// What it is for.
    pub meaning: Meaning,
    /// The config paths that refer to it.
    places: Vec<String>,
}

/// What a variable is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// An answer of the person who begins.
    Answer(Asked),
    /// An address of the gateway: its origin, followed by this path.
    Own(String),
    /// Something that the provider gives, such as the client's id.
    Given,
}

/// The documentation that a config follows.
pub struct Documentation {
    /// The addresses of its pages.
    pub pages: Vec<String>,
    /// Their date.
    pub date: String,
}

impl StartingPoint {
    /// Returns every provider's name.
    pub fn providers() -> impl Iterator<Item = &'static str> {
        STARTING_POINTS
            .iter()
            .map(|point| point.file)
            .filter(|file| ![OF_TOKENS, OF_MCP].iter().any(|end| file.ends_with(end)))
    }

    /// Returns the starting points of a provider: one, or one for each mode.
    pub fn of(provider: &str) -> impl Iterator<Item = Self> {
        STARTING_POINTS.iter().copied().filter(move |point| point.provider() == provider)
    }

    /// Returns the provider's name.
    pub fn provider(&self) -> &'static str {
        [OF_TOKENS, OF_MCP].iter().find_map(|end| self.file.strip_suffix(end)).unwrap_or(self.file)
    }

    /// Checks whether it is for MCP servers, whose clients log in by themselves.
    pub fn is_for_mcp(&self) -> bool {
        self.file.ends_with(OF_MCP)
    }

    /// Returns the name of its file, without the extension.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// Returns what the config is for, as its title says.
    pub fn title(&self) -> String {
        self.config().text(root::TITLE.name).unwrap_or_default().to_owned()
    }

    /// Returns the text of the file, to be written beside the schema.
    pub fn file_text(&self) -> String {
        let (from_here, beside) = SCHEMA;
        self.text.replacen(from_here, beside, 1)
    }

    /// Returns who holds the tokens; `None` if nobody logs in.
    pub fn mode(&self) -> Option<Mode> {
        let config = self.config();
        if config.get(root::SESSION.name).is_some() {
            return Some(Mode::Session);
        }
        paths(&config).any(|(_, integration)| is_a(integration, Kind::Callback)).then_some(Mode::Tokens)
    }

    /// Returns the notes on what to set at the provider.
    pub fn notes(&self) -> Vec<String> {
        texts(self.config().get(AT_THE_PROVIDER))
    }

    /// Returns the documentation that the config follows; `None` if it was run.
    pub fn documentation(&self) -> Option<Documentation> {
        let config = self.config();
        let followed = config.get(DOCUMENTED)?;
        Some(Documentation { pages: texts(followed.get("pages")), date: followed.text("date")?.to_owned() })
    }

    /// Returns the note beside the place of a variable, if the file has one.
    pub fn note(&self, variable: &Variable) -> Option<String> {
        let key = variable.places.first()?.strip_prefix("authorizer.")?.split(['.', '[']).next()?;
        let config = self.config();
        config.get(root::AUTHORIZER.name)?.text(&format!("x-{key}")).map(str::to_owned)
    }

    /// Returns the variables and secrets that the config refers to, in the order of the file.
    pub fn variables(&self) -> Vec<Variable> {
        let config = self.config();
        let mut variables: Vec<Variable> = Vec::new();
        for (reference, place) in placed_references(self.text) {
            let meaning = meaning(&config, &reference, &place);
            match variables.iter_mut().find(|variable| variable.reference == reference) {
                None => variables.push(Variable { reference, meaning, places: vec![place] }),
                Some(variable) => {
                    variable.places.push(place);
                    if variable.meaning == Meaning::Given {
                        variable.meaning = meaning;
                    }
                }
            }
        }
        variables
    }

    /// Returns the variable that has an answer; `None` if the config does not depend on it.
    pub fn variable(&self, asked: Asked) -> Option<Variable> {
        self.variables().into_iter().find(|variable| variable.meaning == Meaning::Answer(asked))
    }

    /// Checks whether the tenant is a host, not an issuer's URL.
    pub fn has_domain(&self) -> bool {
        tenant_key(&self.config()) == auth0::DOMAIN.name
    }

    /// Returns why no config may have an answer; `None` if one may.
    pub fn mistake(&self, asked: Asked, answer: &str) -> Option<Diagnostic> {
        let variable = self.variable(asked)?;
        let written = Json::from(variable.reference.to_string()).one_line();
        let text = self.text.replace(&written, &Json::from(answer).one_line());
        check(&text).into_iter().find(|mistake| variable.places.contains(&mistake.path))
    }

    /// Returns the addresses of the gateway that the provider has to know: what each is, and its path.
    pub fn addresses(&self) -> Vec<(&'static str, String)> {
        let config = self.config();
        let mut addresses = Vec::new();
        for variable in self.variables() {
            let is_redirect = variable.places.iter().any(|place| place.ends_with(provider::REDIRECT_URI.name));
            if let Meaning::Own(path) = variable.meaning
                && is_redirect
            {
                addresses.push(("Redirect URI", path));
            }
        }
        if config.get(root::AUTHORIZATION_SERVER.name).is_some() {
            addresses.push(("Redirect URI", authorization_server::Endpoint::Callback.path().to_owned()));
        }
        for (path, integration) in paths(&config) {
            if is_a(integration, Kind::Logout) {
                let landing = config.get(root::SESSION.name).and_then(|one| one.text(session::AFTER_LOGOUT.name));
                addresses.push(("Post-logout redirect URI", landing.unwrap_or("/").to_owned()));
            } else if is_a(integration, Kind::BackchannelLogout) {
                addresses.push(("Back-channel logout URI", path.to_owned()));
            }
        }
        addresses
    }

    fn config(&self) -> Json {
        Json::parse(self.text)
    }
}

/// Returns the texts of a list.
fn texts(list: Option<&Json>) -> Vec<String> {
    let items = list.into_iter().flat_map(Json::items);
    items.filter_map(|item| if let Json::Text(text) = item { Some(text.clone()) } else { None }).collect()
}

/// Returns the address and the integration of every path that has one.
fn paths(config: &Json) -> impl Iterator<Item = (&str, &Json)> {
    let paths = config.get(root::PATHS.name).into_iter().flat_map(Json::items);
    paths.filter_map(|path| Some((path.text(PATH.name)?, path.get(INTEGRATION.name)?)))
}

fn is_a(integration: &Json, kind: Kind) -> bool {
    let name = integration.text(integration_keys::TYPE.name);
    integration_keys::KINDS.iter().any(|(other, its)| *its == kind && Some(*other) == name)
}

/// Returns the name of an authorizer of several, if a section is one.
fn name_of_authorizer(section: &str) -> Option<&str> {
    section.strip_prefix(root::AUTHORIZERS.name)?.strip_prefix('.')
}

/// Returns the path of the resource that takes tokens of an authorizer, without its wildcard.
fn path_of_resource(config: &Json, authorizer: &str) -> Option<String> {
    let mut entries = config.get(root::PATHS.name)?.items().iter();
    let takes = |auth: Option<&Json>| auth.and_then(|auth| auth.text(access::AUTHORIZER.name)) == Some(authorizer);
    let is_its = |entry: &&Json| {
        entry.get(path_keys::PROTECTED_RESOURCE.name).is_some() && takes(entry.get(path_keys::AUTH.name))
    };
    Some(entries.find(is_its)?.text(PATH.name)?.trim_end_matches("/{.+}").to_owned())
}

/// Returns the key of the authorizer that names the tenant.
fn tenant_key(config: &Json) -> &'static str {
    let several = config.get(root::AUTHORIZERS.name).map(Json::members).unwrap_or_default().iter();
    let mut authorizers = config.get(root::AUTHORIZER.name).into_iter().chain(several.map(|(_, one)| one));
    let has_domain = authorizers.any(|authorizer| authorizer.get(auth0::DOMAIN.name).is_some());
    if has_domain { auth0::DOMAIN.name } else { oidc::ISSUER.name }
}

/// Returns what a reference at `place` is for.
fn meaning(config: &Json, reference: &Reference, place: &str) -> Meaning {
    if reference.kind == ReferenceKind::Secret {
        return Meaning::Given;
    }
    let (section, key) = place.rsplit_once('.').unwrap_or(("", place));
    let one_of_several = name_of_authorizer(section);
    let of_authorizer = one_of_several.is_some() || section == root::AUTHORIZER.name;
    if of_authorizer && key == tenant_key(config) {
        return Meaning::Answer(Asked::Tenant);
    }
    if of_authorizer && key == authorizer_keys::AUDIENCE.name {
        let resource = one_of_several.and_then(|name| path_of_resource(config, name));
        return resource.map_or(Meaning::Answer(Asked::Audience), Meaning::Own);
    }
    if key == server::URL.name && section.strip_prefix(root::SERVERS.name) == Some("[0]") {
        return Meaning::Answer(Asked::Upstream);
    }
    let is_issuer = section == root::AUTHORIZATION_SERVER.name && key == authorization_server::ISSUER.name;
    if is_issuer || key == callback::TARGET_ORIGIN.name || key.starts_with(cors::ALLOW_ORIGINS.name) {
        return Meaning::Own(String::new());
    }
    if key != provider::REDIRECT_URI.name {
        return Meaning::Given;
    }
    // Without sessions, the provider redirects to the page, which calls the callback itself.
    if of_authorizer && config.get(root::SESSION.name).is_none() {
        return Meaning::Own("/".to_owned());
    }
    let own = (!of_authorizer).then(|| reference.to_string());
    let mut callbacks = paths(config).filter(|(_, integration)| is_a(integration, Kind::Callback));
    let called = callbacks.find(|(_, integration)| integration.text(callback::REDIRECT_URI.name) == own.as_deref());
    called.map_or(Meaning::Given, |(path, _)| Meaning::Own(path.to_owned()))
}
