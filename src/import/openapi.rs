//! Makes a config from an OpenAPI description: a path for each operation.
//!
//! It ignores parameters, bodies and responses, which are the upstream's.

mod access;
mod notes;
mod reference;
mod routes;
mod schemes;
mod servers;
mod shared;
mod template;
mod vendor;
mod wishes;

#[cfg(test)]
mod openness;

use crate::authoring::{Asked, Json, Provider};
use crate::config::{Diagnostic, check, root};
use notes::{AlsoIn, one_line};
use routes::{Answer, Routes};
use schemes::{OWN_KEYS, Schemes, Tenant, UNKNOWN_ISSUER};
use servers::Servers;

pub use wishes::Wishes;

/// The result for a description.
pub enum Imported {
    /// A config that passes `check`.
    Config {
        /// Its text.
        config: String,
        /// What could not be taken over, each with its place.
        notes: Vec<String>,
        /// What was taken over.
        summary: String,
    },
    /// Nothing, for these reasons.
    Nothing {
        /// Each with its place.
        reasons: Vec<String>,
    },
}

impl Wishes {
    /// Takes the wishes of the command line; a tenant that is a URL is an issuer.
    ///
    /// # Errors
    /// Every one that no config may have, by its flag.
    pub fn new(server: Option<&str>, provider: Option<Provider>, tenant: Option<&str>) -> Result<Self, Vec<String>> {
        let by_form = |tenant: &str| if tenant.starts_with("https://") { Provider::Oidc } else { Provider::Auth0 };
        let tenant = tenant.map(|tenant| (provider.unwrap_or_else(|| by_form(tenant)), tenant.to_owned()));
        let flags = [
            ("--server", server.and_then(|url| Provider::Auth0.mistake(Asked::Upstream, url))),
            ("--tenant", tenant.as_ref().and_then(|(provider, tenant)| provider.mistake(Asked::Tenant, tenant))),
        ];
        let wrong = flags.into_iter().filter_map(|(flag, mistake)| {
            let Diagnostic { message, help, .. } = mistake?;
            Some(format!("{flag}: {message}{}", help.map(|help| format!(": {help}")).unwrap_or_default()))
        });
        let wrong: Vec<_> = wrong.collect();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Self { server: server.map(str::to_owned), provider, tenant })
    }
}

/// Makes a config from the description that is called `name`.
pub fn import(description: &Json, wishes: &Wishes, name: &str) -> Imported {
    let nothing = |reasons: Vec<String>| Imported::Nothing { reasons };
    let version = match version(description) {
        Ok(version) => version,
        Err(reason) => return nothing(vec![reason]),
    };
    let schemes = Schemes::read(description, wishes);
    let mut routes = Routes::new(description, &schemes, Servers::new(wishes.server.as_deref()));
    routes.read();
    if !routes.reasons.is_empty() {
        return nothing(routes.reasons);
    }
    let title = description.get("info").and_then(|info| info.text("title")).unwrap_or("an API");
    let about = format!("Made from {name} (OpenAPI {version}). Review the notes under x-review.");
    let mut members = vec![
        (root::SCHEMA.name.to_owned(), "./gateway.schema.json".into()),
        // A text of the description gets a prefix, because by itself it could be a reference.
        (root::TITLE.name.to_owned(), Json::Text(format!("Gateway of {}", one_line(title)))),
        (root::DESCRIPTION.name.to_owned(), Json::Text(about)),
        (root::SERVERS.name.to_owned(), routes.servers.to_json()),
    ];
    let authorizers = Authorizers::of(&routes, &schemes, wishes);
    for note in authorizers.notes() {
        routes.notes.add(AlsoIn::Nothing, "", note);
    }
    members.extend(authorizers.to_json());
    let paths = routes.list.iter().map(|route| route.to_json(|access| authorizers.names(&access.tenants)));
    members.push((root::PATHS.name.to_owned(), Json::Array(paths.collect())));
    let config = Json::Object(members).to_file_text();
    let mistakes: Vec<_> =
        check(&config).iter().map(|mistake| format!("the config would be refused: {mistake}")).collect();
    if !mistakes.is_empty() {
        return nothing(mistakes);
    }
    let proxied: Vec<_> = routes.list.iter().filter(|route| matches!(route.answer, Answer::Upstream(_))).collect();
    if proxied.iter().all(|route| route.access.is_none()) {
        routes.notes.add(AlsoIn::Nothing, "", "no operation requires a token: every path is open");
    }
    let (operations, taken) = (routes.operations, routes.taken());
    let summary = format!("operations: {operations}, taken over: {taken}, paths: {}", proxied.len());
    Imported::Config { config, notes: routes.notes.lines(true), summary }
}

