//! The next steps after `init`: the lines for `.dev.vars` and `wrangler.toml`, and the provider's settings.

use super::answers::Answers;
use super::asked::DEFAULT_PORT;
use crate::output::Output;
use crate::page::Page;
use bargate::authoring::{Mode, Provider};

/// A placeholder for the origin of a deployment.
const DEPLOYED_ORIGIN: &str = "https://bargate.your-subdomain.workers.dev";

/// The variables of a starting point, in the order in which they are printed.
pub struct Variables(Vec<(String, Meaning)>);

/// The meaning of a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Tenant,
    ClientId,
    ClientSecret,
    Audience,
    Upstream,
    /// The gateway's own origin, followed by this path.
    Own(&'static str),
}

impl Variables {
    /// Returns the variables that the config of `mode` refers to.
    pub fn of(provider: Provider, mode: Mode) -> Self {
        let mut variables = vec![
            (provider.tenant_variable(), Meaning::Tenant),
            (provider.variable("CLIENT_ID"), Meaning::ClientId),
            (provider.variable("CLIENT_SECRET"), Meaning::ClientSecret),
            (provider.variable("AUDIENCE"), Meaning::Audience),
        ];
        let callback = |auth0, oidc| match provider {
            Provider::Auth0 => Meaning::Own(auth0),
            Provider::Oidc => Meaning::Own(oidc),
        };
        match mode {
            Mode::Session => {
                variables
                    .push((provider.variable("REDIRECT_URI"), callback("/api/auth0/callback", "/api/oidc/callback")));
            }
            Mode::Tokens => {
                let silent = callback("/api/auth0/silent/callback", "/api/oidc/silent/callback");
                variables.push(("SPA_ORIGIN".to_owned(), Meaning::Own("")));
                variables.push(("SPA_REDIRECT_URI".to_owned(), Meaning::Own("/")));
                variables.push(("SILENT_REDIRECT_URI".to_owned(), silent));
            }
        }
        variables.push(("API_URL".to_owned(), Meaning::Upstream));
        Self(variables)
    }

    /// Returns their names.
    #[cfg(test)]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Returns the redirect URIs that the provider must allow.
    fn callbacks(&self, origin: &str) -> String {
        let paths = self.0.iter().filter(|(name, _)| name.ends_with("REDIRECT_URI"));
        let addresses = paths.filter_map(|(_, meaning)| match meaning {
            Meaning::Own(path) => Some(format!("{origin}{path}")),
            _ => None,
        });
        addresses.collect::<Vec<_>>().join(", ")
    }
}