/// Returns the version of OpenAPI.
fn version(description: &Json) -> Result<String, String> {
    if let Some(Json::Text(version) | Json::Number(version)) = description.get("swagger") {
        return Err(format!("is Swagger {version}; convert it to OpenAPI 3 first"));
    }
    let version = match description.get("openapi") {
        Some(Json::Text(version) | Json::Number(version)) => version,
        _ => {
            return Err("has no \"openapi\": \"3.0.…\" or \"3.1.…\", so it is not an OpenAPI 3 description".to_owned());
        }
    };
    match version.split('.').take(2).collect::<Vec<_>>().as_slice() {
        ["3", "0" | "1"] => Ok(version.clone()),
        _ => Err(format!("is OpenAPI {version}; only 3.0 and 3.1 are supported")),
    }
}

/// The authorizers that the config has.
struct Authorizers {
    /// Each with its index among the description's tenants; `None` if the description does not name it.
    used: Vec<(Option<usize>, Tenant)>,
}

impl Authorizers {
    /// Returns those whose tokens or keys a path requires. Those of tokens come first: a path that requires a token and names none has the first.
    fn of(routes: &Routes<'_>, schemes: &Schemes, wishes: &Wishes) -> Self {
        let accesses = || routes.list.iter().filter_map(|route| route.access.as_ref());
        let tenants = schemes.tenants.iter().enumerate();
        let mut used: Vec<_> = tenants
            .filter(|(index, _)| accesses().any(|access| access.tenants.contains(index)))
            .map(|(index, tenant)| (Some(index), tenant.clone()))
            .collect();
        used.sort_by_key(|(_, tenant)| tenant.has_keys());
        let lacks_tokens = used.first().is_none_or(|(_, tenant)| tenant.has_keys());
        if lacks_tokens && accesses().any(|access| access.tenants.is_empty()) {
            used.insert(0, (None, Tenant::unknown(wishes)));
        }
        Self { used }
    }

    /// Returns the names of the authorizers of some tenants, if there are several.
    fn names(&self, tenants: &[usize]) -> Vec<&str> {
        let is_meant = |index: &Option<usize>| index.is_some_and(|index| tenants.contains(&index));
        let found = self.used.iter().filter(|(index, _)| self.used.len() > 1 && is_meant(index));
        found.map(|(_, tenant)| tenant.name.as_str()).collect()
    }

    /// Returns the notes about them.
    fn notes(&self) -> Vec<String> {
        let place = |tenant: &Tenant| match self.used.len() {
            1 => root::AUTHORIZER.name.to_owned(),
            _ => format!("{}.{}", root::AUTHORIZERS.name, tenant.name),
        };
        let mut notes = Vec::new();
        for (_, tenant) in &self.used {
            if tenant.is_unknown() {
                let advice = if self.used.len() == 1 { "; name the tenant by --tenant" } else { "" };
                notes.push(format!("{}: {UNKNOWN_ISSUER}{advice}", place(tenant)));
            } else if tenant.has_keys() {
                notes.push(format!("{}: {OWN_KEYS}", place(tenant)));
            }
        }
        if self.used.iter().filter(|(_, tenant)| !tenant.has_keys()).count() > 1 {
            let about = "the tokens have several issuers; if they have only one, name it by --tenant";
            notes.push(format!("{}: {about}", root::AUTHORIZERS.name));
        }
        notes
    }