/// Returns the text of a `.dev.vars`.
pub fn dev_vars(answers: &Answers) -> String {
    let provider = answers.provider;
    let mut text = format!(
        "# For local runs. Never commit this file. Fill in {} and {}.\n",
        provider.variable("CLIENT_ID"),
        provider.variable("CLIENT_SECRET")
    );
    for line in dev_lines(answers) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Returns what is printed after the files are written.
pub fn page(answers: &Answers, output: &Output, dev_vars: Option<&Output>) -> Page {
    let variables = Variables::of(answers.provider, answers.mode);
    let provider = answers.provider;
    let mut page = Page::default();
    if !output.is_standard() {
        page.line(format!("{}: written.", output.name()));
        page.line("");
    }
    match dev_vars {
        Some(file) => {
            let (id, secret) = (provider.variable("CLIENT_ID"), provider.variable("CLIENT_SECRET"));
            page.line(format!("{}: written, for local runs. Fill in {id} and {secret}.", file.name()));
            page.line("");
        }
        None => {
            add(
                &mut page,
                "For local runs, in .dev.vars, which git ignores (--dev-vars writes this file):",
                dev_lines(answers),
            );
        }
    }
    add(&mut page, "For a deployment, in wrangler.toml:", deployed_lines(answers));
    let command = format!("npx wrangler secret put {}", provider.variable("CLIENT_SECRET"));
    add(&mut page, "and the secret, which is in no file:", vec![command]);
    let place = match answers.provider {
        Provider::Auth0 => "At Auth0, for local runs (for a deployment, with its address):",
        Provider::Oidc => "At the provider, for local runs (for a deployment, with its address):",
    };
    add(&mut page, place, provider_lines(answers, &variables));
    let config = if output.is_standard() { "gateway.config.json".to_owned() } else { output.name() };
    let file = dev_vars.map_or_else(|| ".dev.vars".to_owned(), Output::name);
    let port = if answers.port == DEFAULT_PORT { String::new() } else { format!("--port {} ", answers.port) };
    page.line("Then:");
    page.line("");
    page.line(format!("  bargate check --env-file {file} --wrangler wrangler.toml {config}"));
    page.line(format!("  npx wrangler dev {port}--assets DIRECTORY_OF_THE_PAGE"));
    page
}

/// Adds a heading and the lines below it.
fn add(page: &mut Page, heading: &str, lines: Vec<String>) {
    page.line(heading);
    page.line("");
    for line in lines {
        page.line(format!("  {line}"));
    }
    page.line("");
}

fn dev_lines(answers: &Answers) -> Vec<String> {
    let variables = Variables::of(answers.provider, answers.mode);
    variables.0.iter().map(|(name, meaning)| format!("{name}={}", in_dotenv(&local(answers, *meaning)))).collect()
}

/// Returns the gateway's origin in local runs.
fn local_origin(answers: &Answers) -> String {
    format!("http://127.0.0.1:{}", answers.port)
}

fn local(answers: &Answers, meaning: Meaning) -> String {
    match meaning {
        Meaning::Tenant => answers.tenant.clone(),
        Meaning::Audience => answers.audience.clone(),
        Meaning::Upstream => answers.upstream.clone(),
        Meaning::Own(path) => format!("{}{path}", local_origin(answers)),
        Meaning::ClientId | Meaning::ClientSecret => String::new(),
    }
}

/// Returns a value in the syntax of `.dev.vars`; no answer has a single quote.
fn in_dotenv(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?@%+,=&[]".contains(c);
    if value.chars().all(plain) { value.to_owned() } else { format!("'{value}'") }
}

fn deployed_lines(answers: &Answers) -> Vec<String> {
    let variables = Variables::of(answers.provider, answers.mode);
    let mut lines = vec!["[vars]".to_owned()];
    for (name, meaning) in variables.0 {
        let value = match meaning {
            Meaning::ClientSecret => continue,
            Meaning::ClientId => "the application's client id".to_owned(),
            Meaning::Own(path) => format!("{DEPLOYED_ORIGIN}{path}"),
            other => local(answers, other),
        };
        lines.push(format!("{name} = {}", toml::Value::String(value)));
    }
    lines
}

fn provider_lines(answers: &Answers, variables: &Variables) -> Vec<String> {
    let origin = local_origin(answers);
    let callbacks = variables.callbacks(&origin);
    let audience = &answers.audience;
    match answers.provider {
        Provider::Auth0 => {
            let mut lines = vec![
                "Applications: a Regular Web Application, with the grants Authorization Code and Refresh Token"
                    .to_owned(),
                format!("  Allowed Callback URLs: {callbacks}"),
            ];
            if answers.mode == Mode::Session {
                lines.push(format!("  Allowed Logout URLs: {origin}/"));
            }
            lines.push("  Refresh Token Rotation: on, Rotation Overlap Period: 30 seconds".to_owned());
            lines.push(format!("APIs: one with the Identifier {audience}, RS256, Allow Offline Access: on"));
            lines
        }
        Provider::Oidc => {
            let mut lines = vec![
                "A confidential client with the grants authorization_code (PKCE) and refresh_token".to_owned(),
                format!("  Redirect URIs: {callbacks}"),
            ];
            if answers.mode == Mode::Session {
                lines.push(format!("  Post-logout redirect URI: {origin}/"));
            }
            lines.push(format!("Access tokens that are JWTs signed with RS256, for the audience {audience}"));
            lines
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bargate::authoring::starting_point;
    use bargate::config::ReferenceKind;
    use bargate::deployment::EnvFiles;
    use bargate::text_file::TextFile;

    fn answers(provider: Provider, mode: Mode, audience: &str) -> Answers {
        Answers {
            provider,
            mode,
            tenant: "tenant.eu.auth0.com".to_owned(),
            audience: audience.to_owned(),
            upstream: "https://upstream.example.com/v1".to_owned(),
            port: 8800,
        }
    }

    #[test]
    fn a_starting_point_has_neither_mistakes_nor_warnings_and_refers_to_the_variables_that_are_told() {
        for (provider, mode) in
            [Provider::Auth0, Provider::Oidc].into_iter().flat_map(|one| [(one, Mode::Session), (one, Mode::Tokens)])
        {
            let text = starting_point(provider, mode).to_file_text();
            let mistakes: Vec<_> = bargate::review::review(&text).iter().map(ToString::to_string).collect();
            assert_eq!(mistakes, [""; 0], "{provider:?} {mode:?}");
            let references = bargate::config::references(&text);
            let mut variables = Variables::of(provider, mode).names();
            variables.sort();
            let mut needed: Vec<_> = references.iter().map(|reference| reference.name.clone()).collect();
            needed.sort();
            assert_eq!(variables, needed, "{provider:?} {mode:?}");
            let secrets = references.iter().filter(|reference| reference.kind == ReferenceKind::Secret);
            assert_eq!(secrets.count(), 1, "{provider:?} {mode:?}: the client secret alone is one");
        }
    }

    #[test]
    fn the_lines_are_read_as_the_answers() {
        for audience in ["https://api.example.com/", "urn:api #1", "a \"b\" $c \\n `d`", "é"] {
            let answers = answers(Provider::Auth0, Mode::Tokens, audience);
            let text = dev_vars(&answers);
            let file = TextFile { name: ".dev.vars".to_owned(), text: text.clone() };
            let read = EnvFiles::parse(vec![file], bargate::deployment::Variables::default()).unwrap();
            assert_eq!(read.value("AUTH0_AUDIENCE"), Some(audience), "{text}");
            for (name, _) in Variables::of(Provider::Auth0, Mode::Tokens).0 {
                assert!(read.value(&name).is_some(), "{name}: {text}");
            }

            let table: toml::Table = deployed_lines(&answers).join("\n").parse().unwrap();
            assert_eq!(table["vars"]["AUTH0_AUDIENCE"].as_str(), Some(audience));
            assert!(table["vars"].get("AUTH0_CLIENT_SECRET").is_none(), "the secret is no variable");
        }
    }

    #[test]
    fn every_redirect_uri_is_among_what_the_provider_has_to_know() {
        let table = [
            (Provider::Auth0, Mode::Session, "http://127.0.0.1:8800/api/auth0/callback"),
            (Provider::Oidc, Mode::Session, "http://127.0.0.1:8800/api/oidc/callback"),
            (Provider::Auth0, Mode::Tokens, "http://127.0.0.1:8800/, http://127.0.0.1:8800/api/auth0/silent/callback"),
        ];
        for (provider, mode, expected) in table {
            let lines = provider_lines(&answers(provider, mode, "api"), &Variables::of(provider, mode)).join("\n");
            assert!(lines.contains(&format!(": {expected}\n")), "{provider:?} {mode:?}: {lines}");
        }
    }
}