    fn to_json(&self) -> Option<(String, Json)> {
        match self.used.as_slice() {
            [] => None,
            [(_, tenant)] => Some((root::AUTHORIZER.name.to_owned(), tenant.to_json(false))),
            several => {
                let members = several.iter().map(|(_, tenant)| (tenant.name.clone(), tenant.to_json(true)));
                Some((root::AUTHORIZERS.name.to_owned(), Json::Object(members.collect())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Imports a description of OpenAPI 3.1 with these members; gives `METHOD path auth` of each entry, or the reasons.
    fn routes(members: &str) -> Result<(Vec<String>, String), String> {
        let discovery = "https://id.example/.well-known/openid-configuration";
        let schemes = format!(
            r#""token": {{"type": "http", "scheme": "bearer"}}, "key": {{"type": "apiKey"}},
                "partner": {{"type": "apiKey", "in": "header", "name": "x-key"}},
                "other": {{"type": "openIdConnect", "openIdConnectUrl": "{discovery}"}}"#
        );
        let components = format!(r#""components": {{"securitySchemes": {{{schemes}}}}}"#);
        let source = format!(r#"{{"openapi": "3.1.0", {components}, {members}}}"#);
        match import(&serde_json::from_str(&source).unwrap(), &Wishes::default(), "test") {
            Imported::Nothing { reasons } => Err(reasons.join("\n")),
            Imported::Config { config, notes, .. } => {
                let config: Json = serde_json::from_str(&config).unwrap();
                let shown = |path: &Json| {
                    let auth =
                        path.get("auth").map(|auth| format!(" {}", auth.to_file_text().trim())).unwrap_or_default();
                    let kind = path.get("integration").and_then(|integration| integration.text("type"));
                    let blocked = if kind == Some("static") { " blocked" } else { "" };
                    format!("{} {}{auth}{blocked}", path.text("method").unwrap(), path.text("path").unwrap())
                };
                Ok((config.get("paths").unwrap().items().iter().map(shown).collect(), notes.join("\n")))
            }
        }
    }

    #[test]
    fn what_is_odd_in_a_description_opens_nothing() {
        let table = [
            (
                "an operation inherits what the top asks for",
                r#""security": [{"token": []}], "paths": {"/a": {"get": {}, "put": {"security": []}}}"#,
                "GET /a true, PUT /a",
                "",
            ),
            ("a method in capitals", r#""security": [{"token": []}], "paths": {"/a": {"GET": {}}}"#, "GET /a true", ""),
            ("an empty operation", r#""security": [{"token": []}], "paths": {"/a": {"get": null}}"#, "GET /a true", ""),
            (
                "an operation that is elsewhere takes no other's requests",
                r##""paths": {"/{x}": {"get": {}}, "/a": {"get": {"$ref": "a.json"}}}"##,
                "GET /{x}, GET /a blocked",
                "GET /a: not taken over: the operation refers to \"a.json\", which is not in this description; the path answers 501",
            ),
            (
                "what is in another file is told how to be had",
                r##""paths": {"/{x}": {"get": {}}, "/a": {"$ref": "a.yaml"}}"##,
                "GET /{x}, ANY /a blocked",
                "run `npx @redocly/cli bundle",
            ),
            (
                "an operation that is none, as tools in PHP write an empty one",
                r#""paths": {"/{x}": {"get": {}}, "/a": {"get": [], "put": {}}}"#,
                "GET /{x}, GET /a blocked, PUT /a",
                "GET /a: not taken over: the operation is not an object; the path answers 501",
            ),
            (
                "a path that is none",
                r#""paths": {"/{x}": {"get": {}}, "/a": []}"#,
                "GET /{x}, ANY /a blocked",
                "/a: not taken over: the path is not an object; the path answers 501",
            ),
            (
                "an operation that is none, whose path no pattern matches",
                r#""paths": {"/{x}": {"get": {}, "put": {}}, "/r-{x}": {"get": []}}"#,
                "GET /{x} blocked, PUT /{x}",
                "GET /{x}: takes the requests of GET /r-{x}, whose requirements are unknown; the path answers 501",
            ),
            (
                "security that cannot be understood, where it is inherited and where it is not",
                r#""security": {}, "paths": {"/a": {"get": {}, "put": {"security": []}, "post": {"security": [{"token": 1}]}}}"#,
                "GET /a blocked, PUT /a, POST /a blocked",
                "POST /a: not taken over: the scopes of \"token\" are not a list; the path answers 501",
            ),
            (
                "one request for two issuers",
                r#""paths": {"/{x}": {"get": {"security": [{"token": []}]}}, "/{y}": {"get": {"security": [{"other": []}]}}, "/a": {"get": {}}}"#,
                "GET /{x} true blocked, GET /a",
                "GET /{y} matches the same requests, and they require tokens of different issuers, or different keys: neither is taken over; the path answers 501",
            ),
            (
                "an API key or nothing",
                r#""paths": {"/a": {"get": {"security": [{"key": []}, {}]}}}"#,
                "GET /a { \"optional\": true }",
                "GET /a: credentials are optional, because the description admits requests without them",
            ),
            (
                "an API key or nothing, beside an extension that asks for something",
                r#""paths": {"/a": {"get": {"security": [{"key": []}, {}], "x-permission": "admin"}}}"#,
                "GET /a true",
                "GET /a: x-permission: the gateway does not know it, and requires a token",
            ),
            (
                "an API key that the gateway takes, or nothing, beside an extension that asks for something",
                r#""paths": {"/a": {"get": {"security": [{"partner": []}, {}], "x-amazon-apigateway-auth": "AWS_IAM"}}}"#,
                "GET /a true",
                "GET /a: x-amazon-apigateway-auth: the gateway does not know it, and requires a token",
            ),
            (
                "an API key that the gateway takes, beside such an extension",
                r#""paths": {"/a": {"get": {"security": [{"partner": []}], "x-amazon-apigateway-auth": "AWS_IAM"}}}"#,
                "GET /a true",
                "GET /a: x-amazon-apigateway-auth: the gateway does not know it, and requires a token",
            ),
            (
                "one request for an API key and for what is unknown",
                r#""paths": {"/{x}": {"get": {"security": [{"key": []}]}}, "/{y}": {"get": {"security": [{"partner": []}]}}, "/a": {"get": {}}}"#,
                "GET /{x} true blocked, GET /a",
                "and one requires an API key, and the other what the gateway does not know: neither is taken over",
            ),
            (
                "keys beside a reference count too, and the stricter wins",
                r##""paths": {"/a": {"get": {}}, "/b": {"$ref": "#/paths/~1a", "get": {"security": [{"token": []}]}}}"##,
                "GET /a, GET /b true",
                "GET /b: GET /b matches the same requests",
            ),
            (
                "what no path takes makes stricter what would take its requests",
                r#""paths": {"/{x}": {"get": {}}, "/r-{x}": {"head": {"security": [{"token": ["a"]}]}}}"#,
                "GET /{x} { \"scopes\": [\"a\"] }",
                "GET /{x}: takes the requests of HEAD /r-{x}, and requires what that requires, too",
            ),
            (
                "a method that is none",
                r#""paths": {"/a": {"get": {}, "fetch": {}, "x-own": {}}}"#,
                "GET /a",
                "/a: not taken over: \"fetch\" is not a method",
            ),
        ];
        for (message, members, expected, note) in table {
            let (paths, notes) = routes(members).unwrap();
            let paths: Vec<_> = paths.iter().map(|path| path.replace("\n ", "").replace('\n', " ")).collect();
            assert_eq!(paths.join(", "), expected, "{message}");
            assert!(notes.contains(note), "{message}: {notes}");
        }
    }

    #[test]
    fn what_cannot_be_a_config_is_told() {
        let table = [
            ("no paths", r#""info": {}"#, "no operation can be taken over"),
            ("no operations", r#""paths": {"/a": {}}"#, "no operation can be taken over"),
            ("none that a path can take", r#""paths": {"/a-{b}": {"get": {}}}"#, "GET /a-{b}: not taken over"),
            ("paths that are none", r#""paths": []"#, "paths: is not an object"),
            (
                "security that all inherit",
                r#""security": {}, "paths": {"/a": {"get": {}}}"#,
                "GET /a: not taken over: \"security\" is not a list",
            ),
            ("an operation that is none", r#""paths": {"/a": {"get": 1}}"#, "GET /a: not taken over"),
            ("one file of several", r#""paths": {"/a": {"$ref": "a.yaml"}}"#, "and import the result"),
        ];
        for (message, members, expected) in table {
            let reasons = routes(members).unwrap_err();
            assert!(reasons.contains(expected), "{message}: {reasons}");
            assert!(!reasons.contains("501"), "{message}: there is no entry that could answer: {reasons}");
        }
    }

    #[test]
    fn more_scopes_than_can_be_weighed_leave_out_one_operation() {
        let scopes = (1..=34).map(|number| format!("\"s{number}\"")).collect::<Vec<_>>().join(", ");
        let members = format!(
            r#""paths": {{"/a": {{"get": {{"security": [{{"token": [{scopes}]}}]}}}}, "/b": {{"get": {{}}}}}}"#
        );
        let (paths, notes) = routes(&members).unwrap();
        assert_eq!(paths, ["GET /a blocked", "GET /b"]);
        assert!(
            notes.contains("GET /a: not taken over: an alternative names more than 30 scopes of \"token\""),
            "{notes}"
        );
    }

    #[test]
    fn only_versions_3_0_and_3_1_are_read() {
        let table = [
            (r#"{"openapi": "3.0.4"}"#, Ok("3.0.4")),
            (r#"{"openapi": 3.1}"#, Ok("3.1")),
            (r#"{"openapi": "3.2.0"}"#, Err("is OpenAPI 3.2.0")),
            (r#"{"openapi": "30.1"}"#, Err("is OpenAPI 30.1")),
            (r#"{"swagger": 2.0}"#, Err("is Swagger 2.0")),
            (r#"{"openapi": null}"#, Err("has no \"openapi\"")),
            ("[]", Err("has no \"openapi\"")),
        ];
        for (source, expected) in table {
            match (version(&serde_json::from_str(source).unwrap()), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{source}"),
                (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{source}: {found}"),
                (found, _) => panic!("{source}: {found:?}"),
            }
        }
    }
}
